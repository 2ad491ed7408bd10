/*
 * ctl/cfi.c - what the target needs to unwind by .eh_frame: struct rt_cfi, filled in there.
 *
 * A module's tables are found by the program headers that it has in memory, so what became of its
 * file does not matter.  Modules loaded later are not there before the next call.
 *
 * Errors   -errno of the target's mmap(), -EFAULT: it is gone
 * Context  [ctl] stopped processes only
 * Spec     LSB 5.0 Core 10.6.2 (PT_GNU_EH_FRAME); vdso(7)
 */
#include "ctl/priv.h"

#include "base/cleanup.h"
#include "base/types.h"
#include "shm/layout.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define MAX_PHDRS 64

/* .eh_frame_hdr of what is mapped at lo; 0: there is none, or no ELF file begins there. */
static taddr_t find_hdr(struct process *p, taddr_t lo)
{
	Elf64_Phdr ph[MAX_PHDRS];
	taddr_t first = 0, hdr = 0;
	bool have_first = false;
	Elf64_Ehdr e;

	if (process_read(p, lo, &e, sizeof(e)) < 0 || memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 ||
	    e.e_phentsize != sizeof(ph[0]) || !e.e_phnum || e.e_phnum > MAX_PHDRS ||
	    e.e_phoff > UINT32_MAX ||
	    process_read(p, lo + e.e_phoff, ph, e.e_phnum * sizeof(ph[0])) < 0)
		return 0;
	for (unsigned i = 0; i < e.e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && !have_first) {
			first = ph[i].p_vaddr - ph[i].p_offset;
			have_first = true;
		}
		if (ph[i].p_type == PT_GNU_EH_FRAME)
			hdr = ph[i].p_vaddr;
	}
	return hdr && have_first ? lo + (hdr - first) : 0;
}

static void add(struct process *p, struct rt_cfi *c, taddr_t lo, taddr_t hi)
{
	taddr_t hdr = find_hdr(p, lo);
	uint64_t i;

	if (!hdr || c->nmodules == RT_CFI_MODULES)
		return;
	for (i = c->nmodules++; i && c->module[i - 1].lo > lo; i--)
		c->module[i] = c->module[i - 1];
	c->module[i] = (struct rt_cfi_module){ lo, hi, hdr };
}

static int make_room(struct process *p, struct diag *d)
{
	const uint64_t arg[6] = {
		0,
		sizeof(struct rt_cfi),
		PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS,
		(uint64_t)-1,
		0,
	};
	long at = process_syscall(p, SYS_mmap, arg);

	if (at < 0 && at >= -4095)
		return diag_set(d, (int)at, "process %d: no memory for tables of its stacks: %s",
				p->pid, strerror((int)-at));
	p->cfi = (taddr_t)at;
	return 0;
}

int process_fill_cfi(struct process *p, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	const struct map_region *vdso = maps_at(&p->modules.maps, pp->vdso);
	_free_ struct rt_cfi *c = NULL;
	int err;

	if (pp->cfi_known)
		return 0;
	c = calloc(1, sizeof(*c));
	err = c ? 0 : -ENOMEM;
	if (!err && !p->cfi)
		err = make_room(p, d);
	if (err)
		return err;
	for (size_t i = 0; i < p->modules.n; i++)
		add(p, c, p->modules.at[i].lo, p->modules.at[i].hi);
	if (vdso && pp->vdso)
		add(p, c, vdso->lo, vdso->hi);
	err = process_write(p, p->cfi, c, sizeof(*c));
	pp->cfi_known = !err;
	return err ? diag_set(d, err, "cannot write tables of its stacks") : 0;
}
