/*
 * gen/trace_printf.c: entry programs of printf-like functions, run by both engines on the context and
 * the words that a trampoline gives them, and the lines; records that no program wrote.
 */
#include "rig.h"
#include "shm/varargs.h"

#include <stdio.h>

#define ADDR(x) ((uint64_t)(uintptr_t)(x))

static const char two[] = "two", long_string[] = "0123456789abcdefghij";

/* ctx[-2], then slots, then from slot 8 behind them the words */
struct frame {
	uint64_t word[64];
	_Alignas(16) uint64_t stack[32];
};

static uint64_t *ctx_of(struct frame *f)
{
	return f->word + 2;
}

static void fill(struct frame *f, unsigned nslots, const uint64_t *slot, const uint64_t *gpr,
		 const double *real)
{
	uint64_t *w = ctx_of(f) + nslots + FM_VARARGS_SLOT;

	memset(f->word, 0, sizeof(f->word));
	memcpy(ctx_of(f), slot, 8 * nslots);
	memcpy(w, gpr, 6 * 8);
	w[SHM_VA_RAX] = 8;
	memcpy(w + SHM_VA_XMM, real, 8 * 8);
	w[SHM_VA_STACK] = ADDR(f->stack);
	for (unsigned i = 0; i < ARRAY_LEN(f->stack); i++)
		f->stack[i] = 100 + i;
	f->stack[10] = 0xc000000000000000; /* long double 1.5 */
	f->stack[11] = 0x3fff;
}

#define PRINTF "int printf(const char *format, ...)"

static const struct {
	const char *proto;
	unsigned before; /* arguments before the format, all 1 */
	const char *format;
	const char *json; /* behind the format, up to the '}' of "args" */
	const char *text;
} cases[] = {
	{ PRINTF, 0, "x=%d %s\n", ",\"...\":[-7,{\"ptr\":\"%p\",\"str\":\"two\"}]",
	  ", -7, \"two\"" },
	{ PRINTF, 0, "no more", "", "" },
	{ PRINTF, 0, "%%%m", "", "" },
	{ PRINTF, 0, "%hhu %n %hd %u", ",\"...\":[249,\"%p\",3,4]", ", 249, %p, 3, 4" },
	{ PRINTF, 0, "%c %f %g", ",\"...\":[-7,0.5,1e+300]", ", -7, 0.5, 1e+300" },
	{ PRINTF, 0, "%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%Lf", /* 10 words on the stack */
	  ",\"...\":[-7,REST,3,4,5,100,101,102,103,104,105,106,107,108,109,1.5]",
	  ", -7, REST, 3, 4, 5, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 1.5" },
	{ PRINTF, 0, "%d%y%d", ",\"...\":[-7]", ", -7, ..." },
	{ PRINTF, 0, "%y", "", ", ..." },
	{ PRINTF, 0, "\x02%d", "", "" },
	{ PRINTF, 0, "%3$d %1$p %2$s",
	  ",\"...\":[\"0xfffffffffffffff9\",{\"ptr\":\"%p\",\"str\":\"two\"},3]",
	  ", 0xfffffffffffffff9, \"two\", 3" },
	{ PRINTF, 0, "%d %.2s", ",\"...\":[-7,{\"ptr\":\"%p\",\"str\":\"tw\"}]", ", -7, \"tw\"" },
	{ PRINTF, 0, "%d %.0s", ",\"...\":[-7,{\"ptr\":\"%p\",\"str\":\"\"}]", ", -7, \"\"" },
	{ PRINTF, 0, "%s", ",\"...\":[{\"ptr\":\"0xfffffffffffffff9\",\"str\":null}]",
	  ", 0xfffffffffffffff9" },
	/* the format is read further than it is shown */
	{ PRINTF, 0, "0123456789abcdef %d", ",\"...\":[-7]", ", -7" },
	{ "void log_msg(int level, const char *fmt, ...)", 1, "%s",
	  ",\"...\":[{\"ptr\":\"%p\",\"str\":\"two\"}]", ", \"two\"" },
	{ "void warn(long a, long b, long c, long d, long e, char *format, ...)", 5, "%d %d",
	  ",\"...\":[100,101]", ", 100, 101" },
	{ "int sscanf(const char *fmt, ...)", 0, "%d %s",
	  ",\"...\":[\"0xfffffffffffffff9\",\"%p\"]", ", 0xfffffffffffffff9, %p" },
	{ "int __isoc99_sscanf(const char *fmt, ...)", 0, "%*d%s",
	  ",\"...\":[\"0xfffffffffffffff9\"]", ", 0xfffffffffffffff9" },
	/* none of the kind */
	{ "int execl(const char *path, const char *arg, ...)", 1, "-c", "", "" },
	{ "void put(char *text, ...)", 0, "%d", "", "" },
	{ "void put(const unsigned char *text)", 0, "%d", "", "" },
};

