/*
 * spec_test.c - the function specification's grammar, as a table.
 */
#include "attach/spec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MG = 1, FG = 2, ADDR = 4 }; /* module pattern, function pattern, address */

static const struct row {
	const char *text, *module, *func, *version, *params;
	int flags, err;
} rows[] = {
	{ "f", NULL, "f" },
	{ ":f", NULL, "f" },
	{ "libc:malloc", "libc", "malloc" },
	{ "libc.so.6:malloc", "libc.so.6", "malloc" },
	{ "/usr/lib/libx.so:f", "/usr/lib/libx.so", "f" },
	{ "./prog:main", "./prog", "main" },
	{ "../p/q:f", "../p/q", "f" },
	{ "libssl.so.3:SSL_write", "libssl.so.3", "SSL_write" },
	{ "lib*:f", "lib*", "f", .flags = MG },
	{ "libc:mem*", "libc", "mem*", .flags = FG },
	{ "*:*", "*", "*", .flags = MG | FG },
	{ "f?o", NULL, "f?o", .flags = FG },
	{ "f*", NULL, "f*", .flags = FG },
	{ "*", NULL, "*", .flags = FG },
	{ ":*", NULL, "*", .flags = FG },
	{ "=f*", NULL, "f*" },
	{ "libc:=f*", "libc", "f*" },
	{ "=operator*", NULL, "operator*" },
	{ "operator*", NULL, "operator*" },
	{ "ns::C::operator*", NULL, "ns::C::operator*" },
	{ "C::operator->*", NULL, "C::operator->*" },
	{ "operator new*", NULL, "operator new*" },
	{ "operators*", NULL, "operators*", .flags = FG },
	{ "my_operator*", NULL, "my_operator*", .flags = FG },
	{ "a::b", NULL, "a::b" },
	{ "a::b::c", NULL, "a::b::c" },
	{ "lib:a::b", "lib", "a::b" },
	{ "libstdc++.so.6:std::terminate", "libstdc++.so.6", "std::terminate" },
	{ "std::vector<int>::push_back", NULL, "std::vector<int>::push_back" },
	{ "f(int)", NULL, "f", .params = "(int)" },
	{ "a::f(int, char*)", NULL, "a::f", .params = "(int, char*)" },
	{ "lib:a::f(std::string const&)", "lib", "a::f", .params = "(std::string const&)" },
	{ "f()", NULL, "f", .params = "()" },
	{ "f(a::b)", NULL, "f", .params = "(a::b)" },
	{ "f(char (*)(x:y))", NULL, "f", .params = "(char (*)(x:y))" },
	{ "operator()", NULL, "operator()" },
	{ "C::operator()", NULL, "C::operator()" },
	{ "memcpy@GLIBC_2.2.5", NULL, "memcpy", "GLIBC_2.2.5" },
	{ "memcpy@@GLIBC_2.14", NULL, "memcpy", "GLIBC_2.14" },
	{ "libc:memcpy@GLIBC_2.2.5", "libc", "memcpy", "GLIBC_2.2.5" },
	{ "mem*@GLIBC_2.2.5", NULL, "mem*", "GLIBC_2.2.5", .flags = FG },
	{ "_ZN1a1fEi", NULL, "_ZN1a1fEi" },
	{ "lib:_ZN1a1fEi", "lib", "_ZN1a1fEi" },
	{ "f.isra.0", NULL, "f.isra.0" },
	{ "f.constprop.0.cold", NULL, "f.constprop.0.cold" },
	{ "0x401000", NULL, "0x401000", .flags = ADDR },
	{ "0X1f", NULL, "0X1f", .flags = ADDR },
	{ "prog:0x1", "prog", "0x1", .flags = ADDR },
	{ "=0x10", NULL, "0x10" },
	{ "name with space", NULL, "name with space" },
	{ "$f", NULL, "$f" },
	{ "f@", NULL, "f", "" },
	{ "@x", NULL, "@x" },
	{ "libc-2.31.so:f", "libc-2.31.so", "f" },
	{ "c:f", "c", "f" },
	{ "operator+", NULL, "operator+" },
	{ "C::operator++", NULL, "C::operator++" },
	{ "", .err = -EINVAL },
	{ ":", .err = -EINVAL },
	{ "libc:", .err = -EINVAL },
	{ "=", .err = -EINVAL },
	{ "lib:=", .err = -EINVAL },
	{ "0x", .err = -EINVAL },
	{ "0xzz", .err = -EINVAL },
	{ "0x12345678123456789", .err = -EINVAL },
	{ "0x10 ", .err = -EINVAL },
	{ "f+0x10", .err = -ENOTSUP },
	{ "libc:malloc+4", .err = -ENOTSUP },
};

static void same(const char *text, const char *what, const char *got, const char *want)
{
	if (!got != !want || (got && strcmp(got, want) != 0))
		fail_msg("'%s': %s is '%s', not '%s'", text, what, got ? got : "(none)",
			 want ? want : "(none)");
}

static void table(void **state)
{
	(void)state;
	assert_true(ARRAY_LEN(rows) >= 60);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct diag d = { "" };
		struct fspec s = { .addr = 77 };
		int err = fspec_parse(r->text, &s, &d);

		if (err != r->err)
			fail_msg("'%s': %d, not %d (%s)", r->text, err, r->err, d.text);
		if (err) {
			assert_true(d.text[0] != '\0');
			assert_int_equal(s.addr, 77); /* untouched on failure */
			continue;
		}
		same(r->text, "module", s.module, r->module);
		same(r->text, "function", s.func, r->func);
		same(r->text, "version", s.version, r->version);
		same(r->text, "parameters", s.params, r->params);
		if ((s.module_glob * MG | s.func_glob * FG | s.is_addr * ADDR) != r->flags)
			fail_msg("'%s': flags %d%d%d", r->text, s.module_glob, s.func_glob,
				 s.is_addr);
		fspec_fini(&s);
	}
}

