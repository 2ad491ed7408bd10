/*
 * seed_patched.c - functions patched at their compiler's nops, as the kernel's are, and run.
 *
 * Usage: seed_patched LIBRARY   (victim_func.c, built with -fpatchable-function-entry=5)
 *
 * For each function of selftest table 5.2, and those where the kernel is wrong: fentry, fmod_ret
 * and fexit programs in every mix, fmod_ret ones that go on and that replace the result;
 * compiled and interpreted eBPF.  In the kernel's layout and in ours, entered by call and by
 * jmp, all must see the arguments and give the results of the table.
 */
#include "driver.h"
#include "record.h"
#include "victim.h"

#include "bpf/engine.h"
#include "bpf/insn.h"
#include "tramp/tramp.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CODE_SIZE 65536
#define MAX_SLOTS 12
#define OVERRIDE  (-7)

/* What victim_func.c takes from victim.c. */
__attribute__((visibility("default"))) long fx_align_rsp;
__attribute__((visibility("default"))) void sleep_inside(void)
{
}

/* -- the functions ------------------------------------------------------------------------- */

static void *lib;

#define SYM(f) ((__typeof__(&f))dlsym(lib, #f))
#define P(n)   ((void *)(uintptr_t)(n))

struct func {
	const char *name, *sig;
	const char *types; /* of the slots, see record.h; the last one of the result */
	int64_t slot[MAX_SLOTS];
	int64_t ret;
};

/* Table 5.2, then those of 7.4, where the kernel is wrong, as the C calls say. */
static const struct func funcs[] = {
	{ "testmod_fentry_test1", "i32(i32)", "ii", { 1 }, 2 },
	{ "testmod_fentry_test2", "i32(i32,u64)", "iUi", { 2, 3 }, 5 },
	{ "testmod_fentry_test3", "i32(u8,i32,u64)", "BiUi", { 4, 5, 6 }, 15 },
	{ "testmod_fentry_test7",
	  "i32(u64,p,i16,i32,p,u8,i32)",
	  "UUsiUBii",
	  { 16, 17, 18, 19, 20, 21, 22 },
	  133 },
	{ "testmod_fentry_test11",
	  "i32(u64,p,i16,i32,p,u8,i32,u32,i64,u64,u64)",
	  "UUsiUBiIUUUi",
	  { 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26 },
	  231 },
	{ "struct_arg_1", "i32({i64,i64},i32,i32)", "UUiii", { 2, 3, 1, 4 }, 10 },
	{ "struct_arg_2", "i32(i32,{i64,i64},i32)", "iUUii", { 1, 2, 3, 4 }, 10 },
	{ "struct_arg_3", "i32(i32,i32,{i64,i64})", "iiUUi", { 1, 4, 2, 3 }, 10 },
	{ "struct_arg_4",
	  "i32({i32},i32,i32,i32,{i64,i64})",
	  "iiiiUUi",
	  { 10, 1, 2, 3, 2, 3 },
	  21 },
	{ "struct_arg_5", "i32()", "i", { 0 }, 1 },
	{ "struct_arg_6", "i32(p)", "*i", { 1 }, 1 },
	{ "struct_arg_7",
	  "i32(u64,p,i16,i32,p,{u64,i32})",
	  "UUsiUUii",
	  { 16, 17, 18, 19, 20, 21, 22 },
	  133 },
	{ "struct_arg_8",
	  "i32(u64,p,i16,i32,p,{u64,i32},i32)",
	  "UUsiUUiii",
	  { 16, 17, 18, 19, 20, 21, 22, 23 },
	  156 },
	{ "struct_arg_9",
	  "i32(u64,p,i16,i32,p,u8,i16,{u8,i16,i32,i64},i64)",
	  "UUsiUBsUUUi",
	  { 16, 17, 18, 19, 20, 21, 22, 23 | 24 << 16 | 25ll << 32, 26, 27 },
	  258 },
	{ "fx_pk", "i32(i32,!{u8,i64,u8},i32)", "iUSii", { 1, 0x201, 0x300, 2 }, 31 },
	{ "fx_al", "i32(i32,{i64}@16,i32)", "iU-ii", { 1, 4, 0, 2 }, 15 },
	{ "fx_al2",
	  "i32(i64,i64,i64,i64,i64,i64,i64,{i64,i64}@16,i32)",
	  "UUUUUUUUUii",
	  { 1, 2, 3, 4, 5, 6, 7, 5, 6, 9 },
	  324 },
	{ "fx_i128s",
	  "i32(i64,i64,i64,i64,i64,i64,i64,i128,i32)",
	  "UUUUUUUUUii",
	  { 1, 2, 3, 4, 5, 6, 7, 0x66, 0x77, 9 },
	  2117 },
	{ "fx_dis",
	  "i32(u8,u8,u8,u8,u8,{i64,i32},u8)",
	  "BBBBBUiBi",
	  { 1, 2, 3, 4, 5, 6, 7, 8 },
	  204 },
	{ "fx_s16x6",
	  "i32({i64,i32},{i64,i32},{i64,i32},{i64,i32},{i64,i32},{i64,i32})",
	  "UiUiUiUiUiUii",
	  { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 },
	  650 },
};

