/* signature.c - random signatures, most of them with stack arguments; see harness.h. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

static const char *const types[] = {
	"i8",
	"u8",
	"i16",
	"u16",
	"i32",
	"u32",
	"i64",
	"u64",
	"p",
	"bool",
	"f32",
	"f64",
	"i128",
	"u128",
	"x80",
	"v128",
	"{i32,i8}",
	"{i64,f64}",
	"{f32,f32}",
	"{f64,i32}",
	"{f32,f32,f32}",
	"{u8[5]}",
	"{u8[3]}",
	"{i64,i64,i64}",
	"{u8[40]}",
	"{i64}@16",
	"{i64,i64}@32",
	"!{i8,i64}",
	"<i64|f64>",
	"{i32,{f32,u8}}",
	"{u8[200]}",
	"{x80}",
	"{i64,i64}@64",
	"!{u8,i64,i16}",
	"{f64,f64}",
	"f16",
};

static const char *const simple[] = { "void",      "i32",       "i64",       "u8",
				      "p",         "f32",       "f64",       "{i64,f64}",
				      "{i64,i64}", "{f64,i64}", "{f64,f64}", "i128" };

static const char *pick(uint64_t *s, int fmod)
{
	if (fmod)
		return simple[rnd_below(s, sizeof(simple) / sizeof(simple[0]))];
	return types[rnd_below(s, sizeof(types) / sizeof(types[0]))];
}

void random_signature(uint64_t *s, char *out, size_t cap, int fmod)
{
	unsigned n = rnd_below(s, 4) ? rnd_below(s, 12) : rnd_below(s, 60);
	size_t len = (size_t)snprintf(out, cap, "%s(", pick(s, fmod));

	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(out + len, cap - len, "%s%s", i ? "," : "", pick(s, 0));
	snprintf(out + len, cap - len, ")");
}