static void addresses(void **state)
{
	struct fspec s;

	(void)state;
	assert_int_equal(fspec_parse("prog:0xffffffff81000000", &s, NULL), 0);
	assert_true(s.addr == 0xffffffff81000000ull);
	fspec_fini(&s);
}

static void globs(void **state)
{
	static const struct {
		const char *p, *t;
		bool yes;
	} t[] = {
		{ "*", "", true },
		{ "*", "abc", true },
		{ "a*c", "abbbc", true },
		{ "a*c", "abbbd", false },
		{ "?", "", false },
		{ "a?c", "abc", true },
		{ "*a*b*", "xxaxxbx", true },
		{ "*a*b", "ba", false },
		{ "abc", "abc", true },
		{ "abc", "abcd", false },
		{ "**", "x", true },
		{ "a*", "b", false },
		{ "*::f", "a::b::f", true },
		{ "*ab", "aab", true },
		{ "", "", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		if (glob_match(t[i].p, t[i].t) != t[i].yes)
			fail_msg("'%s' ~ '%s'", t[i].p, t[i].t);
	}
}

static void modules(void **state)
{
	static const struct {
		const char *want, *path, *soname;
		bool yes;
	} t[] = {
		{ "libc", "/lib/libc.so.6", "libc.so.6", true },
		{ "libc", "/lib/libc-2.31.so", NULL, true },
		{ "libc", "/lib/libcrypto.so.3", "libcrypto.so.3", false },
		{ "libc", "/lib/libc++.so.1", "libc++.so.1", false },
		{ "libc.so.6", "/lib/libc-2.31.so", "libc.so.6", true },
		{ "libc.so", "/lib/libc.so.6", NULL, true },
		{ "libssl.so.3", "/lib/libssl.so.3", NULL, true },
		{ "libssl.so.1.1", "/lib/libssl.so.3", "libssl.so.3", false },
		{ "prog", "/bin/prog", NULL, true },
		{ "prog", "/bin/program", NULL, false },
		{ "/bin/prog", "/bin/prog", NULL, true },
		{ "/bin/../bin/sh", "/bin/sh", NULL, true },
		{ "/bin/prog", "/usr/bin/prog", NULL, false },
		{ "lib*", "/lib/libm.so.6", NULL, true },
		{ "lib*", "/bin/prog", NULL, false },
		{ "*/lib*.so*", "/x/libz.so.1", NULL, true },
		{ "c", "/lib/libc.so.6", "libc.so.6", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char text[128];
		struct fspec s;

		snprintf(text, sizeof(text), "%s:f", t[i].want);
		assert_int_equal(fspec_parse(text, &s, NULL), 0);
		if (fspec_module_matches(&s, t[i].path, t[i].soname) != t[i].yes)
			fail_msg("%s ~ %s (%s)", t[i].want, t[i].path, t[i].soname);
		fspec_fini(&s);
	}
}

static void symbols(void **state)
{
	static const struct {
		const char *spec, *mangled, *version, *demangled;
		bool yes;
	} t[] = {
		{ "f", "f", NULL, NULL, true },
		{ "f", "g", NULL, NULL, false },
		{ "f*", "foo", NULL, NULL, true },
		{ "a::f", "_ZN1a1fEi", NULL, "a::f(int)", true },
		{ "a::f(int)", "_ZN1a1fEi", NULL, "a::f(int)", true },
		{ "a::f(char)", "_ZN1a1fEi", NULL, "a::f(int)", false },
		{ "_ZN1a1fEi", "_ZN1a1fEi", NULL, "a::f(int)", true },
		{ "a::*", "_ZN1a1fEi", NULL, "a::f(int)", true },
		{ "f", "_ZN1a1fEi", NULL, "a::f(int)", false },
		{ "v<f(int)>::g", "_Zx", NULL, "v<f(int)>::g(char)", false },
		{ "f@V1", "f", "V1", NULL, true },
		{ "f@V1", "f", "V2", NULL, false },
		{ "f@V1", "f", NULL, NULL, false },
		{ "(anonymous namespace)::f", "_Zy", NULL, "(anonymous namespace)::f(int)", true },
		{ "C::operator()", "_Zz", NULL, "C::operator()(int) const", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct fspec s;

		assert_int_equal(fspec_parse(t[i].spec, &s, NULL), 0);
		if (fspec_symbol_matches(&s, t[i].mangled, t[i].version, t[i].demangled) !=
		    t[i].yes)
			fail_msg("%s ~ %s / %s", t[i].spec, t[i].mangled, t[i].demangled);
		fspec_fini(&s);
	}
}

static void distances(void **state)
{
	(void)state;
	assert_int_equal(name_distance("abc", "abc"), 0);
	assert_int_equal(name_distance("abc", "abd"), 1);
	assert_int_equal(name_distance("abc", "acb"), 1);
	assert_int_equal(name_distance("abc", ""), 3);
	assert_int_equal(name_distance("", "xy"), 2);
	assert_int_equal(name_distance("malloc", "maloc"), 1);
	assert_int_equal(name_distance("kitten", "sitting"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),   cmocka_unit_test(addresses), cmocka_unit_test(globs),
		cmocka_unit_test(modules), cmocka_unit_test(symbols),   cmocka_unit_test(distances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
