/*
 * behaviour_test.c - order, number, coming and going of programs; overrides; cookies.
 *
 * Usage: behaviour_test VICTIM OBJECTDIR UTRAMP.  The table is kernel-trampoline.md, section 8.
 */
#include "driver.h"
#include "seen.h"
#include "utramp/types.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static struct victim v;

static void begin(const char *name, const char *victim)
{
	tap_begin(name);
	victim_start(&v, victim);
	victim_resume(&v);
}

static void end(struct utramp_object *a, struct utramp_object *b)
{
	utramp_object__close(a);
	if (b)
		utramp_object__close(b);
	victim_end(&v);
	tap_end();
}

static unsigned records(struct utramp_object *o, struct record *r, unsigned max)
{
	struct recorder_state s;

	map_read(o, "recorder.bss", 0, &s, sizeof(s));
	for (unsigned i = 0; i < s.n && i < max; i++)
		map_read(o, "records", i, &r[i], sizeof(r[i]));
	return s.n;
}

/* Tags of what has run since the last call, in order. */
static void check_tags(struct utramp_object *o, const unsigned *tag, unsigned n, const char *what)
{
	struct recorder_state s;
	struct record r[16];
	unsigned have = records(o, r, 16);

	check_eq(have, n, "%s: runs", what);
	for (unsigned i = 0; i < n && i < have; i++)
		check_eq((long long)r[i].tag, tag[i], "%s: run %u", what, i);
	map_read(o, "recorder.bss", 0, &s, sizeof(s));
	s.n = 0;
	map_write(o, "recorder.bss", &s, sizeof(s));
}

#define TAGS(o, what, ...) \
	check_tags(o, (unsigned[]){ __VA_ARGS__ }, \
		   sizeof((unsigned[]){ __VA_ARGS__ }) / sizeof(unsigned), what)
#define NO_TAGS(o, what) check_tags(o, NULL, 0, what)

static void set_modret(struct utramp_object *o, int64_t value)
{
	struct recorder_state s = { .modret = value };

	map_write(o, "recorder.bss", &s, sizeof(s));
}

static void destroy(struct utramp_link *l)
{
	if (utramp_link__destroy(l) < 0)
		bail("destroy: %s", utramp_error());
}

/* -- many programs, newest first ---------------------------------------------------------------- */

static const char *const many_kinds[] = { "ent", "mod", "ext" };

/* Programs of one kind as they must have run: numbers attached, newest first. */
static void check_many(struct utramp_object *o, const unsigned *id, unsigned n, const char *what)
{
	struct many_state s, none = { 0 };

	map_read(o, "many.bss", 0, &s, sizeof(s));
	check_eq(s.n, n, "%s: runs", what);
	for (unsigned i = 0; i < n && i < s.n; i++)
		check_eq(s.id[i], id[i], "%s: run %u", what, i);
	map_write(o, "many.bss", &none, sizeof(none));
}

static unsigned expected_order(const unsigned *attached, unsigned n, unsigned *out)
{
	unsigned k = 0;

	for (unsigned kind = 1; kind <= 3; kind++) {
		for (unsigned i = n; i-- > 0;) {
			if (attached[i] / 1000 == kind)
				out[k++] = attached[i];
		}
	}
	return k;
}

static void test_many(const char *victim, unsigned n, bool running)
{
	unsigned attached[MANY_PROGRAMS + 1], order[MANY_PROGRAMS], middle = n / 2;
	struct utramp_link *link[MANY_PROGRAMS];
	struct utramp_object *o;
	char title[80], name[16];

	snprintf(title, sizeof(title), "%u programs on one function, newest first, %s", n,
		 running ? "running" : "before the start");
	tap_begin(title);
	victim_start(&v, victim);
	if (running)
		victim_resume(&v);
	o = open_and_load(&v, "many");
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s%02u", many_kinds[i % 3], i / 3);
		link[i] = attach_one(&v, o, name, "fx_mod", 0);
		attached[i] = (i % 3 + 1) * 1000 + i / 3;
	}
	if (!running)
		victim_resume(&v);
	check_str(victim_ask(&v, "mod"), "mod 37 b 3\n", "the victim");
	check_many(o, order, expected_order(attached, n, order), "all");
	destroy(link[middle]);
	attached[n] = attached[middle];
	memmove(&attached[middle], &attached[middle + 1], (n - middle) * sizeof(attached[0]));
	check_str(victim_ask(&v, "mod"), "mod 37 b 3\n", "the victim, one less");
	check_many(o, order, expected_order(attached, n - 1, order), "one less");
	snprintf(name, sizeof(name), "%s%02u", many_kinds[middle % 3], middle / 3);
	attach_one(&v, o, name, "fx_mod", 0);
	victim_ask(&v, "mod");
	check_many(o, order, expected_order(attached, n, order), "again, newest now");
	end(o, NULL);
}

