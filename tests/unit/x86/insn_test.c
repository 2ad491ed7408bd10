/*
 * Decoding as a table; moving by execution: each instruction runs at one address and
 * its moved copy at another, on the same registers, flags and memory, and both must
 * leave the same behind.
 */
#include "x86/insn.h"

#include "x86/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

/* -- decoding -------------------------------------------------------------- */

#define PC 0x7f0000001000ull

struct row {
	const char *bytes;
	uint8_t len, flow;
	const char *is;     /* n nop, e endbr64, r rip-relative, v vector, s writes rsp */
	int64_t target;     /* relative to PC; 0: none */
	const char *reason; /* a word of it, or NULL */
	const char *text;
};

/* clang-format off */
static const struct row rows[] = {
	{ "\x90", 1, X86_FLOW_NEXT, "n", 0, NULL, "nop" },
	{ "\x66\x90", 2, X86_FLOW_NEXT, "n", 0, NULL, NULL },
	{ "\x0f\x1f\x44\0\0", 5, X86_FLOW_NEXT, "n", 0, NULL, NULL },
	{ "\x66\x2e\x0f\x1f\x84\0\0\0\0\0", 10, X86_FLOW_NEXT, "n", 0, NULL, NULL },
	{ "\xf3\x90", 2, X86_FLOW_NEXT, "", 0, NULL, "pause" },
	{ "\xf3\x0f\x1e\xfa", 4, X86_FLOW_NEXT, "e", 0, NULL, "endbr64" },
	{ "\x55", 1, X86_FLOW_NEXT, "", 0, NULL, "push rbp" },
	{ "\x48\x89\xe5", 3, X86_FLOW_NEXT, "", 0, NULL, "mov rbp, rsp" },
	{ "\x48\x83\xec\x18", 4, X86_FLOW_NEXT, "s", 0, NULL, "sub rsp, 0x18" },
	{ "\x48\x83\xe4\xf0", 4, X86_FLOW_NEXT, "s", 0, NULL, NULL },
	{ "\xc9", 1, X86_FLOW_NEXT, "s", 0, NULL, "leave" },
	{ "\x5c", 1, X86_FLOW_NEXT, "s", 0, NULL, "pop rsp" },
	{ "\x48\x8b\x05\x10\0\0\0", 7, X86_FLOW_NEXT, "r", 0x17, NULL, NULL },
	{ "\x81\x3d\xf0\xff\xff\xff\1\0\0\0", 10, X86_FLOW_NEXT, "r", -6, NULL, NULL },
	{ "\x0f\x28\x05\x10\0\0\0", 7, X86_FLOW_NEXT, "rv", 0x17, NULL, NULL },
	{ "\xc5\xf8\x77", 3, X86_FLOW_NEXT, "v", 0, NULL, "vzeroupper" },
	{ "\xc4\xe2\x70\xf2\xc2", 5, X86_FLOW_NEXT, "", 0, NULL, "andn eax, ecx, edx" },
	{ "\xd9\xee", 2, X86_FLOW_NEXT, "v", 0, NULL, "fldz" },
	{ "\x0f\xae\x00", 3, X86_FLOW_NEXT, "v", 0, NULL, NULL }, /* fxsave */
	{ "\x0f\xae\x18", 3, X86_FLOW_NEXT, "v", 0, NULL, NULL }, /* stmxcsr */
	{ "\xeb\x10", 2, X86_FLOW_JMP, "", 0x12, NULL, "jmp 0x00007F0000001012" },
	{ "\xe9\xfb\xff\xff\x7f", 5, X86_FLOW_JMP, "", 0x80000000ll, NULL, NULL },
	{ "\x74\xf0", 2, X86_FLOW_JCC, "", -14, NULL, NULL },
	{ "\x0f\x85\x00\x01\0\0", 6, X86_FLOW_JCC, "", 0x106, NULL, NULL },
	{ "\xe2\x02", 2, X86_FLOW_JCC, "", 4, NULL, NULL },
	{ "\xe3\x02", 2, X86_FLOW_JCC, "", 4, NULL, NULL },
	{ "\xe8\x00\x01\0\0", 5, X86_FLOW_CALL, "", 0x105, NULL, NULL },
	{ "\x66\x48\xe8\x00\x01\0\0", 7, X86_FLOW_CALL, "", 0x107, NULL, NULL },
	{ "\xff\xe0", 2, X86_FLOW_JMP_IND, "", 0, NULL, "jmp rax" },
	{ "\xff\x25\x00\x01\0\0", 6, X86_FLOW_JMP_IND, "r", 0x106, NULL, NULL },
	{ "\xff\xd0", 2, X86_FLOW_CALL_IND, "", 0, NULL, "call rax" },
	{ "\xff\x15\x00\x01\0\0", 6, X86_FLOW_CALL_IND, "r", 0x106, NULL, NULL },
	{ "\xc3", 1, X86_FLOW_RET, "", 0, NULL, "ret" },
	{ "\xc2\x08\0", 3, X86_FLOW_RET, "", 0, NULL, NULL },
	{ "\xf2\xc3", 2, X86_FLOW_RET, "", 0, NULL, NULL },
	/* refused by name */
	{ "\x0f\x05", 2, X86_FLOW_SYSCALL, "", 0, "syscall", NULL },
	{ "\x0f\x34", 2, X86_FLOW_SYSCALL, "s", 0, "sysenter", NULL },
	{ "\xcd\x80", 2, X86_FLOW_SYSCALL, "", 0, "int n", NULL },
	{ "\xcc", 1, X86_FLOW_STOP, "", 0, "int3", NULL },
	{ "\xf1", 1, X86_FLOW_STOP, "", 0, "int1", NULL },
	{ "\x0f\x0b", 2, X86_FLOW_STOP, "", 0, "undefined", NULL },
	{ "\xf4", 1, X86_FLOW_STOP, "", 0, "hlt", NULL },
	{ "\xc7\xf8\x10\0\0\0", 6, X86_FLOW_JCC, "", 0x16, "xbegin", NULL },
	{ "\x66\xe9\x10\0\0\0", 6, X86_FLOW_JMP, "", 0x16, "16-bit", NULL },
	{ "\x66\x0f\x84\x10\0\0\0", 7, X86_FLOW_JCC, "", 0x17, "16-bit", NULL },
	{ "\x66\xe8\x10\0\0\0", 6, X86_FLOW_CALL, "", 0x16, "16-bit", NULL },
	{ "\x66\xc3", 2, X86_FLOW_RET, "", 0, "16-bit", NULL },
	{ "\x67\x8b\x05\x10\0\0\0", 7, X86_FLOW_NEXT, "r", 0x17, "eip", NULL },
	{ "\xff\xd4", 2, X86_FLOW_CALL_IND, "", 0, "stack pointer", NULL },
	{ "\xff\x54\x24\x08", 4, X86_FLOW_CALL_IND, "", 0, "stack pointer", NULL },
	{ "\xff\x18", 2, X86_FLOW_CALL_IND, "", 0, "far", NULL },
	{ "\xff\x28", 2, X86_FLOW_JMP_IND, "", 0, "far", NULL },
	{ "\xcb", 1, X86_FLOW_RET, "", 0, "far", NULL },
	{ "\x48\xcf", 2, X86_FLOW_RET, "", 0, "interrupt", NULL },
};
/* clang-format on */

