/*
 * base/diag.h - a bounded text that says why something failed.
 *
 * Travels beside a negative errno.  Written by the function that knows the
 * reason; printed only by the CLI.
 *
 * Units    DIAG_MAX bytes including the final NUL; longer text is cut.
 * Memory   the caller's, usually on its stack; a NULL diag is fine everywhere.
 * Context  [ctl] any thread; one struct belongs to one caller.
 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdarg.h>

#define DIAG_MAX 2048

struct diag {
	char text[DIAG_MAX];
};

/*
 * Set the reason (replacing an earlier one) and return err, so that a failing
 * function can end with: return diag_set(d, -ENOENT, "no function %s", name);
 */
int diag_set(struct diag *d, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Append a line to what is there. */
void diag_add(struct diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Where execve(2)'s errors mean the user's command, one of a file of our own must not look
 * like it: -EACCES becomes -EPERM, -ENOENT and its like -EIO.  Others are as they were.
 */
int diag_inner(int err);

/* The text, or the name of the error if there is none; never NULL. */
const char *diag_text(const struct diag *d, int err);

#endif
