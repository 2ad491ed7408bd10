/*
 * crowd.c - a library user attaches, replaces and detaches at random while a crowd of threads runs.
 *
 * crowd N SEED OBJ VICTIM LIBRARY [signals|forks|loads]
 *
 * The first STEADY functions have a program at entry and one at exit from before the first
 * instruction; visitors come and go on all functions, N changes, so the images that count are
 * replaced under the calls.  Then:
 *   every call of a steady function was counted, at entry and at exit, those of children and
 *   handlers too, or as missed; at exit but for calls that are inside while another exit program
 *   goes
 *   every result was right, by the threads' own and each other's account
 *   memory of target and tool does not grow: in the last quarter it is at most as much as in the
 *   second, and GROWN; GROWN_ONCE where images did not fill the slabs' room once
 *
 * Half of the changes' batches are one; of the others up to BATCH are made in one stop.
 *   behind the detach, under load, text is as in the files
 *
 * Programs are those of crowd.bpf.c.  Uses the public library only.
 */
#include "utramp/utramp.h"
#include "victim.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define VISITORS   48
#define BATCH      48
#define TRIES      50
#define GROWN      1024 /* KiB */
#define GROWN_ONCE 16384
#define FILLS      20000 /* changes */
#define LOOK_EACH  64
#define RIGHT      7

static int tests, failed;

static bool ok(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool ok(bool good, const char *fmt, ...)
{
	va_list ap;

	failed += !good;
	printf("%sok %d - ", good ? "" : "not ", ++tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	return good;
}

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, utramp_error());
	exit(1);
}

static uint64_t seed;

static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

static void sleep_us(unsigned us)
{
	const struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&t, NULL);
}

struct crowd {
	struct utramp_target *t;
	struct utramp_object *o;
	volatile struct shared *shared;
	int in; /* its stdin */
	struct utramp_link *visitor[VISITORS];
	unsigned attached, replaced, detached, functions, again, refused, batches;
	struct {
		const char *name;
		char spec[16];
	} what[VISITORS];
	unsigned gone[STEADY]; /* exit programs that were detached from it */
};

/* -- the victim -------------------------------------------------------------------- */

static void make_shared(struct crowd *c, char *path)
{
	int fd = mkstemp(path);

	if (fd < 0 || ftruncate(fd, sizeof(struct shared)) < 0)
		die(path);
	c->shared = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (c->shared == MAP_FAILED)
		die("mmap");
	close(fd);
}

/* With a pipe for its stdin. */
static void spawn(struct crowd *c, char *const argv[])
{
	int fd[2], in = fcntl(0, F_DUPFD_CLOEXEC, 3);

	if (pipe2(fd, O_CLOEXEC) < 0 || dup2(fd[0], 0) < 0)
		die("pipe");
	close(fd[0]);
	c->in = fd[1];
	c->t = utramp_target__spawn(argv, NULL);
	if (!c->t)
		die("spawn");
	dup2(in, 0);
	close(in);
}

static void tell(struct crowd *c, char what, uint32_t quiet)
{
	int i = 0;

	if (write(c->in, &what, 1) != 1)
		ok(false, "the victim reads no commands");
	while (c->shared->quiet != quiet && i++ < 30000 &&
	       utramp_target__poll(c->t, 0) == UTRAMP_RUNNING)
		sleep_us(1000);
	ok(c->shared->quiet == quiet, "threads %s", quiet ? "stop" : "run");
}

/* KiB of a process, or of this one; 0: unknown. */
static long resident(pid_t pid)
{
	char path[64], line[128];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && !kib && fgets(line, sizeof(line), f))
		sscanf(line, "VmRSS: %ld", &kib);
	if (f)
		fclose(f);
	return kib;
}

/* Bytes of one region that are not the file's; -1: cannot be read. */
static long differences(int mem, const char *path, uint64_t lo, uint64_t n, uint64_t offset)
{
	uint8_t *live = malloc(n), *file = malloc(n);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : pread(fd, file, n, (off_t)offset);
	long differ = got > 0 && pread(mem, live, (size_t)got, (off_t)lo) == got ? 0 : -1;

	for (ssize_t i = 0; differ >= 0 && i < got; i++)
		differ += live[i] != file[i];
	if (fd >= 0)
		close(fd);
	free(live);
	free(file);
	return differ;
}

