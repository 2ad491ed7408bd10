/*
 * sys/stderr.c - the standard error that libbpf means, where the library is joined.
 *
 * libbpf.a is code for executables: its one reference to another object's data, stderr's, reaches
 * within the object only.  tools/make-library.py binds it to the variable here (--wrap=stderr),
 * so that the joined object can be part of a shared library.
 *
 * Context  [ctl] before main() or in dlopen()
 */
#include <stdio.h>

extern FILE *__real_stderr;
extern FILE *__wrap_stderr;

FILE *__wrap_stderr;

__attribute__((constructor)) static void note_stderr(void)
{
	__wrap_stderr = __real_stderr;
}
