/*
 * reuse_test.c - one process attached to any number of times: slabs that were left are taken again,
 * and only those (ctl/idle.h).
 */
#include "util.h"

#include "attach/session.h"
#include "ctl/journal.h"
#include "ctl/priv.h"
#include "utramp/attach.h"
#include "utramp/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 100

struct victim {
	pid_t pid;
	struct pipes p;
};

static void victim_begin(struct victim *v)
{
	int in[2], out[2];
	char line[64];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	fflush(stdout);
	v->pid = fork();
	if (!v->pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(AGAIN, "again", (char *)NULL);
		_exit(127);
	}
	assert_true(v->pid > 0);
	close(in[0]);
	close(out[1]);
	v->p = (struct pipes){ in[1], out[0] };
	victim_line(&v->p, line, sizeof(line));
	assert_string_equal(line, "ready");
}

static long tell(struct victim *v, char what, const char *answer)
{
	char line[64];

	assert_int_equal(write(v->p.in, &what, 1), 1);
	victim_line(&v->p, line, sizeof(line));
	if (answer)
		assert_string_equal(line, answer);
	return strtol(line, NULL, 10);
}

/* All its calls were right. */
static void victim_over(struct victim *v)
{
	char line[64];
	int st;

	close(v->p.in);
	v->p.in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	victim_line(&v->p, line, sizeof(line));
	assert_int_equal(waitpid(v->pid, &st, 0), v->pid);
	assert_int_equal(st, 0);
	assert_string_equal(line, "ok");
	pipes_close(&v->p);
}

/* -- slabs it has ------------------------------------------------------------------------- */

struct places {
	taddr_t at[64];
	unsigned n;
};

static struct places slabs_of(pid_t pid)
{
	struct places out = { .n = 0 };
	struct map_list m = { 0 };

	assert_int_equal(maps_read(pid, &m, NULL), 0);
	for (size_t i = 0; i < m.n && out.n < 64; i++) {
		if (!m.at[i].offset && strstr(m.at[i].path, "/slab-"))
			out.at[out.n++] = m.at[i].lo;
	}
	maps_free(&m);
	return out;
}

static unsigned pairs_of(pid_t pid)
{
	return slabs_of(pid).n / 2;
}

static char *maps_text(pid_t pid)
{
	char path[64], *text = calloc(1, 1 << 20);
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	assert_true(f && text);
	n = fread(text, 1, (1 << 20) - 1, f);
	assert_true(n > 0);
	fclose(f);
	return text;
}

/* -- attached --------------------------------------------------------------------------- */

struct attached {
	struct utramp_target *t;
	struct utramp_object *o;
};

static struct utramp_target *attach_to(pid_t pid, enum utramp_engine engine)
{
	const struct utramp_attach_pid_opts opts = { .sz = sizeof(opts), .engine = engine };
	struct utramp_target *t = utramp_target__attach_pid(pid, &opts);

	if (!t)
		fail_msg("%s", utramp_error());
	return t;
}

static struct attached attach(pid_t pid, const char *program, const char *spec)
{
	struct attached a = { .t = attach_to(pid, UTRAMP_JIT) };

	a.o = object_loaded(a.t);
	if (!utramp_program__attach(program_named(a.o, program), a.t, spec, NULL))
		fail_msg("%s", utramp_error());
	return a;
}

static void until_counted(struct attached *a, uint32_t which)
{
	for (int i = 0; i < 5000 && !count_of(a->o, which); i++)
		sleep_ms(1);
	assert_true(count_of(a->o, which) > 0);
}

static void leave(struct attached *a)
{
	if (utramp_target__leave(a->t) < 0)
		fail_msg("%s", utramp_error());
	utramp_object__close(a->o);
	utramp_target__free(a->t);
}

static void once_on(pid_t pid, const char *spec)
{
	struct attached a = attach(pid, "bare", spec);

	until_counted(&a, 2);
	leave(&a);
}

static void once(pid_t pid)
{
	once_on(pid, "alpha");
}

/* -- tests ------------------------------------------------------------------------------ */

/* More than the loader's room for static TLS has place for, by four. */
static void test_hundred(void **state)
{
	struct victim v;
	char *first, *last;
	uint64_t begin;

	victim_begin(&v);
	once(v.pid);
	first = maps_text(v.pid);
	begin = process_now_ns();
	for (int i = 1; i < ROUNDS; i++)
		once(v.pid);
	print_message("%d rounds, %.1f ms each\n", ROUNDS - 1,
		      (double)(process_now_ns() - begin) / 1e6 / (ROUNDS - 1));
	last = maps_text(v.pid);
	assert_string_equal(first, last);
	assert_int_equal(pairs_of(v.pid), 1);
	free(first);
	free(last);
	victim_over(&v);
}

