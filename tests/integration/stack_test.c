/*
 * stack_test.c - bpf_get_stack and utramp_set_errno on a real program.
 *
 * Usage: stack_test VICTIM OBJECTDIR ODD   (victim_stack.c; ODD has an errno of its own)
 *        stack_test VICTIM OBJECTDIR       (one without frame pointers)
 *
 * What a program must see is what the victim saw when nobody was traced: the frames of our
 * images, which exit programs put between a function and its caller, are not to be seen.
 */
#include "driver.h"
#include "seen.h"
#include "utramp/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct stack_state seen;

static const char *const by_rbp[] = { "outer", "jump", "deep", "thread", "signal", "wild", NULL };
static const char *const by_tables[] = { "outer",  "jump",    "deep",   "thread",
					 "signal", "aligned", "sorted", NULL };
static const char *const *ways = by_rbp;
#define WAYS 8

struct list {
	unsigned n;
	uint64_t pc[64];
};

static struct list before[WAYS];

static void parse(const char *answer, struct list *l)
{
	l->n = 0;
	while (sscanf(answer, "pc %lx", (unsigned long *)&l->pc[l->n]) == 1) {
		l->n++;
		answer = strchr(answer, '\n') + 1;
	}
}

static void fetch(struct utramp_object *o)
{
	map_read(o, "stack.bss", 0, &seen, sizeof(seen));
}

static void check_stack(int where, const struct list *want, unsigned skip)
{
	const struct stack_seen *s = &seen.at[where];
	unsigned have = (unsigned)(s->bytes / 8), room = where == STACK_OWN ? 4 : STACK_DEPTH;
	unsigned least = want->n - skip < room ? want->n - skip : room;

	check_true(s->bytes >= 8 * (int)least, "program %d: %lld bytes, expected %u entries", where,
		   (long long)s->bytes, least);
	for (unsigned i = skip; i < want->n && i - skip < have; i++)
		check_eq((long long)s->pc[i - skip], (long long)want->pc[i], "program %d, entry %u",
			 where, i);
	if (where == STACK_OWN)
		return;
	check_eq(s->without, s->bytes, "without BPF_F_USER_STACK");
	check_true(!memcmp(s->pc, s->also, sizeof(s->pc)), "without BPF_F_USER_STACK");
	check_eq(s->build_id, -EINVAL, "build ids");
	for (unsigned i = have; i < STACK_DEPTH; i++)
		check_eq((long long)s->pc[i], 0, "beyond the stack, %u", i);
}

/* All ways, with the programs that are attached now: a bit each. */
static void check_ways(struct victim *v, struct utramp_object *o, unsigned programs,
		       const char *how)
{
	for (unsigned i = 0; ways[i]; i++) {
		char name[96];

		snprintf(name, sizeof(name), "%s, called by '%s'", how, ways[i]);
		tap_begin(name);
		victim_ask(v, ways[i]);
		fetch(o);
		for (int w = 0; w < STACK_PROGRAMS; w++) {
			if (programs >> w & 1)
				check_stack(w, &before[i], w == STACK_OWN);
		}
		tap_end();
	}
}

static void look_first(struct victim *v)
{
	tap_begin("untraced");
	for (unsigned i = 0; ways[i]; i++) {
		parse(victim_ask(v, ways[i]), &before[i]);
		check_true(before[i].n >= (strcmp(ways[i], "wild") ? 3 : 1), "%s: %u frames",
			   ways[i], before[i].n);
	}
	tap_end();
}

static void proto(struct victim *v, const char *text)
{
	if (utramp_target__add_proto(v->t, text) < 0)
		bail("%s: %s", text, utramp_error());
}

