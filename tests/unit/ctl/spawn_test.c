#include "ctl_util.h"

#include "rt/slab.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

static char *const victim_env[] = { (char[]){ VICTIM }, (char[]){ "env" }, NULL };

/* Where slab files go in this test: other tests run beside it. */
static char runtime_dir[] = "/tmp/ctlrunXXXXXX";

static int setup(void **state)
{
	unsetenv("LD_LIBRARY_PATH"); /* meson's; it would find the library that shall be missing */
	return mkdtemp(runtime_dir) ? setenv("XDG_RUNTIME_DIR", runtime_dir, 1) : -1;
}

static int teardown(void **state)
{
	return rmdir(runtime_dir);
}

/* What is left in the place for slab files. */
static int leftovers(void)
{
	DIR *d = opendir(runtime_dir);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static int status_of(char *const argv[])
{
	struct victim v;
	int st;

	if (victim_spawn(&v, argv) < 0)
		fail_msg("%s: %s", argv[0], v.d.text);
	if (!v.p->exited)
		assert_int_equal(process_resume(v.p, &v.d), 0);
	st = victim_wait(&v);
	victim_free(&v);
	assert_int_equal(leftovers(), 0);
	return st;
}

static void test_status(void **state)
{
	char *const yes[] = { (char[]){ "/bin/true" }, NULL };
	char *const seven[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "exit 7" }, NULL };
	char *const killed[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "kill -9 $$" },
				 NULL };

	assert_int_equal(status_of(yes), 0);
	assert_int_equal(WEXITSTATUS(status_of(seven)), 7);
	assert_int_equal(WTERMSIG(status_of(killed)), 9);
}

static void test_stopped_before_constructors(void **state)
{
	char *const argv[] = { (char[]){ VICTIM }, (char[]){ "early" }, NULL };
	struct process_patch x[2];
	struct victim v;
	uint8_t now[6];

	assert_int_equal(victim_spawn(&v, argv), 0);
	assert_true(v.p->stopped && v.p->child && process_alive(v.p));
	assert_true(process_stopped_ns(v.p) > 0);
	x[0] = answer_patch(&v, "edge", 1, 43);
	x[1] = answer_patch(&v, "answer", 1, 42);
	assert_int_equal(process_patch(v.p, x, 2, &v.d), 0);
	assert_int_equal(process_read(v.p, x[1].addr, now, 6), 0);
	assert_memory_equal(now, x[1].bytes, 6);
	assert_int_equal(process_resume(v.p, &v.d), 0);
	assert_int_equal(victim_wait(&v), 0);
	assert_string_equal(victim_output(&v), "42 42 43\n");
	assert_false(process_alive(v.p));
	assert_int_equal(process_read(v.p, x[1].addr, now, 6), -ESRCH);
	victim_free(&v);
}

/* Output of the environment victim under us is that of the untraced one. */
static void check_env(void)
{
	struct victim v;
	char untraced[4096];
	FILE *f = popen(VICTIM " env", "r");
	size_t n = fread(untraced, 1, sizeof(untraced) - 1, f);

	untraced[n] = '\0';
	assert_int_equal(WEXITSTATUS(pclose(f)), 3);
	assert_int_equal(victim_spawn(&v, victim_env), 0);
	process_resume(v.p, NULL);
	assert_int_equal(WEXITSTATUS(victim_wait(&v)), 3);
	assert_string_equal(victim_output(&v), untraced);
	victim_free(&v);
}

static void test_environment(void **state)
{
	struct victim v;
	char *const raw[] = { (char[]){ VICTIM }, (char[]){ "rawenv" }, NULL };

	check_env();
	setenv("LD_PRELOAD", "libm.so.6", 1);
	check_env();
	setenv("LD_PRELOAD", "", 1);
	check_env();
	unsetenv("LD_PRELOAD");
	assert_int_equal(victim_spawn(&v, raw), 0);
	process_resume(v.p, NULL);
	victim_wait(&v);
	assert_string_equal(victim_output(&v), "utramp in environ: no\n");
	victim_free(&v);
}

static void test_users_preload_is_loaded(void **state)
{
	struct victim v;
	bool found = false;

	setenv("LD_PRELOAD", "libm.so.6", 1);
	assert_int_equal(victim_spawn(&v, victim_env), 0);
	unsetenv("LD_PRELOAD");
	for (size_t i = 0; i < v.p->modules.n; i++)
		found |= strstr(v.p->modules.at[i].path, "/libm.so.6") != NULL;
	assert_true(found);
	victim_free(&v); /* never ran: killed */
}

