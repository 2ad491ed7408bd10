/*
 * ctl/idle_take.c - the coming side of idle.h: slabs that were left are found, proven, taken.
 *
 *   looked at while it runs ── files ── journal ── all threads stopped ── looked at again ── taken
 *
 * What is looked at: the mappings are those of the template's segments, of one file; headers, code
 * and data are its bytes, linked for where they lie; of room and frame states no page was written.
 */
#include "ctl/idle.h"

#include "base/cleanup.h"
#include "ctl/journal.h"
#include "ctl/priv.h"
#include "ctl/scan.h"
#include "shm/layout.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096 };

#define PAGE_PRESENT (1ull << 63) /* proc_pid_pagemap(5) */
#define PAGE_SWAPPED (1ull << 62)
#define PAGE_FILE    (1ull << 61)

struct candidate {
	taddr_t at;
	const char *path; /* in the list of mappings */
	struct slab_found f;
};

/* -- what it is -------------------------------------------------------------------------------- */

static bool segment_is_mapped(const struct map_list *m, const struct map_region *first,
			      const struct slab_segment *s, taddr_t bias)
{
	const struct map_region *r = maps_at(m, bias + s->addr);
	taddr_t lo = (bias + s->addr) & ~(taddr_t)(PAGE - 1);
	taddr_t hi = ALIGN_UP(bias + s->addr + s->size, (taddr_t)PAGE);

	return r && r->lo == lo && r->hi == hi && !r->shared && r->r == s->r && r->w == s->w &&
	       r->x == s->x && r->inode == first->inode && !strcmp(r->path, first->path) &&
	       r->offset == (s->offset & ~(uint64_t)(PAGE - 1));
}

/* No page of it was ever written: a private copy is no page of a file's. */
static bool is_untouched(const struct process *p, taddr_t at, uint64_t size)
{
	size_t n = size / PAGE, bytes = n * sizeof(uint64_t);
	_free_ uint64_t *entry = malloc(bytes);
	_close_ int fd = -1;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", tracee_any(p));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (!entry || fd < 0 ||
	    pread(fd, entry, bytes, (off_t)(at / PAGE * sizeof(uint64_t))) != (ssize_t)bytes)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (entry[i] & PAGE_SWAPPED || (entry[i] & PAGE_PRESENT && !(entry[i] & PAGE_FILE)))
			return false;
	}
	return true;
}

static bool is_left(const struct slab_found *f)
{
	return f->fresh && (f->state.left == RT_LEFT || f->state.left == RT_LEFT_SIGNALS);
}

/* c->f.file is to be freed also after false. */
static bool look_at(struct process *p, const struct slab_template *t, const struct map_list *m,
		    const struct map_region *r, struct candidate *c)
{
	const struct slab_layout *l = &process_priv(p)->layout;
	_free_ uint8_t *now = calloc(1, t->size);
	taddr_t bias = r->lo - l->lowest;
	struct slab_segment s;

	*c = (struct candidate){ .at = r->lo, .path = r->path };
	for (unsigned i = 0; now && slab_segment(t, i, &s); i++) {
		if (!segment_is_mapped(m, r, &s, bias) ||
		    process_read(p, bias + s.addr, now + s.offset, s.bytes) < 0)
			return false;
		if (!s.bytes && !is_untouched(p, bias + s.addr, s.size))
			return false;
	}
	return now && slab_is_fresh(t, r->lo, now, &c->f) && is_left(&c->f);
}

/* The file's first bytes, which linking does not change, and the word: most mappings end here. */
static bool may_be(struct process *p, const struct slab_template *t, const struct map_region *r)
{
	const struct slab_layout *l = &process_priv(p)->layout;
	uint8_t now[sizeof(Elf64_Ehdr)];
	uint64_t left;

	return r->inode && !r->offset && r->r && !r->w && !r->shared &&
	       !process_read(p, r->lo, now, sizeof(now)) && !memcmp(now, t->bytes, sizeof(now)) &&
	       !process_read(p, r->lo - l->lowest + l->rt_state + offsetof(struct rt_state, left),
			     &left, sizeof(left)) &&
	       (left == RT_LEFT || left == RT_LEFT_SIGNALS);
}

/* -- a pair ------------------------------------------------------------------------------------ */

struct pair {
	struct candidate s[SLABS];
};

static void pair_fini(struct pair *a)
{
	for (int i = 0; i < SLABS; i++) {
		free(a->s[i].f.file);
		a->s[i].f.file = NULL;
	}
}

static void fill_places(struct process *p, const struct slab_template *t, const struct pair *a)
{
	const struct slab_layout *l = &process_priv(p)->layout;

	for (int i = 0; i < SLABS; i++) {
		struct slab *s = &p->slab[i];

		s->bias = a->s[i].at - l->lowest;
		s->text = s->bias + l->text;
		s->shadow = s->bias + l->shadow;
		s->rt_state = s->bias + l->rt_state;
		s->room = t->code_size;
	}
	p->tls_off = a->s[SLAB_EXE].f.tls_off;
}

