/*
 * The share of a real library's functions (its FDEs) that give a site, and a slot.
 *
 *     census_test [FILE...]     default: the libc this program runs with
 */
#include "image.h"
#include "text/site.h"
#include "text/slot.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct count {
	size_t n, good, kind[3], reason[SITE_REASONS], slots, slot_bytes, reentered;
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

	for (size_t i = 0; i < im->nfunc; i++) {
		const struct sweep_code *code = image_code_at(im, im->func[i].lo);
		struct site site = { 0 };
		struct site_query q;
		struct diag d;

		if (!code || (i && im->func[i].lo == im->func[i - 1].lo))
			continue;
		q = (struct site_query){ .sweep = sw,
					 .func = im->func[i],
					 .entry = im->func[i].lo,
					 .n = im->func[i].hi - im->func[i].lo + 16 };
		q.mem = q.file = code->bytes + (im->func[i].lo - code->addr);
		if (q.func.lo + q.n > code->addr + code->len)
			q.n = code->addr + code->len - q.func.lo;
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
		try_slot(&site, &c);
	}
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
	assert_int_equal(sweep_new(im.code, im.ncode, im.func, im.nfunc, &sw), 0);
	t1 = now();
	c = census(&im, sw);
	t2 = now();
	st = sweep_stats(sw);
	print_message("# %s: %lu bytes, %lu instructions, %lu branches (%lu outside), data %lu: "
		      "sweep %.2f s\n",
		      path, (unsigned long)st.bytes, (unsigned long)st.insns,
		      (unsigned long)st.branches, (unsigned long)st.outside, (unsigned long)st.data,
		      t1 - t0);
	print_message("# %zu functions: %zu sites (%.3f %%), nop %zu moved %zu, reentered %zu, "
		      "slot %.1f bytes: %.2f s\n",
		      c.n, c.good, 100.0 * (double)c.good / (double)c.n, c.kind[SITE_NOP],
		      c.kind[SITE_MOVED], c.reentered,
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
		skip();
	assert_true(s >= 0.97);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_libc) };

	for (int i = 1; i < argc; i++)
		if (share(argv[i]) < 0)
			return 1;
	return argc > 1 ? 0 : cmocka_run_group_tests_name("text/census", tests, NULL, NULL);
}
