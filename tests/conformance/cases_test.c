/*
 * cases_test.c - every case of the .data files, natively: assembled by asmtext.c, in the interpreter,
 * its checked mode, its build in the slab and the JIT, or refused for the reason that it names.
 *
 *	cases_test FOLDER...
 *
 * What a file looks like: datafile.py.  TAP, one point a file.
 */
#include "../unit/bpf/asmtext.h"
#include "../unit/bpf/slab_run.h"

#include "bpf/engine.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAX_INSNS 200000
#define MAX_FILES 64
#define CODE      (4 << 20)
#define MAX_MEM   256

enum section { CPU, ASM, RAW, MEM, UNVERIFIED, RESULT, ERROR, SECTIONS };
static const char *const section_name[SECTIONS] = { "cpu",        "asm",    "raw",  "mem",
						    "unverified", "result", "error" };

struct one_case {
	const char *name;
	char *text[SECTIONS]; /* NULL: it has none */
};

static struct bpf_insn insn[MAX_INSNS];
static char why[1024];

static uint64_t unwind(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	return r1;
}

/* -- one case --------------------------------------------------------------------------------- */

static int parse_raw(const char *s)
{
	int n = 0;

	while (*(s += strspn(s, " \n")) && n < MAX_INSNS) {
		char *end;
		uint64_t v = strtoull(s, &end, 16);

		if (end == s)
			return -1;
		memcpy(&insn[n++], &v, sizeof(v));
		s = end;
	}
	return n;
}

static size_t parse_mem(const char *s, uint8_t *out)
{
	size_t n = 0;

	while (*(s += strspn(s, " \n")) && n < MAX_MEM) {
		char *end;

		out[n++] = (uint8_t)strtoul(s, &end, 16);
		s = end;
	}
	return n;
}

static uint64_t jit(const struct program *p, const struct engine_env *env, uint64_t r1, uint64_t r2)
{
	static void *code;
	struct x86_asm a;

	if (!code)
		code = mmap(NULL, CODE, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	x86_asm_init(&a, code, NULL, CODE, (uint64_t)(uintptr_t)code);
	engine_jit_function(p, env, &a);
	if (x86_asm_finish(&a) < 0) {
		snprintf(why, sizeof(why), "the JIT fails");
		return 0;
	}
	return ((uint64_t(*)(uint64_t, uint64_t))(uintptr_t)code)(r1, r2);
}

static bool same(const char *engine, uint64_t want, uint64_t got)
{
	if (got != want && !why[0])
		snprintf(why, sizeof(why), "%s: 0x%llx instead of 0x%llx", engine,
			 (unsigned long long)got, (unsigned long long)want);
	return !why[0];
}

static bool runs(const struct program *p, const struct one_case *c)
{
	struct engine_env env = { .helper[5] = (uint64_t)(uintptr_t)unwind };
	uint64_t want = strtoull(c->text[RESULT], NULL, 0), got = 0, r1;
	uint8_t before[MAX_MEM], mem[MAX_MEM] __attribute__((aligned(8)));
	size_t len = c->text[MEM] ? parse_mem(c->text[MEM], before) : 0;
	struct diag d = { "" };

	r1 = len ? (uint64_t)(uintptr_t)mem : 0;
	for (int checked = 0; checked < 2; checked++) {
		struct interp_opts o = { .checked = checked, .fuel = 100000000 };

		memcpy(mem, before, len);
		if (interp_run(p, &env, r1, len, &o, &got, &d)) {
			snprintf(why, sizeof(why), "interpreter: %s", d.text);
			return false;
		}
		if (!same(checked ? "checked interpreter" : "interpreter", want, got))
			return false;
	}
	memcpy(mem, before, len);
	if (!same("interpreter of the slab", want, slab_run(p, &env, r1, len)))
		return false;
	memcpy(mem, before, len);
	return same("jit", want, jit(p, &env, r1, len));
}

static int load(unsigned n, bool unverified, struct program **p, struct diag *d)
{
	struct program_attr attr = { .kind = PROGRAM_PLAIN,
				     .insn = insn,
				     .ninsns = n,
				     .nslots = PROGRAM_NO_CTX,
				     .allow_any_helper = unverified };

	*p = NULL;
	d->text[0] = '\0';
	return program_load(&attr, p, d);
}

/* Each line of the section ERROR is in the reason. */
static bool refused(int err, const struct diag *d, const char *words)
{
	while (*(words += strspn(words, "\n"))) {
		char line[256];
		size_t n = strcspn(words, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, words);
		if (!err || !strstr(d->text, line)) {
			snprintf(why, sizeof(why), "not refused for '%s': %d %.300s", line, err,
				 d->text);
			return false;
		}
		words += n;
	}
	return true;
}

static bool run_case(const struct one_case *c)
{
	struct program *p;
	struct diag d;
	int n, err;
	bool ok;

	why[0] = '\0';
	n = c->text[RAW] ? parse_raw(c->text[RAW]) :
			   asmtext_parse(c->text[ASM], insn, MAX_INSNS, why, sizeof(why));
	if (n < 0 || !c->text[RESULT] == !c->text[ERROR]) {
		snprintf(why, sizeof(why), "neither result nor error, or no program");
		return false;
	}
	err = load((unsigned)n, false, &p, &d);
	if (c->text[ERROR]) {
		ok = refused(err, &d, c->text[ERROR]);
	} else if (c->text[UNVERIFIED] && !err) {
		snprintf(why, sizeof(why), "passes the checks, but is marked as unverified");
		ok = false;
	} else {
		if (c->text[UNVERIFIED])
			err = load((unsigned)n, true, &p, &d);
		if (err)
			snprintf(why, sizeof(why), "%.900s", diag_text(&d, err));
		ok = !err && runs(p, c);
	}
	program_put(p);
	return ok;
}

/* -- files ------------------------------------------------------------------------------------ */

struct tally {
	unsigned cases, bad, cpu[5];
};

static void count(struct tally *t, const struct one_case *c)
{
	unsigned cpu = c->text[CPU] ? (unsigned)atoi(c->text[CPU] + 1) : 0;

	t->cases++;
	if (cpu >= 1 && cpu <= 4 && run_case(c)) {
		t->cpu[cpu]++;
		return;
	}
	if (t->bad++ < 5)
		printf("# %s: %s\n", c->name, cpu >= 1 && cpu <= 4 ? why : "no cpu level");
}

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t cap = 0;
	ssize_t n = f ? getdelim(&text, &cap, '\0', f) : -1;

	if (f)
		fclose(f);
	if (n >= 0)
		return text;
	free(text);
	return NULL;
}

