/*
 * attach/policy.c - see policy.h.
 */
#include "attach/policy.h"

#include "base/types.h"

#include <stddef.h>
#include <string.h>

struct rule {
	const char *name; /* bare: see bare_name() */
	enum policy_reason reason;
	bool libc_only; /* a word that programs use for functions of their own */
};

#define TWICE    POLICY_TWICE
#define CALLER   POLICY_CALLER
#define NEVER    POLICY_NORETURN
#define SWITCH   POLICY_STACKS
#define UNWIND   POLICY_UNWINDER
#define EXEC     POLICY_EXEC
#define FRAGMENT POLICY_FRAGMENT
#define THUNK    POLICY_CONVENTION
#define FRAME    POLICY_SIGNAL_FRAME
#define RANGE    POLICY_SIGNAL_RANGE

static const char *const text[POLICY_REASONS] = {
	[POLICY_TWICE] = "it can return twice",
	[POLICY_CALLER] = "it looks at its caller",
	[POLICY_NORETURN] = "it never returns",
	[POLICY_STACKS] = "it switches stacks",
	[POLICY_UNWINDER] = "it is part of the unwinder",
	[POLICY_EXEC] = "it replaces the program",
	[POLICY_CONVENTION] = "it is called with a convention of its own",
	[POLICY_FRAGMENT] = "it is a part of another function, entered by a jump",
	[POLICY_KERNEL_ENTRY] = "the kernel enters it, there is no call",
	[POLICY_JUMPED_TO] = "it is entered by a jump",
	[POLICY_SIGNAL_FRAME] = "unwinders know signal frames by its bytes",
	[POLICY_SIGNAL_RANGE] = "signal handlers compare addresses with its instructions'",
	[POLICY_EARLY] = "it runs before relocation",
};

/* By the whole name. */
static const struct rule never_patched[] = {
	{ "_start", POLICY_KERNEL_ENTRY, false },
	{ "_dl_start_user", POLICY_JUMPED_TO, false },
	{ "__restore_rt", FRAME, false },
	{ "__restore", FRAME, false },
	{ "__kernel_rt_sigreturn", FRAME, false },
	{ "__syscall_cp_asm", RANGE, false }, /* musl: src/thread/x86_64/syscall_cp.s */
	/* HotSpot: os_cpu/linux_x86/safefetch_linux_x86_64.S; one instruction may fault, at the entry */
	{ "SafeFetch32_impl", RANGE, false },
	{ "SafeFetchN_impl", RANGE, false },
	{ "_dl_relocate_static_pie", POLICY_EARLY, false },
};

/*
 * Returning twice: what compilers know by name (gcc/calls.cc special_function_p; LLVM
 * TargetLibraryInfo: qsetjmp, setjmp_syscall), and the unwinders' getcontext.
 */