/* The first of a thread's words of ours; it is stopped for that. */
static uint64_t word_of(pid_t tid, int32_t tls_off)
{
	struct user_regs_struct r;
	uint64_t word;
	int st;

	assert_int_equal(ptrace(PTRACE_SEIZE, tid, 0, 0), 0);
	ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	assert_int_equal(waitpid(tid, &st, __WALL), tid);
	assert_int_equal(ptrace(PTRACE_GETREGS, tid, 0, &r), 0);
	word = (uint64_t)ptrace(PTRACE_PEEKDATA, tid, r.fs_base + (uint64_t)(int64_t)tls_off, 0);
	assert_int_equal(ptrace(PTRACE_DETACH, tid, 0, 0), 0);
	return word;
}

static unsigned words_set(pid_t pid, int32_t tls_off, unsigned *threads)
{
	char path[64];
	const struct dirent *e;
	unsigned set = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	for (*threads = 0; (e = readdir(dir));) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);

		*threads += tid > 0;
		set += tid > 0 && word_of(tid, tls_off) != 0;
	}
	closedir(dir);
	return set;
}

/* The next table of threads may lie elsewhere than that which their words told of. */
static void test_words(void **state)
{
	struct attached a;
	unsigned threads;
	int32_t tls_off;
	struct victim v;

	victim_begin(&v);
	a = attach(v.pid, "bare", "alpha");
	tls_off = a.t->proc->tls_off;
	until_counted(&a, 2);
	sleep_ms(20);
	assert_true(words_set(v.pid, tls_off, &threads) > 0);
	leave(&a);
	assert_int_equal(words_set(v.pid, tls_off, &threads), 0);
	assert_true(threads > 2);
	victim_over(&v);
}

static void poke(pid_t pid, taddr_t at, uint8_t flip)
{
	char path[64];
	uint8_t byte;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= flip;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
}

/* The last pair, which is the lowest for the executable and the highest for the libraries. */
static taddr_t last_of(pid_t pid, unsigned which)
{
	struct places all = slabs_of(pid);

	return which == SLAB_EXE ? all.at[0] : all.at[all.n - 1];
}

/* off: from a slab's first byte on.  Those that were changed before stay so, and are not taken. */
static void changed(struct victim *v, unsigned which, const char *name, uint64_t off)
{
	unsigned n = pairs_of(v->pid);

	poke(v->pid, last_of(v->pid, which) + off, 0x40);
	once(v->pid);
	if (pairs_of(v->pid) != n + 1)
		fail_msg("slab %u was taken, changed in its %s", which, name);
}

static void changed_everywhere(unsigned which)
{
	struct utramp_target *t;
	struct slab_template slab;
	struct slab_segment s;
	struct slab_layout l;
	struct victim v;

	victim_begin(&v);
	t = attach_to(v.pid, UTRAMP_JIT);
	l = process_priv(t->proc)->layout;
	slab = process_priv(t->proc)->slab;
	utramp_target__free(t);
	assert_int_equal(pairs_of(v.pid), 1);
	changed(&v, which, "headers", 0x40 + 2);
	for (unsigned i = 0; slab_segment(&slab, i, &s); i++)
		changed(&v, which,
			s.w ? "data" :
			s.x ? "code" :
			      "other bytes",
			s.addr + s.size / 2);
	changed(&v, which, "state", l.rt_state + offsetof(struct rt_state, arena));
	changed(&v, which, "mark", l.rt_state + offsetof(struct rt_state, left));
	changed(&v, which, "word about the thread pointer", l.tls_word);
	victim_over(&v);
}

static void test_changed(void **state)
{
	changed_everywhere(SLAB_EXE);
	changed_everywhere(SLAB_LIB);
}

static void test_other_build(void **state)
{
	struct utramp_target *t;
	struct victim v;

	victim_begin(&v);
	for (int i = 0; i < 3; i++) {
		once(v.pid);
		t = attach_to(v.pid, UTRAMP_INTERP);
		utramp_target__free(t);
		assert_int_equal(pairs_of(v.pid), 2);
	}
	victim_over(&v);
}

