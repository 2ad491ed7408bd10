/*
 * rt/fault.h - loads and stores of rt/'s own that may fault, and the table of them.
 *
 * A guarded instruction has an entry in the section rt_faults: where it stands, and where to go
 * on. The handler (rt/fault.c) goes on there with rdx = 1; until then rdx is 0.  Offsets count
 * from the words that hold them, so that nothing is relocated, and from any of the two slabs
 * the same table tells for both.
 *
 * To be used only while RT_FLAG_FAULTS is set: without the handler a fault is a fault.
 *
 * Context  [probe] private to rt/
 */
#ifndef RT_FAULT_H
#define RT_FAULT_H

#include "rt/probe.h"

struct rt_fault_entry {
	int32_t at, resume;
};

#define RT_GUARDED(insn) \
	"1:\t" insn \
	"\n2:\n\t.pushsection rt_faults, \"a\"\n\t.balign 4\n\t.long 1b - ., 2b - .\n\t" \
	".popsection\n"

/* 0, or 1: there is no memory, and *v is anything. */
static inline int rt_guarded_load(uint64_t addr, uint64_t *v)
{
	uint64_t bad = 0;

	__asm__ volatile(RT_GUARDED("movq (%2), %0") : "=&r"(*v), "+d"(bad) : "r"(addr) : "memory");
	return (int)bad;
}

static inline int rt_guarded_load1(uint64_t addr, uint8_t *v)
{
	uint64_t bad = 0, word = 0;

	__asm__ volatile(RT_GUARDED("movzbl (%2), %k0")
			 : "+&r"(word), "+d"(bad)
			 : "r"(addr)
			 : "memory");
	*v = (uint8_t)word;
	return (int)bad;
}

static inline int rt_guarded_store(uint64_t addr, uint64_t v)
{
	uint64_t bad = 0;

	__asm__ volatile(RT_GUARDED("movq %2, (%1)") : "+d"(bad) : "r"(addr), "r"(v) : "memory");
	return (int)bad;
}

static inline int rt_guarded_store1(uint64_t addr, uint8_t v)
{
	uint64_t bad = 0;

	__asm__ volatile(RT_GUARDED("movb %b2, (%1)") : "+d"(bad) : "r"(addr), "q"(v) : "memory");
	return (int)bad;
}

#endif
