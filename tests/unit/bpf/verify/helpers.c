/*
 * helpers.c - every helper of the table, by its prototype: the right use is accepted and runs; each argument
 * unset, and of every kind that is wrong there, is refused; and so is a program that may not call it.
 */
#include "cases.h"

#include "bpf/helper.h"
#include "bpf/proto.h"

#include <stdio.h>
#include <string.h>

/* r9 is ctx; 24 bytes of the stack are set; nothing is in r1 to r5. */
#define BEFORE "mov r9, r1\nstdw [r10-8], 0\nstdw [r10-16], 0\nstdw [r10-24], 0\ncall 5\n"
#define STACK  "mov r@, r10\nadd r@, -24\n"

/* Maps by number, as verify_case.h has them; the first that fits is the right one. */
static const struct {
	int fd;
	uint32_t type;
} maps[] = {
	{ 2, BPF_MAP_TYPE_HASH },        { 6, BPF_MAP_TYPE_PERCPU_ARRAY },
	{ 3, BPF_MAP_TYPE_RINGBUF },     { 7, BPF_MAP_TYPE_PERF_EVENT_ARRAY },
	{ 8, BPF_MAP_TYPE_STACK_TRACE }, { 9, BPF_MAP_TYPE_PROG_ARRAY },
};

static int map_for(uint32_t helper, bool fits)
{
	for (unsigned k = 0; k < ARRAY_LEN(maps); k++)
		if (proto_map_fits(helper, maps[k].type) == fits)
			return maps[k].fd;
	return 0;
}

/* What sets r@ as the argument wants it; NULL: no rule. */
static const char *right(enum proto_arg arg)
{
	static const char *const text[] = {
		[ARG_NONE] = "",
		[ARG_ANY] = "mov r@, 0\n",
		[ARG_CTX] = "mov r@, r9\n",
		[ARG_MAP] = "map r@, %\n",
		[ARG_RING] = "map r@, %\n",
		[ARG_KEY] = "mov r@, r10\nadd r@, -8\n",
		[ARG_VALUE] = STACK,
		[ARG_IN] = STACK,
		[ARG_IN0] = STACK,
		[ARG_OUT] = STACK,
		[ARG_OUT0] = STACK,
		[ARG_SIZE] = "mov r@, 16\n",
		[ARG_OUT8] = STACK,
		[ARG_STRING] = "value r@, 4, 32\n",
		[ARG_RECORD] = "mov r@, r6\n",
		[ARG_FUNC] = "func r@, f\n",
		[ARG_FRAME] = STACK,
		[ARG_CONST] = "mov r@, 16\n",
	};

	return arg < ARRAY_LEN(text) ? text[arg] : NULL;
}

static unsigned bad;

struct wrong {
	enum proto_arg arg;
	const char *text, *says; /* @: the register; %: a map that does not fit */
};