/* The library comes and goes, and is never attached to. */
static void check_text(struct crowd *c, const char *library)
{
	int pid = (int)utramp_target__pid(c->t), modules = 0;
	char path[64], line[512], file[256], perms[8];
	uint64_t lo, hi, offset;
	long differ = 0;
	FILE *maps;
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %255s", &lo, &hi,
			   perms, &offset, file) != 5 ||
		    perms[2] != 'x' || *file != '/' || strstr(file, "/slab-") ||
		    !strcmp(file, library))
			continue;
		modules++;
		differ += differences(mem, file, lo, hi - lo, offset) != 0;
	}
	if (maps)
		fclose(maps);
	close(mem);
	ok(modules >= 3 && !differ, "text is as in the files, %d modules", modules);
}

/* -- programs ---------------------------------------------------------------------- */

static struct utramp_program *program(const struct crowd *c, const char *name)
{
	struct utramp_program *p = NULL;

	while ((p = utramp_object__next_program(c->o, p))) {
		if (!strcmp(utramp_program__name(p), name))
			return p;
	}
	die(name);
	return NULL;
}

static uint64_t counted(const struct crowd *c, const char *map, uint32_t which)
{
	struct utramp_map *m = utramp_object__find_map_by_name(c->o, map);
	uint64_t value[256] = { 0 }, sum = 0;
	int n = libbpf_num_possible_cpus();

	if (!m || n < 1 || n > 256 ||
	    utramp_map__lookup_elem(m, &which, 4, value, 8 * (size_t)n, 0) < 0)
		die(map);
	for (int i = 0; i < n; i++)
		sum += value[i];
	return sum;
}

static void attach_steady(struct crowd *c)
{
	struct utramp_attach_opts opts = { .sz = sizeof(opts) };
	char spec[16];

	for (unsigned i = 0; i < STEADY; i++) {
		opts.cookie = i;
		snprintf(spec, sizeof(spec), "c%04u", i);
		if (!utramp_program__attach(program(c, "steady_entry"), c->t, spec, &opts) ||
		    !utramp_program__attach(program(c, "steady_exit"), c->t, spec, &opts))
			die(spec);
	}
}

/* Does a pattern of choose_spec() mean this function? */
static bool means(const char *spec, unsigned function)
{
	char name[16];
	size_t n = strcspn(spec, "*?");

	snprintf(name, sizeof(name), "c%04u", function);
	return !strncmp(name, spec, n);
}

/* One function, ten, or a hundred. */
static void choose_spec(char *spec, size_t n)
{
	unsigned of = rnd(20), i = rnd(FUNCTIONS);

	if (of == 0)
		snprintf(spec, n, "c%02u*", i / 100);
	else if (of < 5)
		snprintf(spec, n, "c%03u?", i / 10);
	else
		snprintf(spec, n, "c%04u", i);
}

/* What may be: a thread could not be moved, or the program is there. */
static bool note(struct crowd *c, int err, const char *what)
{
	if (err == -EAGAIN)
		c->again++;
	else if (err == -EBUSY || err == -ENOTSUP)
		c->refused++;
	else
		return ok(false, "%s: %s", what, utramp_error());
	return true;
}

static bool attach_visitor(struct crowd *c, unsigned k)
{
	static const char *const name[] = { "light", "entry", "leave", "pass" };
	struct utramp_attach_opts opts = { .sz = sizeof(opts), .missing_ok = true };
	char *spec = c->what[k].spec;

	choose_spec(spec, sizeof(c->what[k].spec));
	c->what[k].name = name[rnd(4)];
	c->visitor[k] = utramp_program__attach(program(c, c->what[k].name), c->t, spec, &opts);
	if (!c->visitor[k])
		return note(c, -errno, spec);
	c->attached++;
	c->functions += utramp_link__functions(c->visitor[k]);
	return true;
}

static bool detach_visitor(struct crowd *c, unsigned k)
{
	struct utramp_link *l = c->visitor[k];
	int err;

	for (unsigned i = 0; i < STEADY; i++)
		c->gone[i] += !strcmp(c->what[k].name, "leave") && means(c->what[k].spec, i);
	c->visitor[k] = NULL;
	err = utramp_link__destroy(l);
	c->detached++;
	return err >= 0 || note(c, err, "detach");
}

