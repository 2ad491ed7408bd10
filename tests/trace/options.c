/* options.c - calls for options_test.py: texts, buffers, structs, many arguments, depth, threads. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CALL __attribute__((noinline, noclone))
#define KEEP asm volatile("" ::: "memory")

enum color { RED, GREEN = 5 };
struct point {
	int x, y;
	struct point *next;
	char name[8];
	unsigned low : 3, high : 13;
};

CALL int put(const char *buf, int num)
{
	KEEP;
	return num > 5 ? num : -1;
}

CALL int get(char *data, int max)
{
	memcpy(data, "\1two\377", 5);
	KEEP;
	return max ? 5 : -1;
}

CALL long nine(int a, int b, int c, int d, int e, int f, int g, long h, double i)
{
	KEEP;
	return a + h;
}

CALL void *look(struct point *p, char c, enum color col, float f)
{
	KEEP;
	return p->next;
}

CALL int down(int n)
{
	KEEP;
	return n ? down(n - 1) + 1 : 0;
}

static volatile int seen[4];

CALL void quiet(void)
{
	seen[0] = 1; /* long enough for a jump */
	seen[1] = 2;
}

static void *thread(void *arg)
{
	put(arg, 6);
	return NULL;
}

int main(void)
{
	static char big[8000], end[16];
	struct point q = { .x = 1, .y = 2, .name = "last", .low = 5, .high = 8000 };
	struct point p = { .x = 3, .y = 4, .next = &q, .name = "first", .low = 7 };
	pthread_t th;

	memset(big, 'b', sizeof(big));
	put("GET / HTTP/1.1\r\n", 16);
	put("abc", 3);
	put(NULL, 9);
	put(big, sizeof(big));
	for (int i = 0; i < 5; i++)
		nine(i, 2, 3, 4, 5, 6, 7, 8l * i, i * 0.5);
	get(end, 16);
	look(&p, 'x', GREEN, 1.5f);
	look(&q, 7, RED, -0.0f);
	down(3);
	quiet();
	pthread_create(&th, NULL, thread, "thread");
	pthread_join(th, NULL);
	return 0;
}
