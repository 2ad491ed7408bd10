/* library.c - what the victim loads and unloads. */
long extra(long a, long b);

__attribute__((visibility("default"))) long extra(long a, long b)
{
	return a * 31 + b;
}
