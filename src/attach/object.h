/*
 * attach/object.h - objects, their programs, maps and links, as the public API holds them.
 *
 * Errors   -EBADMSG not a BPF object; -ENOTSUP a section kind we do not run; the checks'
 * Memory   an object owns its programs, maps and links; maps live in the target's arena
 * Context  [ctl]
 */
#ifndef ATTACH_OBJECT_H
#define ATTACH_OBJECT_H

#include "attach/session.h"
#include "utramp/print.h"

struct bpf_map;
struct bpf_object;
struct bpf_program;
struct ctxdesc;
struct map_print;
struct object_print;

/* What the verifier said when it was loaded. */
struct program_verdict {
	bool known;
	int err;
	char *reason, *log; /* NULL: no memory */
	struct verify_stats stats;
};

struct utramp_program {
	struct utramp_object *object;
	struct bpf_program *libbpf;
	enum program_kind kind;
	bool multi;       /* of a .multi section */
	const char *spec; /* of its section; NULL: bare */
	struct {
		VEC(char *);
	} targets;            /* the user's specs, instead */
	struct program *prog; /* NULL until loaded, or when not to be loaded */
	struct ctxdesc *ctx;  /* while it is loaded; NULL: nothing is known */
	struct program_verdict verdict;
};

struct utramp_map {
	const char *name;
	struct utramp_target *target; /* NULL: gone, and the map with it */
	struct utramp_object *object;
	struct bpf_map *libbpf;
	struct map *map;
	uint32_t type, key_size, value_size;
	struct map_print *print; /* NULL: not asked for yet */
};

/* One program on all functions that a spec named. */
struct utramp_link {
	struct utramp_object *object;
	struct {
		VEC(struct link *);
	} parts;
};

struct utramp_object {
	struct bpf_object *libbpf;
	char *path;
	bool lossless, allow_write;
	unsigned log_level;
	char *btf;                    /* for CO-RE, the user's; NULL: see attach/core.h */
	char *core_from;              /* what was chosen, or NULL */
	int core_fd;                  /* of it; -1: none */
	bool tried, loaded;           /* to load it: libbpf does that once */
	struct utramp_target *target; /* NULL: not loaded, or the target is gone */
	struct object_print *print;   /* NULL: not asked for yet */
	struct {
		VEC(struct utramp_program *);
	} programs;
	struct {
		VEC(struct utramp_map *);
	} maps;
	struct {
		VEC(struct utramp_link *);
	} links;
};

/* attach/print_stack.c: number of lines, or an error. */
int print_stacks(struct utramp_map *m, bool json, utramp_line_fn line, void *ctx);

int object_open(const char *path, const struct utramp_object_opts *opts, struct utramp_object **out,
		struct diag *d);
int object_load(struct utramp_object *o, struct utramp_target *t, struct diag *d);
void object_close(struct utramp_object *o);

/* The program that libbpf is about to load on this thread, or loads; NULL: none. */
struct utramp_program *object_loading(void);

/* attach/verdict.c: a struct sys_ops.judged; and its end. */
void object_judged(void *arg, int err, const char *why, const char *log,
		   const struct verify_stats *stats);
void program_forget_verdict(struct utramp_program *p);

/* The i-th function to attach p to when none is named; NULL: no more. */
const char *object_program_target(const struct utramp_program *p, size_t i);

/* Remove every part; the caller settles. */
void object_drop_link(struct utramp_link *l);

/* Its parts behind the first n; the caller settles. */
void object_drop_parts(struct utramp_link *l, size_t n);

/* Functions of a module that has come, for a link that waited: how many; opts are that link's. */
int object_late(struct utramp_program *p, struct utramp_link *l, const struct hook_list *list,
		const struct utramp_attach_opts *o, struct diag *d);

const char *object_program_name(const struct utramp_program *p);
const char *object_program_section(const struct utramp_program *p);
bool object_program_autoload(const struct utramp_program *p);
int object_set_autoload(struct utramp_program *p, bool on, struct diag *d);

/* print.c: what printing its maps found out. */
void object_print_free(struct utramp_object *o);

#endif
