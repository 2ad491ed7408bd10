/*
 * tests/abi/instructive/cases.cc - the instructive cases of C++ (see cases.c).
 */
#include <cstdio>

#define NOINLINE __attribute__((noinline))

template <class F> static F *opaque(F *f)
{
	F *volatile p = f;

	return p;
}

/* 9: the hidden pointer comes before this */
struct three {
	long x, y, z;
};

struct V {
	long n;
	NOINLINE three r(int k) const
	{
		return { n, k, n + k };
	}
};

/* 11 */
struct E {};

NOINLINE int e3(int a, E, int b)
{
	return a * b;
}

NOINLINE int e7(int a, int b, int c, int d, int e, int f, E, int g)
{
	return a + b + c + d + e + f + g;
}

/* 12 */
struct NT {
	int v;
	explicit NT(int n) : v(n) {}
	NT(const NT &o) : v(o.v) {}
	~NT() {}
};

NOINLINE int nt(int a, int b, NT x)
{
	return a + b + x.v;
}

NOINLINE NT make(int a)
{
	return NT(a);
}

struct D {
	int a, b;
	NOINLINE int f()
	{
		return a;
	}
};

/* and: a pointer to member, nullptr, the pair of a pointer to member function */
NOINLINE int members(int D::*data, decltype(nullptr) n, int (D::*func)(), int last)
{
	D d = { 3, 4 };

	return d.*data + (d.*func)() + last + (n == nullptr);
}

int main()
{
	V v = { 7 };
	three t = v.r(8);

	std::printf("%ld %ld %ld\n", t.x, t.y, t.z);
	std::printf("%d\n", opaque(e3)(5, E(), 6));
	std::printf("%d\n", opaque(e7)(1, 2, 3, 4, 5, 6, E(), 7));
	std::printf("%d\n", opaque(nt)(1, 2, NT(3)));
	std::printf("%d\n", opaque(make)(9).v);
	std::printf("%d\n", opaque(members)(&D::b, nullptr, &D::f, 5));
	return 0;
}
