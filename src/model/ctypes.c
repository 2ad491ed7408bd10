/*
 * model/ctypes.c - see ctypes.h.
 */
#include "model/ctypes.h"

#include <string.h>

#define INT_(text, bytes, fl) \
	{ \
		.kind = TY_INT, .name = text, .size = bytes, .align = bytes, .flags = fl \
	}
#define FLOAT_(text, bytes, fl) \
	{ \
		.kind = TY_FLOAT, .name = text, .size = bytes, .align = bytes, .flags = fl \
	}
#define COMPLEX_(text, part, fl) \
	{ \
		.kind = TY_FLOAT, .name = text, .size = 2 * (part), .align = part, \
		.flags = TY_COMPLEX | (fl) \
	}

enum {
	VOID,
	BOOL,
	CHAR,
	SCHAR,
	UCHAR,
	SHORT,
	USHORT,
	INT,
	UINT,
	LONG,
	ULONG,
	LLONG,
	ULLONG,
	I128,
	U128,
	FLOAT,
	DOUBLE,
	LDOUBLE,
	CFLOAT,
	CDOUBLE,
	CLDOUBLE,
	FLOAT16,
	FLOAT128,
	CFLOAT128
};

static const struct ty builtin[] = {
	[VOID] = { .kind = TY_VOID, .name = "void" },
	[BOOL] = INT_("_Bool", 1, TY_BOOL),
	[CHAR] = INT_("char", 1, TY_CHAR | TY_SIGNED),
	[SCHAR] = INT_("signed char", 1, TY_CHAR | TY_SIGNED),
	[UCHAR] = INT_("unsigned char", 1, TY_CHAR),
	[SHORT] = INT_("short", 2, TY_SIGNED),
	[USHORT] = INT_("unsigned short", 2, 0),
	[INT] = INT_("int", 4, TY_SIGNED),
	[UINT] = INT_("unsigned int", 4, 0),
	[LONG] = INT_("long", 8, TY_SIGNED),
	[ULONG] = INT_("unsigned long", 8, 0),
	[LLONG] = INT_("long long", 8, TY_SIGNED),
	[ULLONG] = INT_("unsigned long long", 8, 0),
	[I128] = INT_("__int128", 16, TY_SIGNED),
	[U128] = INT_("unsigned __int128", 16, 0),
	[FLOAT] = FLOAT_("float", 4, 0),
	[DOUBLE] = FLOAT_("double", 8, 0),
	[LDOUBLE] = FLOAT_("long double", 16, TY_X87),
	[CFLOAT] = COMPLEX_("_Complex float", 4, 0),
	[CDOUBLE] = COMPLEX_("_Complex double", 8, 0),
	[CLDOUBLE] = COMPLEX_("_Complex long double", 16, TY_X87),
	[FLOAT16] = FLOAT_("_Float16", 2, 0),
	[FLOAT128] = FLOAT_("_Float128", 16, 0),
	[CFLOAT128] = COMPLEX_("_Complex _Float128", 16, 0),
};

static const struct {
	char name[13];
	unsigned word;
} words[] = {
	{ "void", CW_VOID },           { "char", CW_CHAR },
	{ "short", CW_SHORT },         { "int", CW_INT },
	{ "long", CW_LONG },           { "float", CW_FLOAT },
	{ "double", CW_DOUBLE },       { "signed", CW_SIGNED },
	{ "__signed__", CW_SIGNED },   { "unsigned", CW_UNSIGNED },
	{ "_Bool", CW_BOOL },          { "bool", CW_BOOL },
	{ "_Complex", CW_COMPLEX },    { "__int128", CW_INT128 },
	{ "__int128_t", CW_INT128 },   { "_Float128", CW_FLOAT128 },
	{ "__float128", CW_FLOAT128 }, { "_Float16", CW_FLOAT16 },
};

