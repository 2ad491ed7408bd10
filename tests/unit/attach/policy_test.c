/* Which names are never patched, which may be entered only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attach/policy.h"
#include "base/types.h"

/* Entered by jumps from inside: called, they return into nowhere. */
static void test_fragments(void **state)
{
	static const char *const part[] = { "f.cold",        "f.cold.12",  "_ZN1a1bEv.cold",
					    "f.isra.0.cold", "f.__part.1", "OUTLINED_FUNCTION_3" };
	static const char *const whole[] = {
		"f",        "cold",          "f.part.0", "f.isra.0",
		"f.colder", "f.constprop.0", "f_cold",   "is.cold_one"
	};

	for (size_t i = 0; i < ARRAY_LEN(part); i++) {
		assert_true(policy_is_fragment(part[i]));
		assert_non_null(policy_never_patched(part[i], NULL));
	}
	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		assert_false(policy_is_fragment(whole[i]));
		assert_null(policy_never_patched(whole[i], NULL));
	}
}

struct row {
	const char *symbol;
	const char *soname;
	const char *reason; /* a word of it; NULL: none */
};

#define LIBC "libc.so.6"
#define LDSO "ld-linux-x86-64.so.2"
#define MUSL "libc.musl-x86_64.so.1"
#define LIBX "libx.so.1"

static void check_rows(const struct row *row, size_t n,
		       const char *(*rule)(const char *symbol, const char *soname))
{
	for (size_t i = 0; i < n; i++) {
		const char *why = rule(row[i].symbol, row[i].soname);

		if (!why != !row[i].reason || (why && !strstr(why, row[i].reason)))
			fail_msg("%s of %s: %s", row[i].symbol, row[i].soname ? row[i].soname : "-",
				 why ? why : "no reason");
	}
}

static void test_never_patched(void **state)
{
	static const struct row row[] = {
		{ "_start", NULL, "kernel" },
		{ "_start", LDSO, "kernel" },
		{ "_dl_start_user", LDSO, "jump" },
		{ "__restore_rt", LIBC, "signal frames" },
		{ "__restore_rt", MUSL, "signal frames" },
		{ "__restore", MUSL, "signal frames" },
		{ "__kernel_rt_sigreturn", NULL, "signal frames" },
		{ "__syscall_cp_asm", MUSL, "addresses" },
		{ "SafeFetch32_impl", "libjvm.so", "addresses" },
		{ "SafeFetchN_impl", "libjvm.so", "addresses" },
		{ "_dl_relocate_static_pie", NULL, "relocation" },
		{ "__restore_rt_", LIBC, NULL },
		{ "restore_rt", NULL, NULL },
		{ "start", NULL, NULL },
		{ "main", NULL, NULL },
		{ "setjmp", LIBC, NULL }, /* entered it may be */
	};

	check_rows(row, ARRAY_LEN(row), policy_never_patched);
}

/* Names as glibc 2.36, libgcc 12, libstdc++ 12, libunwind 1.6 and 14 and others have them. */
static void test_returns_twice(void **state)
{
	static const struct row row[] = {
		{ "setjmp", LIBC, "twice" },
		{ "_setjmp", LIBC, "twice" },
		{ "__GI__setjmp", LIBC, "twice" },
		{ "__setjmp", MUSL, "twice" },
		{ "sigsetjmp", MUSL, "twice" },
		{ "__sigsetjmp", LIBC, "twice" },
		{ "__GI___sigsetjmp", LIBC, "twice" },
		{ "__sigsetjmp_cancel", LIBC, "twice" },
		{ "__xsetjmp", NULL, "twice" },
		{ "savectx", NULL, "twice" },
		{ "getcontext", LIBC, "twice" },
		{ "__getcontext", LIBC, "twice" },
		{ "_Ux86_64_getcontext", "libunwind.so.8", "unwinder" },
		{ "unw_getcontext", "libunwind.so.1", "unwinder" },
		{ "vfork", LIBC, "twice" },
		{ "vfork", "libpthread.so.0", "twice" },
		{ "__vfork", LIBC, "twice" },
		{ "__libc_vfork", LIBC, "twice" },
		{ "__GI___vfork", LIBC, "twice" },
		{ "clone", LIBC, "twice" },
		{ "__clone", LIBC, "twice" },
		{ "__GI___clone3", LIBC, "twice" },
		{ "clone", NULL, NULL },
		{ "__clone", LIBX, NULL },
		{ "fork", LIBC, NULL }, /* two processes, each returns once */
		{ "_Fork", LIBC, NULL },
		{ "posix_spawn", LIBC, NULL },
		{ "vforked", NULL, NULL },
		{ "my_setjmp", NULL, NULL },
		{ "setjmp_buffer", NULL, NULL },
	};

	check_rows(row, ARRAY_LEN(row), policy_entry_only);
}

