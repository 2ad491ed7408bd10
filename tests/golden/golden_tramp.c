/*
 * golden_tramp.c - plan and code of fixed trampolines, compared with what was blessed.
 *
 * Usage: golden_tramp CASE.t...        UTRAMP_BLESS=1: rewrite what follows the first ----
 *
 * The head of a case, one item a line ('#' begins a comment):
 *   sig TEXT            signature (text form of model/func_model.h), or raw
 *   fentry|fmod_ret|fexit BODY [BODY...]   programs in the order in which they run
 *       call            tramp_body_call() of a far function, second argument 0x1234
 *       count           changes rax only, reads nothing
 *       read=N,N...     loads these slots into rax
 *       override        sets the override word and the result slot
 *       set             sets the override word, as utramp_set_result() does
 *       outline         calls a function of its own behind the trampoline
 *       stop            returns -12
 *   fsession BODY [BODY...]    the same, in the fentry and in the fexit list
 *       cookie          counts in its session cookie
 *   tag N               tagged frames;   leave: jumps to the slot's stubs instead of ret
 *   rooms N             code of ours lies in one slab or in two: asks for tail calls
 *   layout ours|seed|both   entry jmp|call   (ours, by jmp); both: ours by jmp, the seed's by call
 * Addresses are fixed: code 0x500000, original 0x400105.  Each line of code begins with the
 * frame state.  Every case also runs, on the harness of the unit tests: registers and stack
 * must come through; in the seed's layout those that it keeps.
 */
#include "harness.h"

#include "tramp/tramp.h"
#include "x86/insn.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PROGS 8
#define CODE_SIZE 65536
#define TEXT_SIZE (256 * 1024)
#define PC        0x500000
#define FAR_FN    0x7f0012345678

struct shape {
	bool override, set, outline, stop, cookie;
	uint16_t read[16];
	unsigned nread, result_slot;
};

struct golden {
	struct func_model *model;
	struct tramp_spec spec;
	struct tramp_shim shim;
	struct tramp_prog prog[TRAMP_KINDS][MAX_PROGS];
	struct tramp_body body[TRAMP_KINDS][MAX_PROGS];
	struct shape shape[TRAMP_KINDS][MAX_PROGS];
	uint64_t fn;
	bool both;
	char head[4096], want[TEXT_SIZE], have[TEXT_SIZE];
	size_t len;
};

static const char *const kinds[TRAMP_KINDS] = { "fentry", "fmod_ret", "fexit" };

static _Noreturn void die(const char *path, const char *what, const char *detail)
{
	fprintf(stderr, "%s: %s %s\n", path, what, detail);
	exit(2);
}

/* -- bodies -------------------------------------------------------------- */

static void shape_work(struct x86_asm *a, const struct tramp_env *env, const struct shape *s)
{
	for (unsigned i = 0; i < s->nread; i++)
		x86_load(a, X86_Q, RAX, X86_MEM(RBP, env->ctx + 8 * s->read[i]));
	if (s->override || s->set)
		x86_store_i(a, X86_Q, X86_MEM(RBP, env->ctx - 24), 1);
	if (s->override) {
		x86_store_i(a, X86_Q, X86_MEM(RBP, env->ctx + 8 * (int32_t)s->result_slot), -12);
	}
	if (s->cookie) {
		x86_load(a, X86_B, RAX, X86_MEM(RBP, env->ctx - 7));
		x86_neg(a, X86_Q, RAX);
		x86_lea(a, RAX, X86_MEM_IX(RBP, RAX, 8, env->ctx));
		x86_inc_m(a, X86_Q, X86_MEM(RAX, 0));
	}
	x86_mov_ri(a, RAX, s->stop ? (uint64_t)-12 : 0);
}

static void shape_emit(struct x86_asm *a, const struct tramp_env *env, const void *self)
{
	const struct shape *s = self;

	if (s->outline)
		x86_call(a, env->entry);
	else
		shape_work(a, env, s);
}

