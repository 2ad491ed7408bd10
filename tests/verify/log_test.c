/*
 * log_test.c - what BPF_PROG_LOAD says, ours beside this machine's kernel.
 *
 * Each program is loaded as a raw tracepoint by both.  Where the kernel refuses it, so must we, in the
 * same words, but for cases that give ours: there the reason is told beside them.  Paths are compared
 * line by line as far as both say the same kind of thing (see line_of()).
 *
 *	log_test [show N]	TAP; or both logs of case N
 *
 * Where bpf(2) is not allowed our side alone is held to the words that the table keeps.
 */
#include "../unit/bpf/asmtext.h"
#include "../unit/sys/records_case.h"
#include "sys/sys.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_INSNS 256
#define NMAPS     6

#define OK  "mov r0, 0\nexit\n"
#define KEY "mov r2, r10\nadd r2, -4\nstw [r10-4], 0\n"
#define VALUE \
	"map r1, 2\nmov r2, r10\nadd r2, -8\nstdw [r10-8], 0\ncall 1\n" /* 16 bytes, or NULL */
#define RESERVE "map r1, 3\nmov r2, 8\nmov r3, 0\ncall 131\n"

/*
 * What is different, and why: what one instruction shows is refused before paths are looked at, with
 * the reason of those checks behind the kernel's; we have no packets and fewer kinds of pointers; a
 * map is named; the kernel's words for release and constants change with its versions.
 */

