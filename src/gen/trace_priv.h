/*
 * gen/trace_priv.h - what the files of gen/trace share.
 *
 * A record is, all words 8 bytes and native:
 *
 *   struct rec_head
 *   context slots first .. first + nslots - 1
 *   for each section: a status word, then cap bytes rounded up to 8; but for a buffer only
 *     the status word, what length the argument told, and how many bytes of it are here
 *   of a printf-like function, room for its unnamed arguments (shm/varargs.h)
 *   the bytes of the buffers, each rounded up to 8
 *
 * A plan says which; entry and exit record of a function have one each, so a record's size
 * is known from its kind and function.  Status: what the helper returned.  For strings that
 * is the length with the NUL, or negative, and 0 for NULL, which is not read; for memory 0
 * or negative.
 *
 * Context  [ctl] private to gen/
 */
#ifndef GEN_TRACE_PRIV_H
#define GEN_TRACE_PRIV_H

#include "base/json.h"
#include "base/types.h"
#include "base/vec.h"
#include "gen/expr.h"
#include "gen/trace.h"
#include "gen/value.h"

/* Distinct from what other programs write first in their records. */
enum { REC_ENTRY = 0x7ace0001, REC_EXIT = 0x7ace0002 };

struct rec_head {
	uint32_t kind, func;
	uint64_t time_ns;
	union {
		uint64_t start_ns; /* exit records: the entry's time, if that has no record; or 0 */
		uint64_t count;    /* entry records: ctx[-1] */
	};
	uint64_t pid_tgid;
	uint64_t frame;
	uint64_t slot; /* address of the thread slot's struct gen_slot_value */
	uint64_t lost_exits, lost_high;
};

#define REC_RESULT (-1) /* struct rec_section.arg */

enum section_kind {
	SEC_MEMORY, /* the bytes of a value at an address in the context */
	SEC_STRING, /* a string there */
	SEC_BUFFER, /* see trace_buf.c */
	SEC_CHAIN,  /* bytes whose address and number the record itself holds: see trace_chain.c */
};

/*
 * SEC_CHAIN: offsets in the record.  They lie before the section's own.
 */
struct rec_chain {
	uint16_t guard;        /* a status word: nothing is read unless it is 0; 0: none */
	uint16_t addr;         /* holds the address */
	int16_t shift;         /* to be added to that */
	uint16_t len;          /* holds how many bytes there are; 0: cap */
	bool len_is_end;       /* no, where they end */
	uint16_t object;       /* the bytes of the object that has them */
	const struct ty *type; /* whose type this is; NULL: bytes that only lead to others */
};

struct rec_section {
	int16_t arg;
	uint8_t kind; /* enum section_kind */
	bool len_signed;
	uint8_t len_size;  /* SEC_BUFFER: bytes of the length; 0: it is cap */
	uint16_t len_slot; /* of the context */
	uint16_t slot;     /* of the context: holds the address */
	uint16_t off;      /* of the status word */
	uint16_t cap;
	struct rec_chain chain;
	uint16_t shown; /* string: bytes of it, fewer than are read of a format; 0: the address */
};

struct rec_plan {
	uint16_t first, nslots; /* of the context */
	uint16_t size;
	bool args, result; /* what it tells */
	uint16_t nsections;
	struct rec_section *section;
	uint16_t varargs, varargs_cap; /* offset of a struct shm_varargs, and its bytes; 0: none */
	uint16_t strings;              /* bytes shown of those among them */
};

struct trace_func {
	char *module, *name, *shown;
	const struct proto *proto; /* NULL: not typed */
	const struct func_model *model;
	uint32_t hook;
	bool has_entry, has_exit; /* records */
	bool session;             /* by one program */
	struct gen_expr *filter;  /* NULL: none */
	struct rec_plan entry, exit;
};

/* -- pairing ------------------------------------------------------------------ */

struct open_call {
	uint32_t func;
	uint64_t frame, time_ns;
	uint64_t seq;   /* order of arrival */
	unsigned depth; /* among the open calls of its stack, from 1 */
	uint8_t *rec;   /* the entry record */
};

/* Never empty; frames strictly decrease, so the last is the innermost. */
struct call_stack {
	VEC(struct open_call);
};

/* Presumed to be left; by process and frame.  See trace_held.c. */
struct held_call {
	uint32_t pid;
	struct open_call call;
};

struct held_calls {
	VEC(struct held_call);
};

/* A thread slot as one process sees it, and the thread that has it now. */
struct trace_slot {
	struct trace_slot *next;  /* in its bucket */
	struct trace_slot *older; /* of all */
	uint32_t pid;
	uint64_t addr;
	uint64_t pid_tgid;
	uint64_t lost_exits; /* as of the last record */
	bool settled;        /* final holds what gen_trace_counters() gave */
	struct gen_slot_value final;
	struct {
		VEC(struct call_stack); /* by address; their ranges are disjoint */
	} stacks;
};

#define SLOT_BUCKETS 4096

struct gen_trace {
	struct gen_trace_opts opts;
	struct {
		VEC(struct trace_func);
	} funcs;
	struct trace_slot *bucket[SLOT_BUCKETS], *slots;
	struct {
		VEC(uint64_t);
	} lost_calls; /* by slot number */
	struct held_calls held;
	uint64_t dropped;
	uint64_t seq;
	bool buf_used[GEN_TRACE_BUFS];
	uint64_t start_ns, first_thread;
	uint64_t
		line_ns; /* of the last line: when its call ended; was entered, if that is not known */
	pid_t line_pid; /* who called */
	bool started, many_threads;
	struct json w;
};

