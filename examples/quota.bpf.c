/*
 * quota.bpf.c - so many SQL statements for each user, and no more.
 *
 *	utramp run quota.bpf.o -- sqlite3 :memory: 'select 1; select 2; select 3; select 4'
 *
 * A fmod_ret program's own result, if it is not 0, is the function's: here SQLITE_BUSY.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <utramp/tracing.bpf.h>

char LICENSE[] SEC("license") = "MIT";

#define SQLITE_BUSY 5

struct use {
	__u64 allowed, refused;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* user id */
	__type(value, struct use);
} users SEC(".maps");

__u64 quota = 3;

SEC("fmod_ret/libsqlite3.so.0:sqlite3_prepare_v2")
int ask_quota(void *ctx)
{
	__u32 uid = (__u32)bpf_get_current_uid_gid();
	struct use *use = bpf_map_lookup_elem(&users, &uid), first = { 0 };

	if (!use) {
		bpf_map_update_elem(&users, &uid, &first, BPF_NOEXIST);
		use = bpf_map_lookup_elem(&users, &uid);
	}
	if (!use) /* no room for more users: let them */
		return 0;
	if (__sync_fetch_and_add(&use->allowed, 1) < quota)
		return 0;
	__sync_fetch_and_add(&use->allowed, -1);
	__sync_fetch_and_add(&use->refused, 1);
	return SQLITE_BUSY;
}
