// names.cc - functions with the names that C++ makes of operators, templates, lambdas.
//
// Each passes its arguments through more than a jump's bytes, so that all can be traced.
#include <cstdio>
#include <new>

#define KEPT __attribute__((noinline, used))
#define ROOM __asm__ volatile("nop; nop; nop; nop; nop; nop; nop; nop")

namespace ns
{
struct X {
	int v;
};

KEPT bool operator<(const X &a, const X &b)
{
	ROOM;
	return a.v < b.v;
}

KEPT X operator<<(X a, int n)
{
	ROOM;
	return { a.v << n };
}

template <class T> KEPT bool operator>(const X &a, T b)
{
	ROOM;
	return a.v > b;
}

struct C {
	int v;
	X x;
	KEPT int operator()(int n)
	{
		ROOM;
		return v + n;
	}
	KEPT int operator()(int n, long m) const
	{
		ROOM;
		return v + n + (int)m;
	}
	KEPT X *operator->()
	{
		ROOM;
		return &x;
	}
	KEPT operator int() const
	{
		ROOM;
		return v;
	}
	KEPT operator const char *() const
	{
		ROOM;
		return "c";
	}
	KEPT int operator*(int n) const
	{
		ROOM;
		return v * n;
	}
	KEPT int operator*=(int n)
	{
		ROOM;
		return v *= n;
	}
	KEPT void *operator new[](size_t n)
	{
		ROOM;
		return ::operator new(n);
	}
};

namespace
{
KEPT int hidden(int n)
{
	ROOM;
	return n + 1;
}
}

template <class T> KEPT T twice(T n)
{
	ROOM;
	return n + n;
}

template <class T, class U> KEPT int both(T t, U u)
{
	ROOM;
	return (int)t + u[0];
}

struct D {
	int v;
	KEPT D(int n) : v(n)
	{
		ROOM;
	}
	KEPT ~D()
	{
		ROOM;
		v = 0;
	}
	template <class T> KEPT int member(T t)
	{
		ROOM;
		return v + (int)t;
	}
	KEPT static int stat(int n)
	{
		ROOM;
		return n;
	}
};

KEPT int over(int n)
{
	ROOM;
	return n;
}

KEPT int over(int n, const char *s)
{
	ROOM;
	return n + s[0];
}
}

KEPT __attribute__((abi_tag("tag"))) int tagged(int n)
{
	ROOM;
	return n;
}

KEPT int outer(int n)
{
	struct L {
		int base;
		KEPT int in(int k, long m) const
		{
			ROOM;
			return base + k + (int)m;
		}
	} l = { n };
	int by = 7;
	auto plain = [](int q) __attribute__((noinline))
	{
		ROOM;
		return q + 1;
	};
	auto captures = [n, &by](long r) __attribute__((noinline))
	{
		ROOM;
		return n + by + r;
	};

	return l.in(n, 2) + plain(n) + (int)captures(n);
}

int main()
{
	ns::X a = { 1 }, b = { 2 };
	ns::C c = { 3, a }, *list = new ns::C[1];
	const char *text = c;
	int sum = (a < b) + (a << 2).v + (a > 0) + c(4) + c(5, 6L) + c->v + (int)c + text[0] +
		  c * 2 + (c *= 2);

	sum += ns::hidden(8) + ns::twice(9) + (int)ns::twice(2.5) + ns::over(10) +
	       ns::over(11, "x") + tagged(12) + outer(13);
	{
		ns::D d(14);
		sum += d.member(15u) + ns::D::stat(16) + ns::both<unsigned int, const char *>(17, "y");
	}
	::operator delete(list);
	std::printf("sum %d\n", sum);
	return 0;
}
