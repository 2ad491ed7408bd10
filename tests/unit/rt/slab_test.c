/*
 * slab_test.c - the template as a loaded library: unwinding at every instruction of every
 * frame kind, forced unwinding through tagged frames, prelinking.
 */
#include "rt_util.h"

#include "base/types.h"
#include "rt/slab.h"
#include "x86/frame.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

struct slab {
	void *dl;
	uint64_t base;
	struct rt_state *state;
	uint8_t *text, *shadow;
};

static struct slab slab;

static Elf64_Shdr *section(uint8_t *file, const char *name)
{
	Elf64_Ehdr *eh = (void *)file;
	Elf64_Shdr *sh = (void *)(file + eh->e_shoff);
	const char *names = (char *)file + sh[eh->e_shstrndx].sh_offset;

	for (int i = 0; i < eh->e_shnum; i++) {
		if (!strcmp(names + sh[i].sh_name, name))
			return &sh[i];
	}
	abort();
}

static uint64_t symbol(uint8_t *file, const char *name)
{
	Elf64_Shdr *tab = section(file, ".symtab"), *str = section(file, ".strtab");
	Elf64_Sym *sym = (void *)(file + tab->sh_offset);

	for (uint64_t i = 0; i < tab->sh_size / sizeof(*sym); i++) {
		if (!strcmp((char *)file + str->sh_offset + sym[i].st_name, name))
			return sym[i].st_value;
	}
	fprintf(stderr, "no symbol %s\n", name);
	abort();
}

/* As slab.h says. */
static void prelink(uint8_t *file, uint64_t base)
{
	Elf64_Ehdr *eh = (void *)file;
	Elf64_Phdr *ph = (void *)(file + eh->e_phoff);
	Elf64_Shdr *sh = (void *)(file + eh->e_shoff), *s = section(file, ".symtab");
	Elf64_Sym *sym = (void *)(file + s->sh_offset);
	Elf64_Dyn *dyn = (void *)(file + section(file, ".dynamic")->sh_offset);
	Elf64_Rela *rela = (void *)(file + section(file, ".rela.dyn")->sh_offset);

	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_GNU_STACK)
			continue;
		ph[i].p_vaddr += base;
		ph[i].p_paddr += base;
	}
	for (uint64_t i = 0; i < s->sh_size / sizeof(*sym); i++) {
		if (sym[i].st_shndx && ELF64_ST_TYPE(sym[i].st_info) != STT_TLS)
			sym[i].st_value += base;
	}
	for (int i = 0; i < eh->e_shnum; i++) {
		if (sh[i].sh_flags & SHF_ALLOC)
			sh[i].sh_addr += base;
	}
	for (; dyn->d_tag; dyn++) {
		if (dyn->d_tag == DT_GNU_HASH || dyn->d_tag == DT_STRTAB ||
		    dyn->d_tag == DT_SYMTAB || dyn->d_tag == DT_RELA)
			dyn->d_un.d_val += base;
	}
	assert_int_equal(ELF64_R_TYPE(rela->r_info), R_X86_64_TPOFF64);
	rela->r_offset += base;
}

static void slab_load(struct slab *s, uint64_t base, char serial)
{
	uint8_t *file = malloc(slab_template_size);
	char path[] = "/tmp/utramp-slab-test-XXXXXX";
	int fd = mkstemp(path);
	char *soname;
	struct link_map *lm;
	int64_t *got;

	assert_non_null(file);
	assert_true(fd >= 0);
	memcpy(file, slab_template, slab_template_size);
	soname = memmem(file, slab_template_size, SLAB_SONAME, sizeof(SLAB_SONAME));
	assert_non_null(soname);
	memset(soname + 12, serial, 16);
	if (base)
		prelink(file, base);
	assert_int_equal(write(fd, file, slab_template_size), slab_template_size);
	assert_int_equal(ftruncate(fd, (off_t)slab_file_size), 0);
	close(fd);
	s->dl = dlopen(path, RTLD_NOW);
	if (!s->dl)
		fprintf(stderr, "%s\n", dlerror());
	assert_non_null(s->dl);
	unlink(path);
	assert_int_equal(dlinfo(s->dl, RTLD_DI_LINKMAP, &lm), 0);
	s->base = lm->l_addr;
	s->state = (void *)(s->base + symbol(file, "rt_state"));
	s->text = (void *)(s->base + symbol(file, "slab_text"));
	s->shadow = (void *)(s->base + symbol(file, "slab_shadow"));
	got = (void *)(s->base +
		       ((Elf64_Rela *)(file + section(file, ".rela.dyn")->sh_offset))->r_offset);
	s->state->tls_off = (int32_t)*got;
	assert_int_equal(*got, s->state->tls_off);
	assert_int_equal(s->shadow - s->text, SLAB_SHADOW_DISTANCE);
	assert_int_equal(s->state->magic, RT_STATE_MAGIC);
	free(file);
}