/* -- fmod_ret ------------------------------------------------------------------------------------ */

static void test_chain(const char *victim)
{
	struct utramp_object *a, *b;

	begin("the newer fmod_ret stops the older; exit programs run", victim);
	a = open_and_load(&v, "recorder");
	b = open_and_load(&v, "recorder");
	set_modret(b, -1);
	attach_one(&v, a, "mod", "fx_mod", 0); /* gives 0 */
	attach_one(&v, b, "mod", "fx_mod", 0);
	attach_one(&v, a, "ext", "fx_mod", 0);
	attach_one(&v, a, "ent", "fx_mod", 0);
	check_str(victim_ask(&v, "mod"), "mod -1 b 2\n", "the victim");
	TAGS(a, "older object", 1, 3);
	TAGS(b, "newer object", 2);
	set_modret(b, 0);
	check_str(victim_ask(&v, "mod"), "mod 37 b 3\n", "the victim, both giving 0");
	TAGS(a, "older object", 1, 2, 3);
	TAGS(b, "newer object", 2);
	set_modret(a, -22);
	check_str(victim_ask(&v, "mod"), "mod -22 b 2\n", "the victim, the older giving -22");
	TAGS(b, "newer object", 2);
	end(a, b);
}

static void test_upper_half(const char *victim)
{
	struct utramp_object *o;
	struct record r[4];

	begin("a fmod_ret result with only upper bits skips the function", victim);
	o = open_and_load(&v, "recorder");
	set_modret(o, 0x100000000);
	attach_one(&v, o, "mod", "fx_mod", 0);
	attach_one(&v, o, "ext", "fx_mod", 0);
	check_str(victim_ask(&v, "mod"), "mod 0 b 2\n", "the victim");
	if (records(o, r, 4) == 2)
		check_eq((int)r[1].ret, 0, "the result seen by exit");
	TAGS(o, "runs", 2, 3);
	end(o, NULL);
}

static void test_malloc(const char *victim, bool running)
{
	uint64_t seen[2] = { 0 };
	struct utramp_object *o;

	tap_begin(running ? "malloc made to fail by an override, running" :
			    "malloc made to fail by an override, before the start");
	victim_start(&v, victim);
	if (running)
		victim_resume(&v);
	if (utramp_target__add_proto(v.t, "void *malloc(unsigned long size)") < 0)
		bail("add_proto: %s", utramp_error());
	o = open_and_load(&v, "override");
	if (utramp_object__attach(o, v.t, NULL) < 0)
		bail("attach: %s", utramp_error());
	if (!running)
		victim_resume(&v);
	check_str(victim_ask(&v, "malloc"), "malloc NULL memory\n", "the victim");
	map_read(o, "override.bss", 0, seen, sizeof(seen));
	check_true(seen[0] == 1 || seen[1] == 1, "overrides: %llu, %llu",
		   (unsigned long long)seen[0], (unsigned long long)seen[1]);
	check_true(seen[0] == 0 || seen[1] == 0, "exit sees a result");
	utramp_object__close(o);
	check_str(victim_ask(&v, "malloc"), "malloc memory memory\n", "the victim, detached");
	victim_end(&v);
	tap_end();
}

/* -- coming and going ------------------------------------------------------------------------------ */

/* The victim is inside fx_sleep() from here to check_slept(). */
static void let_it_sleep(void)
{
	check_str(victim_ask(&v, "sleep"), "inside\n", "the sleeper");
}

