// C++ for the DWARF reader: scopes, this, references, what is passed by reference.
namespace ns
{
struct plain {
	int a;
	long b;
};

class counted
{
public:
	counted(int n);
	counted(const counted &from);
	~counted();
	int get(int scale) const;
	static int made(long n);
	virtual int over(double d);

private:
	int n_;
};

counted::counted(int n) : n_(n)
{
}

counted::counted(const counted &from) : n_(from.n_)
{
}

counted::~counted()
{
	n_ = 0;
}

int counted::get(int scale) const
{
	return n_ * scale;
}

int counted::made(long n)
{
	return (int)n;
}

int counted::over(double d)
{
	return (int)d + n_;
}

struct holder {
	counted inner;
	int x;
};

int by_value(plain p, counted c, holder h)
{
	return p.a + c.get(2) + h.x;
}

int by_reference(plain &p, const counted &c, plain &&moved)
{
	return p.a + c.get(3) + moved.a;
}
} // namespace ns

int member_pointers(int (ns::counted::*f)(int) const, int ns::plain::*d, ns::counted *c,
		    ns::plain *p)
{
	return (c->*f)(1) + p->*d;
}

template <typename T> T twice(T v)
{
	return v + v;
}
template int twice<int>(int);

// What g++ describes within the function around it, code and all.
#define KEPT __attribute__((noinline, used))
#define OPAQUE(x) __asm__ volatile("" : "+r"(x))

namespace ns
{
int local_class(int n)
{
	struct L {
		int base;
		KEPT int in(int k, long m) const
		{
			OPAQUE(k);
			return base + k + (int)m;
		}
	} l = { n };

	return l.in(n, 2);
}

int local_in_block(int n)
{
	if (n > 1) {
		union U {
			int i;
			float f;
			KEPT int get(short s)
			{
				OPAQUE(s);
				return i + s;
			}
		} u = { n };

		return u.get(3);
	}
	return n;
}

int local_lambda(int n)
{
	auto f = [](int q, const char *s) __attribute__((noinline))
	{
		OPAQUE(q);
		return q + s[0];
	};

	return f(n, "x");
}

long local_captures(int n)
{
	long by = 7;
	auto f = [n, &by](double d) __attribute__((noinline))
	{
		OPAQUE(by);
		return n + by + (long)d;
	};

	return f(2.5);
}
} // namespace ns

int (*global_lambda)(unsigned) = [](unsigned g) { return (int)g + 1; };

/* As a unit that never makes one sees them. */
namespace std {
template <class C> struct char_traits;
template <class T> class allocator;
inline namespace __cxx11 {
template <class C, class T, class A> class basic_string;
}
}
typedef std::basic_string<char, std::char_traits<char>, std::allocator<char>> narrow;
typedef std::basic_string<wchar_t, std::char_traits<wchar_t>, std::allocator<wchar_t>> broad;
int declared_string(const narrow &n, const broad &b)
{
	return &n != nullptr && &b != nullptr;
}

/* clang -O0 does not describe unused, whose address is passed */
long lacks_one(long a, long b, long c, long d, long e, long f, ns::counted unused, ns::counted last)
{
	if (a)
		static_cast<void>(b);
	return last.get(1) + f;
}

/* nor here, where no name tells */
extern "C" long lacks_in_c(long a, long b, long c, long d, long e, long f, ns::counted unused,
			   ns::counted last)
{
	if (a)
		static_cast<void>(b);
	return last.get(1) + 2 * f;
}

/* clang -O2 does not say where this is */
struct fades {
	int x;
	~fades();
};

fades::~fades() {}
