/*
 * gen/dump.h - maps and ring records as lines, by the types that their object tells.
 *
 * Text     NAME[KEY] = VALUE      an element; of arrays only those that are not zero
 *          NAME[KEY] cpu N = VALUE      one thread's part of a per-CPU value that is no integer
 *          VARIABLE = VALUE       of a map of global data
 *          NAME:                  or NAME[KEY]:, VARIABLE: a histogram's rows follow
 *          NAME: VALUE            a record
 * JSON     one object a line, {"map":NAME} and: "key","value" and "cpus":[{"cpu","value"},...];
 *          "var","value"; "hist" (gen/hist.h) with "key" or "var" where there is one; "event",
 *          or "hex" for a record without a type, and "more", in hex, for what is behind it.
 * Values   as gen/value.h prints them, character arrays as strings; without a type, or with
 *          one of another size, as hex: in text 01 02 ..., in JSON {"hex":"0102..."}
 * Order    arrays and variables as they lie; hashes by falling value if that is an integer,
 *          else by key: numbers as numbers, structs member by member
 * Per-CPU  what a program has per CPU is per thread slot here (bpf/map.h).  Of integers the
 *          sum; in JSON also each slot's value that is not zero.
 * Hist     what is named ..._hist and has at most 64 unsigned integers of 4 or 8 bytes: an
 *          array, a per-CPU array, a variable, or each value of a hash
 * Hidden   variables whose names begin with '_'
 * Errors   -ENOMEM; -EPERM: a map that may not be read
 * Context  [ctl]
 */
#ifndef GEN_DUMP_H
#define GEN_DUMP_H

#include "bpf/map.h"
#include "gen/value.h"
#include "info/btf.h"

/* A type that is NULL is not known. */
struct dump_types {
	const struct ty *key, *value;
	bool global; /* it is a map of global data, of these variables */
	const struct section_var *var;
	unsigned nvars;
};

typedef void (*dump_line_fn)(void *arg, const char *text, size_t n);

/* Number of lines; 0: there is nothing in it. */
int gen_dump_map(struct map *m, const char *name, const struct dump_types *types, bool json,
		 dump_line_fn line, void *arg);

/* A record into w, one line without its newline; type NULL: hex. */
void gen_dump_record(struct json *w, const char *name, const struct ty *type, const void *data,
		     size_t n, bool json);

#endif