/* -- trace_prog.c --------------------------------------------------------------- */

/* Both plans of f; notes in d what is cut. */
int plan_make(struct trace_func *f, const struct gen_trace_opts *o, struct diag *d);

void plan_free(struct trace_func *f);
/* What arg points to: its first section. */
const struct rec_section *plan_section(const struct rec_plan *p, int arg);

/* Append s; its place and its status word's are given by p.  NULL: out of memory. */
struct rec_section *plan_add(struct rec_plan *p, const struct rec_section *s, uint32_t bytes);
/* Of want bytes for one more section of a record so many as it has room for; 0: none. */
uint32_t plan_room(const struct rec_plan *p, uint32_t want);

/* t is the stripped type of a value: is it a string? */
bool type_is_string(const struct ty *t);

/* The same: is it a reference to something that can be read?  What that is, stripped; or NULL. */
const struct ty *type_referent(const struct ty *t);

/* The type of an argument, or of the result (arg REC_RESULT), stripped, as it is passed. */
const struct ty *func_type(const struct trace_func *f, int arg);

/* -- trace_chain.c -------------------------------------------------------------- */

/*
 * Sections of p for what the object of type t tells of that lies elsewhere (std::string).  Its
 * n bytes stand at offset `object` of the record if the word at guard is 0 (guard 0: always).
 */
int plan_chains(struct rec_plan *p, int arg, const struct ty *t, uint32_t object, uint32_t n,
		uint32_t guard, const struct gen_trace_opts *o);

void put_chain(struct gen_writer *w, const struct rec_section *s);

#define TRACE_MAX_CHAINS 4 /* objects of an argument that are followed */

/* What arg's chains have read, for value_print(): room for TRACE_MAX_CHAINS; how many. */
unsigned chains_get(const struct rec_plan *p, const uint8_t *rec, int arg, struct value_far *out);

/* -- trace_buf.c ------------------------------------------------------------------ */

/* What is shown of an argument as a buffer, if anything. */
const struct gen_trace_buf *buffer_of(const struct trace_func *f, const struct gen_trace_opts *o,
				      int arg);
/* A section of p, one of f's plans, if arg is a buffer that p's record can have. */
int plan_buffer(const struct trace_func *f, const struct gen_trace_opts *o, struct rec_plan *p,
		int arg, struct diag *d);

void put_buffer_sizes(struct gen_writer *w, const struct rec_plan *p); /* r2: the record's size */
void put_buffers(struct gen_writer *w, const struct rec_plan *p);

struct rec_buffer {
	const uint8_t *bytes;
	size_t n;
	uint64_t want; /* as its length says */
	bool read;     /* else it could not be */
};

/* 0 if a record of n bytes is one of plan p. */
int buffers_check(const struct rec_plan *p, const uint8_t *rec, size_t n);
void buffer_get(const struct rec_plan *p, const uint8_t *rec, const struct rec_section *s,
		struct rec_buffer *out);

/* -- trace_printf.c --------------------------------------------------------------- */

/* Is arg the format of f, by which its unnamed arguments are shown? */
bool printf_is_format(const struct trace_func *f, int arg);

/* Bytes that are read of a string: of a format more than is shown. */
#define PRINTF_FORMAT 126

/* Room in p, f's entry plan, for what the format at hand says. */
void plan_varargs(const struct trace_func *f, const struct gen_trace_opts *o, struct rec_plan *p);
void put_varargs(struct gen_writer *w, const struct trace_func *f, const struct rec_plan *p);

/* -- trace_line.c ----------------------------------------------------------------- */

enum line_kind { LINE_DONE, LINE_ENTRY, LINE_TAIL, LINE_EXIT, LINE_UNWOUND, LINE_OPEN };

/*
 * One line into t->w; rec holds the arguments (for LINE_EXIT the result too), ret the exit
 * record for LINE_DONE; end_ns: of LINE_UNWOUND, if it is known, else 0.
 */
void line_format(struct gen_trace *t, enum line_kind kind, const uint8_t *rec, const uint8_t *ret,
		 uint64_t end_ns);

/* -- trace_held.c ------------------------------------------------------------------- */

int held_add(struct held_calls *v, const struct open_call *c); /* takes c->rec */

/* NULL: none, or dies with the next held_add() or held_remove(). */
struct open_call *held_exact(const struct held_calls *v, uint32_t pid, uint64_t frame);
/* One whose frame cannot be live beside that of another call at frame. */
struct open_call *held_near(const struct held_calls *v, uint32_t pid, uint64_t frame);
/* The nearest below frame. */
struct open_call *held_below(const struct held_calls *v, uint32_t pid, uint64_t frame);

void held_remove(struct held_calls *v, const struct open_call *c);
bool held_full(const struct held_calls *v);
void held_compact(struct held_calls *v); /* forget calls without a record */
void held_free(struct held_calls *v);

/* -- trace_record.c ----------------------------------------------------------------- */

void trace_slots_free(struct gen_trace *t);

#endif