static const struct {
	const char *text;
	const char *says; /* the kernel's words, all lines of them; NULL: accepted */
	const char *ours; /* where they differ: part of our reason */
} cases[] = {
	{ OK, NULL },
	{ "exit\n", "R0 !read_ok" },
	{ "mov r0, r7\nexit\n", "R7 !read_ok" },
	{ "mov r6, r1\ncall 5\nmov r0, r1\nexit\n", "R1 !read_ok" },
	{ "ldxdw r0, [r2+0]\nexit\n", "R2 !read_ok" },
	{ "lock add [r1+0], r2\n" OK, "R2 !read_ok" },
	{ "mov r0, 0\nldxdw r1, [r0+0]\nexit\n", "R0 invalid mem access 'scalar'" },
	{ VALUE "ldxdw r1, [r0+0]\n" OK, "R0 invalid mem access 'map_value_or_null'" },
	{ RESERVE "ldxdw r1, [r0+0]\n" OK, "R0 invalid mem access 'ringbuf_mem_or_null'" },
	{ RESERVE
	  "jeq r0, 0, +5\nmov r6, r0\nmov r1, r0\nmov r2, 0\ncall 132\nldxdw r1, [r6+0]\n" OK,
	  "R6 invalid mem access 'scalar'" },
	/* the stack */
	{ "ldxdw r2, [r10+8]\n" OK, "invalid read from stack R10 off=8 size=8",
	  "insn 0: invalid read from stack R10 off=8 size=8: access outside" },
	{ "stxdw [r10-520], r1\n" OK, "invalid write to stack R10 off=-520 size=8",
	  "insn 0: invalid write to stack R10 off=-520 size=8: access outside" },
	{ "mov r2, r10\nstxdw [r2-520], r1\n" OK, "invalid write to stack R2 off=-520 size=8" },
	{ "mov r2, r10\nldxb r0, [r2+0]\n" OK, "invalid read from stack R2 off=0 size=1" },
	{ "stw [r10-6], 0\n" OK, "misaligned stack access off 0+0+-6 size 4" },
	{ "stxw [r10-8], r10\n" OK, "invalid size of register spill" },
	{ "ldxdw r2, [r1+0]\nand r2, 7\nmov r1, r10\nadd r1, r2\nldxb r0, [r1-4]\nexit\n",
	  "invalid variable-offset read from stack R1 var_off=(0x0; 0x7) off=-4 size=1" },
	{ "ldxdw r2, [r1+0]\nmov r1, r10\nadd r1, r2\nldxdw r0, [r1+0]\nexit\n",
	  "math between fp pointer and register with unbounded min value is not allowed" },
	{ "call local f\nexit\nf: mov r0, r10\nexit\n",
	  "cannot return stack pointer to the caller" },
	{ "mov r1, r10\nadd r1, -8\nmov r2, 16\nmov r3, 0\ncall 113\n" OK,
	  "invalid write to stack R1 off=-8 size=16" },
	{ "mov r1, r10\nadd r1, -8\nmov r2, -1\nmov r3, 0\ncall 113\n" OK,
	  "R2 min value is negative, either use unsigned or 'var &= const'" },
	/* values of maps */
	{ VALUE "jeq r0, 0, +1\nldxdw r1, [r0+16]\n" OK,
	  "invalid access to map value, value_size=16 off=16 size=8\n"
	  "R0 min value is outside of the allowed memory range" },
	{ VALUE "jeq r0, 0, +1\nldxdw r1, [r0-8]\n" OK,
	  "invalid access to map value, value_size=16 off=-8 size=8\n"
	  "R0 min value is outside of the allowed memory range" },
	{ VALUE "jeq r0, 0, +3\nldxb r1, [r0+0]\nadd r0, r1\nldxb r1, [r0+0]\n" OK,
	  "invalid access to map value, value_size=16 off=255 size=1\n"
	  "R0 max value is outside of the allowed memory range" },
	{ VALUE "jeq r0, 0, +3\nldxdw r1, [r0+0]\nadd r0, r1\nldxb r1, [r0+0]\n" OK,
	  "math between map_value pointer and register with unbounded min value is not allowed" },
	{ VALUE "jeq r0, 0, +4\nldxw r1, [r0+0]\nmovsx32 r1, r1\nadd r0, r1\nldxb r1, [r0+0]\n" OK,
	  "value -2147483648 makes map_value pointer be out of bounds" },
	{ "value r2, 4, 0\nmov r3, 0\nstxdw [r2+0], r3\n" OK,
	  "write into map forbidden, value_size=64 off=0 size=8" },
	/* arithmetic */
	{ VALUE "add r0, 8\n" OK,
	  "R0 pointer arithmetic on map_value_or_null prohibited, null-check it first" },
	{ VALUE "jeq r0, 0, +1\nmul r0, 8\n" OK,
	  "R0 pointer arithmetic with *= operator prohibited" },
	{ VALUE "jeq r0, 0, +1\nand r0, 8\n" OK, "R0 bitwise operator &= on pointer prohibited" },
	{ "add32 r1, 8\n" OK, "R1 32-bit pointer arithmetic prohibited" },
	{ "mov r2, r10\nadd r2, r1\n" OK, "R2 pointer += pointer prohibited" },
	{ "mov r2, 5\nsub r2, r10\n" OK, "R2 tried to subtract pointer from scalar" },
	{ "mov r1, 1\nlsh r1, 64\n" OK, "invalid shift 64", "invalid shift 64: " },
	/* the context */
	{ "stxdw [r1+0], r10\n" OK, "invalid bpf_context access off=0 size=8" },
	{ "ldxdw r0, [r1+4096]\n" OK, "invalid bpf_context access off=4096 size=8" },
	{ "ldxdw r2, [r1+0]\nand r2, 8\nadd r1, r2\nldxdw r0, [r1+0]\n" OK,
	  "variable ctx access var_off=(0x0; 0x8) disallowed" },
	{ "mov r2, 1\nlock add [r1+0], r2\n" OK, "BPF_ATOMIC stores into R1 ctx is not allowed" },
	/* helpers */
	{ "map r1, 1\nmov r2, 0\ncall 1\n" OK,
	  "R2 type=scalar expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, "
	  "trusted_ptr_",
	  "R2 type=scalar expected=fp, map_key, map_value, mem, ringbuf_mem" },
	{ "mov r1, 0\n" KEY "call 1\n" OK, "R1 type=scalar expected=map_ptr" },
	{ "map r1, 2\nmov r2, 8\nmov r3, 0\ncall 131\n" OK,
	  "cannot pass map_type 1 into func bpf_ringbuf_reserve#131",
	  "cannot pass map_type 1 into func bpf_ringbuf_reserve#131: m is a hash map" },
	{ "ldxdw r2, [r1+0]\nmap r1, 3\nmov r3, 0\ncall 131\n" OK, "R2 is not a known constant'",
	  "R2 is not a known constant" },
	{ RESERVE OK, "Unreleased reference id=2 alloc_insn=4\n"
		      "BPF_EXIT instruction in main prog would lead to reference leak" },
	{ RESERVE "mov r1, r0\nmov r2, 0\ncall 132\n" OK,
	  "R1 type=ringbuf_mem_or_null expected=ringbuf_mem" },
	{ RESERVE "jeq r0, 0, +4\nadd r0, 4\nmov r1, r0\nmov r2, 0\ncall 132\n" OK,
	  "R1 must have zero offset when passed to release func or trusted arg to kfunc",
	  "R1 must have zero offset when passed to release func" },
	/* the way through it */
	{ "mov r0, 0\nja +1\nmov r0, 1\nexit\n", "unreachable insn 2" },
	{ "mov r0, 0\na: ja a\n",
	  "infinite loop detected at insn 1\ncur state: R0=0 R1=ctx() R10=fp0\n"
	  "old state: R0=0 R1=ctx() R10=fp0",
	  "infinite loop detected at insn 1" },
};

