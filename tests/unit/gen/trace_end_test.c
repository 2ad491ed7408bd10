/* gen/trace.h, calls that end otherwise: told by the unwinder, in another thread, by tail calls. */
#include "rig.h"

#include <stdio.h>

enum { F, G, E, NFUNCS };

static const char *const protos[] = { "void f(void)", "int g(void)", "void e(void)" };

struct world {
	struct gen_trace *t;
	struct rig_func f[NFUNCS];
	struct rig_lines *lines;
	uint64_t now, lost, high;
};

/* Hooks are 10 times the function's number, plus 7. */
static void setup(struct world *w, const struct gen_trace_opts *opts)
{
	memset(w, 0, sizeof(*w));
	w->lines = calloc(1, sizeof(*w->lines));
	assert_non_null(w->lines);
	assert_int_equal(gen_trace_new(opts, &w->t), 0);
	for (int i = 0; i < NFUNCS; i++) {
		rig_func(&w->f[i], w->t, protos[i], true, i != E);
		w->t->funcs.at[w->f[i].id].hook = 10 * (uint32_t)i + 7;
	}
	w->now = 1000000000;
}

static void teardown(struct world *w)
{
	gen_trace_free(w->t);
	for (int i = 0; i < NFUNCS; i++)
		rig_func_free(&w->f[i]);
	rig_lines_reset(w->lines);
	free(w->lines);
}

/* Each event is 1 us later than the one before. */
static void record(struct world *w, uint32_t kind, int i, uint32_t tid, uint64_t frame,
		   uint64_t count)
{
	struct rec_head h = { .kind = kind,
			      .func = w->f[i].id,
			      .time_ns = w->now += 1000,
			      .count = count,
			      .pid_tgid = (uint64_t)100 << 32 | tid,
			      .frame = frame,
			      .slot = 0x7000 + 24ull * tid,
			      .lost_exits = w->lost,
			      .lost_high = w->high };

	w->high = 0;
	assert_int_equal(rig_give(w->t, w->lines, &h), 0);
}

static void in(struct world *w, int i, uint32_t tid, uint64_t frame)
{
	record(w, REC_ENTRY, i, tid, frame, 5 | 0xbull << 60); /* all bits but that of tail calls */
}

static void tail(struct world *w, int i, uint32_t tid, uint64_t frame)
{
	record(w, REC_ENTRY, i, tid, frame, 5 | 1ull << 62);
}

static void out(struct world *w, int i, uint32_t tid, uint64_t frame)
{
	record(w, REC_EXIT, i, tid, frame, 0);
}

/* The frame of function i whose rbp is here is left. */
static void left(struct world *w, int i, uint32_t tid, uint64_t rbp)
{
	struct gen_unwound u = { .time_ns = w->now += 1000,
				 .pid_tgid = (uint64_t)100 << 32 | tid,
				 .frame = rbp,
				 .hook = 10 * (uint32_t)i + 7,
				 .slot = 0x7000 + 24ull * tid,
				 .lost_exits = w->lost,
				 .lost_high = w->high };

	w->high = 0;
	assert_int_equal(gen_trace_unwound(w->t, &u, rig_line, w->lines), 0);
}

/* All lines so far: name, how it ended, and the duration in us if there is one. */
static void expect(struct world *w, const char *want)
{
	char got[1024] = "";
	size_t n = 0;

	for (size_t i = 0; i < w->lines->n; i++) {
		const char *l = w->lines->at[i], *p = strstr(l, "m:"), *ms = strstr(l, "<0.00");

		assert_non_null(p);
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%.1s%s", i ? " " : "", p + 2,
				      strstr(l, "<unwound>")        ? "-unwound" :
				      strstr(l, "<unfinished ...>") ? "-open" :
				      strstr(l, "<tail call>")      ? "-tail" :
								      "");
		if (ms)
			n += (size_t)snprintf(got + n, sizeof(got) - n, ":%.1s", ms + 5);
	}
	if (strcmp(got, want))
		fail_msg("got \"%s\", want \"%s\"", got, want);
	rig_lines_reset(w->lines);
}

