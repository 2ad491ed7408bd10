/*
 * victim.c - the functions that the programs of src/ are attached to, called with arguments which
 * expected.py knows.  Prints a sum of all results, which no program but those that say so changes.
 */
#include "victim.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FUNC __attribute__((noipa))

FUNC int open_file(const char *path, int flags, unsigned mode)
{
	return mode % 5 == 0 ? -2 : (int)(3 + mode + (path[0] == '/') + flags);
}

FUNC int run_command(const char *file, char *const argv[])
{
	int n = 0;

	while (argv[n])
		n++;
	return n + (file[0] == 'c');
}

FUNC long transfer(int conn, const void *buf, size_t len)
{
	return conn == 3 && len % 7 == 0 ? -5 : (long)len;
}

FUNC int serve(struct request *r)
{
	r->answer.code = r->conn->peer ? 200 : 404;
	memcpy(r->answer.text, r->conn->peer ? "fine" : "nobody", 7);
	return r->answer.code;
}

FUNC long sum_list(const struct node *n)
{
	long sum = 0;

	for (; n; n = n->next)
		sum += n->value;
	return sum;
}

FUNC double mix(double x, float y, struct point p)
{
	return x + y + p.x * p.y;
}

FUNC __int128 wide(__int128 x, long by)
{
	return x * by;
}

FUNC void *take(size_t n)
{
	return malloc(n);
}

FUNC void give(void *p)
{
	free(p);
}

FUNC long many(int a, long b, short c, unsigned char d, int e, long f, int g, int h, long i)
{
	return a + b + c + d + e + f + g + h + i;
}

FUNC int enter(const struct dir *d)
{
	int n = 0;

	for (; d->parent; d = d->parent)
		n++;
	return n;
}

FUNC int depth(int n)
{
	return n ? 1 + depth(n - 1) : 0;
}

FUNC long spend(int turns)
{
	static volatile long work;

	for (int i = 0; i < turns; i++)
		work += i;
	return turns;
}

static long files(void)
{
	static const char *const path[] = { "/etc/passwd",
					    "/etc/hosts",
					    "relative/x",
					    "",
					    "/tmp/a-name-that-is-long-enough-to-be-cut-somewhere",
					    "/proc/self/maps" };
	long sum = 0;

	for (int i = 0; i < 60; i++)
		sum += open_file(path[i % 6], i & 3, (unsigned)i);
	return sum;
}

static long commands(void)
{
	char *ls[] = { "ls", "-l", "/tmp", NULL }, *yes[] = { "true", NULL };
	char *cc[] = { "cc", "-O2", "-c", "x.c", "-o", "x.o", NULL }, *seq[41] = { NULL };
	char *const *argv[] = { ls, cc, yes, seq };
	long sum = 0;

	for (int i = 0; i < 40; i++)
		seq[i] = i ? "one-more" : "seq";
	for (int i = 0; i < 12; i++)
		sum += run_command(argv[i % 4][0], argv[i % 4]);
	return sum;
}

static long transfers(void)
{
	static unsigned char buf[8192];
	long sum = 0;

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (unsigned char)(i * 7 + 1);
	for (int i = 0; i < 200; i++)
		sum += transfer(i % 4, buf, (size_t)(i * i * 7 % 5000));
	return sum;
}

static long requests(void)
{
	static const enum method method[] = { GET, PUT, DROP };
	long sum = 0;

	for (int i = 0; i < 30; i++) {
		struct peer peer = { .id = 1000 + i,
				     .address = { 10, 0, 0, (unsigned char)i },
				     .name = i & 1 ? "odd.example" : "even.example" };
		struct conn conn = { .fd = i, .bytes = 1ul << i, .peer = i % 5 ? &peer : NULL };
		struct request r = { .method = method[i % 3],
				     .urgent = i & 1,
				     .retries = i & 15,
				     .weight = -i,
				     .conn = &conn,
				     .path = "/index",
				     .size = 100 * i };

		sum += serve(&r);
	}
	return sum;
}

static long lists(void)
{
	struct node n[40];
	long sum = 0;

	for (int i = 0; i < 40; i++)
		n[i] = (struct node){ i * i, i ? &n[i - 1] : NULL };
	for (int i = 0; i < 40; i++)
		sum += sum_list(&n[i]);
	return sum;
}

static long numbers(void)
{
	double all = 0;
	long sum = 0;

	for (int i = 0; i < 20; i++) {
		all += mix(i * 0.5, (float)(i * 2), (struct point){ i, 0.25f });
		sum += (long)(wide(((__int128)1 << 70) + i, i) >> 64);
		sum += many(i, 2 * i, (short)-i, (unsigned char)(200 + i), i, i, i, i, 1000);
	}
	return sum + (long)all;
}

static long memory(void)
{
	void *p[30];
	long sum = 0;

	for (int i = 0; i < 30; i++)
		p[i] = take((size_t)(10 + i));
	for (int i = 0; i < 30; i++) {
		sum += p[i] != NULL;
		if (i % 3)
			give(p[i]);
	}
	return sum;
}

static long dirs(void)
{
	static const char *const name[] = { "", "home", "user", "a-directory", "b", "c", "deep" };
	struct dir d[7];
	long sum = 0;

	for (int i = 0; i < 7; i++)
		d[i] = (struct dir){ name[i], i ? &d[i - 1] : NULL };
	for (int i = 0; i < 7; i++)
		sum += enter(&d[i]);
	return sum;
}

int main(void)
{
	long sum = files() + commands() + transfers() + requests() + lists() + numbers() +
		   memory() + dirs() + depth(9);

	for (int i = 0; i < 10; i++)
		sum += spend(i * 100);
	printf("%ld\n", sum);
	return 0;
}
