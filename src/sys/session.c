/*
 * sys/session.c - sessions and the objects behind their file descriptors.
 *
 * Memory   see sys/session.h
 * Context  [ctl]
 */
#include "sys/session.h"

#include "base/types.h"
#include "bpf/progarray.h"
#include "sys/records.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

pthread_mutex_t sys_lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static struct sys_session *sessions;
static pid_t owner; /* who opened the last one */
static __thread struct sys_session *current;

bool sys_any_session(void)
{
	return __atomic_load_n(&sessions, __ATOMIC_RELAXED) && owner == getpid();
}

int sys_open(struct arena *arena, const struct sys_ops *ops, struct sys_session **out)
{
	struct sys_session *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->arena = arena;
	s->pid = getpid();
	if (ops)
		s->ops = *ops;
	pthread_mutex_lock(&sys_lock);
	owner = s->pid;
	s->next = sessions;
	__atomic_store_n(&sessions, s, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&sys_lock);
	*out = s;
	return 0;
}

struct sys_session *sys_enter(struct sys_session *s)
{
	struct sys_session *former = current;

	current = s;
	return former;
}

void sys_expect(struct sys_session *s, const struct sys_expect *e)
{
	pthread_mutex_lock(&sys_lock);
	s->announced = e != NULL;
	if (e) {
		s->expect = *e;
		s->lossless = e->lossless;
	}
	pthread_mutex_unlock(&sys_lock);
}

const char *sys_last_error(const struct sys_session *s)
{
	return s->diag.text;
}

/* -- objects ---------------------------------------------------------------------------- */

static bool held_outside(const struct sys_object *o)
{
	switch (o->type) {
	case SYS_MAP:
		return o->map->refs > 1;
	case SYS_PROG:
		return o->prog.program->refs > 1;
	case SYS_BTF:
	case SYS_LINK:
	case SYS_STATS:
		return false;
	}
	return false;
}

static void free_prog(struct sys_load *l)
{
	size_t i;

	for (i = 0; i < l->bound.n; i++)
		map_put(l->bound.at[i]);
	vec_free(&l->bound);
	sys_records_free(l);
	program_put(l->program);
}

/* The caller has taken o out of its session. */
static void free_object(struct sys_session *s, struct sys_object *o)
{
	switch (o->type) {
	case SYS_MAP:
		progarray_clear(o->map);
		map_put(o->map);
		break;
	case SYS_PROG:
		free_prog(&o->prog);
		break;
	case SYS_BTF:
		btf__free(o->blob.parsed);
		free(o->blob.data);
		break;
	case SYS_LINK:
		if (s->pid == getpid())
			(void)sys_link_cut(s, &o->link);
		o->link.prog->held--;
		break;
	case SYS_STATS:
		break;
	}
	if (o->btf)
		o->btf->held--;
	if (!o->borrowed)
		sys_close_fd(o->fd);
	free(o);
}

static void drop_at(struct sys_session *s, size_t i)
{
	struct sys_object *o = s->object.at[i];

	memmove(&s->object.at[i], &s->object.at[i + 1],
		(s->object.n - i - 1) * sizeof(s->object.at[0]));
	s->object.n--;
	free_object(s, o);
}

void sys_close(struct sys_session *s)
{
	static const enum sys_type order[] = { SYS_LINK, SYS_PROG, SYS_MAP, SYS_BTF, SYS_STATS };
	struct sys_session **at;
	size_t i, k;

	if (!s)
		return;
	pthread_mutex_lock(&sys_lock);
	for (k = 0; k < ARRAY_LEN(order); k++)
		for (i = s->object.n; i-- > 0;)
			if (s->object.at[i]->type == order[k])
				drop_at(s, i);
	for (at = &sessions; *at != s; at = &(*at)->next)
		;
	__atomic_store_n(at, s->next, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&sys_lock);
	if (current == s)
		current = NULL;
	vec_free(&s->object);
	free(s);
}

static void see_fd(struct sys_session *s, int fd)
{
	struct sys_object *o;
	struct stat st;
	size_t i;

	if (fstat(fd, &st) < 0)
		return;
	for (i = 0; i < s->object.n; i++) {
		o = s->object.at[i];
		if (o->ino == st.st_ino && o->dev == st.st_dev && o->fd != fd)
			o->seen = true;
	}
}

/* False if /proc cannot be read: then everything must be taken as in use. */
static bool see_fds(struct sys_session *s)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;

	if (!dir)
		return false;
	while ((e = readdir(dir)))
		if (isdigit((unsigned char)e->d_name[0]))
			see_fd(s, atoi(e->d_name));
	closedir(dir);
	return true;
}

/*
 * As the kernel does: an array of programs that nobody has a descriptor of is emptied.  Its programs
 * may use it themselves, and would keep each other.
 */
static void clear_arrays(struct sys_session *s)
{
	for (size_t i = 0; i < s->object.n; i++) {
		struct sys_object *o = s->object.at[i];

		if (o->type == SYS_MAP && !o->seen && !o->held)
			progarray_clear(o->map);
	}
}

void sys_sweep(struct sys_session *s)
{
	struct sys_object *o;
	bool again = true;
	size_t i;

	for (i = 0; i < s->object.n; i++)
		s->object.at[i]->seen = false;
	if (!s->object.n || !see_fds(s))
		return;
	clear_arrays(s);
	while (again) {
		again = false;
		for (i = 0; i < s->object.n && !again; i++) {
			o = s->object.at[i];
			again = !o->seen && !o->held && !held_outside(o);
			if (again) /* what it held may be free now: from the start */
				drop_at(s, i);
		}
	}
}