/* %p: the address of two; REST: what of it an int shows */
static void expand(const char *from, char *to, size_t room)
{
	size_t n = 0;

	for (to[0] = '\0'; *from; n = strlen(to)) {
		if (!strncmp(from, "%p", 2)) {
			snprintf(to + n, room - n, "0x%llx", (unsigned long long)ADDR(two));
			from += 2;
		} else if (!strncmp(from, "REST", 4)) {
			snprintf(to + n, room - n, "%d", (int)ADDR(two));
			from += 4;
		} else {
			snprintf(to + n, room - n, "%c", *from++);
		}
	}
}

/* Behind the format's value: the shown string ends with a quote, cut or not. */
static const char *behind_format(const char *line, const char *format, bool json)
{
	char shown[64];
	const char *at;

	if (strchr(format, '\n') || format[0] == 2)
		at = strstr(line, json ? "\"}" : "\"");
	else
		at = NULL;
	snprintf(shown, sizeof(shown), "%.16s\"", format);
	if (!at)
		at = strstr(line, shown);
	else if (!json)
		at = strchr(at + 1, '"');
	if (!at)
		fail_msg("%s: no format in %s", format, line);
	at = strchr(at, '"') + 1;
	if (json && *at == '}')
		at++;
	if (!strncmp(at, "...", 3))
		at += 3;
	return at;
}

static void check_line(const char *line, unsigned i, bool json)
{
	const char *at = behind_format(line, cases[i].format, json), *end;
	char want[512];

	expand(json ? cases[i].json : cases[i].text, want, sizeof(want));
	end = json ? strstr(at, "},\"entry\":true}") : strrchr(at, ')');
	if (!end || strlen(want) != (size_t)(end - at) || strncmp(at, want, strlen(want)))
		fail_msg("%s, %s:\n  got  %s\n  want %s", cases[i].proto, cases[i].format, line,
			 want);
}

static void run_cases(bool json)
{
	static const double real[8] = { 0.5, 1e300 };
	const uint64_t gpr[6] = { 0, (uint64_t)-7, ADDR(two), 3, 4, 5 };
	struct gen_trace_opts opts = { .json = json, .strings = 16 };
	static struct rig r;

	rig_init(&r, &opts, 65536);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t slot[8] = { 1, 1, 1, 1, 1 };
		struct frame f;
		struct rig_func fn;
		struct program *p;

		rig_func(&fn, r.trace, cases[i].proto, true, false);
		slot[cases[i].before] = ADDR(cases[i].format);
		fill(&f, fn.model->nslots, slot, gpr, real);
		p = rig_load(&r, &fn, false);
		rig_interp(&r, p, ctx_of(&f));
		assert_int_equal(rig_jit(&r, p)(ADDR(ctx_of(&f)), 0), 0);
		rig_drain(&r);
		assert_int_equal(r.lines->n, 2);
		check_line(r.lines->at[0], i, json);
		check_line(r.lines->at[1], i, json);
		rig_lines_reset(r.lines);
		program_put(p);
		rig_func_free(&fn);
	}
	rig_fini(&r);
}

static void lines_json(void **state)
{
	run_cases(true);
}

static void lines_text(void **state)
{
	run_cases(false);
}

