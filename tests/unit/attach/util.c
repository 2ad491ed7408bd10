#include "util.h"

#include "attach/session.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct utramp_target *command_start(char *const argv[], struct pipes *p)
{
	int in[2], out[2], old0 = fcntl(0, F_DUPFD_CLOEXEC, 10), old1;
	struct utramp_target *t;

	fflush(stdout);
	old1 = fcntl(1, F_DUPFD_CLOEXEC, 10);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	dup2(in[0], 0);
	dup2(out[1], 1);
	t = utramp_target__spawn(argv, NULL);
	dup2(old0, 0);
	dup2(old1, 1);
	close(old0);
	close(old1);
	close(in[0]);
	close(out[1]);
	*p = (struct pipes){ in[1], out[0] };
	if (!t)
		print_error("%s\n", utramp_error());
	assert_non_null(t);
	return t;
}

struct utramp_target *victim_start(const char *mode, const char *n, struct pipes *p)
{
	char *argv[] = { (char *)VICTIM, (char *)(uintptr_t)mode, (char *)(uintptr_t)n, NULL };

	return command_start(argv, p);
}

void pipes_close(struct pipes *p)
{
	close(p->in);
	close(p->out);
}

int victim_end(struct utramp_target *t)
{
	for (int i = 0; i < 200; i++) {
		int state = utramp_target__poll(t, 100);

		if (state == UTRAMP_EXITED)
			return utramp_target__status(t);
		assert_true(state >= 0);
	}
	fail_msg("the victim does not end");
	return -1;
}

void victim_line(struct pipes *p, char *out, size_t n)
{
	size_t have = 0;

	while (have + 1 < n && read(p->out, out + have, 1) == 1 && out[have] != '\n')
		have++;
	out[have] = '\0';
}

struct utramp_object *object_loaded(struct utramp_target *t)
{
	struct utramp_object *o = utramp_object__open_file(PROG, NULL);
	int err;

	if (!o)
		print_error("%s\n", utramp_error());
	assert_non_null(o);
	err = utramp_object__load(o, t);
	if (err)
		print_error("%s\n", utramp_error());
	assert_int_equal(err, 0);
	return o;
}

struct utramp_program *program_named(struct utramp_object *o, const char *name)
{
	struct utramp_program *p = NULL;

	while ((p = utramp_object__next_program(o, p))) {
		if (!strcmp(utramp_program__name(p), name))
			return p;
	}
	fail_msg("no program %s", name);
	return NULL;
}

uint64_t count_of(struct utramp_object *o, uint32_t i)
{
	struct utramp_map *m = utramp_object__find_map_by_name(o, "counts");
	uint64_t n = UINT64_MAX;

	assert_non_null(m);
	assert_int_equal(utramp_map__lookup_elem(m, &i, sizeof(i), &n, sizeof(n), 0), 0);
	return n;
}

void sleep_ms(int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l };

	nanosleep(&ts, NULL);
}

void victim_truth(const char *n, char *out, size_t size)
{
	char cmd[512];
	FILE *f;

	snprintf(cmd, sizeof(cmd), "%s run %s", VICTIM, n);
	f = popen(cmd, "r");
	assert_non_null(f);
	assert_non_null(fgets(out, (int)size, f));
	out[strcspn(out, "\n")] = '\0';
	pclose(f);
}

int func_bytes(struct utramp_target *t, const char *name, uint8_t now[8], uint8_t file[8],
	       uint64_t *addr)
{
	struct amodule *m = t->mods->at[0];
	const struct objsym *s = objfile_sym(m->obj, name);

	assert_non_null(s);
	*addr = s->addr + m->bias;
	assert_int_equal(objfile_bytes(m->obj, s->addr, file, 8), 8);
	return process_read(t->proc, *addr, now, 8);
}
