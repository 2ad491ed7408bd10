/*
 * utramp/utramp.h - eBPF trampolines for functions of user-space processes.
 *
 * The names and manners are libbpf's: opaque structs, OBJECT__verb, options structs whose first
 * member sz is sizeof(struct) and which may be NULL, callbacks with a ctx pointer.
 *
 *	struct utramp_target *t = utramp_target__spawn(argv, NULL);
 *	struct utramp_object *o = utramp_object__open_file("prog.bpf.o", NULL);
 *	utramp_object__load(o, t);
 *	utramp_object__attach(o, t, NULL);
 *	utramp_target__resume(t);
 *	while (utramp_target__poll(t, 100) == UTRAMP_RUNNING)
 *		utramp_target__read_printk(t, print, NULL);
 *
 * Errors   int functions return 0 (or a count) or a negative errno; functions that return
 *          a pointer give NULL and set errno.  utramp_error(): why, of this thread's last.
 *            ENOENT no such function, type, program, map    EACCES   the checks refuse it
 *            EBADMSG malformed object, ELF, DWARF, BTF      ENOTSUP  not supported (named)
 *            EPERM  not permitted to trace it               ESRCH    the target is gone
 *            EBUSY  the function's bytes are not its own    EINVAL   misuse
 * Memory   who creates frees; strings returned live as long as their object.  Free in any order:
 *          what outlives its target is without effect (ESRCH, nothing, 0).
 * Options  E2BIG if a member that this version does not know is set.
 * Threads  one thread per target; different targets are independent.
 */
#ifndef UTRAMP_UTRAMP_H
#define UTRAMP_UTRAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#define UTRAMP_API __attribute__((visibility("default")))

struct utramp_target;      /* a traced process */
struct utramp_object;      /* a loaded .bpf.o */
struct utramp_program;     /* one of its programs */
struct utramp_map;         /* one of its maps */
struct utramp_link;        /* a program attached to one or more functions */
struct utramp_ring_buffer; /* reader of a RINGBUF or PERF_EVENT_ARRAY map */

UTRAMP_API const char *utramp_version(void);
UTRAMP_API const char *utramp_error(void); /* never NULL */
/* -- targets ---------------------------------------------------------------------- */

enum utramp_engine { UTRAMP_JIT, UTRAMP_INTERP };
struct utramp_spawn_opts {
	size_t sz;
	const char *slab_dir;      /* where the slab's files lie while we trace; NULL: chosen */
	enum utramp_engine engine; /* programs are compiled, or an interpreter runs in the target */
	const char *faults;        /* how bad addresses are survived: "auto" (NULL), "syscall" */
};
/* Start argv[0] (found through PATH), stop it before its first constructor, libraries mapped: of
 * dynamically linked glibc programs.  ENOENT, EACCES, ENOEXEC: the command's own. */
UTRAMP_API struct utramp_target *utramp_target__spawn(char *const argv[],
						      const struct utramp_spawn_opts *opts);
/*
 * No process (pid -1): the file that spec's MODULE names stands for one, as if loaded at a usual
 * address.  Programs can be attached and utramp_code() shows what would run; nothing ever does.
 * NULL: there is not even a file, and objects can only be loaded (utramp/verify.h).
 */
UTRAMP_API struct utramp_target *utramp_target__file(const char *spec);
/* Detaches if attached.  A child that was never resumed is killed. */
UTRAMP_API void utramp_target__free(struct utramp_target *t);
UTRAMP_API pid_t utramp_target__pid(const struct utramp_target *t);
/* Let it run; programs attached so far see every call from here on. */
UTRAMP_API int utramp_target__resume(struct utramp_target *t);
/*
 * While it runs: what is attached and detached from now on waits for the next resume(), which does
 * all of it in one stop.  If that fails nothing new runs, links stay, and resume() may be called again.
 */
UTRAMP_API int utramp_target__together(struct utramp_target *t);
enum utramp_state {
	UTRAMP_RUNNING,
	UTRAMP_EXITED, /* utramp_target__status() has the wait status */
	UTRAMP_EXECED, /* runs another program now: nothing is attached any more */
};
/* Wait up to timeout_ms for a change: enum utramp_state, or -errno (EINVAL: not resumed). */
UTRAMP_API int utramp_target__poll(struct utramp_target *t, int timeout_ms);
UTRAMP_API int utramp_target__status(const struct utramp_target *t); /* as waitpid(2) */
/* The name it ended under, if new: of a program executed unseen, perhaps.  Else NULL. */
UTRAMP_API const char *utramp_target__renamed(const struct utramp_target *t);
/*
 * Restore every function's bytes; calls inside return without running a program.  A function that
 * holds somebody else's bytes by now is left alone and told of (EBUSY); all others are restored.
 * Attaching again is possible.
 */
