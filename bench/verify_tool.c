/*
 * verify_tool.c - the tool, with a line on stderr for each program that is verified.
 *
 * Linked in before the verifier (--wrap): "verified", the name, instructions, processed, states, tries, the most
 * bytes, ns, with tabs.  bench/verify.py reads them.
 */
#include "bpf/verify.h"

#include <stdio.h>

int __real_verify_program(const struct verify_prog *in, struct verify_log *log,
			  struct verify_stats *stats, struct diag *d);
int __wrap_verify_program(const struct verify_prog *in, struct verify_log *log,
			  struct verify_stats *stats, struct diag *d);

int __wrap_verify_program(const struct verify_prog *in, struct verify_log *log,
			  struct verify_stats *stats, struct diag *d)
{
	struct verify_stats s;
	int err = __real_verify_program(in, log, &s, d);

	fprintf(stderr, "\nverified\t%s\t%u\t%llu\t%u\t%u\t%llu\t%llu\t%d\n", in->p->name,
		in->p->ninsns, (unsigned long long)s.processed, s.states, s.tries,
		(unsigned long long)s.peak_bytes, (unsigned long long)s.ns, err);
	if (stats)
		*stats = s;
	return err;
}
