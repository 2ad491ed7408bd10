/*
 * info/needed.c - see needed.h.
 */
#include "info/needed.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int find_in(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh, const char *prefix, char *out,
		   size_t cap)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	GElf_Dyn dyn;

	for (int i = 0; data && gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++) {
		const char *name;

		if (dyn.d_tag != DT_NEEDED)
			continue;
		name = elf_strptr(elf, sh->sh_link, dyn.d_un.d_val);
		if (!name || strncmp(name, prefix, strlen(prefix)) != 0)
			continue;
		snprintf(out, cap, "%s", name);
		return 0;
	}
	return -ENOENT;
}

int needed_find(const char *path, const char *prefix, char *out, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = -ENOENT;
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	Elf *elf;

	if (fd < 0)
		return -ENOENT;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	while (elf && err && (scn = elf_nextscn(elf, scn))) {
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_DYNAMIC)
			err = find_in(elf, scn, &sh, prefix, out, cap);
	}
	elf_end(elf);
	close(fd);
	return err;
}
