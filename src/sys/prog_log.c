/*
 * sys/prog_log.c - see prog_log.h.
 *
 * Context  [ctl]
 * Spec     Linux kernel/bpf/log.c, verifier.c print_verification_stats()
 */
#include "sys/prog_log.h"

#include "bpf/dead.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_FIXED 8 /* BPF_LOG_FIXED, since 6.4 */

void sys_log_add_source(struct sys_call *c, const struct verdict *said)
{
	struct sys_lines lines = said->lines;
	struct verify_source src;
	unsigned insn;

	if (lines.btf && sscanf(c->s->diag.text, "insn %u", &insn) == 1 &&
	    sys_records_source(&lines, insn, &src))
		diag_add(&c->s->diag, "at %s:%u: %s", src.file, src.line, src.text);
}

/*
 * libbpf turns what it could not resolve (CO-RE, maps that were not created) into calls of
 * helpers with huge numbers, and explains them to the user when it finds them refused in
 * the kernel's words (libbpf.c fixup_verifier_log()).  The index of such a call, or -1.
 */
static long poisoned_call(const struct sys_call *c)
{
	const struct bpf_insn *in = (const struct bpf_insn *)(uintptr_t)c->attr.insns;
	char number[32];
	uint32_t i;

	for (i = 0; i < c->attr.insn_cnt; i++) {
		if (in[i].code == (BPF_LD | BPF_IMM | BPF_DW)) {
			i++;
			continue;
		}
		if (!dead_is_poison(&in[i]))
			continue;
		snprintf(number, sizeof(number), "#%d", in[i].imm);
		return strstr(c->s->diag.text, number) ? (long)i : -1;
	}
	return -1;
}

/* The kernel's words for it, which libbpf_probe_bpf_helper() looks for. */
static void explain_helper(const char *text, FILE *log)
{
	static const char known[] = ": unknown helper bpf_", any[] = ": unknown helper #";
	const char *at = strstr(text, known);

	if (at) {
		at += sizeof(known) - sizeof("bpf_");
		fprintf(log, "unknown func %.*s\n", (int)strcspn(at, ":"), at);
	}
	at = at ? NULL : strstr(text, any);
	if (at)
		fprintf(log, "invalid func unknown#%d\n", atoi(at + sizeof(any) - 1));
}

static void explain(struct sys_call *c, int err, FILE *log)
{
	const struct bpf_insn *in = (const struct bpf_insn *)(uintptr_t)c->attr.insns;
	long at = poisoned_call(c);

	if (at < 0) {
		fprintf(log, "%s\n", diag_text(&c->s->diag, err));
		explain_helper(diag_text(&c->s->diag, err), log);
		return;
	}
	fprintf(log, "%ld: (85) call unknown#%d\ninvalid func unknown#%d\n", at, in[at].imm,
		in[at].imm);
	diag_set(&c->s->diag, err,
		 "insn %ld: needs a field, type or map that the target does not have", at);
}

/* The program as it came, one instruction a line, as level 2 of the kernel's log has it. */
static void list_insns(const union bpf_attr *a, FILE *log)
{
	const struct bpf_insn *in = (const struct bpf_insn *)(uintptr_t)a->insns;
	struct bpf_insn last[2] = { { 0 }, { 0 } };
	char text[128];
	uint32_t i, n;

	for (i = 0; i < a->insn_cnt; i += n) {
		last[0] = in[i]; /* the formatter may look at a second half that is not there */
		if (i + 1 < a->insn_cnt)
			last[1] = in[i + 1];
		n = program_format_insn(last, text, sizeof(text));
		n = n ? n : 1;
		fprintf(log, "%u: (%02x) %s\n", i, last[0].code, text);
	}
}

static void sum_up(const struct sys_call *c, int err, FILE *log)
{
	fprintf(log,
		"processed %u insns (limit %u) max_states_per_insn 0 total_states 0 "
		"peak_states 0 mark_read 0\n",
		err < 0 ? 0 : c->attr.insn_cnt, PROGRAM_MAX_INSNS);
}

/*
 * The verifier's log if it had the program, which ends with what it did.  Else failures always; what
 * is refused before has no path.
 */
static void compose(struct sys_call *c, const struct verdict *said, int err, unsigned level,
		    FILE *log)
{
	if (said->log.text) {
		if (err < 0 && !said->stats.verdict) /* refused after it */
			explain(c, err, log);
		fputs(said->log.text + (level & 3 ? 0 : said->log.verdict), log);
		return;
	}
	if (level & 2)
		list_insns(&c->attr, log);
	if (err < 0)
		explain(c, err, log);
	sum_up(c, err, log);
}

/* NULL: no memory. */
static char *text_of(struct sys_call *c, const struct verdict *said, int err, unsigned level)
{
	char *text = NULL;
	size_t size;
	FILE *log = open_memstream(&text, &size);

	if (!log)
		return NULL;
	compose(c, said, err, level, log);
	if (fclose(log) == 0 && !said->log.err)
		return text;
	free(text);
	return NULL;
}

/* Since 6.4, so not in Debian 12's linux/bpf.h: log_true_size, behind core_relo_rec_size. */
#define TRUE_SIZE_AT (offsetof(union bpf_attr, core_relo_rec_size) + sizeof(uint32_t))

/* How much memory all of it would have taken, with the 0. */
static void tell_size(const struct sys_call *c, size_t len)
{
	uint32_t size = c->attr.log_level ? (uint32_t)len + 1 : 0;

	if (c->size >= TRUE_SIZE_AT + sizeof(size))
		memcpy((char *)c->user + TRUE_SIZE_AT, &size, sizeof(size));
}

/* What does not fit is missing at the beginning, with BPF_LOG_FIXED at the end: as since 6.4. */
static int copy_log(const struct sys_call *c, const char *text)
{
	const union bpf_attr *a = &c->attr;
	size_t len = strlen(text);
	bool cut = a->log_size && len >= a->log_size;

	tell_size(c, len);
	if (cut && !(a->log_level & LOG_FIXED))
		text += len - (a->log_size - 1);
	(void)sys_write_log(a->log_buf, a->log_size, text);
	return cut ? -ENOSPC : 0;
}

/* The one that sys_expect() announced is told to attach/. */
static int tell_judge(struct sys_call *c, const struct verdict *said, int err)
{
	const struct sys_ops *ops = &c->s->ops;
	char *text;

	if (!ops->judged || !said->announced)
		return 0;
	text = text_of(c, said, err, said->log.level);
	if (text)
		ops->judged(ops->arg, err, diag_text(&c->s->diag, err), text, &said->stats);
	free(text);
	return text ? 0 : -ENOMEM;
}

int sys_log_write(struct sys_call *c, const struct verdict *said, int err)
{
	char *text = text_of(c, said, err, c->attr.log_level);
	int cut = text ? copy_log(c, text) : -ENOMEM;

	free(text);
	if (!cut)
		cut = tell_judge(c, said, err);
	return cut < 0 ? cut : err;
}
