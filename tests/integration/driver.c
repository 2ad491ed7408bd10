/*
 * driver.c - see driver.h.
 */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *objects_dir;

static const char *case_name;
static int cases, failed_cases, failed_checks;

void tap_begin(const char *name)
{
	case_name = name;
	failed_checks = 0;
}

void tap_end(void)
{
	printf("%s %d - %s\n", failed_checks ? "not ok" : "ok", ++cases, case_name);
	failed_cases += failed_checks != 0;
	fflush(stdout);
}

int tap_done(void)
{
	printf("1..%d\n", cases);
	return failed_cases != 0;
}

void bail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("Bail out! %s: ", case_name ? case_name : "start");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	exit(1);
}

void check_true(bool ok, const char *fmt, ...)
{
	va_list ap;

	if (ok)
		return;
	failed_checks++;
	va_start(ap, fmt);
	printf("# %s: ", case_name);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

void check_eq(long long is, long long want, const char *fmt, ...)
{
	va_list ap;

	if (is == want)
		return;
	failed_checks++;
	va_start(ap, fmt);
	printf("# %s: ", case_name);
	vprintf(fmt, ap);
	printf(": %lld (%#llx), expected %lld (%#llx)\n", is, is, want, want);
	va_end(ap);
}

void check_str(const char *is, const char *want, const char *what)
{
	check_true(is && !strcmp(is, want), "%s: '%s', expected '%s'", what, is ? is : "(none)",
		   want);
}

/* -- the victim --------------------------------------------------------------------------- */

static void own_pipe(int end[2])
{
	if (pipe2(end, O_CLOEXEC) < 0)
		bail("pipe: %s", strerror(errno));
}

static int put_over(int fd, int standard)
{
	int saved = fcntl(standard, F_DUPFD_CLOEXEC, 3);

	if (saved < 0 || dup2(fd, standard) < 0)
		bail("dup2: %s", strerror(errno));
	return saved;
}

/* As UTRAMP_TEST_ENGINE says: the same tests run under both. */
static enum utramp_engine engine(void)
{
	const char *name = getenv("UTRAMP_TEST_ENGINE");

	if (name && strcmp(name, "interp") != 0 && strcmp(name, "jit") != 0)
		bail("UTRAMP_TEST_ENGINE is %s, no engine", name);
	return name && !strcmp(name, "interp") ? UTRAMP_INTERP : UTRAMP_JIT;
}

void victim_start(struct victim *v, const char *path)
{
	char *argv[] = { (char *)(uintptr_t)path, NULL };
	struct utramp_spawn_opts opts = { .sz = sizeof(opts), .engine = engine() };
	int in[2], out[2], saved_in, saved_out;

	own_pipe(in);
	own_pipe(out);
	fflush(stdout);
	saved_in = put_over(in[0], 0);
	saved_out = put_over(out[1], 1);
	v->t = utramp_target__spawn(argv, &opts);
	dup2(saved_in, 0);
	dup2(saved_out, 1);
	close(saved_in);
	close(saved_out);
	close(in[0]);
	close(out[1]);
	if (!v->t)
		bail("spawn %s: %s", path, utramp_error());
	v->to = fdopen(in[1], "w");
	v->from = fdopen(out[0], "r");
	if (!v->to || !v->from)
		bail("fdopen: %s", strerror(errno));
}

void victim_resume(struct victim *v)
{
	if (utramp_target__resume(v->t) < 0)
		bail("resume: %s", utramp_error());
}

void victim_send(struct victim *v, const char *command)
{
	fprintf(v->to, "%s\n", command);
	fflush(v->to);
}

const char *victim_receive(struct victim *v)
{
	size_t n = 0;

	v->answer[0] = '\0';
	for (;;) {
		char *at = v->answer + n;

		if (!fgets(at, (int)(sizeof(v->answer) - n), v->from)) {
			int state = utramp_target__poll(v->t, 1000);

			bail("the victim is gone: state %d, wait status %#x, after '%s'", state,
			     (unsigned)utramp_target__status(v->t), v->answer);
		}
		if (!strcmp(at, "\n")) {
			*at = '\0';
			return v->answer;
		}
		n += strlen(at);
	}
}

const char *victim_ask(struct victim *v, const char *command)
{
	victim_send(v, command);
	return victim_receive(v);
}

void victim_end(struct victim *v)
{
	int state = UTRAMP_RUNNING, status;

	fclose(v->to);
	for (int i = 0; i < 100 && state == UTRAMP_RUNNING; i++)
		state = utramp_target__poll(v->t, 100);
	status = utramp_target__status(v->t);
	check_true(state == UTRAMP_EXITED && WIFEXITED(status) && !WEXITSTATUS(status),
		   "the victim ends badly: state %d, wait status %#x", state, (unsigned)status);
	fclose(v->from);
	utramp_target__free(v->t);
	v->t = NULL;
}

const char *line_value(const char *answer, const char *key, char out[64])
{
	size_t n = strlen(key);

	for (const char *line = answer; *line; line += strcspn(line, "\n"), line += *line != 0) {
		if (strncmp(line, key, n) != 0 || line[n] != ' ')
			continue;
		snprintf(out, 64, "%.*s", (int)strcspn(line + n + 1, "\n"), line + n + 1);
		return out;
	}
	return NULL;
}

/* The file's bytes behind an address, by /proc/PID/maps. */
static bool file_bytes(pid_t pid, uint64_t addr, void *out, size_t n)
{
	char path[64], line[4096], file[3072];
	unsigned long long lo, hi, off;
	bool found = false;
	FILE *maps;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	while (maps && !found && fgets(line, sizeof(line), maps))
		found = sscanf(line, "%llx-%llx %*s %llx %*s %*s %3071s", &lo, &hi, &off, file) ==
				4 &&
			addr >= lo && addr < hi;
	if (maps)
		fclose(maps);
	fd = found ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return false;
	found = pread(fd, out, n, (off_t)(addr - lo + off)) == (ssize_t)n;
	close(fd);
	return found;
}

bool text_is_files(const struct victim *v, uint64_t addr, size_t n)
{
	uint8_t file[64], mem[64];
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)utramp_target__pid(v->t));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || n > sizeof(mem))
		bail("%s: %s", path, strerror(errno));
	got = pread(fd, mem, n, (off_t)addr);
	close(fd);
	if (got != (ssize_t)n || !file_bytes(utramp_target__pid(v->t), addr, file, n))
		bail("cannot read the text at %#llx", (unsigned long long)addr);
	return !memcmp(mem, file, n);
}

