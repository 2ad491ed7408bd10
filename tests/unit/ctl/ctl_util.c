#include "ctl_util.h"

#include "ctl/priv.h"
#include "info/objfile.h"
#include "rt/slab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const struct slab_template *template_get(void)
{
	static struct slab_template t;

	t.bytes = slab_template;
	t.size = slab_template_size;
	t.file_size = slab_file_size;
	t.code_size = SLAB_CODE;
	t.shadow_distance = SLAB_SHADOW_DISTANCE;
	return &t;
}

int victim_spawn(struct victim *v, char *const argv[])
{
	const struct process_spawn_opts opts = { .slab = template_get() };
	int in[2], old[3], err;

	v->p = NULL;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	v->in = in[1];
	v->out = memfd_create("output", MFD_CLOEXEC);
	assert_true(v->out >= 0);
	fflush(stdout);
	for (int i = 0; i < 3; i++)
		old[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
	dup2(in[0], 0);
	dup2(v->out, 1);
	dup2(v->out, 2);
	err = process_spawn(argv, &opts, &v->p, &v->d);
	for (int i = 0; i < 3; i++) {
		dup2(old[i], i);
		close(old[i]);
	}
	close(in[0]);
	return err;
}

static void pause_ms(long ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

void victim_ready(struct victim *v, const char *what)
{
	char prog[] = VICTIM, arg[16];
	char *const argv[] = { prog, arg, NULL };

	snprintf(arg, sizeof(arg), "%s", what);
	if (victim_spawn(v, argv) < 0)
		fail_msg("%s", v->d.text);
	assert_int_equal(process_resume(v->p, &v->d), 0);
	for (int i = 0; i < 10000 && !strstr(victim_output(v), "ready"); i++)
		pause_ms(1);
	assert_non_null(strstr(victim_output(v), "ready"));
}

void victim_close_in(struct victim *v)
{
	if (v->in >= 0)
		close(v->in);
	v->in = -1;
}

int victim_wait(struct victim *v)
{
	bool exec;

	victim_close_in(v);
	for (int i = 0; i < 200; i++) {
		int r = process_poll(v->p, 100, &exec);

		assert_true(r >= 0);
		if (r == 1)
			return v->p->status;
	}
	fail_msg("%s", "the victim does not end");
	return -1;
}

const char *victim_output(struct victim *v)
{
	static char text[65536];
	ssize_t n = pread(v->out, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

void victim_free(struct victim *v)
{
	victim_close_in(v);
	close(v->out);
	process_free(v->p);
	v->p = NULL;
}

taddr_t victim_symbol(struct victim *v, const char *name)
{
	const struct objsym *s;
	struct objfile *o;
	taddr_t at = 0;

	assert_int_equal(objfile_open(VICTIM, &o, NULL), 0);
	s = objfile_sym(o, name);
	assert_non_null(s);
	for (size_t i = 0; i < v->p->modules.n; i++) {
		if (strstr(v->p->modules.at[i].path, "ctl_victim"))
			at = v->p->modules.at[i].bias + s->addr;
	}
	objfile_close(o);
	assert_true(at != 0);
	return at;
}

static taddr_t move_to_copy(const void *arg, taddr_t pc)
{
	const taddr_t *two = arg;

	return two[1] + (pc - two[0]);
}

struct process_patch answer_patch(struct victim *v, const char *name, int from, int to)
{
	static taddr_t two[2];
	struct process_patch x = { .addr = victim_symbol(v, name), .len = 6, .arg = two };

	two[0] = x.addr;
	two[1] = victim_symbol(v, "answer_copy");
	x.move = move_to_copy;
	memcpy(x.expect, "\xb8\0\0\0\0\xc3", 6);
	memcpy(x.bytes, x.expect, 6);
	x.expect[1] = (uint8_t)from;
	x.bytes[1] = (uint8_t)to;
	return x;
}

struct process *process_of(pid_t pid)
{
	struct process *p = process_alloc();

	assert_non_null(p);
	p->pid = pid;
	process_priv(p)->ran = true;
	process_priv(p)->attached = true;
	process_priv(p)->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	assert_int_equal(process_open_mem(p, NULL), 0);
	assert_int_equal(process_refresh(p, NULL), 0);
	process_priv(p)->entry = p->modules.at[0].lo;
	return p;
}
