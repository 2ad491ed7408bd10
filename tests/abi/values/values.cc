/*
 * values.cc - a value of every kind, each handed to a function of its own: f_NAME(T NAME).
 *
 * values.py traces it and holds what it shows against docs/values.md.
 */
#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#ifdef __clang__
#define ALONE __attribute__((noinline))
#else
#define ALONE __attribute__((noipa))
#endif

/* clang at -O0 does not tell of a parameter that nobody uses. */
template <class T> static void use(const T &v)
{
	asm volatile("" : : "r"(&v) : "memory");
}

#define SHOW(T, name)                   \
	void f_##name(T name);          \
	ALONE void f_##name(T name) { use(name); }
/* Its result, too. */
#define GIVE(T, name)                 \
	T r_##name(T &name);          \
	ALONE T r_##name(T &name) { use(name); return static_cast<T>(name); }

/* -- what C has ------------------------------------------------------------------------------ */

enum color { RED, GREEN = 5, BLUE = -1 };
enum perm : unsigned { NONE = 0, READ = 1, WRITE = 2, EXEC = 4, RDWR = 3 };
enum class scoped : uint8_t { one = 1, two = 2, sixteen = 16 };
enum class step : unsigned { first = 1, second = 2, fifth = 5 };

extern "C" {
void callback(int) { asm volatile("nop"); }
}
typedef void (*handler)(int);

struct point { int x, y; };
struct bits { unsigned a : 3; int b : 4; bool on : 1; perm mode : 4; color c : 4; };
struct outer {
	point at;
	union { int whole; unsigned char byte[4]; };
	struct { short lo, hi; } half;
	int grid[2][3];
	char name[8];
	handler then;
};
union number { int i; float f; };
struct flexible { int n; int more[]; };
struct hollow { int none[0]; char c; };
struct big { long v[40]; };
typedef int four __attribute__((vector_size(16)));
struct tree { int v; tree *left, *right; };

SHOW(int, whole)
SHOW(unsigned long, large)
SHOW(signed char, tiny)
SHOW(char, letter)
SHOW(bool, yes)
SHOW(double, real)
SHOW(float, narrow)
SHOW(long double, precise)
SHOW(__int128, huge)
SHOW(_Complex double, rotated)
SHOW(wchar_t, wide)
SHOW(char16_t, unit)
SHOW(char32_t, rune)
SHOW(color, paint)
SHOW(color, unnamed)
SHOW(perm, mode)
SHOW(perm, both)
SHOW(perm, extra)
SHOW(perm, alien)
SHOW(perm, nothing)
SHOW(scoped, of_class)
SHOW(step, of_steps)
SHOW(int *, plain)
SHOW(void *, null)
SHOW(const char *, text)
SHOW(const char *, none)
SHOW(handler, call)
SHOW(handler, inside)
SHOW(handler, astray)
SHOW(handler, absent)
SHOW(point, pair)
SHOW(bits, packed)
SHOW(outer, nested)
SHOW(number, either)
SHOW(hollow, hole)
SHOW(big, bulk)
SHOW(four, lanes)
SHOW(tree, node)
SHOW(flexible &, open)

/* -- references -------------------------------------------------------------------------------- */

struct opaque;
typedef int three_ints[3];
typedef void code(int);

SHOW(int &, count)
SHOW(int &&, taken)
SHOW(const double &, ratio)
SHOW(const point &, where)
SHOW(three_ints &, three)
SHOW(opaque &, hidden)
SHOW(code &, run)
SHOW(const char *&, word)
SHOW(const big &, part)
SHOW(color &, shade)

/* -- the library --------------------------------------------------------------------------------- */

struct holder { std::string name; std::vector<int> list; int n; };