/* "-- asm": the text behind the line is the section's. */
static void section_begin(struct one_case *c, char *line, char *after)
{
	for (unsigned s = 0; s < SECTIONS; s++) {
		size_t n = strlen(section_name[s]);

		if (strncmp(line, section_name[s], n) || (line[n] && line[n] != ' '))
			continue;
		c->text[s] = line[n] ? line + n + 1 : after;
		return;
	}
	printf("# section '%s'\n", line);
	exit(1);
}

/* A line that begins with "-- " ends the section before it. */
static bool run_file(const char *path, struct tally *t)
{
	char *text = slurp(path), *end;
	struct one_case c = { 0 };

	for (char *line = text; line; line = end) {
		end = strchr(line, '\n');
		if (end)
			end++;
		if (strncmp(line, "-- ", 3))
			continue;
		*line = '\0';
		line[strcspn(line + 3, "\n") + 3] = '\0';
		if (strncmp(line + 3, "case ", 5)) {
			section_begin(&c, line + 3, end ? end : line);
			continue;
		}
		if (c.name)
			count(t, &c);
		c = (struct one_case){ .name = line + 8 };
	}
	if (c.name)
		count(t, &c);
	free(text);
	return text;
}

static int is_data(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return dot && !strcmp(dot, ".data");
}

static unsigned run_folder(const char *folder, unsigned *point)
{
	struct dirent **e;
	int n = scandir(folder, &e, is_data, alphasort);
	unsigned bad = 0;

	for (int i = 0; i < n; i++) {
		struct tally t = { 0 };
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", folder, e[i]->d_name);
		if (!run_file(path, &t) || !t.cases)
			t.bad++;
		bad += t.bad;
		printf("%s %u - %s: %u cases: v1 %u, v2 %u, v3 %u, v4 %u\n",
		       t.bad ? "not ok" : "ok", ++*point, e[i]->d_name, t.cases, t.cpu[1], t.cpu[2],
		       t.cpu[3], t.cpu[4]);
		free(e[i]);
	}
	if (n > 0)
		free(e);
	return n > 0 ? bad : 1;
}

int main(int argc, char **argv)
{
	unsigned bad = argc < 2, point = 0;

	printf("TAP version 13\n");
	for (int i = 1; i < argc; i++)
		bad += run_folder(argv[i], &point);
	printf("1..%u\n", point);
	return bad != 0;
}
