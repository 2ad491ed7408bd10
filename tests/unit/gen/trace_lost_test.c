/*
 * gen/trace.h, losses: printed lines + gen_trace_lost() is the number of calls, whatever is
 * lost, and without longjmp each line says what happened.
 */
#include "rig.h"

#include <pthread.h>
#include <stdio.h>

#define NFUNCS 100

static uint64_t seed;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

struct tally {
	uint64_t done, unwound, open, entry, other;
};

static void count_line(void *arg, const char *text, size_t n)
{
	struct tally *t = arg;

	if (strstr(text, "<unwound>"))
		t->unwound++;
	else if (strstr(text, "<unfinished ...>"))
		t->open++;
	else if (strstr(text, " ms>"))
		t->done++;
	else
		t->other++;
}

static uint64_t printed(const struct tally *t)
{
	return t->done + t->unwound + t->open + t->entry + t->other;
}

/* -- simulated: what the programs would count, any record may find no room ------------- */

#define DEPTH   40
#define THREADS 5

struct sim_call {
	uint64_t frame;
	unsigned func;
	bool entry_seen;
};

struct sim_thread {
	struct sim_call call[DEPTH];
	unsigned depth;
	uint32_t tid;
	struct gen_slot_value v;
};

struct sim {
	struct gen_trace *t;
	struct rig_func f[4]; /* both, both, entry only, exit only */
	struct sim_thread th[THREADS];
	struct tally tally;
	uint64_t calls, both; /* made; entry and exit record delivered */
	uint64_t unwound;     /* entry and unwinding delivered */
	uint32_t loss;        /* of 100 */
};

static bool sim_record(struct sim *s, struct sim_thread *th, uint32_t kind, unsigned func,
		       uint64_t frame)
{
	bool call = kind == REC_ENTRY || func == 3, lost = rnd(100) < s->loss;
	struct rec_head h = { .kind = kind,
			      .func = s->f[func].id,
			      .time_ns = s->calls,
			      .pid_tgid = (uint64_t)1 << 32 | th->tid,
			      .frame = frame,
			      .slot = 4096 + (uint64_t)(th - s->th) * 24,
			      .lost_exits = th->v.lost_exits,
			      .lost_high = th->v.lost_high };
	uint8_t *rec;
	size_t n;

	if (lost) {
		*(call ? &th->v.lost_calls : &th->v.lost_exits) += 1;
		if (!call && th->v.lost_high < frame)
			th->v.lost_high = frame;
		return false;
	}
	th->v.lost_high = 0;
	rec = rig_record(s->t, &h, &n);
	assert_int_equal(gen_trace_record(s->t, rec, n, count_line, &s->tally), 0);
	free(rec);
	return true;
}

static void sim_call(struct sim *s, struct sim_thread *th)
{
	struct sim_call *c = &th->call[th->depth];
	uint64_t base = 0x7f0000000000 + ((uint64_t)(th - s->th) << 32);
	uint64_t top = th->depth ? th->call[th->depth - 1].frame : base;

	if (th->depth == DEPTH)
		return;
	c->func = rnd(4);
	c->frame = top - 64 - 8 * rnd(40);
	c->entry_seen = false;
	if (c->func != 3) {
		s->calls++;
		c->entry_seen = sim_record(s, th, REC_ENTRY, c->func, c->frame);
	}
	th->depth++;
}

static void sim_return(struct sim *s, struct sim_thread *th)
{
	struct sim_call *c;
	bool seen;

	if (!th->depth)
		return;
	c = &th->call[--th->depth];
	if (c->func == 2)
		return;
	s->calls += c->func == 3;
	seen = sim_record(s, th, REC_EXIT, c->func, c->frame);
	s->both += c->func != 3 && seen && c->entry_seen;
}