static void shape_rest(struct x86_asm *a, const struct tramp_env *env, const void *self)
{
	const struct shape *s = self;

	x86_bind(a, env->entry);
	shape_work(a, env, s);
	x86_ret(a);
}

static void parse_body(struct golden *g, const char *path, unsigned kind, char *word)
{
	unsigned n = g->spec.list[kind].n++;
	struct tramp_body *b = &g->body[kind][n];
	struct shape *s = &g->shape[kind][n];
	char *save, *num;

	if (n >= MAX_PROGS)
		die(path, "too many programs:", word);
	g->prog[kind][n] = (struct tramp_prog){
		.body = b, .arg = 0x1234, .cookie = 100 + n, .prog = 0x600000 + 16 * n
	};
	s->result_slot = g->model->nslots;
	*b = (struct tramp_body){ .emit = shape_emit, .self = s };
	b->facts.clobbers = X86_REG(RAX);
	if (!strcmp(word, "call")) {
		*b = tramp_body_call(&g->fn);
	} else if (!strcmp(word, "bare")) {
		b->facts.any_stack = b->facts.no_frame = true;
	} else if (!strcmp(word, "override")) {
		s->override = b->facts.may_override = true;
	} else if (!strcmp(word, "set")) {
		s->set = b->facts.sets_result = true;
	} else if (!strcmp(word, "outline")) {
		s->outline = true;
		b->emit_rest = shape_rest;
	} else if (!strcmp(word, "stop")) {
		s->stop = true;
	} else if (!strcmp(word, "cookie")) {
		s->cookie = b->facts.session_cookie = b->facts.reads_count = true;
	} else if (!strncmp(word, "read=", 5)) {
		for (num = strtok_r(word + 5, ",", &save); num; num = strtok_r(NULL, ",", &save)) {
			s->read[s->nread % 16] = (uint16_t)atoi(num);
			b->facts.reads[s->read[s->nread % 16] / 64] |=
				1ull << (s->read[s->nread % 16] % 64);
			s->nread++;
		}
	} else if (strcmp(word, "count") != 0) {
		die(path, "unknown body", word);
	}
}

static void parse_session(struct golden *g, const char *path, char *word)
{
	struct tramp_prog *prog;

	parse_body(g, path, TRAMP_FENTRY, word);
	prog = &g->prog[TRAMP_FENTRY][g->spec.list[TRAMP_FENTRY].n - 1];
	prog->session = true;
	if (g->spec.list[TRAMP_FEXIT].n >= MAX_PROGS)
		die(path, "too many programs:", word);
	g->prog[TRAMP_FEXIT][g->spec.list[TRAMP_FEXIT].n++] = *prog;
}

/* -- a case -------------------------------------------------------------- */

static void parse_manner(struct golden *g, const char *path, const char *key, const char *word)
{
	if (!strcmp(word, "seed"))
		g->spec.layout = TRAMP_SEED;
	else if (!strcmp(word, "both"))
		g->both = true;
	else if (!strcmp(word, "call"))
		g->spec.entry = TRAMP_BY_CALL;
	else if (strcmp(word, "ours") != 0 && strcmp(word, "jmp") != 0)
		die(path, key, word);
}

static void parse_line(struct golden *g, const char *path, char *line)
{
	char *save, *key = strtok_r(line, " \t\n", &save), *word;
	struct diag d = { "" };

	if (!key || key[0] == '#')
		return;
	if (!strcmp(key, "leave")) {
		g->spec.leave_ret = 0x400200;
		g->spec.leave_resume = 0x400210;
		return;
	}
	word = strtok_r(NULL, " \t\n", &save);
	if (!word)
		die(path, "nothing follows", key);
	if (!strcmp(key, "tag")) {
		g->spec.tagged = true;
		g->spec.slot = (uint32_t)strtoul(word, NULL, 0);
		return;
	}
	if (!strcmp(key, "rooms")) {
		g->spec.tail = 0x400300;
		g->spec.room[0].lo = 0x500000;
		g->spec.room[0].hi = 0x2100000;
		g->spec.room[1].lo = 0x7f0000000000;
		g->spec.room[1].hi = strcmp(word, "2") ? 0 : 0x7f0001c00000;
		return;
	}
	if (!strcmp(key, "layout") || !strcmp(key, "entry")) {
		parse_manner(g, path, key, word);
		return;
	}
	if (!strcmp(key, "sig")) {
		int err = strcmp(word, "raw") ? func_model_parse(word, &g->model, &d) :
						func_model_raw(&g->model);

		if (err)
			die(path, word, d.text);
		g->spec.model = g->model;
		return;
	}
	if (!strcmp(key, "fsession")) {
		for (; word; word = strtok_r(NULL, " \t\n", &save))
			parse_session(g, path, word);
		return;
	}
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		if (!strcmp(key, kinds[k])) {
			for (; word; word = strtok_r(NULL, " \t\n", &save))
				parse_body(g, path, k, word);
			return;
		}
	}
	die(path, "unknown item", key);
}

