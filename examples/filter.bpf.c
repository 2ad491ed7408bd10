/*
 * filter.bpf.c - SQL statements that begin with a word, whoever runs them.
 *
 *	utramp run filter.bpf.o -- sqlite3 :memory: 'create table t(x); insert into t values(1);'
 *
 * What does not match leaves no trace but a counter.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <utramp/tracing.bpf.h>

char LICENSE[] SEC("license") = "MIT";

#define WORD "insert"

__u64 seen, matched;

SEC("fentry/libsqlite3.so.0:sqlite3_prepare_v2")
int UT_PROG(on_prepare, void *, db, const char *, sql, int, size)
{
	char text[128];

	__sync_fetch_and_add(&seen, 1);
	if (bpf_probe_read_user_str(text, sizeof(text), sql) <= 0)
		return 0;
	if (bpf_strncmp(text, sizeof(WORD) - 1, WORD))
		return 0;
	__sync_fetch_and_add(&matched, 1);
	bpf_printk("%s", text);
	return 0;
}
