/*
 * info/unwind.c - see unwind.h.
 */
#include "info/unwind.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define MAX_FRAMES 4096 /* a stack may be damaged in a ring */

struct unwind {
	Dwfl *dwfl;
	const struct unwind_walk *walk;
	unsigned depth;
	int result;
};

static int no_debuginfo(Dwfl_Module *mod, void **user, const char *name, Dwarf_Addr base,
			const char *file, const char *link, GElf_Word crc, char **out)
{
	return -1;
}

static int no_elf(Dwfl_Module *mod, void **user, const char *name, Dwarf_Addr base, char **file,
		  Elf **elf)
{
	return -1; /* all are reported with their files */
}

static const Dwfl_Callbacks callbacks = { .find_elf = no_elf, .find_debuginfo = no_debuginfo };

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread)
{
	return 0; /* nobody iterates */
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread)
{
	*thread = arg;
	return true;
}

static bool read_word(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *out, void *arg)
{
	const struct unwind *u = arg;
	uint64_t word;

	if (u->walk->read(u->walk->arg, addr, &word) < 0)
		return false;
	*out = word;
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	const struct unwind *u = arg;
	Dwarf_Word reg[UNWIND_REGS];

	for (int i = 0; i < UNWIND_REGS; i++)
		reg[i] = u->walk->reg[i];
	return dwfl_thread_state_registers(thread, 0, UNWIND_REGS, reg);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_word,
	.set_initial_registers = set_registers,
};

int unwind_new(pid_t pid, const struct module_list *m, struct unwind **out, struct diag *d)
{
	struct unwind *u = calloc(1, sizeof(*u));
	char path[PATH_MAX];

	if (u)
		u->dwfl = dwfl_begin(&callbacks);
	if (!u || !u->dwfl) {
		free(u);
		return diag_set(d, -ENOMEM, "no memory for unwinding");
	}
	dwfl_report_begin(u->dwfl);
	/* one that cannot be read has no tables: frames in it end the walk */
	for (size_t i = 0; i < m->n; i++) {
		if (module_path(pid, m, &m->at[i], path, sizeof(path)) == 0)
			dwfl_report_elf(u->dwfl, m->at[i].path, path, -1, m->at[i].bias, true);
	}
	dwfl_report_end(u->dwfl, NULL, NULL);
	if (!dwfl_attach_state(u->dwfl, NULL, pid, &thread_callbacks, u)) {
		unwind_free(u);
		return diag_set(d, -EBADMSG, "process %d: its stacks cannot be read: %s", (int)pid,
				dwfl_errmsg(-1));
	}
	*out = u;
	return 0;
}

void unwind_free(struct unwind *u)
{
	if (!u)
		return;
	dwfl_end(u->dwfl);
	free(u);
}

static int take_frame(Dwfl_Frame *f, void *arg)
{
	struct unwind *u = arg;
	bool exact = false;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(f, &pc, &exact) || u->depth == MAX_FRAMES) {
		u->result = -EBADMSG;
		return DWARF_CB_ABORT;
	}
	u->result = u->walk->frame(u->walk->arg, exact ? pc : pc - 1, u->depth++);
	return u->result ? DWARF_CB_ABORT : DWARF_CB_OK;
}

int unwind_walk(struct unwind *u, const struct unwind_walk *w)
{
	int r;

	u->walk = w;
	u->depth = 0;
	u->result = 0;
	r = dwfl_getthread_frames(u->dwfl, dwfl_pid(u->dwfl), take_frame, u);
	if (u->result)
		return u->result;
	return r ? -EBADMSG : 0;
}
