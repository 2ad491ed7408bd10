/*
 * ctl/follow_load.c - the slabs into a program that a followed process executed.
 *
 *   exec stop: slab files written, the initial stack laid out anew below itself, its environment
 *        │     with two entries more; a system call in ld.so's _dl_debug_state()
 *        ▼
 *   ld.so maps, relocates ──▶ that call, with RT_CONSISTENT and both slabs mapped
 *                               │  function and environment put back
 *                               ▼  event stop: p->stopped
 *
 * L.1  No int3: whoever loses us at any instant goes on (follow.h F.2).  _dl_debug_state() is one
 *      `ret` and padding; it becomes getpid(); ret, which does nothing when nobody looks.
 * L.2  The strings stay where they are, so /proc/PID/environ and cmdline are as ever, and what is
 *      new of the environment is gone before the program's first instruction.
 *
 * Context  [ctl]
 * Spec     psABI 3.4.1 "Initial Stack and Register State"; fs/exec.c setup_arg_pages(): 128 KiB of
 *          stack are mapped below it; ptrace(2) "Syscall-stops": rax is -ENOSYS at the first of two
 */
#include "ctl/follow_priv.h"

#include "base/cleanup.h"
#include "ctl/journal.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD_LIMIT_NS 10000000000ull
#define BACK_LIMIT_NS 1000000000ull

enum {
	WORDS_MAX = 12 << 10, /* of the vectors: they have to fit into what is mapped below them */
	SLACK = 8192,         /* of stack, for the loader's first steps */
	TEXT_MAX = 4096,
	STUB = 8,
};

static const uint8_t stub[STUB] = { 0xb8, SYS_getpid, 0, 0, 0, 0x0f, 0x05, 0xc3 };
enum { STUB_AFTER_CALL = 7 };

struct loading {
	struct followed *of;
	struct process *p;
	const struct follow_load_opts *opts;
	struct loader loader;
	struct {
		VEC(uint64_t); /* argc, argv, NULL, environment, NULL, auxiliary vector */
	} words;
	size_t env, env_n; /* index of its first word; how many */
	taddr_t bias_at;   /* where our entries are; 0: nowhere */
	char *preload;
	bool audited;
	uint8_t saved[STUB];
	bool patched;
	char path[PATH_MAX];
};

/* -- what is not taken ------------------------------------------------------------------------- */

static int filters_of(const char *who)
{
	char path[64], line[256];
	_fclose_ FILE *f = NULL;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%s/status", who);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Seccomp_filters: %d", &n) == 1)
			break;
	}
	return n;
}

/* One that we have not may kill it for our system calls. */
static int check_filters(const struct loading *l, struct diag *d)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)l->p->pid);
	if (filters_of(pid) <= filters_of("self"))
		return 0;
	return diag_set(d, -ENOTSUP, "%s runs under a seccomp filter of its own", l->path);
}

static void name_program(struct loading *l)
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)l->p->pid);
	n = readlink(link, l->path, sizeof(l->path) - 1);
	l->path[n > 0 ? n : 0] = '\0';
	if (n <= 0)
		snprintf(l->path, sizeof(l->path), "its program");
}

/* -- the initial stack -------------------------------------------------------------------------- */

/* The number of words up to AT_NULL's value; 0: there is more to read, or it is damaged. */
static size_t vectors_end(struct loading *l)
{
	const uint64_t *w = l->words.at;
	size_t n = l->words.n, i;

	if (!n || w[0] >= n)
		return 0;
	l->env = i = (size_t)w[0] + 2;
	while (i < n && w[i])
		i++;
	l->env_n = i - l->env;
	for (i++; i + 1 < n; i += 2) {
		if (w[i] == AT_NULL)
			return i + 2;
	}
	return 0;
}