static void check_slept(void)
{
	check_str(victim_ask(&v, ""), "sleep 408\n", "the sleeper");
}

static void test_exit_removed(const char *victim)
{
	struct utramp_object *o;
	struct utramp_link *l;

	begin("exit removed while a thread sleeps inside: no event, result intact", victim);
	o = open_and_load(&v, "recorder");
	attach_one(&v, o, "ent", "fx_sleep", 0);
	l = attach_one(&v, o, "ext", "fx_sleep", 0);
	let_it_sleep();
	destroy(l);
	check_slept();
	TAGS(o, "removed", 1);
	attach_one(&v, o, "ext", "fx_sleep", 0);
	let_it_sleep();
	check_slept();
	TAGS(o, "attached again", 1, 3);
	end(o, NULL);
}

static void test_all_removed(const char *victim)
{
	struct utramp_object *o;
	uint64_t addr;

	begin("the last program removed while a thread sleeps inside", victim);
	addr = strtoull(victim_ask(&v, "fx_sleep"), NULL, 16);
	o = open_and_load(&v, "recorder");
	attach_one(&v, o, "ext", "fx_sleep", 0);
	let_it_sleep();
	utramp_object__close(o);
	check_true(text_is_files(&v, addr, 32), "the text differs from the file");
	check_slept();
	check_str(victim_ask(&v, "mod"), "mod 37 b 3\n", "the victim");
	victim_end(&v);
	tap_end();
}

static void test_exit_late(const char *victim)
{
	struct utramp_object *o;

	begin("exit attached while a thread is inside: nothing of that call", victim);
	o = open_and_load(&v, "recorder");
	let_it_sleep();
	attach_one(&v, o, "ext", "fx_sleep", 0);
	check_slept();
	NO_TAGS(o, "entered without a trampoline");
	let_it_sleep();
	check_slept();
	TAGS(o, "next call", 3);
	end(o, NULL);
}

static void test_exit_late_entry(const char *victim)
{
	struct utramp_object *o;

	begin("exit attached while a thread is inside by an entry-only image", victim);
	o = open_and_load(&v, "recorder");
	attach_one(&v, o, "ent", "fx_sleep", 0);
	let_it_sleep();
	attach_one(&v, o, "ext", "fx_sleep", 0);
	check_slept();
	TAGS(o, "this call", 1);
	let_it_sleep();
	check_slept();
	TAGS(o, "next call", 1, 3);
	end(o, NULL);
}

/* The kernel loses the exit of such a call, here only an exit program's removal does that. */
static void test_exit_kept(const char *victim)
{
	struct utramp_object *a, *b;
	struct utramp_link *l, *exit;

	begin("programs attached while a thread is inside: the older exit runs all the same",
	      victim);
	a = open_and_load(&v, "recorder");
	b = open_and_load(&v, "recorder");
	attach_one(&v, a, "ent", "fx_sleep", 0);
	attach_one(&v, a, "ext", "fx_sleep", 0);
	let_it_sleep();
	exit = attach_one(&v, b, "ext", "fx_sleep", 0);
	l = attach_one(&v, b, "ent", "fx_sleep", 0);
	check_slept();
	TAGS(a, "the older object", 1, 3);
	NO_TAGS(b, "the newer object");
	let_it_sleep();
	attach_one(&v, b, "ent2", "fx_sleep", 0);
	destroy(l);
	check_slept();
	TAGS(a, "an entry program removed meanwhile, the older object", 1, 3);
	TAGS(b, "an entry program removed meanwhile, the newer object", 1, 3);
	let_it_sleep();
	destroy(exit);
	check_slept();
	TAGS(a, "an exit program removed meanwhile, the older object", 1);
	TAGS(b, "an exit program removed meanwhile, the newer object", 11);
	let_it_sleep();
	check_slept();
	TAGS(a, "next call, the older object", 1, 3);
	TAGS(b, "next call, the newer object", 11);
	end(a, b);
}