UTRAMP_API int utramp_target__detach(struct utramp_target *t);
/* How programs survive bad addresses, and why so; NULL: none of them needs to. */
UTRAMP_API const char *utramp_target__faults(const struct utramp_target *t);
UTRAMP_API uint64_t utramp_target__stopped_ns(const struct utramp_target *t);
/*
 * From now on fn is told how far attaching is, function by function; one counts when it is ready.
 * Programs of several specs are attached one spec after the other, and total is that one's.
 */
UTRAMP_API void utramp_target__on_progress(struct utramp_target *t,
					   void (*fn)(void *ctx, unsigned done, unsigned total),
					   void *ctx);
/* How many functions have a program; *untyped of them have no types, as *example (or NULL). */
UTRAMP_API unsigned utramp_target__functions(const struct utramp_target *t, unsigned *untyped,
					     const char **example);

/* -- objects and programs ---------------------------------------------------------- */
struct utramp_object_opts {
	size_t sz;
	const char *btf; /* for CO-RE; NULL: that of the module which the programs attach to */
	bool lossless;   /* ring buffers make the target wait instead of dropping */
};
UTRAMP_API struct utramp_object *utramp_object__open_file(const char *path,
							  const struct utramp_object_opts *opts);
UTRAMP_API int utramp_object__load(struct utramp_object *o, struct utramp_target *t);
UTRAMP_API void utramp_object__close(struct utramp_object *o); /* maps and links die with it */
UTRAMP_API struct utramp_program *utramp_object__next_program(const struct utramp_object *o,
							      struct utramp_program *prev);
UTRAMP_API const char *utramp_program__name(const struct utramp_program *p);
UTRAMP_API const char *utramp_program__section(const struct utramp_program *p);
UTRAMP_API int utramp_program__fd(const struct utramp_program *p); /* for BPF_MAP_TYPE_PROG_ARRAY */
UTRAMP_API bool utramp_program__autoload(const struct utramp_program *p); /* SEC("?..."): no */
UTRAMP_API int utramp_program__set_autoload(struct utramp_program *p, bool on);
/* Before loading, since CO-RE asks the module: attach it there, not to its section's function. */
UTRAMP_API int utramp_program__add_target(struct utramp_program *p, const char *spec);
struct utramp_attach_opts {
	size_t sz;
	uint64_t cookie; /* bpf_get_attach_cookie() */
	bool missing_ok; /* functions that cannot be attached are passed over */
	void (*missing)(void *ctx, const char *why); /* told of each of them */
	void (*warn)(void *ctx, const char *text);   /* told once: no types, and how to get them */
	void *ctx;
	const char *const *syms; /* .multi programs: cnt specs instead of spec, each function */
	const uint64_t *cookies; /* in one of them only (EINVAL); cnt cookies, or NULL: cookie */
	size_t cnt;
	const char *within; /* of the functions only those that this spec names, too; maybe none */
};
/*
 * Attach to every function that spec names ("[MODULE:]FUNC", patterns allowed); NULL: its own (see
 * add_target).  All or none, unless missing_ok; but a pattern means those that can be attached
 * (missing is told of the others), and at least one.
 */
UTRAMP_API struct utramp_link *utramp_program__attach(struct utramp_program *p,
						      struct utramp_target *t, const char *spec,
						      const struct utramp_attach_opts *opts);
/* Every program of the object that names its function; in order of the object. */
UTRAMP_API int utramp_object__attach(struct utramp_object *o, struct utramp_target *t,
				     const struct utramp_attach_opts *opts);
UTRAMP_API unsigned utramp_link__functions(const struct utramp_link *l);
UTRAMP_API uint64_t utramp_program__missed(const struct utramp_program *p); /* recursion */
/* What the kernel calls run_cnt and run_time_ns: of runs while the target has statistics enabled. */
UTRAMP_API int utramp_target__enable_stats(struct utramp_target *t, bool on);
UTRAMP_API uint64_t utramp_program__stats(const struct utramp_program *p, uint64_t *run_time_ns);
UTRAMP_API int utramp_link__destroy(struct utramp_link *l); /* detaches; NULL is fine */

/* -- maps and events ---------------------------------------------------------------- */

UTRAMP_API struct utramp_map *utramp_object__next_map(const struct utramp_object *o,
						      struct utramp_map *prev);
UTRAMP_API struct utramp_map *utramp_object__find_map_by_name(const struct utramp_object *o,
							      const char *name);