/* As rt/unwound.c has it; rbp lies above ctx. */
static bool sim_tell(struct sim *s, struct sim_thread *th, const struct sim_call *c)
{
	struct gen_unwound u = { .time_ns = s->calls,
				 .pid_tgid = (uint64_t)1 << 32 | th->tid,
				 .frame = c->frame + 40,
				 .hook = c->func,
				 .slot = 4096 + (uint64_t)(th - s->th) * 24,
				 .lost_exits = th->v.lost_exits,
				 .lost_high = th->v.lost_high };

	if (rnd(100) < s->loss) {
		th->v.lost_exits++;
		if (th->v.lost_high < u.frame)
			th->v.lost_high = u.frame;
		return false;
	}
	th->v.lost_high = 0;
	assert_int_equal(gen_trace_unwound(s->t, &u, count_line, &s->tally), 0);
	return true;
}

/* An exception leaves some frames; those of functions without exit programs tell nothing. */
static void sim_unwind(struct sim *s, struct sim_thread *th)
{
	unsigned to = th->depth ? rnd(th->depth) : 0;

	while (th->depth > to) {
		struct sim_call *c = &th->call[--th->depth];

		if (c->func != 2)
			s->unwound += sim_tell(s, th, c) && c->func != 3 && c->entry_seen;
	}
}

static void sim_run(struct sim *s, unsigned steps, bool jumps)
{
	for (unsigned i = 0; i < steps; i++) {
		struct sim_thread *th = &s->th[rnd(THREADS)];

		switch (rnd(jumps ? 200 : 104)) {
		case 0 ... 48:
			sim_call(s, th);
			break;
		case 49 ... 98:
			sim_return(s, th);
			break;
		case 99 ... 103:
			sim_unwind(s, th);
			break;
		case 120 ... 124: /* the thread ends; its slot goes to another */
			th->depth = 0;
			th->tid += 100;
			break;
		case 104 ... 119:
			th->depth = th->depth ? rnd(th->depth) : 0;
			break;
		}
	}
}

static void sim_end(struct sim *s)
{
	struct gen_slot slot[THREADS];

	for (unsigned i = 0; i < THREADS; i++)
		slot[i] = (struct gen_slot){
			.slot = i, .pid = 1, .addr = 4096 + i * 24, .value = s->th[i].v
		};
	assert_int_equal(gen_trace_counters(s->t, slot, THREADS), 0);
	assert_int_equal(gen_trace_finish(s->t, count_line, &s->tally), 0);
}

static void simulate(uint64_t start, uint32_t loss, bool jumps)
{
	static const char *const protos[] = { "int a(int x)", "void b(void)", "void c(long x)",
					      "int d(void)" };
	struct gen_trace_opts opts = { 0 };
	static struct sim s;
	uint64_t open = 0;

	memset(&s, 0, sizeof(s));
	seed = start * 77 + loss;
	s.loss = loss;
	assert_int_equal(gen_trace_new(&opts, &s.t), 0);
	for (unsigned i = 0; i < 4; i++) {
		rig_func(&s.f[i], s.t, protos[i], i != 3, i != 2);
		s.t->funcs.at[s.f[i].id].hook = i;
	}
	for (unsigned i = 0; i < THREADS; i++)
		s.th[i].tid = i + 1;
	sim_run(&s, 2000, jumps);
	sim_end(&s);
	if (printed(&s.tally) + gen_trace_lost(s.t) != s.calls)
		fail_msg("seed %llu loss %u: printed %llu + lost %llu != %llu calls",
			 (unsigned long long)start, loss, (unsigned long long)printed(&s.tally),
			 (unsigned long long)gen_trace_lost(s.t), (unsigned long long)s.calls);
	for (unsigned i = 0; i < THREADS && !jumps; i++) {
		for (unsigned k = 0; k < s.th[i].depth; k++)
			open += s.th[i].call[k].entry_seen && s.th[i].call[k].func != 2;
	}
	if (!jumps) {
		assert_int_equal(s.tally.unwound, s.unwound);
		assert_int_equal(s.tally.open, open);
		assert_int_equal(s.tally.done, s.both);
	}
	for (unsigned i = 0; i < 4; i++)
		rig_func_free(&s.f[i]);
	gen_trace_free(s.t);
}

