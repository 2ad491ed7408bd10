/*
 * Every function of whole libraries at once, in this process: libc and the loader, libm,
 * libz, libelf, libdw.  All sites are patched, a workload runs through the slots (enter,
 * leave_resume, moved), all are restored; the workload's results must not change.
 */
#include "text/slot.h"
#include "x86/asm.h"

#include "base/vec.h"
#include "image.h"
#include "shm/layout.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <regex.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#define SLOT_ROOM 256
#define SLAB_MAX  (4u << 20)

struct block {
	int64_t inside[64];
};

static __thread struct block own;
static __thread volatile struct rt_tls tls; /* no limits: all of the stack is room */
extern char **environ;

uint64_t first_in_c(void);
__attribute__((target("general-regs-only"))) uint64_t first_in_c(void)
{
	tls.block = (uintptr_t)&own;
	return (uint64_t)(uintptr_t)&own;
}

void first(void);
__asm__(".text\n.type first, @function\nfirst:\n"
	"	push %rcx; push %rdx; push %rsi; push %rdi; push %r8; push %r9; push %r10\n"
	"	push %r11; sub $8, %rsp\n"
	"	call first_in_c\n"
	"	add $8, %rsp; pop %r11; pop %r10; pop %r9; pop %r8; pop %rdi; pop %rsi; pop %rdx\n"
	"	pop %rcx\n"
	"	ret\n"
	".size first, . - first\n");

/* -- patching ------------------------------------------------------------------- */

struct patched {
	struct site site;
	uint8_t jump[SITE_WINDOW_MAX], hop[SITE_JMP_LEN];
};

static struct patched *patched;
static size_t npatched, nfuncs, nhops;
static struct {
	VEC(struct taddr_range);
} taken; /* hops; FDEs here leave no short function whose padding they could meet */
static int mem;

