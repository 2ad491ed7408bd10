/*
 * The share of a real library's functions (its FDEs) that give a site, and a slot; and
 * random bytes as functions.
 *
 *     census_test [FILE...]     default: the libc this program runs with
 */
#include "base/vec.h"
#include "image.h"
#include "text/site.h"
#include "text/slot.h"
#include "x86/insn.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../skip.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct count {
	size_t n, good, kind[4], reason[SITE_REASONS], slots, slot_bytes, reentered;
};

/* A slot 512 MiB away must be possible for every site. */
static void try_slot(const struct site *site, struct count *c)
{
	struct slot_plan plan = { .site = site,
				  .at = (site->entry & ~63ull) + (512ull << 20),
				  .rt_first = site->entry + (513ull << 20),
				  .tls_off = -64,
				  .counter_off = 24 };
	uint8_t buf[SLOT_MAX], frame[SLOT_MAX];
	struct slot_code code;
	struct diag d;
	int n = slot_emit(&plan, buf, frame, sizeof(buf), &code, &d);

	if (n < 0)
		fail_msg("%lx: %s", (unsigned long)site->entry, diag_text(&d, n));
	c->slots++;
	c->slot_bytes += (size_t)n;
}

static struct count census(const struct image *im, const struct sweep *sw)
{
	struct count c = { 0 };
	struct {
		VEC(struct taddr_range);
	} taken = { 0 };

	for (size_t i = 0; i < im->nfunc; i++) {
		const struct sweep_code *code = image_code_at(im, im->func[i].lo);
		struct site site = { 0 };
		struct site_query q;
		struct diag d;

		if (!code || (i && im->func[i].lo == im->func[i - 1].lo))
			continue;
		image_query(im, code, i, &q);
		q.sweep = sw;
		q.mem = q.file;
		q.taken = taken.at;
		q.ntaken = taken.n;
		c.n++;
		if (site_describe(&q, &site, &d) < 0) {
			c.reason[site.reason]++;
			if (getenv("CENSUS_LIST"))
				print_message("# %lx %s\n", (unsigned long)q.entry, d.text);
			continue;
		}
		c.good++;
		c.kind[site.kind]++;
		c.reentered += site.reentered;
		if (site.kind == SITE_HOP) /* windows are not listed: no hole begins in one here */
			vec_push(&taken, ((struct taddr_range){ site.hop, site.hop + 5 }));
		try_slot(&site, &c);
	}
	vec_free(&taken);
	return c;
}

static double share(const char *path)
{
	struct sweep *sw = NULL;
	struct sweep_stats st;
	struct image im;
	struct count c;
	double t0, t1, t2;

	if (!image_open(path, &im))
		return -1;
	t0 = now();
	assert_int_equal(sweep_new(im.code, im.ncode, im.func, im.nfunc, &im.hints, &sw), 0);
	t1 = now();
	c = census(&im, sw);
	t2 = now();
	st = sweep_stats(sw);
	print_message("# %s: %lu bytes, %lu instructions, %lu branches (%lu outside), data %lu: "
		      "sweep %.2f s\n",
		      path, (unsigned long)st.bytes, (unsigned long)st.insns,
		      (unsigned long)st.branches, (unsigned long)st.outside, (unsigned long)st.data,
		      t1 - t0);
	print_message(
		"# %zu functions: %zu sites (%.3f %%), nop %zu moved %zu hop %zu, reentered %zu, "
		"slot %.1f bytes: %.2f s\n",
		c.n, c.good, 100.0 * (double)c.good / (double)c.n, c.kind[SITE_NOP],
		c.kind[SITE_MOVED], c.kind[SITE_HOP], c.reentered,
		(double)c.slot_bytes / (double)(c.slots ? c.slots : 1), t2 - t1);
	for (unsigned i = 1; i < SITE_REASONS; i++)
		if (c.reason[i])
			print_message("#   %zu: %s\n", c.reason[i],
				      site_reason_text((enum site_reason)i));
	sweep_free(sw);
	image_close(&im);
	return (double)c.good / (double)c.n;
}

static void test_libc(void **state)
{
	double s = share("/lib/x86_64-linux-gnu/libc.so.6");

	if (s < 0)
		SKIP_TEST("the file is not there");
	assert_true(s >= 0.97);
}

/* By decoding all that is behind the window. */
static bool jumps_back(const struct site_query *q, const struct site *site)
{
	struct x86_insn in;

	for (taddr_t at = site->window + site->len; at < q->func.hi; at += in.len) {
		if (x86_decode_flow(q->file + (at - q->func.lo), q->func.hi - at, at, &in) < 0)
			in.len = 1;
		else if ((in.flow == X86_FLOW_JMP || in.flow == X86_FLOW_JCC) &&
			 in.target >= site->entry && in.target <= site->window)
			return true;
	}
	return false;
}

/* Whatever the bytes are: a refusal, or a window and a slot within their limits. */
static void test_random_functions(void **state)
{
	uint64_t seed = 7;
	unsigned sites = 0, back = 0;

	for (unsigned round = 0; round < 50000; round++) {
		uint8_t code[64], slot[SLOT_MAX], frame[SLOT_MAX];
		struct taddr_range f = { 0x401010, 0x401020 };
		struct sweep_code sc = { 0x401000, code, sizeof(code) };
		struct site_query q = { .func = f,
					.entry = f.lo,
					.mem = code + 16,
					.file = code + 16,
					.n = 48,
					.before = 16,
					.may_hop = true };
		struct slot_plan plan = { .at = 0x500000, .rt_first = 0x600000 };
		struct slot_code out;
		struct sweep *sw = NULL;
		struct site site;
		int n;

		for (unsigned i = 0; i < sizeof(code); i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			code[i] = (uint8_t)(seed >> 33);
			if (i > 16 &&
			    seed >> 60 == 0) /* where the entry is from there, or nearly */
				code[i] = (uint8_t)(15 - (int)i + (int)(seed >> 58 & 3));
			if (code[i] % 8 == 0)
				code[i] = "\x90\xcc\xc3\xeb\x55\xe8\x48\x66"[code[i] >> 5];
		}
		assert_int_equal(sweep_new(&sc, 1, &f, 1, NULL, &sw), 0);
		q.sweep = sw;
		if (!site_describe(&q, &site, NULL)) {
			sites++;
			assert_int_equal(site.reentered, jumps_back(&q, &site));
			back += site.reentered;
			assert_in_range(site.len, SITE_HOP_LEN, SITE_WINDOW_MAX);
			assert_in_range(site.ninsns, 1, SITE_MAX_INSNS);
			plan.site = &site;
			n = slot_emit(&plan, slot, frame, sizeof(slot), &out, NULL);
			assert_true(n > 0 || n == -ERANGE);
		}
		sweep_free(sw);
	}
	assert_in_range(sites, 5000, 49000);
	assert_in_range(back, 100, 5000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_libc),
					    cmocka_unit_test(test_random_functions) };

	for (int i = 1; i < argc; i++)
		if (share(argv[i]) < 0)
			return 1;
	return argc > 1 ? 0 : cmocka_run_group_tests_name("text/census", tests, NULL, NULL);
}
