/*
 * seed_show.c - the kernel's layout for what standard input asks, for seed_table.py and
 * seed_rows.py to compare.
 *
 * A line "KINDS IP ENTRY SIGNATURE": KINDS some of ent, mod and ext with commas between them,
 * IP 0 or 1 (programs ask for the function's address), ENTRY call or jmp.  The answer: one
 * line of offsets, or "refused REASON".  With --code the instructions follow, each with its
 * address, and an empty line.
 */
#include "tramp/tramp.h"
#include "x86/insn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PC 0x500000

static struct tramp_shim shim = { 0x7fff0000, 0x7fff1000, 0x7fff2000, 0x7fff3000,
				  0xff11000004a32c00 };

/* As a compiled program is called. */
static void call_program(struct x86_asm *a, const struct tramp_env *env, const void *self)
{
	x86_lea(a, RDI, X86_MEM(RBP, env->ctx));
	x86_call_pc(a, 0x7ffe0000 + 0x100 * env->kind);
}

static void show_code(const struct tramp_plan *p)
{
	static uint8_t code[65536];
	struct x86_asm a;
	char text[128];
	int n, len;

	x86_asm_init(&a, code, NULL, sizeof(code), PC);
	tramp_emit(p, &a, NULL);
	n = x86_asm_finish(&a);
	for (int at = 0; at < n; at += len) {
		uint64_t pc = PC + (uint64_t)at;

		len = x86_format(code + at, (size_t)(n - at), pc, text, sizeof(text));
		if (len <= 0)
			exit(3);
		printf("%lx %s\n", pc, text);
	}
	printf("\n");
}

static void show(const char *kinds, bool ip, const char *entry, const char *sig, bool code)
{
	static const char *const name[TRAMP_KINDS] = { "ent", "mod", "ext" };
	struct tramp_body body = { .emit = call_program };
	struct tramp_prog prog[TRAMP_KINDS];
	struct tramp_spec s = { .func = 0xffffffffc0201010,
				.original = 0x7ffd0000,
				.layout = TRAMP_SEED,
				.shim = &shim };
	unsigned cookies = 0; /* from 100 on, as the recording's loader gave them */
	struct func_model *m;
	struct tramp_plan p;
	struct diag d = { "" };

	s.entry = !strcmp(entry, "call") ? TRAMP_BY_CALL : TRAMP_BY_JMP;
	body.facts.clobbers = X86_CALLER_SAVED;
	body.facts.reads_ip = ip;
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		prog[k] = (struct tramp_prog){ .body = &body,
					       .cookie = 100 + cookies,
					       .prog = 0xffa0000000151000 };
		s.list[k].prog = &prog[k];
		s.list[k].n = strstr(kinds, name[k]) != NULL;
		cookies += s.list[k].n;
	}
	if (func_model_parse(sig, &m, &d) < 0) {
		printf("refused %s\n", d.text);
		return;
	}
	s.model = m;
	if (tramp_plan(&s, &p, &d) < 0) {
		printf("refused %s\n", d.text);
	} else {
		printf("args %d ret %d regs %d count %d ip %d rbx %d run_ctx %d out %d size %u "
		       "slots %u used %u\n",
		       p.args, p.seed.ret, p.ctx, p.ctx - 8, p.fill_ip ? p.ctx - 16 : 0, p.seed.rbx,
		       p.seed.run_ctx, p.out, p.frame, m->nslots, p.seed.used);
		if (code)
			show_code(&p);
	}
	func_model_free(m);
}

int main(int argc, char **argv)
{
	char kinds[32], entry[8], sig[4096];
	int ip;

	while (scanf("%31s %d %7s %4095s", kinds, &ip, entry, sig) == 4)
		show(kinds, ip, entry, sig, argc > 1 && !strcmp(argv[1], "--code"));
	return 0;
}
