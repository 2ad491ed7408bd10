/* static.c - a program without a loader. */
#include <stdio.h>

int main(void)
{
	puts("static");
	return 0;
}
