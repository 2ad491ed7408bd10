/*
 * utramp/write.h - programs that write the target's memory, by bpf_probe_write_user().
 *
 * They can make the target misbehave or crash, so an object that has one is refused unless this was said.
 *
 * Else     as in utramp/utramp.h
 */
#ifndef UTRAMP_WRITE_H
#define UTRAMP_WRITE_H

#include <utramp/utramp.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Before loading (EINVAL): its programs may. */
UTRAMP_API int utramp_object__allow_write(struct utramp_object *o, bool on);

/* Does it?  Once it is loaded. */
UTRAMP_API bool utramp_program__writes(const struct utramp_program *p);

#ifdef __cplusplus
}
#endif
#endif