static void read_case(struct golden *g, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[1024], *rest;

	memset(g, 0, sizeof(*g));
	g->fn = FAR_FN;
	g->shim = (struct tramp_shim){ 0x450000, 0x450100, 0x450200, 0x450300, 0x610000 };
	g->spec = (struct tramp_spec){ .func = 0x400100, .original = 0x400105, .shim = &g->shim };
	for (unsigned k = 0; k < TRAMP_KINDS; k++)
		g->spec.list[k].prog = g->prog[k];
	if (!f)
		die(path, "cannot be read", "");
	while (fgets(line, sizeof(line), f) && strncmp(line, "----", 4) != 0) {
		if (strlen(g->head) + strlen(line) >= sizeof(g->head))
			die(path, "head too long", "");
		strcat(g->head, line);
		parse_line(g, path, line);
	}
	if (!g->model)
		die(path, "no sig", "");
	if (!feof(f)) {
		size_t n = strlen(strcpy(g->want, line));

		rest = g->want + n;
		rest[fread(rest, 1, TEXT_SIZE - n - 1, f)] = 0;
	}
	fclose(f);
}

/* -- what we have -------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void add(struct golden *g, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(g->have + g->len, TEXT_SIZE - g->len, fmt, ap);
	va_end(ap);
	g->len += (size_t)n;
}

static int assemble(struct golden *g, struct tramp_plan *p, void *buf, void *frame, uint64_t pc)
{
	struct x86_asm a;

	x86_asm_init(&a, buf, frame, CODE_SIZE, pc);
	tramp_emit(p, &a, NULL);
	return x86_asm_finish(&a);
}

static bool is_target(const uint8_t *code, int n, uint64_t pc)
{
	struct x86_insn i;

	for (int at = 0; at < n; at += i.len) {
		if (x86_decode(code + at, (size_t)(n - at), PC + (uint64_t)at, &i) < 0)
			return false;
		if (i.target == pc)
			return true;
	}
	return false;
}

static void disassemble(struct golden *g, struct tramp_plan *p, const char *path)
{
	static uint8_t code[CODE_SIZE], frame[CODE_SIZE];
	int n = assemble(g, p, code, frame, PC);
	char text[256];

	if (n < 0)
		die(path, "emit:", strerror(-n));
	for (int at = 0; at < n;) {
		uint64_t pc = PC + (uint64_t)at;
		int len = x86_format(code + at, (size_t)(n - at), pc, text, sizeof(text));

		if (len < 0)
			die(path, "not an instruction of ours", "");
		if (is_target(code, n, pc))
			add(g, "%lx:\n", pc);
		add(g, "%02x  %s\n", frame[at], text);
		at += len;
	}
}

/* Returns false if there is nothing to run. */
static bool describe(struct golden *g, struct tramp_plan *p, const char *path)
{
	struct diag d = { "" };
	int err = tramp_plan(&g->spec, p, &d);

	if (err) {
		add(g, "---- refused\n%s: %s\n", strerror(-err), d.text);
		return false;
	}
	add(g, "---- plan\n");
	g->len += tramp_plan_format(p, g->have + g->len, TEXT_SIZE - g->len);
	add(g, "---- code\n");
	disassemble(g, p, path);
	return true;
}

