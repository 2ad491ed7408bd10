/*
 * gen/inject_real.c - floating-point numbers of every width, and complex ones, from text.
 *
 * "inf" is what it says, 1e400 is out of a double's range.
 *
 * Spec     IEEE 754-2019, 3.4 (binary16); C11 7.22.1.3; SDM vol. 1, 4.2.2 (long double)
 */
#include "gen/inject_priv.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of glibc since 2.26 (ISO/IEC TS 18661-3), whose header hides it from some compilers. */
extern __float128 read_quad(const char *text, char **end) __asm__("strtof128");

enum { HALF_BIAS = 15, HALF_BITS = 10 };

/* To the nearest, ties to even. */
static uint16_t half_of(double v, bool *inf)
{
	uint16_t sign = signbit(v) ? 0x8000 : 0;
	double m;
	int e;

	*inf = isinf(v);
	if (isnan(v) || isinf(v))
		return sign | (isnan(v) ? 0x7e00 : 0x7c00);
	v = fabs(v);
	if (v < 0x1p-14)
		return (uint16_t)(sign | (unsigned)nearbyint(v * 0x1p24));
	m = frexp(v, &e); /* v is m * 2^e, m from 0.5 to 1 */
	m = nearbyint(m * 0x1p11);
	if (m >= 0x1p11) {
		m /= 2;
		e++;
	}
	e += HALF_BIAS - 1;
	*inf = e > 30;
	return (uint16_t)(*inf ? sign | 0x7c00 :
				 sign | (unsigned)e << HALF_BITS | ((unsigned)m - 1024));
}

/* A number at text, of size bytes; NULL: none, else what stands behind.  *inf: it is infinite. */
static const char *read_part(const char *text, uint64_t size, bool x87, uint8_t *dst, bool *inf)
{
	char *end;
	__float128 q;
	long double l;
	double v = strtod(text, &end);
	float f;
	uint16_t h;

	*inf = isinf(v);
	if (end == text || isspace((unsigned char)*text))
		return NULL;
	switch (size) {
	case 2:
		h = half_of(v, inf);
		memcpy(dst, &h, 2);
		break;
	case 4:
		f = strtof(text, NULL);
		*inf = isinf(f);
		memcpy(dst, &f, 4);
		break;
	case 8:
		memcpy(dst, &v, 8);
		break;
	default:
		l = strtold(text, NULL);
		q = read_quad(text, NULL);
		*inf = isinf(l); /* of the same range as 128 bits */
		memcpy(dst, x87 ? (void *)&l : (void *)&q, x87 ? 10 : 16);
	}
	return end;
}

static bool overflows(const char *from, const char *to, bool inf)
{
	for (; inf && from < to; from++) {
		if (isdigit((unsigned char)*from))
			return true;
	}
	return false;
}

/* 1, 2i, 1+2i, 1e3-inf i; *too_large tells why not. */
static bool read_complex(const char *text, uint64_t part, bool x87, uint8_t *dst, bool *too_large)
{
	bool inf;
	const char *end = read_part(text, part, x87, dst, &inf);

	if (!end)
		return false;
	*too_large = overflows(text, end, inf);
	if (*end == '+' || *end == '-') {
		const char *second = end;

		end = read_part(second, part, x87, dst + part, &inf);
		if (!end || *end != 'i')
			return false;
		*too_large |= overflows(second, end, inf);
	} else if (*end == 'i') {
		memcpy(dst + part, dst, part);
		memset(dst, 0, part);
	} else {
		return !*end;
	}
	return !end[1];
}

int inject_real(const char *text, const struct ty *t, uint8_t *dst, struct diag *d)
{
	bool is_complex = t->flags & TY_COMPLEX, x87 = t->flags & TY_X87, inf = false, good;
	uint64_t part = is_complex ? t->size / 2 : t->size;
	const char *end;

	if ((part != 2 && part != 4 && part != 8 && part != 16) ||
	    (part == 2 && t->name && strstr(t->name, "bf16")))
		return inject_refuse(d, text, t,
				     "another function: numbers of this kind are not "
				     "known");
	if (is_complex) {
		good = read_complex(text, part, x87, dst, &inf);
	} else {
		end = read_part(text, part, x87, dst, &inf);
		good = end && !*end;
		inf = good && overflows(text, end, inf);
	}
	if (!good)
		return inject_refuse(d, text, t, is_complex ? "a number, 1.5 or 1+2i" : "a number");
	return inf ? inject_refuse(d, text, t, "one in its range, or inf") : 0;
}