/* The room is r-x and private: as the control process does it, through /proc/self/mem. */
static void poke(const void *at, const void *bytes, size_t n)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, (off_t)(uintptr_t)at), n);
	close(fd);
}

static int load_once(void **state)
{
	(void)state;
	slab_load(&slab, 0, '0');
	return 0;
}

/* -- code with states ------------------------------------------------------------------ */

struct piece {
	uint8_t state, n;
	uint8_t byte[10];
};

struct code {
	uint8_t byte[256], state[256];
	unsigned n;
};

static void code_add(struct code *c, const struct piece *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		memcpy(c->byte + c->n, p[i].byte, p[i].n);
		memset(c->state + c->n, p[i].state, p[i].n);
		c->n += p[i].n;
	}
}

static void *code_place(const struct slab *s, const struct code *c, unsigned at)
{
	poke(s->text + at, c->byte, c->n);
	poke(s->shadow + at, c->state, c->n);
	return s->text + at;
}

#define F FRAME_RBP
static const struct piece frameless[] = {
	{ FRAME_CFA(0), 1, { 0x90 } },
	{ FRAME_CFA(0), 1, { 0x51 } }, /* push rcx, three times */
	{ FRAME_CFA(1), 1, { 0x51 } },
	{ FRAME_CFA(2), 1, { 0x51 } },
	{ FRAME_CFA(3), 1, { 0x90 } },
	{ FRAME_CFA(3), 4, { 0x48, 0x83, 0xc4, 0x18 } }, /* add rsp, 24 */
	{ FRAME_CFA(0), 4, { 0x48, 0x83, 0xec, 0x78 } }, /* sub rsp, 120 */
	{ FRAME_CFA(15), 4, { 0x48, 0x83, 0xec, 0x78 } },
	{ FRAME_CFA(30), 1, { 0x90 } },
	{ FRAME_CFA(30), 7, { 0x48, 0x81, 0xc4, 0xf0, 0, 0, 0 } },
	{ FRAME_CFA(0), 1, { 0x55 } },                    /* push rbp */
	{ FRAME_CFA_RBP(1), 1, { 0x51 } },                /* push rcx */
	{ FRAME_CFA_RBP(2), 5, { 0xbd, 0x10, 0, 0, 0 } }, /* mov ebp, 16 */
	{ FRAME_CFA_RBP(2), 1, { 0x59 } },
	{ FRAME_CFA_RBP(1), 1, { 0x5d } },
	{ FRAME_CFA(0), 1, { 0x90 } },
	{ FRAME_CFA(0), 1, { 0xc3 } },
};

static const struct piece framed[] = {
	{ FRAME_CFA(0), 1, { 0x55 } },
	{ FRAME_CFA_RBP(1), 3, { 0x48, 0x89, 0xe5 } },
	{ F, 4, { 0x48, 0x83, 0xec, 0x40 } },        /* sub rsp, 64 */
	{ F, 4, { 0x48, 0x89, 0x5d, 0xf0 } },        /* mov [rbp-16], rbx */
	{ F | 0x01, 2, { 0x31, 0xdb } },             /* xor ebx, ebx */
	{ F | 0x01, 4, { 0x4c, 0x89, 0x65, 0xe8 } }, /* r12 */
	{ F | 0x03, 3, { 0x45, 0x31, 0xe4 } },
	{ F | 0x03, 4, { 0x4c, 0x89, 0x6d, 0xe0 } }, /* r13 */
	{ F | 0x07, 3, { 0x45, 0x31, 0xed } },
	{ F | 0x07, 4, { 0x4c, 0x89, 0x75, 0xd8 } }, /* r14 */
	{ F | 0x0f, 3, { 0x45, 0x31, 0xf6 } },
	{ F | 0x0f, 4, { 0x4c, 0x89, 0x7d, 0xd0 } }, /* r15 */
	{ F | 0x1f, 3, { 0x45, 0x31, 0xff } },
	{ F | 0x1f, 2, { 0x51, 0x59 } }, /* push, pop: rsp does not count */
	{ F | 0x1f, 4, { 0x4c, 0x8b, 0x7d, 0xd0 } },
	{ F | 0x0f, 4, { 0x4c, 0x8b, 0x75, 0xd8 } },
	{ F | 0x07, 4, { 0x4c, 0x8b, 0x6d, 0xe0 } },
	{ F | 0x03, 4, { 0x4c, 0x8b, 0x65, 0xe8 } },
	{ F | 0x01, 4, { 0x48, 0x8b, 0x5d, 0xf0 } },
	{ F, 1, { 0xc9 } }, /* leave */
	{ FRAME_CFA(0), 1, { 0xc3 } },
};

