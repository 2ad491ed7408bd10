/*
 * attach/libc.c - what the target's libc keeps for every thread, at fixed distances from the thread
 * pointer; see session.h.
 *
 * Its own constants and variables tell: _thread_db_sizeof_pthread, _pthread_tid are there for libthread_db,
 * __rseq_offset and __rseq_size for whoever uses restartable sequences.  A libc without them (before
 * glibc 2.35, or with the tunable glibc.pthread.rseq=0) leaves the processor's number to a helper.
 *
 * Context  [ctl]
 * Spec     glibc nptl_db/structs.def; glibc manual, "Restartable Sequences"; linux/rseq.h
 */
#include "attach/session.h"

#include <stddef.h>

#define PTHREAD_MAX (1u << 16)

/* linux/rseq.h, its oldest form; newer ones are larger */
struct rseq_words {
	uint32_t cpu_id_start, cpu_id;
};

/* Where glibc 2.36 has it: a file does not run, so what is looked at is what is usual. */
#define FILE_RSEQ_CPU 0x9a4

static uint32_t pthread_size(const struct utramp_target *t)
{
	uint32_t size = 0;

	for (size_t i = 0; i < t->mods->n && !size; i++) {
		const struct objfile *o = t->mods->at[i]->obj;
		const struct objsym *s = objfile_sym(o, "_thread_db_sizeof_pthread");

		if (!s || objfile_bytes(o, s->addr, &size, sizeof(size)) != sizeof(size) ||
		    size % 8 || size > PTHREAD_MAX)
			size = 0;
	}
	return size;
}

/* A descriptor of libthread_db's: bits, number, offset (nptl_db/db_info.c DB_STRUCT_FIELD). */
static uint32_t tid_off(const struct utramp_target *t)
{
	uint32_t field[3];

	for (size_t i = 0; i < t->mods->n; i++) {
		const struct objfile *o = t->mods->at[i]->obj;
		const struct objsym *s = objfile_sym(o, "_thread_db_pthread_tid");

		if (s && objfile_bytes(o, s->addr, field, sizeof(field)) == sizeof(field) &&
		    field[0] == 32 && field[1] == 1 && field[2] % 4 == 0 &&
		    field[2] + 4 <= t->proc->pthread_size)
			return field[2];
	}
	return 0;
}

/* The loader sets both before it loads anything; __rseq_size stays 0 where there is no registration. */
static int32_t rseq_cpu(const struct utramp_target *t)
{
	for (size_t i = 0; i < t->mods->n; i++) {
		const struct amodule *m = t->mods->at[i];
		const struct objsym *at = objfile_sym(m->obj, "__rseq_offset");
		const struct objsym *bytes = objfile_sym(m->obj, "__rseq_size");
		uint32_t size = 0;
		int64_t off = 0;

		if (!at || !bytes || !at->dynamic || !bytes->dynamic)
			continue;
		if (process_read(t->proc, at->addr + m->bias, &off, sizeof(off)) < 0 ||
		    process_read(t->proc, bytes->addr + m->bias, &size, sizeof(size)) < 0)
			return 0;
		off += (int64_t)offsetof(struct rseq_words, cpu_id);
		return size >= sizeof(struct rseq_words) && off % 4 == 0 && off == (int32_t)off ?
			       (int32_t)off :
			       0;
	}
	return 0;
}

void session_libc(struct utramp_target *t)
{
	t->proc->pthread_size = t->file ? 0 : pthread_size(t);
	t->proc->tid_off = t->file ? 0 : tid_off(t);
	t->proc->rseq_cpu = t->file ? FILE_RSEQ_CPU : rseq_cpu(t);
	for (unsigned i = 0; i < SLABS; i++)
		t->env[i].rseq_cpu = t->proc->rseq_cpu;
}