/* CW_INT is taken away beforehand wherever it says nothing. */
static const struct {
	unsigned words;
	uint8_t type;
} combinations[] = {
	{ CW_VOID, VOID },
	{ CW_BOOL, BOOL },
	{ CW_CHAR, CHAR },
	{ CW_CHAR | CW_SIGNED, SCHAR },
	{ CW_CHAR | CW_UNSIGNED, UCHAR },
	{ CW_SHORT, SHORT },
	{ CW_SHORT | CW_SIGNED, SHORT },
	{ CW_SHORT | CW_UNSIGNED, USHORT },
	{ CW_INT, INT },
	{ CW_SIGNED, INT },
	{ CW_UNSIGNED, UINT },
	{ CW_LONG, LONG },
	{ CW_LONG | CW_SIGNED, LONG },
	{ CW_LONG | CW_UNSIGNED, ULONG },
	{ CW_LONG | CW_LONG2, LLONG },
	{ CW_LONG | CW_LONG2 | CW_SIGNED, LLONG },
	{ CW_LONG | CW_LONG2 | CW_UNSIGNED, ULLONG },
	{ CW_INT128, I128 },
	{ CW_INT128 | CW_SIGNED, I128 },
	{ CW_INT128 | CW_UNSIGNED, U128 },
	{ CW_FLOAT, FLOAT },
	{ CW_DOUBLE, DOUBLE },
	{ CW_DOUBLE | CW_LONG, LDOUBLE },
	{ CW_FLOAT | CW_COMPLEX, CFLOAT },
	{ CW_DOUBLE | CW_COMPLEX, CDOUBLE },
	{ CW_DOUBLE | CW_LONG | CW_COMPLEX, CLDOUBLE },
	{ CW_FLOAT16, FLOAT16 },
	{ CW_FLOAT128, FLOAT128 },
	{ CW_FLOAT128 | CW_COMPLEX, CFLOAT128 },
};

#define VECTOR_(bytes, elem, count) \
	{ \
		.kind = TY_ARRAY, .name = "", .size = bytes, .align = bytes, .flags = TY_VECTOR, \
		.n = count, .of = &builtin[elem] \
	}

enum { V64, V128, V128D, V128I, V256, V256D, V256I, V512, V512D, V512I };

static const struct ty vector[] = {
	[V64] = VECTOR_(8, INT, 2),       [V128] = VECTOR_(16, FLOAT, 4),
	[V128D] = VECTOR_(16, DOUBLE, 2), [V128I] = VECTOR_(16, LLONG, 2),
	[V256] = VECTOR_(32, FLOAT, 8),   [V256D] = VECTOR_(32, DOUBLE, 4),
	[V256I] = VECTOR_(32, LLONG, 4),  [V512] = VECTOR_(64, FLOAT, 16),
	[V512D] = VECTOR_(64, DOUBLE, 8), [V512I] = VECTOR_(64, LLONG, 8),
};

/* A va_list parameter is a pointer: the type is an array of one (psABI 3.5.7). */
static const struct ty pointer = {
	.kind = TY_PTR, .name = "", .size = 8, .align = 8, .of = &builtin[VOID]
};

#define TYPEDEF_(text, type) \
	{ \
		.kind = TY_TYPEDEF, .name = text, .of = type \
	}
#define B(type) &builtin[type]