static void check_row(const struct row *r, const struct x86_insn *in, bool all)
{
	if (in->len != r->len || in->flow != r->flow ||
	    in->target != (r->target ? PC + (uint64_t)r->target : 0) ||
	    in->is_nop != !!strchr(r->is, 'n') || in->is_endbr64 != !!strchr(r->is, 'e') ||
	    in->rip_relative != !!strchr(r->is, 'r'))
		fail_msg("row %zu: len %u flow %u target %lx", (size_t)(r - rows), in->len,
			 in->flow, (unsigned long)in->target);
	if (!all)
		return;
	if (in->is_vector != !!strchr(r->is, 'v') || in->writes_rsp != !!strchr(r->is, 's'))
		fail_msg("row %zu: vector %d writes rsp %d", (size_t)(r - rows), in->is_vector,
			 in->writes_rsp);
	if (!r->reason != !in->reason || (r->reason && !strstr(in->reason, r->reason)))
		fail_msg("row %zu: reason %s", (size_t)(r - rows), in->reason);
}

static void test_decode(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct x86_insn in;
		char text[96];

		assert_int_equal(x86_decode(r->bytes, r->len, PC, &in), 0);
		check_row(r, &in, true);
		assert_int_equal(x86_decode_flow(r->bytes, r->len, PC, &in), 0);
		check_row(r, &in, false);
		assert_int_equal(x86_format(r->bytes, r->len, PC, text, sizeof(text)), r->len);
		if (r->text)
			assert_string_equal(text, r->text);
	}
}

static void test_decode_fails(void **state)
{
	struct x86_insn in = { .len = 77 };
	char text[8];

	assert_int_equal(x86_decode("\x06", 1, PC, &in), -EILSEQ); /* push es: not in 64-bit mode */
	assert_int_equal(x86_decode("\x48\x89", 2, PC, &in), -EILSEQ); /* cut off */
	assert_int_equal(x86_decode("", 0, PC, &in), -EILSEQ);
	assert_int_equal(x86_decode_flow("\x0f\xff", 1, PC, &in), -EILSEQ);
	assert_int_equal(in.len, 77);
	assert_int_equal(x86_format("\x06", 1, PC, text, sizeof(text)), -EILSEQ);
	assert_int_equal(x86_format("\x48\x83\xec\x18", 4, PC, text, sizeof(text)), -ENOSPC);
	assert_int_equal(x86_format("\x90", 1, PC, text, 0), -ENOSPC);
}

