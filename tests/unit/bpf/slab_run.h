/*
 * slab_run.h - the interpreter as the target has it: out of the slab's file, loaded here.
 *
 * Functions fail the running cmocka test rather than returning errors.
 */
#ifndef TESTS_BPF_SLAB_RUN_H
#define TESTS_BPF_SLAB_RUN_H

#include "bpf/engine.h"

/* Address of a function of the slab that holds the interpreter. */
uint64_t slab_symbol(const char *name);

/* p by that interpreter, unchecked; the helpers are env's. */
uint64_t slab_run(const struct program *p, const struct engine_env *env, uint64_t r1, uint64_t r2);

#endif
