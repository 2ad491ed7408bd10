/*
 * shapes.cc - a C++ class whose method is called 500 times, for `utramp latency Renderer::render`.
 */
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

class Renderer {
	std::vector<double> pixels;

    public:
	explicit Renderer(std::size_t n) : pixels(n) {}
	__attribute__((noinline)) double render(const std::string &name, int detail)
	{
		double sum = 0;
		for (int i = 0; i < detail; i++)
			sum += std::sin(pixels[static_cast<std::size_t>(i) % pixels.size()] += 0.1);
		return sum + static_cast<double>(name.size());
	}
};

int main()
{
	Renderer r(64);
	double total = 0;
	for (int i = 0; i < 500; i++)
		total += r.render(i % 2 ? "tower" : "house", 10 << (i % 8));
	std::printf("%.3f\n", total);
}
