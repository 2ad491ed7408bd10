/*
 * driver.h - a victim at the other end of two pipes, and cases counted as TAP.
 *
 * A case is what lies between tap_begin() and tap_end(); each check inside that fails is
 * told as a comment and makes the case fail.  Without the library's help nothing goes on:
 * functions that prepare a case end the program with "Bail out!".
 */
#ifndef DRIVER_H
#define DRIVER_H

#include "utramp/utramp.h"

#include <stdint.h>
#include <stdio.h>

void tap_begin(const char *name);
void tap_end(void);
int tap_done(void); /* prints the plan; the program's exit status */

void check_true(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_eq(long long is, long long want, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void check_str(const char *is, const char *want, const char *what);
void bail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

struct victim {
	struct utramp_target *t;
	FILE *to, *from;
	char answer[8192]; /* of the last victim_ask() */
};

/* Started and stopped before its first instruction of its own. */
void victim_start(struct victim *v, const char *path);
void victim_resume(struct victim *v);
void victim_send(struct victim *v, const char *command);
const char *victim_receive(struct victim *v); /* the lines of the answer */
const char *victim_ask(struct victim *v, const char *command);
/* It ends with status 0, and the target is freed. */
void victim_end(struct victim *v);

/* The line of an answer that begins with key and a blank: what follows; NULL: none. */
const char *line_value(const char *answer, const char *key, char out[64]);

/* Does the text at addr equal the file that is mapped there?  n bytes. */
bool text_is_files(const struct victim *v, uint64_t addr, size_t n);

/* dir is where the objects were built; loaded for v. */
struct utramp_object *open_and_load(struct victim *v, const char *name);
struct utramp_program *find_program(struct utramp_object *o, const char *name);
struct utramp_link *attach_one(struct victim *v, struct utramp_object *o, const char *name,
			       const char *spec, uint64_t cookie);
/* Global data and single array elements. */
void map_read(struct utramp_object *o, const char *map, uint32_t key, void *out, size_t n);
void map_write(struct utramp_object *o, const char *map, const void *in, size_t n);

extern const char *objects_dir; /* set by main() */

#endif