/* A new one comes, in a free place, before the old one goes. */
static bool replace_visitor(struct crowd *c, unsigned k)
{
	for (unsigned i = 0; i < VISITORS; i++) {
		if (c->visitor[i])
			continue;
		c->replaced++;
		return attach_visitor(c, i) && detach_visitor(c, k);
	}
	return detach_visitor(c, k);
}

static bool change(struct crowd *c)
{
	unsigned k = rnd(VISITORS);

	if (!c->visitor[k])
		return attach_visitor(c, k);
	return rnd(5) < 2 ? replace_visitor(c, k) : detach_visitor(c, k);
}

/* Enough of what else goes on; of nothing, if it is to be nothing. */
static bool enough(const struct crowd *c, const char *what)
{
	return !what || c->shared->signals >= 300 || c->shared->children >= 50 ||
	       c->shared->loaded >= 50;
}

/* One change, or several in one stop; how many. */
static unsigned change_some(struct crowd *c, unsigned most)
{
	unsigned n = rnd(2) ? 1 : 2 + rnd(BATCH - 1), done = 0;
	int err = 0;

	n = n < most ? n : most;
	if (n > 1 && utramp_target__together(c->t) < 0)
		die("together");
	while (done < n && change(c))
		done++;
	for (int i = 0; n > 1 && i < TRIES; i++) {
		err = utramp_target__resume(c->t);
		if (err != -EAGAIN)
			break;
		c->again++;
		sleep_us(10000);
	}
	c->batches++;
	return err && !note(c, err, "a batch") ? 0 : done;
}

/* The most there was in a quarter of the changes, KiB. */
struct most {
	long target, tool;
};

