/*
 * uprobe.c - attach uprobe.bpf.c to the KERNEL rows of BINARY, run a command, detach.
 *
 * What the kernel does not permit is said by name, with exit status 3; the command is not run
 * then.  A command's own failure is passed on; programs that never ran are a failure, too.
 *
 * usage: uprobe OBJECT BINARY COMMAND [ARGUMENT...]
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_PERMITTED = 3 };

static const unsigned count[] = { 0, 2, 6, 8, 12 };

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

static int refused(const char *what, int err)
{
	fprintf(stderr, "uprobe: %s: %s\n", what, strerror(-err));
	return NOT_PERMITTED;
}

static int attach(struct bpf_object *o, const char *binary, const char *name, const char *row,
		  bool at_exit)
{
	struct bpf_program *p = bpf_object__find_program_by_name(o, name);
	char function[32];

	for (size_t i = 0; p && i < sizeof(count) / sizeof(count[0]); i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .retprobe = at_exit, .func_name = function);
		struct bpf_link *l;

		snprintf(function, sizeof(function), "%s_f%u", row, count[i]);
		l = bpf_program__attach_uprobe_opts(p, -1, binary, 0, &opts);
		if (!l)
			return refused("perf_event_open of a uprobe", -errno);
	}
	return p ? 0 : refused(name, -ENOENT);
}

static int run(char **command)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		perror("uprobe");
		return 1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* The counters of uprobe.bpf.c are its only global data. */
static int check_counters(struct bpf_object *o)
{
	uint64_t hits[2] = { 0, 0 };
	uint32_t zero = 0;
	struct bpf_map *m;

	bpf_object__for_each_map(m, o)
	{
		if (bpf_map__value_size(m) == sizeof(hits) &&
		    bpf_map_lookup_elem(bpf_map__fd(m), &zero, hits))
			return refused("reading the counters", -errno);
	}
	if (hits[0] && hits[1])
		return 0;
	fprintf(stderr, "uprobe: a program never ran\n");
	return 1;
}

int main(int argc, char **argv)
{
	struct bpf_object *o;
	int err;

	if (argc < 4) {
		fprintf(stderr, "usage: uprobe OBJECT BINARY COMMAND [ARGUMENT...]\n");
		return 2;
	}
	libbpf_set_print(quiet);
	o = bpf_object__open_file(argv[1], NULL);
	if (!o) {
		fprintf(stderr, "uprobe: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	err = bpf_object__load(o);
	if (err)
		return refused("bpf(2), loading the programs", err);
	err = attach(o, argv[2], "at_entry", "k_entry", false);
	if (!err)
		err = attach(o, argv[2], "at_exit", "k_exit", true);
	if (!err)
		err = run(argv + 3);
	return err ? err : check_counters(o); /* links end with us */
}
