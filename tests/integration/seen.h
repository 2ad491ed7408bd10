/*
 * seen.h - what the programs of kernel.bpf.c leave behind; shared with kernel_test.c.
 */
#ifndef SEEN_H
#define SEEN_H

#include <linux/types.h>

#define SEEN_ARGS 16

enum seen_id {
	SEEN_FENTRY1,
	SEEN_FENTRY2,
	SEEN_FENTRY3,
	SEEN_FENTRY4,
	SEEN_FENTRY5,
	SEEN_FENTRY6,
	SEEN_FENTRY7,
	SEEN_FENTRY8,
	SEEN_FENTRY9,
	SEEN_FENTRY10,
	SEEN_TESTMOD1,
	SEEN_TESTMOD2,
	SEEN_TESTMOD3,
	SEEN_TESTMOD7,
	SEEN_TESTMOD11,
	SEEN_STRUCT1,
	SEEN_STRUCT2,
	SEEN_STRUCT3,
	SEEN_STRUCT4,
	SEEN_STRUCT5,
	SEEN_STRUCT6,
	SEEN_STRUCT7,
	SEEN_STRUCT8,
	SEEN_STRUCT9,
	SEEN_TESTMOD11_RAW, /* every argument read as a u64 */
	SEEN_IDS,
};

/* One program's view of the last call. */
struct seen {
	__u32 runs, n;
	__s64 arg[SEEN_ARGS]; /* n of them, cast to the parameter's type */
	__s64 ret;            /* exit programs */
	__u64 slots;          /* bpf_get_func_arg_cnt() */
};

struct seen_all {
	struct seen at[SEEN_IDS][2]; /* entry, exit */
};

/* modify.bpf.c: each program's place in the sequence, from 1; what it saw. */
struct modify_state {
	__s64 input; /* what the fmod_ret programs return */
	__u32 turn;
	struct {
		__u32 entry, mod, exit; /* the turn it ran at */
		__s64 ret;              /* as the exit program sees it */
		__s64 mod_ret;          /* as the fmod_ret program sees it before */
		__s64 arg[7];
	} f[2];
};

/* args.bpf.c: values and codes of the bpf_get_func_* helpers. */
struct args_state {
	struct {
		__u64 cnt, arg[3], ret, cookie, ip;
		__s64 err[4]; /* of arg 0, 1, 2, and 64 */
		__s64 ret_err;
		__u32 runs;
	} at[4]; /* entry of test1, exit of test2, fmod_ret and exit of modify_return_test */
};

/* recorder.bpf.c */
#define RECORDS      128
#define RECORD_SLOTS 24

struct record {
	__u64 tag, cnt, ret, ip, cookie;
	__s64 reterr;
	__u64 slot[RECORD_SLOTS];
	__s64 past; /* what reading one slot past the end gave */
};

struct recorder_state {
	__s64 modret; /* what program mod returns */
	__u64 half[2];
	__u32 n; /* records so far */
};

/* maps.bpf.c: a ring record. */
struct f12_event {
	__s64 arg[12];
	__s64 ret;
	__u32 tgid, pad;
};

/* session.bpf.c: what a session program sees at entry [0] and at exit [1]. */
enum session_id {
	SESSION_TEST1,
	SESSION_TEST3,
	SESSION_TEST4,
	SESSION_TEST5,
	SESSION_TEST7,
	SESSION_OTHER, /* the rest are bare: attached where the test wants them */
	SESSION_PLAIN, /* asks for no cookie */
	SESSION_RECURSION,
	SESSION_IDS,
};

#define SESSION_ORDER 64

struct session_seen {
	struct {
		__u32 runs, turn; /* of all, from 1 */
		__s64 arg[5], ret;
		__s64 ret_err, got_ret; /* bpf_get_func_ret() */
		__u64 cnt, ip, attach_cookie;
		__u64 cookie; /* before it is written */
	} phase[2];
	__u32 odd; /* exits whose cookie is not their call's */
	__u32 pad;
};

struct session_state {
	struct session_seen at[SESSION_IDS];
	__u32 turn, pad;
};

/* multi.bpf.c: by attach cookie below MULTI_COOKIES, per program. */
enum { MULTI_ENTRY, MULTI_EXIT, MULTI_SESSION, MULTI_OTHER, MULTI_PROGRAMS };
#define MULTI_COOKIES 16

struct multi_state {
	struct {
		__u64 ip, cnt, arg0, last, ret, kept;
		__s64 past; /* code of one argument too many */
		__u32 runs, exits;
	} at[MULTI_PROGRAMS][MULTI_COOKIES];
};

/* stack.bpf.c: callers of one function, by program; and errno */
#define STACK_DEPTH 32

enum { STACK_ENTRY, STACK_MOD, STACK_EXIT, STACK_SESSION, STACK_OWN, STACK_PROGRAMS };

struct stack_seen {
	__u64 pc[STACK_DEPTH], also[STACK_DEPTH], junk[4];
	__s64 bytes, without, build_id; /* what the calls returned */
	__u64 runs;
};

struct stack_state {
	struct stack_seen at[STACK_PROGRAMS];
	__u64 callers;
	__s64 errno_code, fault;
	__u64 failed;
};

/* many.bpf.c: the programs' numbers in order of running, per kind. */
#define MANY_PROGRAMS 102
#define MANY_ORDER    1024

struct many_state {
	__u32 n;
	__u32 id[MANY_ORDER]; /* kind * 1000 + number */
};

#endif
