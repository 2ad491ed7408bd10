/*
 * gen/expr.h - conditions over a call: `--filter 'EXPR'`, `--if EXPR`.
 *
 * As C writes them: || && ! ( ) == != < <= > >= + - * / % & | ^ ~ << >>, integers (decimal,
 * hex, octal, 'c'), floating-point constants, "text", NULL, true, false, enumerators of the
 * function's own types; arguments by name or as arg0 ...; ret; of typed pointers, structs and
 * arrays p->m, s.m, a[3], *p; on strings == and != (whole) and =~ (glob: * ? and \ before
 * them).  Types are the function's, conversions C's.  What a type cannot be asked (a struct
 * compared, a pointer without a type followed) is refused by name.
 *
 * Bare     x where a condition is wanted is x != 0, !x is x == 0; these are comparisons too.
 * Faults   A read that faults, and a division by zero, make the innermost comparison around
 *          them false, be it != or !x; so does following NULL.
 * Strings  "text" is at most 255 bytes; =~ looks at the first 255 bytes of a longer string.
 * Floating float and double are compared with each other and with constants, exactly as
 *          IEEE 754 has it (NaN unordered, -0 equal to 0); not with integers that are no
 *          constants, no arithmetic but the sign.
 * Refused  a division or shift that the constants alone make meaningless is refused.
 *
 * Knows BPF instructions, prototypes and models; not processes.
 *
 * Errors   -EINVAL  malformed, types that do not fit: d says where and what is expected
 *          -ENOENT  no such argument, or nothing returned: d lists the names that there are
 *          -E2BIG   too large for a program
 * Memory   an expression borrows p and m, which must outlive it
 * Context  [ctl]
 */
#ifndef GEN_EXPR_H
#define GEN_EXPR_H

#include "base/diag.h"
#include "gen/writer.h"
#include "info/type.h"
#include "model/func_model.h"

#include <stdbool.h>

struct gen_expr;

/* p NULL: no types; then arg0 ... arg5 and ret are unsigned 64-bit integers. */
int gen_expr_new(const char *text, const struct proto *p, const struct func_model *m,
		 struct gen_expr **out, struct diag *d);
void gen_expr_free(struct gen_expr *e); /* NULL is fine */

bool gen_expr_uses_ret(const struct gen_expr *e); /* then it is for programs at exit only */

/* Bytes of the program's stack that the code needs, just below r10 - top. */
unsigned gen_expr_stack(const struct gen_expr *e);

/*
 * Code that leaves the condition in r0 (0 or 1).  r6 holds ctx; r0 to r5 are lost, r6 to r9
 * kept; of the stack the bytes from r10 - top - gen_expr_stack() to r10 - top are used.
 */
int gen_expr_emit(const struct gen_expr *e, struct gen_writer *w, unsigned top, struct diag *d);

#endif
