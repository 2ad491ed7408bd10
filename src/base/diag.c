/*
 * base/diag.c - see diag.h.
 */
#include "base/diag.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int diag_set(struct diag *d, int err, const char *fmt, ...)
{
	va_list ap;

	if (d) {
		va_start(ap, fmt);
		vsnprintf(d->text, sizeof(d->text), fmt, ap);
		va_end(ap);
	}
	return err;
}

void diag_add(struct diag *d, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	if (!d)
		return;
	n = strlen(d->text);
	if (n && n < sizeof(d->text) - 1)
		d->text[n++] = '\n';
	va_start(ap, fmt);
	vsnprintf(d->text + n, sizeof(d->text) - n, fmt, ap);
	va_end(ap);
}

int diag_inner(int err)
{
	switch (-err) {
	case EACCES:
		return -EPERM;
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case ENOEXEC:
	case ELOOP:
	case ETXTBSY:
	case E2BIG:
	case ENAMETOOLONG:
		return -EIO;
	default:
		return err;
	}
}

const char *diag_text(const struct diag *d, int err)
{
	return d && d->text[0] ? d->text : strerror(err < 0 ? -err : err);
}
