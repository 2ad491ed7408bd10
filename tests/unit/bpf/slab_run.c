/* slab_run.c - see slab_run.h. */
#include "slab_run.h"

#include "bpf/insn.h"
#include "bpf/interp.h"
#include "info/objfile.h"
#include "rt/slab.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Order wanted by cmocka.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define STACK_BYTES (PROGRAM_MAX_CALLS * PROGRAM_MAX_STACK)

/* The template is the file's beginning; the rest is a hole. */
static uint64_t load(void)
{
	int fd = memfd_create("slab", MFD_CLOEXEC);
	char path[64];
	struct link_map *lm;
	void *dl;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, slab_interp_template, slab_interp_template_size),
			 slab_interp_template_size);
	assert_int_equal(ftruncate(fd, (off_t)slab_interp_file_size), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	dl = dlopen(path, RTLD_NOW);
	if (!dl)
		fail_msg("%s", dlerror());
	assert_int_equal(dlinfo(dl, RTLD_DI_LINKMAP, &lm), 0);
	close(fd);
	return lm->l_addr;
}

uint64_t slab_symbol(const char *name)
{
	static struct objfile *slab;
	static uint64_t base;
	const struct objsym *s;

	if (!slab) {
		assert_int_equal(objfile_open_mem(slab_interp_template, slab_interp_template_size,
						  "slab", &slab, NULL),
				 0);
		base = load();
	}
	s = objfile_sym(slab, name);
	if (!s)
		fail_msg("the slab has no %s", name);
	return base + s->addr;
}

uint64_t slab_run(const struct program *p, const struct engine_env *env, uint64_t r1, uint64_t r2)
{
	static uint8_t stack[STACK_BYTES] __attribute__((aligned(16)));
	static uint64_t go;
	void *image = malloc(interp_image_size(p));
	struct interp_frame frame[INTERP_FRAMES];
	struct interp m = { .p = image, .frame = frame };
	int err;

	assert_non_null(image);
	go = go ? go : slab_symbol("interp_go");
	interp_image_write(p, env, (uint64_t)(uintptr_t)image, image);
	m.r[1] = r1;
	m.r[2] = r2;
	m.r[INSN_FP] = (uint64_t)(uintptr_t)(stack + STACK_BYTES);
	memset(stack + STACK_BYTES - p->stack_depth, 0, p->stack_depth);
	err = ((int (*)(struct interp *, uint64_t))(uintptr_t)go)(&m, 100000000);
	if (err)
		fail_msg("interp_go of the slab: %d at insn %u", err, m.at);
	free(image);
	return m.r[0];
}