static void test_two_at_once(void **state)
{
	struct attached a, b;
	struct victim v;

	victim_begin(&v);
	for (int i = 0; i < 3; i++) {
		a = attach(v.pid, "bare", "alpha");
		b = attach(v.pid, "bare", "beta");
		assert_true(a.t->proc->slab[0].text != b.t->proc->slab[0].text);
		assert_true(a.t->proc->slab[1].text != b.t->proc->slab[1].text);
		until_counted(&a, 2);
		until_counted(&b, 2);
		leave(i % 2 ? &a : &b);
		leave(i % 2 ? &b : &a);
		assert_int_equal(pairs_of(v.pid), 2);
	}
	victim_over(&v);
}

/* In a process of its own; the other one may be its tracer just then. */
static void rounds(pid_t pid, const char *spec, int n)
{
	while (n) {
		struct utramp_target *t = utramp_target__attach_pid(pid, NULL);
		struct utramp_object *o = t ? utramp_object__open_file(PROG, NULL) : NULL;

		/* ERANGE: the other one has loaded its slab where ours was to go; told, and to be tried again */
		if (!t && errno != EPERM && errno != ERANGE) {
			print_message("attaching: %s\n", utramp_error());
			fflush(stdout);
			_exit(1);
		}
		if (t && (!o || utramp_object__load(o, t) < 0))
			_exit(2);
		while (t && !utramp_program__attach(program_named(o, "bare"), t, spec, NULL)) {
			if (errno != EPERM)
				_exit(3);
			sleep_ms(1);
		}
		while (t && utramp_target__leave(t) < 0) {
			if (errno != EPERM)
				_exit(4);
			sleep_ms(1);
		}
		utramp_object__close(o);
		utramp_target__free(t);
		n -= t != NULL;
	}
	_exit(0);
}

static void test_race(void **state)
{
	static const char *const spec[] = { "alpha", "beta" };
	pid_t tool[2];
	struct victim v;
	int st;

	victim_begin(&v);
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		tool[i] = fork();
		if (!tool[i])
			rounds(v.pid, spec[i], 15);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(tool[i], &st, 0), tool[i]);
		assert_int_equal(st, 0);
	}
	print_message("%u pairs\n", pairs_of(v.pid));
	assert_true(pairs_of(v.pid) <= 4);
	once(v.pid);
	victim_over(&v);
}

/* A thread is inside of a stand-in of ours, which no count tells, while the slabs are left. */
static void test_stand_in(void **state)
{
	struct attached a;
	struct victim v;

	victim_begin(&v);
	a = attach(v.pid, "reads", "alpha");
	until_counted(&a, 7);
	tell(&v, 's', "waits");
	leave(&a);
	once(v.pid);
	assert_int_equal(pairs_of(v.pid), 2);
	tell(&v, 'w', "back");
	a = attach(v.pid, "reads", "alpha");
	once_on(v.pid, "beta");
	assert_int_equal(pairs_of(v.pid), 2); /* both are taken by now */
	leave(&a);
	victim_over(&v);
}

static void test_forked(void **state)
{
	struct attached a;
	struct victim v;
	pid_t used, idle;

	victim_begin(&v);
	a = attach(v.pid, "bare", "alpha");
	until_counted(&a, 2);
	used = (pid_t)tell(&v, 'f', NULL);
	leave(&a);
	idle = (pid_t)tell(&v, 'f', NULL);
	once(v.pid);
	once(idle);
	assert_int_equal(pairs_of(idle), 1);
	assert_int_equal(pairs_of(used), 1);
	a = attach(used, "bare", "beta"); /* alpha's text is the jump of then */
	until_counted(&a, 2);
	assert_int_equal(pairs_of(used), 2);
	leave(&a);
	once(v.pid);
	assert_int_equal(pairs_of(v.pid), 1);
	victim_over(&v);
}

/* Of a program that was started under us, its own two are not left; those of the first attach are. */
static void test_launched(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("loop", "1", &p);
	struct utramp_object *o = object_loaded(t);
	pid_t pid = t->proc->pid;
	int st;

	if (!utramp_program__attach(program_named(o, "bare"), t, "alpha", NULL))
		fail_msg("%s", utramp_error());
	assert_int_equal(utramp_target__resume(t), 0);
	utramp_object__close(o);
	utramp_target__free(t);
	for (int i = 0; i < 3; i++)
		once(pid);
	assert_int_equal(pairs_of(pid), 2);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	pipes_close(&p);
}

