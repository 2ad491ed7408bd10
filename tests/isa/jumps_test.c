/*
 * jumps_test.c - prog arrays changed while programs jump by them: in the target, in a child of it
 * that was there before, in one that comes later.
 *
 * Usage: jumps_test VICTIM OBJECTDIR OBJECT
 */
#include "../integration/driver.h"

#include "utramp/print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct victim v;
static struct utramp_object *o;
static struct utramp_map *jumps;

/* -- what the programs have counted ------------------------------------------------------ */

static char text[16384];
static size_t text_len;

static void collect(void *ctx, const char *line, size_t n)
{
	if (text_len + n + 1 > sizeof(text))
		bail("too much to print");
	memcpy(text + text_len, line, n);
	text_len += n;
	text[text_len] = '\0';
}

static void print_variables(void)
{
	struct utramp_print_opts json = { .sz = sizeof(json), .json = true };
	struct utramp_map *m = NULL;

	text_len = 0;
	while ((m = utramp_object__next_map(o, m))) {
		const char *name = utramp_map__name(m);

		if (strlen(name) > 4 && !strcmp(name + strlen(name) - 4, ".bss") &&
		    utramp_map__print(m, &json, collect, NULL) < 0)
			bail("%s: %s", name, utramp_error());
	}
}

static long variable(const char *name)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\"var\":\"%s\",\"value\":", name);
	at = strstr(text, key);
	if (!at)
		bail("no %s in %s", name, text);
	return atol(at + strlen(key));
}

struct counts {
	long first, second, late, none;
};

static struct counts before;

/* What is new since the last time. */
static void check_counts(const char *when, long first, long second, long late, long none)
{
	struct counts now;

	print_variables();
	now = (struct counts){ variable("tails_first"), variable("tails_second"),
			       variable("tails_late"), variable("tails_none") };
	check_eq(now.first - before.first, first, "%s: first", when);
	check_eq(now.second - before.second, second, "%s: second", when);
	check_eq(now.late - before.late, late, "%s: late", when);
	check_eq(now.none - before.none, none, "%s: none", when);
	before = now;
}

/* -- the map ------------------------------------------------------------------------------- */

static int fd_of(const char *program)
{
	return utramp_program__fd(find_program(o, program));
}

static int update(uint32_t index, int fd, uint64_t flags)
{
	return utramp_map__update_elem(jumps, &index, sizeof(index), &fd, sizeof(fd), flags);
}

static int delete (uint32_t index)
{
	return utramp_map__delete_elem(jumps, &index, sizeof(index), 0);
}

static int lookup(uint32_t index, uint32_t *id)
{
	return utramp_map__lookup_elem(jumps, &index, sizeof(index), id, sizeof(*id), 0);
}

/* -- cases ----------------------------------------------------------------------------------- */

static void test_as_loaded(void)
{
	uint32_t id = 0;

	tap_begin("as the object says, also before the start");
	check_eq(update(0, fd_of("by_first"), 0), 0, "before the start");
	victim_resume(&v);
	victim_ask(&v, "0");
	check_counts("0", 1, 0, 0, 0);
	victim_ask(&v, "1");
	check_counts("1", 1, 0, 0, 0);
	victim_ask(&v, "3");
	check_counts("3", 1, 1, 0, 0);
	victim_ask(&v, "2");
	victim_ask(&v, "5");
	check_counts("2 and 5", 0, 0, 0, 2);
	check_eq(lookup(1, &id), 0, "lookup");
	check_true(id != 0, "no id");
	tap_end();
}

static void test_changed(void)
{
	tap_begin("changed while the target runs");
	check_eq(update(0, fd_of("by_second"), 0), 0, "0 = second");
	victim_ask(&v, "0");
	check_counts("0", 1, 1, 0, 0);
	check_eq(delete (1), 0, "1 = none");
	victim_ask(&v, "1");
	victim_ask(&v, "0"); /* it jumps to 1, too */
	check_counts("1, 0", 0, 1, 0, 1);
	check_eq(update(1, fd_of("by_first"), 0), 0, "1 = first");
	check_eq(delete (0), 0, "0 = none");
	victim_ask(&v, "1");
	check_counts("1", 1, 0, 0, 0);
	tap_end();
}

static void test_refused(void)
{
	uint32_t id;

	tap_begin("what bpf(2) refuses");
	check_eq(update(0, -1, 0), -EBADF, "no descriptor");
	check_eq(update(0, 0, 0), -EINVAL, "not a program");
	check_eq(update(5, fd_of("by_first"), 0), -E2BIG, "index 5");
	check_eq(update(0, fd_of("by_first"), 1), -EINVAL, "flags");
	check_eq(update(0, fd_of("leave_last"), 0), -EINVAL, "a program of another kind");
	check_eq(delete (0), -ENOENT, "nothing there");
	check_eq(delete (5), -E2BIG, "delete 5");
	check_eq(lookup(0, &id), -ENOENT, "lookup of nothing");
	victim_ask(&v, "0");
	check_counts("0", 0, 0, 0, 1);
	tap_end();
}

/* Its memory is its own: what was taken out does not run there, what came too late is missing. */
static void test_child(void)
{
	tap_begin("in a child that was there before");
	victim_ask(&v, "spawn");
	victim_ask(&v, "child 1");
	check_counts("1", 1, 0, 0, 0);
	check_eq(delete (1), 0, "1 = none");
	victim_ask(&v, "child 1");
	check_counts("none", 0, 0, 0, 1);
	check_eq(update(1, fd_of("by_second"), 0), 0, "1 = second");
	check_eq(delete (3), 0, "3 = none");
	victim_ask(&v, "child 1"); /* by itself to the end of the count */
	victim_ask(&v, "child 3");
	print_variables();
	check_true(variable("tails_second") > before.second, "second did not run");
	before.second = variable("tails_second");
	check_counts("3", 0, 0, 0, 1);
	check_eq(update(0, fd_of("by_late"), 0), 0, "0 = late");
	victim_ask(&v, "child 0");
	check_counts("child", 0, 0, 0, 1);
	victim_ask(&v, "0");
	check_counts("parent", 0, 0, 1, 0);
	victim_ask(&v, "spawn");
	victim_ask(&v, "child 0");
	check_counts("a later child", 0, 0, 1, 0);
	tap_end();
}

int main(int argc, char **argv)
{
	if (argc != 4)
		bail("usage: jumps_test VICTIM OBJECTDIR OBJECT");
	objects_dir = argv[2];
	victim_start(&v, argv[1]);
	o = open_and_load(&v, argv[3]);
	jumps = utramp_object__find_map_by_name(o, "_jumps");
	attach_one(&v, o, "jumps", NULL, 0);
	test_as_loaded();
	test_changed();
	test_refused();
	test_child();
	victim_end(&v);
	utramp_object__close(o);
	return tap_done();
}
