/*
 * blas.h - the Fortran BLAS as its symbols are called from C, and the C one; for libblas's pack.
 *
 * Spec  netlib's BLAS quick reference guide (names, order of parameters); gfortran manual,
 *       "Argument passing conventions": all by address, and behind the others the length of
 *       each CHARACTER, by value as size_t
 */
#ifndef PACK_BLAS_H
#define PACK_BLAS_H

#include <cblas.h>
#include <complex.h>
#include <stddef.h>

/* one character, with no zero behind it: no string */
struct blas_character {
	char c;
};

#define N(name) const int *name
#define S(name) const struct blas_character *name

/* vectors: for every type */
#define ANY1(p, T) \
	void p##rotg_(T *a, T *b, REAL_##p *c, T *s); \
	void p##swap_(N(n), T *x, N(incx), T *y, N(incy)); \
	void p##scal_(N(n), const T *alpha, T *x, N(incx)); \
	void p##copy_(N(n), const T *x, N(incx), T *y, N(incy)); \
	void p##axpy_(N(n), const T *alpha, const T *x, N(incx), T *y, N(incy)); \
	int i##p##amax_(N(n), const T *x, N(incx));

#define REAL1(p, T) \
	void p##rotmg_(T *d1, T *d2, T *x1, const T *y1, T *param); \
	void p##rot_(N(n), T *x, N(incx), T *y, N(incy), const T *c, const T *s); \
	void p##rotm_(N(n), T *x, N(incx), T *y, N(incy), const T *param); \
	T p##dot_(N(n), const T *x, N(incx), const T *y, N(incy)); \
	T p##nrm2_(N(n), const T *x, N(incx)); \
	T p##asum_(N(n), const T *x, N(incx));

/* r: the letter of the real type */
#define COMPLEX1(p, T, r, R) \
	T p##dotu_(N(n), const T *x, N(incx), const T *y, N(incy)); \
	T p##dotc_(N(n), const T *x, N(incx), const T *y, N(incy)); \
	R r##p##nrm2_(N(n), const T *x, N(incx)); \
	R r##p##asum_(N(n), const T *x, N(incx)); \
	void p##r##scal_(N(n), const R *alpha, T *x, N(incx)); \
	void p##r##rot_(N(n), T *x, N(incx), T *y, N(incy), const R *c, const R *s); \
	R r##cabs1_(const T *z);

/* matrix and vector */
#define TRIANGULAR2(name, T, ...) \
	void name(S(uplo), S(trans), S(diag), N(n), __VA_ARGS__, T *x, N(incx), size_t uplo_len, \
		  size_t trans_len, size_t diag_len);

#define ANY2(p, T) \
	void p##gemv_(S(trans), N(m), N(n), const T *alpha, const T *a, N(lda), const T *x, \
		      N(incx), const T *beta, T *y, N(incy), size_t trans_len); \
	void p##gbmv_(S(trans), N(m), N(n), N(kl), N(ku), const T *alpha, const T *a, N(lda), \
		      const T *x, N(incx), const T *beta, T *y, N(incy), size_t trans_len); \
	TRIANGULAR2(p##trmv_, T, const T *a, N(lda)) \
	TRIANGULAR2(p##trsv_, T, const T *a, N(lda)) \
	TRIANGULAR2(p##tbmv_, T, N(k), const T *a, N(lda)) \
	TRIANGULAR2(p##tbsv_, T, N(k), const T *a, N(lda)) \
	TRIANGULAR2(p##tpmv_, T, const T *ap) \
	TRIANGULAR2(p##tpsv_, T, const T *ap)

/* sy, he: the kind of matrix */
#define SYMMETRIC2(p, sy, sb, sp, T, R) \
	void p##sy##mv_(S(uplo), N(n), const T *alpha, const T *a, N(lda), const T *x, N(incx), \
			const T *beta, T *y, N(incy), size_t uplo_len); \
	void p##sb##mv_(S(uplo), N(n), N(k), const T *alpha, const T *a, N(lda), const T *x, \
			N(incx), const T *beta, T *y, N(incy), size_t uplo_len); \
	void p##sp##mv_(S(uplo), N(n), const T *alpha, const T *ap, const T *x, N(incx), \
			const T *beta, T *y, N(incy), size_t uplo_len); \
	void p##sy##r_(S(uplo), N(n), const R *alpha, const T *x, N(incx), T *a, N(lda), \
		       size_t uplo_len); \
	void p##sp##r_(S(uplo), N(n), const R *alpha, const T *x, N(incx), T *ap, \
		       size_t uplo_len); \
	void p##sy##r2_(S(uplo), N(n), const T *alpha, const T *x, N(incx), const T *y, N(incy), \
			T *a, N(lda), size_t uplo_len); \
	void p##sp##r2_(S(uplo), N(n), const T *alpha, const T *x, N(incx), const T *y, N(incy), \
			T *ap, size_t uplo_len);

