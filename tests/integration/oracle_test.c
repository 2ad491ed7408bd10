/*
 * oracle_test.c - our trampolines against a recording of the kernel's; see tests/oracle.
 *
 * Usage: oracle_test VICTIM OBJECTDIR RECORDING OURS.  Per recorded attachment: the same
 * programs on the same function of the victim, the same calls; then the tags in order, counts,
 * cookies, codes, and slots and results as their C types, these clean in all 64 bits.
 */
#include "driver.h"
#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char plain[8192]; /* what the victim prints untraced */

struct manner {
	const char *heading, *func;
	const char *programs; /* in order of attaching */
	int64_t modret;
};

static const struct manner manners[] = {
	{ "=== order", "", "ent,ent2,ent3,mod,mod2,mod3,ext,ext2,ext3", 0 },
	{ "=== modret nonzero in mod", "", "ent,mod,mod2,mod3,ext", -22 },
	{ "=== modret nonzero attached last", "", "ent,mod2,mod3,mod,ext", -22 },
	{ "=== modret with 64-bit", "fx_mod", "mod,ext", 0x100000000 },
	{ "=== modret with 64-bit", "fx_ret64", "mod,ext", 0x123456789abcdef0 },
	{ "=== modret with 64-bit", "fx_retc", "mod,ext", 0x1ff },
	{ "=== modret with 64-bit", "fx_mod12", "ent,mod,ext", 0 },
	{ "=== fentry only", "", "ent", 0 },
	{ "## fentry only", "", "ent", 0 },
	{ "=== verbose", "fx_reti128", "ent", 0 },
	{ "", "", "ent,ext", 0 },
};

static const struct manner *manner_of(const struct block *b)
{
	const struct manner *m = manners;

	while (strncmp(b->heading, m->heading, strlen(m->heading)) != 0 ||
	       (m->func[0] && strcmp(b->func, m->func) != 0))
		m++;
	return m;
}

static void attach_programs(struct victim *v, struct utramp_object *o, const char *func,
			    const char *programs)
{
	char list[128], *save = NULL;
	uint64_t cookie = 100;

	snprintf(list, sizeof(list), "%s", programs);
	for (char *p = strtok_r(list, ",", &save); p; p = strtok_r(NULL, ",", &save))
		attach_one(v, o, p, func, cookie++);
}

static bool is_dirty(const char *key)
{
	size_t n = strlen(key);

	return n > 4 && !strcmp(key + n - 4, "garb");
}

/*
 * Calls that leave garbage in the high halves are outside the C language: gcc's callees mask
 * it, clang's rely on callers.  There only tracing must change nothing.
 */
static void check_results(const struct block *b, const struct manner *m, const char *answer)
{
	char now[64], before[64];

	for (unsigned i = 0; i < b->nresults; i++) {
		const char *key = b->result[i].key, *want = b->result[i].value;
		bool has = line_value(answer, key, now) && line_value(plain, key, before);

		check_true(has, "no result %s", key);
		if (!has)
			continue;
		if (m->modret)
			check_str(now, want, key);
		else
			check_str(now, before, key);
		if (!m->modret && !is_dirty(key))
			check_str(before, want, key);
	}
}

/* The result of this call, the first being 0: as recorded, or as the victim prints it. */
static uint64_t expected_ret(const struct block *b, const struct record *want, unsigned call)
{
	char value[64];

	if (call < b->nresults && is_dirty(b->result[call].key) &&
	    line_value(plain, b->result[call].key, value))
		return strtoull(value, NULL, 10);
	return want->ret;
}

static void check_run(const struct block *b, const struct record *r, const struct record *want,
		      unsigned call, unsigned i)
{
	char ret = 'i';
	const char *types = func_types(b->func, &ret);

	if (!types || strlen(types) != want->cnt)
		bail("no types of %s with %llu slots", b->func, (unsigned long long)want->cnt);
	check_eq((long long)r->tag, (long long)want->tag, "run %u tag", i);
	check_eq((long long)r->cnt, (long long)want->cnt, "run %u slot count", i);
	check_eq((long long)r->cookie, (long long)want->cookie, "run %u cookie", i);
	check_eq(r->reterr, want->reterr, "run %u code of the result", i);
	check_eq(r->past, want->past, "run %u code past the end", i);
	check_true(r->ip, "run %u has no address", i);
	if (!want->reterr) {
		uint64_t v = expected_ret(b, want, call);

		check_eq((long long)type_cast(r->ret, ret), (long long)type_cast(v, ret),
			 "run %u result", i);
	}
	for (unsigned s = 0; s < want->cnt && s < r->cnt; s++) {
		uint64_t is = types[s] == '*' ? type_cast(r->slot[s], '*') : r->slot[s];

		check_eq((long long)is, (long long)type_cast(want->slot[s], types[s]),
			 "run %u slot %u", i, s);
	}
}

/* Recursion: compilers may make a loop of it (as the kernel's did), or call six times. */
static void check_recursion(struct utramp_object *o, unsigned n)
{
	struct record r;

	check_eq(n, 12, "runs");
	for (unsigned i = 0; i < n && i < 12; i++) {
		map_read(o, "records", i, &r, sizeof(r));
		check_eq((long long)r.tag, i < 6 ? 1 : 3, "run %u tag", i);
		check_eq((long long)r.slot[0], i < 6 ? 5 - (int)i : (int)i - 6, "run %u slot 0", i);
		if (i >= 6)
			check_eq((int)r.ret, (int)i - 6, "run %u result", i);
	}
}

