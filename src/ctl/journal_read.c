/*
 * ctl/journal_read.c - a journal as it stands, checked, in a copy of ours.
 *
 * Its writer may be at work, have died in the middle of a store, or be an enemy: what is
 * believed is believed of the copy.
 *
 * Context  [ctl]
 */
#include "ctl/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (256u << 20)
#define ADDR_MAX 0x7ffffffff000ull /* where user space ends, four levels of page tables */

static int read_whole(int fd, void *out, size_t n, off_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = pread(fd, (char *)out + done, n - done, at + (off_t)done);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -EBADMSG;
		done += (size_t)r;
	}
	return 0;
}

/* NULL: nothing is wrong with it. */
static const char *head_wrong(struct journal_head *h, uint64_t file_size)
{
	if (h->magic != JOURNAL_MAGIC)
		return "it does not begin as one";
	if (h->version != JOURNAL_VERSION || h->head_size != sizeof(*h) ||
	    h->record_size != sizeof(struct journal_record))
		return "it is of another version of utramp";
	if (h->count > (file_size - sizeof(*h)) / sizeof(struct journal_record))
		return "it counts more records than it holds";
	if (h->pid <= 0 || h->tool < 0)
		return "it names no process";
	h->dir[sizeof(h->dir) - 1] = '\0';
	h->line[sizeof(h->line) - 1] = '\0';
	for (int i = 0; i < SLABS && h->ready; i++) {
		const struct journal_slab *s = &h->slab[i];

		if (s->text > ADDR_MAX || s->room > ADDR_MAX - s->text || s->rt_state > ADDR_MAX)
			return "a slab lies nowhere";
	}
	return NULL;
}

/* Bytes to be written lie in our own code's room, whole. */
static bool in_rooms(const struct journal_head *h, const struct journal_record *r)
{
	for (int i = 0; i < SLABS; i++) {
		const struct journal_slab *s = &h->slab[i];

		if (r->addr >= s->text && r->addr - s->text < s->room &&
		    r->len <= s->room - (r->addr - s->text))
			return true;
	}
	return false;
}

static const char *record_wrong(const struct journal_head *h, const struct journal_record *r)
{
	if (r->kind >= JOURNAL_KINDS || r->padding > 1)
		return "is of no kind";
	if (r->kind == JOURNAL_VOID)
		return NULL;
	if (r->len == 0 || r->len > JOURNAL_BYTES)
		return "has no length";
	if (r->addr > ADDR_MAX - r->len || r->go_on > ADDR_MAX)
		return "lies nowhere";
	if (!h->ready)
		return "comes before its slabs";
	if (r->kind == JOURNAL_WRITE && !in_rooms(h, r))
		return "writes outside of the slabs";
	if (r->kind == JOURNAL_WINDOW && in_rooms(h, r))
		return "is no text of the program's";
	return NULL;
}

static int read_records(int fd, struct journal_view *v, struct diag *d)
{
	size_t n = v->head.count * sizeof(*v->at);
	int err;

	v->at = malloc(n ? n : 1);
	if (!v->at)
		return -ENOMEM;
	err = read_whole(fd, v->at, n, sizeof(v->head));
	if (err)
		return diag_set(d, err, "journal: %s", strerror(-err));
	for (uint64_t i = 0; i < v->head.count; i++) {
		const char *wrong = record_wrong(&v->head, &v->at[i]);

		if (wrong)
			return diag_set(d, -EBADMSG, "journal: record %llu of %llu %s",
					(unsigned long long)i, (unsigned long long)v->head.count,
					wrong);
	}
	return 0;
}

int journal_read(int fd, struct journal_view *v, struct diag *d)
{
	const char *wrong;
	struct stat st;
	int err;

	*v = (struct journal_view){ 0 };
	if (fstat(fd, &st) < 0)
		return diag_set(d, -errno, "journal: %s", strerror(errno));
	v->owner = st.st_uid;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size < sizeof(v->head) ||
	    (uint64_t)st.st_size > FILE_MAX)
		return diag_set(d, -EBADMSG, "journal: it is no file of %zu bytes to %u MiB",
				sizeof(v->head), FILE_MAX >> 20);
	err = read_whole(fd, &v->head, sizeof(v->head), 0);
	if (err)
		return diag_set(d, err, "journal: %s", strerror(-err));
	wrong = head_wrong(&v->head, (uint64_t)st.st_size);
	if (wrong)
		return diag_set(d, -EBADMSG, "journal: %s", wrong);
	return read_records(fd, v, d);
}

void journal_view_fini(struct journal_view *v)
{
	free(v->at);
	v->at = NULL;
}