/* One call of printf. */
static const char *one_line(struct rig *r, const struct gen_trace_opts *opts, const char *format)
{
	static const double real[8];
	const uint64_t gpr[6] = { 0, ADDR(long_string), 2, 3, 4, 5 };
	uint64_t slot[1] = { ADDR(format) };
	struct frame f;
	struct rig_func fn;
	struct program *p;

	rig_init(r, opts, 65536);
	rig_func(&fn, r->trace, PRINTF, true, false);
	fill(&f, 1, slot, gpr, real);
	p = rig_load(r, &fn, false);
	rig_interp(r, p, ctx_of(&f));
	rig_drain(r);
	program_put(p);
	rig_func_free(&fn);
	assert_int_equal(r->lines->n, 1);
	return r->lines->at[0];
}

static void strings(void **state)
{
	struct gen_trace_opts opts = { .strings = 4 };
	static struct rig r;
	char want[256], format[600];

	assert_string_equal(one_line(&r, &opts, "<%s> %d"),
			    "m:printf(format=\"<%s>\"..., \"0123\"..., 2)");
	rig_fini(&r);
	opts.strings = 0;
	snprintf(want, sizeof(want), "m:printf(format=0x%llx, 0x%llx, 2)",
		 (unsigned long long)ADDR(format), (unsigned long long)ADDR(long_string));
	strcpy(format, "<%s> %d");
	assert_string_equal(one_line(&r, &opts, format), want);
	rig_fini(&r);
	/* as far as it is read */
	memset(format, 'x', sizeof(format));
	format[sizeof(format) - 1] = '\0';
	memcpy(format, "%s", 2);
	memcpy(format + 300, "%d", 2);
	opts.strings = 3;
	assert_string_equal(one_line(&r, &opts, format),
			    "m:printf(format=\"%sx\"..., \"012\"..., ...)");
	rig_fini(&r);
	opts.strings = 1500;
	assert_non_null(strstr(one_line(&r, &opts, format), "xx\", \"0123456789abcdefghij\", 2)"));
	rig_fini(&r);
	assert_string_equal(one_line(&r, &opts, NULL), "m:printf(format=NULL)");
	rig_fini(&r);
	assert_string_equal(one_line(&r, &opts, (const char *)16), "m:printf(format=0x10)");
	rig_fini(&r);
}

/* A va_list behind the format; the result comes as of other functions. */
static void list_behind_it(void **state)
{
	struct gen_trace_opts opts = { .strings = 16 };
	const uint64_t save[22] = { 1, 2, 3, ADDR(two), 5, 6 };
	const struct {
		uint32_t gp, fp;
		const void *overflow, *save;
	} list = { 24, 48, NULL, save };
	uint64_t ctx[8] = { 0, 0, 7, ADDR("%s %d"), ADDR(&list), 9, 11 };
	static struct rig r;
	struct rig_func f, g;
	struct program *p;
	char want[128];

	rig_init(&r, &opts, 65536);
	rig_func(&f, r.trace, "int vf(int a, const char *fmt, struct __va_list_tag *ap, int b)",
		 true, true);
	assert_int_equal(r.trace->funcs.at[f.id].entry.varargs, 0); /* no such struct is known */
	rig_func(
		&g, r.trace,
		"int vf(int a, const char *fmt, struct __va_list_tag { int gp, fp; void *o, *s; } *ap, "
		"int b)",
		true, true);
	assert_int_not_equal(r.trace->funcs.at[g.id].entry.varargs, 0);
	assert_int_equal(r.trace->funcs.at[g.id].exit.varargs, 0);
	for (int exit = 0; exit < 2; exit++) {
		p = rig_load(&r, &g, exit);
		rig_interp(&r, p, ctx + 2);
		program_put(p);
	}
	rig_drain(&r);
	assert_int_equal(r.lines->n, 1);
	snprintf(want, sizeof(want), "m:vf(a=7, fmt=\"%%s %%d\", ap=0x%llx, b=9, \"two\", 5) = 11",
		 (unsigned long long)ADDR(&list));
	*strstr(r.lines->at[0], " <") = '\0';
	assert_string_equal(rig_flat(r.lines->at[0]), want);
	rig_func_free(&f);
	rig_func_free(&g);
	rig_fini(&r);
}