static const struct wrong wrongs[] = {
	{ ARG_CTX, "mov r@, 0\n", "R@ type=scalar expected=ctx" },
	{ ARG_CTX, "mov r@, r10\n", "R@ type=fp expected=ctx" },
	{ ARG_CTX, "mov r@, r9\nadd r@, 8\n",
	  "dereference of modified ctx ptr R@ off=8 disallowed" },
	{ ARG_MAP, "mov r@, 0\n", "R@ type=scalar expected=map_ptr" },
	{ ARG_MAP, "mov r@, r9\n", "R@ type=ctx expected=map_ptr" },
	{ ARG_MAP, "map r@, %\n", "cannot pass map_type" },
	{ ARG_RING, "value r@, 5, 0\n", "R@ type=map_value expected=map_ptr" },
	{ ARG_RING, "map r@, %\n", "cannot pass map_type" },
	{ ARG_KEY, "mov r@, 0\n", "R@ type=scalar expected=fp" },
	{ ARG_KEY, "mov r@, r9\n", "R@ type=ctx expected=fp" },
	{ ARG_KEY, "mov r@, r10\nadd r@, -2\n", "invalid read from stack R@ off=-2" },
	{ ARG_KEY, "value r@, 5, 62\n", "value_size=64 off=62" },
	{ ARG_VALUE, "mov r@, 0\n", "R@ type=scalar expected=fp" },
	{ ARG_VALUE, "mov r@, r9\n", "R@ type=ctx expected=fp" },
	{ ARG_VALUE, "mov r@, r10\nadd r@, -8\n", "invalid read from stack R@ off=-8 size=16" },
	{ ARG_VALUE, "value r@, 5, 56\n", "value_size=64 off=56 size=16" },
	{ ARG_IN, "mov r@, 0\n", "type=scalar expected=fp" },
	{ ARG_IN, "mov r@, r9\n", "type=ctx expected=fp" },
	{ ARG_IN, "mov r@, r10\nadd r@, -8\n", "invalid read from stack R@ off=-8 size=16" },
	{ ARG_IN, "map r@, 1\n", "type=map_ptr expected=fp" },
	{ ARG_IN0, "mov r@, 0\n", "type=scalar expected=fp" },
	{ ARG_IN0, "mov r@, r9\n", "type=ctx expected=fp" },
	{ ARG_IN0, "mov r@, r10\n", "invalid read from stack R@ off=0 size=16" },
	{ ARG_OUT, "mov r@, 0\n", "type=scalar expected=fp" },
	{ ARG_OUT, "mov r@, r10\nadd r@, -8\n", "invalid write to stack R@ off=-8 size=16" },
	{ ARG_OUT, "value r@, 4, 0\n", "write into map forbidden" },
	{ ARG_OUT, "mov r@, r9\n", "type=ctx expected=fp" },
	{ ARG_OUT0, "mov r@, 0\n", "type=scalar expected=fp" },
	{ ARG_OUT0, "mov r@, r10\nadd r@, -8\n", "invalid write to stack R@ off=-8 size=16" },
	{ ARG_OUT0, "value r@, 4, 0\n", "write into map forbidden" },
	{ ARG_OUT0, "func r@, f\n", "type=func expected=fp" },
	{ ARG_SIZE, "mov r@, r10\n", "R@ type=fp expected=scalar" },
	{ ARG_SIZE, "mov r@, -1\n", "R@ min value is negative" },
	{ ARG_SIZE, "mov r@, 4096\n", " stack R" },
	{ ARG_SIZE, "ldxw r@, [r9+8]\nor r@, 1\n", "R@ unbounded memory access" },
	{ ARG_SIZE, "ldxdw r@, [r9+8]\n", "R@ min value is negative" },
	{ ARG_OUT8, "mov r@, 0\n", "R@ type=scalar expected=fp" },
	{ ARG_OUT8, "mov r@, r10\nadd r@, -4\n", "invalid write to stack R@ off=-4 size=8" },
	{ ARG_OUT8, "value r@, 4, 0\n", "write into map forbidden" },
	{ ARG_OUT8, "value r@, 5, 60\n", "value_size=64 off=60 size=8" },
	{ ARG_STRING, "mov r@, 0\n", "R@ type=scalar expected=map_value" },
	{ ARG_STRING, STACK, "R@ type=fp expected=map_value" },
	{ ARG_STRING, "value r@, 5, 32\n", "R@ does not point to a readonly map" },
	{ ARG_STRING, "value r@, 4, 37\n", "string is not zero-terminated" },
	{ ARG_RECORD, "mov r@, 0\n", "R@ type=scalar expected=ringbuf_mem" },
	{ ARG_RECORD, "mov r@, r9\n", "R@ type=ctx expected=ringbuf_mem" },
	{ ARG_RECORD, STACK, "R@ type=fp expected=ringbuf_mem" },
	{ ARG_RECORD, "mov r@, r6\nadd r@, 8\n", "R@ must have zero offset" },
	{ ARG_RECORD, "value r@, 5, 0\n", "R@ type=map_value expected=ringbuf_mem" },
	{ ARG_FUNC, "mov r@, 0\n", "R@ type=scalar expected=func" },
	{ ARG_FUNC, "mov r@, r9\n", "R@ type=ctx expected=func" },
	{ ARG_FUNC, "map r@, 1\n", "R@ type=map_ptr expected=func" },
	{ ARG_FRAME, "mov r@, 5\n", "R@ type=scalar expected=fp" },
	{ ARG_FRAME, "mov r@, r9\n", "R@ type=ctx expected=fp" },
	{ ARG_FRAME, "value r@, 5, 0\n", "R@ type=map_value expected=fp" },
	{ ARG_CONST, "ldxdw r@, [r9+8]\n", "R@ is not a known constant" },
	{ ARG_CONST, "mov r@, r10\n", "R@ is not a known constant" },
};

