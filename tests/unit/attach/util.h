/*
 * util.h - start tests/unit/attach/victim.c under the public API.
 */
#ifndef TESTS_ATTACH_UTIL_H
#define TESTS_ATTACH_UTIL_H

#include "utramp/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A victim's stdin and stdout, this side. */
struct pipes {
	int in, out;
};

/* VICTIM mode n: its stdin and stdout are pipes.  Fails the test if it cannot. */
struct utramp_target *victim_start(const char *mode, const char *n, struct pipes *p);
struct utramp_target *command_start(char *const argv[], struct pipes *p);
void pipes_close(struct pipes *p);

/* Poll to the end: its wait status. */
int victim_end(struct utramp_target *t);

/* One line of its stdout, without the newline. */
void victim_line(struct pipes *p, char *out, size_t n);

struct utramp_object *object_loaded(struct utramp_target *t);
struct utramp_program *program_named(struct utramp_object *o, const char *name);
uint64_t count_of(struct utramp_object *o, uint32_t i); /* element of the map `counts` */
void sleep_ms(int ms);

/* What one run of `victim run n` prints, without us. */
void victim_truth(const char *n, char *out, size_t size);

/* The victim's bytes at a function, in the process (run time) and in its file. */
int func_bytes(struct utramp_target *t, const char *name, uint8_t now[8], uint8_t file[8],
	       uint64_t *addr);

#endif
