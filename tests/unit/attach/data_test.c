/* data_test.c - maps, ring buffers, printk, traces and lists by the public API. */
#include "util.h"
#include "utramp/print.h"

#include "utramp/types.h"

#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_maps(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("run", "1", &p);
	struct utramp_object *o = utramp_object__open_file(PROG, NULL);
	struct utramp_map *m;
	uint32_t key = 3, next, bad = 99;
	uint64_t v = 77, got = 0;
	unsigned n = 0;

	assert_null(utramp_object__next_map(o, NULL)); /* not loaded */
	assert_int_equal(utramp_object__load(o, t), 0);
	for (m = NULL; (m = utramp_object__next_map(o, m)); n++)
		assert_non_null(utramp_map__name(m));
	assert_int_equal(n, 3); /* .rodata too */
	assert_null(utramp_object__find_map_by_name(o, "none"));
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(utramp_error(), "none"));
	m = utramp_object__find_map_by_name(o, "counts");
	assert_string_equal(utramp_map__name(m), "counts");
	assert_int_equal(utramp_map__type(m), BPF_MAP_TYPE_ARRAY);
	assert_int_equal(utramp_map__key_size(m), 4);
	assert_int_equal(utramp_map__value_size(m), 8);
	assert_int_equal(utramp_map__update_elem(m, &key, 4, &v, 8, BPF_ANY), 0);
	assert_int_equal(utramp_map__lookup_elem(m, &key, 4, &got, 8, 0), 0);
	assert_int_equal(got, 77);
	assert_int_equal(utramp_map__lookup_elem(m, &key, 4, &got, 8, 1), -EINVAL);
	assert_int_equal(utramp_map__lookup_elem(m, &key, 8, &got, 8, 0), -EINVAL);
	assert_non_null(strstr(utramp_error(), "4 bytes"));
	assert_int_equal(utramp_map__lookup_elem(m, &key, 4, &got, 4, 0), -EINVAL);
	assert_int_equal(utramp_map__lookup_elem(m, &bad, 4, &got, 8, 0), -ENOENT);
	assert_int_equal(utramp_map__update_elem(m, &key, 4, &v, 9, 0), -EINVAL);
	assert_int_equal(utramp_map__delete_elem(m, &key, 4, 0), -EINVAL); /* an array */
	assert_int_equal(utramp_map__delete_elem(m, &key, 4, 1), -EINVAL);
	assert_int_equal(utramp_map__get_next_key(m, NULL, &next, 4), 0);
	assert_int_equal(next, 0);
	key = 7;
	assert_int_equal(utramp_map__get_next_key(m, &key, &next, 4), -ENOENT);
	assert_int_equal(utramp_map__get_next_key(m, &key, &next, 3), -EINVAL);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

static int sample(void *ctx, const void *data, size_t size)
{
	assert_int_equal(size, 8);
	return ++*(int *)ctx == 4; /* stops once */
}

static void text(void *ctx, const struct utramp_printk *r)
{
	assert_int_equal(r->size, 7);
	assert_memory_equal(r->text, "hello 7", 7);
	assert_string_equal(r->comm, "victim");
	assert_true(r->time_ns > 0 && r->pid > 0 && r->tid == r->pid);
	++*(int *)ctx;
}

