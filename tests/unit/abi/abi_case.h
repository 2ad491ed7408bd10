/*
 * tests/unit/abi/abi_case.h - one generated call: between gen_types.py and abi_diff_test.
 */
#ifndef ABI_CASE_H
#define ABI_CASE_H

struct abi_case {
	const char *sig; /* text form, see model/func_model.h */
	/* Load the arguments from v, call fn, store the result into out. */
	void (*call)(void *fn, const unsigned char *v, unsigned char *out);
	const unsigned short *size; /* of each argument */
	unsigned nargs, ret_size;
	const unsigned char *value, *mask; /* arguments one behind the other, then the result */
};

extern const struct abi_case abi_cases[];
extern const unsigned abi_ncases;
extern const unsigned abi_by, abi_version; /* enum abi_compiler, its first number */
extern const unsigned abi_wide;            /* widest vector beyond 16 bytes: 0, 32 or 64 */

#endif