/* -- and that it works --------------------------------------------------- */

static uint64_t native(const uint64_t *ctx, uint64_t arg)
{
	return 0;
}

static unsigned entered, left;

static uint64_t native_enter(uint64_t prog, struct tramp_run_ctx *ctx)
{
	entered += prog >= 0x600000 && ctx->cookie >= 100;
	return prog + ctx->cookie;
}

static void native_exit(uint64_t prog, uint64_t start, struct tramp_run_ctx *ctx)
{
	left += start == prog + ctx->cookie;
}

static void native_image(uint64_t image)
{
	left += image == 0x610000;
}

/* Addresses of this process. */
static void relocate(struct golden *g, void *code)
{
	bool by_call = g->spec.entry == TRAMP_BY_CALL;

	g->fn = (uint64_t)native;
	g->shim = (struct tramp_shim){ (uint64_t)native_enter, (uint64_t)native_exit,
				       (uint64_t)native_image, (uint64_t)native_image, 0x610000 };
	g->spec.original = (taddr_t)(by_call ? harness_body : harness_callee);
	h_tramp = code;
	if (g->spec.leave_ret) {
		g->spec.leave_ret = (taddr_t)harness_leave_ret;
		g->spec.leave_resume = (taddr_t)harness_leave_resume;
	}
}

static void fill(struct golden *g)
{
	uint64_t s = 7;

	for (unsigned i = 0; i < 16; i++) {
		h_in.gpr[i] = rnd(&s);
		h_set.gpr[i] = rnd(&s);
		for (unsigned j = 0; j < 2; j++) {
			h_in.xmm[i][j] = rnd(&s);
			h_set.xmm[i][j] = rnd(&s);
		}
	}
	harness_k = g->model->call.stack_bytes;
	memset(harness_stack, 0x5a, harness_k);
	harness_shift = g->spec.layout == TRAMP_SEED ? 0 : 8;
	harness_runs = entered = left = 0;
}

/* A fmod_ret program that stops is the last of its kind that runs. */
static bool all_ran(const struct golden *g)
{
	unsigned mod = g->spec.list[TRAMP_FMOD_RET].n, n = 0;
	unsigned called = g->spec.list[TRAMP_FEXIT].n || mod;

	while (n < mod && !g->shape[TRAMP_FMOD_RET][n].stop)
		n++;
	n += (n < mod) + g->spec.list[TRAMP_FENTRY].n + g->spec.list[TRAMP_FEXIT].n;
	return n == entered && left == n + 2 * called;
}

/* Argument registers reach the function, rax and callee-saved ones the caller. */
static bool seed_kept(const struct golden *g, bool skipped)
{
	static const uint8_t gpr[] = { RDI, RSI, RDX, RCX, R8, R9 },
			     kept[] = { 3, 5, 12, 13, 14, 15 };
	bool ok = all_ran(g);

	for (unsigned i = 0; i < g->model->nargs && !skipped; i++) {
		const struct abi_place *at = &g->model->arg[i].place;

		for (unsigned j = 0; j < at->nregs; j++) {
			unsigned n = at->num[j];

			ok = ok &&
			     (at->file[j] == ABI_GPR ? h_seen.gpr[gpr[n]] == h_in.gpr[gpr[n]] :
						       !memcmp(h_seen.xmm[n], h_in.xmm[n], 16));
		}
	}
	for (unsigned i = 0; i < sizeof(kept); i++)
		ok = ok && h_out.gpr[kept[i]] == h_in.gpr[kept[i]];
	return ok;
}

static bool all_kept(bool skipped)
{
	bool ok = true;

	for (unsigned r = 1; r < 12; r++) {
		const struct state *want = skipped || r == 3 || r == 5 ? &h_in : &h_set;

		if (r != 4)
			ok = ok && h_out.gpr[r] == want->gpr[r];
	}
	return ok;
}