static void test_rings(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("run", "10", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_map *m = utramp_object__find_map_by_name(o, "ring");
	struct utramp_ring_buffer *rb;
	int n = 0, lines = 0;

	assert_null(utramp_ring_buffer__new(m, NULL, NULL, NULL));
	assert_int_equal(errno, EINVAL);
	assert_null(utramp_ring_buffer__new(utramp_object__find_map_by_name(o, "counts"), sample,
					    NULL, NULL));
	assert_int_equal(errno, EINVAL);
	rb = utramp_ring_buffer__new(m, sample, &n, NULL);
	assert_non_null(rb);
	assert_int_equal(utramp_ring_buffer__poll(rb, 0), 0);
	assert_int_equal(utramp_ring_buffer__poll(rb, 5), 0);
	assert_non_null(utramp_program__attach(program_named(o, "record"), t, "many_args", NULL));
	assert_int_equal(utramp_target__resume(t), 0);
	victim_end(t);
	assert_int_equal(utramp_ring_buffer__poll(rb, 1000), 4);
	assert_int_equal(utramp_ring_buffer__consume(rb), 6);
	assert_int_equal(utramp_ring_buffer__poll(rb, -1), 0); /* it ended: nothing will come */
	assert_int_equal(n, 10);
	assert_int_equal(utramp_ring_buffer__lost(rb), 0);
	assert_int_equal(utramp_target__read_printk(t, text, &lines), 10);
	assert_int_equal(lines, 10);
	assert_int_equal(utramp_target__read_printk(t, NULL, NULL), -EINVAL);
	assert_int_equal(utramp_target__lost(t), 0);
	utramp_ring_buffer__free(rb);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

/* 64 KiB hold 4096 records of 16 bytes: the others are counted. */
static void test_lost(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("run", "1000", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_map *m = utramp_object__find_map_by_name(o, "ring");
	int n = 0;
	struct utramp_ring_buffer *rb = utramp_ring_buffer__new(m, sample, &n, NULL);

	for (int i = 0; i < 3; i++) {
		static const char *const spec[] = { "alpha", "beta", "same" };

		assert_non_null(
			utramp_program__attach(program_named(o, "record"), t, spec[i], NULL));
	}
	assert_int_equal(utramp_target__resume(t), 0);
	victim_end(t);
	n = 10;
	assert_int_equal(utramp_ring_buffer__consume(rb) + utramp_ring_buffer__lost(rb), 7000);
	assert_true(utramp_ring_buffer__lost(rb) > 2000);
	assert_true(utramp_target__lost(t) >= utramp_ring_buffer__lost(rb));
	utramp_ring_buffer__free(rb);
	assert_true(utramp_target__lost(t) > 2000); /* stays counted */
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

struct lines {
	int n, alpha;
	char last[512];
};

static void line(void *ctx, const char *s, size_t n)
{
	struct lines *l = ctx;

	l->n++;
	l->alpha += memmem(s, n, "alpha", 5) != NULL;
	snprintf(l->last, sizeof(l->last), "%.*s", (int)n, s);
}

/* A function that two specs name is traced once; a failure leaves nothing behind. */
static void test_trace(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("run", "5", &p);
	struct utramp_trace_opts opts = { .sz = sizeof(opts), .json = true };
	struct utramp_trace_opts no_size = { .json = true };
	struct lines got = { 0 };
	struct utramp_trace *tr;

	assert_null(utramp_trace__new(t, &no_size));
	assert_int_equal(errno, EINVAL);
	tr = utramp_trace__new(t, &opts);
	assert_int_equal(utramp_trace__add(tr, "nothing", NULL), -ENOENT);
	assert_int_equal(utramp_trace__add(tr, "chosen", NULL), -ENOTSUP);
	assert_int_equal(utramp_target__functions(t, NULL, NULL), 0);
	assert_int_equal(utramp_trace__add(tr, "alpha", NULL), 1);
	assert_int_equal(utramp_trace__add(tr, "alph*", NULL), 1);
	assert_int_equal(utramp_trace__add(tr, "alpha", NULL), 1);
	assert_int_equal(utramp_target__functions(t, NULL, NULL), 1);
	assert_int_equal(utramp_target__resume(t), 0);
	victim_end(t);
	assert_int_equal(utramp_trace__read(tr, true, NULL, NULL), -EINVAL);
	assert_true(utramp_trace__read(tr, true, line, &got) >= 0);
	assert_int_equal(got.n, 15);
	assert_int_equal(got.alpha, 15);
	assert_non_null(strstr(got.last, "\"b\":1"));
	assert_int_equal(utramp_target__lost(t), 0);
	utramp_trace__free(tr);
	utramp_target__free(t);
	pipes_close(&p);
}

/* Freed while the target runs: the functions are left. */
static void test_trace_free(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("loop", "1", &p);
	struct utramp_trace *tr = utramp_trace__new(t, NULL);
	struct utramp_object *o = object_loaded(t);
	uint8_t now[8], file[8];
	uint64_t addr;

	assert_int_equal(utramp_target__resume(t), 0);
	assert_true(utramp_trace__add(tr, "victim:*", NULL) >= 8);
	sleep_ms(20);
	func_bytes(t, "alpha", now, file, &addr);
	assert_memory_not_equal(now, file, 8);
	utramp_trace__free(tr);
	func_bytes(t, "alpha", now, file, &addr);
	assert_memory_equal(now, file, 8);
	assert_int_equal(utramp_target__functions(t, NULL, NULL), 0);
	utramp_object__close(o);
	kill(utramp_target__pid(t), 9);
	victim_end(t);
	utramp_target__free(t);
	pipes_close(&p);
}

struct printed {
	char text[512];
	int lines;
};

static void print_line(void *ctx, const char *line, size_t n)
{
	struct printed *p = ctx;
	size_t have = strlen(p->text);

	assert_int_equal(strlen(line), n);
	snprintf(p->text + have, sizeof(p->text) - have, "%s\n", line);
	p->lines++;
}

static void prints(struct utramp_map *m, bool json, const char *want)
{
	struct utramp_print_opts opts = { .sz = sizeof(opts), .json = json };
	struct printed p = { "", 0 };
	int n = utramp_map__print(m, json ? &opts : NULL, print_line, &p);

	assert_int_equal(n, p.lines);
	assert_string_equal(p.text, want);
}

static void test_print(void **state)
{
	struct {
		struct utramp_print_opts known;
		uint64_t unknown;
	} future = { { .sz = sizeof(future) }, 1 };
	struct utramp_print_opts js = { .sz = sizeof(js), .json = true };
	struct pipes pipes;
	struct utramp_target *t = victim_start("run", "1", &pipes);
	struct utramp_object *o = object_loaded(t);
	struct utramp_map *m = utramp_object__find_map_by_name(o, "counts");
	struct utramp_map *ring = utramp_object__find_map_by_name(o, "ring"), *each = NULL;
	struct printed p = { "", 0 };
	uint64_t v = UINT64_MAX;

	while ((each = utramp_object__next_map(o, each))) /* counts, ring, .rodata */
		assert_int_equal(utramp_map__is_hidden(each), each != m);
	prints(m, false, "");
	assert_int_equal(utramp_map__update_elem(m, &(uint32_t){ 3 }, 4, &v, 8, BPF_ANY), 0);
	prints(m, false, "counts[3] = 18446744073709551615\n");
	prints(ring, true, "");
	assert_int_equal(utramp_map__print(m, NULL, NULL, NULL), -EINVAL);
	assert_int_equal(utramp_map__print(NULL, NULL, print_line, &p), -EINVAL);
	assert_int_equal(utramp_map__print(m, &future.known, print_line, &p), -E2BIG);
	assert_null(utramp_map__record_type(ring));
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(utramp_error(), "ring_event"));
	assert_int_equal(utramp_map__format_record(ring, "ab", 2, &js, print_line, &p), 0);
	assert_int_equal(utramp_map__format_record(ring, "ab", 2, NULL, print_line, &p), 0);
	assert_string_equal(p.text, "{\"map\":\"ring\",\"hex\":\"6162\"}\nring: 61 62\n");
	assert_int_equal(utramp_map__format_record(ring, "ab", 2, NULL, NULL, NULL), -EINVAL);
	utramp_target__free(t);
	assert_int_equal(utramp_map__print(m, NULL, print_line, &p), -ESRCH);
	assert_non_null(strstr(utramp_error(), "counts"));
	assert_int_equal(p.lines, 2);
	utramp_object__close(o);
	pipes_close(&pipes);
}

struct listed {
	int n, stop_at;
	char func[256], proto[256], from[16], reason[256];
	bool entry, exit;
};

static int list_one(void *ctx, const struct utramp_func_info *f)
{
	struct listed *l = ctx;

	assert_int_equal(f->sz, sizeof(*f));
	snprintf(l->func, sizeof(l->func), "%s", f->func);
	snprintf(l->proto, sizeof(l->proto), "%s", f->proto ? f->proto : "");
	snprintf(l->from, sizeof(l->from), "%s", f->types_from);
	snprintf(l->reason, sizeof(l->reason), "%s", f->reason ? f->reason : "");
	l->entry = f->entry;
	l->exit = f->exit;
	assert_true(!f->entry == !f->site);
	assert_true(f->json[0] == '{');
	return ++l->n == l->stop_at;
}

static void list(struct utramp_target *t, const char *spec, int want, struct listed *l)
{
	int n;

	*l = (struct listed){ 0 };
	n = utramp_list(t, spec, list_one, l);
	if (n != want)
		print_error("%s: %d %s\n", spec, n, n < 0 ? utramp_error() : "");
	assert_int_equal(n, want);
}

static void test_list(void **state)
{
	struct listed l;

	list(NULL, VICTIM ":alpha", 1, &l);
	assert_non_null(strstr(l.proto, " a, int b)"));
	assert_string_equal(l.from, "DWARF");
	assert_true(l.entry && l.exit);
	list(NULL, VICTIM ":beta_too", 1, &l);
	assert_true(l.entry && l.exit);
	list(NULL, VICTIM ":bet*", 1, &l);
	assert_non_null(strstr(l.func, "beta_too"));
	assert_non_null(strstr(l.func, "(beta)"));
	list(NULL, VICTIM ":same", 2, &l);
	list(NULL, VICTIM ":chosen", 1, &l);
	assert_true(!l.entry && !l.exit && strstr(l.reason, "IFUNC"));
	list(NULL, VICTIM ":variadic", 1, &l);
	assert_true(l.entry && !l.exit);
	list(NULL, VICTIM ":nothing", -ENOENT, &l);
	list(NULL, "/nonexistent:f", -ENOENT, &l);
	list(NULL, "alpha", -EINVAL, &l);
	list(NULL, PROG ":f", -ENOTSUP, &l); /* not for this machine */
	assert_int_equal(chdir(VICTIM_DIR), 0);
	list(NULL, "victim:alpha", 1, &l); /* a file of the current directory */
	l = (struct listed){ .stop_at = 3 };
	assert_int_equal(utramp_list(NULL, VICTIM ":*", list_one, &l), 3);
}

static void test_types(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("run", "3", &p);
	struct utramp_object *o = object_loaded(t);
	struct listed l;

	list(t, "beta", 1, &l);
	assert_string_equal(l.from, "DWARF");
	/* looked at before, and still it counts; by another name of the function */
	assert_int_equal(utramp_target__add_proto(t, "int beta_too(short x)"), 0);
	list(t, "beta", 1, &l);
	assert_string_equal(l.from, "--proto");
	assert_non_null(strstr(l.proto, "short"));
	assert_int_equal(utramp_target__add_proto(t, "int no_such(int)"), -ENOENT);
	assert_non_null(strstr(utramp_error(), "no_such"));
	assert_int_equal(utramp_target__add_proto(t, "int ("), -EBADMSG);
	assert_int_equal(utramp_target__add_btf(t, "nolib.so", PROG), -ENOENT);
	assert_non_null(strstr(utramp_error(), "nolib.so"));
	assert_int_equal(utramp_target__add_btf(t, "victim", "/nonexistent"), -EBADMSG);
	assert_int_equal(utramp_target__add_btf(t, "victim", PROG), 0);
	list(t, "variadic", 1, &l);
	assert_true(l.entry && !l.exit);
	assert_int_equal(utramp_target__add_proto(t, "long variadic(int)"), 0);
	list(t, "variadic", 1, &l);
	assert_true(l.entry && l.exit);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

static void test_args(void **state)
{
	struct utramp_args a = { .sz = sizeof(a) };

	assert_int_equal(utramp_args_count(VICTIM, &a), 0);
	assert_true(a.functions >= 9 && a.by_args[8] >= 1 && a.variadic >= 1);
	assert_int_equal(utramp_args_count("/nonexistent", &a), -ENOENT);
	assert_int_equal(utramp_args_count(NULL, &a), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps),       cmocka_unit_test(test_rings),
		cmocka_unit_test(test_lost),       cmocka_unit_test(test_trace),
		cmocka_unit_test(test_trace_free), cmocka_unit_test(test_list),
		cmocka_unit_test(test_types),      cmocka_unit_test(test_args),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
