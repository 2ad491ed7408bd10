/*
 * sqlite_column.bpf.c - a call with nine arguments of Debian's own sqlite3, and its result.
 *
 * The shell's ".dump --preserve-rowids" asks sqlite3_table_column_metadata() for each
 * table's rowid.  Six of the arguments travel in registers, three on the stack.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

SEC("fexit/libsqlite3.so.0:sqlite3_table_column_metadata")
int BPF_PROG(column_metadata, void *db, const char *db_name, const char *table, const char *column,
	     const char **type, const char **collation, int *not_null, int *primary_key,
	     int *auto_inc, int ret)
{
	char name[32] = "", col[32] = "";

	bpf_probe_read_user_str(name, sizeof(name), table);
	bpf_probe_read_user_str(col, sizeof(col), column);
	bpf_printk("sqlite3_table_column_metadata(db=%p, db_name=%p, table=\"%s\", column=\"%s\", "
		   "type=%p, collation=%p, not_null=%p, primary_key=%p, auto_inc=%p) = %d",
		   db, db_name, name, col, type, collation, not_null, primary_key, auto_inc, ret);
	return 0;
}