static const struct rule entry_only[] = {
	{ "setjmp", TWICE, false },
	{ "sigsetjmp", TWICE, false },
	{ "sigsetjmp_cancel", TWICE, false },
	{ "setjmp_syscall", TWICE, false },
	{ "qsetjmp", TWICE, false },
	{ "xsetjmp", TWICE, false },
	{ "xsigsetjmp", TWICE, false },
	{ "wine_setjmpex", TWICE, false },
	{ "julia_setjmp", TWICE, false },
	{ "savectx", TWICE, false },
	{ "getcontext", TWICE, false },
	{ "getmcontext", TWICE, false }, /* libtask */
	{ "vfork", TWICE, false },
	{ "clone", TWICE, true },
	{ "clone3", TWICE, true },

	/* glibc: who uses RETURN_ADDRESS(0) to find the caller's module or namespace */
	{ "dlopen", CALLER, false },
	{ "dlmopen", CALLER, false },
	{ "dlsym", CALLER, false },
	{ "dlvsym", CALLER, false },
	{ "dlopen_mode", CALLER, true },
	{ "dl_iterate_phdr", CALLER, false },
	{ "backtrace", CALLER, true },
	{ "mcount", CALLER, false },
	{ "fentry__", CALLER, false },

	{ "tls_get_addr", THUNK, false },
	{ "tls_get_addr_slow", THUNK, false },

	{ "makecontext", SWITCH, false },
	{ "setcontext", SWITCH, false },
	{ "setmcontext", SWITCH, false },
	{ "swapcontext", SWITCH, false },
	{ "start_context", SWITCH, true },
	{ "push___start_context", SWITCH, true },
	{ "jump_fcontext", SWITCH, false }, /* boost.context; PHP's fibers have the same names */
	{ "ontop_fcontext", SWITCH, false },
	{ "make_fcontext", SWITCH, false },
	{ "bthread_jump_fcontext", SWITCH, false },
	{ "bthread_make_fcontext", SWITCH, false },
	{ "co_switch", SWITCH, false },          /* libco */
	{ "co_swap", SWITCH, false },            /* libco, its assembly */
	{ "coctx_swap", SWITCH, false },         /* Tencent's libco */
	{ "coro_transfer", SWITCH, false },      /* libcoro, libev's */
	{ "coroutine_transfer", SWITCH, false }, /* Ruby */
	{ "coroutine_trampoline", SWITCH, false },
	{ "coroutine_switch", SWITCH, false },
	{ "acosw", SWITCH, false },               /* libaco */
	{ "mco_switch", SWITCH, false },          /* minicoro */
	{ "slp_switch", SWITCH, false },          /* greenlet, Stackless */
	{ "fiber_switchContext", SWITCH, false }, /* D */
	{ "fiber_entryPoint", SWITCH, false },
	{ "st_md_cxt_save", TWICE, false }, /* State Threads */
	{ "st_md_cxt_restore", NEVER, false },
	{ "photon_switch_context", SWITCH, false },

	{ "longjmp", NEVER, false },
	{ "siglongjmp", NEVER, false },
	{ "longjmp_chk", NEVER, false },
	{ "longjmp_cancel", NEVER, false },
	{ "sigreturn", NEVER, false },
	{ "rt_sigreturn", NEVER, false },
	{ "exit", NEVER, false },
	{ "Exit", NEVER, false },
	{ "quick_exit", NEVER, false },
	{ "run_exit_handlers", NEVER, true },
	{ "abort", NEVER, false },
	{ "pthread_exit", NEVER, false },
	{ "thrd_exit", NEVER, false },
	{ "pthread_unwind", NEVER, false },
	{ "pthread_unwind_next", NEVER, false },
	{ "do_cancel", NEVER, true },
	{ "start_thread", NEVER, true },
	{ "assert", NEVER, true },
	{ "assert_fail", NEVER, false },
	{ "assert_fail_base", NEVER, false },
	{ "assert_perror_fail", NEVER, false },
	{ "malloc_assert", NEVER, true },
	{ "malloc_printerr", NEVER, true },
	{ "stack_chk_fail", NEVER, false },
	{ "stack_chk_fail_local", NEVER, false },
	{ "fortify_fail", NEVER, false },
	{ "chk_fail", NEVER, false },
	{ "fatal", NEVER, true },
	{ "dl_fatal_printf", NEVER, false },
	{ "dl_signal_error", NEVER, false },
	{ "dl_signal_exception", NEVER, false },
	{ "start_main", NEVER, true },
	{ "start_main_impl", NEVER, true },
	{ "start_call_main", NEVER, true },
	{ "err", NEVER, true },
	{ "errx", NEVER, true },
	{ "verr", NEVER, true },
	{ "verrx", NEVER, true },

	{ "execve", EXEC, false },
	{ "execv", EXEC, false },
	{ "execvp", EXEC, false },
	{ "execvpe", EXEC, false },
	{ "execvpex", EXEC, true },
	{ "execvpe_common", EXEC, true },
	{ "execl", EXEC, false },
	{ "execle", EXEC, false },
	{ "execlp", EXEC, false },
	{ "execveat", EXEC, false },
	{ "fexecve", EXEC, false },

	{ "cxa_throw", UNWIND, false },
	{ "cxa_rethrow", UNWIND, false },
	{ "cxa_rethrow_primary_exception", UNWIND, false },
	{ "cxa_call_unexpected", UNWIND, false },
	{ "cxa_call_terminate", NEVER, false },
	{ "cxa_bad_cast", NEVER, false },
	{ "cxa_bad_typeid", NEVER, false },
	{ "cxa_pure_virtual", NEVER, false },
	{ "cxa_deleted_virtual", NEVER, false },
	{ "cxa_throw_bad_array_length", NEVER, false },
	{ "cxa_throw_bad_array_new_length", NEVER, false },
	{ "clang_call_terminate", NEVER, false },
	{ "ZSt9terminatev", NEVER, false },
	{ "ZSt10unexpectedv", NEVER, false },
	{ "ZN9__gnu_cxx27__verbose_terminate_handlerEv", NEVER, false },
	{ "ZN10__cxxabiv111__terminateEPFvvE", NEVER, false },
	{ "ZN10__cxxabiv112__unexpectedEPFvvE", NEVER, false },
	{ "ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE", UNWIND, false },
	{ "objc_exception_throw", UNWIND, false },
};

