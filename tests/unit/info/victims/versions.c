/*
 * two versions of one symbol, an alias, an ifunc, and a function with a cold part.
 */
extern void abort(void) __attribute__((noreturn, cold));

int old_f(int a)
{
	return a;
}

int new_f(int a)
{
	return a + 1;
}

__asm__(".symver old_f,vf@V_1");
__asm__(".symver new_f,vf@@V_2");

int plain_g(int a)
{
	return a * 3;
}

extern __typeof__(plain_g) _alias_g __attribute__((alias("plain_g")));

static int impl(int a)
{
	return a;
}

static int (*resolve(void))(int)
{
	return impl;
}

int chosen(int a) __attribute__((ifunc("resolve")));

extern int puts(const char *s);

int split(int a)
{
	if (__builtin_expect(a == 12345, 0)) {
		puts("cold");
		abort();
	}
	return puts("hot") + a;
}

__thread int tls_word;
int data_word = 3;
