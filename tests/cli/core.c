/*
 * core.c - a program and (with -DLIB) its library, each with a struct of the same name.
 *
 * The tests add .BTF sections made of the same file compiled for BPF.
 */
#define KEPT __attribute__((noinline, used))
#ifndef ROOM
#define ROOM __asm__ volatile("nop; nop; nop; nop; nop; nop; nop; nop")
#endif

struct moved {
#ifdef LIB
	int b;
	char pad[20];
	int a;
#elif defined(OTHER)
	long pad;
	int a;
	int b;
#else
	long pad;
	int b;
	int a;
#endif
};

#ifdef LIB
struct only_here {
	long pad[3];
	int value;
};

KEPT int in_library(struct moved *m, struct only_here *o)
{
	ROOM;
	return m->a + o->value;
}

int call_library(void)
{
	struct moved m = { .a = 31, .b = 32 };
	struct only_here o = { { 0 }, 33 };

	return in_library(&m, &o);
}
#else
int call_library(void);

KEPT int in_program(struct moved *m)
{
	ROOM;
	return m->a;
}

#ifndef __bpf__
int main(void)
{
	struct moved m = { 21, 22, 23 };

	return in_program(&m) + call_library() != 23 + 64;
}
#endif
#endif
