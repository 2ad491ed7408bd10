/*
 * progs.h - C programs that run natively and, compiled by clang -target bpf, in our engines.
 *
 * Each is one translation unit with PROG defined to its number: the entry point comes
 * first and is called entry.  mem holds MEM_BYTES bytes.
 */
#ifndef TESTS_CLANG_PROGS_H
#define TESTS_CLANG_PROGS_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

#define MEM_BYTES 256
#define NPROGS    10

#endif
