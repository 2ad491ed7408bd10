/*
 * dgemm.c - three matrix products by the system's BLAS, for dgemm.bpf.c.
 *
 * Declared here, so that the library's package is enough: libblas3, no libblas-dev.
 */
#include <stdio.h>

enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 }; /* the reference CBLAS's numbers */

void cblas_dgemm(int layout, int trans_a, int trans_b, int m, int n, int k, double alpha,
		 const double *a, int lda, const double *b, int ldb, double beta, double *c,
		 int ldc);

static void product(int m, int n, int k, double alpha, double beta)
{
	static double a[64], b[64], c[64];
	double sum = 0;

	for (int i = 0; i < 64; i++) {
		a[i] = i;
		b[i] = 64 - i;
		c[i] = 1;
	}
	cblas_dgemm(ROW_MAJOR, NO_TRANS, TRANS, m, n, k, alpha, a, k, b, k, beta, c, n);
	for (int i = 0; i < m * n; i++)
		sum += c[i];
	printf("%d x %d x %d: %g\n", m, n, k, sum);
}

int main(void)
{
	product(2, 3, 4, 1.5, 0);
	product(2, 3, 4, -0.25, 1);
	product(8, 8, 8, 0.001, 2.75);
	return 0;
}