#define RANK1(name, T) \
	void name(N(m), N(n), const T *alpha, const T *x, N(incx), const T *y, N(incy), T *a, N(lda));

/* matrix and matrix */
#define TRIANGULAR3(name, T) \
	void name(S(side), S(uplo), S(transa), S(diag), N(m), N(n), const T *alpha, const T *a, \
		  N(lda), T *b, N(ldb), size_t side_len, size_t uplo_len, size_t transa_len, \
		  size_t diag_len);

#define SYMMETRIC3(p, sy, T, R) \
	void p##sy##mm_(S(side), S(uplo), N(m), N(n), const T *alpha, const T *a, N(lda), \
			const T *b, N(ldb), const T *beta, T *c, N(ldc), size_t side_len, \
			size_t uplo_len); \
	void p##sy##rk_(S(uplo), S(trans), N(n), N(k), const R *alpha, const T *a, N(lda), \
			const R *beta, T *c, N(ldc), size_t uplo_len, size_t trans_len); \
	void p##sy##r2k_(S(uplo), S(trans), N(n), N(k), const T *alpha, const T *a, N(lda), \
			 const T *b, N(ldb), const R *beta, T *c, N(ldc), size_t uplo_len, \
			 size_t trans_len);

#define ANY3(p, T) \
	void p##gemm_(S(transa), S(transb), N(m), N(n), N(k), const T *alpha, const T *a, N(lda), \
		      const T *b, N(ldb), const T *beta, T *c, N(ldc), size_t transa_len, \
		      size_t transb_len); \
	TRIANGULAR3(p##trmm_, T) \
	TRIANGULAR3(p##trsm_, T) \
	SYMMETRIC3(p, sy, T, T)

#define REAL(p, T) \
	ANY1(p, T) \
	REAL1(p, T) \
	ANY2(p, T) \
	SYMMETRIC2(p, sy, sb, sp, T, T) \
	RANK1(p##ger_, T) \
	ANY3(p, T)

#define COMPLEX(p, T, r, R) \
	ANY1(p, T) \
	COMPLEX1(p, T, r, R) \
	ANY2(p, T) \
	SYMMETRIC2(p, he, hb, hp, T, R) \
	RANK1(p##geru_, T) \
	RANK1(p##gerc_, T) \
	ANY3(p, T) \
	SYMMETRIC3(p, he, T, R)

#define REAL_s float
#define REAL_d double
#define REAL_c float
#define REAL_z double

REAL(s, float)
REAL(d, double)
COMPLEX(c, float _Complex, s, float)
COMPLEX(z, double _Complex, d, double)

float sdsdot_(N(n), const float *b, const float *x, N(incx), const float *y, N(incy));
double dsdot_(N(n), const float *x, N(incx), const float *y, N(incy));
int lsame_(S(ca), S(cb), size_t ca_len, size_t cb_len);
void xerbla_(S(srname), N(info), size_t srname_len);
void xerbla_array_(S(srname_array), N(srname_len), N(info), size_t srname_array_len);

#endif
