// classes.cc - what C++ hands around: references, bases, objects that are not trivial to copy.
#include <cstdio>

struct Base {
	int id;

	explicit Base(int n) : id(n) {}
	virtual ~Base() {}
};

struct Mixin {
	short extra = 21;
};

struct Derived : Base, Mixin {
	long own = 22;
	Base &other;

	Derived(int n, Base &o) : Base(n), other(o) {}
	__attribute__((noipa)) long method(int n) { return own + n; }
};

extern "C" __attribute__((noipa)) long take(const Derived &d, Derived &&e, Base copy)
{
	return d.id + d.extra + d.own + d.other.id + e.own + copy.id;
}

int main()
{
	Base b(1);
	Derived d(2, b), e(3, b);

	printf("take %ld\n", take(d, static_cast<Derived &&>(e), b));
	printf("method %ld\n", d.method(4));
}
