/* printing.bpf.c - lines by bpf_printk() with many arguments, texts by BPF_SNPRINTF(), states by name. */
#include "../programs.h"

enum state { IDLE, READING, WRITING, CLOSED, STATES };

static const char *const never_read = "unused";
const char names[STATES][8] = { "idle", "reading", "writing", "closed" };
char line[48], last_name[8];
__u64 chars, moves[STATES];

static __always_inline enum state next(enum state s, int conn)
{
	switch (s) {
	case IDLE:
		return conn ? READING : IDLE;
	case READING:
		return conn == 1 ? WRITING : READING;
	case WRITING:
		return conn & 1 ? CLOSED : READING;
	default:
		return IDLE;
	}
}

int _state;

SEC("fentry/transfer")
int BPF_PROG(move, int conn, const void *buf, size_t len)
{
	unsigned s = next(_state, conn);

	if (s >= STATES)
		return 0;
	_state = s;
	moves[s]++;
	__builtin_memcpy(last_name, names[s], sizeof(last_name));
	if (len == 7)
		bpf_printk("%d %lu %s %d %d", conn, len, last_name, s, never_read != NULL);
	chars += BPF_SNPRINTF(line, sizeof(line), "%s:%d:%lu:%x", names[s], conn, len, s);
	return 0;
}