/* -- objects ---------------------------------------------------------------------------------- */

struct utramp_object *open_and_load(struct victim *v, const char *name)
{
	struct utramp_object *o;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", objects_dir, name);
	o = utramp_object__open_file(path, NULL);
	if (!o || utramp_object__load(o, v->t) < 0)
		bail("%s: %s", path, utramp_error());
	return o;
}

struct utramp_program *find_program(struct utramp_object *o, const char *name)
{
	struct utramp_program *p = NULL;

	while ((p = utramp_object__next_program(o, p))) {
		if (!strcmp(utramp_program__name(p), name))
			return p;
	}
	bail("no program %s", name);
}

struct utramp_link *attach_one(struct victim *v, struct utramp_object *o, const char *name,
			       const char *spec, uint64_t cookie)
{
	struct utramp_attach_opts opts = { .sz = sizeof(opts), .cookie = cookie };
	struct utramp_link *l = utramp_program__attach(find_program(o, name), v->t, spec, &opts);

	if (!l)
		bail("attach %s to %s: %s", name, spec ? spec : "its function", utramp_error());
	return l;
}

static struct utramp_map *find_map(struct utramp_object *o, const char *name)
{
	struct utramp_map *m = utramp_object__find_map_by_name(o, name);

	if (!m)
		bail("no map %s", name);
	return m;
}

void map_read(struct utramp_object *o, const char *map, uint32_t key, void *out, size_t n)
{
	int err = utramp_map__lookup_elem(find_map(o, map), &key, sizeof(key), out, n, 0);

	if (err < 0)
		bail("lookup in %s: %s", map, utramp_error());
}

void map_write(struct utramp_object *o, const char *map, const void *in, size_t n)
{
	uint32_t key = 0;
	int err = utramp_map__update_elem(find_map(o, map), &key, sizeof(key), in, n, 0);

	if (err < 0)
		bail("update of %s: %s", map, utramp_error());
}
