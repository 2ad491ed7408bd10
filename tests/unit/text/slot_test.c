/*
 * Slots by execution: functions of this program are patched in place and called, with
 * no image, with an image that jumps on, and with one that calls the original; results,
 * registers, counters, frame states and the restored bytes are checked.
 */
#include "text/slot.h"

#include "shm/layout.h"
#include "x86/asm.h"
#include "x86/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include <cmocka.h>

/* -- the traced side's stand-ins --------------------------------------------- */

struct block {
	uint64_t pad[3];
	int64_t inside[64];
};

static struct block block;
static __thread volatile struct rt_tls tls;
static unsigned first_calls;
static bool no_block, keep_flags;
static uint64_t no_room; /* calls that found too little stack */
uint64_t first_rsp;      /* as rt_first was entered */

#define COUNTER     37
#define COUNTER_OFF ((int32_t)(offsetof(struct block, inside) + 8 * COUNTER))

uint64_t first_in_c(void);
__attribute__((target("general-regs-only"))) uint64_t first_in_c(void)
{
	first_calls++;
	if (no_block)
		return 0;
	tls.block = (uintptr_t)&block;
	return (uint64_t)(uintptr_t)&block;
}

/* Preserves all but rax and flags, as rt_first does. */
void first(void);
__asm__(".text\n"
	".globl first\n"
	".type first, @function\n"
	"first:\n"
	"	mov %rsp, first_rsp(%rip)\n"
	"	push %rcx; push %rdx; push %rsi; push %rdi; push %r8; push %r9; push %r10\n"
	"	push %r11; sub $8, %rsp\n"
	"	call first_in_c\n"
	"	mov $0x1111, %ecx; mov $0x2222, %edx; mov $0x3333, %r10d\n"
	"	add $8, %rsp; pop %r11; pop %r10; pop %r9; pop %r8; pop %rdi; pop %rsi; pop %rdx\n"
	"	pop %rcx\n"
	"	ret\n"
	".size first, . - first\n");

/* -- hand-written functions with odd first instructions ------------------------ */

