/*
 * utramp/print.h - maps and ring records of an object as lines, by the types in its BTF.
 *
 * What `utramp run` prints; utramp(1) shows the forms.  A ring's records have the type that the
 * object names after the map: `struct events_event` for a ring named events.  clang keeps a
 * struct only if something refers to it, a variable at least:
 *
 *	struct events_event *_events_event;
 *
 * Lines    have no newline and live until the callback returns
 * Else     as in utramp/utramp.h
 */
#ifndef UTRAMP_PRINT_H
#define UTRAMP_PRINT_H

#include <utramp/utramp.h>

#ifdef __cplusplus
extern "C" {
#endif

struct utramp_print_opts {
	size_t sz;
	bool json; /* one object a line, else text */
};
typedef void (*utramp_line_fn)(void *ctx, const char *line, size_t n);

/*
 * Number of lines; 0: nothing is in it, or it is a ring.  EPERM: created with BPF_F_WRONLY.
 * Before the target has ended or is detached, it is as it happens to be.
 */
UTRAMP_API int utramp_map__print(struct utramp_map *m, const struct utramp_print_opts *opts,
				 utramp_line_fn line, void *ctx);

/* Not to be printed unasked: its name begins with '_', it holds constants, or it is a ring. */
UTRAMP_API bool utramp_map__is_hidden(const struct utramp_map *m);

/* One record of a ring, as the callback of its reader gets it; one line. */
UTRAMP_API int utramp_map__format_record(struct utramp_map *m, const void *data, size_t size,
					 const struct utramp_print_opts *opts, utramp_line_fn line,
					 void *ctx);

/* The type of a ring's records as C spells it; NULL: none, they are printed in hex. */
UTRAMP_API const char *utramp_map__record_type(struct utramp_map *m);

#ifdef __cplusplus
}
#endif
#endif
