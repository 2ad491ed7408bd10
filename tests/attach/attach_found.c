/* attach_found.c - the library that attach_victim loads and unloads. */
long found_twice(long n);

__attribute__((visibility("default"))) long found_twice(long n)
{
	return 2 * n;
}
