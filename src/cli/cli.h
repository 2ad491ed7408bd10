/*
 * cli/cli.h - what the verbs share: options, messages, the run of a command.
 *
 * Everything a verb does goes through utramp/utramp.h.  stdout carries only what was asked
 * for; messages go to stderr, each line beginning "utramp:".
 *
 * Exit     0 or the command's own status, 128 + N when signal N killed it; 1 run-time error,
 *          2 usage, 3 nothing matched, 4 permission, 5 target gone; 126, 127 as env(1)
 * Context  [ctl]
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "utramp/probe.h"
#include "utramp/utramp.h"

#include <stdio.h>

enum {
	EXIT_RUNTIME = 1,
	EXIT_USAGE = 2,
	EXIT_NO_MATCH = 3,
	EXIT_PERMISSION = 4,
	EXIT_GONE = 5,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

#define CLI_MAX 256

/* PROG=VALUE of --attach and --cookie. */
struct cli_pair {
	char *key;
	const char *value;
};

/* What is said of types. */
enum cli_gift { GIFT_DEBUGINFO, GIFT_BTF, GIFT_PROTO, GIFTS };

struct cli {
	const char *verb;
	char *arg[CLI_MAX]; /* what is not an option, before "--" */
	int nargs;
	char **command; /* behind "--"; NULL: none */

	const char *output; /* -o */
	pid_t pid[CLI_MAX]; /* -p; -n's when cli_find_processes() has looked */
	bool by_name[CLI_MAX];
	const char *comm[CLI_MAX]; /* -n */
	int npid, ncomm;
	bool looks; /* nothing is attached: list, check, code */
	bool dry_run;
	bool keep;
	bool all;           /* detach */
	unsigned log_level; /* of the verifier */
	bool json, entry_only, quiet, lossless, allow_write, stats, missing_ok, missing_warn,
		missing_error, timestamps;
	unsigned verbose;
	unsigned strings;
	uint64_t events, limit_ns; /* -E, -d; 0: no limit */
	bool exit_only;
	uint64_t depth;             /* -D; 0: any */
	const char *filter, *color; /* NULL: none; auto */
	const char *deny[CLI_MAX], *buf[CLI_MAX];
	int ndeny, nbuf;
	struct cli_pair btf[CLI_MAX], attach[CLI_MAX], cookie[CLI_MAX];
	const char *proto[CLI_MAX], *debuginfo[CLI_MAX];
	int nbtf, nattach, ncookie, nproto, ndebuginfo;
	bool taken[GIFTS][CLI_MAX];   /* of these: some target had a use for it */
	const char *from, *condition; /* inject */
	bool after_main, seeded;
	uint64_t after, count, seed;
	double chance; /* 0: not given */
	int inject_errno;
	const char *header[CLI_MAX], *include[CLI_MAX], *define[CLI_MAX], *lib; /* of btf gen */
	int nheader, ninclude, ndefine;
	const char *layout; /* NULL: ours */
	enum utramp_engine engine;
	const char *faults;   /* NULL: auto */
	uint64_t interval_ns; /* 0: none */
	bool untyped_ok;      /* the verb set it: it asks no types of functions */
	FILE *out;
	bool ran;                /* the command: the exit code is its own */
	bool broken;             /* it cannot be written */
	uint64_t shown;          /* events printed; the printers count */
	bool wait;               /* --wait */
	bool follow;             /* -f */
	bool waits;              /* a spec is for modules that were not loaded */
	unsigned attached, came; /* functions: at the start, with modules that came later */
	unsigned came_unseen;    /* how often a module came back, and calls were missed */
	unsigned passed;         /* functions of the pattern at hand that cannot be attached */
};

#define CLI_EXAMPLES 2

/* One verb. */
struct cli_verb {
	const char *name;
	int (*run)(struct cli *c);
	const char *usage;   /* "OBJ.bpf.o [OBJ...] -- CMD [ARG...]" */
	const char *summary; /* a sentence without its full stop */
	const char *help;    /* more of them, lines of at most 80 characters; may be "" */
	struct {
		const char *what, *command;
	} example[CLI_EXAMPLES];
	const char *options; /* long names of those it takes, space-separated */
	bool late_output;    /* opens -o itself, when there is something to write */
};

