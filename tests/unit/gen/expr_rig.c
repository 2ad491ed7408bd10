/* expr_rig.c - see expr_rig.h. */
#include "expr_rig.h"

#include <stdio.h>

#define TOP  16
#define SEEN 0x5ec23e7 /* in r7 to r9 */

static struct rig rig;
static unsigned distinct;

void group_init(struct group *g, const char *text)
{
	struct diag d = { "" };

	memset(g, 0, sizeof(*g));
	g->text = text;
	assert_int_equal(ty_pool_new(&g->pool), 0);
	if (proto_parse(text, g->pool, &g->proto, &d) ||
	    func_model_from_proto(&g->proto, &g->m, &d))
		fail_msg("%s: %s", text, d.text);
}

void group_fini(struct group *g)
{
	for (size_t i = 0; i < EXPR_CACHE && g->cache[i].p; i++)
		program_put(g->cache[i].p);
	func_model_free(g->m);
	ty_pool_free(g->pool);
}

/* The condition's answer in r0, unless a register that it must keep has changed: then 7. */
static struct program *compile(const struct group *g, const char *text)
{
	struct gen_writer w = { 0 };
	struct gen_prog gp = { 0 };
	struct gen_expr *e = NULL;
	struct program_attr attr = {
		.name = "expr", .kind = PROGRAM_FEXIT, .arena = rig.arena, .nslots = g->m->nslots
	};
	struct program *p = NULL;
	struct diag d = { "" };
	int err = gen_expr_new(text, &g->proto, g->m, &e, &d);

	if (err)
		fail_msg("%s: %s: %s (%d)", g->text, text, d.text, err);
	gen_put_mov(&w, BPF_REG_6, BPF_REG_1);
	for (uint8_t r = BPF_REG_7; r <= BPF_REG_9; r++)
		gen_put_set(&w, r, SEEN);
	for (int i = 8; i <= TOP; i += 8)
		gen_put(&w, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -i, SEEN);
	assert_int_equal(gen_expr_emit(e, &w, TOP, &d), 0);
	for (uint8_t r = BPF_REG_7; r <= BPF_REG_9; r++) {
		gen_put(&w, BPF_JMP | BPF_JEQ | BPF_K, r, 0, 1, SEEN);
		gen_put_set(&w, BPF_REG_0, 7);
	}
	for (int i = 8; i <= TOP; i += 8) {
		gen_put_load(&w, BPF_REG_1, BPF_REG_10, (size_t)-i);
		gen_put(&w, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, 1, SEEN);
		gen_put_set(&w, BPF_REG_0, 7);
	}
	gen_put(&w, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	assert_int_equal(gen_writer_done(&w, &gp), 0);
	attr.insn = gp.insn;
	attr.ninsns = gp.n;
	if (program_load(&attr, &p, &d))
		fail_msg("%s: %s", text, d.text);
	/* patterns walk the stack by a pointer that checks do not follow */
	if (p->stack_depth != 512)
		assert_true(p->stack_depth <= TOP + gen_expr_stack(e));
	gen_expr_free(e);
	free(gp.insn);
	return p;
}

void check(struct group *g, const char *text, bool want)
{
	struct interp_opts o = { .fuel = 100000 };
	struct diag d = { "" };
	uint64_t r0 = 99, jit;
	size_t i = 0;

	while (i < EXPR_CACHE && g->cache[i].p && strcmp(g->cache[i].text, text))
		i++;
	assert_true(i < EXPR_CACHE);
	if (!g->cache[i].p) {
		g->cache[i].text = text;
		g->cache[i].p = compile(g, text);
		g->cache[i].jit = rig_jit(&rig, g->cache[i].p);
		distinct++;
	}
	if (interp_run(g->cache[i].p, &rig.env, (uint64_t)(uintptr_t)(g->ctx + 2), 0, &o, &r0, &d))
		fail_msg("%s: %s", text, d.text);
	jit = g->cache[i].jit((uint64_t)(uintptr_t)(g->ctx + 2), 0);
	if (r0 != want || jit != want)
		fail_msg("%s: %s: C says %d, the interpreter %llu, compiled %llu (row %llx %llx)",
			 g->text, text, want, (unsigned long long)r0, (unsigned long long)jit,
			 (unsigned long long)g->ctx[2], (unsigned long long)g->ctx[3]);
}

int expr_start(void **state)
{
	struct gen_trace_opts opts = { 0 };

	rig_init(&rig, &opts, 4096);
	return 0;
}

int expr_stop(void **state)
{
	rig_fini(&rig);
	return 0;
}

unsigned expr_distinct(void)
{
	return distinct;
}
