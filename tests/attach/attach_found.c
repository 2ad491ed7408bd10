/* attach_found.c - the library that attach_victim loads and unloads. */
long found_twice(long n);

long found_twice(long n)
{
	return 2 * n;
}