int cmd_run(struct cli *c);
int cli_dry_run(struct cli *c); /* dry.c: run --dry-run */
int cmd_trace(struct cli *c);
int cmd_count(struct cli *c);
int cmd_latency(struct cli *c);
int cmd_stack(struct cli *c);
int cmd_list(struct cli *c);
int cmd_check(struct cli *c);
int cmd_code(struct cli *c);
bool cli_is_layout(const char *name);
int cmd_inject(struct cli *c);
int cmd_args(struct cli *c);
int cmd_btf(struct cli *c);
int cmd_doctor(struct cli *c);
int cmd_ps(struct cli *c);
int cmd_detach(struct cli *c);

const struct cli_verb *cli_verbs(size_t *n); /* verbs.c */

/* opts.c: 0, or the exit code (help and version printed: -1). */
int cli_parse(const struct cli_verb *v, int argc, char **argv, struct cli *c);

/* procs.c: the processes that -n names are added to those of -p; an exit code. */
int cli_find_processes(struct cli *c);

/* help.c: the verb's help, its manual page in mdoc(7), whether it takes --NAME. */
void cli_manual(const struct cli_verb *v, FILE *f);
bool cli_takes(const struct cli_verb *v, const char *name);
void cli_usage(const struct cli_verb *v, FILE *f);
/* The lines of help for the verb's options, one a call ("-o, --output FILE   text"); then NULL. */
const char *cli_option_help(const struct cli_verb *v, size_t *next);

/* complete.c: what completion/ asks; `utramp complete ARGS...`. */
int cli_complete(int argc, char **argv);

