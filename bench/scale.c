/*
 * scale.c - attach to every function of a large library, in the ways there are; bench/scale.py.
 *
 *     scale target LIB                    map LIB, say so, sleep until stdin ends
 *     scale utramp PID LIB OBJECT N       the first N functions of LIB in PID by the library
 *     scale multi PID LIB N               the same by one BPF_LINK_TYPE_UPROBE_MULTI
 *     scale single PID LIB N              the same by a perf event for each
 *     scale names LIB N                   which they are: offsets in the file
 *
 * Functions are symbols of type FUNC of LIB's .dynsym, one for each address, in its order.  Each
 * way prints a line of JSON: milliseconds for attaching and detaching, functions, and what the
 * target's private memory grew by.  What the kernel does not permit: exit status 3.
 *
 * uprobe_multi is bpf(2) by hand, since libbpf 1.1 does not know it; the numbers are those of
 * linux/bpf.h 6.6 (BPF_TRACE_UPROBE_MULTI, union bpf_attr.link_create.uprobe_multi).
 */
#include "utramp/attach.h"
#include "utramp/utramp.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NOT_PERMITTED = 3, TRACE_UPROBE_MULTI = 48 };

/* Milliseconds that have passed, and those that this process ran: of the kernel for it, too. */
struct moment {
	double wall, cpu;
};

static double clock_ms(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct moment now(void)
{
	return (struct moment){ clock_ms(CLOCK_MONOTONIC), clock_ms(CLOCK_PROCESS_CPUTIME_ID) };
}

static int refused(const char *what)
{
	fprintf(stderr, "scale: %s: %s\n", what, strerror(errno));
	return NOT_PERMITTED;
}

/* "Private_Dirty" of all mappings, KiB. */
static long dirty(int pid)
{
	char path[64], line[256];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f) && sscanf(line, "Private_Dirty: %ld", &kib) != 1)
		;
	if (f)
		fclose(f);
	return kib;
}

/* -- which functions -------------------------------------------------------------------------- */

struct functions {
	unsigned long *offset; /* in the file */
	size_t n;
};

static int by_offset(const void *a, const void *b)
{
	const unsigned long *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static unsigned long to_offset(const Elf64_Ehdr *eh, unsigned long addr)
{
	const Elf64_Phdr *ph = (const void *)((const char *)eh + eh->e_phoff);

	for (unsigned i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_X) && addr >= ph[i].p_vaddr &&
		    addr < ph[i].p_vaddr + ph[i].p_filesz)
			return addr - ph[i].p_vaddr + ph[i].p_offset;
	}
	return 0;
}

static void add_symbols(const Elf64_Ehdr *eh, const Elf64_Shdr *sh, struct functions *f)
{
	const Elf64_Sym *sym = (const void *)((const char *)eh + sh->sh_offset);
	size_t n = sh->sh_size / sizeof(*sym);

	f->offset = calloc(n + 1, sizeof(*f->offset));
	for (size_t i = 0; i < n && f->offset; i++) {
		unsigned long at = sym[i].st_shndx ? to_offset(eh, sym[i].st_value) : 0;

		if (at && ELF64_ST_TYPE(sym[i].st_info) == STT_FUNC)
			f->offset[f->n++] = at;
	}
}

static int read_functions(const char *lib, size_t max, struct functions *f)
{
	int fd = open(lib, O_RDONLY | O_CLOEXEC);
	const Elf64_Ehdr *eh;
	const Elf64_Shdr *sh;
	size_t kept = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return refused(lib);
	eh = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (eh == MAP_FAILED)
		return refused(lib);
	sh = (const void *)((const char *)eh + eh->e_shoff);
	for (unsigned i = 0; i < eh->e_shnum && !f->n; i++) {
		if (sh[i].sh_type == SHT_DYNSYM)
			add_symbols(eh, &sh[i], f);
	}
	qsort(f->offset, f->n, sizeof(*f->offset), by_offset);
	for (size_t i = 0; i < f->n; i++) {
		if (!kept || f->offset[kept - 1] != f->offset[i])
			f->offset[kept++] = f->offset[i];
	}
	f->n = kept < max ? kept : max;
	return 0;
}

/* -- the target ------------------------------------------------------------------------------ */

