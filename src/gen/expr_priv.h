/*
 * gen/expr_priv.h - what the files of gen/expr share.
 *
 * A tree of nodes, typed when they are made, so that emitting cannot meet a type that does not
 * fit.  Values in registers are 64 bits wide, extended by their own type's sign; floats and
 * doubles are their bits.
 *
 * Memory   nodes live in the expression's pool
 * Context  [ctl] private to gen/
 */
#ifndef GEN_EXPR_PRIV_H
#define GEN_EXPR_PRIV_H

#include "gen/expr.h"

#include <stddef.h>

#define EXPR_MAX_TEXT  255 /* bytes of a string, without its NUL */
#define EXPR_MAX_GLOB  62  /* characters of a pattern beside its stars */
#define EXPR_MAX_NODES 1000
#define EXPR_MAX_DEPTH 64
#define EXPR_MAX_STACK 448 /* of PROGRAM_MAX_STACK; the rest is the program's own */

enum expr_op {
	X_INT,  /* value */
	X_FLT,  /* value: bits of t.size bytes; of 16, a long double's mantissa, the rest in off */
	X_TEXT, /* text, len */
	X_ARG,  /* off bytes into the context: an argument or a part of it */
	X_MEM,  /* off bytes behind the address a */
	X_NEG,
	X_INV,  /* ~ */
	X_LNOT, /* of a condition */
	X_MUL,
	X_DIV,
	X_MOD,
	X_ADD,
	X_SUB,
	X_SHL,
	X_SHR,
	X_AND,
	X_XOR,
	X_OR,
	X_LT, /* X_LT to X_NE are comparisons of numbers in type ct */
	X_LE,
	X_GT,
	X_GE,
	X_EQ,
	X_NE,
	X_TEXT_EQ, /* of the string a with text */
	X_TEXT_NE,
	X_GLOB,
	X_LAND,
	X_LOR,
};

enum expr_kind { E_INT, E_FLT, E_PTR, E_AGG, E_TEXT };

struct expr_type {
	uint8_t kind; /* enum expr_kind */
	uint8_t size; /* E_INT 1 2 4 8, E_FLT 4 8 16 (long double), E_PTR 8 */
	bool is_signed, is_bool;
	const struct ty *ty; /* stripped: the pointee, or the aggregate; NULL: not known */
};

struct expr_node {
	uint8_t op; /* enum expr_op */
	struct expr_type t, ct;
	const char *at; /* in the expression's text */
	const struct expr_node *a, *b;
	uint64_t value;
	int64_t off;
	uint16_t bits, bit_off; /* places: a bit-field, as struct ty_member has it */
	const char *text;
	size_t len;
};

struct gen_expr {
	struct ty_pool *pool;
	const struct proto *p;
	const struct func_model *m;
	const char *text; /* only while it is parsed */
	struct diag *d;
	int err; /* the first one sticks */
	unsigned nodes;
	bool uses_ret;
	const struct expr_node *root;
	unsigned spills, scratch, buffer; /* bytes of stack */
};

#define EXPR_INT  ((struct expr_type){ .kind = E_INT, .size = 4, .is_signed = true })
#define EXPR_U64  ((struct expr_type){ .kind = E_INT, .size = 8 })
#define EXPR_LINE 200 /* bytes of a text that a message shows */

/* -- expr.c ----------------------------------------------------------------------- */

/* NULL always, so that a builder can end with it. */
struct expr_node *expr_fail(struct gen_expr *e, const char *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct expr_node *expr_fail_as(struct gen_expr *e, int err, const char *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
struct expr_node *expr_node(struct gen_expr *e, enum expr_op op, const char *at);

/* A constant of 16 bytes. */
void expr_set_x87(struct expr_node *n, long double v);

bool expr_is_condition(const struct expr_node *n);
const struct expr_node *expr_truth(struct gen_expr *e, const struct expr_node *n);
const struct expr_node *expr_unary(struct gen_expr *e, char op, const char *at,
				   const struct expr_node *a);
const struct expr_node *expr_binary(struct gen_expr *e, enum expr_op op, const char *at,
				    const struct expr_node *a, const struct expr_node *b);

/* -- expr_type.c: names and places --------------------------------------------------- */

const struct expr_node *expr_name(struct gen_expr *e, const char *at, size_t n);
const struct expr_node *expr_member(struct gen_expr *e, const struct expr_node *a, bool arrow,
				    const char *at, const char *name, size_t n);
const struct expr_node *expr_index(struct gen_expr *e, const struct expr_node *a, const char *at,
				   int64_t i);
bool expr_is_string(const struct expr_type *t); /* char * or an array of char */
bool expr_is_array(const struct expr_type *t);
/* As a message names it. */
const char *expr_type_text(const struct expr_type *t, char *out, size_t cap);

/* -- expr_parse.c -------------------------------------------------------------------- */

/* The tree of e->text, a condition; or NULL and e->err. */
const struct expr_node *expr_parse(struct gen_expr *e);

/* -- expr_emit.c, expr_text.c ---------------------------------------------------------- */

struct emitter {
	const struct gen_expr *e;
	struct gen_writer *w;
	unsigned top;
	unsigned depth, deepest; /* values that wait on the stack */
	bool scratch;
	unsigned buffer;
	struct {
		VEC(unsigned); /* jumps to where the comparison fails */
	} faults;
};

/* Emit into nothing, to know what of the stack is needed. */
int expr_measure(struct gen_expr *e);

void emit_value(struct emitter *m, const struct expr_node *n); /* into r0 */
void emit_fault(struct emitter *m, unsigned jump);
/* r0 = r0 op r1 */
void emit_outcome(struct emitter *m, enum expr_op op, bool is_signed);
/* bytes of the place n (X_MEM) are read, 16 at most: where they lie from r10. */
int emit_read(struct emitter *m, const struct expr_node *n, unsigned bytes);
void emit_compare_x87(struct emitter *m, const struct expr_node *n); /* expr_x87.c */
void emit_text(struct emitter *m, const struct expr_node *n);
/* A forward jump on registers, for gen_jump_here(); BPF_JA: always. */
unsigned emit_jump(struct emitter *m, int op, uint8_t dst, uint8_t src);
/* Back to instruction `to`, on an immediate. */
void emit_back(struct emitter *m, int op, uint8_t dst, int32_t imm, size_t to);
void emit_alu(struct emitter *m, int op, uint8_t dst, int32_t imm);
void emit_alu_reg(struct emitter *m, int op, uint8_t dst, uint8_t src);

/* size bytes (1 2 4 8) at base + off, zero-extended. */
void emit_load(struct emitter *m, uint8_t dst, uint8_t base, int64_t off, unsigned size);

/* Where so many bytes of the one buffer are from r10. */
int emit_buffer(struct emitter *m, unsigned bytes);

bool expr_glob_fits(const char *s, size_t len);

#endif
