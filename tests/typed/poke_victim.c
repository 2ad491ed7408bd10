/*
 * poke_victim.c [seccomp] - hands poke() addresses, and prints what is there afterwards.
 *
 * Each line has a word, the result that the program must get at entry, and what it was of.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

__attribute__((noipa)) long poke(void *at, long what)
{
	__asm__ volatile("" : : "r"(at), "r"(what) : "memory");
	return 0;
}

static void want(const char *how, int result, const char *what)
{
	printf("%s %d %s\n", how, result, what);
}

static void filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_writev, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		abort();
}

/* Memory of whoever traces us: the slabs, and what they brought along. */
static void theirs(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned long lo, hi;

	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, "utramp") || sscanf(line, "%lx-%lx", &lo, &hi) != 2)
			continue;
		poke((void *)lo, 0);
		poke((void *)(hi - 8), 0);
		want("poke", -1, "its mapping");
		want("poke", -1, "the end of it");
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	static const char constant[64] = "constant";
	static char data[64] = "data";
	char local[64] = "local", *page, *edge;

	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	page = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(page + 4096, 4096, PROT_READ);
	if (argc > 1)
		filter();
	poke(data, 0);
	want("poke", 0, data);
	poke(local, 0);
	want("poke", 0, local);
	poke((void *)(constant + 1), 0);
	want("poke", -14, constant);
	poke((void *)poke, 0);
	want("poke", -14, "code");
	poke(NULL, 0);
	want("poke", -14, "NULL");
	poke((void *)-4, 0);
	want("poke", -14, "the end");
	poke((void *)0x7777777777777777, 0);
	want("poke", -14, "no address");
	poke(page + 4096, 0);
	want("poke", -14, page[4096] ? "changed" : "a page that is read-only");
	edge = page + 4096 - 8;
	poke(edge, 0);
	want("poke", 0, edge);
	poke(edge + 1, 0);
	want("poke", -14, page[4096] ? "changed" : "over the edge");
	munmap(page, 4096);
	poke(page, 0);
	want("poke", -14, "nothing");
	poke(data, 1);
	want("stack", -1, "");
	want("ctx", -1, "");
	want("map", -1, "");
	want("loop", -1, "ctx");
	want("loop", -1, "stack");
	want("function", -1, "ctx");
	poke(data, 2);
	want("loop", 0, data[0] == (char)0x88 && data[7] == 0x11 ? "number" : "?");
	poke(local, 3);
	want("function", 0, local);
	theirs();
	return 0;
}
