/*
 * bpf/verify_log.c - see verify_priv.h: the log, and why a program is refused.
 *
 * As the kernel's: an instruction a line with what it changed behind a ';', source lines before
 * their first instruction.  At level 1 only the path that is refused stays; level 2 keeps all.
 */
#include "bpf/verify_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_MAX (64u << 20)

static void put(struct verify_log *log, const char *text, size_t n)
{
	if (!log || log->n + n >= LOG_MAX)
		return;
	if (log->n + n >= log->cap) {
		size_t cap = 2 * (log->n + n) + 4096;
		char *more = realloc(log->text, cap);

		if (!more) {
			log->err = -ENOMEM;
			return;
		}
		log->text = more;
		log->cap = cap;
	}
	memcpy(log->text + log->n, text, n);
	log->n += n;
	log->text[log->n] = '\0';
}

static void vput(struct verify *v, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void vput(struct verify *v, const char *fmt, va_list ap)
{
	char line[1024];
	int n = vsnprintf(line, sizeof(line), fmt, ap);

	if (n > 0)
		put(v->log, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

void vlog(struct verify *v, const char *fmt, ...)
{
	va_list ap;

	if (!v->log)
		return;
	va_start(ap, fmt);
	vput(v, fmt, ap);
	va_end(ap);
}

bool vlog_on(const struct verify *v)
{
	return v->log && v->log->level & 3;
}

static const char *source_of(const struct verify *v, uint32_t at)
{
	return v->in->source ? v->in->source(v->in->arg, at) : NULL;
}

void vlog_insn(struct verify *v)
{
	uint32_t at = v->cur->at;
	const char *src = source_of(v, at);
	char text[128];

	if (src)
		vlog(v, "; %s\n", src);
	program_format_insn(&v->p->insn[at], text, sizeof(text));
	vlog(v, "%u: (%02x) %s", at, v->p->insn[at].code, text);
	v->logged_from = at;
}

/* " ; R1=..." of the registers that differ, and the line's end. */
void vlog_changes(struct verify *v, const struct vframe *before)
{
	const struct vframe *now = vframe(v);
	const char *sep = "\t; ";

	for (unsigned r = 0; r < INSN_FP; r++) {
		char text[320];

		if (now->serial == before->serial &&
		    !memcmp(&now->r[r], &before->r[r], sizeof(now->r[r])))
			continue;
		if (now->r[r].kind == V_UNSET)
			continue;
		vreg_text(&now->r[r], text, sizeof(text));
		vlog(v, "%sR%u=%s", sep, r, text);
		sep = " ";
	}
	vlog(v, "\n");
}

static void log_slot(struct verify *v, const struct vslot *s, unsigned i)
{
	static const char kind[] = "?m0r?";
	char text[320];

	if (s->byte[0] == S_SPILL) {
		vreg_text(&s->spill, text, sizeof(text));
		vlog(v, " fp-%u=%s", 8 * (i + 1), text);
		return;
	}
	if (s->byte[0] == S_ITER) {
		vlog(v, " fp-%u=iter_num(ref_id=%u,state=%s)", 8 * (i + 1), s->spill.ref,
		     s->spill.index ? "drained" : "active");
		return;
	}
	for (unsigned k = 0; k < 8; k++)
		text[k] = kind[s->byte[7 - k]];
	text[8] = '\0';
	if (strcmp(text, "????????"))
		vlog(v, " fp-%u=%s", 8 * (i + 1), text);
}

/* "5: R0=... fp-8=...": the current function's, where a path begins or goes on. */
void vlog_state(struct verify *v)
{
	const struct vframe *f = vframe(v);

	vlog(v, "%u:", v->cur->at);
	if (v->cur->depth)
		vlog(v, " frame%u:", v->cur->depth);
	for (unsigned r = 0; r <= INSN_FP; r++) {
		char text[320];

		if (f->r[r].kind == V_UNSET)
			continue;
		vreg_text(&f->r[r], text, sizeof(text));
		vlog(v, " R%u=%s", r, text);
	}
	for (unsigned i = 0; i < f->nslots; i++)
		log_slot(v, &f->slot[i], i);
	vlog(v, "\n");
}

/*
 * The log gets the reason as the kernel words it, the line of the source and what to change;
 * diag gets all that in one.
 */
int vfail(struct verify *v, int err, const char *change, const char *fmt, ...)
{
	const char *src = source_of(v, v->cur->at);
	char text[128], why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	program_format_insn(&v->p->insn[v->cur->at], text, sizeof(text));
	diag_set(v->d, err, "insn %u (%s): %s", v->cur->at, text, why);
	if (src)
		diag_add(v->d, "at %s", src);
	if (change)
		diag_add(v->d, "%s", change);
	vlog(v, "%s%s\n", v->logged_from == v->cur->at ? "\n" : "", why);
	if (src)
		vlog(v, "at %s\n", src);
	if (change)
		vlog(v, "what to change: %s\n", change);
	return err;
}

void vlog_stats(struct verify *v)
{
	const struct verify_stats *s = &v->stats;

	vlog(v,
	     "processed %llu insns (limit %llu) max_states_per_insn %u total_states %u peak_states "
	     "%u mark_read 0\n",
	     (unsigned long long)s->processed, (unsigned long long)v->max_insns, s->max_per_insn,
	     s->states, s->peak_states);
}

void verify_log_free(struct verify_log *log)
{
	free(log->text);
	*log = (struct verify_log){ .level = log->level };
}