/* -- single steps ---------------------------------------------------------------------- */

/*
 * Call code with the trap flag set and known callee-saved registers; rbp is no address, as
 * in the middle of a caller built with -fomit-frame-pointer.
 */
void step_call(void *code);
extern char step_back[];
uint64_t step_rsp;

__asm__(".text\n"
	".type step_call, @function\n"
	"step_call:\n"
	"	.cfi_startproc\n"
	"	push %rbx; .cfi_adjust_cfa_offset 8; .cfi_rel_offset %rbx, 0\n"
	"	push %rbp; .cfi_adjust_cfa_offset 8; .cfi_rel_offset %rbp, 0\n"
	"	push %r12; .cfi_adjust_cfa_offset 8; .cfi_rel_offset %r12, 0\n"
	"	push %r13; .cfi_adjust_cfa_offset 8; .cfi_rel_offset %r13, 0\n"
	"	push %r14; .cfi_adjust_cfa_offset 8; .cfi_rel_offset %r14, 0\n"
	"	push %r15; .cfi_adjust_cfa_offset 8; .cfi_rel_offset %r15, 0\n"
	"	mov $0x1b, %ebx\n"
	"	mov $0x10, %ebp\n"
	"	mov $0x112, %r12d\n"
	"	mov $0x113, %r13d\n"
	"	mov $0x114, %r14d\n"
	"	mov $0x115, %r15d\n"
	"	mov %rsp, step_rsp(%rip)\n"
	"	pushf; orl $0x100, (%rsp); popf\n"
	"	call *%rdi\n"
	"step_back:\n"
	"	pushf; andl $~0x100, (%rsp); popf\n"
	"	pop %r15; .cfi_adjust_cfa_offset -8; .cfi_restore %r15\n"
	"	pop %r14; .cfi_adjust_cfa_offset -8; .cfi_restore %r14\n"
	"	pop %r13; .cfi_adjust_cfa_offset -8; .cfi_restore %r13\n"
	"	pop %r12; .cfi_adjust_cfa_offset -8; .cfi_restore %r12\n"
	"	pop %rbp; .cfi_adjust_cfa_offset -8; .cfi_restore %rbp\n"
	"	pop %rbx; .cfi_adjust_cfa_offset -8; .cfi_restore %rbx\n"
	"	ret\n"
	"	.cfi_endproc\n"
	"	.size step_call, . - step_call\n");

static uint64_t code_lo, code_hi;
static int steps, wrong, found;
static const int regs[6] = { 3, 6, 12, 13, 14, 15 }; /* DWARF numbers */

static _Unwind_Reason_Code look(struct _Unwind_Context *ctx, void *arg)
{
	static const uint64_t expect[6] = { 0x1b, 0x10, 0x112, 0x113, 0x114, 0x115 };

	if (_Unwind_GetIP(ctx) != (uint64_t)step_back)
		return _URC_NO_REASON;
	/* libgcc's CFA of a frame is its rsp at the call: the CFA of our code */
	found = _Unwind_GetCFA(ctx) == step_rsp;
	for (int i = 0; i < 6; i++)
		found &= _Unwind_GetGR(ctx, regs[i]) == expect[i];
	return _URC_NORMAL_STOP;
}

int main(void);

static void on_trap(int sig, siginfo_t *info, void *arg)
{
	const ucontext_t *uc = arg;
	uint64_t pc = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
	int n, to_main = 0;
	void *trace[40];

	if (pc < code_lo || pc >= code_hi)
		return;
	steps++;
	found = 0;
	_Unwind_Backtrace(look, NULL);
	n = backtrace(trace, 40);
	for (int i = 0; i < n; i++)
		to_main |= (uint64_t)trace[i] - (uint64_t)main < 1000;
	if (!found || !to_main) {
		wrong++;
		fprintf(stderr, "# wrong at +%lu: caller %d, main %d\n", pc - code_lo, found,
			to_main);
	}
}