/* A message for stderr: "utramp: ..." on each line; the first one goes away with -q. */
void cli_info(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_warn(void *ctx, const char *text); /* for utramp_attach_opts.warn: ctx is the struct cli */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cli_lines(char *text);  /* the same for each of many lines, of any length; text is changed */
void cli_disarm(char *line); /* what a terminal would obey becomes '?' */

/* progress.c: of attaching to t from now on, unless -q; a message puts an end to its line. */
void cli_progress_begin(const struct cli *c, struct utramp_target *t);
void cli_progress_end(void);

struct cli_progress {
	uint64_t begun, told; /* ns; told 0: not yet */
	bool terminal;
	bool open; /* a line stands there that has not ended */
};
/* Is there something to tell, a second having passed?  Then it counts as told. */
bool cli_progress_due(struct cli_progress *p, uint64_t now);
int cli_progress_text(char *out, size_t cap, unsigned done, unsigned total, bool terminal);

/* For utramp_attach_opts.missing, ctx the struct cli: --missing warn names each function. */
void cli_missing(void *ctx, const char *why);
/* How many functions of a pattern were passed over, when they were not named. */
void cli_passed(struct cli *c, const char *pattern);

/* Print utramp_error(), with what to do about err (negative errno) if that is known. */
void cli_reason(int err);
/* The same, and give the exit code that belongs to err. */
int cli_fail(int err);
/* The same where a user's [MODULE:]FUNC was looked up: malformed is usage, absent no match. */
int cli_fail_spec(int err);
/* The same where a user's file was read: EACCES is not the checks', but a permission. */
int cli_fail_file(int err);

/* Exit codes alone: of a negative errno, of one from a command's start, of a wait status. */
int cli_code(int err);
int cli_spawn_code(int err);
int cli_status_code(int status);

/*
 * guard.c: go on as a child of this process, which stays to undo when that is killed; before any
 * output and thread, and before the command starts.  Signals are caught then, or by the second
 * function alone.  How many have asked to detach, and the last one; whether the other process is
 * gone, so that we have to end; the command's process, for the other one.
 */
void cli_guard(const struct cli *c);
void cli_catch_signals(void);
int cli_interrupts(int *sig);
bool cli_front_gone(void);
void cli_guard_target(pid_t pid);
/* --keep: nothing of the user's is held any more, and what he started may end; process `pid`'s session. */
void cli_guard_kept(pid_t pid);

/*
 * session.c: start the command with the types the user named.  NULL: *code has the exit
 * code, which is the command's own when it ended before its first constructor.
 */
struct utramp_target *cli_spawn(struct cli *c, int *code);

/*
 * pid.c: attach to a process, what it is to see beginning with cli_resume(); as cli_spawn().  NULL:
 * errno is the library's, or 0; an error that is -silent is not told.
 */
struct utramp_target *cli_attach_pid(struct cli *c, pid_t pid, int silent, int *code);
/* -p and what cannot be with it; an exit code. */
int cli_check_pid(const struct cli *c);
/* The last thing done with it: programs are detached, what can be unmapped is. */
void cli_leave_pid(const struct cli *c, struct utramp_target *t);
/* It could not be detached from, and is not tried any more. */
void cli_left_patched(const struct utramp_target *t);
/* That nobody could undo what is done to it, if so. */
void cli_tell_no_journal(const struct cli *c, const struct utramp_target *t);

/* The same, or without a command the file that spec names in place of a process. */
struct utramp_target *cli_look(struct cli *c, const char *spec, int *code);

/* What the options say of types, to all; an exit code. */
int cli_add_types(struct cli *c, struct utramp_target **t, int n);
/* -f, at the end: those that no program had a use for. */
void cli_tell_unused_types(const struct cli *c);

/* A file for each argument, freed by the caller also on failure; an exit code. */
int cli_look_all(struct cli *c, struct utramp_target **t);
bool cli_gives_types(const struct cli *c); /* options that do */

/* Functions without types, and types that are damaged. */
void cli_tell_types(const struct cli *c, struct utramp_target *t);

/*
 * late.c: specs wait for their modules, and what comes of it is told; an exit code.  At the end,
 * the exit code: the command's own, or, if that is 0 and all that was asked for never came, 3.
 */
int cli_wait_modules(struct cli *c, struct utramp_target *t);
void cli_late_tell(const struct cli *c, const struct utramp_target *t);
int cli_late_code(const struct cli *c, int code);

/* Say what was attached, then let the command run. */
int cli_resume(struct cli *c, struct utramp_target *t);

/*
 * Wait until it ends; detach when the user interrupts, limits are reached or the output
 * cannot be written.  drain(arg, final) is called again and again, prints what came and
 * returns how much, or a negative errno, told already.  Gives the exit code.
 */
int cli_wait(struct cli *c, struct utramp_target *t, int (*drain)(void *arg, bool final),
	     void *arg);

/* At the end: how many calls exit programs did not see end, if any. */
void cli_tell_unwound(const struct cli *c, const struct utramp_target *t);

/* objects.c: those from argument `first` on.  Exit codes, or 0. */
struct cli_objects {
	struct utramp_object *obj[CLI_MAX];
	int n;
};

struct utramp_object *cli_open_object(const struct cli *c, const char *path, int *code);
int cli_open_objects(const struct cli *c, int first, struct cli_objects *o);
void cli_close_objects(struct cli_objects *o);
/* The log that --log-level asks for, of the programs that the verifier has seen. */
void cli_tell_logs(const struct cli *c, const struct utramp_object *o);
/* A --attach or --cookie that names no program is a mistake to tell, not to pass over. */
int cli_check_names(const struct cli *c, const struct cli_objects *o);
/* What --attach says, before loading: the modules of those functions may be asked for types. */
int cli_bind(const struct cli *c, struct utramp_object *o);
/* Bind and load; --log-level's log is printed, too. */
int cli_load(const struct cli *c, struct utramp_object *o, struct utramp_target *t);
/*
 * To each function that --attach names for it, else to the one of its section.  within: only
 * to what this spec names, too, and never mind a section's function that is not there.
 */
int cli_attach(struct cli *c, struct utramp_target *t, struct utramp_program *p,
	       const char *within);

/* -E is reached: print no more. */
static inline bool cli_full(const struct cli *c)
{
	return c->events && c->shown >= c->events;
}

/* "s" unless n is 1. */
const char *cli_plural(uint64_t n);

/* By --color, NO_COLOR, and what the output is. */
bool cli_colors(const struct cli *c);

int cli_open_output(struct cli *c);
/* Hand on what was printed; false: told (a closed pipe silently), and never again. */
bool cli_flush(struct cli *c);

#endif
