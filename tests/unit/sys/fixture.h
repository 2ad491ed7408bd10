/*
 * Every test here runs as nobody and under a seccomp filter that kills the process at a
 * bpf(2) call: what passes made none.
 */
#ifndef TESTS_SYS_FIXTURE_H
#define TESTS_SYS_FIXTURE_H

#include "sys/sys.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct arena *arena;
	struct sys_session *s;
};

struct file {
	void *data;
	size_t size;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
void fixture_drop(void); /* nobody, no bpf(2), from now on */
struct file fixture_read(const char *path);

/* bpf(2) by libc's syscall(): through the wrapper.  -errno on failure. */
long call(int cmd, void *attr, unsigned size);

#define CALL(cmd, ...) \
	({ \
		union bpf_attr attr_ = { __VA_ARGS__ }; \
		call(cmd, &attr_, sizeof(attr_)); \
	})

int make_map(uint32_t type, uint32_t key, uint32_t value, uint32_t n, uint32_t flags);
int load_insns(uint32_t type, const struct bpf_insn *insn, uint32_t n);
int load_simple(void); /* r0 = 0; exit, as a raw tracepoint */
long count_ids(int next_cmd);

#define PTR(p)  ((uintptr_t)(p))
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

#endif