/* -- killed ----------------------------------------------------------------------------- */

struct journal_of {
	pid_t pid;
	char id[64]; /* "": none */
};

static int find_journal(void *ctx, const struct utramp_session *s)
{
	struct journal_of *j = ctx;

	if (s->pid == j->pid && s->tool != getpid())
		snprintf(j->id, sizeof(j->id), "%s", s->id);
	return 0;
}

static struct journal_of journal_of(pid_t pid)
{
	struct journal_of j = { .pid = pid };

	assert_int_equal(utramp_session__each(find_journal, &j), 0);
	return j;
}

/* Taken, and dead before anything is patched; or somewhere on the way there. */
static void killed(struct victim *v, int after_ms)
{
	struct utramp_undone u = { .sz = sizeof(u) };
	struct journal_of j;
	pid_t tool;
	int st;

	fflush(stdout);
	tool = fork();
	if (!tool) {
		struct utramp_target *t = utramp_target__attach_pid(v->pid, NULL);

		if (after_ms < 0)
			kill(getpid(), t ? SIGKILL : SIGABRT);
		pause();
	}
	if (after_ms >= 0) {
		sleep_ms(after_ms);
		kill(tool, SIGKILL);
	}
	assert_int_equal(waitpid(tool, &st, 0), tool);
	assert_int_equal(st, SIGKILL);
	j = journal_of(v->pid);
	if (*j.id && utramp_session__detach(j.id, 1000, &u) < 0)
		fail_msg("%s", utramp_error());
	j = journal_of(v->pid);
	assert_string_equal(j.id, "");
	once(v->pid);
}

static void test_killed(void **state)
{
	struct victim v;

	victim_begin(&v);
	once(v.pid);
	killed(&v, -1);
	assert_int_equal(pairs_of(v.pid), 2);
	for (int ms = 0; ms < 12; ms++)
		killed(&v, ms);
	print_message("%u pairs after 13 kills\n", pairs_of(v.pid));
	assert_true(pairs_of(v.pid) < 8);
	victim_over(&v);
}

/* As who cleans /tmp does. */
static void remove_files(const struct process *p)
{
	char path[300];

	for (int i = 0; i < SLABS; i++) {
		unlink(p->slab[i].path);
		snprintf(path, sizeof(path), "%s (deleted)", p->slab[i].path);
		unlink(path);
	}
	rmdir(process_priv(p)->dir);
}

/* Its journal is there still, and arena and table of the next session may lie where its lay. */
static void test_killed_behind(void **state)
{
	struct attached a;
	struct journal_of j;
	struct victim v;
	uint64_t n;
	pid_t tool;
	int st;

	victim_begin(&v);
	once(v.pid);
	fflush(stdout);
	tool = fork();
	if (!tool) {
		a = attach(v.pid, "bare", "alpha");
		until_counted(&a, 2);
		remove_files(a.t->proc);
		kill(getpid(), utramp_target__leave(a.t) ? SIGABRT : SIGKILL);
	}
	assert_int_equal(waitpid(tool, &st, 0), tool);
	assert_int_equal(st, SIGKILL);
	j = journal_of(v.pid);
	assert_string_not_equal(j.id, "");
	a = attach(v.pid, "bare", "alpha");
	assert_int_equal(pairs_of(v.pid), 1);
	until_counted(&a, 2);
	if (utramp_session__detach(j.id, 1000, NULL) < 0)
		fail_msg("%s", utramp_error());
	n = count_of(a.o, 2);
	for (int i = 0; i < 5000 && count_of(a.o, 2) < n + 100; i++)
		sleep_ms(1);
	assert_true(count_of(a.o, 2) >= n + 100);
	leave(&a);
	victim_over(&v);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hundred),     cmocka_unit_test(test_changed),
		cmocka_unit_test(test_other_build), cmocka_unit_test(test_two_at_once),
		cmocka_unit_test(test_race),        cmocka_unit_test(test_stand_in),
		cmocka_unit_test(test_forked),      cmocka_unit_test(test_launched),
		cmocka_unit_test(test_killed),      cmocka_unit_test(test_killed_behind),
		cmocka_unit_test(test_words),
	};
	char dir[] = "/tmp/reuse-XXXXXX";
	int bad;

	if (!mkdtemp(dir) || setenv("XDG_RUNTIME_DIR", dir, 1) < 0)
		return 1;
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	bad = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return bad;
}
