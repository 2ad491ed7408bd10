/*
 * tests/late/victim.c - loads libraries while it runs, and unloads them.
 *
 *   victim late LIB N           load, wait, N calls
 *   victim early LIB N          load, N calls at once
 *   victim reload LIB N K       K times: load, wait, N calls, unload
 *   victim twice LIB LIB N      load both, and the first once more in a namespace of its own; N calls each
 *   victim counted LIB N        load twice, unload once, N calls
 *   victim replace LIB NEW N    load, wait, N calls, unload; NEW takes LIB's place; the same again
 *   victim over LIB OTHER N     load, wait, N calls, unload; OTHER is mapped where LIB was
 *   victim after LIB OTHER N    the same, OTHER is loaded by dlopen()
 *   victim storm N LIB...       a thread for each LIB: N times load, call, unload
 *   victim absent CODE          nothing; exits with CODE
 *
 * "Wait" is until the function's first bytes are not the file's any more, 20 s at most.  Results are
 * checked; what is printed is the number of calls made while the function was seen patched.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK  16
#define PAGE  4096ul
#define MAX_S 20

typedef long (*one_fn)(long, int);

static void die(const char *what)
{
	fprintf(stdout, "victim: %s: %s\n", what, strerror(errno));
	exit(9);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void nap(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	nanosleep(&ms, NULL);
}

static void *load(const char *path)
{
	void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!h) {
		printf("victim: %s\n", dlerror());
		exit(9);
	}
	return h;
}

static void *symbol(void *h, const char *name)
{
	void *at = dlsym(h, name);

	if (!at)
		die(name);
	return at;
}

/* The bytes that the file has where addr is mapped from. */
static void file_bytes(const void *addr, void *out, size_t n)
{
	struct link_map *map = NULL;
	Dl_info info;
	int fd;

	/* libraries of ours have file offsets that are addresses, in their code */
	if (!dladdr1(addr, &info, (void **)&map, RTLD_DL_LINKMAP))
		die("dladdr1");
	fd = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
	if (fd < 0 ||
	    pread(fd, out, n, (const char *)addr - (const char *)info.dli_fbase) != (ssize_t)n)
		die(info.dli_fname);
	close(fd);
}

/* 0: it stayed as it is in the file. */
static int wait_patched(void *addr)
{
	char file[LOOK];
	double end = now() + MAX_S;

	file_bytes(addr, file, sizeof(file));
	while (!memcmp(addr, file, sizeof(file))) {
		if (now() > end)
			return 0;
		nap();
	}
	return 1;
}

static void calls(one_fn one, int n)
{
	for (int i = 0; i < n; i++) {
		long got = one(i, 7);

		/* by each library's SEED */
		if (got != i * 3l + 7 && got != i * 3l + 14) {
			printf("victim: a wrong result: %ld\n", got);
			exit(9);
		}
	}
}

static int load_and_call(const char *lib, int n, void **h, one_fn *one)
{
	*h = load(lib);
	*one = (one_fn)symbol(*h, "late_one");
	if (!wait_patched((void *)*one)) {
		printf("victim: %s was not patched\n", lib);
		exit(8);
	}
	calls(*one, n);
	return n;
}

static void unload(void *h, const void *at)
{
	Dl_info info;

	if (dlclose(h))
		die("dlclose");
	if (dladdr(at, &info) && info.dli_fbase)
		die("it was not unloaded");
}

static int reload(const char *lib, int n, int k)
{
	int total = 0;
	one_fn one;
	void *h;

	while (k--) {
		total += load_and_call(lib, n, &h, &one);
		unload(h, (void *)one);
	}
	return total;
}

static int twice(char **lib, int n)
{
	void *h[3] = { load(lib[0]), load(lib[1]), dlmopen(LM_ID_NEWLM, lib[0], RTLD_NOW) };
	int total = 0;

	if (!h[2])
		die("dlmopen");
	for (int i = 0; i < 3; i++) {
		one_fn one = (one_fn)symbol(h[i], "late_one");

		if (!wait_patched((void *)one)) {
			printf("victim: number %d was not patched\n", i);
			exit(8);
		}
		calls(one, n);
		total += n;
	}
	return total;
}

static int counted(const char *lib, int n)
{
	one_fn one;
	void *h;
	int total = load_and_call(lib, n, &h, &one);

	load(lib);
	dlclose(h);
	for (int i = 0; i < 100; i++)
		nap();
	calls(one, n);
	return total + n;
}