static void none_of_them(void **state)
{
	const struct gen_trace_buf buf = { .arg = "format", .n = 2 };
	struct gen_trace_opts opts = { .strings = 16, .buf = &buf, .nbufs = 1 };
	struct gen_trace *t;
	struct rig_func f, g, h;

	assert_int_equal(gen_trace_new(&opts, &t), 0);
	rig_func(&f, t, PRINTF, true, false);
	rig_func(&g, t, "void g(const char *fmt, ...)", true, false);
	/* no room is left in a record */
	t->opts.strings = 2000;
	rig_func(&h, t, "void h(char *a, char *b, const char *fmt, ...)", true, false);
	assert_int_equal(t->funcs.at[h.id].entry.varargs, 0);
	assert_int_equal(t->funcs.at[f.id].entry.varargs, 0);
	assert_int_not_equal(t->funcs.at[g.id].entry.varargs, 0);
	gen_trace_free(t);
	rig_func_free(&f);
	rig_func_free(&g);
	rig_func_free(&h);
}

static void filtered(void **state)
{
	struct gen_trace_opts opts = { .strings = 16, .filter = "format != 0" };
	static struct rig r;
	char want[128];

	snprintf(want, sizeof(want), "m:printf(format=\"%%n%%d\", 0x%llx, 2)",
		 (unsigned long long)ADDR(long_string));

	assert_string_equal(one_line(&r, &opts, "%n%d"), want);
	rig_fini(&r);
}

/* -- records that no program wrote ------------------------------------------------------------- */

static uint64_t seed = 20261127;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

static uint64_t lines;

static void any_line(void *arg, const char *text, size_t n)
{
	bool quoted = false;
	int depth = 0;

	lines++;
	assert_int_equal(strlen(text), n);
	for (size_t i = 0; i < n; i++) {
		assert_true((unsigned char)text[i] >= ' ');
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && strchr("{[(", text[i]))
			depth++;
		else if (!quoted && strchr("}])", text[i]))
			depth--;
	}
	assert_false(quoted);
	assert_int_equal(depth, 0);
}

/* Entries that could be, more or less. */
static void make_entries(uint8_t *at, uint32_t cap)
{
	struct shm_varargs head = { .bytes = random_below(cap + 64), .more = random_below(2) };
	uint32_t used = sizeof(head);

	memcpy(at, &head, sizeof(head));
	while (used + sizeof(struct shm_vararg) < cap) {
		struct shm_vararg e = { .kind = (uint8_t)random_below(9),
					.size = (uint8_t)random_below(17),
					.cut = (uint8_t)random_below(2),
					.bytes = (uint16_t)(16 + 8 * random_below(6)),
					.got = (int16_t)(random_below(60) - 10),
					.value = random_below(4) };

		memcpy(at + used, &e, sizeof(e));
		used += e.bytes;
	}
}

static void random_records(bool json)
{
	struct gen_trace_opts opts = { .json = json, .strings = 16 };
	struct gen_trace *t;
	struct rig_func f;

	assert_int_equal(gen_trace_new(&opts, &t), 0);
	rig_func(&f, t, PRINTF, true, false);
	lines = 0;
	for (unsigned i = 0; i < 20000; i++) {
		struct rec_head h = { .kind = REC_ENTRY, .func = f.id, .frame = 64 };
		const struct rec_plan *p = &t->funcs.at[f.id].entry;
		int64_t status = -14;
		size_t n;
		uint8_t *rec = rig_record(t, &h, &n);

		assert_true(p->varargs && p->varargs + p->varargs_cap == n);
		for (size_t k = sizeof(h); k < n; k++)
			rec[k] = (uint8_t)random_below(256);
		memcpy(rec + p->section[0].off, &status, sizeof(status));
		if (random_below(8))
			make_entries(rec + p->varargs, p->varargs_cap);
		assert_int_equal(gen_trace_record(t, rec, n, any_line, NULL), 0);
		free(rec);
	}
	assert_int_equal(lines, 20000);
	gen_trace_free(t);
	rig_func_free(&f);
}

static void records(void **state)
{
	random_records(true);
	random_records(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_json),     cmocka_unit_test(lines_text),
		cmocka_unit_test(strings),        cmocka_unit_test(none_of_them),
		cmocka_unit_test(list_behind_it), cmocka_unit_test(filtered),
		cmocka_unit_test(records),
	};

	return cmocka_run_group_tests_name("gen/trace_printf", tests, NULL, NULL);
}
