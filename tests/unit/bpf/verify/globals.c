/*
 * globals.c - functions that are verified by themselves, once: what callers must give, what is known
 * inside and afterwards, and what is said of them.
 *
 * What BTF makes of prototypes is tests/unit/sys/funcs_test.c's.
 */
#include "cases.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAIN \
	{ \
		.name = "main" \
	}
#define GLOBAL(name_, n_, ...) \
	{ \
		.name = (name_), .global = true, .nparams = (n_), .param = { __VA_ARGS__ } \
	}
#define NUMBER \
	{ \
		.kind = PARAM_NUMBER \
	}
#define MEMORY(size_) \
	{ \
		.kind = PARAM_MEMORY, .size = (size_) \
	}
#define NONNULL(size_) \
	{ \
		.kind = PARAM_MEMORY, .size = (size_), .nonnull = true \
	}
#define CTX \
	{ \
		.kind = PARAM_CTX \
	}
#define TARGET \
	{ \
		.kind = PARAM_TARGET \
	}

#define FUNCS(name_, ...) \
	static const struct verify_func name_[] = { MAIN, __VA_ARGS__, { .name = "" } }

FUNCS(number, GLOBAL("f", 1, NUMBER));
FUNCS(numbers, GLOBAL("f", 2, NUMBER, NUMBER));
FUNCS(memory, GLOBAL("f", 1, MEMORY(16)));
FUNCS(nonnull, GLOBAL("f", 1, NONNULL(16)));
FUNCS(context, GLOBAL("f", 1, CTX));
FUNCS(target, GLOBAL("f", 1, TARGET));
FUNCS(nothing, { .name = "f", .global = true, .is_void = true });
FUNCS(two, GLOBAL("f", 1, NUMBER), GLOBAL("g", 1, NUMBER));
FUNCS(mixed, GLOBAL("f", 1, NUMBER), { .name = "g" });
FUNCS(wrong, { .name = "f", .global = true, .why = "arg#0 is odd", .change = "nothing" });
FUNCS(by_call, { .name = "f" });

static const struct ty_member members[] = {
	{ .name = "id", .type = &(const struct ty){ .kind = TY_INT, .size = 8 } }
};
static const struct ty thing = {
	.kind = TY_STRUCT, .name = "thing", .size = 8, .n = 1, .member = members
};
static const struct ctx_slot slots[] = { { .type = &thing }, { .bytes = 8 } };
static const struct ctx_desc typed = { 2, slots };

#define ACCEPTED(f_, r0_, text_) \
	{ \
		.text = (text_), .kind = M, .func = (f_), .r0 = (uint64_t)(r0_) \
	}
#define DENIED(f_, says_, text_) \
	{ \
		.text = (text_), .kind = M, .func = (f_), .says = (says_) \
	}
#define CALLER "\nCaller passes invalid args into func#1 ('f')"

