/* helper_test.c - helpers on time, thread, context, reads and printk: results and errors. */
#include "rt_util.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void func_context(void **state)
{
	uint64_t ctx[8] = { 0, 0x401000, (1ull << 63) | 2, 11, 22, 33, 44, 55 }, v = 99;

	assert_int_equal(rt_get_func_arg_cnt(ctx + 3), 2);
	assert_int_equal(rt_get_func_arg(ctx + 3, 1, &v), 0);
	assert_int_equal(v, 22);
	assert_int_equal(rt_get_func_arg(ctx + 3, 2, &v), R0(EINVAL));
	assert_int_equal(rt_get_func_arg(ctx + 3, 0xffffffff, &v), R0(EINVAL));
	assert_int_equal(rt_get_func_ret(ctx + 3, &v), 0);
	assert_int_equal(v, 33);
	assert_int_equal(rt_get_func_ip(ctx + 3), 0x401000);
	assert_int_equal(rt_override_return(ctx + 3, 777), 0);
	assert_int_equal(ctx[0], 1);
	assert_int_equal(ctx[5], 777);
	assert_int_equal(ctx[6], 0); /* what else a result of 16 bytes holds */
	assert_int_equal(ctx[7], 55);
}

/* size and place of the result, override word, address, count; one argument, two result slots */
static void set_result(void **state)
{
	uint64_t ctx[10] = { 4, 0, 0, 0x401000, 1, 11, 0, 0, 44 }, *c = ctx + 5;
	static const uint8_t value[5000] = { 1, 2, 3, 0x84, 5, 6, 7, 8, 9, [4999] = 77 };
	uint8_t *memory;

	assert_int_equal(rt_set_result(c, value, 3), R0(EINVAL));
	assert_int_equal(rt_set_result(c, value, 5), R0(EINVAL));
	assert_true(!ctx[2] && !c[1]);
	assert_int_equal(rt_set_result(c, value, 4), 0);
	assert_true(ctx[2] == 1 && c[1] == 0x84030201 && !c[2]);
	ctx[0] = -4ull;
	assert_int_equal(rt_set_result(c, value, 4), 0);
	assert_true(c[1] == 0xffffffff84030201 && !c[2]);
	ctx[0] = 9;
	assert_int_equal(rt_set_result(c, value, 9), 0);
	assert_true(c[1] == 0x0807060584030201 && c[2] == 9 && c[3] == 44);
	ctx[0] = 0; /* a function that returns nothing has no program that calls it */
	assert_int_equal(rt_set_result(c, value, 0), R0(EINVAL));

	memory = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	assert_int_equal(mprotect(memory + 2 * 4096, 4096, PROT_READ), 0);
	ctx[0] = sizeof(value);
	ctx[1] = (uint64_t)memory + 2 * 4096 - sizeof(value);
	ctx[2] = c[1] = 0;
	assert_int_equal(rt_set_result(c, value, sizeof(value)), 0);
	assert_memory_equal((void *)ctx[1], value, sizeof(value));
	assert_true(ctx[2] == 1 && !c[1]);
	ctx[2] = 0;
	ctx[1]++; /* its last byte is not to be written */
	assert_int_equal(rt_set_result(c, value, sizeof(value)), R0(EFAULT));
	assert_int_equal(ctx[2], 0);
	munmap(memory, 3 * 4096);
}

static _Thread_local int32_t told_cpu;

static uintptr_t thread_pointer(void)
{
	uintptr_t tp;

	__asm__("movq %%fs:0, %0" : "=r"(tp));
	return tp;
}

