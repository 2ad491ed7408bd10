/*
 * spec_test.c - the function specification's grammar, as a table.
 */
#include "attach/nearest.h"
#include "attach/spec.h"
#include "info/cxxname.h"

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
	{ "ns::operator<", NULL, "ns::operator<" },
	{ "ns::operator<(ns::X const&, int)", NULL, "ns::operator<",
	  .params = "(ns::X const&, int)" },
	{ "lib:ns::operator->", "lib", "ns::operator->" },
	{ "operator()(int) const", NULL, "operator()", .params = "(int) const" },
	{ "C::operator()()", NULL, "C::operator()", .params = "()" },
	{ "operator new[](unsigned long)", NULL, "operator new[]", .params = "(unsigned long)" },
	{ "C::operator int*", NULL, "C::operator int*" },
	{ "C::operator int*()", NULL, "C::operator int*", .params = "()" },
	{ "C::operator void (*)(int)()", NULL, "C::operator void (*)(int)", .params = "()" },
	{ "*::operator()", NULL, "*::operator()", .flags = FG },
	{ "C*::operator*", NULL, "C*::operator\\*", .flags = FG },
	{ "C?::operator->*(int)", NULL, "C?::operator->\\*", .params = "(int)", .flags = FG },
	{ "ns::(anonymous namespace)::f", NULL, "ns::(anonymous namespace)::f" },
	{ "(anonymous namespace)::f", NULL, "(anonymous namespace)::f" },
	{ "(anonymous namespace)::f(int)", NULL, "(anonymous namespace)::f", .params = "(int)" },
	{ "lib:(anonymous namespace)::f", "lib", "(anonymous namespace)::f" },
	{ "outer(int)::L::in", NULL, "outer(int)::L::in" },
	{ "outer(int)::L::in(char)", NULL, "outer(int)::L::in", .params = "(char)" },
	{ "f(int)::{lambda(char)#1}::operator()", NULL, "f(int)::{lambda(char)#1}::operator()" },
	{ "C::f(int) const::L::in()", NULL, "C::f(int) const::L::in", .params = "()" },
	{ "int ns::tf<int>", NULL, "int ns::tf<int>" },
	{ "int ns::tf<int>(int)", NULL, "int ns::tf<int>", .params = "(int)" },
	{ "ns::tf<unsigned int, char const*>", NULL, "ns::tf<unsigned int, char const*>" },
	{ "tf<char**, v<int>*&>", NULL, "tf<char**, v<int>*&>" },
	{ "tf<char const*>(char*)", NULL, "tf<char const*>", .params = "(char*)" },
	{ "tf<*", NULL, "tf<*", .flags = FG },
	{ "tf<*>", NULL, "tf<*>", .flags = FG },
	{ "tf<v*", NULL, "tf<v*", .flags = FG },
	{ "*::tf<char*, *", NULL, "*::tf<char\\*, *", .flags = FG },
	{ "tf<void (int)>(char)", NULL, "tf<void (int)>", .params = "(char)" },
	{ "tf<&a::operator< >", NULL, "tf<&a::operator< >" },
	{ "f[abi:cxx11](int)", NULL, "f[abi:cxx11]", .params = "(int)" },
	{ "a::f(int)@V1", NULL, "a::f", "V1", "(int)" },
	{ "a b:f", "a b", "f" },
	{ "a:b:f", "a:b", "f" },
	{ "a:b:ns::f", "a:b", "ns::f" },
	{ "/no/such file:f", "/no/such file", "f" },
	{ "(", NULL, "(" },
	{ "f(", NULL, "f", .params = "(" },
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
#define STRING "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >"

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

