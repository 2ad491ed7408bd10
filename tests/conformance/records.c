/* records.c - see records.h. */
#include "records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INSNS 1000000

static bool get(void *to, size_t n)
{
	return fread(to, 1, n, stdin) == n;
}

bool record_next(struct record *r)
{
	size_t mems;

	free(r->insn);
	free(r->mems);
	memset(r, 0, sizeof(*r));
	if (!get(&r->h, sizeof(r->h)))
		return false;
	mems = (size_t)r->h.mem_len * r->h.nmem;
	if (r->h.ninsns <= MAX_INSNS && r->h.mem_len <= RECORD_MAX_MEM) {
		r->insn = calloc(r->h.ninsns + 1, sizeof(*r->insn));
		r->mems = malloc(mems + 1);
	}
	if (!r->insn || !r->mems || !get(r->insn, r->h.ninsns * sizeof(*r->insn)) ||
	    !get(r->mems, mems)) {
		fprintf(stderr, "half a record, or one too large\n");
		exit(1);
	}
	return true;
}

void record_put(const void *from, size_t n)
{
	if (fwrite(from, 1, n, stdout) != n) {
		perror("stdout");
		exit(1);
	}
}

void record_put32(uint32_t v)
{
	record_put(&v, sizeof(v));
}

void record_refuse(int err, const char *text)
{
	record_put32((uint32_t)-err);
	record_put32((uint32_t)strlen(text));
	record_put(text, strlen(text));
}