static void test_caller_sensitive(void **state)
{
	static const struct row row[] = {
		{ "dlopen", LIBC, "caller" },
		{ "dlopen", "libdl.so.2", "caller" },
		{ "___dlopen", LIBC, "caller" },
		{ "dlmopen", LIBC, "caller" },
		{ "___dlmopen", LIBC, "caller" },
		{ "dlsym", LIBC, "caller" },
		{ "___dlsym", LIBC, "caller" },
		{ "__dlsym", LIBC, "caller" },
		{ "dlsym", LIBX, "caller" }, /* one that stands before libc's */
		{ "___dlvsym", LIBC, "caller" },
		{ "__libc_dlsym", LIBC, "caller" },
		{ "__libc_dlvsym", LIBC, "caller" },
		{ "__libc_dlopen_mode", LIBC, "caller" },
		{ "dl_iterate_phdr", LIBC, "caller" },
		{ "__GI___dl_iterate_phdr", LIBC, "caller" },
		{ "backtrace", LIBC, "caller" },
		{ "__backtrace", LIBC, "caller" },
		{ "mcount", LIBC, "caller" },
		{ "_mcount", LIBC, "caller" },
		{ "__fentry__", LIBC, "caller" },
		{ "backtrace", LIBX, NULL },
		{ "dladdr", LIBC, NULL },
		{ "dladdr1", LIBC, NULL },
		{ "dlclose", LIBC, NULL },
		{ "dlerror", LIBC, NULL },
		{ "backtrace_symbols", LIBC, NULL },
		{ "__cyg_profile_func_enter", LIBC, NULL },
	};

	check_rows(row, ARRAY_LEN(row), policy_entry_only);
}

static void test_switches(void **state)
{
	static const struct row row[] = {
		{ "makecontext", LIBC, "stacks" },
		{ "__makecontext", LIBC, "stacks" },
		{ "swapcontext", LIBC, "stacks" },
		{ "__setcontext", LIBC, "stacks" },
		{ "__start_context", LIBC, "stacks" },
		{ "jump_fcontext", NULL, "stacks" },
		{ "jump_fcontext", "libboost_context.so.1.74.0", "stacks" },
		{ "make_fcontext", NULL, "stacks" },
		{ "ontop_fcontext", NULL, "stacks" },
		{ "co_switch", NULL, "stacks" },
		{ "coctx_swap", NULL, "stacks" },
		{ "coro_transfer", NULL, "stacks" },
		{ "coroutine_transfer", "libruby-3.1.so.3.1", "stacks" },
		{ "slp_switch", NULL, "stacks" },
		{ "_mco_switch", NULL, "stacks" },
		{ "__morestack", NULL, "stacks" },
		{ "__morestack_non_split", NULL, "stacks" },
		{ "_st_md_cxt_save", "libst.so", "twice" },
		{ "qemu_coroutine_switch", NULL, NULL }, /* jumps back into its own frame */
		{ "co_resume", NULL, NULL },
		{ "swapcontexts", NULL, NULL },
	};

	check_rows(row, ARRAY_LEN(row), policy_entry_only);
}

static void test_unwinders_and_thunks(void **state)
{
	static const struct row row[] = {
		{ "_Unwind_RaiseException", "libgcc_s.so.1", "unwinder" },
		{ "_Unwind_ForcedUnwind_Phase2", NULL, "unwinder" },
		{ "_Unwind_Resume", LIBC, "unwinder" },
		{ "uw_init_context_1", NULL, "unwinder" },
		{ "uw_install_context_1", NULL, "unwinder" },
		{ "unw_resume", NULL, "unwinder" },
		{ "__unw_resume", NULL, "unwinder" },
		{ "_ULx86_64_step", NULL, "unwinder" },
		{ "__libunwind_Unwind_Resume", NULL, "unwinder" },
		{ "_ZN9libunwind16UnwindCursorINS_17LocalAddressSpaceE", NULL, "unwinder" },
		{ "__cxa_throw", "libstdc++.so.6", "unwinder" },
		{ "__cxa_rethrow", NULL, "unwinder" },
		{ "_ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE", NULL, "unwinder" },
		{ "__cxa_begin_catch", NULL, NULL },
		{ "__cxa_end_catch", NULL, NULL },
		{ "__gxx_personality_v0", NULL, NULL },
		{ "__gcc_personality_v0", NULL, NULL },
		{ "__register_frame", NULL, NULL },
		{ "__x86_indirect_thunk_rax", NULL, "convention" },
		{ "__x86_return_thunk", NULL, "convention" },
		{ "__x86.get_pc_thunk.bx", NULL, "convention" },
		{ "__llvm_retpoline_r11", NULL, "convention" },
		{ "_dl_runtime_resolve_xsavec", LDSO, "convention" },
		{ "_dl_runtime_profile_avx512", LDSO, "convention" },
		{ "_dl_tlsdesc_dynamic_xsavec", LDSO, "convention" },
		{ "__tls_get_addr", LDSO, "convention" },
		{ "_ZThn8_N1a1bEv", NULL, NULL },
	};

	check_rows(row, ARRAY_LEN(row), policy_entry_only);
}