#define NFUNCS (sizeof(funcs) / sizeof(funcs[0]))

static int64_t call_struct(const char *name)
{
	int six[4] = { 0, 1 }; /* a struct flexible, b[0] behind a */
	struct pair_ll p = { 2, 3 };
	struct pair_ui u = { 21, 22 };

	if (!strcmp(name, "struct_arg_1"))
		return SYM(struct_arg_1)(p, 1, 4);
	if (!strcmp(name, "struct_arg_2"))
		return SYM(struct_arg_2)(1, p, 4);
	if (!strcmp(name, "struct_arg_3"))
		return SYM(struct_arg_3)(1, 4, p);
	if (!strcmp(name, "struct_arg_4"))
		return SYM(struct_arg_4)((struct one_int){ 10 }, 1, 2, 3, p);
	if (!strcmp(name, "struct_arg_5"))
		return SYM(struct_arg_5)();
	if (!strcmp(name, "struct_arg_6"))
		return SYM(struct_arg_6)((struct flexible *)six);
	if (!strcmp(name, "struct_arg_7"))
		return SYM(struct_arg_7)(16, P(17), 18, 19, P(20), u);
	if (!strcmp(name, "struct_arg_8"))
		return SYM(struct_arg_8)(16, P(17), 18, 19, P(20), u, 23);
	return SYM(struct_arg_9)(16, P(17), 18, 19, P(20), 21, 22, (struct mixed){ 23, 24, 25, 26 },
				 27);
}

static int64_t call_fx(const char *name)
{
	struct pair_li s[6];

	for (int i = 0; i < 6; i++)
		s[i] = (struct pair_li){ 2 * i + 1, 2 * i + 2 };
	if (!strcmp(name, "fx_pk"))
		return SYM(fx_pk)(1, (struct spk){ 1, 2, 3 }, 2);
	if (!strcmp(name, "fx_al"))
		return SYM(fx_al)(1, (struct sal){ 4 }, 2);
	if (!strcmp(name, "fx_al2"))
		return SYM(fx_al2)(1, 2, 3, 4, 5, 6, 7, (struct sal2){ 5, 6 }, 9);
	if (!strcmp(name, "fx_i128s"))
		return SYM(fx_i128s)(1, 2, 3, 4, 5, 6, 7, (__int128)0x77 << 64 | 0x66, 9);
	if (!strcmp(name, "fx_dis"))
		return SYM(fx_dis)(1, 2, 3, 4, 5, (struct pair_li){ 6, 7 }, 8);
	return SYM(fx_s16x6)(s[0], s[1], s[2], s[3], s[4], s[5]);
}

static int64_t call(const char *name)
{
	if (!strncmp(name, "struct_", 7))
		return call_struct(name);
	if (!strncmp(name, "fx_", 3))
		return call_fx(name);
	if (!strcmp(name, "testmod_fentry_test1"))
		return SYM(testmod_fentry_test1)(1);
	if (!strcmp(name, "testmod_fentry_test2"))
		return SYM(testmod_fentry_test2)(2, 3);
	if (!strcmp(name, "testmod_fentry_test3"))
		return SYM(testmod_fentry_test3)(4, 5, 6);
	if (!strcmp(name, "testmod_fentry_test7"))
		return SYM(testmod_fentry_test7)(16, P(17), 18, 19, P(20), 21, 22);
	return SYM(testmod_fentry_test11)(16, P(17), 18, 19, P(20), 21, 22, 23, 24, 25, 26);
}

static void *own_base(void)
{
	Dl_info own;

	return dladdr(&fx_align_rsp, &own) ? own.dli_fbase : NULL;
}