static const struct {
	const char *spec, *mangled, *version, *demangled;
	bool yes;
} symbol_rows[] = {
	{ "f", "f", NULL, NULL, true },
	{ "f", "g", NULL, NULL, false },
	{ "f*", "foo", NULL, NULL, true },
	{ "a::f", "_ZN1a1fEi", NULL, "a::f(int)", true },
	{ "a::f(int)", "_ZN1a1fEi", NULL, "a::f(int)", true },
	{ "a::f(char)", "_ZN1a1fEi", NULL, "a::f(int)", false },
	{ "_ZN1a1fEi", "_ZN1a1fEi", NULL, "a::f(int)", true },
	{ "a::*", "_ZN1a1fEi", NULL, "a::f(int)", true },
	{ "f", "_ZN1a1fEi", NULL, "a::f(int)", false },
	{ "v<f(int)>::g", "_Zx", NULL, "v<f(int)>::g(char)", true },
	{ "f@V1", "f", "V1", NULL, true },
	{ "f@V1", "f", "V2", NULL, false },
	{ "f@V1", "f", NULL, NULL, false },
	{ "(anonymous namespace)::f", "_Zy", NULL, "(anonymous namespace)::f(int)", true },
	{ "C::operator()", "_Zz", NULL, "C::operator()(int) const", true },
	{ "C::operator()(int) const", "_Zz", NULL, "C::operator()(int) const", true },
	{ "C::operator()(int)", "_Zz", NULL, "C::operator()(int) const", false },
	{ "operator()", "_Zz", NULL, "C::operator()(int) const", false },
	{ "*::operator()", "_Zz", NULL, "C::operator()(int) const", true },
	{ "n::operator<", "_Zz", NULL, "n::operator<(n::X const&, n::X const&)", true },
	{ "n::operator<(n::X const&,n::X const&)", "_Zz", NULL,
	  "n::operator<(n::X const&, n::X const&)", true },
	{ "n::operator<(n::X const&, int)", "_Zz", NULL, "n::operator<(n::X const&, n::X const&)",
	  false },
	{ "n::operator<", "_Zz", NULL, "n::operator<<(n::X, int)", false },
	{ "n::operator<<", "_Zz", NULL, "n::operator<<(n::X, int)", true },
	{ "n::operator<<", "_Zz", NULL, "n::operator<(n::X, int)", false },
	{ "n::operator< <int>", "_Zz", NULL, "bool n::operator< <int>(int, int)", true },
	{ "n::operator<<int>", "_Zz", NULL, "bool n::operator< <int>(int, int)", true },
	{ "std::operator<< <char>", "_Zz", NULL, "S& std::operator<< <char>(S&, char)", true },
	{ "n::operator>", "_Zz", NULL, "n::operator>(int, n::X)", true },
	{ "n::operator>>=", "_Zz", NULL, "n::operator>>=(int, n::X)", true },
	{ "n::operator<=>", "_Zz", NULL, "n::operator<=>(n::X, n::X)", true },
	{ "C::operator->", "_Zz", NULL, "C::operator->() const", true },
	{ "C::operator->*", "_Zz", NULL, "C::operator->*(int)", true },
	{ "C::operator->", "_Zz", NULL, "C::operator->*(int)", false },
	{ "C::operator*", "_Zz", NULL, "C::operator*()", true },
	{ "C::operator*", "_Zz", NULL, "C::operator*=(int)", false },
	{ "?::operator*", "_Zz", NULL, "C::operator*()", true },
	{ "?::operator*", "_Zz", NULL, "C::operator*=(int)", false },
	{ "?::operator*", "_Zz", NULL, "C::operator+(int)", false },
	{ "C::operator[]", "_Zz", NULL, "C::operator[](int)", true },
	{ "C::operator,", "_Zz", NULL, "C::operator,(int)", true },
	{ "operator new[]", "_Znam", NULL, "operator new[](unsigned long)", true },
	{ "operator new", "_Znam", NULL, "operator new[](unsigned long)", false },
	{ "operator delete", "_Zz", NULL, "operator delete(void*)", true },
	{ "operator delete(void*)", "_Zz", NULL, "operator delete(void*)", true },
	{ "operator\"\" _km", "_Zz", NULL, "operator\"\" _km(long double)", true },
	{ "C::operator int", "_Zz", NULL, "C::operator int() const", true },
	{ "C::operator int() const", "_Zz", NULL, "C::operator int() const", true },
	{ "C::operator char const*", "_Zz", NULL, "C::operator char const*()", true },
	{ "C::operator void (*)(int)", "_Zz", NULL, "C::operator void (*)(int)()", true },
	{ "C::operator int", "_Zz", NULL, "C::operator int*()", false },
	{ "C::operator new_t", "_Zz", NULL, "C::operator new_t()", true },
	{ "n::(anonymous namespace)::f", "_Zz", NULL, "n::(anonymous namespace)::f(int)", true },
	{ "n::(anonymous namespace)::f(int)", "_Zz", NULL, "n::(anonymous namespace)::f(int)",
	  true },
	{ "n::tf<int>", "_Zz", NULL, "int n::tf<int>(int)", true },
	{ "n::tf<int>(int)", "_Zz", NULL, "int n::tf<int>(int)", true },
	{ "int n::tf<int>", "_Zz", NULL, "int n::tf<int>(int)", true },
	{ "int n::tf<int>(int)", "_Zz", NULL, "int n::tf<int>(int)", true },
	{ "n::tf<char>", "_Zz", NULL, "int n::tf<int>(int)", false },
	{ "n::tf<*", "_Zz", NULL, "int n::tf<int>(int)", true },
	{ "int n::*", "_Zz", NULL, "int n::tf<int>(int)", true },
	{ "i*", "_Zz", NULL, "int n::tf<int>(int)", false },
	{ "tf<std::v<int>>", "_Zz", NULL, "void tf<std::v<int> >(int)", true },
	{ "f(std::string const&)", "_Zz", NULL, "f(" STRING " const&)", true },
	{ "f(" STRING "const&)", "_Zz", NULL, "f(std::string const&)", true },
	{ "f(std::string, int)", "_Zz", NULL, "f(" STRING ", int)", true },
	{ "f(std::string, int)", "_Zz", NULL, "f(" STRING "::X, int)", false },
	{ "f(my_std::string)", "_Zz", NULL, "f(my_" STRING ")", false },
	{ "f(n::std::string)", "_Zz", NULL, "f(n::" STRING ")", false },
	{ "f(std::string_view)", "_Zz", NULL, "f(" STRING "_view)", false },
	{ "tf<std::string>(std::v<std::string>)", "_Zz", NULL,
	  "void tf<" STRING " >(std::v<" STRING " >)", true },
	{ "std::string::size", "_Zz", NULL, STRING "::size() const", true },
	{ "tf<int>", "_Zz", NULL, "void (*tf<int>(int))(char)", true },
	{ "tf<int>", "_Zz", NULL, "int (ns::C<(1 > 0)>::*tf<int>(int))(char) const", true },
	{ "n::f_*", "_Zz", NULL, "int pick::* n::f_6<3>(int)", true },
	{ "*f_6*", "_Zz", NULL, "int (pick::*f_6<3>(unsigned long, int (pick::*)() const))() const",
	  true },
	{ "f_4*", "_Zz", NULL, "signed char __vector(16) f_4<3>()", true },
	{ "add<int>", "_Zz", NULL, "decltype ({parm#1}+(1)) add<int>(int)", true },
	{ "tf<(3>2)>", "_Zz", NULL, "int tf<(3>2)>(char)", true },
	{ "outer", "_Zz", NULL, "outer(int)::L::in(int)", false },
	{ "outer(int)", "_Zz", NULL, "outer(int)::L::in(int)", false },
	{ "outer(int)::L::in", "_Zz", NULL, "outer(int)::L::in(int)", true },
	{ "outer(int)::L::in(int)", "_Zz", NULL, "outer(int)::L::in(int)", true },
	{ "outer*", "_Zz", NULL, "outer(int)::L::in(int)", true },
	{ "outer(int)::{lambda(int)#1}::operator()", "_Zz", NULL,
	  "outer(int)::{lambda(int)#1}::operator()(int) const", true },
	{ "C::f", "_Zz", NULL, "C::f(int) const::{lambda()#1}::operator()() const", false },
	{ "f", "_Z1fv", NULL, "f[abi:cxx11]()", true },
	{ "f()", "_Z1fv", NULL, "f[abi:cxx11]()", true },
	{ "f[abi:cxx11]", "_Z1fv", NULL, "f[abi:cxx11]()", true },
	{ "f[abi:cxx12]", "_Z1fv", NULL, "f[abi:cxx11]()", false },
	{ "f(int)", "_Z1fi.isra.0", NULL, "f(int) [clone .isra.0]", true },
	{ "f", "_Z1fi.cold", NULL, "f(int) [clone .cold]", false },
	{ "_Z1fi.cold", "_Z1fi.cold", NULL, "f(int) [clone .cold]", true },
	{ "C::f", "_Zz", NULL, "non-virtual thunk to C::f(int)", false },
	{ "*widget*", "_Z1fN6widgetE", NULL, "f(widget)", false },
	{ "_Z1f*", "_Z1fN6widgetE", NULL, "f(widget)", true },
	{ "a::f@V1", "_Zz", "V1", "a::f(int)", true },
	{ "a::f(int)@V2", "_Zz", "V1", "a::f(int)", false },
};

