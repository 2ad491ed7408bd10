/*
 * base_test.c - diag, vec, cleanup, json.
 */
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/json.h"
#include "base/limit.h"
#include "base/sum.h"
#include "base/types.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static void diag_keeps_the_reason(void **state)
{
	struct diag d = { "old" };

	(void)state;
	assert_int_equal(diag_set(&d, -ENOENT, "no %s %d", "x", 7), -ENOENT);
	assert_string_equal(diag_text(&d, -ENOENT), "no x 7");
	diag_add(&d, "second");
	assert_string_equal(d.text, "no x 7\nsecond");
	d.text[0] = '\0';
	assert_string_equal(diag_text(&d, -ENOENT), strerror(ENOENT));
	assert_string_equal(diag_text(NULL, -EPERM), strerror(EPERM));
	assert_int_equal(diag_set(NULL, -EIO, "nowhere"), -EIO);
	diag_add(NULL, "nowhere");
}

static void diag_cuts_long_text(void **state)
{
	struct diag d = { "" };

	(void)state;
	diag_set(&d, 0, "%*s", DIAG_MAX * 2, "end");
	assert_int_equal(strlen(d.text), DIAG_MAX - 1);
	diag_add(&d, "more");
	assert_int_equal(strlen(d.text), DIAG_MAX - 1);
}

static void inner_errors_are_no_commands(void **state)
{
	(void)state;
	assert_int_equal(diag_inner(0), 0);
	assert_int_equal(diag_inner(3), 3);
	assert_int_equal(diag_inner(-ENOENT), -EIO);
	assert_int_equal(diag_inner(-ENOEXEC), -EIO);
	assert_int_equal(diag_inner(-EACCES), -EPERM);
	assert_int_equal(diag_inner(-EPERM), -EPERM);
	assert_int_equal(diag_inner(-ESRCH), -ESRCH);
}

/* Past the limit: an error, and no signal, neither now nor later. */
static void truncate_knows_limits(void **state)
{
	struct rlimit old, low = { 8192, 8192 };
	FILE *f = tmpfile();
	sigset_t pending;

	(void)state;
	assert_non_null(f);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	assert_int_equal(limit_truncate(fileno(f), 8192), 0);
	assert_int_equal(limit_truncate(fileno(f), 8193), -EFBIG);
	assert_int_equal(limit_truncate(-1, 1), -EBADF);
	/* somebody's own stays pending */
	sigemptyset(&pending);
	sigaddset(&pending, SIGXFSZ);
	sigprocmask(SIG_BLOCK, &pending, NULL);
	raise(SIGXFSZ);
	assert_int_equal(limit_truncate(fileno(f), 8193), -EFBIG);
	sigpending(&pending);
	assert_true(sigismember(&pending, SIGXFSZ));
	signal(SIGXFSZ, SIG_IGN); /* discards it */
	signal(SIGXFSZ, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &pending, NULL);
	setrlimit(RLIMIT_FSIZE, &old);
	fclose(f);
}