static int read_vectors(struct loading *l, taddr_t rsp, struct diag *d)
{
	size_t end = 0;

	while (!end && l->words.n < WORDS_MAX) {
		taddr_t at = rsp + 8 * l->words.n;
		size_t n = (4096 - at % 4096) / 8;

		if (vec_reserve(&l->words, n) < 0)
			return -ENOMEM;
		if (process_read(l->p, at, l->words.at + l->words.n, 8 * n) < 0)
			return diag_set(d, -EBADMSG, "%s: its stack is not as expected", l->path);
		l->words.n += n;
		end = vectors_end(l);
	}
	if (!end)
		return diag_set(d, -E2BIG,
				"%s has more than %d arguments and variables of environment: too "
				"many to add one",
				l->path, WORDS_MAX);
	l->words.n = end;
	return 0;
}

/* The value of a variable that begins so, up to TEXT_MAX bytes; "" none. */
static int read_variable(struct loading *l, const char *name, char *out, struct diag *d)
{
	size_t len = strlen(name);
	char head[16];

	out[0] = '\0';
	for (size_t i = 0; i < l->env_n; i++) {
		taddr_t at = l->words.at[l->env + i];

		if (process_read(l->p, at, head, len) < 0 || memcmp(head, name, len) != 0)
			continue;
		for (size_t n = 0;; n++) {
			if (n == TEXT_MAX || process_read(l->p, at + len + n, out + n, 1) < 0)
				return diag_set(d, -E2BIG, "%s: its %s is too long to add to",
						l->path, name);
			if (!out[n])
				break;
		}
	}
	return 0;
}

static int make_preload(struct loading *l, struct diag *d)
{
	char users[TEXT_MAX + 1], exe[32];
	int err = read_variable(l, "LD_AUDIT=", users, d);

	l->audited = users[0] != '\0';
	if (!err)
		err = read_variable(l, ENV_PRELOAD, users, d);
	if (err)
		return err;
	snprintf(exe, sizeof(exe), "/proc/%d/exe", (int)l->p->pid);
	l->preload = loader_preload(l->p, exe, users);
	return l->preload ? 0 : -ENOMEM;
}

/* The lowest address that the stack has memory mapped at. */
static taddr_t stack_floor(const struct map_list *maps, taddr_t rsp)
{
	const struct map_region *r = maps_at(maps, rsp);

	return r ? r->lo : rsp;
}

/*
 *   rsp ▶ argc | argv | NULL | environment | bias | preload | NULL | auxv | texts of both
 *                                                  below what the kernel made, which stays
 */
static int write_stack(struct loading *l, const struct map_list *maps, const struct tracee *t,
		       struct user_regs_struct *r, struct diag *d)
{
	size_t n = l->words.n + OUR_ENTRIES, bias = sizeof(ENV_BIAS),
	       texts = bias + strlen(l->preload) + 1;
	taddr_t at = (r->rsp - 8 * n - texts) & ~15ull;
	size_t env_end = l->env + l->env_n;
	_free_ uint64_t *all = malloc(8 * n + texts);
	int err;

	if (!all)
		return -ENOMEM;
	if (at < stack_floor(maps, r->rsp) + SLACK)
		return diag_set(d, -E2BIG, "%s: there is no room on its stack", l->path);
	memcpy(all, l->words.at, 8 * env_end);
	all[env_end] = at + 8 * n;
	all[env_end + 1] = at + 8 * n + bias;
	memcpy(all + env_end + OUR_ENTRIES, l->words.at + env_end, 8 * (l->words.n - env_end));
	memcpy(all + n, ENV_BIAS, bias);
	memcpy((char *)(all + n) + bias, l->preload, texts - bias);
	err = process_write(l->p, at, all, 8 * n + texts);
	if (err)
		return diag_set(d, err, "%s: its stack cannot be written", l->path);
	l->bias_at = at + 8 * env_end;
	r->rsp = at;
	return tracee_set_regs(t, r);
}

/* -- _dl_debug_state --------------------------------------------------------------------------- */

/* A function that does nothing, and padding up to the next boundary of 16 bytes. */
static bool is_empty_function(const uint8_t *at, taddr_t addr)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	size_t ret = memcmp(at, endbr, sizeof(endbr)) ? 0 : sizeof(endbr);
	uint8_t next = at[ret + 1];

	return addr % 16 == 0 && at[ret] == 0xc3 &&
	       (next == 0x66 || next == 0x0f || next == 0x2e || next == 0x90 || next == 0xcc);
}

