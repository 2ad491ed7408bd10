/*
 * storm.c - attach and detach programs of several objects at random while a target runs.
 *
 * storm [-n OPS] [-s SEED] [-w US] [-r KIB] [-a] [-l] OBJ SPEC... -- CMD    on the functions named
 * storm -z OBJ VICTIM                            detach while threads sleep inside
 * storm -c FILE OBJ SPEC... -- CMD               no storm: all stay attached, as with -a
 *
 * The storm ends after OPS changes, and the target is told to finish through its stdin (see
 * storm_victim.c); with -a, when the target waits for stdin by itself.  Either must give status
 * 7.  After the last detach: no module's text differs from its file, and in the thread blocks
 * no call is counted that has not left (-l: some may be, by longjmp; -c: as many as FILE says,
 * "LEAST MOST", which the target has written).
 *
 * -r: there is so little room for code that images must be freed, and they are.
 *
 * Looks behind the public API (attach/session.h) for the blocks' counters and the room only.
 */
#include "attach/session.h"
#include "info/maps.h"
#include "utramp/utramp.h"

#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OBJECTS 3
#define LINKS   16
#define RIGHT   7

static int tests, failed;

static void ok(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void ok(bool good, const char *fmt, ...)
{
	va_list ap;

	failed += !good;
	printf("%sok %d - ", good ? "" : "not ", ++tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, utramp_error());
	exit(1);
}

static uint64_t seed = 1;

static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 20) % n;
}

static void sleep_us(unsigned us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&t, NULL);
}

/* -- the target -------------------------------------------------------------------- */

static int to_target = -1;

static struct utramp_target *spawn(char *const argv[])
{
	struct utramp_target *t;
	int fd[2], in = fcntl(0, F_DUPFD_CLOEXEC, 3);

	if (pipe2(fd, O_CLOEXEC) < 0 || dup2(fd[0], 0) < 0)
		die("pipe");
	close(fd[0]);
	to_target = fd[1];
	t = utramp_target__spawn(argv, NULL);
	if (!t)
		die("spawn");
	dup2(in, 0);
	close(in);
	return t;
}

static void tell(char c)
{
	if (write(to_target, &c, 1) != 1)
		ok(false, "the target reads no commands");
}

/* Its wait status within the time, or -1. */
static int wait_end(struct utramp_target *t, int ms)
{
	return utramp_target__poll(t, ms) == UTRAMP_EXITED ? utramp_target__status(t) : -1;
}

/* Is it in a system call that begins so?  "0 0x0 ..." is read(0, ...). */
static bool reads_stdin(int pid, const char *tid)
{
	char path[128], line[8] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%.20s/syscall", pid, tid);
	f = fopen(path, "re");
	if (f && !fgets(line, sizeof(line), f))
		line[0] = '\0';
	if (f)
		fclose(f);
	return !strncmp(line, "0 0x0 ", 6);
}

/* A thread that reads stdin, or 0. */
static pid_t reader(struct utramp_target *t)
{
	char path[64];
	const struct dirent *e;
	pid_t found = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)utramp_target__pid(t));
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		if (e->d_name[0] != '.' && reads_stdin((int)utramp_target__pid(t), e->d_name))
			found = atoi(e->d_name);
	}
	if (d)
		closedir(d);
	return found;
}

/* -- as it was found --------------------------------------------------------------- */

static bool same_as_file(struct utramp_target *t, const struct map_region *m)
{
	size_t n = m->hi - m->lo;
	uint8_t *live = malloc(n), *file = malloc(n);
	int fd = open(m->path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : pread(fd, file, n, (off_t)m->offset);
	bool same = got > 0 && process_read(t->proc, m->lo, live, (size_t)got) == 0;

	for (ssize_t i = 0; same && i < got; i++) {
		same = live[i] == file[i];
		if (!same)
			printf("# %s+%#llx: %02x, in the file %02x\n", m->path,
			       (unsigned long long)(m->offset + (uint64_t)i), live[i], file[i]);
	}
	if (fd >= 0)
		close(fd);
	free(live);
	free(file);
	return same;
}

static bool is_slab(const struct utramp_target *t, const char *path)
{
	return !strcmp(path, t->proc->slab[SLAB_EXE].path) ||
	       !strcmp(path, t->proc->slab[SLAB_LIB].path);
}

/* The maps of any thread that lives: the first one may have ended, and has none then. */
static bool read_maps(struct utramp_target *t, struct map_list *maps)
{
	char path[64];
	const struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)utramp_target__pid(t));
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		if (e->d_name[0] == '.' || maps_read(atoi(e->d_name), maps, NULL) < 0)
			continue;
		found = maps->n > 0;
		if (!found)
			maps_free(maps);
	}
	if (d)
		closedir(d);
	return found;
}

