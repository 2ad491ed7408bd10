/*
 * gen/trace.h: the traced process can write anything into the ring.  Damaged and made-up
 * records are refused or understood; no crash, no broken line, and what is refused changes
 * nothing.  Sanitizers see reads beyond a record.
 */
#include "rig.h"

#define ROUNDS 60000

static uint64_t seed = 20261122;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

static const char *const protos[] = {
	"char *a(char *s, unsigned char *t, int n)",
	"struct { long v[5]; } b(struct { char c[40]; double d; } s, char *t)",
	"long double c(long double x, __int128 y, _Bool z)",
	"enum { A, B } d(enum { C = -1, D } e, struct { unsigned f : 3; int g : 29; } h)",
	"void e(union { int i; float f; double d[2]; } u, __m128 v)",
	"_Complex double f(struct { } nothing, float x)",
};

struct fuzz {
	struct gen_trace *t;
	struct rig_func f[2 * ARRAY_LEN(protos)];
	uint64_t calls, lines;
};

/* Brackets and quotes in order; text lines may hold anything printable. */
static void check_line(void *arg, const char *text, size_t n)
{
	struct fuzz *z = arg;
	bool quoted = false;
	int depth = 0;

	z->lines++;
	assert_int_equal(strlen(text), n);
	for (size_t i = 0; i < n; i++) {
		assert_true((unsigned char)text[i] >= ' ');
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && strchr("{[(", text[i]))
			depth++;
		else if (!quoted && strchr("}])", text[i]))
			depth--;
		assert_true(depth >= 0);
	}
	assert_false(quoted);
	assert_int_equal(depth, 0);
}

static uint64_t some_number(void)
{
	static const uint64_t numbers[] = { 0, 1, 2, 0x1000, UINT64_MAX, 1ull << 63, 8ull << 20 };

	return numbers[rnd(ARRAY_LEN(numbers))] + rnd(3) * 8;
}

static uint8_t *make(struct fuzz *z, size_t *n)
{
	unsigned i = rnd(ARRAY_LEN(z->f));
	struct rec_head h = { .kind = rnd(2) || i >= ARRAY_LEN(protos) ? REC_EXIT : REC_ENTRY,
			      .func = z->f[i].id,
			      .time_ns = some_number(),
			      .pid_tgid = some_number(),
			      .frame = rnd(4) ? rnd(20) * 64 : some_number(),
			      .slot = rnd(3),
			      .lost_exits = rnd(3) ? 0 : some_number(),
			      .lost_high = rnd(20) * 64 };
	const struct rec_plan *p;
	uint8_t *rec = rig_record(z->t, &h, n);

	p = h.kind == REC_ENTRY ? &z->t->funcs.at[h.func].entry : &z->t->funcs.at[h.func].exit;
	for (size_t k = sizeof(h); k < *n; k++)
		rec[k] = (uint8_t)rnd(256);
	for (unsigned k = 0; k < p->nsections; k++) {
		int64_t status = p->section[k].kind == SEC_STRING ? rnd(p->section[k].cap + 1u) : 0;

		status = rnd(5) ? status : -14;
		memcpy(rec + p->section[k].off, &status, sizeof(status));
	}
	return rec;
}

static void damage(uint8_t **rec, size_t *n)
{
	size_t to = rnd(2) ? *n : rnd((uint32_t)*n + 16);
	uint8_t *copy = malloc(to + !to);

	assert_non_null(copy);
	for (size_t i = 0; i < to; i++)
		copy[i] = i < *n ? (*rec)[i] : (uint8_t)rnd(256);
	for (unsigned k = rnd(4); k && to; k--)
		copy[rnd((uint32_t)to)] ^= (uint8_t)(1u << rnd(8));
	free(*rec);
	*rec = copy;
	*n = to;
}

static void give(struct fuzz *z, const uint8_t *rec, size_t n)
{
	uint64_t lines = z->lines, lost = gen_trace_lost(z->t);
	int err = gen_trace_record(z->t, rec, n, check_line, z);
	struct rec_head h;

	if (err) {
		assert_int_equal(err, -EBADMSG);
		assert_int_equal(z->lines, lines);
		assert_int_equal(gen_trace_lost(z->t), lost);
		return;
	}
	memcpy(&h, rec, sizeof(h));
	z->calls += h.kind == REC_ENTRY || !z->t->funcs.at[h.func].has_entry;
}

