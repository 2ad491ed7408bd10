/* values_other.cc - where a class of values.cc is made. */
namespace ns {
class remote {
public:
	remote(int n);
	~remote();
	int n;
};

remote::remote(int n) : n(n) {}

remote::~remote() {}

remote *made(int n)
{
	return new remote(n);
}
}