#define NCASES (sizeof(cases) / sizeof(cases[0]))

extern long __real_syscall(long nr, ...);

static struct arena *arena;
static struct sys_session *session;

struct side {
	const char *name;
	bool ours;
	int map[NMAPS];
	char log[1 << 16];
	long err;
};

static struct side kernel = { .name = "kernel" }, we = { .name = "utramp", .ours = true };

static long ask(const struct side *s, int cmd, union bpf_attr *a)
{
	long r =
		s->ours ? sys_bpf(cmd, a, sizeof(*a)) : __real_syscall(SYS_bpf, cmd, a, sizeof(*a));

	return r < 0 ? -errno : r;
}

static bool add_map(struct side *s, int i, uint32_t type, uint32_t key, uint32_t value, uint32_t n,
		    uint32_t flags)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.map_type = type;
	a.key_size = key;
	a.value_size = value;
	a.max_entries = n;
	a.map_flags = flags;
	memcpy(a.map_name, "m", 2);
	s->map[i] = (int)ask(s, BPF_MAP_CREATE, &a);
	return s->map[i] >= 0;
}

static bool add_maps(struct side *s)
{
	union bpf_attr a;
	bool ok = add_map(s, 1, BPF_MAP_TYPE_ARRAY, 4, 64, 4, 0) &&
		  add_map(s, 2, BPF_MAP_TYPE_HASH, 8, 16, 8, 0) &&
		  add_map(s, 3, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0) &&
		  add_map(s, 4, BPF_MAP_TYPE_ARRAY, 4, 64, 1, BPF_F_RDONLY_PROG) &&
		  add_map(s, 5, BPF_MAP_TYPE_ARRAY, 4, 64, 1, 0);

	memset(&a, 0, sizeof(a));
	a.map_fd = (uint32_t)s->map[4];
	return ok && ask(s, BPF_MAP_FREEZE, &a) == 0;
}

static void load(struct side *s, const char *text)
{
	static struct bpf_insn insn[MAX_INSNS];
	static char license[] = "GPL", why[256];
	union bpf_attr a;
	int n = asmtext_parse(text, insn, MAX_INSNS, why, sizeof(why));

	if (n < 0) {
		fprintf(stderr, "%s in:\n%s", why, text);
		exit(1);
	}
	for (int i = 0; i < n; i++)
		if (insn[i].code == (BPF_LD | BPF_IMM | BPF_DW)) {
			if (insn[i].src_reg == BPF_PSEUDO_MAP_FD ||
			    insn[i].src_reg == BPF_PSEUDO_MAP_VALUE)
				insn[i].imm = s->map[insn[i].imm];
			i++;
		}
	memset(&a, 0, sizeof(a));
	s->log[0] = '\0';
	a.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	a.insns = (uintptr_t)insn;
	a.insn_cnt = (uint32_t)n;
	a.license = (uintptr_t)license;
	a.log_level = 2;
	a.log_buf = (uintptr_t)s->log;
	a.log_size = sizeof(s->log);
	s->err = ask(s, BPF_PROG_LOAD, &a);
	if (s->err >= 0)
		close((int)s->err);
}

/* -- what was said ----------------------------------------------------------------------------- */

/* "12: (85) ..." */
static bool is_insn(const char *line)
{
	size_t n = strspn(line, "0123456789");

	return n && !strncmp(line + n, ": (", 3);
}

static size_t length(const char *line)
{
	return strcspn(line, "\n");
}

static const char *next_line(const char *line)
{
	line += length(line);
	return *line ? line + 1 : line;
}

/* Of the kernel's log alone: what it found out about itself on the way. */
static bool is_inner(const char *line)
{
	return !strncmp(line, "mark_precise", 12) || !strncmp(line, "(0) ", 4) ||
	       !strncmp(line, "func#", 5);
}