/* What is known inside, and afterwards. */
void verify_globals(void **state)
{
	static const struct verify_case c[] = {
		ACCEPTED(numbers, 12,
			 "mov r1, 5\nmov r2, 7\ncall local f\n" RET
			 "f: mov r0, r1\nadd r0, r2\nexit\n"),
		/* any number, whatever is given */
		DENIED(number, "map_value pointer and register with unbounded min value",
		       "mov r1, 5\ncall local f\n" OK
		       "f: value r2, 5, 0\nadd r2, r1\nldxb r0, [r2+0]\nexit\n"),
		ACCEPTED(by_call, 0,
			 "mov r1, 5\ncall local f\n" OK
			 "f: value r2, 5, 0\nadd r2, r1\nldxb r0, [r2+0]\nexit\n"),
		/* and so is what it returns */
		DENIED(number, "map_value pointer and register with unbounded min value",
		       "mov r1, 5\ncall local f\n" TOUCH("r0") OK "f: mov r0, 3\nexit\n"),
		DENIED(number, "R1 !read_ok",
		       "mov r1, 5\ncall local f\nmov r0, r1\n" RET "f: mov r0, 3\nexit\n"),
		DENIED(number, "R5 !read_ok",
		       "mov r1, 5\nmov r5, 1\ncall local f\nmov r0, r5\n" RET
		       "f: mov r0, 3\nexit\n"),
		ACCEPTED(number, 6,
			 "mov r6, 6\nmov r1, 5\ncall local f\nmov r0, r6\n" RET
			 "f: mov r6, 9\nmov r0, 3\nexit\n"),
		/* r2 to r5 are not its arguments, r6 to r9 are the caller's */
		DENIED(number, "R2 !read_ok",
		       "mov r1, 5\nmov r2, 5\ncall local f\n" RET "f: mov r0, r2\nexit\n"),
		DENIED(number, "R6 !read_ok",
		       "mov r6, 5\nmov r1, 5\ncall local f\n" RET "f: mov r0, r6\nexit\n"),
		DENIED(number, "R0 !read_ok", "mov r1, 5\ncall local f\n" RET "f: exit\n"),
		ACCEPTED(nothing, 4, "call local f\nmov r0, 4\n" RET "f: exit\n"),
		ACCEPTED(nothing, 4, "call local f\nmov r0, 4\n" RET "f: mov r0, r10\nexit\n"),
		DENIED(nothing, "R0 !read_ok", "call local f\n" RET "f: mov r0, 1\nexit\n"),
		DENIED(number, "At subprogram exit the register R0 is not a scalar value (fp)",
		       "mov r1, 5\ncall local f\n" OK "f: mov r0, r10\nexit\n"),
		DENIED(number,
		       "At subprogram exit the register R0 is not a scalar value (map_value)",
		       "mov r1, 5\ncall local f\n" OK "f: value r0, 5, 0\nexit\n"),
		/* memory is as large as told, and may be none */
		DENIED(memory, "R1 invalid mem access 'mem_or_null'",
		       "mov r1, 0\ncall local f\n" OK "f: ldxdw r0, [r1+0]\nexit\n"),
		DENIED(nonnull, "invalid access to memory, mem_size=16 off=16 size=1",
		       "value r1, 5, 0\ncall local f\n" OK "f: ldxb r0, [r1+16]\nexit\n"),
		ACCEPTED(nonnull, 8,
			 "value r1, 5, 0\ncall local f\n" RET "f: ldxb r0, [r1+8]\nexit\n"),
		/* its own stack, its own records */
		DENIED(nonnull, "Unreleased reference",
		       "value r1, 5, 0\ncall local f\n" OK "f: " RESERVE "mov r0, 0\nexit\n" END),
		ACCEPTED(number, 0,
			 RESERVE "mov r1, 1\ncall local f\n" SUBMIT END "f: mov r0, 0\nexit\n"),
		DENIED(nonnull, "R1 type=mem expected=ringbuf_mem",
		       RESERVE "mov r1, r6\ncall local f\n" SUBMIT END
			       "f: mov r2, 0\ncall 132\nmov r0, 0\nexit\n"),
	};

	VERIFY_CASES(c);
}