static void symbols(void **state)
{

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(symbol_rows); i++) {
		struct fspec s;

		assert_int_equal(fspec_parse(symbol_rows[i].spec, &s, NULL), 0);
		if (fspec_symbol_matches(&s, symbol_rows[i].mangled, symbol_rows[i].version,
					 symbol_rows[i].demangled) != symbol_rows[i].yes)
			fail_msg("%s ~ %s / %s", symbol_rows[i].spec, symbol_rows[i].mangled,
				 symbol_rows[i].demangled);
		fspec_fini(&s);
	}
}

static void shortened(void **state)
{
	static const char *const pairs[][2] = {
		{ "f(" STRING " const&, int)", "f(std::string const&, int)" },
		{ "std::v<" STRING ", std::a<" STRING " > >",
		  "std::v<std::string, std::a<std::string> >" },
		{ STRING "::size() const", "std::string::size() const" },
		{ "f(n::" STRING ")", "f(n::" STRING ")" },
		{ "f(int) [clone .cold]", "f(int) [clone .cold]" },
		{ "", "" },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		snprintf(text, sizeof(text), "%s", pairs[i][0]);
		cxx_name_shorten(text);
		assert_string_equal(text, pairs[i][1]);
	}
}

static void counts(void **state)
{
	static const struct {
		const char *text;
		int n;
	} cases[] = {
		{ "f", -1 },
		{ "f()", 0 },
		{ "C::f(int) const", 1 },
		{ "f(int, ...)", 1 },
		{ "f(...)", 0 },
		{ "f(std::map<int, char>, char (*)(int, int), int (&) [3])", 3 },
		{ "void (*tf<int, 3>(int, long))(char, char, char)", 2 },
		{ "int (C::*f(std::map<int, char (*)(a, b)>, C))(char) const", 2 },
		{ "C::operator()(int, decltype (f(a, b)))", 2 },
		{ "C::operator T<int, int>()", 0 },
		{ "outer(int, int)::{lambda(int, char)#1}::operator()(int, char) const", 2 },
		{ "f(E<(1, 2)>, E<(a>b)>) [clone .isra.0]", 2 },
		{ "f(int", 1 },
		{ "f(", 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cxx_name name;

		cxx_name_split(cases[i].text, &name);
		if (cxx_name_count(&name) != cases[i].n)
			fail_msg("%s: %d parameters, not %d", cases[i].text, cxx_name_count(&name),
				 cases[i].n);
	}
}

static void distances(void **state)
{
	(void)state;
	/* want, and what there is from nearest to farthest */
	static const char *const order[][6] = {
		{ "malloc", "malloc", "Malloc", "mall_oc", "maloc", "calloc" },
		{ "ssl_write", "SSL_write", "SSL_write_ex", "SSL_writer_ex_more", "SSL_wait" },
		{ "sqlite3step", "sqlite3_step", "sqlite3_stepper", "sqlite3_strlen" },
		{ "over", "ns::over", "cover", "ns::C::over2", "ns::mover" },
		{ "getaddr", "get_addr", "getaddrinfo", "getaddrs_of_all", "getattr" },
		{ "abdc", "abcd", "abcde" },
	};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		for (size_t k = 2; k < 6 && order[i][k]; k++) {
			unsigned near = name_cost(order[i][0], order[i][k - 1]);
			unsigned far = name_cost(order[i][0], order[i][k]);

			if (near > far)
				fail_msg("%s: %s is %u, %s %u", order[i][0], order[i][k - 1], near,
					 order[i][k], far);
		}
	}
	assert_int_equal(name_cost("abc", "abc"), 0);
	assert_int_equal(name_cost("a_bc", "abc"), name_cost("abc", "a_bc"));
	assert_int_equal(name_cost("malloc", "getaddrinfo"), NAME_FAR);
	assert_int_equal(name_cost("abc", ""), NAME_FAR);
	assert_int_equal(name_cost("", "xy"), NAME_FAR);
	assert_int_equal(name_cost("", ""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),     cmocka_unit_test(addresses),
		cmocka_unit_test(globs),     cmocka_unit_test(modules),
		cmocka_unit_test(symbols),   cmocka_unit_test(distances),
		cmocka_unit_test(shortened), cmocka_unit_test(counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
