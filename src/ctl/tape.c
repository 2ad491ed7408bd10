/*
 * ctl/tape.c - see tape.h.
 *
 *	tape    | used | note | note | ...
 *	note    | op, n | result | n bytes, filled up to 8 |
 *
 * `used` is stored behind the note it counts, so that a helper that was killed leaves whole ones.
 */
#include "ctl/tape.h"

#include "base/types.h"
#include "ctl/priv.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Address space; touched as far as notes reach.  A window is some 8 KiB, a function 16 KiB. */
#define TAPE_SIZE (4ull << 30)

struct note {
	uint32_t op, n;
	int64_t result;
};

struct tape {
	uint8_t *shared; /* the first word is `used` */
	uint64_t at;     /* the original's place */
	unsigned depth;  /* operations begun */
	unsigned dies_at, done;
	bool plays, lost;
};

int tape_new(struct tape **out, unsigned dies_at)
{
	struct tape *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->shared = mmap(NULL, TAPE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->shared == MAP_FAILED) {
		free(t);
		return -ENOMEM;
	}
	t->dies_at = dies_at;
	t->at = sizeof(uint64_t);
	memcpy(t->shared, &t->at, sizeof(t->at));
	*out = t;
	return 0;
}

void tape_free(struct tape *t)
{
	if (!t)
		return;
	munmap(t->shared, TAPE_SIZE);
	free(t);
}

void tape_rewind(struct tape *t)
{
	t->at = sizeof(uint64_t);
	t->plays = true;
}

static struct tape *tape_of(const struct process *p)
{
	return process_priv(p)->tape;
}

bool tape_plays(const struct process *p)
{
	return tape_of(p) && tape_of(p)->plays;
}

static uint64_t tape_used(const struct tape *t)
{
	uint64_t used;

	memcpy(&used, t->shared, sizeof(used));
	return used <= TAPE_SIZE ? used : 0;
}

int64_t tape_take(struct process *p, enum tape_op op, void *out, size_t n)
{
	struct tape *t = tape_of(p);
	uint64_t used = tape_used(t);
	struct note note = { 0 };

	if (n)
		memset(out, 0, n);
	if (!t->lost && t->at + sizeof(note) <= used) {
		memcpy(&note, t->shared + t->at, sizeof(note));
		t->at += sizeof(note);
	}
	if (note.op != op || note.n > used - t->at) {
		t->lost = true;
		return -EIO;
	}
	if (n)
		memcpy(out, t->shared + t->at, note.n < n ? note.n : n);
	t->at += ALIGN_UP(note.n, (uint64_t)sizeof(uint64_t));
	return note.result;
}

void tape_begin(struct process *p)
{
	if (tape_of(p))
		tape_of(p)->depth++;
}

int64_t tape_end(struct process *p, enum tape_op op, int64_t result, const void *gave, size_t n)
{
	struct tape *t = tape_of(p);
	struct note note = { op, (uint32_t)n, result };
	uint64_t size = sizeof(note) + ALIGN_UP((uint64_t)n, (uint64_t)sizeof(uint64_t));

	if (!t || --t->depth || t->lost)
		return result;
	if (++t->done == t->dies_at)
		kill(getpid(), SIGKILL);
	if (n > UINT32_MAX || size > TAPE_SIZE - t->at) {
		t->lost = true; /* the original will notice */
		return result;
	}
	memcpy(t->shared + t->at, &note, sizeof(note));
	if (n)
		memcpy(t->shared + t->at + sizeof(note), gave, n);
	t->at += size;
	__atomic_store_n((uint64_t *)(void *)t->shared, t->at, __ATOMIC_RELEASE);
	return result;
}