/* What is given. */
void verify_globals_arguments(void **state)
{
	static const struct verify_case c[] = {
		DENIED(number, "R1 is not a scalar" CALLER,
		       "mov r1, r10\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
		DENIED(number, "R1 is not a scalar" CALLER,
		       "call local f\n" RET "f: mov r0, 1\nexit\n"),
		DENIED(numbers, "R2 is not a scalar" CALLER,
		       "mov r1, 1\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
		DENIED(wrong, "arg#0 is odd" CALLER, "call local f\n" RET "f: mov r0, 1\nexit\n"),
		/* memory */
		ACCEPTED(memory, 1, "mov r1, 0\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
		ACCEPTED(memory, 1,
			 LOOKUP("2") "mov r1, r0\ncall local f\n" RET END "f: mov r0, 1\nexit\n"),
		ACCEPTED(
			memory, 9,
			"stdw [r10-8], 5\nstdw [r10-16], 4\nmov r1, r10\nadd r1, -16\ncall local f\n" RET
			"f: jne r1, 0, +2\nmov r0, 0\nexit\nldxdw r0, [r1+0]\nldxdw r2, [r1+8]\nadd r0, r2\nexit\n"),
		DENIED(memory, "R1 type=scalar expected=fp",
		       "mov r1, 7\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
		DENIED(memory, CALLER, "mov r1, 7\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
		DENIED(memory, "R1 type=ctx expected=fp",
		       "call local f\n" RET "f: mov r0, 1\nexit\n"),
		DENIED(memory, "R1 type=map_ptr expected=fp",
		       "map r1, 1\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
		DENIED(memory, "R1 type=scalar expected=fp",
		       "ldxdw r1, [r1+0]\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
		DENIED(memory, "invalid read from stack R1 off=-8 size=16" CALLER,
		       "mov r1, r10\nadd r1, -8\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
		DENIED(memory, "value_size=64 off=56 size=16",
		       "value r1, 5, 56\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
		ACCEPTED(memory, 1, "value r1, 5, 48\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
		DENIED(memory, "write into map forbidden",
		       "value r1, 4, 0\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
	};

	VERIFY_CASES(c);
}

/* NULL, what is left of memory, the context, the target's. */
void verify_globals_pointers(void **state)
{
	static const struct verify_case c[] = {
		DENIED(nonnull, "arg#0 is expected to be non-NULL" CALLER,
		       "mov r1, 0\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
		DENIED(nonnull, "arg#0 is expected to be non-NULL" CALLER,
		       "stdw [r10-8], 0\nmap r1, 2\nmov r2, r10\nadd r2, -8\ncall 1\nmov r1, r0\ncall local f\n" RET
		       "f: mov r0, 1\nexit\n"),
		ACCEPTED(
			memory, 0,
			"stdw [r10-8], 0\nmap r1, 2\nmov r2, r10\nadd r2, -8\ncall 1\nmov r1, r0\ncall local f\n" RET
			"f: mov r0, 0\nexit\n"),
		/* and is one still, afterwards */
		DENIED(memory, "R6 invalid mem access 'map_value_or_null'",
		       "stdw [r10-8], 0\nmap r1, 2\nmov r2, r10\nadd r2, -8\ncall 1\nmov r6, r0\nmov r1, r0\n"
		       "call local f\nldxb r0, [r6+0]\n" RET "f: mov r0, 0\nexit\n"),
		/* what is given may be anything afterwards */
		DENIED(memory, "map_value pointer and register with unbounded min value",
		       "stdw [r10-8], 5\nstdw [r10-16], 4\nmov r1, r10\nadd r1, -16\ncall local f\n"
		       "ldxdw r0, [r10-8]\n" TOUCH("r0") OK "f: mov r0, 0\nexit\n"),
		ACCEPTED(
			memory, 5,
			"stdw [r10-8], 1\nstdw [r10-16], 4\nstdw [r10-24], 5\nmov r1, r10\nadd r1, -16\ncall local f\n"
			"ldxdw r0, [r10-24]\n" TOUCH("r0") RET "f: mov r0, 0\nexit\n"),
		DENIED(memory, "invalid mem access 'scalar'",
		       "stxdw [r10-8], r1\nstdw [r10-16], 4\nmov r1, r10\nadd r1, -16\ncall local f\n"
		       "ldxdw r6, [r10-8]\nstdw [r6+0], 1\n" OK "f: mov r0, 0\nexit\n"),
		/* the context */
		ACCEPTED(context, 5, "call local f\n" RET "f: ldxdw r0, [r1+8]\nexit\n"),
		DENIED(context, "arg#0 expects pointer to ctx" CALLER,
		       "mov r1, 0\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
		DENIED(context, "dereference of modified ctx ptr R1 off=8 disallowed" CALLER,
		       "add r1, 8\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
		/* the target's */
		{ .text = "ldxdw r1, [r1+0]\ncall local f\n" RET "f: ldxdw r0, [r1+64]\nexit\n",
		  .kind = M,
		  .func = target,
		  .ctx = &typed,
		  .no_run = true },
		{ .text = "ldxdw r1, [r1+0]\ncall local f\n" RET "f: mov r0, 1\nexit\n",
		  .kind = M,
		  .func = memory,
		  .ctx = &typed,
		  .says = "R1 type=untrusted_ptr_ expected=fp" },
		{ .text = "ldxdw r1, [r1+0]\ncall local f\n" RET "f: mov r0, 1\nexit\n",
		  .kind = M,
		  .func = number,
		  .ctx = &typed,
		  .says = "R1 is not a scalar" CALLER },
		DENIED(target, "R1 type=fp expected=untrusted_ptr_",
		       "mov r1, r10\ncall local f\n" RET "f: mov r0, 1\nexit\n"),
		DENIED(target, "R1 invalid mem access 'scalar'",
		       "ldxdw r1, [r1+0]\ncall local f\n" RET
		       "f: stdw [r1+0], 1\nmov r0, 1\nexit\n"),
	};

	VERIFY_CASES(c);
}

static uint64_t processed(const struct verify_func *f, unsigned calls)
{
	static char text[8192];
	struct verify_case c = { .text = text, .kind = M, .func = f };
	struct verify_stats s = { 0 };
	struct diag d = { "" };

	strcpy(text, "ldxdw r6, [r1+8]\n");
	for (unsigned k = 0; k < calls; k++) /* given another number each time */
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "mov r1, %u\ncall local f\n", k);
	strcat(text, OK "f: mov r0, 0\n");
	for (unsigned k = 0; k < 100; k++)
		strcat(text, "add r0, r1\n");
	strcat(text, RET);
	assert_int_equal(verify_text(&c, &d, NULL, &s, NULL), 0);
	return s.processed;
}

/* As many instructions as there are, not as there are on the ways. */
void verify_globals_once(void **state)
{
	static const struct verify_case c[] = {
		/* what one calls is verified after it; what is called in it by itself, too */
		ACCEPTED(two, 21,
			 "mov r1, 20\ncall local f\n" RET
			 "f: call local g\nadd r0, 1\nexit\ng: mov r0, r1\nexit\n"),
		DENIED(two, "map_value pointer and register with unbounded min value",
		       "mov r1, 20\ncall local f\n" RET
		       "f: call local g\nadd r0, 1\nexit\ng: mov r3, r1\n" TOUCH("r3") OK),
		DENIED(two, "map_value pointer and register with unbounded min value",
		       "mov r1, 20\ncall local g\n" RET "f: mov r3, r1\n" TOUCH("r3") OK
		       "g: call local f\nexit\n"),
		/* a static one inside is followed */
		ACCEPTED(
			mixed, 9,
			"mov r1, 20\ncall local f\n" RET
			"f: mov r1, 9\ncall local g\nexit\ng: value r2, 5, 0\nadd r2, r1\nldxb r0, [r2+0]\nexit\n"),
		DENIED(mixed, "map_value pointer and register with unbounded min value",
		       "mov r1, 20\ncall local f\n" RET
		       "f: call local g\nexit\ng: value r2, 5, 0\nadd r2, r1\nldxb r0, [r2+0]\nexit\n"),
		/* no way leads to a call of it: as in the kernel it may be anything */
		ACCEPTED(number, 0,
			 "mov r6, 0\njeq r6, 0, e\nmov r1, 1\ncall local f\n" RET END
			 "f: ldxdw r0, [r1+0]\nexit\n"),
		/* whose address is taken is a callback */
		{ .text = "stdw [r10-8], 0\nmov r1, 3\nfunc r2, f\nmov r3, r10\nadd r3, -8\nmov r4, 0\ncall 181\n" RET
			  "f: stdw [r2+0], 1\nmov r0, 0\nexit\n",
		  .kind = M,
		  .func = numbers,
		  .r0 = 3 },
		DENIED(number, "infinite loop detected",
		       "mov r1, 20\ncall local f\n" RET "f: ja f\n"),
		DENIED(number, "the stack of nested calls is 528 bytes, the limit is 512",
		       "stdw [r10-256], 0\nmov r1, 20\ncall local f\n" RET
		       "f: stdw [r10-272], 0\n" OK),
		DENIED(number, "calls nest deeper than 8 functions, or recurse",
		       "mov r1, 20\ncall local f\n" RET "f: call local f\nexit\n"),
	};

	VERIFY_CASES(c);
	assert_true(processed(number, 100) < 400);
	assert_true(processed(by_call, 100) > 10000);
	/* also at the tries that forget less */
	assert_true(processed(number, 101) == processed(number, 100) + 2);
}

static void says(struct verify_log *log, const char *text, bool does)
{
	if (!!strstr(log->text, text) != does)
		fail_msg("%s'%s' in:\n%s", does ? "no " : "", text, log->text);
}

void verify_globals_log(void **state)
{
	struct verify_case c = { .text = "mov r1, 7\ncall local f\n" RET "f: mov r0, r1\nexit\n",
				 .kind = M,
				 .func = number };
	struct verify_log log = { .level = 2 };
	struct diag d = { "" };

	assert_int_equal(verify_text(&c, &d, &log, NULL, NULL), 0);
	says(&log, "\n1: (85) call pc+1\nFunc#1 ('f') is global and assumed valid.  ", true);
	says(&log,
	     "; R0=scalar()\n2: (95) exit\nValidating f() func#1...\n3: R1=scalar() R10=fp0\n3: (bf) r0 = r1",
	     true);
	says(&log, "4: (95) exit\nFunc#1 ('f') is safe for any args that match its prototype\n",
	     true);
	verify_log_free(&log);
	/* at level 1 only the way to what is refused */
	c.text = "mov r1, 7\ncall local f\n" RET "f: ldxb r0, [r1+0]\nexit\n";
	log.level = 1;
	assert_int_equal(verify_text(&c, &d, &log, NULL, NULL), -EACCES);
	assert_true(!strncmp(log.text, "Validating f() func#1...\n3: R1=scalar() R10=fp0\n", 45));
	says(&log, "R1 invalid mem access 'scalar'", true);
	says(&log, "assumed valid", false);
	verify_log_free(&log);
	c.text = "mov r1, r10\ncall local f\n" RET "f: mov r0, r1\nexit\n";
	assert_int_equal(verify_text(&c, &d, &log, NULL, NULL), -EACCES);
	says(&log,
	     "\nR1 is not a scalar\nCaller passes invalid args into func#1 ('f')\nwhat to change: ",
	     true);
	verify_log_free(&log);
}

/* The place of what is too complex: also which function it is in. */
void verify_too_complex(void **state)
{
	static const char loop[] = "mov r1, 7\ncall local f\n" OK
				   "f: mov r2, 0\na: add r2, 1\njsgt r2, -1, a\nmov r0, 0\nexit\n";
	static const struct verify_prog few = { .max_insns = 1000 };
	static const struct {
		const struct verify_func *func;
		const char *says;
	} c[] = {
		{ number, "\nin function f()\nwhat to change: " },
		{ by_call, "\nin function f()\nwhat to change: " },
		{ NULL, "\nin function at insn 4\nwhat to change: " },
	};
	struct verify_log log = { .level = 1 };

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		struct verify_case one = { .text = loop, .kind = M, .func = c[i].func };
		struct diag d = { "" };

		assert_int_equal(verify_text(&one, &d, &log, NULL, &few), -E2BIG);
		assert_non_null(strstr(d.text, "Processed 1001 insn: the program is too complex"));
		assert_non_null(strstr(d.text, c[i].says));
		says(&log, c[i].says, true);
		verify_log_free(&log);
	}
}