static void check_runs(struct utramp_object *o, const struct block *b, const char *programs)
{
	unsigned exits = 0, seen = 0;
	struct recorder_state s;
	struct record r;

	for (const char *p = programs; (p = strstr(p, "ext")); p += 3)
		exits++;
	map_read(o, "recorder.bss", 0, &s, sizeof(s));
	if (!strcmp(b->func, "fx_rec") && s.n != b->nruns) {
		check_recursion(o, s.n);
		return;
	}
	check_eq(s.n, b->nruns, "runs");
	for (unsigned i = 0; i < b->nruns && i < s.n; i++) {
		map_read(o, "records", i, &r, sizeof(r));
		check_run(b, &r, &b->run[i], exits ? seen / exits : seen, i);
		seen += exits ? r.tag % 10 == 3 : 1;
	}
}

static void test_block(struct victim *v, const struct block *b)
{
	const struct manner *m = manner_of(b);
	struct utramp_object *o = open_and_load(v, "recorder");
	struct recorder_state s = { .modret = m->modret };
	char name[256];

	snprintf(name, sizeof(name), "%s, %s%s%s", b->func, m->programs, b->heading[0] ? ": " : "",
		 b->heading);
	name[strcspn(name, "#")] = '\0'; /* a TAP directive */
	tap_begin(name);
	map_write(o, "recorder.bss", &s, sizeof(s));
	attach_programs(v, o, b->func, m->programs);
	check_results(b, m, victim_ask(v, "recorded"));
	check_runs(o, b, m->programs);
	utramp_object__close(o);
	tap_end();
}

static bool kernel_is_wrong(const char *func)
{
	return !strcmp(func, "fx_pk") || !strcmp(func, "fx_al") || !strcmp(func, "fx_al2") ||
	       !strcmp(func, "fx_i128s");
}

static void test_file(struct victim *v, const char *path, bool kernel)
{
	FILE *f = fopen(path, "re");
	struct block b = { 0 };
	unsigned n = 0;

	if (!f)
		bail("%s: %s", path, strerror(errno));
	while (block_next(f, &b)) {
		if (kernel && kernel_is_wrong(b.func))
			continue;
		test_block(v, &b);
		n++;
	}
	fclose(f);
	if (n < (kernel ? 30 : 14))
		bail("%s: only %u attachments read", path, n);
}

static void test_halves(struct victim *v, const char *func, uint64_t first, uint64_t second)
{
	struct utramp_object *o = open_and_load(v, "recorder");
	struct recorder_state s;
	char name[64];

	snprintf(name, sizeof(name), "both halves of the result of %s", func);
	tap_begin(name);
	attach_one(v, o, "halves", func, 0);
	victim_ask(v, "recorded");
	map_read(o, "recorder.bss", 0, &s, sizeof(s));
	check_eq((long long)s.half[0], (long long)first, "first");
	check_eq((long long)(uint32_t)s.half[1], (long long)second, "second");
	utramp_object__close(o);
	tap_end();
}

/* Without the size of its arguments a function cannot be called again; entry is possible. */
static void test_refused(struct victim *v, const char *func, const char *why)
{
	struct utramp_object *o = open_and_load(v, "recorder");
	static const char *const refused[] = { "ext", "mod" };
	char name[64];

	snprintf(name, sizeof(name), "%s: exit and fmod_ret are refused by name", func);
	tap_begin(name);
	for (unsigned i = 0; i < 2; i++) {
		check_true(!utramp_program__attach(find_program(o, refused[i]), v->t, func, NULL),
			   "%s is attached", refused[i]);
		check_eq(errno, ENOTSUP, "errno of %s", refused[i]);
		check_true(strstr(utramp_error(), why), "reason: %s", utramp_error());
	}
	attach_one(v, o, "ent", func, 0);
	check_str(victim_ask(v, "recorded"), plain, "the victim");
	utramp_object__close(o);
	tap_end();
}

/* The kernel's twin of it is notrace, and refused with EBUSY. */
static void test_unpatchable(struct victim *v)
{
	struct utramp_object *o = open_and_load(v, "recorder");
	static const char *const programs[] = { "ent", "ext", "mod" };

	tap_begin("fx_nt: every program is refused by name");
	for (unsigned i = 0; i < 3; i++) {
		check_true(!utramp_program__attach(find_program(o, programs[i]), v->t, "fx_nt",
						   NULL),
			   "%s is attached", programs[i]);
		check_eq(errno, ENOTSUP, "errno of %s", programs[i]);
		check_true(strstr(utramp_error(), "fx_nt") && strstr(utramp_error(), "branch"),
			   "reason: %s", utramp_error());
	}
	check_str(victim_ask(v, "recorded"), plain, "the victim");
	utramp_object__close(o);
	tap_end();
}

int main(int argc, char **argv)
{
	struct victim v;

	if (argc != 5)
		return 2;
	objects_dir = argv[2];
	victim_start(&v, argv[1]);
	victim_resume(&v);
	snprintf(plain, sizeof(plain), "%s", victim_ask(&v, "recorded"));
	test_file(&v, argv[3], true);
	test_file(&v, argv[4], false);
	test_halves(&v, "fx_ret16", 4, 5);
	test_halves(&v, "fx_reti128", 7, 4);
	test_refused(&v, "fx_var", "variadic");
	test_unpatchable(&v);
	tap_begin("detached, the results are as before");
	if (utramp_target__detach(v.t) < 0)
		bail("detach: %s", utramp_error());
	check_str(victim_ask(&v, "recorded"), plain, "the victim");
	victim_end(&v);
	tap_end();
	return tap_done();
}