static int write_stub(struct loading *l, struct diag *d)
{
	int err = process_read(l->p, l->loader.debug_state, l->saved, STUB);

	if (err)
		return err;
	if (!is_empty_function(l->saved, l->loader.debug_state))
		return diag_set(d, -ENOTSUP,
				"%s: its loader's _dl_debug_state() is not as glibc has it",
				l->path);
	err = process_write(l->p, l->loader.debug_state, stub, STUB);
	l->patched = !err;
	return err;
}

static void put_back(struct loading *l)
{
	char bias[] = ENV_BIAS;
	char *const ours[OUR_ENTRIES] = { bias, l->preload };

	if (l->patched)
		process_write(l->p, l->loader.debug_state, l->saved, STUB);
	l->patched = false;
	if (l->bias_at)
		loader_forget_env(l->p, l->bias_at, ours);
	l->bias_at = 0;
}

/* -- the exec stop ------------------------------------------------------------------------------ */

static int write_slabs(struct loading *l, const struct map_list *maps, struct diag *d)
{
	struct process *p = l->p;
	struct process_priv *pp = process_priv(p);
	taddr_t base = slab_place(maps, pp->exe, pp->layout.span);
	int err;

	if (!base)
		return diag_set(d, -ERANGE, "%s: no room of %llu MiB within 2 GiB of it", l->path,
				(unsigned long long)pp->layout.span >> 20);
	process_find_root(p);
	err = slab_choose_paths(p, l->opts->dir, d);
	if (!err)
		journal_begin(p);
	if (!err)
		err = slab_write(p, SLAB_EXE, l->opts->slab, base - pp->layout.lowest, d);
	if (!err)
		err = slab_write(p, SLAB_LIB, l->opts->slab, 0, d);
	return err ? err : slab_give_files(p, d);
}

static int at_exec(struct loading *l, const struct map_list *maps, const struct tracee *t,
		   struct diag *d)
{
	struct process *p = l->p;
	struct user_regs_struct r;
	int err = loader_find(p, maps, &l->loader, d);

	if (!err)
		err = write_slabs(l, maps, d);
	if (!err)
		err = tracee_regs(t, &r);
	if (!err)
		err = read_vectors(l, r.rsp, d);
	if (!err)
		err = make_preload(l, d);
	if (!err)
		err = write_stub(l, d);
	if (!err)
		err = write_stack(l, maps, t, &r, d);
	return err;
}

static int look(struct loading *l, const struct tracee *t, struct map_list *maps, struct diag *d)
{
	struct process *p = l->p;
	struct process_priv *pp = process_priv(p);
	struct aux a = { 0 };
	int err = loader_check(p, l->path, t, &a, d);

	if (!err)
		err = check_filters(l, d);
	if (err)
		return err;
	pp->entry = a.entry;
	pp->phdr = a.phdr;
	pp->loader = a.loader;
	pp->vdso = a.vdso;
	err = process_open_mem(p, d);
	if (!err)
		err = maps_read(p->pid, maps, d);
	if (!err && exe_range(p, &a, maps, &pp->exe) < 0)
		err = diag_set(d, -EBADMSG, "%s: its headers are not as expected", l->path);
	return err;
}

/* -- to the consistent point ---------------------------------------------------------------------- */

static int to_call(struct followed *of, uint64_t deadline)
{
	of->captive = true;
	of->at_call = false;
	of->threads.at[0].stopped = false;
	followed_go(of, of->pid, 0);
	while (!of->at_call) {
		if (of->dead || of->execed)
			return -ESRCH;
		if (process_now_ns() > deadline)
			return -ETIMEDOUT;
		follow_sleep(of->f, process_now_ns() + 20000000);
	}
	of->threads.at[0].stopped = true;
	return 0;
}

