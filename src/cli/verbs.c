/*
 * cli/verbs.c - the verbs: what each does, in words and by example, and which options it takes.
 *
 * Help, manual pages and completion all come from here (help.c, complete.c).
 */
#include "cli/cli.h"

#define COMMON "btf proto debuginfo output quiet verbose help"

#define SQL "sqlite3 :memory: 'select 1'"

static const struct cli_verb verbs[] = {
	{ .name = "run",
	  .run = cmd_run,
	  .usage = "OBJ.bpf.o [OBJ...] (-- CMD [ARG...] | -p PID | -n NAME)",
	  .summary = "Run eBPF objects on a command's functions",
	  .help = "Their fentry, fexit, fmod_ret and fsession programs are attached to the functions\n"
		  "that their sections name.  Printed are bpf_printk lines, ring records by the\n"
		  "object's struct RING_event, and at the end maps and global variables, but those\n"
		  "named _...; arrays named ..._hist as histograms.\n"
		  "A MODULE that is not loaded yet is waited for; a pattern also means modules to come.\n"
		  "With --dry-run the programs are verified, and what the verifier says of each is\n"
		  "printed.  Nothing runs: a command is started to look functions up, and killed.\n",
	  .example = { { "how often, and how much at a time, does it allocate?",
			 "utramp run count.bpf.o -- sort /etc/passwd" },
		       { "a program of the object on another function, its output in a file",
			 "utramp run -o out --attach count_malloc=libsqlite3:sqlite3_malloc count.bpf.o -- sqlite3 x .tables" } },
	  .options =
		  "pid comm follow attach cookie missing wait keep lossless allow-write stats events duration json engine faults dry-run log-level " COMMON },
	{ .name = "trace",
	  .run = cmd_trace,
	  .usage = "[MODULE:]FUNC... (-- CMD [ARG...] | -p PID | -n NAME)",
	  .summary = "Print every call: arguments by name and type, result, duration",
	  .help = "Calls that an exception, pthread_exit() or a cancellation ends are shown, too, with '<unwound>'\n"
		  "for a result, those that longjmp() leaves once another call has their place on the stack; what is\n"
		  "open at the end with '<unfinished ...>'; a function entered by a tail call with '<tail call>'. A\n"
		  "MODULE that is not loaded yet is waited for; a pattern also means modules to come.\n",
	  .example = { { "each statement that a program prepares",
			 "utramp trace libsqlite3:sqlite3_prepare_v2 -- " SQL },
		       { "large reads, and what they brought",
			 "utramp trace --filter 'ret > 500' --buf buf=ret libc:read -- cat /etc/passwd" } },
	  .options =
		  "pid comm follow entry exit filter buf strings deny depth timestamps color json events "
		  "duration missing wait keep lossless engine faults " COMMON },
	{ .name = "count",
	  .run = cmd_count,
	  .usage = "[MODULE:]FUNC... (-- CMD [ARG...] | -p PID | -n NAME)",
	  .summary = "Count the calls of each function, the most called first",
	  .help = "Calls are counted where they happen, in no shared memory: a few nanoseconds each,\n"
		  "none is lost.  Those of forked children count until the command itself ends; with -f\n"
		  "all of theirs, and those of the programs that they execute.\n"
		  "A MODULE that is not loaded yet is waited for; a pattern also means modules to come.\n",
	  .example = { { "what of zlib does git use?",
			 "utramp count 'libz:*' -- git log --oneline" },
		       { "large allocations, every second",
			 "utramp count -i 1 --filter 'arg0 > 4096' libc:malloc -- sort /etc/passwd" } },
	  .options =
		  "pid comm follow filter deny interval duration json missing wait keep engine faults " COMMON },
	{ .name = "latency",
	  .run = cmd_latency,
	  .usage = "[MODULE:]FUNC... (-- CMD [ARG...] | -p PID | -n NAME)",
	  .summary = "Measure how long calls take: histograms by powers of two",
	  .help = "In nanoseconds.  Calls that were left by exception or longjmp, or run still, are\n"
		  "told apart and not in it.\n"
		  "A MODULE that is not loaded yet is waited for; a pattern also means modules to come.\n",
	  .example = { { "how long does a step of a statement take?",
			 "utramp latency libsqlite3:sqlite3_step -- " SQL },
		       { "a C++ method, and only for long names",
			 "utramp latency --filter 'detail > 100' Renderer::render -- ./shapes" } },
	  .options =
		  "pid comm follow filter deny interval duration json missing wait keep engine faults " COMMON },
	{ .name = "stack",
	  .run = cmd_stack,
	  .usage = "[MODULE:]FUNC... (-- CMD [ARG...] | -p PID | -n NAME)",
	  .summary = "Tell who calls: stacks of callers, the most frequent first",
	  .help = "Callers are found by unwind tables, so frame pointers are not needed; code\n"
		  "without tables (assembly, code made at run time) is passed by frame pointers.\n"
		  "A MODULE that is not loaded yet is waited for; a pattern also means modules to come.\n",
	  .example = { { "who allocates?", "utramp stack libc:malloc -- sort /etc/passwd" },
		       { "direct callers only, as JSON",
			 "utramp stack -D 1 -j libc:malloc -- ls" } },
	  .options =
		  "pid comm follow depth filter deny interval duration json missing wait keep engine faults " COMMON },
	{ .name = "inject",
	  .run = cmd_inject,
	  .usage = "[MODULE:]FUNC=VALUE... (-- CMD [ARG...] | -p PID | -n NAME)",
	  .summary = "Return a value in the functions' place, for all calls or some",
	  .help = "VALUE is as C writes it: 0, -1, NULL, 0.5, true, an enumerator; 1+2i of complex\n"
		  "numbers, {1, .x = 2} of structs, unions and vectors; 'void' where there is no\n"
		  "result.  With --errno it may be left out: -1, or NULL.\n"
		  "A MODULE that is not loaded yet is waited for; a pattern also means modules to come.\n",
	  .example = { { "one malloc() in a hundred fails, the same ones each time",
			 "utramp inject libc:malloc=0 --prob 1% --seed 7 --from 'libsql*' -- sqlite3 x.db .dump" },
		       { "the disk is full, from the third write on",
			 "utramp inject libc:fwrite_unlocked=0 --errno ENOSPC --after 2 -- ls -l" } },
	  .options =
		  "pid comm follow prob seed after count errno if from json duration missing wait keep engine faults " COMMON },
	{ .name = "list",
	  .run = cmd_list,
	  .usage = "[MODULE:]PATTERN... [-- CMD [ARG...]]",
	  .summary = "List functions that can be traced, with prototype and patch site",
	  .help = "With a command its modules are searched, and it does not run; without one MODULE\n"
		  "is a file.\n",
	  .example = { { "of a program's library",
			 "utramp list 'libsqlite3:sqlite3_bind_*' -- sqlite3" },
		       { "of a file", "utramp list '/usr/bin/python3:Py*'" } },
	  .options = "json " COMMON },
	{ .name = "check",
	  .run = cmd_check,
	  .usage = "[MODULE:]FUNC... [-- CMD [ARG...]]",
	  .summary = "Tell whether and how a function can be traced, or why not",
	  .help = "And where its types come from.  The exit code is 1 when it cannot.\n",
	  .example = { { "why no exit programs?", "utramp check libc:setjmp -- sqlite3" },
		       { "for scripts", "utramp check -j libsqlite3:sqlite3_open -- sqlite3" } },
	  .options = "json " COMMON },
	{ .name = "code",
	  .run = cmd_code,
	  .usage = "[MODULE:]FUNC [OBJ.bpf.o...] [-- CMD [ARG...]]",
	  .summary = "Show the trampoline that a function gets, with names; nothing runs",
	  .help = "Programs are those of the objects that attach to it; without an object an\n"
		  "example's, which read every argument and the result.  Without a command MODULE\n"
		  "is a file.\n",
	  .example = { { "plan and disassembly", "utramp code libsqlite3:sqlite3_step -- sqlite3" },
		       { "as the kernel would lay it out",
			 "utramp code --layout seed libsqlite3:sqlite3_step -- sqlite3" } },
	  .options = "attach cookie allow-write layout json " COMMON },
	{ .name = "args",
	  .run = cmd_args,
	  .usage = "FILE...",
	  .summary = "Count a file's functions by their number of arguments",
	  .help = "By its BTF or DWARF.\n",
	  .example = { { "how many of the kernel's have more than six?",
			 "utramp args /sys/kernel/btf/vmlinux" },
		       { "as JSON", "utramp args -j ./shapes" } },
	  .options = "json output quiet help" },
	{ .name = "btf",
	  .run = cmd_btf,
	  .usage = "gen -H HEADER... -o OUT.btf | dump FILE [format c]",
	  .summary = "Make types of C headers, for a library that has none; show types",
	  .help = "gen: by libclang, for --btf, or as SONAME.btf in a directory of UTRAMP_BTF_PATH.\n"
		  "dump: a file's types and functions as C.\n",
	  .example = { { "types for a library",
			 "utramp btf gen -H zlib.h --lib /usr/lib/x86_64-linux-gnu/libz.so.1 -o z.btf" },
		       { "what is in them", "utramp btf dump z.btf" } },
	  .options = "header include define lib output quiet help",
	  .late_output = true },
	{ .name = "doctor",
	  .run = cmd_doctor,
	  .usage = "[-p PID | -n NAME]",
	  .summary = "Tell what this machine allows, whether a process can be attached to",
	  .help = "A line a subject: ok, warn (some things will not work) or bad (nothing will), and\n"
		  "what to do then. The process is not touched. The exit code is 0, 4 when something\n"
		  "is not permitted, 1 when something else is bad.\n",
	  .example = { { "may processes be traced here, and whose?", "utramp doctor" },
		       { "as JSON, and what is in the way of one process",
			 "utramp doctor -j -p $PPID" } },
	  .options = "pid comm color json output quiet help" },
	{ .name = "ps",
	  .run = cmd_ps,
	  .usage = "",
	  .summary = "List what is attached to, by whom, since when",
	  .help = "Sessions of this user; of root: of all users.  One whose tool was killed together\n"
		  "with its front process is 'orphaned': its functions are patched still. One of\n"
		  "another PID namespace (a container's) is 'elsewhere': PID and TOOL are numbers of\n"
		  "there, and there it can be detached.  One with --keep is 'kept'; when it has ended\n"
		  "by itself, and 'utramp detach' has not yet printed its output, 'ended'.\n",
	  .example = { { "what is patched now?", "utramp ps -o sessions" },
		       { "for scripts", "utramp ps -j" } },
	  .options = "json output quiet help" },
	{ .name = "detach",
	  .run = cmd_detach,
	  .usage = "PID|ID...",
	  .summary = "Detach from processes: their functions are as they were",
	  .help = "A tool that runs is asked to, as by Ctrl-C, and has 5 seconds; what a killed one left\n"
		  "is restored.  Nothing is written where bytes are neither ours nor the original\n"
		  "ones: that is told.  The output of a session that is kept (--keep) is printed,\n"
		  "also of one that has 'ended' by itself: once.\n",
	  .example = { { "from one process", "utramp detach 4711" },
		       { "by what utramp ps shows", "utramp detach 4711.1 4712.1" } },
	  .options = "all quiet help" },
};

const struct cli_verb *cli_verbs(size_t *n)
{
	*n = sizeof(verbs) / sizeof(verbs[0]);
	return verbs;
}
