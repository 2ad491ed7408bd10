/*
 * built with -fpatchable-function-entry: as a shared object and as a fixed executable.
 */
int patch_one(int a)
{
	return a + 1;
}

int patch_two(int a)
{
	return patch_one(a) * 2;
}

int main(void)
{
	return patch_two(3);
}