/* -- the programs -------------------------------------------------------------------------- */

/* ctx[-1] would be no context access of a program: the count comes by the helper. */
struct note {
	uint64_t runs, count, slot[MAX_SLOTS + 1];
	uint64_t caller; /* by bpf_get_stack; the interpreter is not told where the frame is */
	int64_t bytes;
};

static struct note notes[TRAMP_KINDS];
static unsigned entered, left, image_in, image_out;
static struct engine_env env;

static uint64_t interpret(const void *ctx, const void *insns)
{
	uint64_t r0 = 0;
	struct diag d;

	if (interp_run(insns, &env, (uint64_t)ctx, 0, NULL, &r0, &d) < 0)
		bail("interp_run: %s", d.text);
	return r0;
}

static uint64_t fn_interpret = (uint64_t)interpret;

static uint64_t enter(uint64_t prog, struct tramp_run_ctx *ctx)
{
	entered += ctx->cookie == prog;
	return 1;
}

static void leave(uint64_t prog, uint64_t start, struct tramp_run_ctx *ctx)
{
	left += start == 1 && ctx->cookie == prog;
}

static void image_enter(uint64_t image)
{
	image_in++;
}

static void image_exit(uint64_t image)
{
	image_out++;
}

static struct tramp_shim shim;

/* Counts its runs, and writes down the count and the slots, the result among them. */
static struct program *recorder(unsigned kind, unsigned slots, int r0)
{
	static const enum program_kind kinds[] = { PROGRAM_FENTRY, PROGRAM_FMOD_RET,
						   PROGRAM_FEXIT };
	struct bpf_insn insn[64];
	struct program_attr attr = { .name = "recorder", .insn = insn, .nslots = slots };
	uint64_t at = (uint64_t)&notes[kind];
	unsigned n = 0, last = slots + (kind != TRAMP_FENTRY);
	struct program *p;
	struct diag d;

#define I(code_, dst_, src_, off_, imm_) \
	insn[n++] = (struct bpf_insn){ (__u8)(code_), (dst_)&15, (src_)&15, (__s16)(off_), (imm_) }
	I(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
	I(BPF_LD | BPF_DW | BPF_IMM, 7, 0, 0, (__s32)at);
	I(0, 0, 0, 0, (__s32)(at >> 32));
	I(BPF_LDX | BPF_DW | BPF_MEM, 2, 7, 0, 0);
	I(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, 1);
	I(BPF_STX | BPF_DW | BPF_MEM, 7, 2, 0, 0);
	I(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_func_arg_cnt);
	I(BPF_STX | BPF_DW | BPF_MEM, 7, 0, 8, 0);
	I(BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0);
	I(BPF_ALU64 | BPF_MOV | BPF_X, 2, 7, 0, 0);
	I(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, offsetof(struct note, caller));
	I(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 8);
	I(BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, BPF_F_USER_STACK);
	I(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_stack);
	I(BPF_STX | BPF_DW | BPF_MEM, 7, 0, offsetof(struct note, bytes), 0);
	for (unsigned s = 0; s < last; s++) {
		I(BPF_LDX | BPF_DW | BPF_MEM, 2, 6, 8 * s, 0);
		I(BPF_STX | BPF_DW | BPF_MEM, 7, 2, 16 + 8 * s, 0);
	}
	I(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, r0);
	I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
#undef I
	attr.kind = kinds[kind];
	attr.ninsns = n;
	if (program_load(&attr, &p, &d) < 0)
		bail("program_load: %s", d.text);
	return p;
}

/* -- patching ------------------------------------------------------------------------------ */

static uint8_t *code;

/* Behind endbr64: five nops of one byte (gcc), or one of five (clang). */
static uint8_t *nops_of(const char *name)
{
	static const uint8_t ones[] = { 0x90, 0x90, 0x90, 0x90, 0x90 },
			     one[] = { 0x0f, 0x1f, 0x44, 0x00 };
	uint8_t *at = dlsym(lib, name);

	if (!at)
		bail("%s: %s", name, dlerror());
	if (!memcmp(at, "\xf3\x0f\x1e\xfa", 4))
		at += 4;
	if (memcmp(at, ones, sizeof(ones)) != 0 && memcmp(at, one, sizeof(one)) != 0)
		bail("%s: no nops at its entry", name);
	return at;
}

static void writable(uint8_t *at)
{
	uint8_t *page = (uint8_t *)((uintptr_t)at & ~4095ul);

	if (mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC))
		bail("mprotect: %s", strerror(errno));
}

