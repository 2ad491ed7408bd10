/*
 * attach/policy.c - see policy.h.
 */
#include "attach/policy.h"

#include <stddef.h>
#include <string.h>

struct rule {
	const char *symbol;
	const char *reason;
};

#define TWICE    "it can return twice"
#define CALLER   "it looks at its caller"
#define NEVER    "it never returns"
#define SWITCH   "it switches stacks"
#define UNWIND   "it is part of the unwinder"
#define EXEC     "it replaces the program"
#define FRAGMENT "it is a part of another function, entered by a jump"
#define THUNK    "it is called with a convention of its own"

static const struct rule never_patched[] = {
	{ "_start", "the kernel enters it, there is no call" },
	{ "__restore_rt", "unwinders know signal frames by its bytes" },
	{ "__restore", "unwinders know signal frames by its bytes" },
	{ "_dl_relocate_static_pie", "it runs before relocation" },
};

static const struct rule entry_only[] = {
	{ "setjmp", TWICE },
	{ "_setjmp", TWICE },
	{ "__setjmp", TWICE },
	{ "sigsetjmp", TWICE },
	{ "__sigsetjmp", TWICE },
	{ "savectx", TWICE },
	{ "getcontext", TWICE },
	{ "vfork", TWICE },
	{ "__vfork", TWICE },
	{ "__libc_vfork", TWICE },
	{ "dlopen", CALLER },
	{ "dlmopen", CALLER },
	{ "dlsym", CALLER },
	{ "dlvsym", CALLER },
	{ "__libc_dlopen_mode", CALLER },
	{ "__libc_dlsym", CALLER },
	{ "mcount", CALLER },
	{ "_mcount", CALLER },
	{ "__fentry__", CALLER },
	{ "_dl_runtime_resolve", THUNK },
	{ "__tls_get_addr", THUNK },
	{ "__tls_get_addr_slow", THUNK },
	{ "_dl_tlsdesc_return", THUNK },
	{ "_dl_tlsdesc_undefweak", THUNK },
	{ "_dl_tlsdesc_dynamic", THUNK },
	{ "__morestack", SWITCH },
	{ "makecontext", SWITCH },
	{ "setcontext", SWITCH },
	{ "swapcontext", SWITCH },
	{ "__start_context", SWITCH },
	{ "jump_fcontext", SWITCH },
	{ "ontop_fcontext", SWITCH },
	{ "make_fcontext", SWITCH },
	{ "clone", TWICE },
	{ "__clone", TWICE },
	{ "clone3", TWICE },
	{ "__clone3", TWICE },
	{ "longjmp", NEVER },
	{ "_longjmp", NEVER },
	{ "siglongjmp", NEVER },
	{ "__longjmp_chk", NEVER },
	{ "__libc_longjmp", NEVER },
	{ "__libc_siglongjmp", NEVER },
	{ "exit", NEVER },
	{ "_exit", NEVER },
	{ "_Exit", NEVER },
	{ "quick_exit", NEVER },
	{ "abort", NEVER },
	{ "pthread_exit", NEVER },
	{ "thrd_exit", NEVER },
	{ "__assert_fail", NEVER },
	{ "__assert_perror_fail", NEVER },
	{ "__stack_chk_fail", NEVER },
	{ "__fortify_fail", NEVER },
	{ "__chk_fail", NEVER },
	{ "__libc_fatal", NEVER },
	{ "__libc_start_main", NEVER },
	{ "err", NEVER },
	{ "errx", NEVER },
	{ "verr", NEVER },
	{ "verrx", NEVER },
	{ "execve", EXEC },
	{ "execv", EXEC },
	{ "execvp", EXEC },
	{ "execvpe", EXEC },
	{ "execl", EXEC },
	{ "execle", EXEC },
	{ "execlp", EXEC },
	{ "execveat", EXEC },
	{ "fexecve", EXEC },
	{ "__cxa_throw", UNWIND },
	{ "__cxa_rethrow", UNWIND },
	{ "__cxa_call_unexpected", UNWIND },
};

static const char *lookup(const struct rule *list, size_t n, const char *symbol)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(list[i].symbol, symbol))
			return list[i].reason;
	}
	return NULL;
}

/*
 * The rarely run part of a function, moved away by the compiler: a symbol of type FUNC that is
 * jumped to, with the function's frame on the stack.  gcc: f.cold, f.cold.N; LLVM: f.cold,
 * f.cold.N, f.__part.N, OUTLINED_FUNCTION_N.  (gcc's f.part.N is called like any other.)
 */
bool policy_is_fragment(const char *symbol)
{
	const char *cold = strstr(symbol, ".cold"), *part = strstr(symbol, ".__part.");

	return part || (cold && (!cold[5] || cold[5] == '.')) ||
	       !strncmp(symbol, "OUTLINED_FUNCTION_", 18);
}

const char *policy_never_patched(const char *symbol)
{
	if (policy_is_fragment(symbol))
		return FRAGMENT;
	return lookup(never_patched, sizeof(never_patched) / sizeof(never_patched[0]), symbol);
}

const char *policy_entry_only(const char *symbol)
{
	if (!strncmp(symbol, "_Unwind_", 8))
		return UNWIND;
	if (!strncmp(symbol, "__x86_indirect_thunk", 20) ||
	    !strncmp(symbol, "__x86.get_pc_thunk", 18) ||
	    !strncmp(symbol, "_dl_runtime_resolve", 19) ||
	    !strncmp(symbol, "_dl_runtime_profile", 19))
		return THUNK;
	return lookup(entry_only, sizeof(entry_only) / sizeof(entry_only[0]), symbol);
}