#define ASM_FN(name, body) \
	long name(long a, long b); \
	__asm__(".text\n.balign 16\n.globl " #name "\n.type " #name ", @function\n" #name \
		":\n" body "\n.size " #name ", . - " #name "\n.balign 16, 0xcc\n")

ASM_FN(asm_loop, "mov %rsi, %rcx\n and $7, %ecx\n loop 1f\n xor %eax, %eax\n ret\n"
		 "1: lea (%rdi,%rcx), %rax\n ret");
ASM_FN(asm_loop_first, "loop 1f\n mov %rdi, %rax\n ret\n nop\n 1: mov %rsi, %rax\n ret");
ASM_FN(asm_jrcxz, "jrcxz 1f\n mov %rdi, %rax\n ret\n 1: mov %rsi, %rax\n ret");
ASM_FN(with_rcx_loop, "mov %rsi, %rcx\n jmp asm_loop_first");
ASM_FN(with_rcx_jrcxz, "mov %rsi, %rcx\n jmp asm_jrcxz");
ASM_FN(asm_call_last, "call asm_helper\n add %rdi, %rax\n ret");
ASM_FN(asm_call_ind, "push %rbx\n call *asm_pointer(%rip)\n pop %rbx\n add %rdi, %rax\n ret");
ASM_FN(asm_cmp, "cmpl $3, asm_word(%rip)\n sete %al\n movzbl %al, %eax\n add %rdi, %rax\n ret");
ASM_FN(asm_frame, "push %rbp\n mov %rsp, %rbp\n push %rbx\n mov %rdi, %rbx\n mov %rbx, %rax\n"
		  "pop %rbx\n pop %rbp\n ret");
ASM_FN(asm_pushes, "push %r12\n push %rbx\n sub $24, %rsp\n lea (%rdi,%rsi,4), %rax\n"
		   "add $24, %rsp\n pop %rbx\n pop %r12\n ret");
/* where its caller is: the original return address must be seen */
ASM_FN(asm_caller, "mov (%rsp), %rax\n add %rdi, %rax\n ret");
/* a branch to the second instruction, as mempcpy's to memcpy's: only a hop fits */
ASM_FN(asm_hop, "mov %rdi, %rax\n 1: add $3, %rax\n dec %rsi\n jg 1b\n ret\n .balign 16, 0xcc\n"
		".skip 8, 0xcc");
ASM_FN(asm_nops, "nop; nop; nop; nop; nop\n mov %rdi, %rax\n ret");
ASM_FN(asm_regs, "add %r8, %rdi\n lea (%rdi,%r9), %rax\n add %r10, %rax\n add %r11, %rax\n ret");

__asm__(".text\n.type asm_helper, @function\nasm_helper: mov (%rsp), %rax\n and $0xff, %eax\n"
	"add %rsi, %rax\n ret\n.size asm_helper, . - asm_helper\n"
	".section .data.rel, \"aw\"\n.balign 8\nasm_pointer: .quad asm_helper\n"
	"asm_word: .long 3, 0\n.text\n");

typedef long victim_fn(long a, long b);

struct victim {
	const char *name; /* the symbol that is patched */
	victim_fn *run;
	bool nop;
	bool sees_caller; /* cannot run under an image that calls it */
};

#define SET(p) \
	long p##global(long, long); \
	long p##add(long, long); \
	long p##nothing(long, long); \
	long p##constant(long, long); \
	long p##sign(long, long); \
	long p##fib(long, long); \
	long p##sum(long, long); \
	long p##tail(long, long); \
	long p##calls(long, long); \
	long p##array(long, long); \
	long p##pick(long, long); \
	long p##calls_va(long, long); \
	long p##calls_fp(long, long); \
	long p##nops(long, long);

SET(o0_)
SET(o2_)
SET(cet_)
SET(pad_)
SET(o3_)

#define ROW(p, f, nops_) \
	{ \
#p #f, p##f, nops_, false \
	}
#define ROWS(p, n) \
	ROW(p, global, n), ROW(p, add, n), ROW(p, nothing, n), ROW(p, constant, n), \
		ROW(p, sign, n), ROW(p, fib, n), ROW(p, sum, n), ROW(p, tail, n), \
		ROW(p, calls, n), ROW(p, array, n), ROW(p, pick, n), \
		{ #p "va", p##calls_va, n, false }, { #p "fp", p##calls_fp, n, false }, \
		ROW(p, nops, true)
#define ASM_ROW(f) \
	{ \
#f, f, false, false \
	}

static const struct victim victims[] = {
	/* clang-format off */
	ROWS(o0_, false),
	ROWS(o2_, false),
	ROWS(cet_, false),
	ROWS(pad_, true),
	ROWS(o3_, false),
	ASM_ROW(asm_loop),
	{ "asm_loop_first", with_rcx_loop, false, false },
	{ "asm_jrcxz", with_rcx_jrcxz, false, false },
	ASM_ROW(asm_call_last),
	ASM_ROW(asm_call_ind),
	ASM_ROW(asm_cmp),
	ASM_ROW(asm_frame),
	ASM_ROW(asm_pushes),
	{ "asm_nops", asm_nops, true, false },
	ASM_ROW(asm_hop),
	{ "asm_caller", asm_caller, false, true },
	/* clang-format on */
};

/* -- this program's own functions ----------------------------------------------- */

static struct sweep *sweep;
static taddr_t bias;
static struct {
	char name[32];
	struct taddr_range at;
} syms[16384];
static unsigned nsyms;
static uint8_t *slab; /* near: slots, then images */

#define SLAB_BYTES 0x10000
#define IMAGE_AT   0x8000

static int first_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	bias = info->dlpi_addr;
	return 1;
}

static void read_symbols(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	GElf_Sym sym;

	for (int i = 0; gelf_getsym(data, i, &sym); i++) {
		const char *name = elf_strptr(elf, sh->sh_link, sym.st_name);

		if (GELF_ST_TYPE(sym.st_info) != STT_FUNC || !sym.st_size || !name)
			continue;
		assert_true(nsyms < ARRAY_LEN(syms));
		strncpy(syms[nsyms].name, name, sizeof(syms[0].name) - 1);
		syms[nsyms++].at = (struct taddr_range){ sym.st_value, sym.st_value + sym.st_size };
	}
}

/* Sweep the text of this program, by file addresses. */
/* Not those in memory: between variables, a sanitizer's zones may not be read. */
static struct sweep_code file_bytes(int fd, const GElf_Shdr *sh)
{
	uint8_t *copy = malloc(sh->sh_size);

	assert_non_null(copy);
	assert_int_equal(pread(fd, copy, sh->sh_size, (off_t)sh->sh_offset), sh->sh_size);
	return (struct sweep_code){ sh->sh_addr, copy, sh->sh_size };
}

static void sweep_self(void)
{
	static struct taddr_range func[ARRAY_LEN(syms)];
	struct sweep_code code[8], data[16];
	struct sweep_hints hints = { .data = data };
	Elf_Scn *scn = NULL;
	size_t ncode = 0;
	int fd = open("/proc/self/exe", O_RDONLY);
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	assert_non_null(elf);
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr sh;

		gelf_getshdr(scn, &sh);
		if (sh.sh_type == SHT_SYMTAB)
			read_symbols(elf, scn, &sh);
		if ((sh.sh_flags & SHF_EXECINSTR) && sh.sh_type == SHT_PROGBITS && ncode < 8)
			code[ncode++] = (struct sweep_code){ sh.sh_addr,
							     (const uint8_t *)(bias + sh.sh_addr),
							     sh.sh_size };
		else if ((sh.sh_flags & SHF_ALLOC) && sh.sh_type == SHT_PROGBITS &&
			 hints.ndata < ARRAY_LEN(data))
			data[hints.ndata++] = file_bytes(fd, &sh);
	}
	for (unsigned i = 0; i < nsyms; i++)
		func[i] = syms[i].at;
	assert_int_equal(sweep_new(code, ncode, func, nsyms, &hints, &sweep), 0);
	for (size_t i = 0; i < hints.ndata; i++)
		free((void *)(uintptr_t)data[i].bytes);
	elf_end(elf);
	close(fd);
}

