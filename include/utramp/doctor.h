/*
 * utramp/doctor.h - what this machine allows, and whether a process can be attached to.
 *
 * The lines are those that errors of attaching are made of: what is wrong, and what to do then.
 * Nothing is done to the process.
 *
 * Errors   as in utramp/utramp.h; of utramp_doctor() itself: ENOMEM
 */
#ifndef UTRAMP_DOCTOR_H
#define UTRAMP_DOCTOR_H

#include <utramp/utramp.h>

#ifdef __cplusplus
extern "C" {
#endif

enum utramp_doctor_state {
	UTRAMP_DOCTOR_OK,
	UTRAMP_DOCTOR_WARN, /* something will not work, or not in every case */
	UTRAMP_DOCTOR_BAD,  /* nothing will */
};

struct utramp_doctor_line {
	size_t sz;
	bool of_process;  /* else of the machine */
	const char *what; /* "ptrace scope" */
	enum utramp_doctor_state state;
	int err; /* of a bad one, what attaching gives: EPERM, ESRCH, ENOTSUP, EROFS, negative */
	const char *text;   /* how it is */
	const char *remedy; /* what to do, a sentence without its full stop; NULL: nothing */
	const char *json;   /* the whole as one JSON object */
};

/* The machine's lines, then, if pid is not 0, the process's; fn returning not 0 stops. */
UTRAMP_API int utramp_doctor(pid_t pid, int (*fn)(void *ctx, const struct utramp_doctor_line *l),
			     void *ctx);

#ifdef __cplusplus
}
#endif
#endif