/* How many steps were wrong; *ran: how many there were. */
static int step_through(const struct slab *s, const struct piece *p, unsigned n, unsigned at,
			int *ran)
{
	struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO }, before;
	struct code c = { .n = 0 };
	void *trace[4], *code;

	backtrace(trace, 4); /* loads libgcc */
	code_add(&c, p, n);
	code = code_place(s, &c, at);
	code_lo = (uint64_t)code;
	code_hi = code_lo + c.n;
	steps = wrong = 0;
	assert_int_equal(sigaction(SIGTRAP, &sa, &before), 0);
	step_call(code);
	sigaction(SIGTRAP, &before, NULL);
	*ran = steps;
	return wrong;
}

static void unwinds_at_every_instruction(void **state)
{
	int ran;

	assert_int_equal(step_through(&slab, frameless, ARRAY_LEN(frameless), 0, &ran), 0);
	assert_int_equal(ran, ARRAY_LEN(frameless));
	assert_int_equal(step_through(&slab, framed, ARRAY_LEN(framed), 256, &ran), 0);
	assert_int_equal(ran, ARRAY_LEN(framed) + 1); /* one piece has two instructions */
	/* at the very end of the room */
	assert_int_equal(step_through(&slab, framed, ARRAY_LEN(framed), SLAB_CODE - 256, &ran), 0);
}

/* The test can fail: one state without rbx. */
static void wrong_state_is_seen(void **state)
{
	struct piece broken[ARRAY_LEN(framed)];
	int ran;

	memcpy(broken, framed, sizeof(framed));
	broken[5].state = F; /* rbx is in its slot, and cleared by now */
	assert_int_equal(step_through(&slab, broken, ARRAY_LEN(broken), 512, &ran), 1);
}

/* -- leaving tagged frames ------------------------------------------------------------- */

/* A frame with rbx saved and the tag of `slot`, that calls rdi with rsi as argument. */
static void *tagged_code(const struct slab *s, uint32_t slot, unsigned at)
{
	uint64_t tag = FRAME_TAG_MAGIC | slot;
	struct piece p[] = {
		{ FRAME_CFA(0), 1, { 0x55 } },
		{ FRAME_CFA_RBP(1), 3, { 0x48, 0x89, 0xe5 } },
		{ F, 4, { 0x48, 0x83, 0xec, 0x40 } },
		{ F, 4, { 0x48, 0x89, 0x5d, 0xf0 } },
		{ F | FRAME_RBX, 10, { 0x48, 0xb8 } }, /* movabs rax, tag */
		{ F | FRAME_RBX, 4, { 0x48, 0x89, 0x45, 0xf8 } },
		{ F | FRAME_RBX | FRAME_TAG, 2, { 0x31, 0xdb } },
		{ F | FRAME_RBX | FRAME_TAG, 3, { 0x48, 0x89, 0xf8 } }, /* mov rax, rdi */
		{ F | FRAME_RBX | FRAME_TAG, 3, { 0x48, 0x89, 0xf7 } }, /* mov rdi, rsi */
		{ F | FRAME_RBX | FRAME_TAG, 2, { 0xff, 0xd0 } },
		{ F | FRAME_RBX | FRAME_TAG, 4, { 0x48, 0x8b, 0x5d, 0xf0 } },
		{ F, 1, { 0xc9 } },
		{ FRAME_CFA(0), 1, { 0xc3 } },
	};
	struct code c = { .n = 0 };

	memcpy(p[4].byte + 2, &tag, 8);
	code_add(&c, p, ARRAY_LEN(p));
	return code_place(s, &c, at);
}

struct leave {
	void (*tagged)(void *fn, void *arg);
	struct rt_thread *block;
	int how, cleaned, ready;
};

enum { LEAVE_EXIT, LEAVE_CANCEL, LEAVE_STAY };

static void leave_now(void *arg)
{
	struct leave *l = arg;

	if (l->how == LEAVE_EXIT)
		pthread_exit(NULL);
	if (l->how == LEAVE_STAY)
		return;
	__atomic_store_n(&l->ready, 1, __ATOMIC_RELEASE);
	for (;;)
		usleep(1000); /* a cancellation point */
}