static void test_text(const char *victim)
{
	static const char *const names[] = { "fx_mod", "fentry_test1", "fx_sleep" };
	struct utramp_link *l[3], *second;
	struct utramp_object *o;
	uint64_t addr[3];

	begin("after the last detach the text is the file's; attached again it works", victim);
	o = open_and_load(&v, "recorder");
	for (unsigned i = 0; i < 3; i++)
		addr[i] = strtoull(victim_ask(&v, names[i]), NULL, 16);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 3; i++) {
			l[i] = attach_one(&v, o, "ext", names[i], 0);
			check_true(!text_is_files(&v, addr[i], 32), "%s is not patched", names[i]);
		}
		second = attach_one(&v, o, "ent", "fx_mod", 0);
		check_str(victim_ask(&v, "mod"), "mod 37 b 3\n", "the victim");
		TAGS(o, "attached", 1, 3);
		for (unsigned i = 0; i < 3; i++)
			destroy(l[i]);
		check_true(!text_is_files(&v, addr[0], 32), "fx_mod lost its entry program");
		destroy(second);
		for (unsigned i = 0; i < 3; i++)
			check_true(text_is_files(&v, addr[i], 32), "%s is not restored", names[i]);
		check_str(victim_ask(&v, "mod"), "mod 37 b 3\n", "the victim, detached");
		NO_TAGS(o, "detached");
	}
	end(o, NULL);
}

static void test_two_objects(const char *victim)
{
	struct utramp_object *a, *b;

	begin("two objects on one function; one goes", victim);
	a = open_and_load(&v, "recorder");
	b = open_and_load(&v, "recorder");
	attach_one(&v, a, "ent", "fx_mod", 0);
	attach_one(&v, b, "ext", "fx_mod", 0);
	attach_one(&v, b, "ent", "fx_mod", 0);
	attach_one(&v, a, "ext", "fx_mod", 0);
	check_str(victim_ask(&v, "mod"), "mod 37 b 3\n", "the victim");
	TAGS(a, "first", 1, 3);
	TAGS(b, "second", 1, 3);
	utramp_object__close(a);
	check_str(victim_ask(&v, "mod"), "mod 37 b 3\n", "the victim, one left");
	TAGS(b, "alone", 1, 3);
	end(b, NULL);
}

static void test_detach(const char *victim)
{
	struct utramp_object *o;
	struct utramp_link *l;
	uint64_t addr;

	begin("detach while a thread sleeps inside; links and objects outlive it", victim);
	addr = strtoull(victim_ask(&v, "fx_sleep"), NULL, 16);
	o = open_and_load(&v, "recorder");
	l = attach_one(&v, o, "ext", "fx_sleep", 0);
	attach_one(&v, o, "ent", "fx_sleep", 0);
	let_it_sleep();
	if (utramp_target__detach(v.t) < 0)
		bail("detach: %s", utramp_error());
	check_true(text_is_files(&v, addr, 32), "the text differs from the file");
	destroy(l);
	check_slept();
	TAGS(o, "detached", 1);
	check_true(utramp_program__attach(find_program(o, "ent"), v.t, "fx_mod", NULL) &&
			   !utramp_target__detach(v.t),
		   "not attached and detached again: errno %d", errno);
	check_str(victim_ask(&v, "mod"), "mod 37 b 3\n", "the victim");
	end(o, NULL);
}

/* The target is forgotten, the process lives on. */
static void test_free_target(const char *victim)
{
	struct utramp_object *o;
	int status = -1;
	pid_t pid;

	begin("the target freed while a thread sleeps inside", victim);
	pid = utramp_target__pid(v.t);
	o = open_and_load(&v, "recorder");
	attach_one(&v, o, "ext", "fx_sleep", 0);
	let_it_sleep();
	utramp_object__close(o);
	utramp_target__free(v.t);
	check_slept();
	check_str(victim_ask(&v, "mod"), "mod 37 b 3\n", "the victim");
	fclose(v.to);
	check_eq(waitpid(pid, &status, 0), pid, "waitpid");
	check_eq(status, 0, "wait status");
	fclose(v.from);
	tap_end();
}

