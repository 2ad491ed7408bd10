/*
 * verify_run.h - what was accepted is run: in checked mode, where the verifier's word is held to what
 * happens, then without checks, by the slab's interpreter and by the JIT, which must agree.
 *
 * The context is ctx[0] = VERIFY_RUN_TARGET, an address of the target's whose every word is that address,
 * and ctx[1..] = 5, -3, 0x123456789abcdef0, 7, 300, and so on from VERIFY_RUN_WORDS; as narrow as their
 * types say.  Programs that follow no address run with others, too: zeros, ones, random words.
 * Maps begin each run as verify_setup() made them.
 */
#ifndef TESTS_BPF_VERIFY_RUN_H
#define TESTS_BPF_VERIFY_RUN_H

#include "verify_case.h"

#define VERIFY_RUN_TARGET 0x200000008000ull
#define VERIFY_RUN_WORDS \
	5, (uint64_t)-3, 0x123456789abcdef0, 7, 300, 0, 1, 0x80000000, 0xffffffff, 64, 2

enum verify_ran { VERIFY_RAN, VERIFY_ENDLESS, VERIFY_WRONG };

/*
 * p is the program of c, made to run.  VERIFY_ENDLESS: it takes too long for a test, by a budget that only the run
 * time has; VERIFY_WRONG: d says what is.
 */
enum verify_ran verify_run(const struct verify_case *c, const struct program *p,
			   const struct arena *arena, void (*reset)(void), struct diag *d);

#endif
