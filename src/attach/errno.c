/*
 * attach/errno.c - where the target keeps errno, for utramp_set_errno(); see session.h.
 *
 * errno is thread-local in libc and has no symbol that others may use, but __errno_location()
 * returns its address and is two instructions in every libc (x86/insn.h).  They are read in
 * the file: in the process the function may be traced.  The distance from the thread pointer is
 * one for all threads, since libc is there from the start (static TLS).
 *
 * Context  [ctl]
 * Spec     LSB 5.0 libc, __errno_location; psABI 3.4.6
 */
#include "attach/session.h"
#include "x86/insn.h"

#include <errno.h>
#include <string.h>

#define LOCATION   "__errno_location"
#define CODE_BYTES 64

/* A file does not run, so any distance will do to look at. */
#define FILE_ERRNO (-64)

/* The one that the loader takes: that of the first module which has it. */
static const struct amodule *find_location(const struct utramp_target *t, const struct objsym **sym)
{
	for (size_t i = 0; i < t->mods->n; i++) {
		const struct amodule *m = t->mods->at[i];
		const struct objsym *s = objfile_sym(m->obj, LOCATION);

		if (s && s->dynamic && s->type == OBJSYM_FUNC) {
			*sym = s;
			return m;
		}
	}
	return NULL;
}

/* *why: what is the matter, behind the module's name. */
static int read_offset(struct process *p, const struct objfile *o, taddr_t bias,
		       const struct objsym *sym, int64_t *off, const char **why)
{
	struct x86_tls_address where;
	uint8_t code[CODE_BYTES];
	size_t n = objfile_bytes(o, sym->addr, code, sizeof(code));

	if (x86_tls_address(code, n, sym->addr + bias, &where) < 0) {
		*why = "returns errno's address in a way that we do not know";
		return -ENOTSUP;
	}
	*off = where.off;
	if (where.in_word && process_read(p, where.word, off, sizeof(*off)) < 0) {
		*why = "reads errno's place from memory that cannot be read";
		return -ENOTSUP;
	}
	/* not relocated yet, or not the place of an int */
	if (!*off || *off != (int32_t)*off || *off % 4) {
		*why = "does not tell a place in every thread's memory";
		return -ENOTSUP;
	}
	return 0;
}

int session_errno_off(struct process *p, const struct objfile *libc, taddr_t bias, int64_t *off)
{
	const struct objsym *s = objfile_sym(libc, LOCATION);
	const char *why;
	int err = s && s->type == OBJSYM_FUNC ? read_offset(p, libc, bias, s, off, &why) : -ENOENT;

	*off = err ? 0 : *off;
	return err;
}

int session_errno(struct utramp_target *t, const char *program, struct diag *d)
{
	const struct objsym *sym;
	const struct amodule *m;
	int64_t off = FILE_ERRNO;
	const char *why;

	if (t->env[0].errno_off)
		return 0;
	if (!t->file) {
		m = find_location(t, &sym);
		if (!m)
			return diag_set(d, -ENOTSUP,
					"program %s calls utramp_set_errno(), and no module of the "
					"target has " LOCATION "(), which tells where errno is: "
					"leave errno alone, or link libc dynamically",
					program);
		if (read_offset(t->proc, m->obj, m->bias, sym, &off, &why) < 0)
			return diag_set(d, -ENOTSUP,
					"program %s calls utramp_set_errno(), and " LOCATION
					"() of %s %s: leave errno alone",
					program, m->shown, why);
	}
	for (unsigned i = 0; i < SLABS; i++)
		t->env[i].errno_off = (int32_t)off;
	return 0;
}