static void test_keep_env(void **state)
{
	const struct process_spawn_opts opts = { .slab = template_get(), .keep_env = true };
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" },
			       (char[]){ "case $LD_PRELOAD in *utramp-*) exit 4;; esac" }, NULL };
	struct process *p;
	bool exec;

	assert_int_equal(process_spawn(argv, &opts, &p, NULL), 0);
	process_resume(p, NULL);
	assert_int_equal(process_poll(p, 10000, &exec), 1);
	assert_int_equal(WEXITSTATUS(p->status), 4);
	process_free(p);
}

static void test_slabs(void **state)
{
	char *const fixed[] = { (char[]){ VICTIM_FIXED }, (char[]){ "early" }, NULL };
	char *const *programs[] = { victim_env, fixed };

	for (int i = 0; i < 2; i++) {
		struct victim v;
		struct slab *s;
		taddr_t libc = 0, exe = 0;
		struct stat st;
		char dir[256];

		if (victim_spawn(&v, programs[i]) < 0)
			fail_msg("%s", v.d.text);
		s = v.p->slab;
		for (size_t k = 0; k < v.p->modules.n; k++) {
			const struct module *m = &v.p->modules.at[k];

			if (strstr(m->path, "/libc.so"))
				libc = m->lo;
			if (strstr(m->path, "ctl_victim"))
				exe = m->lo;
		}
		assert_true(libc && exe && v.p->tls_off < 0);
		assert_true(llabs((int64_t)(s[SLAB_EXE].text - exe)) < 0x7fff0000);
		assert_true(llabs((int64_t)(s[SLAB_LIB].text - libc)) < 0x7fff0000);
		if (i == 0) /* a PIE's heap is not capped */
			assert_true(s[SLAB_EXE].text < exe);
		for (int k = 0; k < SLABS; k++) {
			uint8_t byte;

			assert_int_equal(process_read(v.p, s[k].text, &byte, 1), 0);
			assert_int_equal(process_read(v.p, s[k].shadow + s[k].room - 1, &byte, 1),
					 0);
			assert_int_equal(s[k].room, SLAB_CODE);
			assert_int_equal(s[k].shadow - s[k].text, SLAB_SHADOW_DISTANCE);
			assert_int_equal(fstat(s[k].fd, &st), 0);
			assert_int_equal(st.st_mode & 07777, 0500);
		}
		snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(s[0].path, '/') - s[0].path),
			 s[0].path);
		assert_int_equal(stat(dir, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
		process_resume(v.p, NULL);
		assert_int_equal(WEXITSTATUS(victim_wait(&v)), i ? 0 : 3);
		victim_free(&v);
		assert_int_equal(stat(dir, &st), -1);
	}
}

/* Each slab knows where it is, all else is one. */
static void assert_one_state(const struct process *p, struct rt_state s[SLABS])
{
	for (int i = 0; i < SLABS; i++) {
		assert_int_equal(s[i].text, p->slab[i].text);
		s[i].text = 0;
	}
	assert_memory_equal(&s[0], &s[1], sizeof(s[0]));
}

static void test_arena(void **state)
{
	char *const argv[] = { (char[]){ VICTIM }, (char[]){ "fds" }, NULL };
	struct rt_state s[SLABS];
	struct arena *a;
	struct victim v;
	shm_ref word, region;
	uint64_t got, magic = 0x1122334455667788;
	char untraced[64];
	struct rlimit stack;
	FILE *f;
	int fd;

	assert_int_equal(arena_create(&a), 0);
	word = arena_alloc(a, 8, 8);
	memcpy(shm_ptr(a, word, 8), &magic, 8);
	assert_int_equal(victim_spawn(&v, argv), 0);
	if (process_map_arena(v.p, a, RT_FLAG_NO_READS, &v.d) < 0)
		fail_msg("%s", v.d.text);
	assert_int_equal(process_read(v.p, v.p->arena + word, &got, 8), 0);
	assert_true(got == magic);
	/* a region that comes later */
	assert_int_equal(arena_add_region(a, 8192, false, "test", &region, &fd), 0);
	memcpy((char *)shm_ptr(a, region, 8192) + 4096, &magic, 8);
	assert_int_equal(process_map_arena(v.p, a, 0, &v.d), 0);
	assert_int_equal(v.p->regions, 1);
	got = 0;
	assert_int_equal(process_read(v.p, v.p->arena + region + 4096, &got, 8), 0);
	assert_true(got == magic);
	got = 7;
	assert_int_equal(process_write(v.p, v.p->arena + region, &got, 8), 0);
	assert_true(*(uint64_t *)shm_ptr(a, region, 8) == 7);
	for (int i = 0; i < SLABS; i++)
		assert_int_equal(process_read(v.p, v.p->slab[i].rt_state, &s[i], sizeof(s[i])), 0);
	assert_one_state(v.p, s);
	assert_true(s[0].magic == RT_STATE_MAGIC && s[0].version == SHM_VERSION);
	assert_true(s[0].tls_off == v.p->tls_off && s[0].arena == v.p->arena);
	assert_true(s[0].threads == v.p->threads && s[0].flags == 0);
	assert_true(s[0].clock_gettime != 0);
	assert_true(s[0].reserved[0] == 0);
	assert_int_equal(getrlimit(RLIMIT_STACK, &stack), 0);
	for (size_t i = 0; i < v.p->modules.maps.n && stack.rlim_cur != RLIM_INFINITY; i++) {
		if (!strcmp(v.p->modules.maps.at[i].path, "[stack]")) /* page by page */
			assert_int_equal(s[0].stack_lo,
					 v.p->modules.maps.at[i].hi - (stack.rlim_cur & ~4095ul));
	}
	assert_int_equal(s[0].stack_size,
			 stack.rlim_cur == RLIM_INFINITY ? 0 : stack.rlim_cur & ~4095ul);
	assert_int_equal(
		process_read(v.p, s[0].threads + SHM_MAX_THREADS * RT_THREAD_SIZE - 8, &got, 8), 0);
	process_resume(v.p, NULL);
	assert_int_equal(victim_wait(&v), 0);
	f = popen(VICTIM " fds", "r"); /* none more than untraced */
	assert_non_null(fgets(untraced, sizeof(untraced), f));
	pclose(f);
	assert_string_equal(victim_output(&v), untraced);
	victim_free(&v);
	arena_destroy(a);
}