static struct taddr_range find(const char *name)
{
	for (unsigned i = 0; i < nsyms; i++)
		if (!strcmp(syms[i].name, name))
			return (struct taddr_range){ syms[i].at.lo + bias, syms[i].at.hi + bias };
	fail_msg("no symbol %s", name);
	return (struct taddr_range){ 0, 0 };
}

static int setup(void **state)
{
	uintptr_t near = (uintptr_t)&first & ~0xffffful;

	dl_iterate_phdr(first_object, NULL);
	sweep_self();
	for (uintptr_t at = near - (64ul << 20); at > near - (1ul << 30); at -= 1ul << 20) {
		slab = mmap((void *)at, SLAB_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (slab != MAP_FAILED)
			return 0;
	}
	return -1;
}

static int teardown(void **state)
{
	sweep_free(sweep);
	return 0;
}

/* -- patching --------------------------------------------------------------------- */

struct hooked {
	struct site site;
	struct slot_code code;
	uint8_t frame[SLOT_MAX];
	uint64_t hits; /* counted by the images */
};

static struct hooked hook;

static int32_t tls_off(void)
{
	uintptr_t fs;

	__asm__("mov %%fs:0, %0" : "=r"(fs));
	return (int32_t)((uintptr_t)&tls - fs);
}

static void write_text(taddr_t at, const void *bytes, size_t n)
{
	uintptr_t page = at & ~4095ul;

	assert_int_equal(mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	memcpy((void *)(uintptr_t)at, bytes, n);
	assert_int_equal(mprotect((void *)page, 8192, PROT_READ | PROT_EXEC), 0);
}

static int describe(const char *name, struct site *site, struct diag *d)
{
	struct taddr_range f = find(name);
	struct site_query q = { .sweep = sweep,
				.bias = bias,
				.func = f,
				.entry = f.lo,
				.mem = (const uint8_t *)f.lo,
				.file = (const uint8_t *)f.lo,
				.n = f.hi - f.lo + 16,
				.may_hop = true };

	return site_describe(&q, site, d);
}

static void patch(const struct victim *v)
{
	uint8_t bytes[SITE_WINDOW_MAX];
	struct slot_plan plan = { .site = &hook.site,
				  .at = (uintptr_t)slab,
				  .rt_first = (uintptr_t)first,
				  .tls_off = tls_off(),
				  .counter_off = COUNTER_OFF,
				  .no_room = (uintptr_t)&no_room,
				  .keep_flags = keep_flags };
	struct diag d = { "" };
	size_t len;

	memset(&hook, 0, sizeof(hook));
	memset(&block, 0, sizeof(block));
	memset(slab, 0xcc, SLAB_BYTES);
	tls.block = 0;
	if (describe(v->name, &hook.site, &d) < 0)
		fail_msg("%s: %s", v->name, d.text);
	if (v->nop != (hook.site.kind == SITE_NOP))
		fail_msg("%s: kind %d", v->name, hook.site.kind);
	if ((hook.site.kind == SITE_HOP) != !strcmp(v->name, "asm_hop"))
		fail_msg("%s: kind %d", v->name, hook.site.kind);
	if (slot_emit(&plan, slab, hook.frame, SLOT_MAX, &hook.code, &d) < 0)
		fail_msg("%s: %s", v->name, d.text);
	assert_int_equal(text_jmp_patch(&hook.site, hook.code.enter, bytes, &len), 0);
	if (hook.site.kind == SITE_HOP) {
		uint8_t hop[SITE_JMP_LEN];

		assert_int_equal(text_hop_patch(&hook.site, hook.code.enter, hop), 0);
		write_text(hook.site.hop, hop, sizeof(hop));
	}
	write_text(hook.site.window, bytes, len);
}

static void unpatch(void)
{
	write_text(hook.site.window, hook.site.old, hook.site.len);
	if (hook.site.kind == SITE_HOP)
		write_text(hook.site.hop, hook.site.hop_old, SITE_JMP_LEN);
}

enum how { NO_IMAGE, IMAGE_RESUMES, IMAGE_CALLS, HOWS };

/* An image that counts, then goes on or calls the original (register arguments only). */
static void set_image(enum how how)
{
	uint8_t *at = slab + IMAGE_AT;
	struct x86_asm a;
	uint64_t to = (uintptr_t)at;

	if (how == NO_IMAGE)
		return;
	x86_asm_init(&a, at, NULL, 256, to);
	x86_push(&a, RAX);
	x86_mov_ri64(&a, RAX, (uintptr_t)&hook.hits);
	x86_inc_m(&a, X86_Q, X86_MEM(RAX, 0));
	x86_pop(&a, RAX);
	if (how == IMAGE_RESUMES) {
		x86_jmp_pc(&a, hook.code.leave_resume);
	} else {
		x86_alu_ri(&a, X86_SUB, X86_Q, RSP, 8);
		x86_call_pc(&a, hook.code.moved);
		x86_alu_ri(&a, X86_ADD, X86_Q, RSP, 8);
		x86_jmp_pc(&a, hook.code.leave_ret);
	}
	assert_true(x86_asm_finish(&a) > 0);
	memcpy((void *)(uintptr_t)hook.code.image_ptr, &to, 8);
}

static const long args[][2] = { { 0, 0 },  { 1, 2 }, { -5, 9 }, { 13, -4 }, { 1000, 77 },
				{ 4, 63 }, { 7, 1 }, { 2, 5 },  { 3, 3 } };

/* One call site for all: asm_caller tells where it is. */
__attribute__((noinline)) static void run_all(const struct victim *v, long out[ARRAY_LEN(args)])
{
	for (unsigned i = 0; i < ARRAY_LEN(args); i++)
		out[i] = v->run(args[i][0], args[i][1]);
}

static void check_victim(const struct victim *v, enum how how)
{
	long want[ARRAY_LEN(args)], got[ARRAY_LEN(args)];
	uint8_t before[64], after[64];
	struct taddr_range f = find(v->name);
	size_t n = f.hi - f.lo < 64 ? f.hi - f.lo : 64;

	if (how == IMAGE_CALLS && v->sees_caller)
		return;
	memcpy(before, (void *)(uintptr_t)f.lo, n);
	run_all(v, want);
	patch(v);
	set_image(how);
	first_calls = 0;
	run_all(v, got);
	unpatch();
	memcpy(after, (void *)(uintptr_t)f.lo, n);
	for (unsigned i = 0; i < ARRAY_LEN(args); i++)
		if (got[i] != want[i])
			fail_msg("%s(%ld, %ld) = %ld, patched (%d) %ld", v->name, args[i][0],
				 args[i][1], want[i], how, got[i]);
	assert_memory_equal(before, after, n);
	if (first_calls != 1 || block.inside[COUNTER] != 0)
		fail_msg("%s: %u first calls, %ld inside", v->name, first_calls,
			 (long)block.inside[COUNTER]);
	if (how != NO_IMAGE && hook.hits < ARRAY_LEN(args))
		fail_msg("%s: %lu hits", v->name, (unsigned long)hook.hits);
}

static void test_every_victim(void **state)
{
	no_block = false;
	for (size_t i = 0; i < ARRAY_LEN(victims); i++)
		for (enum how how = NO_IMAGE; how < HOWS; how++)
			check_victim(&victims[i], how);
}

/* No block to be had: the functions run without image, uncounted. */
static void test_no_block(void **state)
{
	static const struct victim v = { "o2_sign", o2_sign, false, false };

	no_block = true;
	patch(&v);
	set_image(IMAGE_CALLS);
	first_calls = 0;
	assert_int_equal(o2_sign(-1, 5), -5);
	assert_int_equal(o2_sign(1, 5), 5);
	assert_int_equal(first_calls, 2);
	assert_int_equal(hook.hits, 0);
	assert_int_equal(block.inside[COUNTER], 0);
	no_block = false;
	assert_int_equal(o2_sign(1, 5), 5);
	assert_int_equal(hook.hits, 1);
	unpatch();
}

/* The counter is up while the image runs, and down by one where a call leaves. */
static long seen_inside;

static long look_inside(long a, long b)
{
	seen_inside = block.inside[COUNTER];
	return a + b;
}

static victim_fn *look = look_inside;

/* behind five bytes, so that it can be patched */
ASM_FN(asm_looks, "sub $8, %rsp\n nop\n mov asm_look(%rip), %rax\n mov (%rax), %rax\n call *%rax\n"
		  "add $8, %rsp\n ret");
extern victim_fn **asm_look;
victim_fn **asm_look = &look;

static void test_counter(void **state)
{
	static const struct victim v = { "asm_looks", asm_looks, false, false };

	no_block = false;
	patch(&v);
	set_image(IMAGE_CALLS);
	assert_int_equal(asm_looks(1, 2), 3);
	assert_int_equal(seen_inside, 1);
	assert_int_equal(block.inside[COUNTER], 0);
	set_image(IMAGE_RESUMES); /* counted out before it goes on */
	assert_int_equal(asm_looks(1, 2), 3);
	assert_int_equal(seen_inside, 0);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(block.inside[i], 0);
	unpatch();
}

/* The thread that leaves is not the one that entered: its block is made on leaving. */
static void test_leave_without_block(void **state)
{
	static const struct victim v = { "o2_add", o2_add, false, false };
	typedef long leave_fn(long a, long b);

	no_block = false;
	patch(&v);
	first_calls = 0;
	assert_int_equal(((leave_fn *)(uintptr_t)hook.code.leave_resume)(3, 4), 7);
	assert_int_equal(first_calls, 1);
	assert_int_equal(block.inside[COUNTER], -1);
	tls.block = 0;
	((leave_fn *)(uintptr_t)hook.code.leave_ret)(3, 4);
	assert_int_equal(first_calls, 2);
	assert_int_equal(block.inside[COUNTER], -2);
	tls.block = 0;
	no_block = true; /* and if there is none: return all the same */
	((leave_fn *)(uintptr_t)hook.code.leave_ret)(3, 4);
	assert_int_equal(((leave_fn *)(uintptr_t)hook.code.leave_resume)(30, 4), 34);
	assert_int_equal(first_calls, 4);
	assert_int_equal(block.inside[COUNTER], -2);
	no_block = false;
	unpatch();
}

/* -- registers, alignment, frame states, by single steps --------------------------- */

struct regs {
	uint64_t r[16];
	uint64_t flags; /* in: to be loaded */
	uint64_t rsp;   /* out: at the function's first instruction */
};

/* Call fn with all registers from regs, rsp off by `off`; store them all again. */
void call_regs(struct regs *regs, const void *fn, uint64_t off);
__asm__(".text\n"
	".globl call_regs\n"
	".type call_regs, @function\n"
	"call_regs:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, %rax\n"
	"	sub %rdx, %rsp\n"
	"	push %rax\n"
	"	push %rdi\n"
	"	push %rsi\n"
	"	lea -8(%rsp), %rax; mov %rax, 136(%rdi)\n"
	"	push 128(%rdi); popfq\n"
	"	mov 0(%rdi), %rax; mov 8(%rdi), %rcx; mov 16(%rdi), %rdx; mov 24(%rdi), %rbx\n"
	"	mov 40(%rdi), %rbp; mov 48(%rdi), %rsi; mov 64(%rdi), %r8; mov 72(%rdi), %r9\n"
	"	mov 80(%rdi), %r10; mov 88(%rdi), %r11; mov 96(%rdi), %r12; mov 104(%rdi), %r13\n"
	"	mov 112(%rdi), %r14; mov 120(%rdi), %r15; mov 56(%rdi), %rdi\n"
	"	call *(%rsp)\n"
	".globl call_regs_back\n"
	"call_regs_back:\n"
	"	xchg %rdi, 8(%rsp)\n"
	"	mov %rax, 0(%rdi)\n"
	"	pushfq; pop %rax; and $~0x100, %rax; push %rax; popfq\n"
	"	mov %rcx, 8(%rdi); mov %rdx, 16(%rdi); mov %rbx, 24(%rdi)\n"
	"	mov %rbp, 40(%rdi); mov %rsi, 48(%rdi); mov %r8, 64(%rdi); mov %r9, 72(%rdi)\n"
	"	mov %r10, 80(%rdi); mov %r11, 88(%rdi); mov %r12, 96(%rdi); mov %r13, 104(%rdi)\n"
	"	mov %r14, 112(%rdi); mov %r15, 120(%rdi)\n"
	"	pop %rsi\n"
	"	pop %rax; mov %rax, 56(%rdi)\n"
	"	pop %rsp\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n"
	".size call_regs, . - call_regs\n");
extern const uint8_t call_regs_back[];

static struct regs step_regs;
static volatile unsigned steps, bad_steps;
static volatile uint64_t bad_pc;

/* One unwinding step by the frame states; false: pc is not in the slot. */
static bool unwind(uint64_t *pc, uint64_t *rsp, uint64_t *rbp, bool is_return)
{
	uint64_t at = *pc - is_return - hook.code.at, cfa, state;

	if (at >= hook.code.size)
		return false;
	state = hook.frame[at];
	cfa = state & FRAME_RBP ? *rbp + 16 : *rsp + 8 + 8 * (state & 0x3f);
	if (state & (FRAME_RBP | 0x40))
		memcpy(rbp, (void *)(cfa - 16), 8);
	memcpy(pc, (void *)(cfa - 8), 8);
	*rsp = cfa;
	return true;
}

static void on_step(int sig, siginfo_t *info, void *context)
{
	const greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
	uint64_t pc = (uint64_t)g[REG_RIP], rsp = (uint64_t)g[REG_RSP], rbp = (uint64_t)g[REG_RBP];
	uint64_t here = pc;
	bool back = false;

	if (!slot_has_pc(&hook.code, pc))
		return;
	for (unsigned i = 0; i < 4 && unwind(&pc, &rsp, &rbp, back); i++)
		back = true;
	steps++;
	if (pc != (uintptr_t)call_regs_back || rsp != step_regs.rsp + 8 ||
	    rbp != step_regs.r[RBP]) {
		bad_steps++;
		bad_pc = here;
	}
}

static struct regs fill_regs(void)
{
	struct regs r;

	for (unsigned i = 0; i < 16; i++)
		r.r[i] = 0x0101010101010101ull * (i + 1);
	r.r[RDI] = 5;
	r.r[RSI] = 6;
	r.flags = 0x202;
	return r;
}

/* Each path of the slot in single steps: every instruction's frame state must unwind. */
static void step_through(const struct victim *v, enum how how, bool block_there, bool refuse,
			 bool roomy)
{
	struct regs want = fill_regs(), got;

	call_regs(&want, (const void *)(uintptr_t)find(v->name).lo, 0);
	patch(v);
	set_image(how);
	no_block = refuse;
	tls.block = block_there ? (uintptr_t)&block : 0;
	step_regs = fill_regs();
	step_regs.flags |= 0x100; /* TF */
	steps = bad_steps = 0;
	got = step_regs;
	step_regs.rsp = 0;
	tls.stack_lo = !roomy;
	tls.stack_limit = roomy ? 0 : UINT64_MAX;
	/* rsp is stored by call_regs before the first step in the slot */
	call_regs(&step_regs, (const void *)(uintptr_t)find(v->name).lo, 0);
	got = step_regs;
	no_block = false;
	tls.stack_lo = tls.stack_limit = 0;
	unpatch();
	if (bad_steps)
		fail_msg("%s, image %d: %u of %u states are wrong, the last at slot + %#lx",
			 v->name, how, bad_steps, steps, (unsigned long)(bad_pc - hook.code.at));
	assert_true(steps > 5);
	assert_memory_equal(want.r, got.r, sizeof(want.r));
}

static void test_frame_states(void **state)
{
	static const struct victim v[] = { ASM_ROW(asm_frame),   ASM_ROW(asm_pushes),
					   ASM_ROW(asm_cmp),     ASM_ROW(asm_loop),
					   ASM_ROW(asm_regs),    ASM_ROW(asm_call_last),
					   ASM_ROW(asm_call_ind) };
	struct sigaction sa = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO }, old;

	sigaction(SIGTRAP, &sa, &old);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		for (enum how how = NO_IMAGE; how <= IMAGE_RESUMES; how++)
			for (int f = 0; f < 2; f++) {
				keep_flags = f;
				step_through(&v[i], how, true, false, true);
				step_through(&v[i], how, false, false, true);
				step_through(&v[i], how, false, true, true);
				step_through(&v[i], how, true, false, false);
			}
	keep_flags = false;
	sigaction(SIGTRAP, &old, NULL);
}

/* Every general register but the result survives, whatever the alignment of rsp. */
static void test_registers_and_alignment(void **state)
{
	static const struct victim v = ASM_ROW(asm_regs);

	for (unsigned off = 0; off < 16; off += 8)
		for (enum how how = NO_IMAGE; how < HOWS; how++) {
			struct regs want = fill_regs(), got = fill_regs();

			call_regs(&want, (const void *)(uintptr_t)asm_regs, off);
			no_block = false;
			patch(&v);
			set_image(how);
			call_regs(&got, (const void *)(uintptr_t)asm_regs, off);
			unpatch();
			assert_memory_equal(want.r, got.r, sizeof(want.r));
			assert_int_equal(first_rsp % 16, 8); /* as a call leaves it */
			assert_int_equal(block.inside[COUNTER], 0);
		}
}

/* -- stack room -------------------------------------------------------------------------- */

/* asm_regs with rsp at the given distance above lo, as it is in the function: was it traced? */
static bool traced_at(uint64_t above_lo, uint64_t room)
{
	struct regs want = fill_regs(), got = fill_regs();
	uint64_t hits, missed;

	call_regs(&want, (const void *)(uintptr_t)asm_regs, 0);
	tls.stack_lo = want.rsp - 8 - above_lo; /* rsp behind the slot's push */
	tls.stack_limit = tls.stack_lo + room;
	patch(&(struct victim)ASM_ROW(asm_regs));
	set_image(IMAGE_CALLS);
	hits = hook.hits;
	missed = no_room;
	got.rsp = want.rsp;
	call_regs(&got, (const void *)(uintptr_t)asm_regs, 0);
	unpatch();
	assert_int_equal(got.rsp, want.rsp);
	assert_memory_equal(want.r, got.r, sizeof(want.r));
	assert_int_equal(block.inside[COUNTER], 0);
	assert_int_equal(hook.hits - hits + (no_room - missed), 1);
	tls.stack_lo = tls.stack_limit = 0;
	return hook.hits != hits;
}

static void test_room(void **state)
{
	no_block = false;
	for (int i = 0; i < 2; i++) {
		const uint64_t push = keep_flags ? 16 : 8;

		/* the function's rsp is above_lo - 8 below what is compared */
		assert_true(traced_at(push - 8 + 0x10000, 0x10000));
		assert_true(traced_at(push - 8 + 0x20000, 0x10000));
		assert_false(traced_at(push - 8 + 0xffff, 0x10000));
		assert_false(traced_at(push - 8, 0x10000)); /* the last word but that of the push */
		assert_true(traced_at(push - 8 - 1, 0x10000)); /* a stack that lies below */
		assert_true(traced_at(-0x100000ull, 0x10000));
		assert_true(traced_at(0x100, 0)); /* bounds not known */
		keep_flags = true;
	}
	keep_flags = false;
}

/* The same without a block: it is asked for first, then the room. */
static void test_room_first(void **state)
{
	struct regs r = fill_regs();

	call_regs(&r, (const void *)(uintptr_t)asm_regs, 0);
	patch(&(struct victim)ASM_ROW(asm_regs));
	set_image(IMAGE_CALLS);
	no_room = 0;
	tls.stack_lo = r.rsp - 0x1000;
	tls.stack_limit = r.rsp + 0x1000;
	first_calls = 0;
	call_regs(&r, (const void *)(uintptr_t)asm_regs, 0);
	assert_int_equal(first_calls, 1);
	assert_int_equal(no_room, 1);
	assert_int_equal(hook.hits, 0);
	assert_int_equal(block.inside[COUNTER], 0);
	tls.stack_lo = tls.stack_limit = 0;
	unpatch();
}

/* -- flags ------------------------------------------------------------------------------- */

#define STATUS 0x8d5u /* CF PF AF ZF SF OF: SDM vol. 1, 3.4.3.1 */

/* what it was entered with, by all its ways in */
ASM_FN(asm_flags, "mov %rdi, %rsi\n mov %rsi, %rdi\n pushf\n pop %rax\n and $0x8d5, %eax\n ret");

static uint64_t flags_seen(uint64_t in)
{
	struct regs r = fill_regs(), want = r;

	r.flags = 0x202 | in;
	call_regs(&r, (const void *)(uintptr_t)asm_flags, 0);
	want.r[RAX] = r.r[RAX];
	want.r[RSI] = r.r[RSI];
	assert_memory_equal(r.r, want.r, sizeof(r.r));
	return r.r[RAX];
}

/* The i-th of the 64 combinations. */
static uint64_t combination(unsigned i)
{
	static const unsigned bit[] = { 0, 2, 4, 6, 7, 11 };
	uint64_t f = 0;

	for (unsigned k = 0; k < ARRAY_LEN(bit); k++)
		f |= (uint64_t)(i >> k & 1) << bit[k];
	return f;
}

enum flag_way { WITH_BLOCK, FIRST_HIT, BLOCK_REFUSED, WITHOUT_ROOM, FLAG_WAYS };

static void one_flag_way(enum flag_way way, bool *differs)
{
	no_block = way == BLOCK_REFUSED;
	if (way == WITHOUT_ROOM) {
		tls.stack_lo = 1;
		tls.stack_limit = UINT64_MAX;
	}
	for (unsigned i = 0; i < 64; i++) {
		uint64_t in = combination(i);

		tls.block = way == WITH_BLOCK || way == WITHOUT_ROOM ? (uintptr_t)&block : 0;
		*differs |= flags_seen(in) != in;
	}
	no_block = false;
	tls.stack_lo = tls.stack_limit = 0;
}

/* Kept on every way to moved; no image: set_image()'s own change them. */
static void test_flags(void **state)
{
	no_block = false;
	for (int kept = 1; kept >= 0; kept--) {
		keep_flags = kept;
		patch(&(struct victim)ASM_ROW(asm_flags));
		for (enum flag_way way = 0; way < FLAG_WAYS; way++) {
			bool differs = false;

			one_flag_way(way, &differs);
			if (differs == kept)
				fail_msg("keep_flags %d, way %d: flags %s", kept, (int)way,
					 differs ? "differ" : "do not differ");
		}
		unpatch();
	}
	keep_flags = false;
}

/* -- layout, pc map, errors ----------------------------------------------------------- */

static void test_layout(void **state)
{
	struct slot_code *c = &hook.code;
	uint64_t image;

	patch(&victims[0]);
	unpatch();
	assert_int_equal(c->at, (uintptr_t)slab);
	assert_int_equal(c->enter, c->at);
	assert_true(c->image_ptr + 8 - c->at <= 64); /* enter and what it reads share a line */
	assert_true(c->enter < c->image_ptr && c->image_ptr < c->leave_ret);
	assert_true(c->leave_ret < c->leave_resume && c->leave_resume < c->moved);
	assert_int_equal(c->image_ptr % 8, 0);
	assert_true(c->moved + c->moved_size < c->at + c->size && c->size <= SLOT_MAX);
	assert_true(c->moved + c->moved_size - c->at <= 128);
	memcpy(&image, (void *)(uintptr_t)c->image_ptr, 8);
	assert_int_equal(image, c->leave_resume);
	assert_int_equal(c->image, image);
	assert_true(slot_has_pc(c, c->at));
	assert_true(slot_has_pc(c, c->at + c->size - 1));
	assert_false(slot_has_pc(c, c->at + c->size));
	assert_false(slot_has_pc(c, c->at - 1));
}

static void test_pc_map(void **state)
{
	struct slot_move m = { &hook.site, &hook.code };
	taddr_t w;

	patch(&(struct victim)ASM_ROW(asm_frame)); /* 55 | 48 89 e5 | 53 */
	unpatch();
	w = hook.site.window;
	assert_int_equal(hook.site.len, 5);
	assert_int_equal(slot_move_pc(&m, w - 1), w - 1);
	assert_int_equal(slot_move_pc(&m, w), w);
	assert_int_equal(slot_move_pc(&m, w + 1), hook.code.moved + 1);
	assert_int_equal(slot_move_pc(&m, w + 2), 0);
	assert_int_equal(slot_move_pc(&m, w + 3), 0);
	assert_int_equal(slot_move_pc(&m, w + 4), hook.code.moved + 4);
	assert_int_equal(slot_move_pc(&m, w + 5), w + 5);

	patch(&(struct victim){ "asm_nops", asm_nops, true, false });
	unpatch();
	w = hook.site.window;
	assert_int_equal(slot_move_pc(&m, w), w);
	for (unsigned i = 1; i < 5; i++)
		assert_int_equal(slot_move_pc(&m, w + i), hook.code.moved);
	assert_int_equal(slot_move_pc(&m, w + 5), w + 5);
}

/* A thread taken from the middle of the window goes on in the copy: really run it. */
static void test_pc_map_runs(void **state)
{
	struct slot_move m = { &hook.site, &hook.code };

	patch(&(struct victim)ASM_ROW(asm_loop)); /* mov rcx, rsi; and ecx, 7; loop */
	for (unsigned i = 1; i < hook.site.ninsns; i++) {
		taddr_t pc = slot_move_pc(&m, hook.site.window + hook.site.insn_at[i]);
		struct regs r = fill_regs();

		r.r[RCX] = 3;
		call_regs(&r, (const void *)(uintptr_t)pc, 0);
		assert_int_equal(r.r[RAX], 5 + 2);
	}
	unpatch();
}

static void test_errors(void **state)
{
	struct site site;
	struct slot_code code;
	struct slot_plan plan = { .site = &site,
				  .at = (uintptr_t)slab,
				  .rt_first = (uintptr_t)first,
				  .tls_off = -8,
				  .counter_off = COUNTER_OFF };
	uint8_t buf[SLOT_MAX];
	struct diag d;
	int n;

	assert_int_equal(describe("asm_cmp", &site, &d), 0);
	n = slot_emit(&plan, buf, NULL, sizeof(buf), &code, &d);
	assert_true(n > 100);
	for (int cap = 0; cap < n; cap++)
		assert_int_equal(slot_emit(&plan, buf, NULL, (size_t)cap, &code, &d), -ENOSPC);
	assert_int_equal(slot_emit(&plan, buf, NULL, (size_t)n, &code, NULL), n);

	plan.rt_first += 4ull << 30;
	assert_int_equal(slot_emit(&plan, buf, NULL, sizeof(buf), &code, &d), -ERANGE);
	assert_non_null(strstr(d.text, "rt_first"));
	plan.at += 4ull << 30; /* the moved cmp cannot reach its operand */
	assert_int_equal(slot_emit(&plan, buf, NULL, sizeof(buf), &code, &d), -ERANGE);
	assert_non_null(strstr(d.text, "cmp"));
	assert_int_equal(describe("asm_pushes", &site, &d), 0);
	assert_int_equal(slot_emit(&plan, buf, NULL, sizeof(buf), &code, &d), -ERANGE);
	assert_non_null(strstr(d.text, "function"));

	plan.at = (uintptr_t)slab + 8;
	assert_int_equal(slot_emit(&plan, buf, NULL, sizeof(buf), &code, &d), -EINVAL);
	plan.at = (uintptr_t)slab;
	site.kind = SITE_NONE;
	assert_int_equal(slot_emit(&plan, buf, NULL, sizeof(buf), &code, &d), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_victim), cmocka_unit_test(test_no_block),
		cmocka_unit_test(test_counter),      cmocka_unit_test(test_leave_without_block),
		cmocka_unit_test(test_frame_states), cmocka_unit_test(test_registers_and_alignment),
		cmocka_unit_test(test_layout),       cmocka_unit_test(test_pc_map),
		cmocka_unit_test(test_pc_map_runs),  cmocka_unit_test(test_errors),
		cmocka_unit_test(test_room),         cmocka_unit_test(test_room_first),
		cmocka_unit_test(test_flags),
	};

	return cmocka_run_group_tests_name("text/slot", tests, setup, teardown);
}