static void *code_near(const void *what)
{
	uintptr_t near = (uintptr_t)what & ~0xffffful;

	for (uintptr_t d = 16 << 20; d < 1u << 30; d += 16 << 20) {
		void *p = mmap((void *)(near - d), CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (p != MAP_FAILED)
			return p;
	}
	bail("no room for code near the library");
}

static void patch(uint8_t *at, bool by_call)
{
	struct x86_asm a;

	x86_asm_init(&a, at, NULL, 5, (uint64_t)at);
	by_call ? x86_call_pc(&a, (uint64_t)code) : x86_jmp_pc(&a, (uint64_t)code);
	if (x86_asm_finish(&a) != 5)
		bail("no jump to the code");
}

/* -- one function, one mix, one layout ----------------------------------------------------- */

struct mix {
	unsigned kinds; /* one bit each */
	int mod;        /* what the fmod_ret program returns */
	bool interpreted;
	enum tramp_layout layout;
	enum tramp_entry entry;
};

struct build {
	struct program *prog[TRAMP_KINDS];
	struct engine_body *body[TRAMP_KINDS];
	struct tramp_body interp;
	struct tramp_prog tp[TRAMP_KINDS];
	struct tramp_spec spec;
};

static void add_programs(struct build *b, const struct mix *x, unsigned slots)
{
	b->interp = tramp_body_call(&fn_interpret);
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		if (!(x->kinds >> k & 1))
			continue;
		b->prog[k] = recorder(k, slots, k == TRAMP_FMOD_RET ? x->mod : 0);
		if (engine_body_new(b->prog[k], &env, &b->body[k]) < 0)
			bail("engine_body_new");
		b->tp[k] = (struct tramp_prog){ .cookie = 7 + k, .prog = 7 + k };
		b->tp[k].body = x->interpreted ? &b->interp : engine_body(b->body[k]);
		b->tp[k].arg = (uint64_t)b->prog[k];
		b->spec.list[k].prog = &b->tp[k];
		b->spec.list[k].n = 1;
	}
}

static void drop_programs(struct build *b)
{
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		engine_body_free(b->body[k]);
		program_put(b->prog[k]);
	}
}

static void generate(struct build *b, const struct mix *x, const struct func *f,
		     const struct func_model *m, uint8_t *nops)
{
	struct tramp_plan plan;
	struct x86_asm a;
	struct diag d = { "" };

	add_programs(b, x, m->nslots);
	b->spec.model = m;
	b->spec.func = (taddr_t)dlsym(lib, f->name);
	b->spec.original = (taddr_t)nops + 5;
	b->spec.layout = x->layout;
	b->spec.entry = x->entry;
	b->spec.shim = &shim;
	if (tramp_plan(&b->spec, &plan, &d) < 0)
		bail("%s: %s", f->name, d.text);
	x86_asm_init(&a, code, NULL, CODE_SIZE, (uint64_t)code);
	tramp_emit(&plan, &a, NULL);
	if (x86_asm_finish(&a) < 0)
		bail("%s: not emitted", f->name);
}

/* Behind the call in call(): the same for all programs, layouts and entries of a function. */
static void check_caller(const struct func *f, const struct mix *x, const struct note *s)
{
	static const struct func *of;
	static uint64_t caller;
	Dl_info where;

	if (x->interpreted) {
		check_eq(s->bytes, -EINVAL, "%s: stack without a frame", f->name);
		return;
	}
	if (of != f)
		caller = s->caller;
	of = f;
	check_eq(s->bytes, 8, "%s: bytes of the stack", f->name);
	check_eq((long long)s->caller, (long long)caller, "%s kinds %u: caller", f->name, x->kinds);
	check_true(dladdr((void *)(uintptr_t)s->caller, &where) && where.dli_fbase == own_base(),
		   "%s: the caller, %#llx, is not in this program", f->name,
		   (unsigned long long)s->caller);
}