static void finish(struct world *w, const char *want)
{
	assert_int_equal(gen_trace_finish(w->t, rig_line, w->lines), 0);
	expect(w, want);
}

static const struct gen_trace_opts plain_text;

static void exact(void **state)
{
	struct world w;

	setup(&w, &plain_text);
	in(&w, F, 1, 0x9000);
	in(&w, G, 1, 0x8000);
	in(&w, G, 1, 0x7000);
	left(&w, G, 1, 0x7080);
	expect(&w, "g-unwound:1");
	left(&w, G, 1, 0x8080);
	expect(&w, "g-unwound:3");
	/* caught in f, which calls on and returns */
	in(&w, G, 1, 0x8010);
	out(&w, G, 1, 0x8010);
	out(&w, F, 1, 0x9000);
	expect(&w, "g:1 f:7");
	/* once each: the frame has no call any more, or never had one */
	left(&w, F, 1, 0x9080);
	left(&w, F, 1, 0xf080);
	finish(&w, "");
	assert_int_equal(gen_trace_lost(w.t), 0);
	teardown(&w);
}

/* What longjmp has left before has no time, and neither has another hook's frame. */
static void among_others(void **state)
{
	struct world w;

	setup(&w, &plain_text);
	in(&w, F, 1, 0x9000);
	in(&w, G, 1, 0x8000); /* left by longjmp */
	left(&w, F, 1, 0x9080);
	expect(&w, "f-unwound:2");
	in(&w, F, 1, 0x9000);
	in(&w, G, 1,
	   0x8000); /* so the first was; left by longjmp to a function that only others trace */
	left(&w, 5, 1, 0x8800);
	expect(&w, "g-unwound");
	out(&w, F, 1, 0x9000);
	expect(&w, "f:3");
	in(&w, G, 1, 0x8000); /* far below: a frame is not that large */
	left(&w, G, 1, 0x8000 + (1 << 20));
	expect(&w, "g-unwound");
	finish(&w, "g-unwound");
	teardown(&w);
}

static void other_stacks(void **state)
{
	struct world w;

	setup(&w, &plain_text);
	in(&w, F, 1, 0x7fff00000000);
	in(&w, G, 1, 0x7f0000000000); /* a coroutine's */
	in(&w, G, 2, 0x7f0000000000); /* another thread */
	left(&w, F, 1, 0x7fff00000080);
	expect(&w, "f-unwound:3");
	left(&w, G, 1, 0x7f0000000080);
	expect(&w, "g-unwound:3");
	finish(&w, "g-open");
	teardown(&w);
}

/* A coroutine that begins in thread 1 and ends in thread 2. */
static void other_threads(void **state)
{
	struct world w;

	setup(&w, &plain_text);
	in(&w, F, 1, 0x7fff00000000);
	in(&w, F, 1, 0x7f0000009000);
	in(&w, G, 1, 0x7f0000008000);
	in(&w, F, 2, 0x7ffe00000000);
	out(&w, G, 2, 0x7f0000008000);
	expect(&w, "g:2");
	left(&w, F, 2, 0x7f0000009080);
	expect(&w, "f-unwound:4");
	out(&w, F, 2, 0x7f0000009000); /* not twice */
	out(&w, G, 2, 0x7fff00000000); /* not g's */
	out(&w, F, 2, 0x7ffe00000000);
	out(&w, F, 1, 0x7fff00000000);
	expect(&w, "f:5 f:9");
	finish(&w, "");
	teardown(&w);
}

/* No room for the record of an unwinding: counted like an exit's. */
static void lost(void **state)
{
	struct world w;

	setup(&w, &plain_text);
	in(&w, F, 1, 0x9000);
	in(&w, G, 1, 0x8000);
	w.lost = 1; /* g's, rbp above its ctx */
	w.high = 0x8080;
	left(&w, F, 1, 0x9080);
	expect(&w, "f-unwound:2");
	assert_int_equal(gen_trace_lost(w.t), 1);
	finish(&w, "");
	teardown(&w);
}

