/* attach_test.c - programs on functions: all or none, live changes, detaching. */
#include "util.h"

#include "attach/session.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Attached before the start: every call, and the program's results stay. */
static void test_every_call(void **state)
{
	char truth[64], line[64];
	struct pipes p;
	struct utramp_target *t = victim_start("run", "25", &p);
	struct utramp_object *o = object_loaded(t);
	unsigned raw = 9;

	victim_truth("25", truth, sizeof(truth));
	assert_int_equal(utramp_object__attach(o, t, NULL), 0);
	assert_int_equal(utramp_target__functions(t, &raw, NULL), 1);
	assert_int_equal(raw, 0);
	assert_int_equal(utramp_target__resume(t), 0);
	assert_int_equal(WEXITSTATUS(victim_end(t)), 3);
	assert_int_equal(count_of(o, 0), 75); /* once by itself, twice by beta */
	assert_int_equal(count_of(o, 1), 75);
	assert_int_equal(utramp_program__missed(program_named(o, "on_entry")), 0);
	victim_line(&p, line, sizeof(line));
	assert_string_equal(line, truth);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

static void test_object_misuse(void **state)
{
	struct pipes p, p2;
	struct utramp_target *t = victim_start("run", "1", &p), *t2;
	struct utramp_object *o = utramp_object__open_file(PROG, NULL);
	struct utramp_attach_opts no_size = { .sz = 0, .cookie = 1 };

	assert_null(utramp_object__open_file("/nonexistent.o", NULL));
	assert_int_equal(errno, ENOENT);
	assert_null(utramp_object__open_file(VICTIM, NULL));
	assert_int_equal(errno, EBADMSG);
	assert_null(strchr(utramp_error(), '\n'));
	assert_null(utramp_program__attach(program_named(o, "on_entry"), t, NULL, NULL));
	assert_int_equal(errno, EINVAL); /* not loaded */
	assert_int_equal(utramp_object__attach(o, t, NULL), -EINVAL);
	assert_int_equal(utramp_object__load(o, t), 0);
	assert_int_equal(utramp_object__load(o, t), -EINVAL);
	t2 = victim_start("run", "1", &p2);
	assert_null(utramp_program__attach(program_named(o, "on_entry"), t2, NULL, NULL));
	assert_int_equal(errno, EINVAL);
	assert_null(utramp_program__attach(program_named(o, "bare"), t, NULL, NULL));
	assert_int_equal(errno, EINVAL);
	assert_non_null(strstr(utramp_error(), "bare"));
	assert_null(utramp_program__attach(program_named(o, "on_entry"), t, NULL, &no_size));
	assert_int_equal(errno, EINVAL);
	assert_string_equal(utramp_program__section(program_named(o, "on_entry")), "fentry/alpha");
	utramp_target__free(t2);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
	pipes_close(&p2);
}

struct heard {
	int n;
	char text[2048];
};

static void hear(void *ctx, const char *why)
{
	struct heard *h = ctx;

	h->n++;
	snprintf(h->text, sizeof(h->text), "%s", why);
}

static void refused(struct utramp_program *p, struct utramp_target *t, const char *spec, int err)
{
	errno = 0;
	assert_null(utramp_program__attach(p, t, spec, NULL));
	if (errno != err)
		print_error("%s: %s\n", spec, utramp_error());
	assert_int_equal(errno, err);
	assert_true(strlen(utramp_error()) > 8);
	assert_null(strchr(utramp_error(), '\n'));
}

static void test_refusals(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("run", "1", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_program *bare = program_named(o, "bare"), *ex = program_named(o, "bare_exit");
	struct heard h = { 0 };
	struct utramp_attach_opts lax = {
		.sz = sizeof(lax), .missing_ok = true, .missing = hear, .ctx = &h
	};
	struct utramp_link *l;

	refused(bare, t, "alpa", ENOENT);
	assert_non_null(strstr(utramp_error(), "alpha"));
	refused(bare, t, "nolib.so:alpha", ENOENT);
	refused(bare, t, "", EINVAL);
	refused(bare, t, "alpha+4", ENOTSUP);
	refused(bare, t, "0x1", ENOENT);
	refused(bare, t, "chosen", ENOTSUP); /* IFUNC */
	refused(bare, t, "choose", ENOTSUP); /* its resolver's own name */
	refused(bare, t, "_start", ENOTSUP);
	refused(ex, t, "variadic", ENOTSUP);
	refused(ex, t, "libc:longjmp", ENOTSUP);
	refused(program_named(o, "third_arg"), t, "beta", EACCES);
	l = utramp_program__attach(bare, t, "alpha", NULL);
	assert_int_equal(utramp_link__functions(l), 1);
	refused(bare, t, "alpha", EBUSY);
	refused(bare, t, "a*", EBUSY);

	l = utramp_program__attach(ex, t, "variadic", &lax);
	assert_non_null(l);
	assert_int_equal(utramp_link__functions(l), 0);
	assert_int_equal(h.n, 1);
	assert_non_null(strstr(h.text, "variadic"));
	l = utramp_program__attach(ex, t, "nothing_here", &lax);
	assert_int_equal(h.n, 2);
	assert_int_equal(utramp_target__functions(t, NULL, NULL), 1);
	utramp_object__close(o);
	assert_int_equal(utramp_target__functions(t, NULL, NULL), 0);
	utramp_target__free(t);
	pipes_close(&p);
}

/* A pattern means what can be attached; two functions of one name are both meant. */
static void test_many_functions(void **state)
{
	char truth[64], line[64];
	struct pipes p;
	struct utramp_target *t = victim_start("run", "4", &p);
	struct utramp_object *o = object_loaded(t);
	struct heard h = { 0 };
	struct utramp_attach_opts opts = { .sz = sizeof(opts), .missing = hear, .ctx = &h };
	struct utramp_link *l =
		utramp_program__attach(program_named(o, "bare_exit"), t, "victim:*", &opts);

	victim_truth("4", truth, sizeof(truth));
	assert_non_null(l);
	assert_true(utramp_link__functions(l) >= 8);
	assert_true(h.n >= 2); /* chosen, variadic */
	assert_non_null(l = utramp_program__attach(program_named(o, "bare"), t, "same", NULL));
	assert_int_equal(utramp_link__functions(l), 2);
	assert_int_equal(utramp_target__resume(t), 0);
	assert_int_equal(WEXITSTATUS(victim_end(t)), 3);
	assert_int_equal(count_of(o, 2), 8);
	assert_true(count_of(o, 3) > 40);
	victim_line(&p, line, sizeof(line));
	assert_string_equal(line, truth);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

static void wait_counts(struct utramp_object *o, uint32_t i, uint64_t above)
{
	for (int k = 0; k < 1000 && count_of(o, i) <= above; k++)
		sleep_ms(5);
	assert_true(count_of(o, i) > above);
}

/* Attach, detach, attach again while it runs; the bytes come back each time. */
static void test_live(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("loop", "1", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_link *l;
	uint8_t now[8], file[8];
	uint64_t addr, n;

	assert_int_equal(utramp_target__resume(t), 0);
	for (int i = 0; i < 5; i++) {
		n = count_of(o, 2);
		l = utramp_program__attach(program_named(o, "bare"), t, "alpha", NULL);
		assert_non_null(l);
		wait_counts(o, 2, n);
		func_bytes(t, "alpha", now, file, &addr);
		assert_memory_not_equal(now, file, 8);
		assert_int_equal(i % 2 ? utramp_link__destroy(l) : utramp_target__detach(t), 0);
		func_bytes(t, "alpha", now, file, &addr);
		assert_memory_equal(now, file, 8);
		if (i % 2 == 0)
			assert_int_equal(utramp_link__destroy(l), 0); /* after a detach: fine */
		n = count_of(o, 2);
		sleep_ms(20);
		assert_int_equal(count_of(o, 2), n);
	}
	assert_int_equal(utramp_target__poll(t, 0), UTRAMP_RUNNING);
	l = utramp_program__attach(program_named(o, "bare"), t, "alpha", NULL);
	utramp_object__close(o); /* links die with it */
	func_bytes(t, "alpha", now, file, &addr);
	assert_memory_equal(now, file, 8);
	kill(utramp_target__pid(t), 9);
	victim_end(t);
	utramp_target__free(t);
	pipes_close(&p);
}

/* Changes of a target that runs wait, and are made in one stop. */
static void test_together(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("loop", "1", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_link *l, *two;
	uint8_t now[8], file[8];
	uint64_t addr, n;

	assert_int_equal(utramp_target__resume(t), 0);
	l = utramp_program__attach(program_named(o, "bare"), t, "alpha", NULL);
	wait_counts(o, 2, 0);
	n = utramp_target__stopped_ns(t);
	assert_int_equal(utramp_target__together(t), 0);
	two = utramp_program__attach(program_named(o, "bare"), t, "beta", NULL);
	assert_non_null(two);
	assert_non_null(utramp_program__attach(program_named(o, "bare_exit"), t, "beta", NULL));
	assert_int_equal(utramp_link__destroy(l), 0);
	func_bytes(t, "beta", now, file, &addr);
	assert_memory_equal(now, file, 8);
	func_bytes(t, "alpha", now, file, &addr);
	assert_memory_not_equal(now, file, 8);
	assert_int_equal(utramp_target__stopped_ns(t), n); /* no stop yet */
	assert_int_equal(utramp_target__poll(t, 0), UTRAMP_RUNNING);
	assert_int_equal(utramp_target__resume(t), 0);
	func_bytes(t, "alpha", now, file, &addr);
	assert_memory_equal(now, file, 8);
	wait_counts(o, 3, 0);
	wait_counts(o, 2, count_of(o, 2));
	assert_int_equal(utramp_target__resume(t), -EINVAL); /* one batch: single ones again */
	assert_int_equal(utramp_link__destroy(two), 0);
	n = count_of(o, 2);
	sleep_ms(20);
	assert_int_equal(count_of(o, 2), n);
	utramp_object__close(o);
	kill(utramp_target__pid(t), 9);
	victim_end(t);
	utramp_target__free(t);
	pipes_close(&p);
}

/* A batch that fails changes nothing, can be tried again, and without what was wrong. */
static void test_together_fails(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("loop", "1", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_link *l;
	uint8_t now[8], file[8], nops[8];
	uint64_t addr, alpha;

	assert_int_equal(utramp_target__resume(t), 0);
	l = utramp_program__attach(program_named(o, "record"), t, "slow", NULL); /* known */
	assert_int_equal(utramp_link__destroy(l), 0);
	func_bytes(t, "slow", now, file, &addr);
	memset(nops, 0x90, sizeof(nops));
	assert_int_equal(process_write(t->proc, addr, nops, 8), 0);
	assert_int_equal(utramp_target__together(t), 0);
	assert_non_null(utramp_program__attach(program_named(o, "bare"), t, "alpha", NULL));
	l = utramp_program__attach(program_named(o, "record"), t, "slow", NULL);
	assert_non_null(l);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(utramp_target__resume(t), -EBUSY);
		assert_non_null(strstr(utramp_error(), "slow"));
		func_bytes(t, "alpha", now, file, &alpha);
		assert_memory_equal(now, file, 8);
	}
	assert_int_equal(utramp_link__destroy(l), 0);
	assert_int_equal(utramp_target__resume(t), 0);
	wait_counts(o, 2, 0);
	utramp_object__close(o);
	kill(utramp_target__pid(t), 9);
	victim_end(t);
	utramp_target__free(t);
	pipes_close(&p);
}

/* All or none: one of the functions has foreign bytes by the time of the commit. */
static void test_rollback(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("loop", "1", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_link *l;
	uint8_t now[8], file[8], nops[8];
	uint64_t addr, alpha, n;

	assert_int_equal(utramp_target__resume(t), 0);
	/* known, so that its bytes are not looked at again before the commit */
	l = utramp_program__attach(program_named(o, "record"), t, "slow", NULL);
	assert_int_equal(utramp_link__destroy(l), 0);
	assert_non_null(utramp_program__attach(program_named(o, "on_entry"), t, NULL, NULL));
	func_bytes(t, "slow", now, file, &addr);
	memset(nops, 0x90, sizeof(nops));
	assert_int_equal(process_write(t->proc, addr, nops, 8), 0);

	refused(program_named(o, "bare"), t, "victim:*", EBUSY);
	assert_non_null(strstr(utramp_error(), "slow"));
	n = count_of(o, 2);
	wait_counts(o, 0, count_of(o, 0));   /* the other program goes on */
	assert_int_equal(count_of(o, 2), n); /* this one does not run anywhere */
	func_bytes(t, "alpha", now, file, &alpha);
	assert_memory_not_equal(now, file, 8);
	func_bytes(t, "beta", now, file, &addr);
	assert_memory_equal(now, file, 8);
	func_bytes(t, "slow", now, file, &addr);
	assert_memory_equal(now, nops, 8);
	utramp_object__close(o);
	kill(utramp_target__pid(t), 9);
	victim_end(t);
	utramp_target__free(t);
	pipes_close(&p);
}

/* A program that the generator refuses leaves no trace in the function's lists. */
static void test_refused_later(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("loop", "1", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_link *l;

	assert_int_equal(utramp_target__resume(t), 0);
	assert_non_null(utramp_program__attach(program_named(o, "bare"), t, "wide", NULL));
	refused(program_named(o, "bare_mod"), t, "wide", ENOTSUP);
	assert_non_null(strstr(utramp_error(), "x87"));
	wait_counts(o, 2, count_of(o, 2));
	l = utramp_program__attach(program_named(o, "bare_exit"), t, "wide", NULL);
	assert_non_null(l);
	wait_counts(o, 3, 0);
	refused(program_named(o, "bare_mod"), t, "wide", ENOTSUP);
	assert_int_equal(utramp_link__destroy(l), 0);
	assert_int_equal(count_of(o, 6), 0);
	assert_int_equal(utramp_target__detach(t), 0);
	utramp_object__close(o);
	kill(utramp_target__pid(t), 9);
	victim_end(t);
	utramp_target__free(t);
	pipes_close(&p);
}

/* beta_too is beta: one function, one hook, one list of programs. */
static void test_two_names(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("run", "3", &p);
	struct utramp_object *o = object_loaded(t);

	assert_non_null(utramp_program__attach(program_named(o, "bare"), t, "beta", NULL));
	refused(program_named(o, "bare"), t, "beta_too", EBUSY);
	assert_non_null(utramp_program__attach(program_named(o, "bare_exit"), t, "beta_too", NULL));
	assert_int_equal(utramp_target__functions(t, NULL, NULL), 1);
	assert_int_equal(utramp_target__resume(t), 0);
	assert_int_equal(WEXITSTATUS(victim_end(t)), 3);
	assert_int_equal(count_of(o, 2), 6); /* by either name */
	assert_int_equal(count_of(o, 3), 6);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

/* The last word of the stack, which the kernel leaves 0 and nothing uses. */
static uint64_t end_of_stack(const struct utramp_target *t)
{
	unsigned long hi = 0;
	char path[64], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)utramp_target__pid(t));
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, "[stack]"))
			sscanf(line, "%*x-%lx", &hi);
	}
	fclose(f);
	assert_int_not_equal(hi, 0);
	return hi - sizeof(uint64_t);
}

/*
 * A thread seems to be inside a window, interrupted by a signal: given up after many tries,
 * none of which may leave a function patched; the same attachment succeeds when it has left.
 */
static void test_postponed(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("loop", "1", &p);
	struct utramp_object *o = object_loaded(t);
	uint8_t now[8], file[8];
	uint64_t alpha, beta, pc, word, at = end_of_stack(t);

	assert_int_equal(utramp_target__resume(t), 0);
	func_bytes(t, "alpha", now, file, &alpha);
	pc = alpha + 1;
	assert_int_equal(process_read(t->proc, at, &word, sizeof(word)), 0);
	assert_int_equal(process_write(t->proc, at, &pc, sizeof(pc)), 0);
	for (int i = 0; i < 2; i++) {
		refused(program_named(o, "bare"), t, "victim:*", EAGAIN);
		assert_int_equal(utramp_target__functions(t, NULL, NULL), 0);
		func_bytes(t, "beta", now, file, &beta);
		assert_memory_equal(now, file, 8);
	}
	assert_int_equal(count_of(o, 2), 0);
	assert_int_equal(process_write(t->proc, at, &word, sizeof(word)), 0);
	assert_non_null(utramp_program__attach(program_named(o, "bare"), t, "victim:*", NULL));
	func_bytes(t, "alpha", now, file, &alpha);
	assert_memory_not_equal(now, file, 8);
	wait_counts(o, 2, 10);
	utramp_object__close(o);
	kill(utramp_target__pid(t), 9);
	victim_end(t);
	utramp_target__free(t);
	pipes_close(&p);
}

/* Detach: a function that somebody else wrote over does not hold back the others. */
static void test_detach_foreign(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("loop", "1", &p);
	struct utramp_object *o = object_loaded(t);
	uint8_t now[8], file[8], mine[8], foreign[8];
	uint64_t addr;

	assert_int_equal(utramp_target__resume(t), 0);
	assert_non_null(utramp_program__attach(program_named(o, "bare"), t, "slow", NULL));
	assert_non_null(utramp_program__attach(program_named(o, "on_entry"), t, "alpha", NULL));
	assert_non_null(utramp_program__attach(program_named(o, "on_exit"), t, "beta", NULL));
	func_bytes(t, "slow", mine, file, &addr);
	memset(foreign, 0x90, sizeof(foreign));
	assert_int_equal(process_write(t->proc, addr, foreign, 8), 0);
	assert_int_equal(utramp_target__detach(t), -EBUSY);
	assert_non_null(strstr(utramp_error(), "slow"));
	func_bytes(t, "slow", now, file, &addr);
	assert_memory_equal(now, foreign, 8); /* not ours to write */
	func_bytes(t, "alpha", now, file, &addr);
	assert_memory_equal(now, file, 8);
	func_bytes(t, "beta", now, file, &addr);
	assert_memory_equal(now, file, 8);
	assert_int_equal(utramp_target__detach(t), 0); /* told once */
	utramp_object__close(o);
	kill(utramp_target__pid(t), 9);
	victim_end(t);
	utramp_target__free(t);
	pipes_close(&p);
}

/* A failure before anything is patched must not patch anything. */
static void test_no_room(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("loop", "1", &p);
	struct utramp_object *o = object_loaded(t);
	uint8_t now[8], file[8];
	uint64_t addr;

	assert_int_equal(utramp_target__resume(t), 0);
	/* room for a slot or two, not for all */
	for (int i = 0; i < SLABS; i++)
		t->room[i].next = t->room[i].hi - 2048;
	refused(program_named(o, "bare"), t, "victim:*", ENOSPC);
	func_bytes(t, "alpha", now, file, &addr);
	assert_memory_equal(now, file, 8);
	func_bytes(t, "beta", now, file, &addr);
	assert_memory_equal(now, file, 8);
	assert_int_equal(count_of(o, 2), 0);
	assert_int_equal(utramp_target__detach(t), 0);
	utramp_object__close(o);
	kill(utramp_target__pid(t), 9);
	victim_end(t);
	utramp_target__free(t);
	pipes_close(&p);
}

static uint64_t room_of(const struct utramp_target *t)
{
	return room_left(&t->room[SLAB_EXE]) + room_left(&t->room[SLAB_LIB]);
}

/* What cannot be noted for undoing is not there, and its room is free: of an image, and of a slot. */
static void test_journal_full(void **state)
{
	const struct rlimit little = { 16384, RLIM_INFINITY };
	struct pipes p;
	struct utramp_target *t = victim_start("loop", "1", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_link *l;
	struct rlimit was;
	uint64_t left;
	int n = 0;

	assert_int_equal(utramp_target__resume(t), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	/* each image that has an exit program is noted */
	while ((l = utramp_program__attach(program_named(o, "bare_exit"), t, "alpha", NULL))) {
		assert_int_equal(utramp_link__destroy(l), 0);
		assert_true(++n < 500);
	}
	assert_int_equal(errno, EFBIG);
	refused(program_named(o, "bare"), t, "beta", EFBIG); /* aligned from here on */
	left = room_of(t);
	for (int i = 0; i < 3; i++) {
		refused(program_named(o, "bare_exit"), t, "alpha", EFBIG);
		assert_int_equal(room_of(t), left);
		refused(program_named(o, "bare"), t, "beta", EFBIG); /* its slot */
		assert_non_null(strstr(utramp_error(), "undo"));
		assert_int_equal(room_of(t), left);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_non_null(utramp_program__attach(program_named(o, "bare_exit"), t, "alpha", NULL));
	utramp_object__close(o);
	kill(utramp_target__pid(t), 9);
	victim_end(t);
	utramp_target__free(t);
	pipes_close(&p);
}

/* A function that no slab reaches is refused by name. */
static void test_out_of_reach(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("run", "1", &p);
	struct utramp_object *o = object_loaded(t);
	struct code_room room[SLABS];

	memcpy(room, t->room, sizeof(room));
	for (int i = 0; i < SLABS; i++) {
		t->room[i].lo += 1ull << 40;
		t->room[i].hi += 1ull << 40;
	}
	refused(program_named(o, "bare"), t, "alpha", ENOTSUP);
	assert_non_null(strstr(utramp_error(), "2 GiB"));
	memcpy(t->room, room, sizeof(room));
	assert_non_null(utramp_program__attach(program_named(o, "bare"), t, "beta", NULL));
	assert_int_equal(utramp_target__resume(t), 0);
	assert_int_equal(WEXITSTATUS(victim_end(t)), 3);
	assert_int_equal(count_of(o, 2), 2);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

/* A call that is inside: its exit program runs unless one was taken away since. */
static void inside(bool add_another, bool take_away, uint64_t want)
{
	struct pipes p;
	struct utramp_target *t = victim_start("inside", "0", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_link *l =
		utramp_program__attach(program_named(o, "bare_exit"), t, "slow", NULL);
	struct utramp_link *other = NULL;
	char line[32];

	assert_non_null(l);
	assert_int_equal(utramp_target__resume(t), 0);
	sleep_ms(100); /* in read() by now */
	if (add_another) {
		other = utramp_program__attach(program_named(o, "on_exit"), t, "slow", NULL);
		assert_non_null(other);
	}
	if (take_away)
		assert_int_equal(utramp_link__destroy(l), 0);
	assert_int_equal(write(p.in, "B", 1), 1);
	victim_line(&p, line, sizeof(line));
	assert_string_equal(line, "66");
	victim_end(t);
	assert_int_equal(count_of(o, 3), want);
	assert_int_equal(count_of(o, 1), 0); /* it was not there when the call began */
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

static void test_inside(void **state)
{
	inside(false, false, 1);
	inside(true, false, 1);
	inside(false, true, 0);
	inside(true, true, 0);
}

/* Several programs on one function, taken away in another order. */
static void test_many_programs(void **state)
{
	static const char *const name[] = { "on_entry", "bare", "on_exit", "bare_exit", "record" };
	struct pipes p;
	struct utramp_target *t = victim_start("loop", "1", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_link *l[5];

	for (int i = 0; i < 5; i++) {
		l[i] = utramp_program__attach(program_named(o, name[i]), t, "many_args", NULL);
		assert_non_null(l[i]);
	}
	assert_int_equal(utramp_target__functions(t, NULL, NULL), 1);
	assert_int_equal(utramp_target__resume(t), 0);
	for (uint32_t i = 0; i < 4; i++)
		wait_counts(o, i, 0);
	assert_int_equal(utramp_link__destroy(l[1]), 0);
	assert_int_equal(utramp_link__destroy(l[2]), 0);
	for (uint32_t i = 0; i < 4; i += 3)
		wait_counts(o, i, count_of(o, i));
	assert_int_equal(utramp_link__destroy(l[4]), 0);
	assert_int_equal(utramp_link__destroy(l[0]), 0);
	assert_int_equal(utramp_link__destroy(l[3]), 0);
	assert_int_equal(utramp_target__functions(t, NULL, NULL), 0);
	assert_int_equal(utramp_target__poll(t, 20), UTRAMP_RUNNING);
	utramp_object__close(o);
	kill(utramp_target__pid(t), 9);
	victim_end(t);
	utramp_target__free(t);
	pipes_close(&p);
}

/* Everything of the C library and of ld.so: its results are the same. */
static void test_whole_libraries(void **state)
{
	char truth[64], line[64];
	struct pipes p;
	struct utramp_target *t = victim_start("run", "40", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_link *l = utramp_program__attach(program_named(o, "bare"), t, "libc:*", NULL);

	victim_truth("40", truth, sizeof(truth));
	assert_non_null(l);
	assert_true(utramp_link__functions(l) > 1000);
	l = utramp_program__attach(program_named(o, "on_entry"), t, "ld-linux*:*", NULL);
	if (!l)
		print_error("%s\n", utramp_error());
	assert_non_null(l);
	assert_int_equal(utramp_target__resume(t), 0);
	assert_int_equal(WEXITSTATUS(victim_end(t)), 3);
	victim_line(&p, line, sizeof(line));
	assert_string_equal(line, truth);
	assert_true(count_of(o, 2) > 0);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_call),     cmocka_unit_test(test_object_misuse),
		cmocka_unit_test(test_refusals),       cmocka_unit_test(test_many_functions),
		cmocka_unit_test(test_live),           cmocka_unit_test(test_together),
		cmocka_unit_test(test_together_fails), cmocka_unit_test(test_rollback),
		cmocka_unit_test(test_refused_later),  cmocka_unit_test(test_two_names),
		cmocka_unit_test(test_postponed),      cmocka_unit_test(test_detach_foreign),
		cmocka_unit_test(test_no_room),        cmocka_unit_test(test_journal_full),
		cmocka_unit_test(test_out_of_reach),   cmocka_unit_test(test_inside),
		cmocka_unit_test(test_many_programs),  cmocka_unit_test(test_whole_libraries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