/* -- the address of a thread-local variable ------------------------------- */

#define MOV_FS    "\x64\x48\x8b\x04\x25\0\0\0\0" /* mov rax, fs:0 */
#define ADD_FS    "\x64\x48\x03\x04\x25\0\0\0\0" /* add rax, fs:0 */
#define MOV_GOT   "\x48\x8b\x05\x10\0\0\0"       /* mov rax, [rip + 16] */
#define ADD_GOT   "\x48\x03\x05\x10\0\0\0"
#define TLS(text) text, sizeof(text) - 1

static const struct {
	const char *code;
	size_t n;
	int64_t off; /* neither: it is none */
	taddr_t word;
} tls_rows[] = {
	{ TLS(MOV_GOT ADD_FS "\xc3"), 0, PC + 7 + 16 }, /* glibc */
	{ TLS("\xf3\x0f\x1e\xfa" MOV_GOT ADD_FS "\xc3"), 0, PC + 4 + 7 + 16 },
	{ TLS(MOV_FS ADD_GOT "\xc3"), 0, PC + 9 + 7 + 16 },
	/* musl: add; and sub, add eax's own form, lea, behind a nop, with repz ret */
	{ TLS(MOV_FS "\x48\x83\xc0\x34\xc3"), 0x34, 0 },
	{ TLS(MOV_FS "\x48\x83\xe8\x40\xc3"), -0x40, 0 },
	{ TLS(MOV_FS "\x48\x05\x80\xff\xff\xff\xc3"), -128, 0 },
	{ TLS(MOV_FS "\x48\x8d\x40\xfc\xc3"), -4, 0 },
	{ TLS(MOV_FS "\x90\x48\x8d\x80\0\x01\0\0\xf3\xc3"), 0x100, 0 },
	{ TLS("\x48\xc7\xc0\xc0\xff\xff\xff" ADD_FS "\xc3"), -64, 0 },
	/* not so */
	{ TLS(MOV_FS "\xc3"), 0, 0 },
	{ TLS(MOV_GOT "\xc3"), 0, 0 },
	{ TLS(MOV_FS ADD_FS "\xc3"), 0, 0 },
	{ TLS(MOV_GOT ADD_GOT "\xc3"), 0, 0 },
	{ TLS(MOV_GOT ADD_FS "\x90"), 0, 0 },
	{ TLS(MOV_GOT ADD_FS "\x48\xff\xc0\xc3"), 0, 0 },
	{ TLS(MOV_FS "\x48\x8d\x43\xfc\xc3"), 0, 0 },                      /* lea of rbx */
	{ TLS(MOV_FS "\x48\x8d\x44\x08\xfc\xc3"), 0, 0 },                  /* and an index */
	{ TLS("\x65\x48\x8b\x04\x25\0\0\0\0\x48\x83\xc0\x34\xc3"), 0, 0 }, /* gs */
	{ TLS("\x64\x48\x8b\x04\x25\x08\0\0\0\x48\x83\xc0\x34\xc3"), 0, 0 },
	{ TLS(MOV_GOT "\x64\x48\x03\x0c\x25\0\0\0\0\xc3"), 0, 0 }, /* add rcx */
	{ TLS("\x8b\x05\x10\0\0\0" ADD_FS "\xc3"), 0, 0 },         /* 32 bits */
	{ TLS(MOV_FS "\x83\xc0\x34\xc3"), 0, 0 },
	{ TLS("\xe9\x10\0\0\0"), 0, 0 },
	{ TLS(""), 0, 0 },
	{ TLS("\x06"), 0, 0 },
};

static void test_tls_address(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(tls_rows); i++) {
		struct x86_tls_address a = { .off = 0 };
		bool is = tls_rows[i].off || tls_rows[i].word;
		int err = x86_tls_address(tls_rows[i].code, tls_rows[i].n, PC, &a);

		if (err != (is ? 0 : -ENOENT))
			fail_msg("row %u: %d", i, err);
		assert_int_equal(a.in_word, tls_rows[i].word != 0);
		assert_int_equal(a.word, tls_rows[i].word);
		assert_int_equal(a.off, tls_rows[i].off);
	}
}

/* disp_at points at the displacement, also when an immediate follows. */
static void test_disp_at(void **state)
{
	struct x86_insn in;

	assert_int_equal(x86_decode("\x48\x81\x3d\1\2\3\4\5\6\7\x08", 11, PC, &in), 0);
	assert_int_equal(in.disp_at, 3);
	assert_int_equal(in.target, PC + 11 + 0x04030201);
}

/* -- frame states ---------------------------------------------------------- */

