/*
 * ctl/image.c - the program that a process runs, as the kernel tells of it: auxiliary vector and
 * program headers.
 *
 * Errors   -errno of reading; -EBADMSG headers that say nothing
 * Context  [ctl]
 * Spec     getauxval(3); ELF gABI "Program Header"
 */
#include "base/cleanup.h"
#include "ctl/priv.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int read_aux(struct process *p, struct aux *out)
{
	uint64_t pair[2 * 64] = { 0 };
	char path[32];
	_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/auxv", p->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, pair, sizeof(pair));
	if (n < 0)
		return -errno;
	for (ssize_t i = 0; i + 1 < n / 8; i += 2) {
		switch (pair[i]) {
		case AT_BASE:
			out->loader = pair[i + 1];
			break;
		case AT_PHDR:
			out->phdr = pair[i + 1];
			break;
		case AT_PHENT:
			out->phent = pair[i + 1];
			break;
		case AT_PHNUM:
			out->phnum = pair[i + 1];
			break;
		case AT_ENTRY:
			out->entry = pair[i + 1];
			break;
		case AT_SECURE:
			out->secure = pair[i + 1];
			break;
		case AT_SYSINFO_EHDR:
			out->vdso = pair[i + 1];
			break;
		default:
			break;
		}
	}
	return 0;
}

int exe_range(struct process *p, const struct aux *a, const struct map_list *maps,
	      struct taddr_range *out)
{
	const struct map_region *r = maps_at(maps, a->phdr);
	taddr_t lo = UINT64_MAX, hi = 0, bias = 0;
	bool have_bias = false;
	Elf64_Phdr ph;

	for (uint64_t i = 0; i < a->phnum; i++) {
		if (process_read(p, a->phdr + i * a->phent, &ph, sizeof(ph)) < 0)
			return -EBADMSG;
		if (ph.p_type == PT_PHDR) {
			bias = a->phdr - ph.p_vaddr;
			have_bias = true;
		}
		if (ph.p_type != PT_LOAD)
			continue;
		lo = ph.p_vaddr < lo ? ph.p_vaddr : lo;
		hi = ph.p_vaddr + ph.p_memsz > hi ? ph.p_vaddr + ph.p_memsz : hi;
	}
	if (!have_bias && r) /* the headers lie in the first segment */
		bias = r->lo - (lo & ~4095ull);
	if (lo >= hi || (!have_bias && !r))
		return -EBADMSG;
	out->lo = lo + bias;
	out->hi = hi + bias;
	return 0;
}

int process_user(const struct process *p, unsigned *uid, unsigned *gid)
{
	char path[32], line[256];
	_fclose_ FILE *f = NULL;
	int seen = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", p->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		seen += sscanf(line, "Uid: %*u %*u %*u %u", uid) == 1;
		seen += sscanf(line, "Gid: %*u %*u %*u %u", gid) == 1;
	}
	return seen == 2 ? 0 : -ESRCH;
}
