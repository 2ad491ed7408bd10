/* slot_rig.c - see slot_rig.h. */
#include "slot_rig.h"

#include <fcntl.h>
#include <gelf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

/* -- the traced side's stand-ins --------------------------------------------- */

struct block block;
__thread volatile struct rt_tls tls;
unsigned first_calls;
bool no_block, keep_flags;
uint64_t no_room;   /* calls that found too little stack */
uint64_t first_rsp; /* as rt_first was entered */

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

/* -- this program's own functions ----------------------------------------------- */

static struct sweep *sweep;
static taddr_t bias;
static struct {
	char name[32];
	struct taddr_range at;
} syms[16384];
static unsigned nsyms;
uint8_t *slab;

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

struct taddr_range find(const char *name)
{
	for (unsigned i = 0; i < nsyms; i++)
		if (!strcmp(syms[i].name, name))
			return (struct taddr_range){ syms[i].at.lo + bias, syms[i].at.hi + bias };
	fail_msg("no symbol %s", name);
	return (struct taddr_range){ 0, 0 };
}

int rig_setup(void **state)
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

int rig_teardown(void **state)
{
	sweep_free(sweep);
	return 0;
}

/* -- patching --------------------------------------------------------------------- */

struct hooked hook;

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

int describe(const char *name, struct site *site, struct diag *d)
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

void patch(const struct victim *v)
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

void unpatch(void)
{
	write_text(hook.site.window, hook.site.old, hook.site.len);
	if (hook.site.kind == SITE_HOP)
		write_text(hook.site.hop, hook.site.hop_old, SITE_JMP_LEN);
}

void set_image(enum how how)
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

/* -- registers ------------------------------------------------------------------------- */

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

struct regs fill_regs(void)
{
	struct regs r;

	for (unsigned i = 0; i < 16; i++)
		r.r[i] = 0x0101010101010101ull * (i + 1);
	r.r[RDI] = 5;
	r.r[RSI] = 6;
	r.flags = 0x202;
	return r;
}
