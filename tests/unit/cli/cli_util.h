/* cli_util.h - what the tests of cli/ share: what it says on stderr. */
#ifndef CLI_UTIL_H
#define CLI_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli/cli.h"

struct heard {
	FILE *real;
	char *text; /* after heard_end(); the caller frees */
	size_t n;
};

static inline void heard_begin(struct heard *h)
{
	h->real = stderr;
	stderr = open_memstream(&h->text, &h->n);
	assert_non_null(stderr);
}

static inline void heard_end(struct heard *h)
{
	fclose(stderr);
	stderr = h->real;
}

#endif
