/*
 * maps_note.c - a preloaded library that appends /proc/self/maps to the file $MAPS_NOTE when the
 * program $MAPS_NOTE_OF starts and when it ends: where things lay, so that two runs can be compared.
 *
 * System calls only, no function of libc: what is traced there stays the program's own.
 */
#include <stddef.h>

enum { SYS_READ = 0, SYS_WRITE = 1, SYS_OPEN = 2, SYS_CLOSE = 3, SYS_READLINK = 89 };

#define CREATE_AND_APPEND 02101 /* O_WRONLY | O_CREAT | O_APPEND */

extern char **environ;

static long ask(long nr, const void *a, const void *b, long c)
{
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

/* What stands behind key in s, NULL: something else does. */
static const char *behind(const char *s, const char *key)
{
	while (*key && *s == *key) {
		s++;
		key++;
	}
	return *key ? NULL : s;
}

static const char *variable(const char *key)
{
	const char *v = NULL;

	for (char **e = environ; e && *e && !v; e++)
		v = behind(*e, key);
	return v;
}

static int is_this(const char *program)
{
	static char self[4096];
	const char *rest;

	ask(SYS_READLINK, "/proc/self/exe", self, sizeof(self) - 1);
	rest = behind(self, program);
	return rest && !*rest;
}

__attribute__((constructor, destructor)) static void copy_maps(void)
{
	const char *name = variable("MAPS_NOTE="), *of = variable("MAPS_NOTE_OF=");
	char buf[4096];
	long in, out, n;

	if (!name || !of || !is_this(of))
		return;
	in = ask(SYS_OPEN, "/proc/self/maps", NULL, 0);
	out = ask(SYS_OPEN, name, (const void *)CREATE_AND_APPEND, 0600);
	while ((n = ask(SYS_READ, (const void *)in, buf, sizeof(buf))) > 0)
		ask(SYS_WRITE, (const void *)out, buf, n);
	ask(SYS_CLOSE, (const void *)in, NULL, 0);
	ask(SYS_CLOSE, (const void *)out, NULL, 0);
}
