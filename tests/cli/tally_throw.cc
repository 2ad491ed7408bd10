/*
 * tally_throw.cc N - N calls of shape::area(int), each third one left by an exception, and one of
 * shape::label(std::string const&).
 */
#include <cstdio>
#include <cstdlib>
#include <string>

struct shape {
	int side;
	__attribute__((noinline)) int area(int scale);
	__attribute__((noinline)) int label(const std::string &text);
};

int shape::area(int scale)
{
	if (scale % 3 == 0)
		throw scale;
	return side * scale;
}

int shape::label(const std::string &text)
{
	return side += static_cast<int>(text.size());
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? std::atoi(argv[1]) : 0, thrown = 0;
	shape s = { 2 };

	s.label("square");
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