SHOW(std::string, brief)
SHOW(const std::string &, lengthy)
SHOW(std::string &&, moved)
SHOW(std::string, blank)
SHOW(std::string, zeros)
SHOW(std::string_view, view)
SHOW(std::vector<int>, numbers)
SHOW(const std::vector<int> &, many)
SHOW(std::vector<double>, nil)
SHOW(std::vector<std::string>, words)
SHOW(std::vector<std::vector<int>>, rows)
SHOW(std::vector<point>, points)
SHOW(std::vector<big>, heavy)
SHOW(const holder &, keeps)
SHOW(holder, has)

/* What an object says need not be true. */
void f_broken(const std::string &broken);
ALONE void f_broken(const std::string &broken) { use(broken); }
SHOW(const std::string &, lost)
SHOW(const std::vector<int> &, reverse)
SHOW(const std::vector<int> &, gone)

/* -- classes --------------------------------------------------------------------------------- */

namespace ns {
struct base {
	int b;
	virtual int virt() { return b; }
	virtual ~base() {}
};
struct empty {};
struct derived : base, empty {
	int d;
	static int shared;
	int plain() const { return d; }
};
int derived::shared = 4;
struct left : virtual base { int l = 7; };
template <class T> struct box { T in; };
class counter {
public:
	counter(int n) : n(n) { use(n); }
	~counter() { use(n); }
	counter operator+(const counter &o) const { return counter(n + o.n); }
	bool operator()(int x) const { use(x); return x > n; }
	static ALONE int twice(int x) { use(x); return 2 * x; }
private:
	int n;
};
ALONE int overloaded(int x) { use(x); return x; }
ALONE int overloaded(double x) { use(x); return 2; }
template <class T> ALONE T same(T x) { use(x); return x; }
}

/* Made in another file: clang describes it there alone.  Its namesake is another class. */
class remote {
public:
	remote(double wrong) : wrong(wrong) { use(wrong); }
	double wrong;
};
namespace ns {
class remote {
public:
	remote(int n);
	~remote();
	int n;
};
remote *made(int n);
}

typedef int ns::derived::*to_member;
typedef int (ns::derived::*to_function)() const;
typedef int (ns::base::*to_virtual)();

SHOW(ns::derived &, object)
SHOW(ns::empty, vacant)
SHOW(ns::left &, split)
SHOW(ns::box<point>, boxed)
SHOW(to_member, offset)
SHOW(to_member, nowhere)
SHOW(to_function, method)
SHOW(to_virtual, slot)
SHOW(std::nullptr_t, nil_ptr)
SHOW(ns::derived *, address)
SHOW(ns::remote, far_away)
SHOW(const ns::remote &, far_off)

/* -- results --------------------------------------------------------------------------------- */

GIVE(std::string, title)
GIVE(std::vector<int>, items)
GIVE(std::string_view, piece)
GIVE(perm, allowed)
GIVE(handler, chosen)
GIVE(bool, truth)
GIVE(point, spot)
int &r_lent(int &lent);
ALONE int &r_lent(int &lent) { use(lent); return lent; }
const std::string &r_named(const std::string &named);
ALONE const std::string &r_named(const std::string &named) { use(named); return named; }

static void c_values()
{
	static int object;
	static int open[5] = { 0, 1, 2, 3, 4 };
	outer o = { { 1, 2 }, { 0x04030201 }, { 5, 6 }, { { 1, 2, 3 }, { 4, 5, 6 } }, "seven", callback };
	big b = {};
	flexible *flex = (flexible *)open;
	number n;
	_Complex double rotated;

	__real__ rotated = 1, __imag__ rotated = -2;
	n.f = 1, flex->n = 2;
	for (int i = 0; i < 40; i++)
		b.v[i] = i;
	f_whole(-5), f_large(~0ul), f_tiny(-7), f_letter('q'), f_yes(true);
	f_real(0.1), f_narrow(2.5f), f_precise(1.25L), f_huge(-((__int128)1 << 100));
	f_rotated(rotated), f_wide(L'w'), f_unit(u'u'), f_rune(U'\U0001f600');
	f_paint(BLUE), f_unnamed((color)4), f_mode(WRITE), f_both((perm)5), f_extra((perm)0x47);
	f_alien((perm)0x40), f_nothing(NONE), f_of_class((scoped)18), f_of_steps((step)3);
	f_plain(&object), f_null(nullptr), f_text("a \"text\"\n"), f_none(nullptr);
	f_call(callback), f_inside((handler)((char *)callback + 1)), f_astray((handler)16);
	f_absent(nullptr), f_pair({ 1, -2 }), f_packed({ 5, -3, true, (perm)6, GREEN });
	f_nested(o), f_either(n), f_hole({ {}, 'h' }), f_bulk(b), f_lanes(four{ 1, -2, 3, 4 });
	f_node({ 1, nullptr, nullptr }), f_open(*flex);
}

