// odd_classes.cc - classes that are passed by value or by reference for reasons that debug
// information hides; the output is a checksum of each.  See transparent_test.py.
#include <cstdio>
#include <memory>
#include <string>

#define NOINLINE __attribute__((noinline))

// by value: a constructor with a further parameter is none that copies, or the only one is deleted
struct moved {
	long a, b, c;
	moved(long x) : a(x), b(x + 1), c(x + 2) {}
	moved(const moved &) = delete;
	moved(moved &&) = default;
};
struct node {
	long a, b, c;
	node(long x) : a(x), b(x + 1), c(x + 2) {}
	node(const node &parent, int depth) : a(parent.a + depth), b(0), c(0) {}
};
struct plain {
	long a, b, c;
	plain(long x) : a(x), b(x + 1), c(x + 2) {}
	plain(const plain &) = default;
	~plain() = default;
};
struct templated {
	long a, b, c;
	templated(long x) : a(x), b(x), c(x) {}
	template <class T> templated(const T &o, T *) : a(o), b(o), c(o) {}
};

// by reference
struct copied {
	long a, b, c;
	copied(long x) : a(x), b(x), c(x) {}
	copied(const copied &o, int k = 1) : a(o.a + k), b(o.b), c(o.c) {}
};
struct outside {
	long a, b, c;
	outside(long x) : a(x), b(x), c(x) {}
	outside(const outside &o);
};
outside::outside(const outside &o) = default;
struct constvolatile {
	long a, b, c;
	constvolatile(long x) : a(x), b(x), c(x) {}
	constvolatile(const volatile constvolatile &o) : a(o.a), b(o.b), c(o.c) {}
	constvolatile(constvolatile &&o) : a(o.a), b(o.b), c(o.c) {}
};
struct dies {
	long a;
	dies(long x) : a(x) {}
	~dies() { a = 0; }
};
struct base_dies : dies {
	base_dies(long x) : dies(x) {}
};
struct stuck {
	long a, b, c;
	stuck(long x) : a(x), b(x), c(x) {}
	stuck(const stuck &) = delete;
};
struct with_virtual {
	long a;
	with_virtual(long x) : a(x) {}
	virtual long get() const { return a; }
};
struct empty {};

template <class T> NOINLINE long sum(T d, long t)
{
	return d.a * 10000 + d.b * 100 + d.c + t;
}
template <class T> NOINLINE long late(int a, int b, int c, int d, int e, int f, T n, long z)
{
	return a + b + c + d + e + f + n.a * 10000 + n.b * 100 + n.c + z;
}
template <class T> NOINLINE long small(int a, T d, empty, long t, T e, double x)
{
	return a + d.a * 10 + t * 100 + e.a * 1000 + (long)x * 10000;
}
template <class T> NOINLINE T make(long a, long b, long c, long d, long e, long f, long g)
{
	return T(a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7);
}
NOINLINE long library(std::string s, std::unique_ptr<long> p, copied c, std::string t, long a,
		      long b, long d)
{
	return (long)s.size() + *p * 10 + c.a * 100 + (long)t.size() * 1000 + a + b + d;
}
NOINLINE long prvalue(stuck s, long t)
{
	return s.a + s.b * 10 + s.c * 100 + t * 1000;
}

struct root {
	long b;
	NOINLINE root(long x) : b(x) {}
};
struct mid : virtual root {
	long m;
	NOINLINE mid(long a, long b, long c, long d, long e, long f, long g, long h)
		: root(a), m(a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8)
	{
	}
};
struct top : mid {
	long t;
	NOINLINE top(long a, long b, long c, long d, long e, long f, long g, long h)
		: root(a), mid(a, b, c, d, e, f, g, h), t(a - b - c - d - e - f - g - h)
	{
	}
	virtual NOINLINE long get(long a, long b, long c, long d, long e, long f, long g)
	{
		return t + a + b + c + d + e + f * 10 + g * 100;
	}
};
NOINLINE long throws(long a, long b, long c, long d, long e, long f, long g)
{
	if (a > 1)
		throw g + f;
	return b + c + d + e;
}
namespace {
NOINLINE long hidden(const moved &m, long a, long b, long c, long d, long e, const node &n)
{
	return m.a + m.b * 2 + m.c * 3 + a + b + c + d + e + n.a * 5 + n.b * 7 + n.c * 9;
}
}

// its thunk (this, adjusted) is called with all arguments; clang describes it as void(void)
struct first {
	long x;
	virtual long unused() { return x; }
};
struct second {
	long y;
	virtual long many(plain p, long a, long b, long c, long d, long e, long f, double g) = 0;
};
struct both : first, second {
	NOINLINE long many(plain p, long a, long b, long c, long d, long e, long f, double g) override
	{
		return x + y + p.a + p.b * 2 + p.c * 3 + a + b * 5 + c * 7 + d * 11 + e * 13 +
		       f * 17 + (long)g * 19;
	}
};
NOINLINE long through(second *s, long x)
{
	return s->many(plain(x), 1, 2, 3, 4, 5, 6, 7) + s->many(plain(x + 1), 8, 7, 6, 5, 4, 3, 2);
}

template <class T> long all(long x)
{
	T t = make<T>(x, 1, 2, 3, 4, 5, 6);

	return sum<T>(T(x), 1) + late<T>(1, 2, 3, 4, 5, 6, T(x + 1), 7) + t.a + t.b + t.c;
}

int main(int argc, char **)
{
	const node n(20);
	mid m(1, 2, 3, 4, 5, 6, 7, 8);
	top t(11, 12, 13, 14, 15, 16, 17, 18);
	long caught = 0;

	printf("by value %ld %ld %ld %ld\n", all<moved>(10), all<node>(20), all<plain>(30),
	       all<templated>(40));
	printf("by reference %ld %ld %ld\n", all<copied>(10), all<outside>(20),
	       all<constvolatile>(30));
	printf("small %ld %ld %ld\n", small(1, dies(2), empty(), 3, dies(4), 5),
	       small(1, base_dies(2), empty(), 3, base_dies(4), 5),
	       small(1, with_virtual(2), empty(), 3, with_virtual(4), 5));
	printf("library %ld\n", library("four", std::make_unique<long>(5), copied(6), "seven", 8, 9, argc));
	printf("prvalue %ld\n", prvalue(stuck(3), 4));
	printf("bases %ld %ld %ld %ld %ld %ld\n", m.b, m.m, t.b, t.m, t.t, t.get(1, 2, 3, 4, 5, 6, 7));
	for (int i = 0; i < 4; i++) {
		try {
			caught += throws(i, 1, 2, 3, 4, 5, 6);
		} catch (long v) {
			caught += v * 100;
		}
	}
	printf("caught %ld\n", caught);
	both b;
	b.x = 1, b.y = 2;
	printf("thunk %ld\n", through(&b, argc));
	printf("hidden %ld\n", hidden(moved(argc), 1, 2, 3, 4, 5, n));
	return 0;
}
