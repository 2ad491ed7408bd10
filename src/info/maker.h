/*
 * info/maker.h - what DW_AT_producer tells of the compiler that made a unit.
 *
 *	GNU C17 12.2.0 -mavx2 -mtune=generic -march=x86-64 -g -O2
 *	Debian clang version 14.0.6
 *	Android (10552028, based on r487747d) clang version 17.0.2 (https://...)
 *
 * Apple's, AMD's and Intel's clang count their versions, or change LLVM, for themselves; Rust names no
 * version of LLVM: these are none of the compilers that are known here.
 *
 * Context  any
 */
#ifndef INFO_MAKER_H
#define INFO_MAKER_H

#include "info/type.h"

struct proto_maker maker_parse(const char *producer);

#endif