static void refused(const char *command, int want, const char *text)
{
	char name[512];
	char *const argv[] = { name, NULL };
	struct victim v;

	snprintf(name, sizeof(name), "%s", command);
	assert_int_equal(victim_spawn(&v, argv), want);
	if (!strstr(v.d.text, text))
		fail_msg("\"%s\" does not say \"%s\"", v.d.text, text);
	assert_null(v.p);
	assert_int_equal(leftovers(), 0);
	victim_free(&v);
	/* no child is left */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_refusals(void **state)
{
	char dir[] = "/tmp/ctltestXXXXXX", path[64], cmd[1024];

	assert_non_null(mkdtemp(dir));
	snprintf(cmd, sizeof(cmd),
		 "cd %s && echo hello > text && cp text xtext && chmod 755 xtext && "
		 "printf '#!/no/such/sh\\n' > script && chmod 755 script && "
		 "head -c 64 /dev/zero > pad && "
		 "(printf '\\177ELF\\001\\001\\001'; cat pad) > elf32 && "
		 "(printf '\\177ELF\\002\\001\\001'; head -c 9 pad; printf '\\002\\000\\267'; "
		 "cat pad) > arm && chmod 755 elf32 arm && "
		 "cp " VICTIM " suid && chown 65534 suid && chmod 4755 suid && "
		 "printf '#!%s/suid\\n' > suidscript && chmod 755 suidscript",
		 dir, dir);
	assert_int_equal(system(cmd), 0);
	refused("no-such-command-here", -ENOENT, "command not found");
	refused("/no/such/file", -ENOENT, "No such file");
	refused("", -ENOENT, "empty");
	refused("/tmp", -EACCES, "is a directory");
	snprintf(path, sizeof(path), "%s/text", dir);
	refused(path, -EACCES, "ermission denied");
	snprintf(path, sizeof(path), "%s/xtext", dir);
	refused(path, -ENOEXEC, "exec format error");
	/* ELF headers of a 32-bit program and of one for AArch64 */
	snprintf(path, sizeof(path), "%s/elf32", dir);
	refused(path, -ENOTSUP, "32-bit");
	snprintf(path, sizeof(path), "%s/arm", dir);
	refused(path, -ENOTSUP, "another machine");
	snprintf(path, sizeof(path), "%s/script", dir);
	refused(path, -ENOENT, "/no/such/sh");
	snprintf(path, sizeof(path), "%s/suid", dir);
	refused(path, -EPERM, "set-user-ID");
	snprintf(path, sizeof(path), "%s/suidscript", dir);
	refused(path, -EPERM, "set-user-ID");
	refused(VICTIM_STATIC, -ENOTSUP, "statically linked");
	refused(VICTIM_ODD, -ENOTSUP, "is not glibc's loader");
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	assert_int_equal(system(cmd), 0);
}

static void test_script(void **state)
{
	char path[] = "/tmp/ctlscriptXXXXXX";
	char *const argv[] = { path, (char[]){ "6" }, NULL };
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(dprintf(fd, "#! /bin/sh -e\nexit $1\n"), 22);
	fchmod(fd, 0700);
	close(fd);
	assert_int_equal(WEXITSTATUS(status_of(argv)), 6);
	unlink(path);
}

static void test_missing_library(void **state)
{
	char *const argv[] = { (char[]){ VICTIM_LOST }, NULL };
	struct victim v;

	assert_int_equal(victim_spawn(&v, argv), 0);
	assert_true(v.p->exited);
	assert_int_equal(WEXITSTATUS(v.p->status), 127);
	assert_non_null(strstr(victim_output(&v), "cannot open shared object file"));
	assert_int_equal(victim_wait(&v), v.p->status);
	victim_free(&v);
}

static void test_dir(void **state)
{
	struct process_spawn_opts opts = { .slab = template_get(), .dir = "/proc" };
	char *const argv[] = { (char[]){ "true" }, NULL };
	struct process *p = NULL;
	struct statvfs fs;
	struct diag d;

	assert_int_equal(process_spawn(argv, &opts, &p, &d), -EROFS);
	assert_non_null(strstr(d.text, "/proc"));
	if (statvfs("/proc", &fs) == 0 && fs.f_flag & ST_NOEXEC)
		assert_non_null(strstr(d.text, "noexec"));
	opts.dir = "relative";
	assert_int_equal(process_spawn(argv, &opts, &p, &d), -EROFS);
	opts.dir = "/tmp/a b";
	assert_int_equal(process_spawn(argv, &opts, &p, &d), -EROFS);
	opts.dir = "/dev/shm";
	assert_int_equal(process_spawn(argv, &opts, &p, &d), 0);
	assert_int_equal(strncmp(p->slab[0].path, "/dev/shm/", 9), 0);
	process_free(p);
}

/* Free before the first resume kills; after it, it does not. */
static void test_freeing(void **state)
{
	struct victim v;
	pid_t pid;
	int st;

	victim_ready(&v, "cat");
	pid = v.p->pid;
	process_stop(v.p, NULL);
	process_free(v.p);
	v.p = NULL;
	victim_free(&v);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(WEXITSTATUS(st), 5);
	assert_int_equal(victim_spawn(&v, victim_env), 0);
	pid = v.p->pid;
	victim_free(&v);
	assert_int_equal(kill(pid, 0), -1);
	process_free(NULL);
}

static void test_exec(void **state)
{
	struct victim v;
	bool exec = false;

	victim_ready(&v, "exec");
	assert_int_equal(process_poll(v.p, 0, &exec), 0);
	assert_false(exec);
	assert_true(process_alive(v.p));
	victim_close_in(&v);
	assert_int_equal(process_poll(v.p, 10000, &exec), 0);
	assert_true(exec);
	assert_false(process_alive(v.p));
	assert_int_equal(process_stop(v.p, &v.d), -ESRCH);
	assert_int_equal(victim_wait(&v), 0);
	victim_free(&v);
}

/* SIGTRAP ignored or blocked by who started us stays so. */
static void test_sigtrap(void **state)
{
	char *const argv[] = { (char[]){ VICTIM }, (char[]){ "sigtrap" }, NULL };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	struct victim v;
	sigset_t set, was;

	/* changes of our own are not passed on */
	sigemptyset(&set);
	sigaddset(&set, SIGTRAP);
	sigprocmask(SIG_BLOCK, &set, &was);
	sigaction(SIGTRAP, &ignore, &old);
	assert_int_equal(victim_spawn(&v, argv), 0);
	sigaction(SIGTRAP, &old, NULL);
	sigprocmask(SIG_SETMASK, &was, NULL);
	process_resume(v.p, NULL);
	victim_wait(&v);
	assert_string_equal(victim_output(&v),
			    getenv("CTL_TEST_TRAP") ? "ignored blocked\n" : "default open\n");
	victim_free(&v);
}

/* Run this program again with SIGTRAP ignored and blocked from the start. */
static void test_sigtrap_inherited(void **state)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;
	pid_t pid;
	int st;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		sigaction(SIGTRAP, &ignore, NULL);
		sigemptyset(&set);
		sigaddset(&set, SIGTRAP);
		sigprocmask(SIG_BLOCK, &set, NULL);
		setenv("CTL_TEST_TRAP", "1", 1);
		dup2(open("/dev/null", 1), 1);
		execl("/proc/self/exe", "again", (char *)NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
}

int main(void)
{
	const struct CMUnitTest again[] = { cmocka_unit_test(test_sigtrap) };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_stopped_before_constructors),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_users_preload_is_loaded),
		cmocka_unit_test(test_keep_env),
		cmocka_unit_test(test_slabs),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_script),
		cmocka_unit_test(test_missing_library),
		cmocka_unit_test(test_dir),
		cmocka_unit_test(test_freeing),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_sigtrap),
		cmocka_unit_test(test_sigtrap_inherited),
	};

	if (getenv("CTL_TEST_TRAP"))
		return cmocka_run_group_tests(again, setup, teardown);
	return cmocka_run_group_tests(tests, setup, teardown);
}
