/*
 * cases.h - what the victims share: a program of named cases, each of which gives a number.
 *
 * VICTIM [CASE...]     "CASE NUMBER" for each; none: all.  A case has the name of what it calls,
 *                      and that is what is traced.
 */
#ifndef CASES_H
#define CASES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define HIDDEN __attribute__((visibility("hidden")))
#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif

/* In registers, from where no compiler can fetch them anew. */
#define KEEP(c, v) \
	__asm__ volatile("" \
			 : "+" c(v[0]), "+" c(v[1]), "+" c(v[2]), "+" c(v[3]), "+" c(v[4]), \
			   "+" c(v[5]), "+" c(v[6]), "+" c(v[7]), "+" c(v[8]), "+" c(v[9]))

struct one_case {
	const char *name;
	long (*run)(void);
};

static volatile long seed = 1;

static inline int run_cases(int argc, char **argv, const struct one_case *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		bool wanted = argc < 2;

		for (int k = 1; k < argc; k++)
			wanted |= !strcmp(argv[k], c[i].name);
		for (seed = 1; wanted && seed < 4; seed++)
			printf("%s %ld\n", c[i].name, c[i].run());
		fflush(stdout); /* whatever becomes of the next */
	}
	return 0;
}

#define CASE(fn) \
	{ \
#fn, call_##fn \
	}
#define MAIN(...) \
	int main(int argc, char **argv) \
	{ \
		static const struct one_case cases[] = { __VA_ARGS__ }; \
\
		return run_cases(argc, argv, cases, sizeof(cases) / sizeof(cases[0])); \
	}

#endif
