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

#define LOG_MAX  (64u << 20)
#define LAST_MAX (64u << 10) /* the verdict is told behind a log that is full, too */

static void put(struct verify_log *log, const char *text, size_t n)
{
	if (!log || log->n + n >= LOG_MAX + (log->verdict ? LAST_MAX : 0))
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

static bool source_of(const struct verify *v, struct verify_source *out)
{
	return v->in->source && v->in->source(v->in->arg, v->cur->at, out);
}

/* Once for all instructions of a line that follow each other. */
static void log_source(struct verify *v)
{
	struct verify_source s;

	if (!source_of(v, &s))
		return;
	if (s.text == v->shown.text && s.file == v->shown.file && s.line == v->shown.line)
		return;
	vlog(v, "; %s @ %s:%u\n", s.text, s.file, s.line);
	v->shown = s;
}

/* The kernel's columns: bpf_vlog_alignment(). */
static unsigned padding(size_t pos)
{
	size_t to = pos + 4 > 40 ? pos + 4 : 40;

	return (unsigned)((to + 7) / 8 * 8 - pos - 1);
}

void vlog_insn(struct verify *v)
{
	uint32_t at = v->cur->at;
	size_t begin;
	char text[128];

	log_source(v);
	begin = v->log->n;
	program_format_insn(&v->p->insn[at], text, sizeof(text));
	vlog(v, "%u: (%02x) %s", at, v->p->insn[at].code, text);
	v->column = v->log->n - begin + 1;
	v->logged_from = at;
}

static void log_slot(struct verify *v, const struct vslot *s, unsigned i)
{
	static const char kind[] = "?m0r?";
	char text[320], bytes[9] = "";
	unsigned n = 0;

	if (s->byte[0] == S_ITER) {
		vlog(v, " fp-%u=iter_num(ref_id=%u,state=%s)", 8 * (i + 1), s->spill.ref,
		     s->spill.index ? "drained" : "active");
		return;
	}
	/* the highest byte first; those of a spill, which are the lowest, as one */
	for (int k = 7; k >= 0 && s->byte[k] != S_SPILL; k--)
		bytes[n++] = kind[s->byte[k]];
	if (n < 8) {
		vreg_text(v, &s->spill, text, sizeof(text));
		vlog(v, " fp-%u=%s%s", 8 * (i + 1), bytes, text);
	} else if (strcmp(bytes, "????????") != 0) {
		vlog(v, " fp-%u=%s", 8 * (i + 1), bytes);
	}
}

static void log_refs(struct verify *v)
{
	const struct vstate *s = v->cur;

	for (unsigned i = 0; i < s->nrefs; i++)
		vlog(v, "%s%u", i ? "," : " refs=", s->ref[i].id);
}

/* " frame1: R0=... fp-8=...": all that is known of a function. */
static void log_frame(struct verify *v, unsigned depth, const struct vreg *r,
		      const struct vslot *slot, unsigned nslots)
{
	char text[320];

	if (depth)
		vlog(v, " frame%u:", depth);
	/* a call leaves nothing to its caller in the first ones */
	for (unsigned i = depth < v->cur->depth ? 6 : 0; i <= INSN_FP; i++) {
		if (r[i].kind == V_UNSET)
			continue;
		vreg_text(v, &r[i], text, sizeof(text));
		vlog(v, " R%u=%s", i, text);
	}
	for (unsigned i = 0; i < nslots; i++)
		log_slot(v, &slot[i], i);
}

static void log_open(struct verify *v, unsigned depth)
{
	const struct vframe *f = v->cur->f[depth];

	log_frame(v, depth, f->r, f->slot, f->nslots);
}

/* What the current function knows before an instruction. */
void vlog_before(struct verify *v, struct vlogged *b)
{
	const struct vframe *f = vframe(v);

	b->depth = v->cur->depth;
	b->serial = f->serial;
	b->nslots = f->nslots;
	memcpy(b->r, f->r, sizeof(b->r));
	memcpy(b->slot, f->slot, f->nslots * sizeof(f->slot[0]));
}

static void log_call(struct verify *v, const struct vlogged *b)
{
	unsigned depth = v->cur->depth;

	v->shown = (struct verify_source){ .text = NULL };
	if (depth > b->depth) {
		vlog(v, "\ncaller:\n");
		log_open(v, depth - 1);
		vlog(v, "\ncallee:\n");
		log_open(v, depth);
	} else {
		vlog(v, "\nreturning from callee:\n");
		log_frame(v, b->depth, b->r, b->slot, b->nslots);
		vlog(v, "\nto caller at %u:\n", v->cur->at);
		log_open(v, depth);
	}
	log_refs(v);
	vlog(v, "\n");
}

/* " ; R1=..." of what differs, and the line's end. */
void vlog_changes(struct verify *v, const struct vlogged *b)
{
	const struct vframe *f = vframe(v);
	static const struct vslot unset;
	size_t begin = v->log->n, something;
	char text[320];

	if (f->serial != b->serial) {
		log_call(v, b);
		return;
	}
	vlog(v, "%*s;", (int)padding(v->column), "");
	if (v->cur->depth)
		vlog(v, " frame%u:", v->cur->depth);
	something = v->log->n;
	for (unsigned r = 0; r < INSN_FP; r++) {
		if (f->r[r].kind == V_UNSET || !memcmp(&f->r[r], &b->r[r], sizeof(f->r[r])))
			continue;
		vreg_text(v, &f->r[r], text, sizeof(text));
		vlog(v, " R%u=%s", r, text);
	}
	for (unsigned i = 0; i < f->nslots; i++) {
		const struct vslot *was = i < b->nslots ? &b->slot[i] : &unset;

		if (memcmp(was, &f->slot[i], sizeof(*was)) != 0)
			log_slot(v, &f->slot[i], i);
	}
	log_refs(v);
	if (v->log->n == something && v->log->text) {
		v->log->n = begin;
		v->log->text[begin] = '\0';
	}
	vlog(v, "\n");
}

/* Where a path begins. */
void vlog_state(struct verify *v)
{
	vlog(v, "%u:", v->cur->at);
	log_open(v, v->cur->depth);
	log_refs(v);
	vlog(v, "\n");
}

/* What was behind the jump is no longer in the log at level 1: its line is shown again. */
void vlog_from(struct verify *v)
{
	v->shown = (struct verify_source){ .text = NULL };
	vlog(v, "\nfrom %u to %u:", v->cur->last_at, v->cur->at);
	log_open(v, v->cur->depth);
	log_refs(v);
	vlog(v, "\n");
}

/* What is too complex may be so in any of the program's functions: which one. */
static void say_function(struct verify *v)
{
	uint32_t sub = program_sub_at(v->p, v->cur->at);
	const struct verify_func *f = vfunc(v, sub);
	char name[80];

	if (f || (!sub && v->p->name[0]))
		snprintf(name, sizeof(name), "%s()", f ? f->name : v->p->name);
	else
		snprintf(name, sizeof(name), "at insn %u", v->p->sub[sub].start);
	diag_add(v->d, "in function %s", name);
	vlog(v, "in function %s\n", name);
}

/*
 * The log gets the reason as the kernel words it, the line of the source and what to change;
 * diag gets all that in one.
 */
int vfail(struct verify *v, int err, const char *change, const char *fmt, ...)
{
	struct verify_source src;
	bool known = source_of(v, &src);
	char text[128], why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (v->passing)
		snprintf(why + strlen(why), sizeof(why) - strlen(why),
			 "\nCaller passes invalid args into func#%u ('%s')", v->passing,
			 vfunc(v, v->passing)->name);
	program_format_insn(&v->p->insn[v->cur->at], text, sizeof(text));
	diag_set(v->d, err, "insn %u (%s): %s", v->cur->at, text, why);
	vlog(v, "%s", v->logged_from == v->cur->at ? "\n" : "");
	if (v->log)
		v->log->verdict = v->log->n;
	vlog(v, "%s\n", why);
	if (err == -E2BIG)
		say_function(v);
	if (known)
		diag_add(v->d, "at %s:%u: %s", src.file, src.line, src.text);
	diag_add(v->d, "what to change: %s", change);
	if (known)
		vlog(v, "at %s:%u: %s\n", src.file, src.line, src.text);
	vlog(v, "what to change: %s\n", change);
	return err;
}

/* Behind what was said of paths; at level 4 what the kernel's has there, too. */
void vlog_stats(struct verify *v)
{
	const struct verify_stats *s = &v->stats;

	if (v->log->level & 4) {
		vlog(v, "verification time %llu usec\nstack depth ",
		     (unsigned long long)s->ns / 1000);
		for (uint32_t i = 0; v->depth && i < v->p->nsub; i++)
			vlog(v, "%s%u", i ? "+" : "", v->depth[i]);
		vlog(v, "\n");
	}
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