static void look(struct crowd *c, struct most *m)
{
	long target = resident(utramp_target__pid(c->t)), tool = resident(getpid());

	m->target = target > m->target ? target : m->target;
	m->tool = tool > m->tool ? tool : m->tool;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check_memory(const struct most m[4], unsigned done)
{
	long target = m[3].target - m[1].target, tool = m[3].tool - m[1].tool;
	long grown = done < FILLS ? GROWN_ONCE : GROWN;

	ok(target < grown && tool < grown,
	   "memory grew by %ld KiB, the tool's by %ld; %ld and %ld at the most", target, tool,
	   m[3].target, m[3].tool);
}

/* N changes; more, on a machine that is too busy for what else goes on. */
static void storm(struct crowd *c, unsigned n, const char *what)
{
	struct most m[4] = { 0 };
	double start = now_s();
	unsigned done = 0, looked = 0, quarter = 0;

	while (done < n || (done < 10 * n && !enough(c, what))) {
		unsigned some = utramp_target__poll(c->t, 0) != UTRAMP_RUNNING ?
					0 :
					change_some(c, done < n ? n - done : 1);

		if (!some)
			break;
		done += some;
		if (done * 4ull / n > quarter && done <= n)
			printf("# %u changes, %.0f s, %ld and %ld KiB\n", done, now_s() - start,
			       m[quarter].target, m[quarter].tool);
		fflush(stdout);
		quarter = done < n ? (unsigned)(done * 4ull / n) : 3;
		if (done - looked < LOOK_EACH && looked * 4ull / n == quarter)
			continue;
		look(c, &m[quarter]);
		looked = done;
	}
	ok(done >= n && enough(c, what),
	   "%u changes in %u batches, %.0f s: %u attached to %u functions, %u replaced, %u "
	   "detached, %u to try again, %u refused",
	   done, c->batches, now_s() - start, c->attached, c->functions, c->replaced, c->detached,
	   c->again, c->refused);
	check_memory(m, done);
}

/* -- the counts -------------------------------------------------------------------- */

/* Of one steady function, or of all. */
struct sums {
	uint64_t calls, entries, exits;
};

/*
 * When an exit program is detached, calls that are inside just then run no exit program at all, as
 * the kernel has it (attach/image.c): at most one a thread, and its handler's.
 */
static bool right(const struct crowd *c, unsigned i, const struct sums *s, uint64_t missed)
{
	bool good = s->entries <= s->calls && s->exits <= s->calls &&
		    s->calls - s->entries <= missed &&
		    s->calls - s->exits <= missed + (uint64_t)c->gone[i] * (2 * THREADS + 1);

	if (!good)
		printf("# c%04u: %" PRIu64 " calls, %" PRIu64 " entries, %" PRIu64
		       " exits; exit programs went %u times\n",
		       i, s->calls, s->entries, s->exits, c->gone[i]);
	return good;
}

static void check_counts(struct crowd *c)
{
	uint64_t missed = utramp_program__missed(program(c, "steady_entry"));
	uint64_t unseen = utramp_program__missed(program(c, "steady_exit"));
	uint64_t untraced = utramp_target__untraced(c->t), visits = 0;
	struct sums all = { 0 };
	unsigned bad = 0;

	for (uint32_t i = 0; i < STEADY; i++) {
		struct sums s = { .entries = counted(c, "entries", i),
				  .exits = counted(c, "exits", i) };

		for (unsigned row = 0; row < ROWS; row++)
			s.calls += c->shared->calls[row][i];
		bad += !right(c, i, &s, (missed > unseen ? missed : unseen) + untraced);
		all.calls += s.calls;
		all.entries += s.entries;
		all.exits += s.exits;
	}
	for (uint32_t i = 0; i < 6; i++)
		visits += counted(c, "visits", i);
	ok(!bad && all.calls > STEADY && all.entries + missed + untraced == all.calls,
	   "%" PRIu64 " calls of %u functions: %" PRIu64 " counted at entry, %" PRIu64
	   " missed, %" PRIu64 " for want of stack",
	   all.calls, STEADY, all.entries, missed, untraced);
	ok(all.exits + unseen + untraced <= all.calls,
	   "at exit %" PRIu64 " counted, %" PRIu64 " missed, %" PRIu64
	   " inside while another exit program went",
	   all.exits, unseen, all.calls - all.exits - unseen - untraced);
	ok(visits > 0, "%" PRIu64 " visits", visits);
}

static int finish(struct crowd *c, const char *library)
{
	int err = 0, status;

	tell(c, 's', 1);
	check_counts(c);
	tell(c, 'g', 0);
	for (int i = 0; i < 5; i++) {
		err = utramp_target__detach(c->t);
		if (err != -EAGAIN)
			break;
		sleep_us(10000);
	}
	ok(!err, "detached under load: %s", err ? utramp_error() : "yes");
	check_text(c, library);
	tell(c, 's', 1);
	close(c->in);
	status = utramp_target__poll(c->t, 30000) == UTRAMP_EXITED ? utramp_target__status(c->t) :
								     -1;
	ok(WIFEXITED(status) && WEXITSTATUS(status) == RIGHT && !c->shared->wrong,
	   "it ends with status %#x, %" PRIu64 " results wrong; %" PRIu64
	   " checked by others, %" PRIu64 " signals, %" PRIu64 " children, %" PRIu64
	   " times loaded",
	   (unsigned)status, c->shared->wrong, c->shared->checked_for_others, c->shared->signals,
	   c->shared->children, c->shared->loaded);
	utramp_object__close(c->o);
	utramp_target__free(c->t);
	printf("1..%d\n", tests);
	return failed != 0;
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/crowd-XXXXXX";
	struct crowd c = { .in = -1 };

	if (argc < 6) {
		fprintf(stderr, "usage: crowd N SEED OBJ VICTIM LIBRARY [signals|forks|loads]\n");
		return 2;
	}
	seed = strtoull(argv[2], NULL, 0) * 2 + 88172645463325253ull;
	make_shared(&c, path);
	spawn(&c, (char *[]){ argv[4], path, argv[5], argv[6], NULL });
	c.o = utramp_object__open_file(argv[3], NULL);
	if (!c.o || utramp_object__load(c.o, c.t) < 0)
		die(argv[3]);
	attach_steady(&c);
	if (utramp_target__resume(c.t) < 0)
		die("resume");
	for (int i = 0; i < 30000 && c.shared->ready < THREADS; i++)
		sleep_us(1000);
	unlink(path);
	storm(&c, (unsigned)strtoul(argv[1], NULL, 0), argv[6]);
	return finish(&c, argv[5]);
}