static void test_killed(const char *victim)
{
	struct utramp_object *o;
	struct utramp_link *l;
	int state = UTRAMP_RUNNING;

	begin("the victim killed while a thread sleeps inside", victim);
	o = open_and_load(&v, "recorder");
	l = attach_one(&v, o, "ext", "fx_sleep", 0);
	attach_one(&v, o, "ent", "fx_sleep", 0);
	let_it_sleep();
	kill(utramp_target__pid(v.t), SIGKILL);
	for (int i = 0; i < 50 && state == UTRAMP_RUNNING; i++)
		state = utramp_target__poll(v.t, 100);
	check_eq(state, UTRAMP_EXITED, "state");
	check_true(WIFSIGNALED(utramp_target__status(v.t)) &&
			   WTERMSIG(utramp_target__status(v.t)) == SIGKILL,
		   "wait status %#x", (unsigned)utramp_target__status(v.t));
	check_eq(utramp_link__destroy(l), 0, "destroying a link");
	TAGS(o, "its maps stay readable", 1);
	check_true(!utramp_program__attach(find_program(o, "ext"), v.t, "fx_sleep", NULL),
		   "attached to a dead process");
	check_eq(errno, ESRCH, "errno");
	utramp_object__close(o);
	utramp_target__free(v.t);
	fclose(v.to);
	fclose(v.from);
	tap_end();
}

/* -- ways out ------------------------------------------------------------------------------------ */

static struct {
	unsigned samples, texts;
	struct f12_event last;
	char text[64];
} out;

static int take_sample(void *ctx, const void *data, size_t size)
{
	check_eq((long long)size, sizeof(out.last), "size of a record");
	if (size == sizeof(out.last))
		memcpy(&out.last, data, size);
	out.samples++;
	return 0;
}

static void take_text(void *ctx, const struct utramp_printk *p)
{
	snprintf(out.text, sizeof(out.text), "%.*s", (int)p->size, p->text);
	check_eq(p->pid, utramp_target__pid(v.t), "process of a text");
	check_str(p->comm, ctx, "command of a text");
	out.texts++;
}

static void check_hash(struct utramp_object *o, uint64_t calls)
{
	struct utramp_map *m = utramp_object__find_map_by_name(o, "by_result");
	uint64_t key = 0, other = 0, value = 0;

	if (!m)
		bail("no map by_result");
	check_eq(utramp_map__get_next_key(m, NULL, &key, sizeof(key)), 0, "first key");
	check_eq((long long)key, 650, "key");
	check_eq(utramp_map__lookup_elem(m, &key, sizeof(key), &value, sizeof(value), 0), 0,
		 "lookup");
	check_eq((long long)value, (long long)calls, "calls by result");
	check_eq(utramp_map__get_next_key(m, &key, &other, sizeof(key)), -ENOENT, "second key");
	check_eq(utramp_map__delete_elem(m, &key, sizeof(key), 0), 0, "delete");
	check_eq(utramp_map__lookup_elem(m, &key, sizeof(key), &value, sizeof(value), 0), -ENOENT,
		 "lookup after it");
}

static void check_percpu(struct utramp_object *o, uint64_t calls)
{
	struct utramp_map *m = utramp_object__find_map_by_name(o, "calls");
	size_t cpus = (size_t)libbpf_num_possible_cpus();
	uint64_t value[256] = { 0 }, sum = 0;
	uint32_t key = 1;
	int err;

	if (!m || cpus > 256)
		bail("no map calls, or %zu CPUs", cpus);
	err = utramp_map__lookup_elem(m, &key, sizeof(key), value, cpus * 8, 0);
	check_eq(err, 0, "lookup of a per-CPU value: %s", err ? utramp_error() : "");
	for (size_t i = 0; i < cpus; i++)
		sum += value[i];
	check_eq((long long)sum, (long long)calls, "calls of all CPUs");
}

