/*
 * sqlite_column.bpf.c - a call with nine arguments of Debian's own sqlite3, and its result, as
 * an event in a ring buffer.
 *
 *	utramp run sqlite_column.bpf.o -- sqlite3 FILE '.dump --preserve-rowids'
 *
 * The shell asks sqlite3_table_column_metadata() for each table's rowid.  Six of the arguments
 * travel in registers, three on the stack.  `utramp run` prints a ring's records by the
 * struct that is called as the ring, with _event behind it.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

struct columns_event {
	void *db;
	char db_name[16], table[32], column[32];
	const char **type, **collation;
	int *not_null, *primary_key, *auto_inc;
	int ret;
};

/* So that the compiler keeps the type. */
const struct columns_event *unused __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} columns SEC(".maps");

SEC("fexit/libsqlite3.so.0:sqlite3_table_column_metadata")
int BPF_PROG(column_metadata, void *db, const char *db_name, const char *table, const char *column,
	     const char **type, const char **collation, int *not_null, int *primary_key,
	     int *auto_inc, int ret)
{
	struct columns_event *e = bpf_ringbuf_reserve(&columns, sizeof(*e), 0);

	if (!e) /* full: counted, and told at the end */
		return 0;
	__builtin_memset(e, 0, sizeof(*e));
	e->db = db;
	bpf_probe_read_user_str(e->db_name, sizeof(e->db_name), db_name);
	bpf_probe_read_user_str(e->table, sizeof(e->table), table);
	bpf_probe_read_user_str(e->column, sizeof(e->column), column);
	e->type = type;
	e->collation = collation;
	e->not_null = not_null;
	e->primary_key = primary_key;
	e->auto_inc = auto_inc;
	e->ret = ret;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
