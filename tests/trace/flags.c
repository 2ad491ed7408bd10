/* flags.c - call the functions of flags.S with all 128 combinations; print what comes back. */
#include <stdio.h>

typedef long flags_fn(long, long);
flags_fn flags_adc, flags_overflow, flags_set, flags_all, flags_tail;

static long with(flags_fn *fn, unsigned long flags)
{
	long ret, a = 40, b = 2;

	__asm__ volatile("	mov %%rsp, %%rbx\n"
			 "	sub $128, %%rsp\n"
			 "	and $-16, %%rsp\n"
			 "	push %%rax\n"
			 "	popf\n"
			 "	call *%[fn]\n"
			 "	cld\n"
			 "	mov %%rbx, %%rsp\n"
			 : "=a"(ret), "+D"(a), "+S"(b)
			 : [fn] "r"(fn), "0"(0x202 | flags)
			 : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
	return ret;
}

int main(void)
{
	static flags_fn *const fn[] = { flags_all, flags_adc, flags_overflow, flags_set,
					flags_tail };
	static const unsigned bit[] = { 0, 2, 4, 6, 7, 11, 10 };

	/* all of them first: the first hit is the longest way */
	for (unsigned i = 128; i-- > 0;) {
		unsigned long flags = 0;

		for (unsigned k = 0; k < 7; k++)
			flags |= (unsigned long)(i >> k & 1) << bit[k];
		for (unsigned f = 0; f < 5; f++)
			printf("%lx ", with(fn[f], flags));
		printf("\n");
	}
	return 0;
}