static void test_stacks(const char *victim)
{
	static const char *const through[] = { "outer",     "middle",   "jumper",    "deep",
					       "on_signal", "with_rbp", "in_thread", "command" };
	static const struct {
		const char *prog;
		int where;
		const char *how;
	} rows[] = { { "at_entry", STACK_ENTRY, "an entry program alone" },
		     { "on_stack", STACK_OWN, "on the program's stack" },
		     { "at_mod", STACK_MOD, "with a fmod_ret program" },
		     { "at_exit", STACK_EXIT, "with an exit program" },
		     { "at_both", STACK_SESSION, "with a session program" } };
	struct utramp_object *o;
	static struct victim v;
	unsigned programs = 0;

	victim_start(&v, victim);
	proto(&v, "int jumper(int n)");
	proto(&v, "int with_rbp(unsigned long rbp, int n)");
	o = open_and_load(&v, "stack");
	victim_resume(&v);
	look_first(&v);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		attach_one(&v, o, rows[i].prog, "innermost", 0);
		programs |= 1u << rows[i].where;
		check_ways(&v, o, programs, rows[i].how);
	}
	for (unsigned i = 0; i < sizeof(through) / sizeof(through[0]); i++)
		attach_one(&v, o, "caller", through[i], 0);
	check_ways(&v, o, programs, "through traced callers");
	tap_begin("the callers ran");
	check_true(seen.callers > 30, "%lld", (long long)seen.callers);
	tap_end();
	utramp_object__close(o);
	victim_end(&v);
}

static void test_errno(const char *victim, bool running)
{
	struct utramp_object *o;
	static struct victim v;

	tap_begin(running ? "malloc fails and sets errno, attached while running" :
			    "malloc fails and sets errno, attached before the start");
	victim_start(&v, victim);
	proto(&v, "void *malloc(unsigned long size)");
	proto(&v, "int *__errno_location(void)");
	o = open_and_load(&v, "stack");
	if (running) {
		victim_resume(&v);
		check_str(victim_ask(&v, "malloc"), "memory: Success\n", "untraced");
	}
	/* what tells where errno is may be traced: it is not called */
	attach_one(&v, o, "caller", "libc:__errno_location", 0);
	attach_one(&v, o, "after_malloc", NULL, 0);
	attach_one(&v, o, "no_memory", NULL, 0);
	if (!running)
		victim_resume(&v);
	for (unsigned i = 1; i <= 3; i++) {
		check_str(victim_ask(&v, "malloc"), "NULL: Cannot allocate memory\n", "traced");
		fetch(o);
		check_eq(seen.errno_code, 0, "the kfunc's result");
		check_eq(seen.fault, -EFAULT, "a fault behind it");
		check_eq((long long)seen.failed, i, "seen at exit");
	}
	utramp_object__close(o);
	check_str(victim_ask(&v, "malloc"), "memory: Success\n", "detached");
	victim_end(&v);
	tap_end();
}

/* Refused when it is attached; nothing is changed, and other programs go on. */
static void test_errno_unknown(const char *victim)
{
	struct utramp_object *o;
	struct utramp_link *l;
	static struct victim v;

	tap_begin("an errno that we do not understand is refused");
	victim_start(&v, victim);
	proto(&v, "void *malloc(unsigned long size)");
	o = open_and_load(&v, "stack");
	l = utramp_program__attach(find_program(o, "no_memory"), v.t, NULL, NULL);
	check_true(!l && errno == ENOTSUP, "attached %d, errno %d", !!l, errno);
	check_true(strstr(utramp_error(), "program no_memory calls utramp_set_errno(), and "
					  "__errno_location() of ") &&
			   strstr(utramp_error(),
				  " returns errno's address in a way that we do not know"),
		   "'%s'", utramp_error());
	attach_one(&v, o, "after_malloc", NULL, 0);
	victim_resume(&v);
	check_str(victim_ask(&v, "malloc"), "memory: Success\n", "the victim");
	utramp_object__close(o);
	victim_end(&v);
	tap_end();
}

int main(int argc, char **argv)
{
	if (argc != 3 && argc != 4)
		return 2;
	objects_dir = argv[2];
	ways = argc == 3 ? by_tables : by_rbp;
	test_stacks(argv[1]);
	if (argc == 3)
		return tap_done();
	test_errno(argv[1], false);
	test_errno(argv[1], true);
	test_errno_unknown(argv[3]);
	return tap_done();
}
