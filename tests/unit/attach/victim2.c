/* The second `same` of victim.c. */
static __attribute__((noinline, noclone, noipa)) long same(long a)
{
	return a + 2;
}

long victim2(long a);

long victim2(long a)
{
	return same(a);
}