static void ids_and_time(void **state)
{
	struct timespec ts;
	uint64_t before, now;
	char comm[20];
	unsigned cpu;

	assert_int_equal(rt_get_current_pid_tgid(),
			 (uint64_t)getpid() << 32 | (uint64_t)syscall(SYS_gettid));
	assert_int_equal(rt_get_current_uid_gid(), (uint64_t)getgid() << 32 | getuid());
	prctl(PR_SET_NAME, "fifteen-letters");
	memset(comm, 'x', sizeof(comm));
	assert_int_equal(rt_get_current_comm(comm, sizeof(comm)), 0);
	assert_memory_equal(comm, "fifteen-letters\0\0\0\0", 20);
	assert_int_equal(rt_get_current_comm(comm, 4), 0);
	assert_string_equal(comm, "fif");
	assert_int_equal(comm[4], 'e');
	assert_int_equal(rt_get_current_comm(comm, 0), R0(EINVAL));
	for (int vdso = 0; vdso < 2; vdso++) {
		rt_state.clock_gettime = vdso ? (uint64_t)clock_gettime : 0;
		clock_gettime(CLOCK_MONOTONIC, &ts);
		before = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
		now = rt_ktime_get_ns();
		assert_true(now >= before && now - before < 5000000000);
	}
	static const struct {
		clockid_t clock;
		uint64_t (*get)(void);
	} clock[] = { { CLOCK_BOOTTIME, rt_ktime_get_boot_ns },
		      { CLOCK_MONOTONIC_COARSE, rt_ktime_get_coarse_ns },
		      { CLOCK_TAI, rt_ktime_get_tai_ns } };

	for (int i = 0; i < 6; i++) {
		rt_state.clock_gettime = i < 3 ? (uint64_t)clock_gettime : 0;
		clock_gettime(clock[i % 3].clock, &ts);
		before = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
		now = clock[i % 3].get();
		assert_true(now >= before);
		clock_gettime(clock[i % 3].clock, &ts);
		assert_true(now <= (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec);
	}
	rt_state.clock_gettime = 0;
	assert_true(rt_get_numa_node_id() < 1024);
	syscall(SYS_getcpu, &cpu, NULL, NULL);
	assert_true(rt_get_smp_processor_id() < (uint64_t)sysconf(_SC_NPROCESSORS_CONF));
	told_cpu = 77;
	rt_state.rseq_cpu = (int64_t)((uintptr_t)&told_cpu - thread_pointer());
	assert_int_equal(rt_get_smp_processor_id(), 77);
	told_cpu = -2; /* RSEQ_CPU_ID_REGISTRATION_FAILED */
	assert_true(rt_get_smp_processor_id() < (uint64_t)sysconf(_SC_NPROCESSORS_CONF));
	rt_state.rseq_cpu = 0;
}

static void strncmp_as_the_kernel(void **state)
{
	assert_int_equal(rt_strncmp("abc", 3, "abcd"), 0);
	assert_int_equal(rt_strncmp("abc", 4, "abcd"), (uint64_t)-1);
	assert_int_equal(rt_strncmp("b", 8, "a"), 1);
	assert_int_equal(rt_strncmp("\x80", 8, "a"), 1);
	assert_int_equal(rt_strncmp("a\0x", 3, "a\0y"), 0);
	assert_int_equal(rt_strncmp("x", 0, "y"), 0);
}

static void random_differs(void **state)
{
	struct arena *a = rt_util_arena();
	uint64_t high = 0, same = 0, last = 0;

	for (int i = 0; i < 1000; i++) {
		uint64_t v = rt_get_prandom_u32();

		assert_true(v <= UINT32_MAX);
		high += v >> 31;
		same += v == last;
		last = v;
	}
	assert_true(high > 400 && high < 600);
	assert_true(same < 3);
	rt_util_destroy(a);
}

/* Two pages, the second one unreadable. */
static char *edge_page(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(mprotect(p + 4096, 4096, PROT_NONE), 0);
	return p + 4096;
}

static void reads_survive_bad_addresses(void **state)
{
	static char big[100000], copy[100000];
	char *edge = edge_page(), buf[16];

	memcpy(edge - 5, "hello", 5);
	errno = 12345;
	assert_int_equal(rt_probe_read(buf, 5, (uint64_t)(edge - 5)), 0);
	assert_memory_equal(buf, "hello", 5);
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(rt_probe_read(buf, 6, (uint64_t)(edge - 5)), R0(EFAULT));
	assert_memory_equal(buf, "\0\0\0\0\0\0xx", 8);
	assert_int_equal(rt_probe_read(buf, 8, 0), R0(EFAULT));
	assert_int_equal(rt_probe_read(buf, 8, UINT64_MAX - 3), R0(EFAULT));
	assert_int_equal(rt_probe_read(buf, 8, 0xffffffff80000000), R0(EFAULT));
	assert_int_equal(rt_probe_read(buf, 0, 0), 0);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	assert_int_equal(rt_probe_read(copy, sizeof(big) - 1, (uint64_t)(big + 1)), 0);
	assert_memory_equal(copy, big + 1, sizeof(big) - 1);
	rt_state.flags = RT_FLAG_NO_READS;
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(rt_probe_read(buf, 8, (uint64_t)big), R0(EFAULT));
	assert_memory_equal(buf, "\0\0\0\0\0\0\0\0x", 9);
	assert_int_equal(rt_probe_read_str(buf, 8, (uint64_t) "abc"), R0(EFAULT));
	rt_state.flags = 0;
	assert_int_equal(errno, 12345);
	munmap(edge - 4096, 8192);
}

/* 4 KiB written at these places: 0, or an error. */
static uint64_t poke(uint64_t at)
{
	static const char page[4096] = "poked";

	return rt_probe_write_user(at, page, sizeof(page));
}

static void writes_what_is_not_ours(void **state)
{
	static char big[3 * 4096];
	struct arena *a = rt_util_arena();
	char *edge = edge_page(), *own;
	uint64_t at = (uint64_t)big + 1, tls;

	assert_int_equal(poke(at), 0);
	assert_string_equal(big + 1, "poked");
	assert_int_equal(rt_probe_write_user(at, "x", 1), 0);
	assert_string_equal(big + 1, "xoked");
	assert_int_equal(poke(at = (uint64_t)edge - 4096), 0);
	assert_int_equal(poke(at + 1), R0(EFAULT));
	assert_int_equal(poke((uint64_t) "constant"), R0(EFAULT));
	assert_int_equal(poke(0), R0(EFAULT));
	assert_int_equal(poke(UINT64_MAX - 4095), R0(EFAULT));
	assert_int_equal(poke(UINT64_MAX - 4096), R0(EFAULT));
	assert_int_equal(poke((uint64_t)a->hdr), R0(EPERM));
	assert_int_equal(poke((uint64_t)a->hdr + ARENA_SIZE - 1), R0(EPERM));
	assert_int_equal(poke(rt_state.threads - 1), R0(EPERM));
	assert_int_equal(poke(rt_state.threads + SHM_MAX_THREADS * RT_THREAD_SIZE - 1), R0(EPERM));
	__asm__ volatile("movq %%fs:0, %0" : "=r"(tls));
	assert_int_equal(rt_probe_write_user(tls + (uint64_t)(int64_t)rt_state.tls_off + 8, "x", 1),
			 R0(EPERM));
	own = (char *)__builtin_frame_address(0); /* poke()'s frame lies below */
	assert_int_equal(poke((uint64_t)own - 4096 - 32), R0(EPERM));
	rt_state.cfi = (uint64_t)big + 4096;
	assert_int_equal(poke((uint64_t)big), 0);
	assert_int_equal(poke((uint64_t)big + 1), R0(EPERM));
	rt_state.cfi = 0;
	rt_state.room[1] = (struct rt_room){ (uint64_t)big + (1 << 20), 4096 };
	assert_int_equal(poke((uint64_t)big), R0(EPERM));
	assert_int_equal(poke((uint64_t)big + (33 << 20)), R0(EPERM));
	rt_state.room[1] = (struct rt_room){ 0, 0 };
	rt_state.flags = RT_FLAG_NO_READS;
	assert_int_equal(poke((uint64_t)big), R0(EFAULT));
	rt_state.flags = 0;
	munmap(edge - 4096, 8192);
	rt_util_destroy(a);
}

static void reads_strings(void **state)
{
	static char big[20000], copy[20000];
	char *edge = edge_page(), buf[16];

	memset(buf, 'x', sizeof(buf));
	assert_int_equal(rt_probe_read_str(buf, 16, (uint64_t) "abc"), 4);
	assert_string_equal(buf, "abc");
	assert_int_equal(rt_probe_read_str(buf, 3, (uint64_t) "abc"), 3);
	assert_string_equal(buf, "ab");
	assert_int_equal(rt_probe_read_str(buf, 0, (uint64_t) "abc"), 0);
	memcpy(edge - 4, "end", 4); /* the NUL is the page's last byte */
	assert_int_equal(rt_probe_read_str(buf, 16, (uint64_t)(edge - 4)), 4);
	assert_string_equal(buf, "end");
	memcpy(edge - 4, "over", 4);
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(rt_probe_read_str(buf, 16, (uint64_t)(edge - 4)), R0(EFAULT));
	assert_int_equal(buf[0] | buf[15], 0);
	assert_int_equal(rt_probe_read_str(buf, 4, (uint64_t)(edge - 4)), 4); /* cut before it */
	assert_string_equal(buf, "ove");
	memset(big, 'y', sizeof(big) - 1);
	assert_int_equal(rt_probe_read_str(copy, sizeof(copy), (uint64_t)big), sizeof(big));
	assert_string_equal(copy, big);
	munmap(edge - 4096, 8192);
}

/* -- printk ------------------------------------------------------------------------- */

static struct arena *pk_arena;
static char pk_text[600];
static struct shm_printk pk_head;

/* Format, then take the one record out of the ring again. */
static int64_t printk(const char *fmt, const uint64_t *arg, uint32_t n)
{
	struct shm_map *m = rt_util_ptr(pk_arena, pk_arena->hdr->printk);
	struct shm_ring *r = rt_util_ring_of(pk_arena, m);
	uint64_t pos = r->consumer.pos & (r->producer.size - 1);
	int64_t ret = (int64_t)rt_trace_vprintk(fmt, (uint32_t)strlen(fmt) + 1, arg, n * 8);
	struct shm_ring_hdr *h = (void *)(r->data + pos);
	uint32_t len;

	pk_text[0] = 0;
	if (ret < 0)
		return ret;
	if (h->len & SHM_RING_DISCARD) {
		r->consumer.pos += h->len - SHM_RING_DISCARD + 8;
		memset(h, 0, h->len - SHM_RING_DISCARD + 8);
		h = (void *)r->data;
	}
	len = h->len - (uint32_t)offsetof(struct shm_printk, text);
	assert_int_equal(len, ret);
	memcpy(&pk_head, h + 1, sizeof(pk_head));
	memcpy(pk_text, (char *)(h + 1) + offsetof(struct shm_printk, text), len);
	pk_text[len] = 0;
	len = (h->len + 15) & ~7u;
	memset(h, 0, len);
	r->consumer.pos += len;
	return ret;
}

static const struct {
	const char *fmt;
	uint64_t arg;
	const char *text;
} printk_row[] = {
	{ "%d", (uint64_t)-5, "-5" },
	{ "%d", 0xffffffff, "-1" },
	{ "%i", 0x180000000, "-2147483648" },
	{ "%ld", 0xffffffff, "4294967295" },
	{ "%lld", 1ull << 63, "-9223372036854775808" },
	{ "%u", (uint64_t)-1, "4294967295" },
	{ "%llu", (uint64_t)-1, "18446744073709551615" },
	{ "%zu", (uint64_t)-1, "18446744073709551615" },
	{ "%hd", 0x18000, "-32768" },
	{ "%hhu", 0x1ff, "255" },
	{ "%hhd", 0x1ff, "-1" },
	{ "%x", 0xabcdef, "abcdef" },
	{ "%X", 0xabcdef, "ABCDEF" },
	{ "%#x", 255, "0xff" },
	{ "%#X", 255, "0XFF" },
	{ "%#x", 0, "0" },
	{ "%o", 8, "10" },
	{ "%#o", 8, "010" },
	{ "%5d|", 42, "   42|" },
	{ "%-5d|", 42, "42   |" },
	{ "%05d|", (uint64_t)-42, "-0042|" },
	{ "%+d", 42, "+42" },
	{ "% d", 42, " 42" },
	{ "%#06x", 255, "0x00ff" },
	{ "%.3d", 7, "007" },
	{ "%6.3d|", 7, "   007|" },
	{ "%06.3d|", 7, "   007|" },
	{ "%.0d|", 0, "|" },
	{ "%d", 0, "0" },
	{ "%p", 0x1234, "0000000000001234" },
	{ "%px", 0xffffffffffffffff, "ffffffffffffffff" },
	{ "%p", 0, "0000000000000000" },
	{ "%pK,", 1, "0000000000000001," },
	{ "%c", 'A', "A" },
	{ "%3c|", 'A', "  A|" },
	{ "%-3c|", 'A', "A  |" },
	{ "100%%", 0, "100%" },
	{ "%s", (uint64_t) "text", "text" },
	{ "%6s|", (uint64_t) "text", "  text|" },
	{ "%-6s|", (uint64_t) "text", "text  |" },
	{ "%.2s|", (uint64_t) "text", "te|" },
	{ "%5.2s|", (uint64_t) "text", "   te|" },
	{ "%s|", 0, "|" },
	{ "%pks|", (uint64_t) "text", "text|" },
	{ "%pus|", (uint64_t) "text", "text|" },
	{ "a\tb\n", 0, "a\tb\n" },
	{ "", 0, "" },
};

static void printk_formats(void **state)
{
	for (size_t i = 0; i < sizeof(printk_row) / sizeof(printk_row[0]); i++) {
		int64_t n = printk(printk_row[i].fmt, &printk_row[i].arg, 1);

		if (n != (int64_t)strlen(printk_row[i].text) || strcmp(pk_text, printk_row[i].text))
			fail_msg("%s: %ld \"%s\", not \"%s\"", printk_row[i].fmt, n, pk_text,
				 printk_row[i].text);
	}
	assert_int_equal(pk_head.pid, getpid());
	assert_int_equal(pk_head.tid, syscall(SYS_gettid));
	assert_true(pk_head.time_ns > 0);
}

static void printk_refuses(void **state)
{
	static const char *const bad[] = { "%f",   "%n",   "%",     "%y",   "%l",
					   "%pi4", "\x01", "\xc3z", "%d%d", "%*d" };
	uint64_t arg[13] = { 1 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(printk(bad[i], arg, 1), -EINVAL);
	assert_int_equal(rt_trace_printk("no NUL", 6, 1, 2, 3), R0(EINVAL));
	assert_int_equal(rt_trace_printk(NULL, 6, 1, 2, 3), R0(EINVAL));
	assert_int_equal(rt_trace_printk((const char *)0x20, 6, 1, 2, 3), R0(EINVAL));
	assert_int_equal(rt_trace_printk("", 0, 1, 2, 3), R0(EINVAL));
	assert_int_equal(rt_trace_printk("%d%d%d%d", 9, 1, 2, 3), R0(EINVAL));
	assert_int_equal(rt_trace_vprintk("x", 2, arg, 13 * 8), R0(EINVAL));
	assert_int_equal(rt_trace_vprintk("x", 2, arg, 4), R0(EINVAL));
	assert_int_equal(rt_trace_vprintk("x", 2, NULL, 8), R0(EINVAL));
	assert_int_equal(rt_trace_vprintk("x", 2, NULL, 0), 1);
	assert_int_equal(rt_trace_printk("%d %d %d", 9, 1, 2, 3), 5);
}

static void printk_cuts(void **state)
{
	char big[2000];
	uint64_t arg[2] = { (uint64_t)big, 5 };

	memset(big, 'z', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	assert_int_equal(printk("%s", arg, 1), 512);
	assert_int_equal(pk_text[511], 'z');
	assert_int_equal(printk("%9999d", arg + 1, 1), 512);
	assert_int_equal(printk("%s%s", (uint64_t[]){ (uint64_t)big, (uint64_t)big }, 2), 512);
	assert_true(printk("%-999999999999d", arg + 1, 1) == 512);
}

/* Every form above into a buffer of each size: what snprintf(3) would have done. */
static void snprintf_sizes(void **state)
{
	char big[700], buf[64], guard[64];
	uint64_t arg = (uint64_t)big;

	for (size_t i = 0; i < sizeof(printk_row) / sizeof(printk_row[0]); i++) {
		uint32_t len = (uint32_t)strlen(printk_row[i].text);

		for (uint32_t size = 0; size < len + 3; size++) {
			uint32_t kept = size > len ? len : size ? size - 1 : 0;

			memset(buf, 'x', sizeof(buf));
			memset(guard, 'x', sizeof(guard));
			assert_int_equal(rt_snprintf(buf, size, printk_row[i].fmt,
						     &printk_row[i].arg, 8),
					 len + 1);
			assert_memory_equal(buf, printk_row[i].text, kept);
			assert_true(!size || !buf[kept]);
			assert_memory_equal(buf + size, guard, sizeof(buf) - size);
		}
	}
	memset(big, 'z', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	assert_int_equal(rt_snprintf(buf, 4, "%s", &arg, 8), 513); /* 512 bytes of a string */
	assert_string_equal(buf, "zzz");
	assert_int_equal(rt_snprintf(buf, 4, "%.100s", &arg, 8), 101);
	assert_int_equal(rt_snprintf(buf, 8, "%110.100s|", &arg, 8), 112);
	assert_string_equal(buf, "       ");
	big[100] = 0;
	assert_int_equal(rt_snprintf(buf, 10, "%s", &arg, 8), 101);
	assert_int_equal(rt_snprintf(NULL, 0, "%s", &arg, 8), 101);
	assert_int_equal(rt_snprintf(NULL, 0, "abc", NULL, 0), 4);
	assert_int_equal(rt_snprintf(buf, 8, "%d", NULL, 8), R0(EINVAL));
	assert_int_equal(rt_snprintf(buf, 8, "%d", &arg, 7), R0(EINVAL));
	assert_int_equal(rt_snprintf(buf, 8, "%d", &arg, 104), R0(EINVAL));
	assert_int_equal(rt_snprintf(buf, 8, "%d%d", &arg, 8), R0(EINVAL));
	assert_int_equal(rt_snprintf(buf, 8, "%f", &arg, 8), R0(EINVAL));
	assert_int_equal(rt_snprintf(buf, 8, (const char *)0x20, &arg, 8), R0(EINVAL));
}

static int printk_start(void **state)
{
	pk_arena = rt_util_arena();
	pk_arena->hdr->printk = rt_util_ring(pk_arena, 4096)->self;
	return 0;
}

static int printk_end(void **state)
{
	rt_util_destroy(pk_arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(func_context),
		cmocka_unit_test(set_result),
		cmocka_unit_test(ids_and_time),
		cmocka_unit_test(strncmp_as_the_kernel),
		cmocka_unit_test(random_differs),
		cmocka_unit_test(snprintf_sizes),
		cmocka_unit_test(reads_survive_bad_addresses),
		cmocka_unit_test(writes_what_is_not_ours),
		cmocka_unit_test(reads_strings),
		cmocka_unit_test_setup_teardown(printk_formats, printk_start, printk_end),
		cmocka_unit_test_setup_teardown(printk_refuses, printk_start, printk_end),
		cmocka_unit_test_setup_teardown(printk_cuts, printk_start, printk_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