/* rt_first must be near: a jump to it at the end of each slab. */
static uint8_t *near_slab(taddr_t lib)
{
	for (uintptr_t at = (lib & ~0xfffffful) - SLAB_MAX; at > 0x10000; at -= 1ul << 24) {
		void *p = mmap((void *)at, SLAB_MAX, PROT_READ | PROT_WRITE | PROT_EXEC,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (p != MAP_FAILED) {
			uint8_t *far = (uint8_t *)p + SLAB_MAX - 64;
			uint64_t to = (uintptr_t)first;
			struct x86_asm a;

			x86_asm_init(&a, far, NULL, 64, (uintptr_t)far);
			x86_jmp_m_pc(&a, (uintptr_t)far + 8);
			x86_int3_to(&a, 8);
			x86_bytes(&a, &to, 8);
			assert_int_equal(x86_asm_finish(&a), 16);
			return p;
		}
	}
	fail_msg("no room near a library");
	return NULL;
}

static void prepare(const struct image *im, const struct sweep *sw, taddr_t bias, size_t i,
		    uint8_t *slab, size_t *used, int32_t tls_off)
{
	const struct sweep_code *code = image_code_at(im, im->func[i].lo);
	struct patched *p = &patched[npatched];
	struct slot_plan plan = { .site = &p->site, .tls_off = tls_off };
	struct slot_code out;
	struct site_query q;
	struct diag d;
	size_t len;

	if (!code || (i && im->func[i].lo == im->func[i - 1].lo))
		return;
	nfuncs++;
	image_query(im, code, i, &q);
	q.sweep = sw;
	q.bias = bias;
	q.func.lo += bias;
	q.func.hi += bias;
	q.entry += bias;
	q.mem = (const uint8_t *)q.entry;
	q.taken = taken.at;
	q.ntaken = taken.n;
	if (site_describe(&q, &p->site, &d) < 0)
		return;
	assert_true(*used + SLOT_ROOM < SLAB_MAX - 64);
	plan.at = (uintptr_t)slab + *used;
	plan.rt_first = (uintptr_t)slab + SLAB_MAX - 64;
	plan.counter_off = (int32_t)(8 * (npatched % 64));
	if (slot_emit(&plan, slab + *used, NULL, SLOT_ROOM, &out, &d) < 0)
		fail_msg("%lx: %s", (unsigned long)im->func[i].lo, d.text);
	assert_int_equal(text_jmp_patch(&p->site, out.enter, p->jump, &len), 0);
	if (p->site.kind == SITE_HOP) {
		struct taddr_range r = { p->site.hop, p->site.hop + SITE_JMP_LEN };

		nhops++;
		assert_int_equal(text_hop_patch(&p->site, out.enter, p->hop), 0);
		assert_int_equal(vec_push(&taken, r), 0);
	}
	*used += SLOT_ROOM;
	npatched++;
}

static int one_library(struct dl_phdr_info *info, size_t size, void *arg)
{
	static const char *const names[] = { "/libc.so", "/ld-linux", "/libm.so",
					     "/libz.so", "/libelf",   "/libdw" };
	struct sweep *sw = NULL;
	struct image im;
	size_t used = 0, i;
	uint8_t *slab;
	uintptr_t fs;

	for (i = 0; i < ARRAY_LEN(names) && !strstr(info->dlpi_name, names[i]); i++)
		;
	if (i == ARRAY_LEN(names) || !image_open(info->dlpi_name, &im))
		return 0;
	__asm__("mov %%fs:0, %0" : "=r"(fs));
	patched = realloc(patched, (npatched + im.nfunc) * sizeof(*patched));
	assert_non_null(patched);
	assert_int_equal(sweep_new(im.code, im.ncode, im.func, im.nfunc, &im.hints, &sw), 0);
	slab = near_slab(info->dlpi_addr);
	for (i = 0; i < im.nfunc; i++)
		prepare(&im, sw, info->dlpi_addr, i, slab, &used, (int32_t)((uintptr_t)&tls - fs));
	sweep_free(sw);
	image_close(&im);
	return 0;
}

/* /proc/self/mem: the text stays r-x, and one write changes a window as a whole. */
static void write_text(taddr_t at, const void *bytes, size_t n)
{
	if (pwrite(mem, bytes, n, (off_t)at) != (ssize_t)n)
		abort();
}

/* The hop is there before something jumps to it. */
static void write_all(bool jumps)
{
	for (size_t i = 0; i < npatched; i++) {
		const struct patched *p = &patched[i];

		if (jumps && p->site.kind == SITE_HOP)
			write_text(p->site.hop, p->hop, SITE_JMP_LEN);
		write_text(p->site.window, jumps ? p->jump : p->site.old, p->site.len);
		if (!jumps && p->site.kind == SITE_HOP)
			write_text(p->site.hop, p->site.hop_old, SITE_JMP_LEN);
	}
}

/* -- the workload ------------------------------------------------------------------ */

static char out[65536];
static size_t out_len;

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	out_len += (size_t)vsnprintf(out + out_len, sizeof(out) - out_len, fmt, ap);
	va_end(ap);
	if (out_len >= sizeof(out))
		abort();
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b;
}

static void *a_thread(void *arg)
{
	char *p = malloc(1000);
	long n = snprintf(p, 1000, "%s in a thread: %Lg", (char *)arg, 1.5L);

	free(p);
	return (void *)n;
}

static void strings_and_numbers(void)
{
	int v[200];
	regmatch_t m[3];
	regex_t re;
	char *end, text[] = "one,two;three";
	jmp_buf jb;
	volatile int jumps = 0;

	for (unsigned i = 0; i < 200; i++)
		v[i] = (int)(i * 7919 % 211);
	qsort(v, 200, sizeof(v[0]), by_value);
	say("%d %d %d\n", v[0], v[100], v[199]);
	say("%.17g %a %Lf %'d %ls\n", strtod("3.14159e-7x", &end), 1.0 / 3, 2.5L, 1234567, L"wide");
	say("%s %ld %lld\n", end, strtol("-0x7f", NULL, 16), atoll("99999999999"));
	for (char *s, *t = strtok_r(text, ",;", &s); t; t = strtok_r(NULL, ",;", &s))
		say("%s %zu %d\n", t, strlen(t), memcmp(t, "two", 3) > 0);
	if (!regcomp(&re, "([a-z]+)=([0-9]+)", REG_EXTENDED)) {
		say("%d", regexec(&re, "some key=42;", 3, m, 0));
		say(" %d %d\n", m[1].rm_so, m[2].rm_eo);
		regfree(&re);
	}
	if (setjmp(jb) < 3)
		longjmp(jb, ++jumps);
	say("jumps %d\n", jumps);
	for (unsigned i = 0; i < 3000; i++) {
		char *p = malloc(i * 37 % 5000 + 1);

		memset(p, 'x', i * 37 % 5000 + 1);
		p = realloc(p, i + 1);
		free(p);
	}
}

