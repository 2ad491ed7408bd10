/*
 * labels.c - functions with places a few bytes behind their start that only an indirect jump
 * or a call from another module reaches.  labels_test.py runs it alone and traced.
 */
#include <stdio.h>

#define LEAF __attribute__((noinline))

long first(long x);
long second(long x);

/* a computed goto whose first label is the loop's head, behind one short instruction */
LEAF int by_pointer(const unsigned char *op)
{
	static const void *const code[] = { &&more, &&twice, &&end };
	int value = 0;

more:
	value += 7;
	goto *code[*op++];
twice:
	value *= 5;
	goto *code[*op++];
end:
	return value;
}

/* the same by differences from a label: no relocation names one */
LEAF int by_difference(const unsigned char *op)
{
	static const int code[] = { 0, &&twice - &&more, &&end - &&more };
	int value = 0;

more:
	value += 3;
	goto *(&&more + code[*op++]);
twice:
	value *= 9;
	goto *(&&more + code[*op++]);
end:
	return value;
}

/* differences from a label in the middle, as gcc's manual has them; the value comes in */
LEAF int by_middle(const unsigned char *op, int value)
{
	static const int code[] = { &&more - &&twice, &&twice - &&twice, &&end - &&twice };

more:
	value += 1;
	goto *(&&twice + code[*op++]);
twice:
	value *= 2;
	goto *(&&twice + code[*op++]);
end:
	return value;
}

/* a switch in a loop */
LEAF int by_switch(const unsigned char *op, int n)
{
	int value = 0;

	for (;;) {
		switch (*op++) {
		case 0:
			value += 7;
			break;
		case 1:
			value *= 5;
			break;
		case 2:
			value ^= n;
			break;
		case 3:
			value -= 3;
			break;
		case 4:
			value |= 16;
			break;
		case 5:
			return value;
		default:
			__builtin_unreachable();
		}
	}
}

int main(void)
{
	static const unsigned char a[] = { 0, 1, 0, 0, 1, 2 }, b[] = { 0, 1, 2, 0, 3, 4, 0, 1, 5 };
	long r;

	printf("%d %d %d %d\n", by_pointer(a), by_difference(a), by_middle(a, 3), by_switch(b, 9));
	printf("%ld\n", first(3));
	/* what the first instruction of first() does, and in behind it */
	__asm__ volatile("xorl %%eax, %%eax\n\tcall second@PLT"
			 : "=a"(r)
			 : "D"(4l)
			 : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory");
	printf("%ld\n", r);
	return 0;
}