static uint8_t frame_after(uint8_t state, const char *code, size_t n)
{
	struct x86_insn in;

	while (n) {
		assert_int_equal(x86_decode(code, n, PC, &in), 0);
		state = x86_insn_frame(state, &in);
		code += in.len;
		n -= in.len;
	}
	return state;
}

#define AFTER(state, code) frame_after((state), (code), sizeof(code) - 1)

static void test_frame(void **state)
{
	assert_int_equal(AFTER(0, "\x89\xc0"), FRAME_CFA(0));
	assert_int_equal(AFTER(0, "\x41\x57\x41\x56"), FRAME_CFA(2));     /* push r15, r14 */
	assert_int_equal(AFTER(0, "\x55"), FRAME_CFA_RBP(1));             /* push rbp */
	assert_int_equal(AFTER(0, "\x55\x48\x89\xe5"), FRAME_RBP);        /* mov rbp, rsp */
	assert_int_equal(AFTER(0, "\x55\x48\x89\xe5\x53"), FRAME_RBP);    /* push rbx */
	assert_int_equal(AFTER(0, "\x55\x48\x8b\xec\xc9"), FRAME_CFA(0)); /* leave */
	assert_int_equal(AFTER(0, "\x55\x53"), FRAME_CFA_RBP(2));
	assert_int_equal(AFTER(0, "\x55\x53\x48\x89\xe5"), FRAME_CFA_RBP(2)); /* not our frame */
	assert_int_equal(AFTER(0, "\x53\x55"), FRAME_CFA(2)); /* rbp not at CFA - 16 */
	assert_int_equal(AFTER(0, "\x55\x5d"), FRAME_CFA(0));
	assert_int_equal(AFTER(0, "\x48\x83\xec\x18"), FRAME_CFA(3));
	assert_int_equal(AFTER(0, "\x48\x83\xec\x18\x48\x83\xc4\x10"), FRAME_CFA(1));
	assert_int_equal(AFTER(0, "\x48\x8d\x64\x24\xf0"), FRAME_CFA(2)); /* lea rsp, [rsp - 16] */
	assert_int_equal(AFTER(0, "\x48\x83\xec\x04"), FRAME_CFA(0));
	assert_int_equal(AFTER(0, "\x48\x81\xec\xf8\x01\0\0"), FRAME_CFA(63));
	assert_int_equal(AFTER(0, "\x48\x81\xec\0\x02\0\0"), FRAME_CFA(0)); /* too far to tell */
	assert_int_equal(AFTER(0, "\x48\x81\xec\0\0\0\x80"), FRAME_CFA(0));
	assert_int_equal(AFTER(0, "\x48\x83\xc4\x10"), FRAME_CFA(0));
	assert_int_equal(AFTER(0, "\x9c\x9d"), FRAME_CFA(0)); /* pushfq, popfq */
	assert_int_equal(AFTER(0, "\x6a\x01\x68\1\2\3\4\xff\x30"), FRAME_CFA(3));
	assert_int_equal(AFTER(0, "\x66\x50"), FRAME_CFA(0)); /* push ax */
}

/* -- moving ---------------------------------------------------------------- */

struct regs {
	uint64_t r[16]; /* by enum x86_gpr; rsp is not used */
	uint64_t flags;
};

/* Load the registers, call pc, store the registers. */
void run_regs(struct regs *regs, const void *pc);
__asm__(".text\n"
	".type run_regs, @function\n"
	"run_regs:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	push %rdi\n"
	"	push %rsi\n"
	"	push 128(%rdi); popfq\n"
	"	mov 0(%rdi), %rax; mov 8(%rdi), %rcx; mov 16(%rdi), %rdx; mov 24(%rdi), %rbx\n"
	"	mov 40(%rdi), %rbp; mov 48(%rdi), %rsi; mov 64(%rdi), %r8; mov 72(%rdi), %r9\n"
	"	mov 80(%rdi), %r10; mov 88(%rdi), %r11; mov 96(%rdi), %r12; mov 104(%rdi), %r13\n"
	"	mov 112(%rdi), %r14; mov 120(%rdi), %r15; mov 56(%rdi), %rdi\n"
	"	call *(%rsp)\n"
	"	xchg %rdi, 8(%rsp)\n"
	"	pushfq; pop 128(%rdi)\n"
	"	cld\n"
	"	mov %rax, 0(%rdi); mov %rcx, 8(%rdi); mov %rdx, 16(%rdi); mov %rbx, 24(%rdi)\n"
	"	mov %rbp, 40(%rdi); mov %rsi, 48(%rdi); mov %r8, 64(%rdi); mov %r9, 72(%rdi)\n"
	"	mov %r10, 80(%rdi); mov %r11, 88(%rdi); mov %r12, 96(%rdi); mov %r13, 104(%rdi)\n"
	"	mov %r14, 112(%rdi); mov %r15, 120(%rdi)\n"
	"	pop %rsi\n"
	"	pop %rax; mov %rax, 56(%rdi)\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n"
	".size run_regs, . - run_regs\n");