/* As a package manager does it, or (again) as cp does over a file that is gone. */
static void take_place(const char *new, const char *lib)
{
	char *bytes = NULL;
	struct stat st;
	int in = open(new, O_RDONLY | O_CLOEXEC), out;

	if (in < 0 || fstat(in, &st) || !(bytes = malloc((size_t)st.st_size)) ||
	    read(in, bytes, (size_t)st.st_size) != st.st_size)
		die(new);
	unlink(lib);
	out = open(lib, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (out < 0 || write(out, bytes, (size_t)st.st_size) != st.st_size)
		die(lib);
	close(in);
	close(out);
	free(bytes);
}

static int replace(const char *lib, const char *new, int n)
{
	one_fn one, two;
	void *h;
	int total = load_and_call(lib, n, &h, &one);

	unload(h, (void *)one);
	take_place(new, lib);
	total += load_and_call(lib, n, &h, &two);
	if ((char *)one == (char *)two)
		printf("victim: the same address, which says little\n");
	return total;
}

static void wait_line(void)
{
	char line[8];

	fflush(stdout);
	if (read(0, line, sizeof(line)) <= 0)
		die("stdin");
}

/* Some bytes of other, page by page over the place that lib's function had. */
static int over(const char *lib, const char *other, int n)
{
	one_fn one;
	void *h;
	int total = load_and_call(lib, n, &h, &one), fd = open(other, O_RDONLY | O_CLOEXEC);
	char *at = (char *)((unsigned long)one & ~(PAGE - 1)), *map;
	char was[PAGE];

	unload(h, (void *)one);
	if (fd < 0 || pread(fd, was, PAGE, 0) != PAGE)
		die(other);
	map = mmap(at, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0);
	if (map != at)
		die("mmap");
	printf("%d\n", total);
	wait_line();
	printf("%s\n", memcmp(at, was, PAGE) ? "changed" : "untouched");
	return total;
}

static int after(const char *lib, const char *other, int n)
{
	unsigned char file[LOOK];
	one_fn one, two;
	void *h;
	int total = load_and_call(lib, n, &h, &one);

	unload(h, (void *)one);
	h = load(other);
	two = (one_fn)symbol(h, "other_one");
	calls(two, n);
	printf("%d\n", total);
	wait_line();
	file_bytes((void *)two, file, sizeof(file));
	printf("%s%s\n", memcmp((void *)two, file, sizeof(file)) ? "changed" : "untouched",
	       (void *)two == (void *)one ? "" : ", elsewhere");
	return total;
}

struct storm {
	const char *lib;
	int n;
};

static void *storm_thread(void *arg)
{
	const struct storm *s = arg;

	for (int i = 0; i < s->n; i++) {
		void *h = load(s->lib);

		calls((one_fn)symbol(h, "late_one"), 3);
		if (dlclose(h))
			die("dlclose");
	}
	return NULL;
}

static int storm(int n, char **lib)
{
	pthread_t thread[16];
	struct storm s[16];
	int k = 0;

	for (; lib[k] && k < 16; k++) {
		s[k] = (struct storm){ lib[k], n };
		if (pthread_create(&thread[k], NULL, storm_thread, &s[k]))
			die("pthread_create");
	}
	for (int i = 0; i < k; i++)
		pthread_join(thread[i], NULL);
	return 3 * n * k;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";
	int total = -1;
	one_fn one;
	void *h;

	if (!strcmp(mode, "late")) {
		total = load_and_call(argv[2], atoi(argv[3]), &h, &one);
	} else if (!strcmp(mode, "early")) {
		calls((one_fn)symbol(load(argv[2]), "late_one"), total = atoi(argv[3]));
	} else if (!strcmp(mode, "reload")) {
		total = reload(argv[2], atoi(argv[3]), atoi(argv[4]));
	} else if (!strcmp(mode, "twice")) {
		total = twice(argv + 2, atoi(argv[4]));
	} else if (!strcmp(mode, "counted")) {
		total = counted(argv[2], atoi(argv[3]));
	} else if (!strcmp(mode, "replace")) {
		total = replace(argv[2], argv[3], atoi(argv[4]));
	} else if (!strcmp(mode, "over")) {
		return over(argv[2], argv[3], atoi(argv[4])) < 0;
	} else if (!strcmp(mode, "after")) {
		return after(argv[2], argv[3], atoi(argv[4])) < 0;
	} else if (!strcmp(mode, "storm")) {
		total = storm(atoi(argv[2]), argv + 3);
	} else if (!strcmp(mode, "absent")) {
		return atoi(argv[2]);
	}
	printf("%d\n", total);
	return total < 0;
}
