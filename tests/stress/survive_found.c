/* survive_found.c - what survive_rpath.c opens. */
__attribute__((visibility("default"))) long survive_found(long a);

long survive_found(long a)
{
	return a;
}
