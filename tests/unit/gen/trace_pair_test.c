/* gen/trace.h, pairing: records by hand, a script of them each, and the lines expected. */
#include "rig.h"

#include <stdio.h>

enum { F, G, ENTRY_ONLY, EXIT_ONLY, NFUNCS };

struct world {
	struct gen_trace *t;
	struct rig_func f[NFUNCS];
	struct rig_lines *lines;
	uint64_t now;
};

static void setup(struct world *w, const struct gen_trace_opts *opts)
{
	memset(w, 0, sizeof(*w));
	w->lines = calloc(1, sizeof(*w->lines));
	assert_non_null(w->lines);
	assert_int_equal(gen_trace_new(opts, &w->t), 0);
	rig_func(&w->f[F], w->t, "void f(void)", true, true);
	rig_func(&w->f[G], w->t, "void g(void)", true, true);
	rig_func(&w->f[ENTRY_ONLY], w->t, "void e(void)", true, false);
	rig_func(&w->f[EXIT_ONLY], w->t, "void x(void)", false, true);
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

/* A record of function i in thread tid; each is 1.5 us later than the one before. */
static void rec_lost(struct world *w, uint32_t kind, unsigned i, uint32_t tid, uint64_t frame,
		     uint64_t lost, uint64_t high)
{
	struct rec_head h = { .kind = kind,
			      .func = w->f[i].id,
			      .time_ns = w->now,
			      .pid_tgid = (uint64_t)100 << 32 | tid,
			      .frame = frame,
			      .slot = 0x7000 + 24ull * tid,
			      .lost_exits = lost,
			      .lost_high = high };

	w->now += 1500;
	assert_int_equal(rig_give(w->t, w->lines, &h), 0);
}

static void in(struct world *w, unsigned i, uint32_t tid, uint64_t frame)
{
	rec_lost(w, REC_ENTRY, i, tid, frame, 0, 0);
}

static void out(struct world *w, unsigned i, uint32_t tid, uint64_t frame)
{
	rec_lost(w, REC_EXIT, i, tid, frame, 0, 0);
}

/* All lines so far, without "m:" and durations: "g f f unwound"; forgets them. */
static void expect(struct world *w, const char *want)
{
	char got[1024] = "";
	size_t n = 0;

	for (size_t i = 0; i < w->lines->n; i++) {
		const char *l = w->lines->at[i], *p = strstr(l, "m:");

		assert_non_null(p);
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%.1s%s", i ? " " : "", p + 2,
				      strstr(l, "<unwound>")        ? "-unwound" :
				      strstr(l, "<unfinished ...>") ? "-open" :
								      "");
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

static void nesting(void **state)
{
	struct world w;

	setup(&w, &plain_text);
	in(&w, F, 1, 0x9000);
	in(&w, G, 1, 0x8000);
	in(&w, G, 1, 0x7000);
	expect(&w, "");
	out(&w, G, 1, 0x7000);
	assert_string_equal(rig_flat(w.lines->at[0]), "m:g() <0.001500 ms>");
	out(&w, G, 1, 0x8000);
	out(&w, F, 1, 0x9000);
	assert_string_equal(rig_flat(w.lines->at[2]), "m:f() <0.007500 ms>");
	expect(&w, "g g f");
	finish(&w, "");
	teardown(&w);
}

/* By which lines of several processes are put in order. */
static void line_times(void **state)
{
	static const struct gen_trace_opts since = { .timestamps = true, .since_ns = 1 };
	struct world w;
	uint64_t at;

	setup(&w, &since);
	in(&w, F, 1, 0x9000);
	in(&w, G, 1, 0x8000);
	out(&w, G, 1, 0x8000);
	at = gen_trace_line_time(w.t);
	assert_string_equal(rig_flat(w.lines->at[0]), "1.000001 m:g() <0.001500 ms>");
	in(&w, G, 1, 0x8000);
	out(&w, F, 1, 0x9000); /* G is presumed to be left, and held */
	assert_int_equal(gen_trace_line_time(w.t), at + 3000);
	in(&w, F, 1, 0x9000);
	finish(&w, "g f g-unwound f-open");
	assert_int_equal(gen_trace_line_time(w.t), at + 4500); /* its entry's */
	assert_true(at > 1500);
	teardown(&w);
}

static void recursion(void **state)
{
	struct world w;

	setup(&w, &plain_text);
	for (unsigned i = 0; i < 20000; i++)
		in(&w, F, 1, 0x7fffffff0000 - 1024 * i); /* 20 MB of stack */
	for (unsigned i = 0; i < 20000; i++)
		out(&w, F, 1, 0x7fffffff0000 - 1024 * (19999 - i));
	assert_int_equal(w.lines->n, 20000);
	assert_string_equal(rig_flat(w.lines->at[19999]), "m:f() <59.998 ms>");
	rig_lines_reset(w.lines);
	finish(&w, "");
	assert_int_equal(gen_trace_lost(w.t), 0);
	teardown(&w);
}

static void threads(void **state)
{
	struct world w;

	setup(&w, &plain_text);
	in(&w, F, 1, 0x9000);
	in(&w, G, 1, 0x8000);
	out(&w, G, 1, 0x8000);
	assert_string_equal(rig_flat(w.lines->at[0]), "m:g() <0.001500 ms>");
	in(&w, F, 2, 0x9000); /* the same frame in another thread */
	out(&w, F, 1, 0x9000);
	assert_string_equal(rig_flat(w.lines->at[1]), "[tid 1] m:f() <0.006000 ms>");
	out(&w, F, 2, 0x9000);
	assert_string_equal(rig_flat(w.lines->at[2]), "[tid 2] m:f() <0.003000 ms>");
	expect(&w, "g f f");
	teardown(&w);
}

static void unwinding(void **state)
{
	struct world w;

	setup(&w, &plain_text);
	in(&w, F, 1, 0x9000);
	in(&w, G, 1, 0x8000);
	in(&w, G, 1, 0x7000);
	in(&w, F, 1, 0x8800); /* longjmp past both, or another stack? */
	expect(&w, "");
	in(&w, G, 1, 0x8800); /* the frame is used again: the call was left */
	expect(&w, "f-unwound");
	out(&w, F, 1, 0x9000);
	expect(&w, "f");
	in(&w, F, 1, 0x8000); /* now one of them was, certainly */
	expect(&w, "g-unwound");
	out(&w, F, 1, 0x8000);
	in(&w, ENTRY_ONLY, 1, 0x7000);
	expect(&w, "f g-unwound e");
	in(&w, F, 1, 0x6000);
	out(&w, G, 1, 0x6000); /* entered unseen where f was */
	expect(&w, "f-unwound");
	out(&w, G, 1, 0x5000); /* nothing is known of it */
	expect(&w, "");
	in(&w, F, 1, 0x4000);
	in(&w, ENTRY_ONLY, 1, 0x4800);
	in(&w, ENTRY_ONLY, 1, 0x4008); /* both had the word at 0x4000 */
	expect(&w, "e f-unwound e");
	in(&w, F, 1, 0x4000);
	out(&w, EXIT_ONLY, 1, 0x4800);
	in(&w, ENTRY_ONLY, 1, 0x4010);
	expect(&w, "x e");
	out(&w, G, 1, 0x4000); /* entered unseen */
	expect(&w, "f-unwound");
	finish(&w, "g-unwound");
	teardown(&w);
}

/* Stacks side by side: what is above another's frames tells nothing of them. */
static void near_stacks(void **state)
{
	struct gen_unwound u = { .pid_tgid = (uint64_t)100 << 32 | 2, .slot = 0x7000 + 24 * 2 };
	struct gen_slot s = { .slot = 3, .pid = 100, .addr = 0x7000 + 24 };
	struct world w;

	setup(&w, &plain_text);
	in(&w, F, 1, 0x9000);
	for (unsigned i = 0; i < 4; i++)
		in(&w, F, 1, 0x10000 * (i + 2));
	in(&w, G, 1, 0x20000 - 0x100);
	for (unsigned i = 4; i-- > 0;)
		in(&w, G, 1, 0x10000 * (i + 2) - 0x200);
	expect(&w, "");
	for (unsigned i = 0; i < 4; i++) {
		out(&w, G, 1, 0x10000 * (i + 2) - 0x200);
		expect(&w, "g");
	}
	out(&w, G, 2, 0x20000 - 0x100); /* goes on in another thread */
	expect(&w, "g");
	out(&w, F, 2, 0x30000);
	assert_null(strstr(w.lines->at[0], "[tid 2]"));
	expect(&w, "f");
	/* an exception there; that it was caught in g is not so: too far */
	u.time_ns = w.now;
	u.frame = 0x20000 + 0x40;
	u.hook = 0;
	assert_int_equal(gen_trace_unwound(w.t, &u, rig_line, w.lines), 0);
	assert_non_null(strstr(rig_flat(w.lines->at[0]), "= ? <unwound> <"));
	expect(&w, "f-unwound");
	/* its exit record was lost */
	rec_lost(&w, REC_ENTRY, G, 1, 0x60000, 1, 0x40000);
	assert_int_equal(gen_trace_lost(w.t), 1);
	out(&w, F, 1, 0x40000); /* so this one is not its own */
	expect(&w, "");
	s.value.lost_exits = 2;
	s.value.lost_high = 0x9000;
	assert_int_equal(gen_trace_counters(w.t, &s, 1), 0);
	finish(&w, "f-unwound g-open");
	assert_int_equal(gen_trace_lost(w.t), 2);
	teardown(&w);
}

/* Calls that nothing tells of do not pile up. */
static void held_at_most(void **state)
{
	const unsigned n = 40000;
	struct world w;

	setup(&w, &plain_text);
	for (unsigned i = 0; i < n; i++)
		in(&w, i ? G : F, 1, 0x7f0000000000 - 64 * (n - i));
	assert_in_range(w.lines->n, n / 4, n / 2);
	assert_int_equal(rig_flat(w.lines->at[0])[2], 'f'); /* the oldest are told of */
	out(&w, G, 1, 0x7f0000000000 - 128);
	assert_null(strstr(w.lines->at[w.lines->n - 1], "unwound"));
	assert_int_equal(gen_trace_finish(w.t, rig_line, w.lines), 0);
	assert_int_equal(w.lines->n, n);
	assert_int_equal(gen_trace_lost(w.t), 0);
	teardown(&w);
}

static void stacks(void **state)
{
	const uint64_t far = 0x7f0000000000, near = 8ull << 20;
	struct world w;

	setup(&w, &plain_text);
	/* coroutines, or a handler on its own stack: far away is another stack */
	in(&w, F, 1, 0x10000000);
	in(&w, G, 1, far);
	in(&w, F, 1, far - 0x100);
	in(&w, G, 1, 0x10000000 - 0x100);
	out(&w, F, 1, far - 0x100);
	out(&w, G, 1, 0x10000000 - 0x100);
	out(&w, G, 1, far);
	out(&w, F, 1, 0x10000000);
	expect(&w, "f g g f");
	in(&w, F, 1, 0x10000000);
	in(&w, G, 1, 0x10000000 + near); /* another stack, by one byte */
	expect(&w, "");
	out(&w, G, 1, 0x10000000 + near);
	expect(&w, "g");
	in(&w, G, 1, 0x10000000 + near - 1);
	expect(&w, "");
	finish(&w, "f-unwound g-open");
	/* many stacks, in no order */
	for (uint64_t i = 0; i < 100; i++)
		in(&w, F, 1, (1 + i * 37 % 100) * 0x10000000);
	for (uint64_t i = 0; i < 100; i++)
		in(&w, G, 1, (1 + i * 61 % 100) * 0x10000000 - 64);
	expect(&w, "");
	for (uint64_t i = 0; i < 100; i++) {
		out(&w, G, 1, (1 + i * 7 % 100) * 0x10000000 - 64);
		out(&w, F, 1, (1 + i * 7 % 100) * 0x10000000);
		expect(&w, "g f");
	}
	finish(&w, "");
	teardown(&w);
}

/* A slot's new owner means that the thread has ended. */
static void slot_reuse(void **state)
{
	struct rec_head h = { .kind = REC_ENTRY,
			      .time_ns = 5,
			      .pid_tgid = (uint64_t)100 << 32 | 77,
			      .frame = 0x100,
			      .slot = 0x7000 + 24 };
	struct world w;

	setup(&w, &plain_text);
	in(&w, F, 1, 0x9000);
	in(&w, G, 1, 0x8000);
	in(&w, F, 2, 0x9000);
	h.pid_tgid = (uint64_t)200 << 32 | 1; /* a child: same address, its own slots */
	assert_int_equal(rig_give(w.t, w.lines, &h), 0);
	expect(&w, "");
	h.pid_tgid = (uint64_t)100 << 32 | 77;
	assert_int_equal(rig_give(w.t, w.lines, &h), 0);
	expect(&w, "");
	finish(&w, "f-unwound g-unwound f-open f-open f-open");
	teardown(&w);
}

static void order_of_age(void **state)
{
	struct world w;

	setup(&w, &plain_text);
	in(&w, G, 3, 0x9000);
	in(&w, F, 1, 0x9000);
	in(&w, G, 2, 0x9000);
	in(&w, F, 1, 0x8000);
	w.now -= 100000; /* older than all */
	in(&w, F, 9, 0x100);
	assert_int_equal(gen_trace_finish(w.t, rig_line, w.lines), 0);
	assert_string_equal(rig_flat(w.lines->at[0]), "[tid 9] m:f() = ? <unfinished ...>");
	assert_string_equal(rig_flat(w.lines->at[1]), "[tid 3] m:g() = ? <unfinished ...>");
	assert_string_equal(rig_flat(w.lines->at[4]), "[tid 1] m:f() = ? <unfinished ...>");
	expect(&w, "f-open g-open f-open g-open f-open");
	finish(&w, "");
	teardown(&w);
}

static void lost_exits(void **state)
{
	struct gen_slot s = { .slot = 3, .pid = 100, .addr = 0x7000 + 24 };
	struct world w;

	setup(&w, &plain_text);
	in(&w, F, 1, 0x9000);
	in(&w, G, 1, 0x8000);
	in(&w, G, 1, 0x7000);
	rec_lost(&w, REC_ENTRY, G, 1, 0x7800, 2, 0x8000); /* two returned unseen */
	expect(&w, "");
	assert_int_equal(gen_trace_lost(w.t), 2);
	rec_lost(&w, REC_ENTRY, F, 1, 0x7000, 2, 0);
	rec_lost(&w, REC_EXIT, F, 1, 0x9000, 3, 0x7800); /* one returned, one was left */
	expect(&w, "f");
	assert_int_equal(gen_trace_lost(w.t), 3);
	/* exits of calls whose entries were lost: nothing to do with those above */
	rec_lost(&w, REC_ENTRY, F, 1, 0x9000, 3, 0);
	rec_lost(&w, REC_ENTRY, G, 1, 0x8000, 9, 0x8800);
	expect(&w, "");
	assert_int_equal(gen_trace_lost(w.t), 3);
	/* at the end the counters tell */
	s.value = (struct gen_slot_value){ .lost_calls = 5, .lost_exits = 10, .lost_high = 0x8000 };
	assert_int_equal(gen_trace_counters(w.t, &s, 1), 0);
	assert_int_equal(gen_trace_lost(w.t), 8);
	assert_int_equal(gen_trace_counters(w.t, &s, 1), 0); /* cumulative */
	assert_int_equal(gen_trace_lost(w.t), 8);
	finish(&w, "f-unwound f-open");
	assert_int_equal(gen_trace_lost(w.t), 9);
	teardown(&w);
}

static void counters(void **state)
{
	struct gen_slot s[2] = { { .slot = 0, .value.lost_calls = 2 },
				 { .slot = 65535, .value.lost_calls = 40 } };
	struct world w;

	setup(&w, &plain_text);
	assert_int_equal(gen_trace_lost(w.t), 0);
	assert_int_equal(gen_trace_counters(w.t, s, 2), 0);
	assert_int_equal(gen_trace_lost(w.t), 42);
	s[1].value.lost_calls++;
	assert_int_equal(gen_trace_counters(w.t, s, 2), 0);
	assert_int_equal(gen_trace_lost(w.t), 43);
	s[1].slot = 65536;
	assert_int_equal(gen_trace_counters(w.t, s, 2), -EINVAL);
	/* of another process: not this one's */
	in(&w, F, 1, 0x9000);
	s[0] = (struct gen_slot){ .slot = 0, .pid = 5, .addr = 0x7000 + 24 };
	s[0].value = (struct gen_slot_value){ 2, 1, 0x9000 };
	assert_int_equal(gen_trace_counters(w.t, s, 1), 0);
	finish(&w, "f-open");
	gen_trace_free(NULL);
	teardown(&w);
}

static void text_forms(void **state)
{
	struct gen_trace_opts opts = { .timestamps = true };
	struct world w;

	setup(&w, &opts);
	w.now *= 10;
	in(&w, F, 1, 0x9000);
	w.now += 1234567890;
	in(&w, G, 1, 0x8000);
	in(&w, ENTRY_ONLY, 1, 0x8000);
	assert_string_equal(rig_flat(w.lines->at[0]), "1.234569 m:g() = ? <unwound>");
	assert_string_equal(rig_flat(w.lines->at[1]), "1.234570 m:e()");
	w.now -= 4000000000;
	out(&w, EXIT_ONLY, 2, 0x1);
	assert_string_equal(rig_flat(w.lines->at[2]), "-2.765427 [tid 2] m:x()");
	out(&w, F, 1, 0x9000);
	assert_string_equal(rig_flat(w.lines->at[3]), "0.000000 [tid 1] m:f() <0.000000 ms>");
	teardown(&w);
}

static void json_forms(void **state)
{
	struct gen_trace_opts opts = { .json = true };
	struct world w;

	setup(&w, &opts);
	in(&w, F, 1, 0x9000);
	in(&w, G, 1, 0x8000);
	in(&w, ENTRY_ONLY, 1, 0x8000);
	out(&w, F, 1, 0x9000);
	assert_string_equal(w.lines->at[0],
			    "{\"time_ns\":1000001500,\"pid\":100,\"tid\":1,\"module\":\"m\","
			    "\"func\":\"g\",\"args\":{},\"ret\":null,\"unwound\":true}");
	assert_string_equal(w.lines->at[2],
			    "{\"time_ns\":1000000000,\"pid\":100,\"tid\":1,\"module\":\"m\","
			    "\"func\":\"f\",\"args\":{},\"ret\":null,\"dur_ns\":4500}");
	assert_non_null(strstr(w.lines->at[1], "\"func\":\"e\",\"args\":{},\"entry\":true}"));
	out(&w, EXIT_ONLY, 1, 0x8000);
	assert_non_null(strstr(w.lines->at[3], "\"func\":\"x\",\"args\":{},\"ret\":null}"));
	in(&w, F, 1, 0x9000);
	assert_int_equal(gen_trace_finish(w.t, rig_line, w.lines), 0);
	assert_non_null(strstr(w.lines->at[4], "\"args\":{},\"ret\":null,\"open\":true}"));
	teardown(&w);
}

static void uncertain(void **state)
{
	struct gen_trace_opts opts = { .json = true };
	struct gen_trace_func gf = { .module = "m", .name = "u", .entry = true };
	struct rig_func f;
	struct world w;

	setup(&w, &opts);
	rig_func(&f, w.t, "void u(int a, int b, int)", true, false);
	f.model->arg[1].flags |= FM_UNCERTAIN;
	f.model->arg[2].flags |= FM_UNCERTAIN;
	gf.proto = &f.proto;
	gf.model = f.model;
	assert_int_equal(gen_trace_add(w.t, &gf, &f.id, NULL), 0);
	w.f[F].id = f.id;
	in(&w, F, 1, 0x9000);
	assert_non_null(strstr(w.lines->at[0], "\"args\":{\"a\":0,\"b\":0,\"arg2\":0},"
					       "\"entry\":true,\"uncertain\":[\"b\",\"arg2\"]}"));
	rig_func_free(&f);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nesting),      cmocka_unit_test(line_times),
		cmocka_unit_test(recursion),    cmocka_unit_test(threads),
		cmocka_unit_test(unwinding),    cmocka_unit_test(stacks),
		cmocka_unit_test(slot_reuse),   cmocka_unit_test(near_stacks),
		cmocka_unit_test(held_at_most), cmocka_unit_test(order_of_age),
		cmocka_unit_test(lost_exits),   cmocka_unit_test(counters),
		cmocka_unit_test(text_forms),   cmocka_unit_test(json_forms),
		cmocka_unit_test(uncertain),
	};

	return cmocka_run_group_tests_name("trace-pair", tests, NULL, NULL);
}