static void simulated(void **state)
{
	static const uint32_t loss[] = { 0, 1, 10, 50, 90, 100 };

	for (uint64_t i = 0; i < 60; i++) {
		simulate(i, loss[i % ARRAY_LEN(loss)], false);
		simulate(i, loss[i % ARRAY_LEN(loss)], true);
	}
}

/* -- for real: threads, the JIT's code, a ring that is too small ----------------------------- */

#define WORKERS 4

static uint64_t calls_each = 60000;

static rig_fn entry_fn[NFUNCS], exit_fn[NFUNCS];

struct worker {
	pthread_t thread;
	uint64_t seed, calls, left;
};

static uint32_t worker_rnd(struct worker *w, uint32_t n)
{
	w->seed = w->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(w->seed >> 33) % n;
}

/* A call and what it calls; the context lies on the stack, as in a trampoline. */
static __attribute__((noinline)) void work(struct worker *w, unsigned depth)
{
	unsigned f = worker_rnd(w, NFUNCS);
	volatile uint64_t ctx[5] = { 0, 1, f, depth, 7 };
	uint64_t at = (uint64_t)(uintptr_t)&ctx[2];

	entry_fn[f](at, 0);
	w->calls++;
	while (depth < 12 && w->calls < calls_each && worker_rnd(w, 100) < 49)
		work(w, depth + 1);
	if (worker_rnd(w, 1000) == 0)
		w->left++; /* as if by longjmp */
	else
		exit_fn[f](at, 0);
}

static void *worker(void *arg)
{
	struct worker *w = arg;

	while (w->calls < calls_each)
		work(w, 0);
	return NULL;
}

static void real_ring(void **state)
{
	struct gen_trace_opts opts = { .json = true };
	struct worker w[WORKERS] = { 0 };
	static struct rig r;
	struct rig_func f[NFUNCS];
	struct program *p[2 * NFUNCS];
	char proto[64];
	uint64_t calls = 0, left = 0;

	rig_init(&r, &opts, 16384);
	r.lines->count_only = true;
	for (unsigned i = 0; i < NFUNCS; i++) {
		snprintf(proto, sizeof(proto), "int f%u(int f, int depth)", i);
		rig_func(&f[i], r.trace, proto, true, true);
		p[2 * i] = rig_load(&r, &f[i], false);
		p[2 * i + 1] = rig_load(&r, &f[i], true);
		entry_fn[i] = rig_jit(&r, p[2 * i]);
		exit_fn[i] = rig_jit(&r, p[2 * i + 1]);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		w[i].seed = i + 1;
		assert_int_equal(pthread_create(&w[i].thread, NULL, worker, &w[i]), 0);
	}
	while (!__atomic_load_n(&r.reader.r->producer.lost, __ATOMIC_RELAXED))
		usleep(100); /* something is lost on any machine */
	for (uint64_t i = 0; i < calls_each / 200; i++) {
		rig_drain(&r);
		if (i % 50 == 0)
			rig_counters(&r);
		usleep(500);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		calls += w[i].calls;
		left += w[i].left;
	}
	rig_finish(&r);
	assert_int_equal(r.lines->n + gen_trace_lost(r.trace), calls);
	print_message("# %llu calls: %zu lines, %llu lost, %zu unwound of %llu left\n",
		      (unsigned long long)calls, r.lines->n,
		      (unsigned long long)gen_trace_lost(r.trace), r.lines->unwound,
		      (unsigned long long)left);
	assert_true(gen_trace_lost(r.trace) > 0);
	/* what was lost is not mistaken for what was left */
	assert_true(r.lines->unwound <= left);
	assert_true(r.lines->n > 200);
	for (unsigned i = 0; i < NFUNCS; i++) {
		program_put(p[2 * i]);
		program_put(p[2 * i + 1]);
		rig_func_free(&f[i]);
	}
	rig_fini(&r);
}

/* An argument: calls of each thread of real_ring(); issues ask for 250000. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(simulated),
		cmocka_unit_test(real_ring),
	};

	if (argc > 1)
		calls_each = strtoull(argv[1], NULL, 10);
	return cmocka_run_group_tests_name("trace-lost", tests, NULL, NULL);
}