/* What stands behind the last instruction, before the statistics and what to change. */
static void reason_of(const char *log, char *out, size_t cap)
{
	const char *from = log;

	for (const char *l = log; *l; l = next_line(l))
		if (is_insn(l))
			from = next_line(l);
	*out = '\0';
	for (const char *l = from; *l; l = next_line(l)) {
		if (!strncmp(l, "processed ", 10) || !strncmp(l, "what to change: ", 16))
			break;
		if (!is_inner(l))
			snprintf(out + strlen(out), cap - strlen(out), "%s%.*s", *out ? "\n" : "",
				 (int)length(l), l);
	}
}

static bool has_hint(const char *log)
{
	const char *hint = strstr(log, "\nwhat to change: ");

	return hint && length(hint + 1) > 20;
}

/* -- the path ----------------------------------------------------------------------------------- */

/* The next instruction of a path: its text without what it changed and without addresses. */
static const char *insn_line(const char *log, char *out, size_t cap)
{
	const char *end, *l = log, *lddw;

	*out = '\0';
	while (*l && !is_insn(l))
		l = next_line(l);
	if (!*l)
		return l;
	end = strstr(l, " ;");
	snprintf(out, cap, "%.*s",
		 (int)(end && end < l + length(l) ? (size_t)(end - l) : length(l)), l);
	lddw = strstr(out, "(18)");
	if (lddw)
		out[lddw - out + 4] = '\0';
	for (size_t n = strlen(out); n && out[n - 1] == ' ';)
		out[--n] = '\0';
	return next_line(l);
}

/* As many instructions as both have; the kernel's begin behind its table of live registers. */
static bool same_path(const char *theirs, const char *ours)
{
	const char *begin = strstr(theirs, "\n0: R1=");
	char a[256], b[256];

	theirs = begin ? begin : theirs;
	do {
		theirs = insn_line(theirs, a, sizeof(a));
		ours = insn_line(ours, b, sizeof(b));
		if (*a && *b && strcmp(a, b) != 0)
			return false;
	} while (*a && *b);
	return true;
}

/* -- cases ------------------------------------------------------------------------------------- */

static bool wrong(size_t i, const char *what)
{
	printf("# %s of:\n", what);
	for (const char *l = cases[i].text; *l; l = next_line(l))
		printf("#\t%.*s\n", (int)length(l), l);
	printf("# kernel %ld, ours %ld\n", kernel.err, we.err);
	for (const char *l = kernel.log; *l; l = next_line(l))
		printf("# K %.*s\n", (int)length(l), l);
	for (const char *l = we.log; *l; l = next_line(l))
		printf("# U %.*s\n", (int)length(l), l);
	return false;
}

static bool ours_right(size_t i)
{
	char reason[1024];

	if ((we.err < 0) != (cases[i].says != NULL))
		return wrong(i, "our verdict");
	if (!cases[i].says)
		return true;
	reason_of(we.log, reason, sizeof(reason));
	if (cases[i].ours ? !strstr(we.log, cases[i].ours) : strcmp(reason, cases[i].says) != 0)
		return wrong(i, "our reason");
	return has_hint(we.log) || cases[i].ours || wrong(i, "no hint in the reason");
}

static bool kernel_agrees(size_t i)
{
	char reason[1024];

	if ((kernel.err < 0) != (cases[i].says != NULL))
		return wrong(i, "the kernel's verdict");
	reason_of(kernel.log, reason, sizeof(reason));
	if (cases[i].says && strcmp(reason, cases[i].says) != 0)
		return wrong(i, "the kernel's reason");
	return same_path(kernel.log, we.log) || wrong(i, "the path");
}

/* -- .BTF.ext's records ---------------------------------------------------------------------------- */

static int load_btf(void *arg, const void *raw, uint32_t size)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.btf = (uintptr_t)raw;
	a.btf_size = size;
	return (int)ask(arg, BPF_BTF_LOAD, &a);
}

/* Without the case's fault it is accepted, with it the same is said. */
static bool records_right(struct side *s, const struct record_case *c)
{
	const char *says = s->ours && c->ours ? c->ours : c->says;
	int btf, fd;

	record_start(load_btf, s);
	btf = (int)record_attr.prog_btf_fd;
	fd = (int)ask(s, BPF_PROG_LOAD, &record_attr);
	if (fd >= 0)
		close(fd);
	c->spoil();
	s->log[0] = '\0';
	record_attr.log_level = 1;
	record_attr.log_buf = (uintptr_t)s->log;
	record_attr.log_size = sizeof(s->log);
	s->err = ask(s, BPF_PROG_LOAD, &record_attr);
	close(btf);
	if (fd >= 0 && s->err == c->err && strstr(s->log, says))
		return true;
	printf("# %s: %ld, '%s'; want %d, '%s'\n", s->name, s->err, s->log, c->err, says);
	return false;
}