static void maths(void)
{
	for (double x = 0.1; x < 5; x += 0.7)
		say("%.17g %.17g %.17g %.17g %.9g %.17Lg\n", sin(x), exp(x), pow(x, 2.3), lgamma(x),
		    (double)tanf((float)x), sqrtl((long double)x));
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	signals++;
}

static void processes(void)
{
	char *const argv[] = { (char *)"true", NULL };
	int status = -1, pipes[2];
	pthread_t t[4];
	void *ret;
	FILE *f;
	pid_t pid;

	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	say("signals %d\n", (int)signals);
	signals = 0;
	for (unsigned i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, a_thread, (void *)(uintptr_t) "hello"))
			abort();
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(t[i], &ret);
		say("thread %ld\n", (long)(intptr_t)ret);
	}
	if (pipe(pipes))
		abort();
	pid = fork();
	if (!pid) {
		if (write(pipes[1], "child", 5) != 5)
			_exit(1);
		_exit(7);
	}
	waitpid(pid, &status, 0);
	say("child %d ", WEXITSTATUS(status));
	out[out_len + (size_t)read(pipes[0], out + out_len, 5)] = 0;
	out_len += 5;
	close(pipes[0]);
	close(pipes[1]);
	if (!posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ))
		waitpid(pid, &status, 0);
	say(" spawn %d\n", status);
	f = popen("echo from a shell; exit 3", "r");
	if (f && fgets(out + out_len, 100, f))
		out_len += strlen(out + out_len);
	say("%d\n", f ? WEXITSTATUS(pclose(f)) : -1);
}

static void zip(void)
{
	static unsigned char raw[20000], packed[30000], back[20000];
	unsigned long n = sizeof(packed), m = sizeof(back);

	for (unsigned i = 0; i < sizeof(raw); i++)
		raw[i] = (unsigned char)(i * i >> 7);
	compress2(packed, &n, raw, sizeof(raw), 9);
	say("zip %lu %d %d %lx\n", n, uncompress(back, &m, packed, n),
	    memcmp(raw, back, sizeof(raw)), crc32(0, packed, (unsigned)n));
}

static void read_debug_info(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	Dwarf *dw = dwarf_begin(fd, DWARF_C_READ);
	Dwarf_Off off = 0, next;
	size_t size, n = 0, named = 0;

	while (dw && !dwarf_nextcu(dw, off, &next, &size, NULL, NULL, NULL)) {
		Dwarf_Die die, child;

		if (dwarf_offdie(dw, off + size, &die) && !dwarf_child(&die, &child))
			do {
				n++;
				named += dwarf_diename(&child) != NULL;
			} while (!dwarf_siblingof(&child, &child));
		off = next;
	}
	say("dies %zu named %zu\n", n, named);
	dwarf_end(dw);
	close(fd);
}

static void workload(void)
{
	out_len = 0;
	out[0] = 0;
	strings_and_numbers();
	maths();
	processes();
	zip();
	read_debug_info();
}

static void test_whole_libraries(void **state)
{
	static char plain[sizeof(out)];

	workload();
	workload(); /* twice: lazy binding and locale loading are done */
	memcpy(plain, out, sizeof(out));
	assert_true(out_len > 500);
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	assert_true(mem >= 0);
	dl_iterate_phdr(one_library, NULL);
	assert_true(npatched > 3000);
	write_all(true);
	workload();
	workload();
	write_all(false);
	print_message("# %zu of %zu functions patched, %zu by a hop\n", npatched, nfuncs, nhops);
	assert_true(nhops > 5); /* memcpy is among them */
	assert_string_equal(out, plain);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(own.inside[i], 0);
	assert_int_equal(tls.block, (uintptr_t)&own);
	for (size_t i = 0; i < npatched; i++)
		assert_memory_equal((const void *)(uintptr_t)patched[i].site.window,
				    patched[i].site.old, patched[i].site.len);
	free(patched);
	vec_free(&taken);
	close(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_whole_libraries) };

	return cmocka_run_group_tests_name("text/patch_all", tests, NULL, NULL);
}