static void vec_grows(void **state)
{
	struct {
		VEC(int);
	} v = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(vec_push(&v, i), 0);
	assert_int_equal(v.n, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(v.at[i], i);
	vec_free(&v);
	assert_null(v.at);
	assert_int_equal(v.n + v.cap, 0);
}

static void vec_refuses_what_cannot_be(void **state)
{
	void *at = NULL;
	size_t cap = 0;

	(void)state;
	assert_int_equal(vec_grow(&at, &cap, SIZE_MAX / 2, 16), -ENOMEM);
	assert_null(at);
}

static int open_null(int *seen)
{
	_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	*seen = fd;
	return fd >= 0 ? 0 : -1;
}

static void scope_closes(void **state)
{
	int fd = -1, kept;

	(void)state;
	assert_int_equal(open_null(&fd), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	{
		_close_ int own = open("/dev/null", O_RDONLY | O_CLOEXEC);

		kept = TAKE_FD(own);
		assert_int_equal(own, -1);
	}
	assert_int_not_equal(fcntl(kept, F_GETFD), -1);
	close(kept);
}

static void json_objects(void **state)
{
	struct json w;

	(void)state;
	json_init(&w);
	json_open(&w, '{');
	json_key(&w, "a");
	json_i64(&w, INT64_MIN);
	json_key(&w, "b");
	json_open(&w, '[');
	json_u64(&w, UINT64_MAX);
	json_bool(&w, true);
	json_null(&w);
	json_open(&w, '{');
	json_close(&w, '}');
	json_hex(&w, 0xabc);
	json_close(&w, ']');
	json_key(&w, "c");
	json_str(&w, "x");
	json_close(&w, '}');
	assert_string_equal(w.buf, "{\"a\":-9223372036854775808,\"b\":[18446744073709551615,true,"
				   "null,{},\"0xabc\"],\"c\":\"x\"}");
	json_reset(&w);
	json_bool(&w, false);
	assert_string_equal(w.buf, "false");
	json_fini(&w);
}

static void json_strings(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "a\"b\\c\n\t\r", "\"a\\\"b\\\\c\\n\\t\\r\"" },
		{ "\x01\x7f", "\"\\u0001\\u007f\"" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xff\xc0\x80", "\"\\u00ff\\u00c0\\u0080\"" }, /* never UTF-8; overlong */
		{ "\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\"" }, /* surrogate */
		{ "\xe2\x82", "\"\\u00e2\\u0082\"" },            /* cut */
		{ "\xf4\x90\x80\x80", "\"\\u00f4\\u0090\\u0080\\u0080\"" }, /* beyond U+10FFFF */
	};
	struct json w;

	(void)state;
	json_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		json_reset(&w);
		json_str(&w, t[i].in);
		assert_string_equal(w.buf, t[i].out);
	}
	json_reset(&w);
	json_strn(&w, "a\0b", 3);
	assert_string_equal(w.buf, "\"a\\u0000b\"");
	json_fini(&w);
}

static void json_floats(void **state)
{
	static const struct {
		double v;
		const char *out;
	} t[] = { { 0.1, "0.1" },
		  { 1.0 / 3, "0.3333333333333333" },
		  { 1e300, "1e+300" },
		  { 10, "10" },
		  { -300, "-300" },
		  { 1.25e10, "12500000000" },
		  { 3e16, "30000000000000000" },
		  { 1e17, "1e+17" },
		  { -0.0, "-0" },
		  { 5e-324, "5e-324" },
		  { (double)NAN, "\"nan\"" },
		  { -(double)INFINITY, "\"-inf\"" } };
	struct json w;

	(void)state;
	json_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		json_reset(&w);
		json_f64(&w, t[i].v);
		assert_string_equal(w.buf, t[i].out);
	}
	json_reset(&w);
	json_f32(&w, 0.1f);
	assert_string_equal(w.buf, "0.1");
	json_fini(&w);
}

/* Any bit, any length, any order, what came before: each counts. */
static void sum_tells_damage(void **state)
{
	uint8_t b[200];
	uint64_t whole;

	(void)state;
	for (unsigned i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i * 37);
	whole = sum_of(0, b, sizeof(b));
	assert_true(whole == sum_of(0, b, sizeof(b)));
	assert_true(whole != sum_of(1, b, sizeof(b)));
	for (unsigned bit = 0; bit < 8 * sizeof(b); bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_true(whole != sum_of(0, b, sizeof(b)));
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (unsigned n = 0; n < sizeof(b); n++)
		assert_true(sum_of(0, b, n) != sum_of(0, b, n + 1));
	memset(b, 0, sizeof(b));
	for (unsigned n = 0; n < sizeof(b); n++)
		assert_true(sum_of(0, b, n) != sum_of(0, b, n + 1));
	b[0] = 1;
	whole = sum_of(0, b, 64);
	b[0] = 0;
	b[32] = 1; /* the same word in the same lane, later */
	assert_true(whole != sum_of(0, b, 64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(diag_keeps_the_reason),
		cmocka_unit_test(diag_cuts_long_text),
		cmocka_unit_test(inner_errors_are_no_commands),
		cmocka_unit_test(truncate_knows_limits),
		cmocka_unit_test(vec_grows),
		cmocka_unit_test(vec_refuses_what_cannot_be),
		cmocka_unit_test(scope_closes),
		cmocka_unit_test(sum_tells_damage),
		cmocka_unit_test(json_objects),
		cmocka_unit_test(json_strings),
		cmocka_unit_test(json_floats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