static int target(const char *lib)
{
	char byte;

	if (!dlopen(lib, RTLD_NOW)) {
		fprintf(stderr, "scale: %s\n", dlerror());
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}

/* -- the kernel's ways --------------------------------------------------------------------------- */

static int bpf(int cmd, union bpf_attr *attr, size_t size)
{
	return (int)syscall(SYS_bpf, cmd, attr, size);
}

/* r0 = 0; exit: no map, so that memory is the probes' alone. */
static int load(unsigned expected)
{
	static const struct bpf_insn insn[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_KPROBE;
	attr.expected_attach_type = expected;
	attr.insns = (uintptr_t)insn;
	attr.insn_cnt = sizeof(insn) / sizeof(insn[0]);
	attr.license = (uintptr_t) "GPL";
	return bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

/* union bpf_attr.link_create, as 6.6 has it */
struct multi {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid;
};

/* t: before and behind attaching, before and behind detaching. */
static void print_result(const char *how, size_t n, const struct moment t[4], long kib)
{
	printf("{\"how\": \"%s\", \"functions\": %zu, \"attach_ms\": %.3f, \"attach_cpu_ms\": %.3f, "
	       "\"detach_ms\": %.3f, \"detach_cpu_ms\": %.3f, \"private_kib\": %ld",
	       how, n, t[1].wall - t[0].wall, t[1].cpu - t[0].cpu, t[3].wall - t[2].wall,
	       t[3].cpu - t[2].cpu, kib);
}

static int multi(int pid, const char *lib, const struct functions *f)
{
	union {
		struct multi m;
		char bytes[256];
	} attr;
	long before = dirty(pid), after;
	struct moment t[4];
	int prog = load(TRACE_UPROBE_MULTI), link;

	if (prog < 0)
		return refused("bpf(2), loading a program");
	memset(&attr, 0, sizeof(attr));
	attr.m = (struct multi){ .prog_fd = (uint32_t)prog,
				 .attach_type = TRACE_UPROBE_MULTI,
				 .path = (uintptr_t)lib,
				 .offsets = (uintptr_t)f->offset,
				 .cnt = (uint32_t)f->n,
				 .pid = (uint32_t)pid };
	t[0] = now();
	link = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, offsetof(struct multi, pid) + 4);
	t[1] = now();
	if (link < 0)
		return refused("BPF_LINK_CREATE of uprobe_multi");
	after = dirty(pid);
	t[2] = now();
	close(link);
	t[3] = now();
	print_result("uprobe_multi", f->n, t, after - before);
	puts("}");
	return 0;
}

static int uprobe_type(void)
{
	FILE *f = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	int type = -1;

	if (f && fscanf(f, "%d", &type) != 1)
		type = -1;
	if (f)
		fclose(f);
	return type;
}

static int single(int pid, const char *lib, const struct functions *f)
{
	struct rlimit files = { f->n + 64, f->n + 64 };
	long before = dirty(pid), after;
	int *fd = calloc(f->n + 1, sizeof(*fd)), prog = load(0), type = uprobe_type();
	struct moment t[4];

	if (prog < 0 || type < 0 || !fd)
		return refused("perf events of uprobes");
	setrlimit(RLIMIT_NOFILE, &files);
	t[0] = now();
	for (size_t i = 0; i < f->n; i++) {
		struct perf_event_attr attr = { .size = sizeof(attr),
						.type = (uint32_t)type,
						.config1 = (uintptr_t)lib,
						.config2 = f->offset[i] };

		fd[i] = (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
		if (fd[i] < 0 || ioctl(fd[i], PERF_EVENT_IOC_SET_BPF, prog) < 0 ||
		    ioctl(fd[i], PERF_EVENT_IOC_ENABLE, 0) < 0)
			return refused("perf_event_open of a uprobe");
	}
	t[1] = now();
	after = dirty(pid);
	t[2] = now();
	for (size_t i = 0; i < f->n; i++)
		close(fd[i]);
	t[3] = now();
	print_result("uprobes", f->n, t, after - before);
	puts("}");
	free(fd);
	return 0;
}

/* -- ours ------------------------------------------------------------------------------------- */

static int fail(const char *what)
{
	fprintf(stderr, "scale: %s: %s\n", what, utramp_error());
	return 1;
}

/*
 * The whole of it is timed, names and analysis included; and apart from it what the target waits.
 */
static int utramp(int pid, const char *lib, const char *object)
{
	const char *base = strrchr(lib, '/') ? strrchr(lib, '/') + 1 : lib;
	struct utramp_attach_pid_opts to = { .sz = sizeof(to) };
	struct utramp_attach_opts ao = { .sz = sizeof(ao), .missing_ok = true };
	struct utramp_target *t = utramp_target__attach_pid(pid, &to);
	struct utramp_object *o = utramp_object__open_file(object, NULL);
	struct utramp_program *p = o ? utramp_object__next_program(o, NULL) : NULL;
	struct utramp_link *l;
	struct moment at[4];
	double stop[3];
	long before, after;
	unsigned n;
	char spec[512];

	snprintf(spec, sizeof(spec), "%s:*", base);
	if (!t)
		return fail("attaching to the process");
	if (!p || utramp_program__add_target(p, spec) || utramp_object__load(o, t))
		return fail(object);
	before = dirty(pid);
	stop[0] = (double)utramp_target__stopped_ns(t) / 1e6;
	at[0] = now();
	l = utramp_program__attach(p, t, spec, &ao);
	at[1] = now();
	if (!l)
		return fail("attaching");
	stop[1] = (double)utramp_target__stopped_ns(t) / 1e6;
	after = dirty(pid);
	n = utramp_link__functions(l);
	at[2] = now();
	if (utramp_target__detach(t))
		return fail("detaching");
	at[3] = now();
	stop[2] = (double)utramp_target__stopped_ns(t) / 1e6;
	print_result("utramp", n, at, after - before);
	printf(", \"stopped_ms\": %.3f, \"detach_stopped_ms\": %.3f}\n", stop[1] - stop[0],
	       stop[2] - stop[1]);
	utramp_object__close(o);
	utramp_target__free(t);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: scale target LIB | utramp PID LIB OBJECT | multi PID LIB N | "
			"single PID LIB N | names LIB N\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct functions f = { 0 };
	const char *verb = argc > 2 ? argv[1] : "";
	bool names = !strcmp(verb, "names");
	int err;

	if (!strcmp(verb, "target"))
		return target(argv[2]);
	if (!strcmp(verb, "utramp") && argc == 5)
		return utramp(atoi(argv[2]), argv[3], argv[4]);
	if (argc != (names ? 4 : 5))
		return usage();
	err = read_functions(argv[names ? 2 : 3], strtoul(argv[argc - 1], NULL, 0), &f);
	if (err)
		return err;
	if (!strcmp(verb, "multi"))
		return multi(atoi(argv[2]), argv[3], &f);
	if (!strcmp(verb, "single"))
		return single(atoi(argv[2]), argv[3], &f);
	for (size_t i = 0; i < f.n; i++)
		printf("%#lx\n", f.offset[i]);
	return 0;
}