static void clear_places(struct process *p)
{
	for (int i = 0; i < SLABS; i++) {
		struct slab *s = &p->slab[i];

		s->bias = s->text = s->shadow = s->rt_state = s->room = 0;
	}
	p->tls_off = 0;
}

/* The pair whose executable's slab lies in r; pair_fini() also after false. */
static bool find_pair(struct process *p, const struct slab_template *t, const struct map_list *m,
		      const struct map_region *r, struct pair *a)
{
	const struct slab_layout *l = &process_priv(p)->layout;
	const struct map_region *other;

	*a = (struct pair){ 0 };
	if (!may_be(p, t, r) || !look_at(p, t, m, r, &a->s[SLAB_EXE]))
		return false;
	other = maps_at(m, a->s[SLAB_EXE].f.state.partner - l->text + l->lowest);
	if (!other || other == r || !may_be(p, t, other) ||
	    !look_at(p, t, m, other, &a->s[SLAB_LIB]))
		return false;
	fill_places(p, t, a);
	if (p->slab[SLAB_LIB].text == a->s[SLAB_EXE].f.state.partner && slab_in_reach(p) &&
	    slab_near_libs(p))
		return true;
	clear_places(p);
	return false;
}

/* -- taking ------------------------------------------------------------------------------------ */

/* A signal handler of the process is code of ours: rt/sighook.c, an exec that failed. */
static bool handler_is_ours(struct process *p)
{
	const struct slab_layout *l = &process_priv(p)->layout;
	uint64_t caught = process_caught(p);

	for (int sig = 1; sig < RT_SIGNALS; sig++) {
		struct rt_sigaction now;

		if (!(caught >> (sig - 1) & 1))
			continue;
		if (process_sigaction(p, sig, NULL, &now) < 0)
			return true;
		for (int i = 0; i < SLABS; i++) {
			if (now.handler - (p->slab[i].bias + l->lowest) < l->span)
				return true;
		}
	}
	return false;
}

static bool nobody_inside(struct process *p, const struct pair *a)
{
	if (a->s[SLAB_LIB].f.state.left != RT_LEFT_SIGNALS)
		return true;
	return !process_inside(p) && !stacks_lead_back(p, true) && !handler_is_ours(p);
}

static bool same_again(struct process *p, const struct slab_template *t, const struct pair *a)
{
	struct map_list m = { 0 };
	bool same = maps_read(tracee_any(p), &m, NULL) == 0;

	for (int i = 0; i < SLABS && same; i++) {
		const struct map_region *r = maps_at(&m, a->s[i].at);
		struct candidate now = { 0 };

		same = r && look_at(p, t, &m, r, &now) &&
		       !memcmp(&now.f.state, &a->s[i].f.state, sizeof(now.f.state)) &&
		       now.f.tls_off == a->s[i].f.tls_off;
		free(now.f.file);
	}
	maps_free(&m);
	return same;
}

/* I.2; what was begun is undone by nobody: used they are nobody's. */
static bool take_stopped(struct process *p, const struct slab_template *t, const struct pair *a)
{
	struct process_priv *pp = process_priv(p);
	const uint64_t none[2] = { 0 };
	/* arena and table will be mapped by a thread that may (ctl/filter.c): loading waits for one */
	bool good = tracee_that_calls(p) && process_alone(p, NULL) == 0 && same_again(p, t, a) &&
		    nobody_inside(p, a);

	for (size_t i = 0; i < pp->threads.n && good; i++) {
		taddr_t block;

		good = idle_forget_words(p, &block, &pp->threads.at[i]);
	}
	for (int i = 0; i < SLABS && good; i++)
		good = !process_write(p, p->slab[i].rt_state + offsetof(struct rt_state, left),
				      none, sizeof(none));
	return good;
}

static int take(struct process *p, const struct slab_template *t, const char *dir,
		const struct pair *a, struct diag *d)
{
	const char *path[SLABS] = { a->s[SLAB_EXE].path, a->s[SLAB_LIB].path };
	const void *file[SLABS] = { a->s[SLAB_EXE].f.file, a->s[SLAB_LIB].f.file };
	int err;

	if (!slab_same_files(p, dir, path, t, file))
		return 0;
	journal_begin(p);
	err = process_stop(p, d);
	if (!err && take_stopped(p, t, a)) {
		process_priv(p)->taken = true;
		return 1;
	}
	if (p->stopped)
		process_resume(p, NULL);
	journal_close(p);
	slab_remove_files(p);
	return err == -ETIMEDOUT ? 0 : err; /* loading new ones waits longer */
}

int idle_take(struct process *p, const struct slab_template *t, const char *dir, struct diag *d)
{
	const struct map_list *m = &p->modules.maps;
	int got = 0;

	for (size_t i = 0; i < m->n && !got; i++) {
		struct pair a;

		if (find_pair(p, t, m, &m->at[i], &a)) {
			got = take(p, t, dir, &a, d);
			if (got <= 0)
				clear_places(p);
		}
		pair_fini(&a);
	}
	return got;
}
