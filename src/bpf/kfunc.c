/*
 * bpf/kfunc.c - see kfunc.h.  Both engines put these in line, or call rt/: interp.c, jit.c.
 */
#include "bpf/kfunc.h"

#include "base/types.h"
#include "bpf/program.h"

#include <stddef.h>

#define ANY_KIND ((1u << (PROGRAM_PLAIN + 1)) - 1)

#define SESSION_SECTIONS "fsession/FUNCTION or fsession.multi/PATTERN"

static const struct kfunc table[] = {
	{ .id = KFUNC_SESSION_IS_RETURN,
	  .name = "bpf_session_is_return",
	  .kinds = 1u << PROGRAM_FSESSION,
	  .kind = "fsession",
	  .section = SESSION_SECTIONS,
	  .flags = KFUNC_TAKES_CTX | KFUNC_READS_COUNT,
	  .result = KFUNC_T_BOOL,
	  .nargs = 1,
	  .arg = { KFUNC_T_VOID_PTR } },
	{ .id = KFUNC_SESSION_COOKIE,
	  .name = "bpf_session_cookie",
	  .kinds = 1u << PROGRAM_FSESSION,
	  .kind = "fsession",
	  .section = SESSION_SECTIONS,
	  .flags = KFUNC_TAKES_CTX | KFUNC_READS_COUNT | KFUNC_HAS_COOKIE,
	  .result = KFUNC_T_U64_PTR,
	  .nargs = 1,
	  .arg = { KFUNC_T_VOID_PTR } },
	{ .id = KFUNC_SET_ERRNO,
	  .name = "utramp_set_errno",
	  .kinds = 1u << PROGRAM_FMOD_RET,
	  .kind = "fmod_ret",
	  .section = "fmod_ret/FUNCTION",
	  .flags = KFUNC_SETS_ERRNO,
	  .result = KFUNC_T_INT,
	  .nargs = 1,
	  .arg = { KFUNC_T_INT } },
	{ .id = KFUNC_SET_RESULT,
	  .name = "utramp_set_result",
	  .kinds = 1u << PROGRAM_FMOD_RET,
	  .kind = "fmod_ret",
	  .section = "fmod_ret/FUNCTION",
	  .flags = KFUNC_TAKES_CTX | KFUNC_READS_COUNT | KFUNC_SETS_RESULT,
	  .result = KFUNC_T_INT,
	  .nargs = 3,
	  .arg = { KFUNC_T_VOID_PTR, KFUNC_T_VOID_PTR, KFUNC_T_U32 } },
	{ .id = KFUNC_ITER_NUM_NEW,
	  .name = "bpf_iter_num_new",
	  .kinds = ANY_KIND,
	  .kind = "all",
	  .flags = KFUNC_TAKES_ITER,
	  .result = KFUNC_T_INT,
	  .nargs = 3,
	  .arg = { KFUNC_T_ITER_NUM_PTR, KFUNC_T_INT, KFUNC_T_INT } },
	{ .id = KFUNC_ITER_NUM_NEXT,
	  .name = "bpf_iter_num_next",
	  .kinds = ANY_KIND,
	  .kind = "all",
	  .flags = KFUNC_TAKES_ITER,
	  .result = KFUNC_T_INT_PTR,
	  .nargs = 1,
	  .arg = { KFUNC_T_ITER_NUM_PTR } },
	{ .id = KFUNC_ITER_NUM_DESTROY,
	  .name = "bpf_iter_num_destroy",
	  .kinds = ANY_KIND,
	  .kind = "all",
	  .flags = KFUNC_TAKES_ITER,
	  .result = KFUNC_T_VOID,
	  .nargs = 1,
	  .arg = { KFUNC_T_ITER_NUM_PTR } },
	{ .id = KFUNC_RDONLY_CAST,
	  .name = "bpf_rdonly_cast",
	  .kinds = ANY_KIND,
	  .kind = "all",
	  .result = KFUNC_T_VOID_PTR,
	  .nargs = 2,
	  .arg = { KFUNC_T_VOID_PTR, KFUNC_T_U32 } },
};

/* Programs that declare them are told so by name, not that there is no such thing. */
static const struct kfunc refused[] = {
	{ .id = KFUNC_THROW,
	  .name = "bpf_throw",
	  .instead = "return from the program, through each of its functions",
	  .result = KFUNC_T_VOID,
	  .nargs = 1,
	  .arg = { KFUNC_T_U64 } },
};

const struct kfunc *kfunc_refused(unsigned *n)
{
	*n = ARRAY_LEN(refused);
	return refused;
}

const struct kfunc *kfunc_table(unsigned *n)
{
	*n = ARRAY_LEN(table);
	return table;
}

const struct kfunc *kfunc_by_id(uint32_t id)
{
	for (unsigned i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].id == id)
			return &table[i];
	for (unsigned i = 0; i < ARRAY_LEN(refused); i++)
		if (refused[i].id == id)
			return &refused[i];
	return NULL;
}
