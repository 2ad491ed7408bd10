/*
 * victim_throw.cc - C++ exceptions through a traced function; commands as victim.c's.
 */
#include <cstdio>
#include <cstring>

extern "C" __attribute__((noinline, noclone)) int fx_throw(int n, int fail)
{
	if (!n) {
		if (fail)
			throw 7;
		return 0;
	}
	return 1 + fx_throw(n - 1, fail);
}

static void caught()
{
	try {
		std::printf("returned %d\n", fx_throw(9, 1));
	} catch (int i) {
		std::printf("caught %d\n", i);
	}
}

int main()
{
	char line[64];

	while (std::fgets(line, sizeof(line), stdin)) {
		if (!std::strcmp(line, "throw\n"))
			caught();
		if (!std::strcmp(line, "quiet\n"))
			std::printf("returned %d\n", fx_throw(9, 0));
		if (!std::strcmp(line, "fx_throw\n"))
			std::printf("%p\n", reinterpret_cast<void *>(&fx_throw));
		std::printf("\n");
		std::fflush(stdout);
	}
	return 0;
}