UTRAMP_API const char *utramp_map__name(const struct utramp_map *m);
UTRAMP_API uint32_t utramp_map__type(const struct utramp_map *m); /* BPF_MAP_TYPE_* */
UTRAMP_API uint32_t utramp_map__key_size(const struct utramp_map *m);
UTRAMP_API uint32_t utramp_map__value_size(const struct utramp_map *m);
/* Sizes must be the map's; a per-CPU value is libbpf_num_possible_cpus() values of 8 * n bytes. */
UTRAMP_API int utramp_map__lookup_elem(const struct utramp_map *m, const void *key, size_t key_sz,
				       void *value, size_t value_sz, uint64_t flags);
UTRAMP_API int utramp_map__update_elem(const struct utramp_map *m, const void *key, size_t key_sz,
				       const void *value, size_t value_sz, uint64_t flags);
UTRAMP_API int utramp_map__delete_elem(const struct utramp_map *m, const void *key, size_t key_sz,
				       uint64_t flags);
UTRAMP_API int utramp_map__get_next_key(const struct utramp_map *m, const void *key, void *next_key,
					size_t key_sz);

typedef int (*utramp_sample_fn)(void *ctx, const void *data, size_t size);
UTRAMP_API struct utramp_ring_buffer *utramp_ring_buffer__new(struct utramp_map *m,
							      utramp_sample_fn fn, void *ctx,
							      const void *opts);
/* Hand over what there is, waiting up to timeout_ms for a first record; number of records. */
UTRAMP_API int utramp_ring_buffer__poll(struct utramp_ring_buffer *rb, int timeout_ms);
UTRAMP_API int utramp_ring_buffer__consume(struct utramp_ring_buffer *rb);
UTRAMP_API uint64_t utramp_ring_buffer__lost(const struct utramp_ring_buffer *rb);
UTRAMP_API void utramp_ring_buffer__free(struct utramp_ring_buffer *rb);

struct utramp_printk {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	pid_t pid, tid;
	const char *comm;
	const char *text; /* size bytes, not terminated */
	size_t size;
};
/* What bpf_printk() wrote since the last call; number of records. */
UTRAMP_API int utramp_target__read_printk(struct utramp_target *t,
					  void (*fn)(void *ctx, const struct utramp_printk *p),
					  void *ctx);
UTRAMP_API uint64_t utramp_target__lost(const struct utramp_target *t); /* of all kinds */
/* Calls that ran no program because a quarter of the stack or less was left. */
UTRAMP_API uint64_t utramp_target__untraced(const struct utramp_target *t);
/* Calls that exceptions and cancellations ended: exit programs did not run. */
UTRAMP_API uint64_t utramp_target__unwound(const struct utramp_target *t);

/* -- what can be traced ----------------------------------------------------------------- */

struct utramp_func_info {
	size_t sz;
	const char *module, *func;     /* all its names: of C++ the readable one, then the asked */
	uint64_t addr, size;           /* in the file */
	const char *proto;             /* C text; NULL: no types */
	const char *types_from;        /* "BTF", "DWARF", "pack", "--proto", "none", "none: WHY" */
	const char *site;              /* "nop", "moved", "hop"; NULL: cannot be patched */
	bool entry, exit;              /* what can be attached */
	const char *reason;            /* why something cannot; NULL: nothing to say */
	const char *json, *types_file; /* the whole as one JSON object; where they are, or NULL */
};
/* t NULL: spec's MODULE is a file.  fn returning not 0 stops.  Gives the number of functions. */
UTRAMP_API int utramp_list(struct utramp_target *t, const char *spec,
			   int (*fn)(void *ctx, const struct utramp_func_info *f), void *ctx);

enum utramp_layout { UTRAMP_OURS, UTRAMP_SEED }; /* of a trampoline's frame; the kernel's */
struct utramp_code_opts {
	size_t sz;
	enum utramp_layout layout;
	bool attached; /* only functions that have programs; else an example's, where there are none */
};

struct utramp_code_info {
	size_t sz;
	const char *module, *func, *text; /* text: plan and disassembly, with names */
	const char *json;                 /* the whole as one JSON object */
};
/* The trampolines of what spec names, as they are or would be written; else as utramp_list(). */
UTRAMP_API int utramp_code(struct utramp_target *t, const char *spec,
			   const struct utramp_code_opts *opts,
			   int (*fn)(void *ctx, const struct utramp_code_info *c), void *ctx);

struct utramp_args {
	size_t sz;
	unsigned long functions, by_args[256], variadic, struct_by_value, with_float;
};
/* How many functions of a file have how many arguments, by its BTF, else its DWARF. */
UTRAMP_API int utramp_args_count(const char *file, struct utramp_args *out);
#ifdef __cplusplus
}
#endif
#endif