/* Appends, with @ for the register and % for the map. */
static void append(char *out, const char *text, unsigned r, int map)
{
	char *at = out + strlen(out);

	for (; *text; text++)
		*at++ = *text == '@' ? (char)('0' + r) : *text == '%' ? (char)('0' + map) : *text;
	*at = '\0';
}

/* A kind of program that may call it. */
static enum program_kind kind_for(const struct helper *h)
{
	unsigned k = PROGRAM_FENTRY;

	while (k < PROGRAM_PLAIN && !(h->flags & 1u << k))
		k++;
	return (enum program_kind)k;
}

static bool takes(const struct helper_proto *p, enum proto_arg arg)
{
	for (unsigned r = 0; r < PROTO_ARGS; r++)
		if (p->arg[r] == arg)
			return true;
	return false;
}

/* A call with all arguments right but that in register k, which is as text says; k 0: none. */
static void check_call(const struct helper *h, const struct helper_proto *p, unsigned k,
		       const char *text, const char *says, enum program_kind kind)
{
	char program[2048] = BEFORE, number[32], want[128] = "";
	struct verify_case c = { .text = program, .kind = kind, .allow_write = true };

	if (takes(p, ARG_RECORD))
		strcat(program, RESERVE);
	for (unsigned r = 1; r <= PROTO_ARGS; r++) {
		const char *set = r == k ? text : right((enum proto_arg)p->arg[r - 1]);

		if (!set)
			fail_msg("%s: no rule for argument %u", h->name, r);
		append(program, set, r, map_for(h->id, r != k));
	}
	snprintf(number, sizeof(number), "call %u\n", h->id);
	strcat(program, number);
	if (p->ret == RET_RECORD)
		strcat(program, "jeq r0, 0, e\nmov r1, r0\nmov r2, 0\ncall 133\n");
	strcat(program, END);
	if (strstr(program, ", f\n"))
		strcat(program, "f: " OK);
	append(want, says ? says : "", k, 0);
	c.says = says ? want : NULL;
	bad += !verify_one(&c);
}

static void check_argument(const struct helper *h, const struct helper_proto *p, unsigned r)
{
	enum proto_arg arg = (enum proto_arg)p->arg[r - 1];
	enum program_kind kind = kind_for(h);

	if (arg == ARG_NONE)
		return;
	check_call(h, p, r, "", "R@ !read_ok", kind);
	for (unsigned i = 0; i < ARRAY_LEN(wrongs); i++)
		if (wrongs[i].arg == arg)
			check_call(h, p, r, wrongs[i].text, wrongs[i].says, kind);
	if (arg == ARG_SIZE && (p->arg[r - 2] == ARG_IN || p->arg[r - 2] == ARG_OUT))
		check_call(h, p, r, "mov r@, 0\n", "R@ invalid zero-sized read", kind);
	else if (arg == ARG_SIZE)
		check_call(h, p, r, "mov r@, 0\n", NULL, kind);
}

void verify_helpers_arguments(void **state)
{
	unsigned n;
	const struct helper *h = helper_table(&n);

	bad = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct helper_proto *p = proto_by_id(h[i].id);

		assert_non_null(p);
		check_call(&h[i], p, 0, "", NULL, kind_for(&h[i]));
		for (unsigned r = 1; r <= PROTO_ARGS; r++)
			check_argument(&h[i], p, r);
	}
	assert_int_equal(bad, 0);
}

/* Kinds of programs that may not, by the flags of the table. */
void verify_helpers_kinds(void **state)
{
	unsigned n;
	const struct helper *h = helper_table(&n);

	bad = 0;
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = PROGRAM_FENTRY; k < PROGRAM_PLAIN; k++) {
			const struct helper_proto *p = proto_by_id(h[i].id);
			bool may = h[i].flags & 1u << k;

			if (!may || (enum program_kind)k != kind_for(&h[i]))
				check_call(&h[i], p, 0, "", may ? NULL : " programs",
					   (enum program_kind)k);
		}
	assert_int_equal(bad, 0);
}