static void count_cleanup(void *arg)
{
	((struct leave *)arg)->cleaned++;
}

/* A landing pad between two tagged frames: registers must be right to run it. */
static void leave_middle(void *arg)
{
	struct leave *l = arg;

	pthread_cleanup_push(count_cleanup, l);
	l->tagged((void *)leave_now, l);
	pthread_cleanup_pop(0);
}

static void *leave_thread(void *arg)
{
	struct leave *l = arg;
	struct rt_thread *(*reg)(void) = (void *)l->block;

	l->block = reg();
	l->block->inside[7] = 10;
	pthread_cleanup_push(count_cleanup, l);
	l->tagged((void *)leave_middle, l);
	pthread_cleanup_pop(0);
	return NULL;
}

static uint64_t file_symbol(const char *name)
{
	uint8_t *copy = malloc(slab_template_size);
	uint64_t at;

	memcpy(copy, slab_template, slab_template_size);
	at = symbol(copy, name);
	free(copy);
	return at;
}

/* known: the unwinder's functions; else they are found at need, as in a C program. */
static void counts_out_once(bool known)
{
	static const uint64_t left[] = { 8, 8, 10 };
	struct arena *a = rt_util_arena();

	slab.state->arena = rt_state.arena;
	slab.state->threads = rt_state.threads;
	slab.state->get_gr = known ? (uint64_t)_Unwind_GetGR : 0;
	slab.state->get_ip = known ? (uint64_t)_Unwind_GetIP : 0;
	slab.state->find_object = known ? 0 : (uint64_t)dlsym(RTLD_DEFAULT, "_dl_find_object");
	a->hdr->unwound = 0;
	for (int how = LEAVE_EXIT; how <= LEAVE_STAY; how++) {
		struct leave l = { .how = how };
		pthread_t t;

		l.tagged =
			(void (*)(void *, void *))tagged_code(&slab, 7 + 64 * (uint32_t)how, 1024);
		l.block = (void *)(slab.base + file_symbol("rt_thread_self"));
		assert_int_equal(pthread_create(&t, NULL, leave_thread, &l), 0);
		while (how == LEAVE_CANCEL && !__atomic_load_n(&l.ready, __ATOMIC_ACQUIRE))
			usleep(100);
		if (how == LEAVE_CANCEL)
			pthread_cancel(t);
		pthread_join(t, NULL);
		assert_int_equal(l.block->inside[7], left[how]);
		assert_int_equal(l.cleaned, how == LEAVE_STAY ? 0 : 2);
	}
	assert_int_equal(a->hdr->unwound, 4);
	slab.state->arena = 0;
	rt_util_destroy(a);
}

static void personality_counts_out_once(void **state)
{
	counts_out_once(true);
	counts_out_once(false);
}

/* -- prelinked ------------------------------------------------------------------------- */

static void loads_where_it_is_prelinked(void **state)
{
	uint64_t base = 0x7a0000000000;
	struct slab s;
	int ran;

	slab_load(&s, base, '1');
	assert_int_equal(s.base, 0); /* mapped where it was linked to: no shift */
	assert_int_equal((uint64_t)s.text, base + 0x100000);
	assert_int_equal(step_through(&s, framed, ARRAY_LEN(framed), 0, &ran), 0);
	assert_int_equal(ran, ARRAY_LEN(framed) + 1);
	dlclose(s.dl);
}

static void template_is_small(void **state)
{
	assert_true(slab_template_size < 1 << 20);
	assert_true(slab_file_size <= SLAB_ADDRESS_SPACE);
	assert_true(slab_file_size >= (size_t)SLAB_SHADOW_DISTANCE + SLAB_CODE);
	/* what rt/personality.c has by number */
	assert_int_equal(FRAME_RBP | FRAME_TAG, 0xc0);
	assert_int_equal(FRAME_TAG_MAGIC, 0xffffffff80000000ull);
	assert_int_equal(FRAME_OFF_TAG, -8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(template_is_small),
		cmocka_unit_test(unwinds_at_every_instruction),
		cmocka_unit_test(wrong_state_is_seen),
		cmocka_unit_test(personality_counts_out_once),
		cmocka_unit_test(loads_where_it_is_prelinked),
	};

	return cmocka_run_group_tests(tests, load_once, NULL);
}
