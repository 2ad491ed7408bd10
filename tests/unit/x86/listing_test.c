/*
 * listing_test.c - labels, names, notes, data and padding of listed code.
 */
#include "x86/listing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PC 0x7f0000001000ull

struct text {
	char buf[4096];
	size_t len;
	unsigned lines, stop_at;
};

static int add_line(void *ctx, const struct x86_line *line)
{
	struct text *t = ctx;

	t->len += (size_t)snprintf(t->buf + t->len, sizeof(t->buf) - t->len, "%s%s%zu %s%s%s\n",
				   line->label ? line->label : "", line->label ? ": " : "",
				   line->len, line->text, line->comment ? " ; " : "",
				   line->comment ? line->comment : "");
	return ++t->lines == t->stop_at ? 7 : 0;
}

static void frame_note(void *arg, taddr_t pc, const struct x86_insn *in, char *out, size_t cap)
{
	assert_true(pc >= PC);
	if (in->has_mem && in->mem_base == RBP)
		snprintf(out, cap, "%s%d", (const char *)arg, in->mem_disp);
}

static struct x86_listing listing_of(struct x86_asm *a)
{
	int n = x86_asm_finish(a);

	assert_true(n > 0);
	return (struct x86_listing){ .code = a->buf, .n = (size_t)n, .pc0 = PC };
}

static void list_is(const struct x86_listing *l, const char *want)
{
	struct text t = { .len = 0 };

	assert_int_equal(x86_list(l, add_line, &t), 0);
	assert_string_equal(t.buf, want);
}

/* Numbered by address, whichever is branched to first; a target that has a name keeps it. */
static void test_labels(void **state)
{
	static const struct x86_name names[] = { { PC, 0, "start" }, { PC, 0, "again" } };
	uint8_t buf[64];
	struct x86_asm a;
	struct x86_listing l;
	x86_label first, last;

	x86_asm_init(&a, buf, NULL, sizeof(buf), PC);
	first = x86_label_new(&a);
	last = x86_label_new(&a);
	x86_jmp(&a, last);
	x86_bind(&a, first);
	x86_jmp_pc(&a, PC);
	x86_bind(&a, last);
	x86_jcc(&a, X86_E, first);
	l = listing_of(&a);
	list_is(&l, "L1: 5 jmp 0x00007F000000100A ; L3\n"
		    "L2: 5 jmp 0x00007F0000001000 ; L1\n"
		    "L3: 6 jz 0x00007F0000001005 ; L2\n");
	l.name = names;
	l.nnames = 2;
	list_is(&l, "start, again: 5 jmp 0x00007F000000100A ; L2\n"
		    "L1: 5 jmp 0x00007F0000001000 ; start\n"
		    "L2: 6 jz 0x00007F0000001005 ; L1\n");
}

/* What is branched to or loaded; inside of something the distance is told. */
static void test_names(void **state)
{
	static const struct x86_name names[] = { { PC + 0x100, 0x20, "helper" },
						 { 0x123456789000, 8, "map" },
						 { PC + 0x108, 0, "inner" } };
	uint8_t buf[128];
	struct x86_asm a;
	struct x86_listing l;

	x86_asm_init(&a, buf, NULL, sizeof(buf), PC);
	x86_call_pc(&a, PC + 0x100);
	x86_call_pc(&a, PC + 0x104);
	x86_call_pc(&a, PC + 0x108);
	x86_call_pc(&a, PC + 0x120);
	x86_mov_ri(&a, RDI, 0x123456789000);
	x86_mov_ri(&a, RDI, 0x123456789007);
	x86_mov_ri(&a, RDI, 0x123456789008);
	l = listing_of(&a);
	l.name = names;
	l.nnames = 3;
	list_is(&l, "5 call 0x00007F0000001100 ; helper\n"
		    "5 call 0x00007F0000001104 ; helper + 4\n"
		    "5 call 0x00007F0000001108 ; inner\n"
		    "5 call 0x00007F0000001120\n"
		    "10 mov rdi, 0x123456789000 ; map\n"
		    "10 mov rdi, 0x123456789007 ; map + 7\n"
		    "10 mov rdi, 0x123456789008\n");
}

static void test_notes(void **state)
{
	uint8_t buf[128];
	struct x86_asm a;
	struct x86_listing l;

	x86_asm_init(&a, buf, NULL, sizeof(buf), PC);
	x86_store(&a, X86_Q, X86_MEM(RBP, -56), RDI);
	x86_load(&a, X86_Q, RAX, X86_MEM(RBP, 0x10));
	x86_lea(&a, RSP, X86_MEM(RBP, -4096));
	x86_push_m(&a, X86_MEM(RBP, 24));
	x86_load(&a, X86_Q, RAX, X86_MEM(RBX, 8));
	x86_push_m(&a, X86_MEM_IX(RBP, RCX, 8, 8));
	x86_load_fs(&a, RAX, -8);
	l = listing_of(&a);
	l.note = frame_note;
	l.arg = (void *)(uintptr_t) "at ";
	list_is(&l, "4 mov [rbp-0x38], rdi ; at -56\n"
		    "4 mov rax, [rbp+0x10] ; at 16\n"
		    "7 lea rsp, [rbp-0x1000] ; at -4096\n"
		    "3 push [rbp+0x18] ; at 24\n"
		    "4 mov rax, [rbx+0x08]\n"
		    "4 push [rbp+rcx*8+0x08]\n"
		    "9 mov rax, fs:[0xFFFFFFFFFFFFFFF8]\n");
}

/* A word among code is data whatever its bytes are, and padding is one line. */
static void test_data(void **state)
{
	static const struct x86_name names[] = { { PC + 8, 0, "pointer" } };
	static const uint64_t word = PC, traps = 0xcccccccccccccccc;
	uint8_t buf[64];
	struct x86_asm a;
	struct x86_listing l;

	for (int i = 0; i < 2; i++) {
		x86_asm_init(&a, buf, NULL, sizeof(buf), PC);
		x86_jmp_m_pc(&a, PC + 8);
		x86_int3_to(&a, 8);
		x86_bytes(&a, i ? &traps : &word, 8);
		x86_int3(&a);
		x86_bytes(&a, "\x06", 1);
		l = listing_of(&a);
		l.name = names;
		l.nnames = 1;
		l.quad = PC + 8;
		list_is(&l, i ? "6 jmp [0x00007F0000001008] ; pointer\n"
				"2 int3 ; 2 bytes of padding\n"
				"pointer: 8 dq 0xcccccccccccccccc\n"
				"1 int3\n"
				"1 (bad)\n" :
				"6 jmp [0x00007F0000001008] ; pointer\n"
				"2 int3 ; 2 bytes of padding\n"
				"pointer: 8 dq 0x00007f0000001000\n"
				"1 int3\n"
				"1 (bad)\n");
	}
}

static void test_stop(void **state)
{
	static const uint8_t nops[] = { 0x90, 0x90, 0x90 };
	struct x86_listing l = { .code = nops, .n = sizeof(nops), .pc0 = PC };
	struct text t = { .stop_at = 2 };

	assert_int_equal(x86_list(&l, add_line, &t), 7);
	assert_int_equal(t.lines, 2);
	l.n = 0;
	assert_int_equal(x86_list(&l, add_line, &t), 0);
	assert_int_equal(t.lines, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels), cmocka_unit_test(test_names),
		cmocka_unit_test(test_notes),  cmocka_unit_test(test_data),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests_name("x86/listing", tests, NULL, NULL);
}