static int run_loader(struct loading *l, const struct tracee *t, struct diag *d)
{
	const struct taddr_range *exe = &process_priv(l->p)->exe;
	uint64_t deadline = process_now_ns() + LOAD_LIMIT_NS;

	for (;;) {
		struct user_regs_struct r;
		int err = to_call(l->of, deadline);

		if (err == -ETIMEDOUT)
			return diag_set(d, err, "%s: its loader has not finished in %llu s",
					l->path, LOAD_LIMIT_NS / 1000000000u);
		if (!err)
			err = tracee_regs(t, &r);
		if (err)
			return err;
		if (r.rip >= exe->lo && r.rip < exe->hi)
			return diag_set(d, -ENOTSUP, "%s: the loader did not load %s", l->path,
					l->p->slab[SLAB_EXE].path);
		if (r.rip != l->loader.debug_state + STUB_AFTER_CALL || r.rax != (uint64_t)-ENOSYS)
			continue;
		err = loader_is_ready(l->p, &l->loader, l->opts->slab, l->audited, d);
		if (!err)
			continue;
		if (err > 0) { /* the function is to run from its first byte on, without the call */
			r.orig_rax = (uint64_t)-1;
			r.rax = 0;
			r.rip = l->loader.debug_state;
			err = tracee_set_regs(t, &r);
		}
		return err;
	}
}

static int finish(struct loading *l, struct diag *d)
{
	struct process *p = l->p;
	struct process_priv *pp = process_priv(p);
	struct tracee t = { .tid = p->pid, .stopped = true };
	int err;

	put_back(l);
	err = tracee_to_event(p, &t, process_now_ns() + BACK_LIMIT_NS);
	if (err)
		return err;
	l->of->captive = false;
	l->of->stopping = true;
	pp->stopped_at_ns = process_now_ns();
	p->stopped = true;
	err = vec_push(&pp->threads, t);
	return err ? err : process_refresh(p, d);
}

/* As it would be without us, as far as it stands still for that. */
static void pass_over(struct loading *l)
{
	struct followed *of = l->of;
	struct tracee t = { .tid = of->pid };
	bool lives = of->handle == l->p && !of->dead;

	if (lives && !of->threads.at[0].stopped && l->patched &&
	    ptrace(PTRACE_INTERRUPT, t.tid, 0, 0) == 0)
		of->threads.at[0].stopped =
			tracee_await(l->p, &t, process_now_ns() + BACK_LIMIT_NS) == 0;
	lives = of->handle == l->p && !of->dead;
	if (lives) {
		put_back(l);
		of->captive = of->stopping = false;
		of->origin = NULL;
		if (of->threads.at[0].stopped)
			followed_go(of, of->pid, 0);
		of->threads.at[0].stopped = false;
	}
	l->p->stopped = false;
	process_priv(l->p)->threads.n = 0;
	followed_forget(l->p);
	process_free(l->p);
}

static int load(struct loading *l, struct diag *d)
{
	const struct tracee t = { .tid = l->p->pid, .stopped = true };
	struct map_list maps = { 0 };
	int err;

	name_program(l);
	err = slab_layout_read(l->opts->slab, &process_priv(l->p)->layout, d);
	if (!err)
		err = look(l, &t, &maps, d);
	if (!err)
		err = at_exec(l, &maps, &t, d);
	maps_free(&maps);
	if (!err)
		err = run_loader(l, &t, d);
	if (!err)
		err = finish(l, d);
	return l->of->dead || l->of->execed ? -ESRCH : err;
}

int follow_load(struct follow *f, pid_t pid, const struct follow_load_opts *opts,
		struct process **out, struct diag *d)
{
	struct loading l = { .of = followed_find(f, pid), .p = process_alloc(), .opts = opts };
	int err;

	if (!l.p || !l.of) {
		process_free(l.p);
		return l.of ? -ENOMEM : -ESRCH;
	}
	l.of->execed = false;
	l.of->handle = l.of->origin = l.p;
	l.p->pid = pid;
	l.p->fresh = true;
	process_priv(l.p)->ran = true; /* it is not ours to kill */
	process_priv(l.p)->follow = f;
	process_priv(l.p)->followed = l.of;
	process_priv(l.p)->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	err = process_priv(l.p)->pidfd < 0 ? -errno : load(&l, d);
	if (err)
		pass_over(&l);
	else
		*out = l.p;
	vec_free(&l.words);
	free(l.preload);
	return err;
}