/* Any values: it closes calls, or not. */
static void give_unwound(struct fuzz *z)
{
	struct gen_unwound u = { .time_ns = some_number(),
				 .pid_tgid = some_number(),
				 .frame = rnd(4) ? rnd(20) * 64 + 8 : some_number(),
				 .slot = rnd(3),
				 .lost_exits = rnd(3) ? 0 : some_number(),
				 .lost_high = rnd(20) * 64 };

	assert_int_equal(gen_trace_unwound(z->t, &u, check_line, z), 0);
}

static void run(bool json)
{
	struct gen_trace_opts opts = { .json = json, .timestamps = true, .strings = 20 };
	static struct fuzz z;

	memset(&z, 0, sizeof(z));
	assert_int_equal(gen_trace_new(&opts, &z.t), 0);
	for (unsigned i = 0; i < ARRAY_LEN(protos); i++) {
		rig_func(&z.f[i], z.t, protos[i], true, true);
		rig_func(&z.f[i + ARRAY_LEN(protos)], z.t, protos[i], false, true);
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t n;
		uint8_t *rec = make(&z, &n);

		if (rnd(3) == 0)
			damage(&rec, &n);
		give(&z, rec, n);
		free(rec);
		if (rnd(8) == 0)
			give_unwound(&z);
		if (rnd(5000) == 0)
			assert_int_equal(gen_trace_finish(z.t, check_line, &z), 0);
	}
	assert_int_equal(gen_trace_finish(z.t, check_line, &z), 0);
	assert_int_equal(z.lines + gen_trace_lost(z.t), z.calls);
	assert_true(z.calls > ROUNDS / 4);
	for (unsigned i = 0; i < ARRAY_LEN(z.f); i++)
		rig_func_free(&z.f[i]);
	gen_trace_free(z.t);
}

static void fuzz_json(void **state)
{
	run(true);
}

static void fuzz_text(void **state)
{
	run(false);
}

/* Each check on its own. */
static void refused(void **state)
{
	struct gen_trace_opts opts = { .strings = 8 };
	struct rec_head h = { .kind = REC_ENTRY, .frame = 64 }, bad;
	static struct fuzz z;
	struct rig_func f, e;
	int64_t status;
	uint8_t *rec;
	size_t n;

	memset(&z, 0, sizeof(z));
	assert_int_equal(gen_trace_new(&opts, &z.t), 0);
	rig_func(&f, z.t, "void f(char *s, struct { long v[3]; } m)", true, true);
	rig_func(&e, z.t, "void e(void)", true, false);
	rec = rig_record(z.t, &h, &n);
	assert_int_equal(gen_trace_record(z.t, rec, n, check_line, &z), 0);
	for (size_t k = 0; k < n; k++)
		assert_int_equal(gen_trace_record(z.t, rec, k, check_line, &z), -EBADMSG);
	for (int i = 0; i < 4; i++) {
		bad = h;
		bad.kind = i == 0 ? 0 : i == 1 ? REC_EXIT + 1 : i == 2 ? REC_ENTRY : REC_EXIT;
		bad.func = i == 2 ? 2 : i == 3 ? e.id : f.id;
		memcpy(rec, &bad, sizeof(bad));
		assert_int_equal(gen_trace_record(z.t, rec, n, check_line, &z), -EBADMSG);
		memcpy(rec, &h, sizeof(h));
	}
	for (unsigned k = 0; k < 2; k++) {
		const struct rec_section *s = &z.t->funcs.at[f.id].entry.section[k];

		status = s->kind == SEC_STRING ? s->cap : 0;
		memcpy(rec + s->off, &status, sizeof(status));
		assert_int_equal(gen_trace_record(z.t, rec, n, check_line, &z), 0);
		status++;
		memcpy(rec + s->off, &status, sizeof(status));
		assert_int_equal(gen_trace_record(z.t, rec, n, check_line, &z), -EBADMSG);
		status = 0;
		memcpy(rec + s->off, &status, sizeof(status));
	}
	free(rec);
	rig_func_free(&f);
	rig_func_free(&e);
	gen_trace_free(z.t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fuzz_json),
		cmocka_unit_test(fuzz_text),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests_name("trace-fuzz", tests, NULL, NULL);
}