static const struct ty named[] = {
	TYPEDEF_("size_t", B(ULONG)),
	TYPEDEF_("ssize_t", B(LONG)),
	TYPEDEF_("ptrdiff_t", B(LONG)),
	TYPEDEF_("intptr_t", B(LONG)),
	TYPEDEF_("uintptr_t", B(ULONG)),
	TYPEDEF_("int8_t", B(SCHAR)),
	TYPEDEF_("int16_t", B(SHORT)),
	TYPEDEF_("int32_t", B(INT)),
	TYPEDEF_("int64_t", B(LONG)),
	TYPEDEF_("uint8_t", B(UCHAR)),
	TYPEDEF_("uint16_t", B(USHORT)),
	TYPEDEF_("uint32_t", B(UINT)),
	TYPEDEF_("uint64_t", B(ULONG)),
	TYPEDEF_("int_least8_t", B(SCHAR)),
	TYPEDEF_("int_least16_t", B(SHORT)),
	TYPEDEF_("int_least32_t", B(INT)),
	TYPEDEF_("int_least64_t", B(LONG)),
	TYPEDEF_("uint_least8_t", B(UCHAR)),
	TYPEDEF_("uint_least16_t", B(USHORT)),
	TYPEDEF_("uint_least32_t", B(UINT)),
	TYPEDEF_("uint_least64_t", B(ULONG)),
	TYPEDEF_("int_fast8_t", B(SCHAR)),
	TYPEDEF_("int_fast16_t", B(LONG)),
	TYPEDEF_("int_fast32_t", B(LONG)),
	TYPEDEF_("int_fast64_t", B(LONG)),
	TYPEDEF_("uint_fast8_t", B(UCHAR)),
	TYPEDEF_("uint_fast16_t", B(ULONG)),
	TYPEDEF_("uint_fast32_t", B(ULONG)),
	TYPEDEF_("uint_fast64_t", B(ULONG)),
	TYPEDEF_("intmax_t", B(LONG)),
	TYPEDEF_("uintmax_t", B(ULONG)),
	TYPEDEF_("__uint128_t", B(U128)),
	TYPEDEF_("wchar_t", B(INT)),
	TYPEDEF_("wint_t", B(UINT)),
	TYPEDEF_("char16_t", B(USHORT)),
	TYPEDEF_("char32_t", B(UINT)),
	TYPEDEF_("char8_t", B(UCHAR)),
	TYPEDEF_("sig_atomic_t", B(INT)),
	TYPEDEF_("off_t", B(LONG)),
	TYPEDEF_("off64_t", B(LONG)),
	TYPEDEF_("loff_t", B(LONG)),
	TYPEDEF_("time_t", B(LONG)),
	TYPEDEF_("clock_t", B(LONG)),
	TYPEDEF_("suseconds_t", B(LONG)),
	TYPEDEF_("useconds_t", B(UINT)),
	TYPEDEF_("clockid_t", B(INT)),
	TYPEDEF_("timer_t", &pointer),
	TYPEDEF_("pid_t", B(INT)),
	TYPEDEF_("uid_t", B(UINT)),
	TYPEDEF_("gid_t", B(UINT)),
	TYPEDEF_("id_t", B(UINT)),
	TYPEDEF_("key_t", B(INT)),
	TYPEDEF_("mode_t", B(UINT)),
	TYPEDEF_("dev_t", B(ULONG)),
	TYPEDEF_("ino_t", B(ULONG)),
	TYPEDEF_("ino64_t", B(ULONG)),
	TYPEDEF_("nlink_t", B(ULONG)),
	TYPEDEF_("blksize_t", B(LONG)),
	TYPEDEF_("blkcnt_t", B(LONG)),
	TYPEDEF_("rlim_t", B(ULONG)),
	TYPEDEF_("nfds_t", B(ULONG)),
	TYPEDEF_("socklen_t", B(UINT)),
	TYPEDEF_("sa_family_t", B(USHORT)),
	TYPEDEF_("in_addr_t", B(UINT)),
	TYPEDEF_("in_port_t", B(USHORT)),
	TYPEDEF_("pthread_t", B(ULONG)),
	TYPEDEF_("uint", B(UINT)),
	TYPEDEF_("ulong", B(ULONG)),
	TYPEDEF_("ushort", B(USHORT)),
	TYPEDEF_("u_char", B(UCHAR)),
	TYPEDEF_("u_short", B(USHORT)),
	TYPEDEF_("u_int", B(UINT)),
	TYPEDEF_("u_long", B(ULONG)),
	TYPEDEF_("va_list", &pointer),
	TYPEDEF_("__builtin_va_list", &pointer),
	TYPEDEF_("__m64", &vector[V64]),
	TYPEDEF_("__m128", &vector[V128]),
	TYPEDEF_("__m128d", &vector[V128D]),
	TYPEDEF_("__m128i", &vector[V128I]),
	TYPEDEF_("__m256", &vector[V256]),
	TYPEDEF_("__m256d", &vector[V256D]),
	TYPEDEF_("__m256i", &vector[V256I]),
	TYPEDEF_("__m512", &vector[V512]),
	TYPEDEF_("__m512d", &vector[V512D]),
	TYPEDEF_("__m512i", &vector[V512I]),
};

unsigned ctype_word(const char *word, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strlen(words[i].name) == n && !memcmp(words[i].name, word, n))
			return words[i].word;
	}
	return 0;
}

const struct ty *ctype_of_words(unsigned set)
{
	if (set & (CW_SHORT | CW_LONG | CW_SIGNED | CW_UNSIGNED) &&
	    !(set & (CW_CHAR | CW_DOUBLE | CW_INT128)))
		set &= ~(unsigned)CW_INT;
	for (size_t i = 0; i < ARRAY_LEN(combinations); i++) {
		if (combinations[i].words == set)
			return &builtin[combinations[i].type];
	}
	return NULL;
}

const struct ty *ctype_named(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		if (strlen(named[i].name) == n && !memcmp(named[i].name, name, n))
			return &named[i];
	}
	return NULL;
}