static void test_ways_out(const char *victim)
{
	struct utramp_ring_buffer *rb;
	struct utramp_object *o;
	const char *comm = strrchr(victim, '/');
	char short_comm[16];

	snprintf(short_comm, sizeof(short_comm), "%.15s", comm ? comm + 1 : victim);
	memset(&out, 0, sizeof(out));
	begin("ring buffer, hash, per-CPU array and text", victim);
	o = open_and_load(&v, "maps");
	rb = utramp_ring_buffer__new(utramp_object__find_map_by_name(o, "events"), take_sample,
				     NULL, NULL);
	if (!rb || utramp_object__attach(o, v.t, NULL) < 0)
		bail("ring or attach: %s", utramp_error());
	for (unsigned i = 1; i <= 3; i++) {
		victim_ask(&v, "recorded");
		check_eq(utramp_ring_buffer__poll(rb, 1000), 1, "records");
		check_eq(out.samples, i, "all records");
		check_eq(utramp_target__read_printk(v.t, take_text, short_comm), 1, "texts");
		check_str(out.text, "f12 12 650", "text");
	}
	for (unsigned i = 0; i < 12; i++)
		check_eq(out.last.arg[i], i + 1, "argument %u", i);
	check_eq(out.last.ret, 650, "result");
	check_eq(out.last.tgid, utramp_target__pid(v.t), "process of a record");
	check_hash(o, 3);
	check_percpu(o, 3);
	check_eq((long long)utramp_ring_buffer__lost(rb), 0, "lost");
	check_eq((long long)utramp_target__lost(v.t), 0, "lost of all kinds");
	utramp_ring_buffer__free(rb);
	end(o, NULL);
}

/* -- the command line ------------------------------------------------------------------------------- */

/* What a shell command writes, and that it succeeds. */
static void check_command(const char *cmd, const char *want)
{
	char got[512] = "";
	size_t n;
	FILE *f;

	fflush(stdout);
	f = popen(cmd, "re");
	if (!f)
		bail("popen: %s", strerror(errno));
	n = fread(got, 1, sizeof(got) - 1, f);
	got[n] = '\0';
	check_eq(pclose(f), 0, "status of %s", cmd);
	check_str(got, want, "output");
}

static void test_cli_cookies(const char *victim, const char *utramp)
{
	char cmd[8192];

	tap_begin("utramp run --cookie");
	snprintf(cmd, sizeof(cmd),
		 "echo test1 | '%s' run -q --cookie entry=77 --cookie leave=0xffffffffffffffff "
		 "-o /dev/fd/3 '%s/cookie.bpf.o' -- '%s' 3>&1 >/dev/null",
		 utramp, objects_dir, victim);
	check_command(cmd, "entry 1 cookie 77\n"
			   "exit 1 ret 2 cookie 18446744073709551615\n");
	tap_end();
}

/* Newest attached first: many before both; at the exit bare before both. */
static void test_cli_sessions(const char *victim, const char *utramp)
{
	char cmd[8192];

	tap_begin("utramp run: fsession and .multi");
	snprintf(cmd, sizeof(cmd),
		 "echo test1 | '%s' run -q --cookie both=77 --attach 'bare=fentry_test*' "
		 "-o /dev/fd/3 '%s/print.bpf.o' -- '%s' 3>&1 >/dev/null",
		 utramp, objects_dir, victim);
	check_command(cmd, "many 1 of 1\n"
			   "entry 1 ret 0\n"
			   "bare ret 2\n"
			   "exit 1 ret 2 kept 77\n");
	tap_end();
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	objects_dir = argv[2];
	test_many(argv[1], 39, false);
	test_many(argv[1], 39, true);
	test_many(argv[1], 100, false);
	test_chain(argv[1]);
	test_upper_half(argv[1]);
	test_malloc(argv[1], false);
	test_malloc(argv[1], true);
	test_exit_removed(argv[1]);
	test_all_removed(argv[1]);
	test_exit_late(argv[1]);
	test_exit_late_entry(argv[1]);
	test_exit_kept(argv[1]);
	test_text(argv[1]);
	test_two_objects(argv[1]);
	test_detach(argv[1]);
	test_free_target(argv[1]);
	test_killed(argv[1]);
	test_ways_out(argv[1]);
	test_cli_cookies(argv[1], argv[3]);
	test_cli_sessions(argv[1], argv[3]);
	return tap_done();
}
