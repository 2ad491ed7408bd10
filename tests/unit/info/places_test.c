/*
 * tests of what places are understood of a parameter: places_test EXPRS.so
 */
#include "info/dwarf.h"
#include "info/objfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *victim;
static struct dwarf_reader *reader;
static struct ty_pool *pool;
static struct proto proto;

static int set_up(void **state)
{
	struct objfile *obj;
	struct diag d = { 0 };

	assert_int_equal(objfile_open(victim, &obj, &d), 0);
	assert_int_equal(dwr_open(victim, &reader, &d), 0);
	assert_int_equal(ty_pool_new(&pool), 0);
	assert_int_equal(dwr_proto_at(reader, objfile_sym(obj, "f")->addr, pool, &proto, &d), 0);
	objfile_close(obj);
	return 0;
}

static int tear_down(void **state)
{
	dwr_close(reader);
	ty_pool_free(pool);
	return 0;
}

/* "rdi is 5": seen, registers, then each part as FROM:OFFSET+SIZE=REGISTER:VALUE. */
static void describe(const struct proto_place *p, char *out, size_t cap)
{
	static const char *const seen[] = { "not", "gone", "regs", "stack", "copy", "parts" };
	static const char *const from[] = { "reg", "stack", "const", "func" };
	size_t n = (size_t)snprintf(out, cap, "%s", seen[p->seen]);

	if (p->seen == SEEN_REGS)
		n += (size_t)snprintf(out + n, cap - n, " %d %d", p->reg[0], p->reg[1]);
	if (p->seen == SEEN_STACK)
		n += (size_t)snprintf(out + n, cap - n, " %d", (int)p->offset);
	for (unsigned i = 0; p->seen == SEEN_PARTS && i < p->nparts; i++)
		n += (size_t)snprintf(out + n, cap - n, " %s:%u+%u=%u:%lld", from[p->part[i].from],
				      p->part[i].offset, p->part[i].size, p->part[i].reg,
				      (long long)p->part[i].value);
	if (p->partial)
		n += (size_t)snprintf(out + n, cap - n, " partial");
	if (p->weak)
		snprintf(out + n, cap - n, " weak");
}

static void test_forms(void **state)
{
	static const char *const want[] = {
		"regs 5 255",
		"regs 5 255",
		"parts reg:0+8=5:8 weak", /* not by gcc: perhaps what the first statement made */
		"parts reg:0+8=4:16 weak",
		"parts reg:0+8=4:-3 weak",
		"regs 1 255",
		"parts const:0+8=0:7",
		"parts const:0+4=0:67305985",
		"regs 5 17",
		"regs 255 17 partial",
		"regs 5 255", /* two halves of one register are that register */
		"stack 8",
		"parts stack:0+8=0:16",
		"gone",
		"not partial", /* reads memory other than the stack */
		"copy",
		"not partial", /* 4 times the register is not followed */
		"parts reg:0+2=5:0 reg:2+2=4:0",
		"parts func:0+8=0:5",
		"parts const:0+4=0:-5",
		"parts const:0+8=0:4611686018427387904",
		"copy",
		"not partial", /* no argument is in rax */
	};
	char text[200];

	assert_int_equal(proto.nparams, ARRAY_LEN(want));
	for (unsigned i = 0; i < proto.nparams; i++) {
		describe(&proto.param[i].place, text, sizeof(text));
		if (strcmp(text, want[i]) != 0)
			print_error("parameter %u\n", i);
		assert_string_equal(text, want[i]);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
	};

	if (argc != 2)
		return 2;
	victim = argv[1];
	return cmocka_run_group_tests_name("info places", tests, set_up, tear_down);
}
