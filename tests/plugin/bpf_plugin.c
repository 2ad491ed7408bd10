/*
 * bpf_plugin.c - our engines behind bpf_conformance's plugin protocol.
 *
 *	bpf-plugin [MEMORY] [--interpret | --jit] [--no-verify] [--elf [true | false]]
 *
 * MEMORY   "aa bb cc": r1 points at these bytes, r2 is their number
 * stdin    the program, 8 bytes an instruction, as hex of the same form; with --elf an object (elf.h)
 * stdout   r0 in hex; errors on stderr with exit status 1
 *
 * --no-verify accepts what RFC 9669 defines but the kernel's verifier refuses (shifts by
 * more than the width).  Helper 5 returns its argument.
 */
#include "elf.h"

#include "bpf/engine.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAX_CODE (64 << 20)

struct options {
	const char *memory;
	bool interpret, no_verify, elf;
};

static uint64_t unwind(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	return r1;
}

/* Bytes of hex text, or NULL; *n is their number. */
static uint8_t *parse_hex(const char *s, size_t *n)
{
	uint8_t *out = malloc(strlen(s) / 2 + 1);

	*n = 0;
	while (out && *(s += strspn(s, " \t\r\n"))) {
		char pair[3] = { s[0], s[1], '\0' };

		if (!isxdigit((unsigned char)s[0]) || !isxdigit((unsigned char)s[1])) {
			free(out);
			return NULL;
		}
		out[(*n)++] = (uint8_t)strtoul(pair, NULL, 16);
		s += 2;
	}
	return out;
}

static char *read_stdin(void)
{
	char *text = NULL;
	size_t cap = 0;

	if (getdelim(&text, &cap, '\0', stdin) >= 0)
		return text;
	free(text);
	return strdup("");
}

static int parse_options(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--interpret")) {
			o->interpret = true;
		} else if (!strcmp(argv[i], "--jit")) {
			o->interpret = false;
		} else if (!strcmp(argv[i], "--no-verify")) {
			o->no_verify = true;
		} else if (!strcmp(argv[i], "--elf")) {
			bool no = i + 1 < argc && !strcmp(argv[i + 1], "false");

			o->elf = !no;
			i += no || (i + 1 < argc && !strcmp(argv[i + 1], "true"));
		} else if (argv[i][0] != '-' && i == 1) {
			o->memory = argv[i];
		} else {
			fprintf(stderr, "bpf-plugin: unknown option '%s'\n", argv[i]);
			return -EINVAL;
		}
	}
	return 0;
}

static int run_jit(const struct program *p, const struct engine_env *env, uint64_t r1, uint64_t r2,
		   uint64_t *r0)
{
	struct x86_asm a;
	int n;
	void *code = mmap(NULL, MAX_CODE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (code == MAP_FAILED)
		return -errno;
	x86_asm_init(&a, code, NULL, MAX_CODE, (uint64_t)(uintptr_t)code);
	engine_jit_function(p, env, &a);
	n = x86_asm_finish(&a);
	if (n < 0)
		return n;
	if (mprotect(code, MAX_CODE, PROT_READ | PROT_EXEC))
		return -errno;
	*r0 = ((uint64_t(*)(uint64_t, uint64_t))(uintptr_t)code)(r1, r2);
	return 0;
}

/* The program of stdin's bytes; the caller frees *insn. */
static int read_program(const struct options *o, const uint8_t *code, size_t len,
			struct bpf_insn **insn, size_t *n, struct diag *d)
{
	if (o->elf)
		return elf_program(code, len, insn, n, d);
	if (len % 8)
		return diag_set(d, -EBADMSG, "the program is not a multiple of 8 bytes");
	*n = len / 8;
	*insn = calloc(*n + 1, sizeof(**insn));
	if (!*insn)
		return -ENOMEM;
	memcpy(*insn, code, len);
	return 0;
}

static int run(const struct options *o, const uint8_t *code, size_t code_len, uint8_t *mem,
	       size_t mem_len)
{
	struct program_attr attr = { .name = "plugin",
				     .kind = PROGRAM_PLAIN,
				     .nslots = PROGRAM_NO_CTX,
				     .allow_any_helper = o->no_verify };
	struct engine_env env = { .helper[5] = (uint64_t)(uintptr_t)unwind };
	struct interp_opts opts = { .checked = !o->no_verify };
	uint64_t r0 = 0, r1 = mem_len ? (uint64_t)(uintptr_t)mem : 0;
	struct bpf_insn *insn = NULL;
	struct program *p = NULL;
	struct diag d = { "" };
	size_t n = 0;
	int err = read_program(o, code, code_len, &insn, &n, &d);

	attr.insn = insn;
	attr.ninsns = (uint32_t)n;
	if (!err)
		err = program_load(&attr, &p, &d);
	if (!err)
		err = o->interpret ? interp_run(p, &env, r1, mem_len, &opts, &r0, &d) :
				     run_jit(p, &env, r1, mem_len, &r0);
	if (err)
		fprintf(stderr, "bpf-plugin: %s\n", diag_text(&d, err));
	else
		printf("%llx\n", (unsigned long long)r0);
	program_put(p);
	free(insn);
	return err;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	size_t mem_len = 0, code_len = 0;
	uint8_t *mem = NULL, *code = NULL;
	char *text = NULL;
	int err = parse_options(argc, argv, &o);

	if (!err) {
		text = read_stdin();
		code = text ? parse_hex(text, &code_len) : NULL;
		mem = parse_hex(o.memory ? o.memory : "", &mem_len);
		if (code && mem) {
			err = run(&o, code, code_len, mem, mem_len);
		} else {
			fprintf(stderr, "bpf-plugin: memory or program is not hex bytes\n");
			err = -EBADMSG;
		}
	}
	free(text);
	free(code);
	free(mem);
	return err ? 1 : 0;
}