/* What the caller finds in rax: that is no result where the programs set one elsewhere. */
static uint64_t want_rax(const struct golden *g, bool skipped, bool set)
{
	if (!skipped)
		return h_set.gpr[0];
	if (!set && !g->model->ret.place.wide)
		return (uint64_t)-12;
	return h_in.gpr[g->model->call.sret ? RDI : RAX];
}

/* Wide vectors take a processor that has them. */
static bool can_run(const struct golden *g)
{
	unsigned widest = g->model->ret.place.wide ? g->model->ret.size : 0;

	for (unsigned i = 0; i < g->model->nargs; i++) {
		const struct fm_value *v = &g->model->arg[i];

		widest = v->place.wide && v->size > widest ? v->size : widest;
	}
	return widest <= 16 || (__builtin_cpu_supports("avx") && __builtin_cpu_supports("avx512f"));
}

static bool run(struct golden *g, uint8_t *code)
{
	bool skipped = false, set = false, ok;
	struct tramp_plan p;

	if (!can_run(g))
		return true;
	relocate(g, code);
	for (unsigned i = 0; i < g->spec.list[TRAMP_FMOD_RET].n; i++) {
		const struct shape *s = &g->shape[TRAMP_FMOD_RET][i];

		set |= s->set;
		skipped |= s->override || s->stop || s->set;
	}
	if (tramp_plan(&g->spec, &p, NULL) < 0 || assemble(g, &p, code, NULL, (uint64_t)code) < 0)
		return false;
	fill(g);
	harness_call(g->spec.entry == TRAMP_BY_CALL ? (void *)harness_patched : code);
	__asm__ volatile("fninit"); /* a result may lie there */
	ok = harness_runs == !skipped;
	ok = ok && h_out.gpr[4] == h_in.gpr[4];
	ok = ok && (g->spec.layout == TRAMP_SEED ? seed_kept(g, skipped) : all_kept(skipped));
	return ok && h_out.gpr[0] == want_rax(g, skipped, set) &&
	       (skipped || !memcmp(harness_stack, harness_stack_seen, harness_k));
}

/* One layout: its text, and a run on addresses of this process. */
static bool try_layout(struct golden *g, const char *path, uint8_t *code)
{
	struct tramp_spec spec = g->spec;
	struct tramp_shim shim = g->shim;
	struct tramp_plan p;
	bool ok = true;

	if (describe(g, &p, path) && !run(g, code)) {
		printf("# %s: run, it changes registers or stack\n", path);
		ok = false;
	}
	g->spec = spec;
	g->shim = shim;
	g->fn = FAR_FN;
	return ok;
}

static bool try_layouts(struct golden *g, const char *path, uint8_t *code)
{
	bool ok;

	if (!g->both)
		return try_layout(g, path, code);
	add(g, "---- ours\n");
	ok = try_layout(g, path, code);
	add(g, "---- seed\n");
	g->spec.layout = TRAMP_SEED;
	g->spec.entry = TRAMP_BY_CALL;
	return try_layout(g, path, code) && ok;
}

static bool check(const char *path, uint8_t *code, bool bless)
{
	static struct golden g;
	bool ok, ran;

	read_case(&g, path);
	ran = try_layouts(&g, path, code);
	ok = !strcmp(g.want, g.have);
	if (!ok && bless) {
		FILE *f = fopen(path, "w");

		if (!f || fprintf(f, "%s%s", g.head, g.have) < 0 || fclose(f))
			die(path, "cannot be written", "");
		ok = true;
	} else if (!ok) {
		printf("# %s: now\n%s", path, g.have);
	}
	func_model_free(g.model);
	return ok && ran;
}

int main(int argc, char **argv)
{
	bool bless = getenv("UTRAMP_BLESS") != NULL;
	uint8_t *code = harness_code(CODE_SIZE);
	int bad = 0;

	if (!code)
		return 2;
	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		const char *name = strrchr(argv[i], '/');
		bool ok = check(argv[i], code, bless);

		printf("%sok %d - %s\n", ok ? "" : "not ", i, name ? name + 1 : argv[i]);
		bad += !ok;
	}
	return bad != 0;
}
