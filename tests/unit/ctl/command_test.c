#include "ctl_util.h"

#include "ctl/priv.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/ctlcmdXXXXXX";

static int setup(void **state)
{
	char cmd[512];

	if (!mkdtemp(dir))
		return -1;
	snprintf(cmd, sizeof(cmd),
		 "cd %s && mkdir a b && echo > a/tool && echo > b/tool && chmod 755 b/tool && "
		 "echo > a/plain && mkdir a/folder && "
		 "printf '#!  /bin/sh -e' > ok && printf '#!%s/gone' > bad && "
		 "printf '#!%s/loop' > loop && chmod 755 ok bad loop",
		 dir, dir, dir);
	return system(cmd);
}

static int teardown(void **state)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return system(cmd);
}

static int find(const char *path_env, const char *name, char *out, struct diag *d)
{
	char *old = strdup(getenv("PATH"));
	int err;

	if (path_env)
		setenv("PATH", path_env, 1);
	else
		unsetenv("PATH");
	err = command_find(name, out, PATH_MAX, d);
	setenv("PATH", old, 1);
	free(old);
	return err;
}

static void test_find(void **state)
{
	char path[PATH_MAX], dirs[256], want[64], cwd[PATH_MAX];
	struct diag d;

	/* a name that may not be executed does not end the search */
	snprintf(dirs, sizeof(dirs), "/nowhere:%s/a:%s/b", dir, dir);
	snprintf(want, sizeof(want), "%s/b/tool", dir);
	assert_int_equal(find(dirs, "tool", path, &d), 0);
	assert_string_equal(path, want);
	/* but is what is reported */
	assert_int_equal(find(dirs, "plain", path, &d), -EACCES);
	assert_int_equal(find(dirs, "folder", path, &d), -ENOENT);
	assert_int_equal(find(dirs, "none", path, &d), -ENOENT);
	assert_string_equal(d.text, "none: command not found");
	assert_int_equal(find(NULL, "sh", path, &d), 0);
	assert_string_equal(path, "/bin/sh");
	/* an empty element is the current directory */
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(want, sizeof(want), "%s/b", dir);
	assert_int_equal(chdir(want), 0);
	assert_int_equal(find(":/nowhere", "tool", path, &d), 0);
	assert_string_equal(path, "./tool");
	assert_int_equal(find("/nowhere:", "tool", path, &d), 0);
	assert_int_equal(find("/nowhere", "./tool", path, &d), 0);
	assert_string_equal(path, "./tool");
	assert_int_equal(chdir(cwd), 0);
	assert_int_equal(find(dirs, "/dev/null", path, &d), -EACCES);
	assert_int_equal(find(dirs, "/dev/null/x", path, &d), -ENOENT);
}

static void test_long_names(void **state)
{
	char name[PATH_MAX + 10], path[PATH_MAX], program[PATH_MAX];
	struct diag d;

	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(command_find(name, path, sizeof(path), &d), -ENOENT);
	name[0] = '/';
	assert_int_equal(command_find(name, path, sizeof(path), &d), -ENOENT);
	assert_int_equal(command_check_plain(name, program, &d), -ENOENT);
}

static void test_check(void **state)
{
	char path[64], program[PATH_MAX];
	struct diag d;

	assert_int_equal(command_check_plain("/bin/true", program, &d), 0);
	snprintf(path, sizeof(path), "%s/ok", dir);
	assert_int_equal(command_check_plain(path, program, &d), 0);
	snprintf(path, sizeof(path), "%s/bad", dir);
	assert_int_equal(command_check_plain(path, program, &d), -ENOENT);
	snprintf(path, sizeof(path), "%s/loop", dir); /* execve says ELOOP */
	assert_int_equal(command_check_plain(path, program, &d), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