static void references()
{
	int i = 3, three[3] = { 7, 8, 9 };
	const char *word = "word";
	color c = RED;
	big b = {};

	b.v[0] = 1;
	f_count(i), f_taken(4), f_ratio(0.5), f_where({ 8, 9 }), f_three(three);
	f_hidden(*(opaque *)&i), f_run(callback), f_word(word), f_part(b), f_shade(c);
}

static void library()
{
	std::string brief = "brief", lengthy(100, 'x'), zeros("a\0b", 3);
	std::vector<int> many(1000, 7), numbers{ 1, 2, 3 };
	holder h{ "a name beyond fifteen bytes", { 4, 5 }, 6 };
	uint64_t lie[4] = { 16, 1ull << 40, 0, 0 }, lost[4] = { 16, 5, 0, 0 };
	uint64_t reverse[3] = { 64, 32, 64 }, gone[3] = { 16, 24, 32 };

	f_brief(brief), f_lengthy(lengthy), f_moved(std::string("moved")), f_blank({});
	f_zeros(zeros), f_view("view"), f_numbers(numbers), f_many(many), f_nil({});
	f_words({ "one", "two", "a word beyond fifteen bytes" }), f_rows({ { 1, 2 }, {} });
	f_points({ { 1, 2 }, { 3, 4 } }), f_heavy(std::vector<big>(2)), f_keeps(h), f_has(h);
	f_broken(*(std::string *)lie), f_lost(*(std::string *)lost);
	f_reverse(*(std::vector<int> *)reverse), f_gone(*(std::vector<int> *)gone);
}

static void classes()
{
	ns::derived d;
	ns::left l;

	d.b = 1, d.d = 2, l.b = 3;
	f_object(d), f_vacant({}), f_split(l), f_boxed({ { 5, 6 } }), f_offset(&ns::derived::d);
	f_nowhere(nullptr), f_method(&ns::derived::plain), f_slot(&ns::base::virt);
	f_nil_ptr(nullptr), f_address(nullptr);
	f_far_away(*ns::made(5)), f_far_off(*ns::made(6)), use(remote(.5));
	{
		ns::counter a(1), b(2), c = a + b;
		use(c(4)), use(ns::counter::twice(4));
	}
	use(ns::overloaded(1)), use(ns::overloaded(1.0)), use(ns::same(5));
	use(ns::same(std::string("five")));
	use([](int by) { use(by); return by; }(9));
}

static void results()
{
	std::string title = "title";
	std::vector<int> items{ 1, 2 };
	std::string_view piece = "piece";
	perm allowed = (perm)5;
	handler chosen = callback;
	bool truth = true;
	point spot{ 1, 2 };
	int lent = 5;

	use(r_title(title)), use(r_items(items)), use(r_piece(piece)), use(r_allowed(allowed));
	use(r_chosen(chosen)), use(r_truth(truth)), use(r_spot(spot)), use(r_lent(lent));
	use(r_named(title));
}

int main()
{
	callback(0);
	c_values(), references(), library(), classes(), results();
}