/* Relocations change no text, so every byte must be the file's. */
static void check_text(struct utramp_target *t)
{
	struct map_list maps = { 0 };
	unsigned modules = 0, differ = 0;

	if (!read_maps(t, &maps)) {
		ok(false, "maps cannot be read");
		return;
	}
	for (size_t i = 0; i < maps.n; i++) {
		const struct map_region *m = &maps.at[i];

		if (!m->x || m->path[0] != '/' || is_slab(t, m->path))
			continue;
		modules++;
		differ += !same_as_file(t, m);
	}
	maps_free(&maps);
	ok(modules >= 3 && !differ, "text is as in the files, %u modules", modules);
}

/* Calls entered less calls left, of all slots; threads that are gone included. */
struct counts {
	int64_t sum, lowest;
	unsigned off; /* counters that are not zero */
};

static struct counts inside(struct utramp_target *t)
{
	struct rt_thread th;
	struct counts c = { 0 };
	int64_t counter[RT_COUNTERS] = { 0 };

	for (uint64_t i = 0; i < t->arena->hdr->slots_used; i++) {
		if (process_read(t->proc, t->proc->threads + i * RT_THREAD_SIZE, &th, sizeof(th)) ||
		    th.magic != RT_THREAD_MAGIC)
			continue;
		for (unsigned k = 0; k < RT_COUNTERS; k++)
			counter[k] += (int64_t)th.inside[k];
	}
	for (unsigned k = 0; k < RT_COUNTERS; k++) {
		c.sum += counter[k];
		c.off += counter[k] != 0;
		c.lowest = counter[k] < c.lowest ? counter[k] : c.lowest;
	}
	return c;
}

static void check_counters(struct utramp_target *t)
{
	struct counts c = inside(t);

	ok(t->arena->hdr->slots_used > 1 && !c.off,
	   "every call that entered has left: %lld, %u counters off, %llu thread slots",
	   (long long)c.sum, c.off, (unsigned long long)t->arena->hdr->slots_used);
}

/* What the target says stays counted, no more and no less; a negative least: nobody knows. */
static void check_kept(struct utramp_target *t, const char *path)
{
	FILE *f = fopen(path, "re");
	long long least = 0, most = -1;
	struct counts c = inside(t);

	if (f && fscanf(f, "%lld %lld", &least, &most) != 2)
		most = -1;
	if (f)
		fclose(f);
	ok(c.sum >= least && c.sum <= most && (c.lowest >= 0 || least < 0),
	   "calls that stay counted: %lld, of %lld to %lld; lowest counter %lld", (long long)c.sum,
	   least, most, (long long)c.lowest);
}