/* The kernel's log of a program with lines, as far as ours says the same. */
static bool same_lines(void)
{
	static const char *const lines[] = {
		"\n; int a = first(ctx); @ prog.bpf.c:7\n0: (85) call pc+1\n",
		"\n; second line @ prog.bpf.c:20\n2: (b7) r0 = 0   ",
		"\n; return second(); @ prog.bpf.c:8\n1: (95) exit\n",
	};
	struct side *both[] = { &we, &kernel };
	bool ok = true;

	for (unsigned i = 0; i < 2; i++) {
		struct side *s = both[i];

		record_start(load_btf, s);
		record_attr.log_level = 2;
		record_attr.log_buf = (uintptr_t)s->log;
		record_attr.log_size = sizeof(s->log);
		s->err = ask(s, BPF_PROG_LOAD, &record_attr);
		for (unsigned k = 0; k < 3; k++) {
			if (strstr(s->log, lines[k]))
				continue;
			printf("# %s: no '%s' in '%s'\n", s->name, lines[k] + 1, s->log);
			ok = false;
		}
		if (s->err >= 0)
			close((int)s->err);
	}
	return ok;
}

/* A log that does not fit: its end, or its beginning, and what it would take. */
static bool same_ends(void)
{
	static const uint32_t levels[] = { 1, 1 | 8, 2, 2 | 8 };
	struct side *both[] = { &we, &kernel };
	bool ok = true;

	for (unsigned i = 0; i < 8; i++) {
		struct side *s = both[i & 1];
		static char whole[1 << 16], cut[40];
		uint32_t size, size_cut;
		const char *part;

		record_start(load_btf, s);
		record_insn[3] = (struct bpf_insn){ .code = 0xbf, .src_reg = 7 };
		record_attr.log_level = levels[i / 2];
		record_attr.log_buf = (uintptr_t)whole;
		record_attr.log_size = sizeof(whole);
		ask(s, BPF_PROG_LOAD, &record_attr);
		memcpy(&size, &record_attr.core_relo_rec_size + 1, sizeof(size));
		record_attr.log_buf = (uintptr_t)cut;
		record_attr.log_size = sizeof(cut);
		s->err = ask(s, BPF_PROG_LOAD, &record_attr);
		memcpy(&size_cut, &record_attr.core_relo_rec_size + 1, sizeof(size));
		part = levels[i / 2] & 8 ? whole : whole + strlen(whole) - (sizeof(cut) - 1);
		if (s->err == -ENOSPC && !strncmp(cut, part, sizeof(cut) - 1) && size == size_cut &&
		    size >= strlen(whole) + 1)
			continue;
		printf("# %s, level %u: %ld, %u and %u of %zu, '%s'\n", s->name, levels[i / 2],
		       s->err, size, size_cut, strlen(whole), cut);
		ok = false;
	}
	return ok;
}

static size_t report(size_t n, bool ok, const char *what)
{
	printf("%s %zu %s\n", ok ? "ok" : "not ok", n, what);
	return !ok;
}

int main(int argc, char **argv)
{
	bool both = add_maps(&kernel);
	size_t bad = 0;

	if (arena_create(&arena) || sys_open(arena, NULL, &session))
		return 1;
	sys_enter(session);
	if (!add_maps(&we))
		return 1;
	printf("1..%zu\n", NCASES + (both ? nrecord_cases + 2 : 0));
	for (size_t i = 0; i < NCASES; i++) {
		bool ok;

		load(&we, cases[i].text);
		ok = ours_right(i);
		if (both) {
			load(&kernel, cases[i].text);
			ok = ok && kernel_agrees(i);
		}
		bad += report(i + 1, ok, both ? "both" : "ours alone: bpf(2) is not allowed");
		if (argc > 2 && strtoul(argv[2], NULL, 0) == i + 1)
			wrong(i, "both logs");
	}
	for (size_t i = 0; both && i < nrecord_cases; i++) {
		bool ok = records_right(&we, &record_cases[i]);

		ok = records_right(&kernel, &record_cases[i]) && ok;
		bad += report(NCASES + i + 1, ok, "records");
	}
	if (both) {
		bad += report(NCASES + nrecord_cases + 1, same_lines(), "lines");
		bad += report(NCASES + nrecord_cases + 2, same_ends(), "logs that are cut");
	}
	sys_close(session);
	arena_destroy(arena);
	return bad != 0;
}
