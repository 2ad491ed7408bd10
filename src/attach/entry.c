/*
 * attach/entry.c - see entry.h.
 *
 * Start-up code hands main's address to __libc_start_main() as its first argument, in rdi
 * (glibc sysdeps/x86_64/start.S; musl crt/x86_64: the same, by way of C).
 */
#include "attach/entry.h"
#include "x86/insn.h"

#include <errno.h>

#define START_MAX 96 /* bytes of start-up code that are looked at */
#define RDI       7

static bool in_code(const struct objfile *o, taddr_t addr)
{
	for (unsigned i = 0; i < o->nseg; i++) {
		const struct objseg *s = &o->seg[i];

		if (s->x && addr >= s->addr && addr - s->addr < s->filesz)
			return true;
	}
	return false;
}

/* What rdi holds at the first call; 0: that is not a constant. */
static taddr_t first_argument(const struct objfile *o)
{
	uint8_t code[START_MAX];
	size_t n = objfile_bytes(o, o->entry, code, sizeof(code)), at = 0;
	taddr_t rdi = 0;

	while (at < n) {
		struct x86_insn insn;
		struct x86_value v;

		if (x86_decode(code + at, n - at, o->entry + at, &insn) < 0)
			return 0;
		if (insn.flow == X86_FLOW_CALL || insn.flow == X86_FLOW_CALL_IND)
			return rdi;
		if (insn.flow != X86_FLOW_NEXT)
			return 0;
		v = x86_value_of(code + at, n - at, RDI);
		if (v.kind == X86_VALUE_ADDRESS)
			rdi = insn.rip_relative ? insn.target : insn.imm;
		else if (v.kind != X86_VALUE_KEPT)
			rdi = 0;
		at += insn.len;
	}
	return 0;
}

int entry_find_main(const struct objfile *o, taddr_t *out, struct diag *d)
{
	const struct objsym *s = objfile_sym(o, "main");

	*out = s ? s->addr : first_argument(o);
	if (*out && in_code(o, *out))
		return 0;
	return diag_set(d, -ENOENT,
			"where main() of %s begins cannot be told: it has no symbol, "
			"and its start-up code is not glibc's",
			o->path);
}