static void check_end(struct utramp_target *t, int status)
{
	ok(WIFEXITED(status) && WEXITSTATUS(status) == RIGHT, "the target ends with %s %d",
	   WIFSIGNALED(status) ? "signal" : "status",
	   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* -- programs ---------------------------------------------------------------------- */

static struct utramp_object *load(struct utramp_target *t, const char *path)
{
	struct utramp_object *o = utramp_object__open_file(path, NULL);

	if (!o || utramp_object__load(o, t) < 0)
		die(path);
	return o;
}

static struct utramp_program *program(struct utramp_object *o, const char *name)
{
	struct utramp_program *p = NULL;

	while ((p = utramp_object__next_program(o, p))) {
		if (!strcmp(utramp_program__name(p), name))
			return p;
	}
	die(name);
	return NULL;
}

static uint64_t counted(struct utramp_object *o, uint32_t which)
{
	uint64_t values[256] = { 0 };
	int n = libbpf_num_possible_cpus();
	struct utramp_map *m = utramp_object__find_map_by_name(o, "counts");
	uint64_t sum = 0;

	if (!m || n < 1 || n > 256 ||
	    utramp_map__lookup_elem(m, &which, 4, values, 8 * (size_t)n, 0) < 0)
		die("map counts");
	for (int i = 0; i < n; i++)
		sum += values[i];
	return sum;
}

/* -- the storm --------------------------------------------------------------------- */

struct storm {
	struct utramp_target *t;
	const char *obj;
	char **spec;
	unsigned nspecs, ops, pause_us, room;
	bool alone;       /* the target decides when it is done */
	bool may_leak;    /* it leaves calls in ways that no one sees */
	const char *kept; /* -c: where it says how many */
	struct utramp_object *object[OBJECTS];
	struct {
		struct utramp_link *link;
		unsigned object;
	} at[LINKS];
	unsigned attached, refused, again, reloads;
	uint64_t hits;
};

/* Refusals that belong to it: the same program twice, a result fmod_ret cannot give. */
static void note(struct storm *s, int err, const char *what)
{
	if (err == -EAGAIN)
		s->again++;
	else if (err == -EBUSY || err == -ENOTSUP)
		s->refused++;
	else if (err != -ESRCH)
		ok(false, "%s: %s", what, utramp_error());
}

static void attach_one(struct storm *s, unsigned k)
{
	static const char *const name[] = { "entry", "leave", "pass", "light" };
	struct utramp_attach_opts opts = { .sz = sizeof(opts), .missing_ok = true };
	unsigned o = rnd(OBJECTS);
	struct utramp_program *p = program(s->object[o], name[rnd(4)]);

	s->at[k].object = o;
	s->at[k].link = utramp_program__attach(p, s->t, s->spec[rnd(s->nspecs)], &opts);
	if (!s->at[k].link)
		note(s, -errno, "attach");
	else
		s->attached += utramp_link__functions(s->at[k].link);
}

static void drop(struct storm *s, unsigned k)
{
	int err = utramp_link__destroy(s->at[k].link);

	s->at[k].link = NULL;
	if (err < 0)
		note(s, err, "detach");
}

/* The object's links die with it; its programs may be running. */
static void reload(struct storm *s, unsigned o)
{
	s->hits += counted(s->object[o], 0) + counted(s->object[o], 1) + counted(s->object[o], 3);
	utramp_object__close(s->object[o]);
	for (unsigned k = 0; k < LINKS; k++) {
		if (s->at[k].link && s->at[k].object == o)
			s->at[k].link = NULL;
	}
	s->object[o] = load(s->t, s->obj);
	s->reloads++;
}

static bool change(struct storm *s)
{
	unsigned k = rnd(LINKS);

	if (!rnd(40))
		reload(s, rnd(OBJECTS));
	else if (s->at[k].link)
		drop(s, k);
	else
		attach_one(s, k);
	if (s->pause_us)
		sleep_us(rnd(s->pause_us));
	return utramp_target__poll(s->t, 0) == UTRAMP_RUNNING && !(s->alone && reader(s->t));
}

static void storm_run(struct storm *s)
{
	unsigned done = 0;

	for (unsigned o = 0; o < OBJECTS; o++)
		s->object[o] = load(s->t, s->obj);
	for (unsigned k = 0; k < LINKS / 2; k++)
		attach_one(s, k);
	if (utramp_target__resume(s->t) < 0)
		die("resume");
	for (unsigned i = 0; s->room && i < SLABS; i++)
		s->t->room[i].hi = s->t->room[i].next + s->room * 1024ull;
	while ((!s->ops || done < s->ops) && change(s))
		done++;
	for (unsigned o = 0; o < OBJECTS; o++)
		s->hits += counted(s->object[o], 0) + counted(s->object[o], 1) +
			   counted(s->object[o], 3);
	ok(s->alone || done == s->ops,
	   "%u changes: %u attached, %u refused, %u to try again, %u objects "
	   "loaded anew, %llu hits",
	   done, s->attached, s->refused, s->again, s->reloads, (unsigned long long)s->hits);
	ok(s->hits > 0, "programs ran");
	if (s->room)
		ok(s->t->reclaim.freed_bytes > s->room * 1024ull,
		   "%llu looks freed %llu images, %llu KiB in a room of %u",
		   (unsigned long long)s->t->reclaim.looks, (unsigned long long)s->t->reclaim.freed,
		   (unsigned long long)s->t->reclaim.freed_bytes >> 10, s->room);
}

/* All programs of one object on all functions, while the target does what it wants to. */
static void calm_run(struct storm *s)
{
	static const char *const name[] = { "entry", "leave", "pass", "light" };
	struct utramp_attach_opts opts = { .sz = sizeof(opts), .missing_ok = true };
	struct utramp_object *o = load(s->t, s->obj);

	s->object[0] = o;
	for (unsigned i = 0; i < 4 * s->nspecs; i++) {
		if (!utramp_program__attach(program(o, name[i % 4]), s->t, s->spec[i / 4], &opts))
			die(s->spec[i / 4]);
	}
	if (utramp_target__resume(s->t) < 0)
		die("resume");
	for (unsigned i = 0; s->room && i < SLABS; i++)
		s->t->room[i].hi = s->t->room[i].next + s->room * 1024ull;
	while (utramp_target__poll(s->t, 2) == UTRAMP_RUNNING && !reader(s->t))
		;
	ok(counted(o, 0) > 0 && counted(o, 3) > 0, "programs ran: %llu entries, %llu exits",
	   (unsigned long long)counted(o, 0), (unsigned long long)counted(o, 1));
}

static int storm(struct storm *s)
{
	int err, status = -1;

	if (s->kept)
		calm_run(s);
	else
		storm_run(s);
	for (int i = 0; i < 5; i++) {
		err = utramp_target__detach(s->t);
		if (err != -EAGAIN)
			break;
		sleep_us(10000);
	}
	ok(!err, "detached: %s", err ? utramp_error() : "yes");
	check_text(s->t);
	if (!s->alone) {
		tell('s');
		sleep_us(500000);
	}
	if (s->kept)
		check_kept(s->t, s->kept);
	else if (!s->may_leak)
		check_counters(s->t);
	close(to_target);
	status = wait_end(s->t, 20000);
	check_end(s->t, status);
	for (unsigned o = 0; o < OBJECTS; o++) {
		if (s->object[o])
			utramp_object__close(s->object[o]);
	}
	utramp_target__free(s->t);
	printf("1..%d\n", tests);
	return failed != 0;
}

/* -- sleepers ---------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int sleepers(const char *obj, char *victim)
{
	char *argv[] = { victim, (char[]){ "sleep" }, NULL };
	struct utramp_target *t = spawn(argv);
	struct utramp_object *o = load(t, obj);
	static const char *const func[] = { "nap", "wait_byte", "wait_event" };
	uint64_t start;
	struct counts c;

	for (int i = 0; i < 3; i++) {
		if (!utramp_program__attach(program(o, "entry"), t, func[i], NULL) ||
		    !utramp_program__attach(program(o, "leave"), t, func[i], NULL))
			die(func[i]);
	}
	if (utramp_target__resume(t) < 0)
		die("resume");
	start = now_ms();
	while (counted(o, 0) < 3 && now_ms() - start < 5000)
		sleep_us(1000);
	sleep_us(50000); /* into the calls themselves */
	c = inside(t);
	ok(counted(o, 0) == 3 && c.sum == 3 && c.off == 3, "three calls are inside: %lld",
	   (long long)c.sum);
	start = now_ms();
	ok(!utramp_target__detach(t), "detached while they sleep");
	ok(now_ms() - start < 1000, "detach does not wait: %llu ms",
	   (unsigned long long)(now_ms() - start));
	check_text(t);
	ok(inside(t).sum == 3, "they are inside still");
	tell('s');
	start = now_ms();
	while (inside(t).off && now_ms() - start < 5000)
		sleep_us(10000);
	ok(counted(o, 1) == 0, "no exit program ran: %llu", (unsigned long long)counted(o, 1));
	check_counters(t);
	tell('q');
	check_end(t, wait_end(t, 20000));
	utramp_object__close(o);
	utramp_target__free(t);
	printf("1..%d\n", tests);
	return failed != 0;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: storm [-n OPS] [-s SEED] [-w US] [-r KIB] [-c FILE] [-a] [-l] [-z] OBJ SPEC... -- CMD\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct storm s = { .ops = 300, .pause_us = 3000 };
	bool sleeping = false;
	int ch, i;

	while ((ch = getopt(argc, argv, "+n:s:w:r:c:alz")) != -1) {
		switch (ch) {
		case 'n':
			s.ops = (unsigned)atoi(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0) * 2 + 1;
			break;
		case 'w':
			s.pause_us = (unsigned)atoi(optarg);
			break;
		case 'r':
			s.room = (unsigned)atoi(optarg);
			break;
		case 'a':
			s.alone = true;
			break;
		case 'c':
			s.kept = optarg;
			s.alone = true;
			break;
		case 'l':
			s.may_leak = true;
			break;
		case 'z':
			sleeping = true;
			break;
		default:
			return usage();
		}
	}
	if (argc - optind < 2)
		return usage();
	if (sleeping)
		return sleepers(argv[optind], argv[optind + 1]);
	s.obj = argv[optind];
	s.spec = argv + optind + 1;
	for (i = optind + 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		s.nspecs++;
	if (i + 1 >= argc || !s.nspecs)
		return usage();
	s.t = spawn(argv + i + 1);
	return storm(&s);
}
