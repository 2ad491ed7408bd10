/*
 * thrower.cc N - a tree of calls in which every second call throws: by value, by class with a
 * base, rethrown, through destructors, through noexcept(false) ones, out of a virtual and out of a
 * lambda.  Prints what was caught where, in order, as a checksum a round and a sum at the end.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{
struct trace {
	uint64_t sum = 14695981039346656037u;
	void add(uint64_t v)
	{
		sum = (sum ^ v) * 1099511628211u;
	}
} log;

struct wrong : std::runtime_error {
	wrong(const std::string &text, int c) : std::runtime_error(text), code(c)
	{
	}
	int code;
};

struct guard {
	explicit guard(int n) : id(n)
	{
		log.add(static_cast<uint64_t>(id));
	}
	~guard()
	{
		log.add(static_cast<uint64_t>(id) << 32);
	}
	int id;
};

struct node {
	virtual ~node() = default;
	virtual double eval(int x) const = 0;
};

struct leaf : node {
	double eval(int x) const override
	{
		guard g(x);
		if (x % 2)
			throw wrong("leaf " + std::to_string(x), x);
		return x * 0.5;
	}
};

struct pair : node {
	pair(std::unique_ptr<node> l, std::unique_ptr<node> r) : a(std::move(l)), b(std::move(r))
	{
	}
	double eval(int x) const override
	{
		guard g(-x);
		double sum = 0;
		try {
			sum += a->eval(x);
		} catch (const wrong &e) {
			log.add(static_cast<uint64_t>(e.code));
			sum -= static_cast<double>(std::string(e.what()).size());
			if (e.code % 3 == 0)
				throw;
		}
		return sum + b->eval(x + 2);
	}
	std::unique_ptr<node> a, b;
};

std::unique_ptr<node> build(int depth)
{
	if (!depth)
		return std::make_unique<leaf>();
	return std::make_unique<pair>(build(depth - 1), build(depth - 1));
}

__attribute__((noinline)) long many(int a, long b, short c, double d, char e, long f, int g, long h,
				    const std::string &i, long double k)
{
	if ((a + b + c) % 2)
		throw static_cast<long>(a + b + c + e + f + g + h) + static_cast<long>(d + k);
	return static_cast<long>(i.size()) + h + g;
}

__attribute__((noinline)) int deep(int n, std::map<int, std::string> &names)
{
	guard g(n);
	if (!n)
		throw std::out_of_range(names.begin()->second);
	names[n] = "name " + std::to_string(n);
	try {
		return deep(n - 1, names) + 1;
	} catch (const std::out_of_range &) {
		if (n % 5 == 0)
			throw std::logic_error("at " + names.at(n));
		throw;
	}
}

long round_of(int i, const node &tree)
{
	std::function<long(int)> f = [&](int x) {
		return many(x, 2 * x, static_cast<short>(x + 3), x * 0.25, static_cast<char>('a' + x % 26),
			    6 - x, 7 + x, x, std::string(static_cast<size_t>(30 + x % 9), 'x'), x + 1.5L);
	};
	std::map<int, std::string> names = { { -1, "none" } };
	long sum = 0;

	try {
		sum += static_cast<long>(tree.eval(i) * 4);
	} catch (const std::exception &e) {
		sum += static_cast<long>(std::string(e.what()).size());
	}
	try {
		sum += f(i);
	} catch (long v) {
		sum ^= v;
	}
	try {
		sum += deep(i % 40, names);
	} catch (const std::logic_error &e) {
		sum += static_cast<long>(std::string(e.what()).size()) * 3;
	}
	return sum;
}
} // namespace

int main(int argc, char **argv)
{
	int n = argc > 1 ? std::atoi(argv[1]) : 100;
	auto tree = build(4);
	long sum = 0;

	for (int i = 0; i < n; i++) {
		sum += round_of(i, *tree);
		if (i % 100 == 0)
			std::printf("%d %ld %016llx\n", i, sum,
				    static_cast<unsigned long long>(log.sum));
	}
	std::printf("%ld %016llx\n", sum, static_cast<unsigned long long>(log.sum));
	return 3;
}