static void check_slots(const struct func *f, const struct mix *x, unsigned kind, unsigned slots,
			int64_t result)
{
	const struct note *s = &notes[kind];

	check_eq((long long)s->runs, x->kinds >> kind & 1, "%s kinds %u: runs of kind %u", f->name,
		 x->kinds, kind);
	if (!s->runs)
		return;
	check_eq((long long)s->count, slots, "%s: count", f->name);
	check_caller(f, x, s);
	for (unsigned i = 0; i < slots; i++)
		check_eq((long long)type_cast(s->slot[i], f->types[i]),
			 (long long)type_cast((uint64_t)f->slot[i], f->types[i]),
			 "%s kinds %u kind %u: ctx[%u]", f->name, x->kinds, kind, i);
	if (kind == TRAMP_FEXIT)
		check_eq((int)s->slot[slots], result, "%s: result seen", f->name);
	if (kind == TRAMP_FMOD_RET)
		check_eq((long long)s->slot[slots], 0, "%s: result before", f->name);
}

static void run_mix(const struct func *f, const struct func_model *m, const struct mix *x)
{
	bool replaced = x->kinds & 1u << TRAMP_FMOD_RET && x->mod;
	int64_t result = replaced ? x->mod : f->ret, got;
	unsigned n = (unsigned)__builtin_popcount(x->kinds), outer;
	uint8_t *nops = nops_of(f->name), before[5];
	struct build b = { 0 };

	memset(notes, 0, sizeof(notes));
	entered = left = image_in = image_out = 0;
	generate(&b, x, f, m, nops);
	memcpy(before, nops, 5);
	writable(nops);
	patch(nops, x->entry == TRAMP_BY_CALL);
	got = call(f->name);
	memcpy(nops, before, 5);
	check_eq(got, result, "%s kinds %u mod %d%s layout %d entry %d: result", f->name, x->kinds,
		 x->mod, x->interpreted ? " interpreted" : "", x->layout, x->entry);
	for (unsigned k = 0; k < TRAMP_KINDS; k++)
		check_slots(f, x, k, m->nslots, result);
	outer = x->kinds != 1 << TRAMP_FENTRY;
	if (x->layout == TRAMP_SEED) {
		check_true(entered == n && left == n, "%s: %u entered, %u left", f->name, entered,
			   left);
		check_true(image_in == outer && image_out == outer, "%s: image", f->name);
	}
	drop_programs(&b);
}

static void test_func(const struct func *f, enum tramp_layout layout, enum tramp_entry entry)
{
	struct func_model *m;
	struct diag d = { "" };
	char name[128];

	snprintf(name, sizeof(name), "%s, %s, by %s", f->name,
		 layout == TRAMP_SEED ? "seed" : "ours", entry == TRAMP_BY_CALL ? "call" : "jmp");
	tap_begin(name);
	if (func_model_parse(f->sig, &m, &d) < 0)
		bail("%s: %s", f->sig, d.text);
	check_eq(m->nslots, (long long)strlen(f->types) - 1, "slots");
	for (unsigned i = 0; i < 7u * 2 * 2; i++) {
		struct mix x = { i % 7 + 1, i / 7 & 1 ? OVERRIDE : 0, i / 14, layout, entry };

		run_mix(f, m, &x);
	}
	check_eq(call(f->name), f->ret, "restored");
	func_model_free(m);
	tap_end();
}

/*
 * gcc aligns an __int128 on the stack to 16 bytes, as the psABI says; clang before 18 to 8
 * (model.h: disputed).
 */
static bool is_disputed(const struct func *f, const char *path)
{
#ifdef __clang__
	bool caller = true;
#else
	bool caller = false;
#endif
	return !strcmp(f->name, "fx_i128s") && (caller || strstr(path, "clang"));
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	lib = dlopen(argv[1], RTLD_LAZY);
	if (!lib)
		bail("%s", dlerror());
	code = code_near(dlsym(lib, "fx_al"));
	engine_env_native(NULL, &env);
	shim = (struct tramp_shim){ (uint64_t)enter, (uint64_t)leave, (uint64_t)image_enter,
				    (uint64_t)image_exit, 1 };
	for (unsigned i = 0; i < NFUNCS; i++) {
		if (is_disputed(&funcs[i], argv[1]))
			continue;
		test_func(&funcs[i], TRAMP_SEED, TRAMP_BY_CALL);
		test_func(&funcs[i], TRAMP_SEED, TRAMP_BY_JMP);
		test_func(&funcs[i], TRAMP_OURS, TRAMP_BY_CALL);
		test_func(&funcs[i], TRAMP_OURS, TRAMP_BY_JMP);
	}
	dlclose(lib);
	return tap_done();
}