/*
 * Whole families, by how the name begins.  uw_*: what libgcc_eh.a has beside _Unwind_*,
 * uw_init_context_1 looks at its caller.  unw_*, _Ux86_64_*, _ULx86_64_*: libunwind;
 * __libunwind_*, _ZN9libunwind*: LLVM's as well.
 */
static const struct rule entry_only_family[] = {
	{ "_Unwind_", UNWIND, false },
	{ "uw_", UNWIND, false },
	{ "unw_", UNWIND, false },
	{ "__unw_", UNWIND, false },
	{ "_Ux86_64_", UNWIND, false },
	{ "_ULx86_64_", UNWIND, false },
	{ "__libunwind_", UNWIND, false },
	{ "_ZN9libunwind", UNWIND, false },
	{ "__x86_indirect_thunk", THUNK, false },
	{ "__x86_return_thunk", THUNK, false },
	{ "__x86.get_pc_thunk", THUNK, false },
	{ "__llvm_retpoline_", THUNK, false },
	{ "_dl_runtime_resolve", THUNK, false },
	{ "_dl_runtime_profile", THUNK, false },
	{ "_dl_tlsdesc_", THUNK, false },
	{ "__morestack", SWITCH, false },
};

static const char *skip(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) ? NULL : s + n;
}

/*
 * Without what C libraries put before a name: underscores, and behind two of them glibc's
 * own words (__GI___sigsetjmp, __libc_dlsym, __new_quick_exit).
 */
static const char *bare_name(const char *symbol)
{
	static const char *const word[] = { "GI_", "libc_", "new_", "old_" };
	const char *s = symbol + strspn(symbol, "_");

	for (size_t i = 0; s - symbol >= 2 && i < ARRAY_LEN(word); i++) {
		const char *rest = skip(s, word[i]);

		s = rest ? rest + strspn(rest, "_") : s;
	}
	return s;
}

/* glibc's and musl's own, the parts that glibc had until 2.33 included. */
static bool is_libc(const char *soname)
{
	return soname && (skip(soname, "libc.") || skip(soname, "libpthread.") ||
			  skip(soname, "ld-linux") || skip(soname, "ld-musl"));
}

static const char *lookup(const struct rule *list, size_t n, const char *name, bool libc)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(list[i].name, name) && (libc || !list[i].libc_only))
			return text[list[i].reason];
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

/* _ZStNN__throw_*: libstdc++'s functions that throw what they are named by. */
static bool is_std_throw(const char *symbol)
{
	const char *s = skip(symbol, "_ZSt");

	return s && s[0] >= '1' && s[0] <= '9' && skip(s + strspn(s, "0123456789"), "__throw_");
}

const char *policy_never_patched(const char *symbol, const char *soname)
{
	if (policy_is_fragment(symbol))
		return text[FRAGMENT];
	return lookup(never_patched, ARRAY_LEN(never_patched), symbol, is_libc(soname));
}

const char *policy_entry_only(const char *symbol, const char *soname)
{
	for (size_t i = 0; i < ARRAY_LEN(entry_only_family); i++) {
		if (skip(symbol, entry_only_family[i].name))
			return text[entry_only_family[i].reason];
	}
	if (is_std_throw(symbol))
		return text[NEVER];
	return lookup(entry_only, ARRAY_LEN(entry_only), bare_name(symbol), is_libc(soname));
}

const char *policy_text(enum policy_reason reason)
{
	return text[reason];
}
