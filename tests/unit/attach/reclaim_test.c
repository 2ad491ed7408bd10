/*
 * reclaim_test.c - images are freed when nobody can be inside any more, and not before.
 *
 * Behind the public API for the room's size and for what was freed (attach/session.h).
 */
#include "util.h"

#include "attach/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOM     (64u << 10)
#define RETURNED "blocked 195, handled 330, yields 77, moved 117, away 51, went on"

static const char *const kept[] = { "blocked", "handled", "yields", "moved", "away" };
#define KEPT 5

static struct utramp_target *keeper_start(struct pipes *p)
{
	char *argv[] = { (char *)KEEPER, NULL };

	return command_start(argv, p);
}

static struct utramp_link *attach(struct utramp_object *o, const char *program,
				  struct utramp_target *t, const char *spec)
{
	struct utramp_link *l = utramp_program__attach(program_named(o, program), t, spec, NULL);

	if (!l)
		fail_msg("%s on %s: %s", program, spec, utramp_error());
	return l;
}

static void leave(struct utramp_link *l)
{
	if (utramp_link__destroy(l) < 0)
		fail_msg("%s", utramp_error());
}

/* The victim waits with its calls inside, of images that are retired. */
static void park(struct utramp_target *t, struct utramp_object *o, struct pipes *p)
{
	struct utramp_link *l[KEPT];
	char line[64];

	for (unsigned i = 0; i < KEPT; i++)
		l[i] = attach(o, "bare_exit", t, kept[i]);
	attach(o, "bare", t, "hot_*");
	assert_int_equal(utramp_target__resume(t), 0);
	victim_line(p, line, sizeof(line));
	assert_string_equal(line, "parked");
	for (unsigned i = 0; i < KEPT; i++) {
		leave(l[i]);
		attach(o, "bare", t, kept[i]);
	}
	for (unsigned i = 0; i < SLABS; i++)
		t->room[i].hi = t->room[i].next + ROOM;
}

static void unpark(struct utramp_target *t, struct pipes *p)
{
	char line[128];

	close(p->in);
	p->in = open("/dev/null", O_WRONLY | O_CLOEXEC);
	victim_line(p, line, sizeof(line));
	assert_string_equal(line, RETURNED);
	assert_int_equal(victim_end(t), 3 << 8);
}

/*
 * 3,200 images and more come and go in room for some hundred.  Those who were inside all the
 * time return through images that were kept for them.
 */
static void test_room_again(void **state)
{
	struct pipes p;
	struct utramp_target *t = keeper_start(&p);
	struct utramp_object *o = object_loaded(t);
	uint64_t all = 0, exits = 0;

	park(t, o, &p);
	for (unsigned i = 0; i < 200; i++) {
		struct utramp_link *l = attach(o, "on_exit", t, "hot_*");

		if (i == 100)
			exits = count_of(o, 1);
		all += t->hooks.n; /* on_exit comes, on_exit goes: an image of each */
		leave(l);
		assert_int_equal(utramp_target__poll(t, 0), UTRAMP_RUNNING);
	}
	print_message("%lu looks freed %lu images, %lu KiB\n", t->reclaim.looks, t->reclaim.freed,
		      t->reclaim.freed_bytes >> 10);
	assert_true(all >= 200 * 8);
	assert_true(t->reclaim.freed > 2500);
	assert_true(t->reclaim.freed_bytes > 8 * ROOM);
	assert_true(t->reclaim.looks < 200);
	assert_true(count_of(o, 1) > exits && exits > 0); /* new images run in old room */
	assert_int_equal(count_of(o, 3), 0); /* no exit program of those inside, it was removed */
	unpark(t, &p);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

static bool is_retired(const struct utramp_target *t, const char *name)
{
	const struct image *im = t->reclaim.retired;

	while (im && strcmp(im->hook->func->name, name) != 0)
		im = im->next;
	return im;
}

static void tell(struct pipes *p, char what)
{
	char line[16];

	assert_int_equal(write(p->in, &what, 1), 1);
	victim_line(p, line, sizeof(line));
	assert_string_equal(line, what == 'o' ? "out" : "in");
}

static void come_back(void *ctx)
{
	tell(ctx, 'i');
}

/* A stack that no memory holds while it runs, and is there when it stands. */
static void test_moved_between(void **state)
{
	struct pipes p;
	struct utramp_target *t = keeper_start(&p);
	struct utramp_object *o = object_loaded(t);
	struct diag d = { 0 };

	park(t, o, &p);
	leave(attach(o, "on_exit", t, "hot_*"));
	tell(&p, 'o');
	t->reclaim.looked = come_back;
	t->reclaim.ctx = &p;
	assert_true(reclaim_now(t, &d) > 0);
	t->reclaim.looked = NULL;
	for (unsigned i = 0; i < KEPT; i++)
		assert_true(is_retired(t, kept[i]));
	unpark(t, &p);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

/*
 * Of a target too large to be read while it stands: those inside are seen as it runs, or on the
 * stacks of threads, or by their counts.
 */
static void test_large(void **state)
{
	struct pipes p;
	struct utramp_target *t = keeper_start(&p);
	struct utramp_object *o = object_loaded(t);
	uint64_t freed = 0;

	park(t, o, &p);
	t->reclaim.stop_ns = 1;
	t->reclaim.looked = come_back;
	t->reclaim.ctx = &p;
	for (unsigned i = 0; i < 100 && freed < 100; i++) {
		leave(attach(o, "on_exit", t, "hot_*"));
		tell(&p, 'o');
		freed += (uint64_t)reclaim_now(t, NULL);
		for (unsigned k = 0; k < KEPT; k++)
			assert_true(is_retired(t, kept[k]));
	}
	assert_true(freed >= 100);
	unpark(t, &p);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room_again),
		cmocka_unit_test(test_moved_between),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests_name("attach/reclaim", tests, NULL, NULL);
}
