/*
 * bpf/verify_ref.c - see verify_priv.h: what must be given back on every path.
 *
 * Records of rings until they are submitted or discarded, iterators until they are destroyed.
 */
#include "bpf/verify_priv.h"

#include <string.h>

int vref_take(struct verify *v, uint32_t *id)
{
	struct vstate *s = v->cur;

	if (s->nrefs == VERIFY_REFS)
		return vdeny(v, "submit, discard or destroy some of them before",
			     "more than %u records and iterators are open at a time", VERIFY_REFS);
	*id = ++v->ids;
	s->ref[s->nrefs++] = (struct vref){ *id, s->at };
	return 0;
}

static bool is_of(const struct vreg *r, const void *arg)
{
	return r->ref == *(const uint32_t *)arg;
}

/* What was given back is memory of the program's no more, but its address is still a number. */
static void forget(struct vreg *r, const void *arg)
{
	*r = vreg_number();
}

int vref_give(struct verify *v, uint32_t id)
{
	struct vstate *s = v->cur;
	unsigned k;

	for (k = 0; k < s->nrefs && s->ref[k].id != id; k++)
		;
	if (!id || k == s->nrefs)
		return -ENOENT;
	memmove(&s->ref[k], &s->ref[k + 1], (s->nrefs - k - 1) * sizeof(s->ref[0]));
	s->nrefs--;
	vreg_each(v, s, is_of, forget, &id);
	return 0;
}

/* A function that ends, or a call that does not come back, leaves no more than `since` open. */
int vref_none(struct verify *v, unsigned since, const char *what)
{
	const struct vstate *s = v->cur;

	if (s->nrefs <= since)
		return 0;
	return vdeny(
		v,
		"submit or discard every ring buffer record, and destroy every iterator, on all "
		"paths, those for errors too",
		"Unreleased reference id=%u alloc_insn=%u\n%s would lead to reference leak",
		s->ref[since].id, s->ref[since].at, what);
}
