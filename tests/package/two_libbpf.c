/*
 * two_libbpf.c PROGRAM OBJECT BAD - a program that has libbpf of its own beside libutramp's.
 *
 * It traces PROGRAM by OBJECT with libutramp and meanwhile uses its own libbpf.so, whose bpf(2) is the
 * kernel's: whatever that says, it says the same before and during a session.  Prints one fact
 * a line, "NAME VALUE"; package_test.py knows what they must be.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utramp/utramp.h>

static unsigned heard;

static int hear(enum libbpf_print_level level, const char *format, va_list args)
{
	heard++;
	return 0;
}

/* What a descriptor is, or why there is none; by libbpf and by hand. */
static void kernel_says(const char *when)
{
	char path[64], link[128];
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "own", 4, 8, 1, NULL);
	union bpf_attr attr = { .map_fd = (unsigned)fd };
	ssize_t n;
	long err;

	if (fd < 0) {
		printf("map-%s %s\n", when, strerror(-fd));
	} else {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, link, sizeof(link) - 1);
		link[n < 0 ? 0 : n] = '\0';
		printf("map-%s %s\n", when, link);
	}
	err = syscall(__NR_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) < 0 ? errno : 0;
	printf("call-%s %s\n", when, strerror((int)err));
	if (fd >= 0)
		close(fd);
}

static void count(void *ctx, const struct utramp_printk *p)
{
	++*(unsigned *)ctx;
}

static int trace(char *const argv[], const char *object, const char *bad)
{
	struct utramp_target *t = utramp_target__spawn(argv, NULL);
	struct utramp_object *o = t ? utramp_object__open_file(object, NULL) : NULL;
	unsigned lines = 0;
	int state;

	if (!o || utramp_object__load(o, t) < 0 || utramp_object__attach(o, t, NULL) < 0) {
		fprintf(stderr, "%s\n", utramp_error());
		return 1;
	}
	kernel_says("during");
	printf("bad %s\n", utramp_object__open_file(bad, NULL) ? "opened" : "refused");
	printf("heard-of-theirs %u\n", heard);
	if (utramp_target__resume(t) < 0)
		return 1;
	do {
		state = utramp_target__poll(t, 100);
		utramp_target__read_printk(t, count, &lines);
	} while (state == UTRAMP_RUNNING);
	printf("status %d\nlines %u\n", WEXITSTATUS(utramp_target__status(t)), lines);
	utramp_object__close(o);
	utramp_target__free(t);
	return 0;
}

int main(int argc, char **argv)
{
	char *const command[] = { argv[1], NULL };
	enum bpf_attach_type attach;
	enum bpf_prog_type type;

	if (argc < 4)
		return 2;
	libbpf_set_print(hear);
	kernel_says("before");
	if (trace(command, argv[2], argv[3]))
		return 1;
	kernel_says("after");
	/* libutramp has handlers of its own for these sections, in its own libbpf */
	if (libbpf_prog_type_by_name("fentry/seven", &type, &attach) == 0)
		printf("fentry-is %s\n", libbpf_bpf_prog_type_str(type));
	heard = 0;
	printf("own %s\n", bpf_object__open_file(argv[3], NULL) ? "opened" : "refused");
	printf("heard-of-own %s\n", heard ? "something" : "nothing");
	return 0;
}
