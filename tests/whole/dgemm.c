/*
 * dgemm.c N - products of matrices by the system's cblas_dgemm(), by a blocked product of our own
 * whose small functions take doubles, vectors and more than six arguments, and naively: bits and
 * all must agree.  Prints each product's checksum and the number of differing bits.
 *
 * The reference BLAS and our block sum over k in ascending order with a rounding after each
 * product and each sum, as the naive loop does; no contraction (-ffp-contract=off), or the last
 * bit would depend on who compiled it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef double v2d __attribute__((vector_size(16)));
/* Declared here, so that the library's package is enough: libblas3, no libblas-dev. */
void cblas_dgemm(int layout, int ta, int tb, int m, int n, int k, double alpha, const double *a,
		 int lda, const double *b, int ldb, double beta, double *c, int ldc);

static uint64_t seed = 42;

__attribute__((noinline)) static double number(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return ((double)(int64_t)seed) * 0x1p-60;
}

__attribute__((noinline)) static v2d axpy(v2d sum, double a, v2d b)
{
	return sum + (v2d){ a, a } * b;
}

/* two columns of row i */
__attribute__((noinline)) static void row_pair(const double *a, const double *b, double *c, int n,
					       int k, int i, int j, double scale, const char *what)
{
	v2d sum = { 0, 0 };

	for (int l = 0; l < k; l++)
		sum = axpy(sum, a[i * k + l], (v2d){ b[l * n + j], b[l * n + j + 1] });
	c[i * n + j] = sum[0] * scale;
	c[i * n + j + 1] = sum[1] * scale;
	if (!what)
		abort();
}

__attribute__((noinline)) static void blocked(const double *a, const double *b, double *c, int m,
					      int n, int k)
{
	for (int i = 0; i < m; i++) {
		for (int j = 0; j < n; j += 2)
			row_pair(a, b, c, n, k, i, j, 1.0, "pair");
	}
}

__attribute__((noinline)) static void naive(const double *a, const double *b, double *c, int m,
					    int n, int k)
{
	for (int i = 0; i < m; i++) {
		for (int j = 0; j < n; j++) {
			double sum = 0;

			for (int l = 0; l < k; l++)
				sum += a[i * k + l] * b[l * n + j];
			c[i * n + j] = sum;
		}
	}
}

__attribute__((noinline)) static uint64_t checksum(const double *c, int n)
{
	uint64_t h = 14695981039346656037u, bits;

	for (int i = 0; i < n; i++) {
		memcpy(&bits, &c[i], 8);
		h = (h ^ bits) * 1099511628211u;
	}
	return h;
}

__attribute__((noinline)) static int differing(const double *c, const double *d, int n)
{
	int bits = 0;

	for (int i = 0; i < n; i++) {
		uint64_t x, y;

		memcpy(&x, &c[i], 8);
		memcpy(&y, &d[i], 8);
		bits += __builtin_popcountll(x ^ y);
	}
	return bits;
}

static int product(int m, int n, int k)
{
	size_t size = (size_t)m * (size_t)n * sizeof(double);
	double *a = malloc((size_t)(m * k) * sizeof(double));
	double *b = malloc((size_t)(k * n) * sizeof(double));
	double *c = malloc(size), *d = malloc(size), *e = calloc(1, size);
	int bad;

	for (int i = 0; i < m * k; i++)
		a[i] = number();
	for (int i = 0; i < k * n; i++)
		b[i] = number();
	naive(a, b, c, m, n, k);
	blocked(a, b, d, m, n, k);
	cblas_dgemm(101, 111, 111, m, n, k, 1.0, a, k, b, n, 0.0, e, n);
	bad = differing(c, d, m * n) + differing(c, e, m * n);
	printf("%d x %d x %d: %016llx %016llx %016llx, %d bits differ\n", m, n, k,
	       (unsigned long long)checksum(c, m * n), (unsigned long long)checksum(d, m * n),
	       (unsigned long long)checksum(e, m * n), bad);
	free(a);
	free(b);
	free(c);
	free(d);
	free(e);
	return bad;
}

int main(int argc, char **argv)
{
	int most = argc > 1 ? atoi(argv[1]) : 32, bad = 0;
	for (int n = 2; n <= most; n += 6)
		bad += product(n + 1, n, n + 3);
	return bad ? 1 : 0;
}
