/*
 * kernel.c - many programs through this kernel's verifier and JIT, as raw tracepoints.
 *
 * stdin: records.h, a memory is the program's ctx of twelve words.  stdout, for each record:
 * u32 0 and by memory the u32 that BPF_PROG_TEST_RUN gives, or the errno of the refusal with the
 * last line of the verifier's log.  Exit 77: bpf(2) is not allowed here.
 *
 * bpf(2) is called itself: libbpf's calls are answered by src/sys/ wherever that is linked.
 */
#include "records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char log_text[1 << 20];

static int bpf(int cmd, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

/* log_size 0: no log. */
static int load(const struct bpf_insn *insn, uint32_t n, uint32_t log_size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = (uint64_t)(uintptr_t)insn;
	attr.insn_cnt = n;
	attr.license = (uint64_t)(uintptr_t) "GPL";
	attr.log_level = log_size ? 1 : 0;
	attr.log_size = log_size;
	attr.log_buf = log_size ? (uint64_t)(uintptr_t)log_text : 0;
	return bpf(BPF_PROG_LOAD, &attr);
}

static int run(int fd, const uint8_t *ctx, uint32_t len, uint32_t *r0)
{
	union bpf_attr attr;
	int err;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)fd;
	attr.test.ctx_in = (uint64_t)(uintptr_t)ctx;
	attr.test.ctx_size_in = len;
	err = bpf(BPF_PROG_TEST_RUN, &attr);
	*r0 = attr.test.retval;
	return err;
}

/* Why: the log's last line but the verifier's statistics. */
static const char *reason(void)
{
	char *last = log_text, *save = NULL;

	for (char *s = strtok_r(log_text, "\n", &save); s; s = strtok_r(NULL, "\n", &save)) {
		if (strncmp(s, "processed ", 10))
			last = s;
	}
	return last;
}

static void one(const struct record *r)
{
	int fd = load(r->insn, r->h.ninsns, 0), err = fd < 0 ? fd : 0;
	uint32_t *r0 = calloc(r->h.nmem + 1, sizeof(*r0));

	if (!r0)
		exit(1);
	log_text[0] = '\0';
	if (err) {
		load(r->insn, r->h.ninsns, sizeof(log_text));
		record_refuse(err, reason());
	}
	for (uint32_t k = 0; !err && k < r->h.nmem; k++) {
		err = run(fd, r->mems + (size_t)k * r->h.mem_len, r->h.mem_len, &r0[k]);
		if (err)
			record_refuse(err, "BPF_PROG_TEST_RUN");
	}
	if (!err) {
		record_put32(0);
		record_put(r0, r->h.nmem * sizeof(*r0));
	}
	if (fd >= 0)
		close(fd);
	free(r0);
}

int main(void)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	static const uint8_t ctx[96];
	struct record r = { 0 };
	uint32_t r0;
	int fd = load(nothing, 2, 0), err = fd < 0 ? fd : run(fd, ctx, sizeof(ctx), &r0);

	if (err) {
		fprintf(stderr, "bpf(2): %s\n", strerror(-err));
		return 77;
	}
	close(fd);
	while (record_next(&r))
		one(&r);
	fflush(stdout);
	return 0;
}
