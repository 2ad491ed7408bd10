/* tests/verify/kernel.c - see kernel.h. */
#include "kernel.h"

#include "gen.h"
#include "same.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int maps[GEN_MAPS];
static char log_text[1 << 20];
static const char *before = "";

static int bpf(int cmd, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

static int make_map(uint32_t type, uint32_t key, uint32_t value, uint32_t n)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = key;
	attr.value_size = value;
	attr.max_entries = n;
	return bpf(BPF_MAP_CREATE, &attr);
}

/* log_size 0: no log. */
static int load(const struct bpf_insn *insn, int n, uint32_t log_size)
{
	union bpf_attr attr;
	int fd, tries = 0;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = (uint64_t)(uintptr_t)insn;
	attr.insn_cnt = (uint32_t)n;
	attr.license = (uint64_t)(uintptr_t) "GPL";
	attr.log_level = log_size ? 1 : 0;
	attr.log_size = log_size;
	attr.log_buf = log_size ? (uint64_t)(uintptr_t)log_text : 0;
	do /* of a signal, SIGSTOP of a debugger as well, the verifier gives up with EAGAIN */
		fd = bpf(BPF_PROG_LOAD, &attr);
	while (fd == -EAGAIN && ++tries < 5);
	return fd;
}

bool kernel_open(const char **why)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = load(nothing, 2, 0);

	*why = fd < 0 ? strerror(-fd) : "no maps";
	if (fd < 0)
		return false;
	close(fd);
	maps[GEN_ARRAY] = make_map(BPF_MAP_TYPE_ARRAY, 4, GEN_VALUE_BYTES, GEN_ENTRIES);
	maps[GEN_HASH] = make_map(BPF_MAP_TYPE_HASH, 4, GEN_VALUE_BYTES, GEN_ENTRIES);
	maps[GEN_RING] = make_map(BPF_MAP_TYPE_RINGBUF, 0, 0, GEN_RING_BYTES);
	for (unsigned k = 0; k < GEN_MAPS; k++)
		if (maps[k] < 0)
			return false;
	return true;
}

/* Why: the log's last line but the verifier's statistics. */
static const char *reason(void)
{
	char *last = log_text, *save = NULL;

	before = "";
	for (char *s = strtok_r(log_text, "\n", &save); s; s = strtok_r(NULL, "\n", &save))
		if (strncmp(s, "processed ", 10)) {
			before = s == last ? "" : last;
			last = s;
		}
	return last;
}

/* With descriptors of maps in place of their numbers. */
static const struct bpf_insn *with_maps(const struct bpf_insn *insn, int n)
{
	static struct bpf_insn copy[SAME_MAX_INSNS];

	memcpy(copy, insn, (size_t)n * sizeof(*insn));
	for (int i = 0; i < n; i++)
		if (copy[i].code == (BPF_LD | BPF_IMM | BPF_DW) &&
		    copy[i].src_reg == BPF_PSEUDO_MAP_FD && (unsigned)copy[i].imm < GEN_MAPS)
			copy[i].imm = maps[copy[i].imm];
	return copy;
}

bool kernel_accepts(const struct bpf_insn *insn, int n)
{
	int fd = load(with_maps(insn, n), n, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

const char *kernel_refuses(const struct bpf_insn *insn, int n)
{
	const struct bpf_insn *copy = with_maps(insn, n);
	int fd = load(copy, n, 0);

	if (fd >= 0) {
		close(fd);
		return NULL;
	}
	log_text[0] = '\0';
	load(copy, n, sizeof(log_text));
	return log_text[0] ? reason() : strerror(-fd);
}

const char *kernel_before(void)
{
	return before;
}

const char *kernel_log(const struct bpf_insn *insn, int n)
{
	log_text[0] = '\0';
	load(with_maps(insn, n), n, sizeof(log_text));
	return log_text;
}
