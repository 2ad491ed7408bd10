/* clang_progs.h - what clang/build-progs.py made of clang/progs.c. */
#ifndef TESTS_CLANG_PROGS_TABLE_H
#define TESTS_CLANG_PROGS_TABLE_H

struct clang_prog {
	unsigned number;
	const char *cpu;
	const unsigned char *text;
	unsigned ninsns;
};

extern const struct clang_prog clang_progs[];
extern const unsigned clang_nprogs;

#endif