static void depth(void **state)
{
	struct gen_trace_opts opts = { .depth = 1 };
	struct world w;

	setup(&w, &opts);
	in(&w, F, 1, 0x9000);
	in(&w, G, 1, 0x8000);
	tail(&w, G, 1, 0x7000);
	left(&w, G, 1, 0x8080);
	left(&w, F, 1, 0x9080);
	expect(&w, "f-unwound:4");
	finish(&w, "");
	teardown(&w);
}

/* f jumps to g, g to e, e to f: one frame, one return. */
static void tail_calls(void **state)
{
	struct world w;

	setup(&w, &plain_text);
	in(&w, F, 1, 0x9000);
	tail(&w, G, 1, 0x8000);
	tail(&w, E, 1, 0x8000);
	tail(&w, F, 1, 0x9000); /* in its own frame */
	expect(&w, "g-tail e-tail f-tail");
	in(&w, G, 1, 0x7000);
	tail(&w, G, 1, 0x6000);
	tail(&w, F, 1, 0x8000); /* g was left by longjmp */
	expect(&w, "g-tail f-tail");
	out(&w, F, 1, 0x9000);
	expect(&w, "f:7");
	in(&w, F, 1, 0x9000);
	tail(&w, G, 1, 0x8000);
	left(&w, F, 1, 0x9080); /* the frame's tag is the first one's */
	expect(&w, "g-tail f-unwound:2");
	finish(&w, "g-unwound");
	teardown(&w);
}

static void forms(void **state)
{
	struct gen_trace_opts opts = { .json = true };
	struct world w;

	setup(&w, &opts);
	in(&w, G, 1, 0x9000);
	tail(&w, F, 1, 0x8000);
	left(&w, G, 1, 0x9080);
	assert_non_null(
		strstr(w.lines->at[0], "\"func\":\"f\",\"args\":{},\"entry\":true,\"tail\":true}"));
	assert_non_null(strstr(w.lines->at[1], "\"func\":\"g\",\"args\":{},\"ret\":null,"
					       "\"dur_ns\":2000,\"unwound\":true}"));
	teardown(&w);
	setup(&w, &plain_text);
	in(&w, G, 1, 0x9000);
	tail(&w, F, 1, 0x8000);
	left(&w, G, 1, 0x9080);
	assert_string_equal(w.lines->at[0],
			    "m:f()                                   = ? <tail call>");
	assert_string_equal(w.lines->at[1], "m:g()                                   = ? <unwound>"
					    "   <0.002000 ms>");
	teardown(&w);
}

/* The programs say which entries are tail calls: ctx[-1] goes into their records. */
static void from_programs(void **state)
{
	static const struct gen_trace_opts opts;
	uint64_t ctx[4] = { 0, 1ull << 62, 0, 0 };
	static struct rig r;
	struct rig_func f;
	struct program *p;

	rig_init(&r, &opts, 4096);
	rig_func(&f, r.trace, "void f(void)", true, true);
	p = rig_load(&r, &f, false);
	rig_jit(&r, p)((uint64_t)(uintptr_t)&ctx[2], 0);
	rig_interp(&r, p, &ctx[2]);
	ctx[1] = 1;
	rig_interp(&r, p, &ctx[2]);
	rig_finish(&r);
	assert_int_equal(r.lines->n, 3);
	assert_string_equal(rig_flat(r.lines->at[0]), "m:f() = ? <tail call>");
	assert_string_equal(rig_flat(r.lines->at[1]), "m:f() = ? <tail call>");
	assert_string_equal(rig_flat(r.lines->at[2]), "m:f() = ? <unfinished ...>");
	program_put(p);
	rig_func_free(&f);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact),         cmocka_unit_test(among_others),
		cmocka_unit_test(other_stacks),  cmocka_unit_test(other_threads),
		cmocka_unit_test(lost),          cmocka_unit_test(depth),
		cmocka_unit_test(tail_calls),    cmocka_unit_test(forms),
		cmocka_unit_test(from_programs),
	};

	return cmocka_run_group_tests_name("trace-end", tests, NULL, NULL);
}
