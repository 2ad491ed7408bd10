/*
 * info/maps.c - see maps.h: the text of /proc/PID/maps, and gaps in it.
 *
 * Context  [ctl]
 * Spec     proc_pid_maps(5); fs/proc/task_mmu.c show_map_vma() (what is escaped: only \n)
 */
#include "info/maps.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_TEXT   (256u << 20)
#define PAGE       4096ULL
#define LOWEST     0x10000ULL        /* vm.mmap_min_addr as distributions set it */
#define HIGHEST    0x7ffffffff000ULL /* TASK_SIZE of 4-level page tables */
#define STACK_ROOM (16ULL << 20)     /* the usual limit of 8 MiB, and the guard gap */
#define HEAP_ROOM  (1ULL << 30)

/* "\012" stands for a newline; the kernel escapes nothing else, not even a backslash. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (!strncmp(s, "\\012", 4)) {
			*to++ = '\n';
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

static bool strip_deleted(char *path)
{
	static const char tail[] = " (deleted)";
	size_t n = strlen(path), k = sizeof(tail) - 1;

	if (path[0] != '/' || n <= k || strcmp(path + n - k, tail) != 0)
		return false;
	path[n - k] = '\0';
	return true;
}

static bool parse_hex(char **at, char end, uint64_t *out)
{
	char *stop;

	if (!((**at >= '0' && **at <= '9') || (**at >= 'a' && **at <= 'f')))
		return false;
	errno = 0;
	*out = strtoull(*at, &stop, 16);
	if (errno || *stop != end)
		return false;
	*at = stop + 1;
	return true;
}

static bool parse_inode(char **at, uint64_t *out)
{
	char *stop;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*out = strtoull(*at, &stop, 10);
	if (errno || (*stop != ' ' && *stop != '\0'))
		return false;
	*at = stop;
	return true;
}

static bool parse_line(char *line, struct map_region *r)
{
	uint64_t major, minor;
	char *at = line, *perms;

	*r = (struct map_region){ 0 };
	if (!parse_hex(&at, '-', &r->lo) || !parse_hex(&at, ' ', &r->hi) || r->hi <= r->lo)
		return false;
	perms = at;
	if (strlen(at) < 5 || perms[4] != ' ')
		return false;
	r->r = perms[0] == 'r';
	r->w = perms[1] == 'w';
	r->x = perms[2] == 'x';
	r->shared = perms[3] == 's';
	at += 5;
	if (!parse_hex(&at, ' ', &r->offset) || !parse_hex(&at, ':', &major) ||
	    !parse_hex(&at, ' ', &minor) || !parse_inode(&at, &r->inode))
		return false;
	while (*at == ' ')
		at++;
	r->deleted = strip_deleted(at);
	unescape(at);
	r->path = at;
	return true;
}

int maps_parse(char *text, struct map_list *out)
{
	struct map_list list = { .text = text };
	struct map_region r;
	char *line, *end;
	int err = 0;

	for (line = text; *line && !err; line = end) {
		end = strchr(line, '\n');
		if (!end)
			end = line + strlen(line);
		else
			*end++ = '\0';
		if (!parse_line(line, &r) || (list.n && r.lo < list.at[list.n - 1].hi))
			err = -EBADMSG;
		else
			err = vec_push(&list, r);
	}
	if (err)
		maps_free(&list);
	else
		*out = list;
	return err;
}

void maps_free(struct map_list *m)
{
	vec_free(m);
	free(m->text);
	m->text = NULL;
}

/* Unlike a regular file's, the size of a /proc file is known at its end only. */
static int read_whole(int fd, char **out)
{
	struct {
		VEC(char);
	} text = { 0 };
	ssize_t n;

	for (;;) {
		if (vec_reserve(&text, 64 * 1024) < 0) {
			vec_free(&text);
			return -ENOMEM;
		}
		n = read(fd, text.at + text.n, text.cap - text.n - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || text.n > MAX_TEXT) {
			int err = n < 0 ? -errno : -E2BIG;

			vec_free(&text);
			return err;
		}
		if (!n)
			break;
		text.n += (size_t)n;
	}
	text.at[text.n] = '\0';
	*out = text.at;
	return 0;
}

static int read_error(pid_t pid, int err, struct diag *d)
{
	switch (err) {
	case -ENOENT:
	case -ESRCH:
		return diag_set(d, -ESRCH, "there is no process %d", (int)pid);
	case -EACCES:
	case -EPERM:
		return diag_set(d, -EACCES, "process %d: not permitted to read its memory map",
				(int)pid);
	default:
		return diag_set(d, err, "/proc/%d/maps: %s", (int)pid, strerror(-err));
	}
}

int maps_read(pid_t pid, struct map_list *out, struct diag *d)
{
	char path[48], *text = NULL;
	_close_ int fd = -1;
	int err;

	if (pid <= 0)
		return diag_set(d, -EINVAL, "%d is not a process id", (int)pid);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return read_error(pid, -errno, d);
	err = read_whole(fd, &text);
	if (err < 0)
		return read_error(pid, err, d);
	if (!*text) {
		free(text);
		return diag_set(d, -ESRCH, "process %d has ended, or is a kernel thread", (int)pid);
	}
	err = maps_parse(text, out);
	if (err == -EBADMSG)
		diag_set(d, err, "/proc/%d/maps cannot be understood", (int)pid);
	return err;
}

const struct map_region *maps_at(const struct map_list *m, taddr_t addr)
{
	size_t lo = 0, hi = m->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (m->at[mid].hi <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->n && m->at[lo].lo <= addr ? &m->at[lo] : NULL;
}

static uint64_t sub0(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t add_max(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The lowest free [g, g + n) in [lo, hi), with that much room left behind the heap. */
static taddr_t gap_between(const struct map_list *m, taddr_t lo, taddr_t hi, uint64_t n,
			   uint64_t heap_room)
{
	taddr_t at = lo, end, next;

	for (size_t i = 0; i <= m->n; i++) {
		const struct map_region *r = i < m->n ? &m->at[i] : NULL;

		end = r ? r->lo : hi;
		if (r && !strcmp(r->path, "[stack]"))
			end = sub0(end, STACK_ROOM);
		if (end > hi)
			end = hi;
		if (end > at && end - at >= n)
			return at;
		if (!r)
			break;
		next = r->hi;
		if (!strcmp(r->path, "[heap]"))
			next = add_max(next, heap_room);
		if (next > at)
			at = next;
	}
	return 0;
}

taddr_t maps_gap(const struct map_list *m, struct taddr_range near, uint64_t reach, uint64_t n)
{
	taddr_t lo, hi, at;

	if (!n || n % PAGE || near.hi <= near.lo)
		return 0;
	/* |a - b| <= reach for every a in near, b in the gap */
	lo = sub0(near.hi - 1, reach);
	hi = add_max(add_max(near.lo, reach), 1);
	if (lo < LOWEST)
		lo = LOWEST;
	if (hi > HIGHEST)
		hi = HIGHEST;
	lo = ALIGN_UP(lo, PAGE);
	hi &= ~(PAGE - 1);
	if (lo >= hi)
		return 0;
	at = gap_between(m, lo, hi, n, HEAP_ROOM);
	return at ? at : gap_between(m, lo, hi, n, 0);
}
