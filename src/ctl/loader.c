/*
 * ctl/loader.c - the program at its first instruction, what its loader tells, and the environment
 * that makes the loader take the slabs in.
 *
 * Errors   -EPERM AT_SECURE; -ENOTSUP static, 32-bit, not glibc's loader, or it left the slabs out;
 *          -ERANGE it put them out of reach; -EBADMSG damaged
 * Context  [ctl]
 * Spec     ld.so(8); getauxval(3); <link.h> struct r_debug; glibc elf/rtld.c dl_main() for the
 *          order: RT_CONSISTENT is announced after relocation
 */
#include "base/cleanup.h"
#include "ctl/priv.h"
#include "info/needed.h"
#include "info/objfile.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

/*
 * A program of gcc's address sanitizer wants its runtime to be the first library; it is loaded
 * anyhow.
 */
char *loader_preload(const struct process *p, const char *program, const char *users)
{
	char first[NAME_MAX + 1] = "", *text;

	needed_find(program, "libasan.so", first, sizeof(first));
	if (asprintf(&text, ENV_PRELOAD "%s%s%s:%s%s%s", first, *first ? ":" : "",
		     p->slab[SLAB_EXE].path, p->slab[SLAB_LIB].path, users && *users ? ":" : "",
		     users ? users : "") < 0)
		return NULL;
	return text;
}

/*
 *   before  ... | bias | preload |  NULL | auxv ...
 *   after   ... | NULL | AT_IGNORE    0  | auxv ...
 *
 * Code that walks from the environment's end to the auxiliary vector finds it as before.
 */
int loader_forget_env(struct process *p, taddr_t bias_at, char *const ours[OUR_ENTRIES])
{
	static const uint64_t after[OUR_ENTRIES] = { 0, AT_IGNORE };
	uint64_t at[OUR_ENTRIES];
	int err = process_read(p, bias_at, at, sizeof(at));

	if (!err)
		err = process_write(p, bias_at, after, sizeof(after));
	/* the texts too: /proc/PID/environ shows them */
	for (int i = 0; i < OUR_ENTRIES && !err; i++) {
		size_t n = strlen(ours[i]);
		_free_ char *zeros = calloc(1, n);

		err = zeros ? process_write(p, at[i], zeros, n) : -ENOMEM;
	}
	return err;
}

/* Whom we cannot help, by name; AT_SECURE: ld.so(8) "secure-execution mode". */
int loader_check(struct process *p, const char *path, const struct tracee *t, struct aux *a,
		 struct diag *d)
{
	struct user_regs_struct r;
	int err = tracee_regs(t, &r);

	if (err == -ENOTSUP)
		return diag_set(d, err, "%s is a 32-bit program", path);
	if (!err)
		err = read_aux(p, a);
	if (err)
		return diag_set(d, err, "/proc/%d/auxv: %s", p->pid, strerror(-err));
	if (a->secure)
		return diag_set(d, -EPERM,
				"%s runs in secure-execution mode (set-user-ID, set-group-ID or "
				"capabilities): the loader takes no library into it",
				path);
	if (!a->loader)
		return diag_set(
			d, -ENOTSUP,
			"%s is statically linked: it has no loader that takes a library in; "
			"link it dynamically",
			path);
	if (a->phent != sizeof(Elf64_Phdr) || a->phnum > 4096)
		return diag_set(d, -EBADMSG, "%s: its program headers are damaged", path);
	return 0;
}

int loader_find(struct process *p, const struct map_list *maps, struct loader *out, struct diag *d)
{
	taddr_t base = process_priv(p)->loader;
	const struct map_region *r = maps_at(maps, base);
	const struct objsym *state, *debug;
	struct objfile *o;
	char path[PATH_MAX];
	int err;

	if (!r || r->path[0] != '/')
		return diag_set(d, -ENOTSUP, "process %d: its loader is not a file", p->pid);
	snprintf(path, sizeof(path), "/proc/%d/root%s", p->pid, r->path);
	err = objfile_open(path, &o, d);
	if (err)
		return err;
	state = objfile_sym(o, "_dl_debug_state");
	debug = objfile_sym(o, "_r_debug");
	if (state && debug && o->nseg) {
		taddr_t bias = base - (o->seg[0].addr & ~4095ull);

		out->debug_state = bias + state->addr;
		out->r_debug = bias + debug->addr;
	} else {
		err = diag_set(d, -ENOTSUP,
			       "%s is not glibc's loader (no _dl_debug_state, _r_debug)", r->path);
	}
	objfile_close(o);
	return err;
}

int loader_is_ready(struct process *p, const struct loader *l, const struct slab_template *slab,
		    bool audited, struct diag *d)
{
	struct map_list maps = { 0 };
	bool libc = false;
	int state, ready;

	if (process_read(p, l->r_debug + offsetof(struct r_debug, r_state), &state, sizeof(state)) <
		    0 ||
	    state != RT_CONSISTENT || maps_read(p->pid, &maps, NULL) < 0)
		return 0;
	for (size_t i = 0; i < maps.n && !libc; i++) {
		const char *name = strrchr(maps.at[i].path, '/');

		libc = name && (!strncmp(name, "/libc.so", 8) || !strncmp(name, "/libc-2.", 8));
	}
	ready = slab_locate(p, slab, &maps);
	maps_free(&maps);
	/* an auditor's name space is announced before: the entry point tells then */
	if (!ready && libc && !audited)
		return diag_set(d, -ENOTSUP, "the loader did not load %s", p->slab[0].path);
	if (ready && !slab_in_reach(p))
		return diag_set(d, -ERANGE,
				"the loader put %s at %#llx, out of reach of the executable",
				p->slab[SLAB_EXE].path, (unsigned long long)p->slab[SLAB_EXE].bias);
	return ready;
}