void sys_closed(dev_t dev, ino_t ino)
{
	struct sys_session *s, *next;
	bool ours;
	size_t i;

	pthread_mutex_lock(&sys_lock);
	for (s = sessions; s; s = next) {
		next = s->next;
		ours = false;
		if (s->pid != getpid())
			continue;
		for (i = 0; i < s->object.n; i++)
			ours |= s->object.at[i]->ino == ino && s->object.at[i]->dev == dev;
		if (ours)
			sys_sweep(s);
	}
	pthread_mutex_unlock(&sys_lock);
}

int sys_object_open(const struct sys_object *o)
{
	/* Not 0-2: libbpf would move it, and a closed stdin must not become a map. */
	int fd = fcntl(o->fd, F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? -errno : fd;
}

int sys_object_publish(struct sys_session *s, struct sys_object *o, int fd, const char *name)
{
	char text[80];
	struct stat st;
	int user;

	o->borrowed = fd >= 0;
	snprintf(text, sizeof(text), "utramp:%s", name);
	o->fd = fd >= 0 ? fd : memfd_create(text, MFD_CLOEXEC);
	if (o->fd < 0)
		return diag_set(&s->diag, -errno, "no file descriptor: %s", strerror(errno));
	user = fstat(o->fd, &st) < 0 ? -errno : sys_object_open(o);
	if (user >= 0 && vec_push(&s->object, o) < 0) {
		sys_close_fd(user);
		user = -ENOMEM;
	}
	if (user < 0) {
		if (!o->borrowed)
			sys_close_fd(o->fd);
		return diag_set(&s->diag, user, "no file descriptor: %s", strerror(-user));
	}
	o->dev = st.st_dev;
	o->ino = st.st_ino;
	return user;
}

struct sys_object *sys_object_any(struct sys_session *s, int fd)
{
	struct stat st;
	size_t i;

	if (fstat(fd, &st) < 0)
		return NULL;
	for (i = 0; i < s->object.n; i++)
		if (s->object.at[i]->ino == st.st_ino && s->object.at[i]->dev == st.st_dev)
			return s->object.at[i];
	return NULL;
}

struct sys_object *sys_object_by_fd(struct sys_session *s, int fd, enum sys_type type, int *err)
{
	struct sys_object *o = sys_object_any(s, fd);

	if (o && o->type == type)
		return o;
	*err = fcntl(fd, F_GETFD) < 0 ? -EBADF : -EINVAL;
	diag_set(&s->diag, *err, "file descriptor %d is not %s", fd,
		 *err == -EBADF ? "open" : "a BPF object of the kind that the command needs");
	return NULL;
}

struct sys_object *sys_object_by_id(struct sys_session *s, uint32_t id, enum sys_type type)
{
	size_t i;

	for (i = 0; i < s->object.n; i++)
		if (s->object.at[i]->type == type && s->object.at[i]->id == id)
			return s->object.at[i];
	return NULL;
}

struct program *sys_program_by_fd(struct sys_session *s, int fd)
{
	struct sys_object *o;

	pthread_mutex_lock(&sys_lock);
	o = sys_object_any(s, fd);
	pthread_mutex_unlock(&sys_lock);
	return o && o->type == SYS_PROG ? o->prog.program : NULL;
}

struct map *sys_map_by_fd(struct sys_session *s, int fd)
{
	struct sys_object *o;

	pthread_mutex_lock(&sys_lock);
	o = sys_object_any(s, fd);
	pthread_mutex_unlock(&sys_lock);
	return o && o->type == SYS_MAP ? o->map : NULL;
}

/* -- the call ---------------------------------------------------------------------------- */

static int start_call(struct sys_call *c, union bpf_attr *attr, unsigned size)
{
	const char *tail;
	unsigned i;

	if (size > 4096)
		return diag_set(&c->s->diag, -E2BIG, "%u bytes of attributes", size);
	if (sys_check_user((uintptr_t)attr, size) < 0)
		return -EFAULT;
	tail = (const char *)attr;
	for (i = sizeof(*attr); i < size; i++)
		if (tail[i])
			return diag_set(&c->s->diag, -E2BIG, "attribute byte %u is not known here",
					i);
	memset(&c->attr, 0, sizeof(c->attr));
	memcpy(&c->attr, attr, size < sizeof(*attr) ? size : sizeof(*attr));
	c->user = attr;
	c->size = size;
	return 0;
}

long sys_bpf(int cmd, union bpf_attr *attr, unsigned size)
{
	struct sys_call c = { .s = current };
	long err = -EPERM;

	pthread_mutex_lock(&sys_lock);
	if (c.s) {
		diag_set(&c.s->diag, 0, "%s", "");
		err = start_call(&c, attr, size);
		if (!err)
			err = sys_dispatch(&c, cmd);
	}
	pthread_mutex_unlock(&sys_lock);
	if (err < 0) {
		errno = (int)-err;
		return -1;
	}
	return err;
}

int sys_check_user(uint64_t ptr, uint64_t len)
{
	const uint64_t end = 1ull << 47;

	return ptr >= 4096 && ptr < end && len <= end - ptr ? 0 : -EFAULT;
}

int sys_check_name(const char *name, size_t cap, struct diag *d)
{
	size_t i;

	for (i = 0; i < cap && name[i]; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '.')
			return diag_set(d, -EINVAL, "a name has letters, digits, '_' and '.'");
	return i < cap ? 0 : diag_set(d, -EINVAL, "a name has at most %zu letters", cap - 1);
}

int sys_write_log(uint64_t buf, uint32_t size, const char *text)
{
	size_t len = strlen(text);
	char *out = (char *)(uintptr_t)buf;

	if (!buf || !size)
		return 0;
	if (len < size) {
		memcpy(out, text, len + 1);
		return 0;
	}
	memcpy(out, text, size - 1);
	out[size - 1] = 0;
	return -ENOSPC;
}
