/*
 * info/maker.c - see maker.h.
 *
 * gcc writes its options (-grecord-gcc-switches, its default), -march= among them always; explicit
 * options outweigh what a -march= implies, wherever they stand (gcc 12 manual, "x86 Options").
 * At link time (GNU GIMPLE) they are those of the link, not of the code.
 */
#include "info/maker.h"

#include <stdlib.h>
#include <string.h>

struct word {
	const char *s;
	size_t n;
};

static bool next_word(const char **at, struct word *out)
{
	*at += strspn(*at, " ");
	out->s = *at;
	out->n = strcspn(*at, " ");
	*at += out->n;
	return out->n > 0;
}

static bool is(const struct word *w, const char *text)
{
	return strlen(text) == w->n && !memcmp(w->s, text, w->n);
}

static bool begins(const struct word *w, const char *text)
{
	return w->n >= strlen(text) && !memcmp(w->s, text, strlen(text));
}

/* By -march= of gcc 12, less those that are for 32 bits only; 0: one that is not listed. */
static uint8_t vector_of_arch(const struct word *w)
{
	static const char *const none[] = {
		"x86-64",        "x86-64-v2", "nocona",        "core2",   "nehalem",
		"corei7",        "westmere",  "bonnell",       "atom",    "silvermont",
		"slm",           "goldmont",  "goldmont-plus", "tremont", "k8",
		"opteron",       "athlon64",  "athlon-fx",     "k8-sse3", "opteron-sse3",
		"athlon64-sse3", "amdfam10",  "barcelona",     "btver1",  "eden-x2",
		"nano",          "eden-x4",
	};
	static const char *const avx[] = {
		"x86-64-v3", "sandybridge", "corei7-avx", "ivybridge", "core-avx-i", "haswell",
		"core-avx2", "broadwell",   "skylake",    "alderlake", "bdver1",     "bdver2",
		"bdver3",    "bdver4",      "btver2",     "znver1",    "znver2",     "znver3",
	};
	static const char *const avx512[] = {
		"x86-64-v4",
		"knl",
		"knm",
		"skylake-avx512",
		"cannonlake",
		"icelake-client",
		"icelake-server",
		"cascadelake",
		"tigerlake",
		"cooperlake",
		"sapphirerapids",
		"rocketlake",
		"znver4",
	};

	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		if (is(w, none[i]))
			return 16;
	for (size_t i = 0; i < ARRAY_LEN(avx); i++)
		if (is(w, avx[i]))
			return 32;
	for (size_t i = 0; i < ARRAY_LEN(avx512); i++)
		if (is(w, avx512[i]))
			return 64;
	return 0;
}

/* What the options say beside -march=. */
struct said {
	bool avx, no_avx, avx512, no_avx512;
	bool maybe_avx; /* it depends on the version of gcc */
	bool other;     /* younger, or rare: not known here */
};

static void read_option(const struct word *w, struct said *s)
{
	static const char *const need_avx[] = { "-mavx",  "-mavx2", "-mfma",    "-mfma4",
						"-mf16c", "-mxop",  "-mavxvnni" };

	for (size_t i = 0; i < ARRAY_LEN(need_avx); i++) {
		if (is(w, need_avx[i])) {
			s->avx = true;
			s->no_avx = false;
		}
	}
	if (is(w, "-mno-avx")) {
		s->no_avx = true;
		s->avx = s->avx512 = false;
	} else if (is(w, "-mno-avx512f")) {
		s->no_avx512 = true;
		s->avx512 = false;
	} else if (begins(w, "-mavx512")) {
		s->avx512 = true;
		s->no_avx = s->no_avx512 = false;
	} else if (is(w, "-mvaes") || is(w, "-mvpclmulqdq")) {
		s->maybe_avx = true;
	} else if (begins(w, "-mavx10") || is(w, "-mgeneral-regs-only")) {
		s->other = true;
	}
}

static uint8_t vector_of(const char *options)
{
	struct said s = { 0 };
	uint8_t vector = 0;
	struct word w;

	while (next_word(&options, &w)) {
		if (begins(&w, "-march=")) {
			struct word arch = { w.s + 7, w.n - 7 };

			vector = vector_of_arch(&arch);
		}
		read_option(&w, &s);
	}
	if (!vector || s.other)
		return 0;
	if (s.no_avx)
		return 16;
	if (s.avx512)
		return 64;
	if (vector == 64 && s.no_avx512)
		return 32;
	if (s.avx && vector < 32)
		return 32;
	return s.maybe_avx && vector < 32 ? 0 : vector;
}

static uint16_t number(const char *s)
{
	unsigned long v = strtoul(s, NULL, 10);

	return v < UINT16_MAX ? (uint16_t)v : 0;
}

/* "GNU C17 12.2.0 ...", "GNU GIMPLE 12.2.0 ..."; the assembler is "GNU AS". */
static struct proto_maker read_gcc(const char *s)
{
	struct proto_maker m = { .compiler = MAKER_GCC };
	struct word w;
	bool lto;

	if (!next_word(&s, &w) || is(&w, "AS"))
		return (struct proto_maker){ 0 };
	lto = is(&w, "GIMPLE");
	while (next_word(&s, &w) && (*w.s < '0' || *w.s > '9'))
		;
	m.version = w.n ? number(w.s) : 0;
	m.vector = lto ? 0 : vector_of(s);
	return m;
}

static bool is_known_vendor(const char *s, size_t n)
{
	static const char *const list[] = { "Debian", "Ubuntu", "Fedora", "Alpine", "FreeBSD" };
	struct word w = { s, n };

	if (!n)
		return true;
	if (s[n - 1] != ' ')
		return false;
	w.n--;
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		if (is(&w, list[i]))
			return true;
	return begins(&w, "Android (") && s[w.n - 1] == ')';
}

struct proto_maker maker_parse(const char *producer)
{
	static const char clang[] = "clang version ";
	struct proto_maker m = { .compiler = MAKER_CLANG };
	const char *at;

	if (!strncmp(producer, "GNU ", 4))
		return read_gcc(producer + 4);
	at = strstr(producer, clang);
	if (!at || !is_known_vendor(producer, (size_t)(at - producer)))
		return (struct proto_maker){ 0 };
	at += sizeof(clang) - 1;
	m.version = number(at);
	/* releases are 18.1 and so on: what calls itself 18.0 is some state between two */
	if (m.version >= 18 && !strncmp(at + strspn(at, "0123456789"), ".0.", 3))
		m.version = 0;
	return m;
}