static void test_no_return(void **state)
{
	static const struct row row[] = {
		{ "longjmp", LIBC, "never returns" },
		{ "_longjmp", LIBC, "never returns" },
		{ "__longjmp", LIBC, "never returns" },
		{ "____longjmp_chk", LIBC, "never returns" },
		{ "__longjmp_cancel", LIBC, "never returns" },
		{ "__libc_siglongjmp", LIBC, "never returns" },
		{ "exit", LIBC, "never returns" },
		{ "__GI_exit", LIBC, "never returns" },
		{ "_exit", LIBC, "never returns" },
		{ "__GI__exit", LIBC, "never returns" },
		{ "_Exit", LIBC, "never returns" },
		{ "__new_quick_exit", LIBC, "never returns" },
		{ "abort", LIBC, "never returns" },
		{ "__pthread_exit", LIBC, "never returns" },
		{ "pthread_exit", "libpthread.so.0", "never returns" },
		{ "__thrd_exit", LIBC, "never returns" },
		{ "__pthread_unwind_next", LIBC, "never returns" },
		{ "__assert_fail", LIBC, "never returns" },
		{ "__stack_chk_fail", LIBC, "never returns" },
		{ "_dl_signal_error", LDSO, "never returns" },
		{ "__GI___libc_fatal", LIBC, "never returns" },
		{ "__libc_start_main", LIBC, "never returns" },
		{ "__libc_start_call_main", LIBC, "never returns" },
		{ "start_thread", LIBC, "never returns" },
		{ "errx", LIBC, "never returns" },
		{ "err", MUSL, "never returns" },
		{ "_ZSt9terminatev", "libstdc++.so.6", "never returns" },
		{ "_ZSt20__throw_out_of_rangePKc", "libstdc++.so.6", "never returns" },
		{ "__cxa_pure_virtual", NULL, "never returns" },
		{ "__clang_call_terminate", NULL, "never returns" },
		{ "err", NULL, NULL },
		{ "err", LIBX, NULL },
		{ "start_thread", NULL, NULL },
		{ "fatal", NULL, NULL },
		{ "atexit", LIBC, NULL },
		{ "on_exit", LIBC, NULL },
		{ "__cxa_at_quick_exit", LIBC, NULL },
		{ "_longjmp_unwind", LIBC, NULL },
		{ "sigreturned", NULL, NULL },
		{ "libc_exit", NULL, NULL }, /* one underscore is none of glibc's words */
		{ "_libc_exit", NULL, NULL },
		{ "_ZSt7getlineIcSt11char_traitsIcE", NULL, NULL },
		{ "_ZSt__throw_it", NULL, NULL },
		{ "malloc", LIBC, NULL },
		{ "", NULL, NULL },
		{ "_", NULL, NULL },
		{ "__", LIBC, NULL },
		{ "__GI_", LIBC, NULL },
	};

	check_rows(row, ARRAY_LEN(row), policy_entry_only);
}

static void test_exec(void **state)
{
	static const struct row row[] = {
		{ "execve", LIBC, "replaces" },
		{ "__execve", LIBC, "replaces" },
		{ "__GI_execvp", LIBC, "replaces" },
		{ "execvpe", LIBC, "replaces" },
		{ "__execvpex", LIBC, "replaces" },
		{ "__execvpe_common", LIBC, "replaces" },
		{ "execl", LIBC, "replaces" },
		{ "execle", LIBC, "replaces" },
		{ "execlp", LIBC, "replaces" },
		{ "execveat", LIBC, "replaces" },
		{ "fexecve", LIBC, "replaces" },
		{ "execvpe_common", NULL, NULL },
		{ "exec", NULL, NULL },
		{ "execute_cfa_program", NULL, NULL },
		{ "_ZN4exec6execveEv", NULL, NULL },
	};

	check_rows(row, ARRAY_LEN(row), policy_entry_only);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fragments),     cmocka_unit_test(test_never_patched),
		cmocka_unit_test(test_returns_twice), cmocka_unit_test(test_caller_sensitive),
		cmocka_unit_test(test_switches),      cmocka_unit_test(test_unwinders_and_thunks),
		cmocka_unit_test(test_no_return),     cmocka_unit_test(test_exec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
