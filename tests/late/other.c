/* tests/late/other.c - as large as lib.c's library, and with another function in the same place. */
struct point {
	int x, y;
};

__attribute__((noinline)) long other_one(long a, int b)
{
	return a * 3 + b * 2;
}

__attribute__((noinline)) long other_two(const struct point *p)
{
	return p->x * 10L + p->y + 1;
}
