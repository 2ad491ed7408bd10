/* tally_throw.cc N - N calls of shape::area(int), each third one left by an exception. */
#include <cstdio>
#include <cstdlib>

struct shape {
	int side;
	__attribute__((noinline)) int area(int scale);
};

int shape::area(int scale)
{
	if (scale % 3 == 0)
		throw scale;
	return side * scale;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? std::atoi(argv[1]) : 0, thrown = 0;
	shape s = { 2 };

	for (int i = 1; i <= n; i++) {
		try {
			s.area(i);
		} catch (int) {
			thrown++;
		}
	}
	std::printf("%d\n", thrown);
	return 0;
}