/*
 * Within one reservation: the original and its branch target at orig, data in the
 * middle, the copy at the far end.
 */
#define SPAN   (1ul << 30)
#define TARGET 0x48 /* from orig, in reach of a rel8 */

static uint8_t *orig, *data, *copy;
static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void *reserve(void *hint)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (hint ? MAP_FIXED_NOREPLACE : 0);
	uint8_t *p = mmap(hint, SPAN, PROT_NONE, flags, -1, 0);

	assert_true(p != MAP_FAILED);
	orig = p;
	data = p + SPAN / 2;
	copy = p + SPAN - 4096;
	assert_int_equal(mprotect(orig, 4096, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	assert_int_equal(mprotect(data, 4096, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(mprotect(copy, 4096, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	return p;
}

/* An instruction under test; underscores stand for what place() fills in. */
struct sample {
	const char *code;
	unsigned len;
	int disp_at;      /* -1, or where a disp32 to data goes */
	int rel;          /* 0, or the size of the relative target that ends it: 1 or 4 */
	const char *tail; /* runs behind it, before the end: to put the stack in order */
	unsigned tail_len;
};

static void put_code(uint8_t *at, const char *p, unsigned n)
{
	memcpy(at, p, n);
}

/* orig: the instruction, tail, mov r15d, 1, ret; at TARGET: what a taken branch runs. */
static void place(const struct sample *s, const char *target, unsigned target_len)
{
	uint32_t disp = (uint32_t)(data - (orig + s->len));
	uint32_t rel = (uint32_t)(TARGET - s->len);

	memset(orig, 0xcc, 256);
	memset(copy, 0xcc, 256);
	put_code(orig, s->code, s->len);
	if (s->disp_at >= 0)
		memcpy(orig + s->disp_at, &disp, 4);
	if (s->rel)
		memcpy(orig + s->len - s->rel, &rel, (size_t)s->rel);
	put_code(orig + s->len, s->tail, s->tail_len);
	put_code(orig + s->len + s->tail_len, "\x41\xbf\1\0\0\0\xc3", 7);
	put_code(orig + TARGET, target, target_len);
}

/* Move the instruction to copy, where a jump back to the original follows. */
static int move(const struct sample *s)
{
	struct x86_insn in;
	struct x86_asm a;
	uint32_t len;
	int n;

	assert_int_equal(x86_decode(orig, 16, (uintptr_t)orig, &in), 0);
	assert_int_equal(in.len, s->len);
	x86_asm_init(&a, copy, NULL, 256, (uintptr_t)copy);
	x86_move(&a, orig, &in, (uintptr_t)orig);
	len = a.len;
	x86_jmp_pc(&a, (uintptr_t)orig + in.len);
	n = x86_asm_finish(&a);
	assert_true(n < 0 || len <= X86_MOVE_MAX);
	return n;
}

static void run_both(const struct regs *in)
{
	uint8_t before[256], at_orig[256];
	struct regs a = *in, b = *in;

	for (unsigned i = 0; i < sizeof(before); i++)
		before[i] = (uint8_t)rnd();
	/* a pointer for indirect branches lies where rip-relative ones find it */
	*(uint64_t *)(void *)before = (uintptr_t)orig + TARGET;
	memcpy(data, before, sizeof(before));
	run_regs(&a, orig);
	memcpy(at_orig, data, sizeof(at_orig));
	memcpy(data, before, sizeof(before));
	run_regs(&b, copy);
	if (memcmp(&a, &b, sizeof(a)))
		for (unsigned i = 0; i < 17; i++)
			if (((uint64_t *)&a)[i] != ((uint64_t *)&b)[i])
				fail_msg("%02x %02x: %s %u: %lx, moved %lx", orig[0], orig[1],
					 i < 16 ? "register" : "flags", i,
					 (unsigned long)((uint64_t *)&a)[i],
					 (unsigned long)((uint64_t *)&b)[i]);
	assert_memory_equal(at_orig, data, sizeof(at_orig));
	assert_in_range(a.r[R15], 1, 3); /* fell through, branched, returned */
}

static struct regs random_regs(unsigned round)
{
	static const uint64_t counts[] = { 0, 1, 2, 1ull << 32, (1ull << 32) + 1, UINT32_MAX };
	struct regs r;

	for (unsigned i = 0; i < 16; i++)
		r.r[i] = rnd();
	r.r[R15] = 3;
	r.r[RCX] = counts[round % ARRAY_LEN(counts)];
	r.r[RAX] = r.r[R8] = (uintptr_t)orig + TARGET; /* for indirect branches */
	r.r[RBX] = (uintptr_t)data - 8;
	r.flags = 0x202 | (rnd() & 0x8d5); /* cf pf af zf sf of */
	return r;
}

static void check_moved(const struct sample *s, const char *target, unsigned target_len)
{
	int n;

	place(s, target, target_len);
	n = move(s);
	if (n < 0)
		fail_msg("%02x %02x: %d", orig[0], orig[1], n);
	for (unsigned i = 0; i < 64; i++) {
		struct regs r = random_regs(i);

		run_both(&r);
	}
}

#define CODE(c) (c), sizeof(c) - 1
#define TAKEN   CODE("\x41\xbf\2\0\0\0\xc3") /* mov r15d, 2; ret */

static void each_plain(void)
{
	static const struct sample s[] = {
		{ CODE("\x48\x8b\x05____"), 3, 0, CODE("") },         /* mov rax, [data] */
		{ CODE("\x48\x89\x0d____"), 3, 0, CODE("") },         /* mov [data], rcx */
		{ CODE("\x48\x8d\x15____"), 3, 0, CODE("") },         /* lea rdx, [data] */
		{ CODE("\x4c\x03\x25____"), 3, 0, CODE("") },         /* add r12, [data] */
		{ CODE("\x80\x3d____\x55"), 2, 0, CODE("") },         /* cmp byte, imm8 */
		{ CODE("\x66\x81\x3d____\x55\x66"), 3, 0, CODE("") }, /* cmp word, imm16 */
		{ CODE("\x48\x81\x3d____\1\2\3\4"), 3, 0, CODE("") }, /* cmp qword, imm32 */
		{ CODE("\xc7\x05____\1\2\3\4"), 2, 0, CODE("") },     /* mov dword, imm32 */
		{ CODE("\x48\x83\x05____\x7f"), 3, 0, CODE("") },     /* add qword, imm8 */
		{ CODE("\xf0\x48\x0f\xc1\x35____"), 5, 0, CODE("") }, /* lock xadd */
		{ CODE("\x0f\xb6\x3d____"), 3, 0, CODE("") },         /* movzx edi, byte */
		{ CODE("\xff\x35____"), 2, 0, CODE("\x41\x5e") },     /* push [data]; pop r14 */
		{ CODE("\x55"), -1, 0, CODE("\x41\x5e") },            /* push rbp; pop r14 */
		{ CODE("\x68\1\2\3\x84"), -1, 0, CODE("\x41\x5e") },  /* push imm32 */
		{ CODE("\x48\x8d\x7c\x24\xf8"), -1, 0, CODE("\x48\x29\xe7") },
		{ CODE("\x48\x0f\xaf\xd1"), -1, 0, CODE("") }, /* imul rdx, rcx */
		{ CODE("\xf3\x0f\x1e\xfa"), -1, 0, CODE("") }, /* endbr64 */
		{ CODE("\xc3"), -1, 0, CODE("") },             /* ret */
	};

	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		check_moved(&s[i], TAKEN);
}

static void each_branch(void)
{
	static const struct sample s[] = {
		{ CODE("\xeb_"), -1, 1, CODE("") },        /* jmp short */
		{ CODE("\xe9____"), -1, 4, CODE("") },     /* jmp */
		{ CODE("\xf2\xe9____"), -1, 4, CODE("") }, /* bnd jmp */
		{ CODE("\xe0_"), -1, 1, CODE("") },        /* loopne */
		{ CODE("\xe1_"), -1, 1, CODE("") },        /* loope */
		{ CODE("\xe2_"), -1, 1, CODE("") },        /* loop */
		{ CODE("\xe3_"), -1, 1, CODE("") },        /* jrcxz */
		{ CODE("\x67\xe2_"), -1, 1, CODE("") },    /* loop by ecx */
		{ CODE("\x67\xe3_"), -1, 1, CODE("") },    /* jecxz */
		{ CODE("\xff\x25____"), 2, 0, CODE("") },  /* jmp [data] */
		{ CODE("\xff\xe0"), -1, 0, CODE("") },     /* jmp rax */
		{ CODE("\xff\x63\x08"), -1, 0, CODE("") }, /* jmp [rbx + 8] */
	};
	char code[6] = "\x0f";

	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		check_moved(&s[i], TAKEN);
	for (unsigned cc = 0; cc < 16; cc++) {
		code[0] = (char)(0x70 | cc);
		check_moved(&(struct sample){ code, 2, -1, 1, CODE("") }, TAKEN);
		code[0] = 0x0f;
		code[1] = (char)(0x80 | cc);
		check_moved(&(struct sample){ code, 6, -1, 4, CODE("") }, TAKEN);
		memcpy(code, "\x2e\x70", 2); /* with a branch hint */
		code[1] = (char)(0x70 | cc);
		check_moved(&(struct sample){ code, 3, -1, 1, CODE("") }, TAKEN);
	}
}

/* The callee copies its return address to rbp: it must be the original one. */
static void each_call(void)
{
	static const struct sample s[] = {
		{ CODE("\xe8____"), -1, 4, CODE("") },
		{ CODE("\x66\x66\x48\xe8____"), -1, 4, CODE("") }, /* as for __tls_get_addr */
		{ CODE("\xff\x15____"), 2, 0, CODE("") },
		{ CODE("\xff\xd0"), -1, 0, CODE("") },
		{ CODE("\x41\xff\xd0"), -1, 0, CODE("") },
		{ CODE("\xff\x53\x08"), -1, 0, CODE("") },
		{ CODE("\x3e\xff\xd0"), -1, 0, CODE("") }, /* notrack */
	};

	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		check_moved(&s[i], CODE("\x48\x8b\x2c\x24\xc3")); /* mov rbp, [rsp]; ret */
	/* call $ + 5: the way to ask for the pc */
	check_moved(&(struct sample){ CODE("\xe8\0\0\0\0"), -1, 0, CODE("\x5d") }, TAKEN);
}

static void test_moved_code_runs(void **state)
{
	/* above and below 2 GiB: there, a return address is one push */
	static void *const where[] = { NULL, (void *)0x20000000 };

	for (unsigned i = 0; i < 2; i++) {
		void *p = reserve(where[i]);

		each_plain();
		each_branch();
		each_call();
		munmap(p, SPAN);
	}
}

/* Frame states: as the caller set them, one word deeper between push and jmp of a call. */
static void test_move_frame(void **state)
{
	uint8_t buf[32], frame[32];
	struct x86_insn in;
	struct x86_asm a;
	taddr_t pc = 0x400000;

	assert_int_equal(x86_decode("\xe8\0\1\0\0", 5, pc, &in), 0);
	x86_asm_init(&a, buf, frame, sizeof(buf), 0x500000);
	x86_frame(&a, FRAME_CFA_RBP(1));
	x86_move(&a, "\xe8\0\1\0\0", &in, pc);
	x86_ret(&a);
	assert_int_equal(x86_asm_finish(&a), 11);
	assert_memory_equal(frame, "\x41\x41\x41\x41\x41\x42\x42\x42\x42\x42\x41", 11);
	x86_asm_init(&a, buf, frame, sizeof(buf), 0x500000);
	x86_frame(&a, FRAME_RBP);
	x86_move(&a, "\xe8\0\1\0\0", &in, pc);
	assert_int_equal(x86_asm_finish(&a), 10);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(frame[i], FRAME_RBP);
}

static int move_far(const char *code, size_t n, taddr_t from, taddr_t to)
{
	uint8_t buf[64];
	struct x86_insn in;
	struct x86_asm a;

	assert_int_equal(x86_decode(code, n, from, &in), 0);
	x86_asm_init(&a, buf, NULL, sizeof(buf), to);
	x86_move(&a, code, &in, from);
	return x86_asm_finish(&a);
}

static void test_move_errors(void **state)
{
	static const struct {
		const char *code;
		unsigned len;
	} far[] = { { CODE("\x48\x8b\x05\0\0\0\0") },
		    { CODE("\x81\x3d\0\0\0\0\1\0\0\0") },
		    { CODE("\xeb\x10") },
		    { CODE("\xe9\0\0\0\0") },
		    { CODE("\x74\x10") },
		    { CODE("\x0f\x84\0\0\0\0") },
		    { CODE("\xe2\x10") },
		    { CODE("\xe3\x10") },
		    { CODE("\xe8\0\0\0\0") },
		    { CODE("\xff\x15\0\0\0\0") },
		    { CODE("\xff\x25\0\0\0\0") } };

	for (size_t i = 0; i < ARRAY_LEN(far); i++) {
		assert_true(move_far(far[i].code, far[i].len, PC, PC + (2047ull << 20)) > 0);
		assert_true(move_far(far[i].code, far[i].len, PC, PC - (2047ull << 20)) > 0);
		assert_int_equal(move_far(far[i].code, far[i].len, PC, PC + (2049ull << 20)),
				 -ERANGE);
		assert_int_equal(move_far(far[i].code, far[i].len, PC, PC - (2049ull << 20)),
				 -ERANGE);
	}
	/* the exact edge of an operand in front of an immediate: disp = target - (pc + 10) */
	assert_int_equal(move_far("\x81\x3d\0\0\0\0\1\0\0\0", 10, PC, PC + (2048ull << 20)), 10);
	assert_int_equal(move_far("\x81\x3d\0\0\0\0\1\0\0\0", 10, PC, PC + (2048ull << 20) + 1),
			 -ERANGE);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].reason)
			assert_int_equal(move_far(rows[i].bytes, rows[i].len, PC, PC + 64),
					 -ENOTSUP);
}

/* -- how a register gets its value ----------------------------------------- */

static void test_values(void **state)
{
	/* clang-format off */
	static const struct {
		const char *bytes;
		size_t n;
		unsigned reg;
		struct x86_value want;
	} row[] = {
#define ROW(code, ...) { code, sizeof(code) - 1, __VA_ARGS__ }
		ROW("\x48\x8b\x47\x08", 0, { X86_VALUE_LOADED }),         /* mov 8(%rdi), %rax */
		ROW("\x48\x8b\x47\x08", 7, { X86_VALUE_KEPT }),
		ROW("\x8b\x04\x02", 0, { X86_VALUE_ENTRY }),              /* mov (%rdx,%rax), %eax */
		ROW("\x4d\x63\x1c\x83", 11, { X86_VALUE_ENTRY }),         /* movslq (%r11,%rax,4), %r11 */
		ROW("\x48\x63\xc1", 0, { X86_VALUE_COPIED, 1, 0 }),       /* movslq %ecx, %rax */
		ROW("\x49\x89\xfb", 11, { X86_VALUE_COPIED, 7, 0 }),      /* mov %rdi, %r11 */
		ROW("\x48\x98", 0, { X86_VALUE_COPIED, 0, 0 }),           /* cltq */
		ROW("\x48\x8d\x05\0\0\0\0", 0, { X86_VALUE_ADDRESS }),  /* lea (%rip), %rax */
		ROW("\xb8\1\0\0\0", 0, { X86_VALUE_ADDRESS }),          /* mov $1, %eax */
		ROW("\x4c\x01\xd8", 0, { X86_VALUE_SUM, 0, 11 }),        /* add %r11, %rax */
		ROW("\x48\x8d\x04\x0a", 0, { X86_VALUE_SUM, 2, 1 }),     /* lea (%rdx,%rcx), %rax */
		ROW("\x48\x8d\x44\x0a\1", 0, { X86_VALUE_MADE }),       /* lea 1(%rdx,%rcx), %rax */
		ROW("\x48\x83\xc0\x10", 0, { X86_VALUE_MADE }),          /* add $16, %rax */
		ROW("\xb0\1", 0, { X86_VALUE_MADE }),                 /* mov $1, %al */
		ROW("\x66\x89\xc8", 0, { X86_VALUE_MADE }),              /* mov %cx, %ax */
		ROW("\x48\x91", 1, { X86_VALUE_MADE }),                  /* xchg %rax, %rcx */
		ROW("\x0f\xa2", 3, { X86_VALUE_MADE }),                  /* cpuid */
		ROW("\x5b", 3, { X86_VALUE_SPILLED }),                    /* pop %rbx */
		ROW("\x48\x8b\x45\xf8", 0, { X86_VALUE_SPILLED }), /* mov -8(%rbp), %rax */
		ROW("\x49\x8b\x45\xf8", 0, { X86_VALUE_LOADED }),  /* mov -8(%r13), %rax */
		ROW("\x48\x8b\x04\x24", 0, { X86_VALUE_SPILLED }), /* mov (%rsp), %rax */
		ROW("\xe8\0\0\0\0", 8, { X86_VALUE_LOADED }),           /* call: r8 is what it left */
		ROW("\xe8\0\0\0\0", 3, { X86_VALUE_KEPT }),
		ROW("\x64\x48\x33\x04\x25\x30\0\0\0", 0, { X86_VALUE_LOADED }), /* xor %fs:0x30, %rax */
		ROW("\x06", 0, { X86_VALUE_MADE }),                      /* no instruction */
#undef ROW
	};
	/* clang-format on */
	struct x86_insn in;

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct x86_value v = x86_value_of(row[i].bytes, row[i].n, row[i].reg);

		if (v.kind != row[i].want.kind || v.a != row[i].want.a || v.b != row[i].want.b)
			fail_msg("row %zu: kind %u of %u and %u", i, v.kind, v.a, v.b);
	}
	assert_int_equal(x86_decode_flow("\x3e\x41\xff\xe3", 4, PC, &in),
			 0); /* notrack jmp *%r11 */
	assert_int_equal(in.jmp_reg, 12);
	assert_int_equal(x86_decode_flow("\xff\x27", 2, PC, &in), 0);
	assert_int_equal(in.jmp_reg, 0);
	assert_int_equal(x86_decode_flow("\x48\xc7\x84\xc0\4\3\2\1\5\6\7\0", 12, PC, &in), 0);
	assert_int_equal(in.nabs, 2); /* movq $0x70605, 0x1020304(%rax,%rax,8) */
	assert_int_equal(in.abs[0], 0x1020304);
	assert_int_equal(in.abs[1], 0x70605);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),          cmocka_unit_test(test_decode_fails),
		cmocka_unit_test(test_disp_at),         cmocka_unit_test(test_tls_address),
		cmocka_unit_test(test_frame),           cmocka_unit_test(test_move_frame),
		cmocka_unit_test(test_moved_code_runs), cmocka_unit_test(test_values),
		cmocka_unit_test(test_move_errors),
	};

	return cmocka_run_group_tests_name("x86/insn", tests, NULL, NULL);
}
