/*
 * attach/refusal.c - see refusal.h.
 */
#include "attach/refusal.h"

#include "attach/policy.h"
#include "base/types.h"

#include <stddef.h>

/* clang-format off */
static const struct refusal of_site[SITE_REASONS] = {
	[SITE_CHANGED] = { "changed", true,
		"the code in memory is not the file's: a breakpoint, a uprobe or somebody's hook; remove it first" },
	[SITE_OUTSIDE] = { "outside", true,
		"the entry lies outside of the function's extent, which symbols and unwind tables tell differently" },
	[SITE_BRANCH_INTO] = { "branch-into", true,
		"a branch, a pointer or another function's start lies in the bytes to be replaced, and no padding is near for a hop" },
	[SITE_JUMPS] = { "jumps-anywhere", true,
		"the function jumps to computed places, perhaps into the bytes to be replaced, and no padding is near" },
	[SITE_UNDECODABLE] = { "undecodable", true,
		"not a known instruction: data, or an extension that the decoder does not know" },
	[SITE_UNMOVABLE] = { "unmovable", true,
		"an instruction that cannot run elsewhere: syscall, int3, ud2, hlt, xbegin, far branches; and no padding is near" },
	[SITE_SHORT] = { "short", true,
		"shorter than a jump, and no padding is behind it or near" },
	[SITE_EARLY_CALL] = { "early-call", true,
		"a call that returns into the bytes to be replaced, and no padding is near" },
	[SITE_LOOP] = { "loop", true,
		"a loop within the bytes to be replaced, and no padding is near" },
	[SITE_SIGRETURN] = { "sigreturn", true,
		"a signal trampoline, which unwinders know by its bytes" },
	[SITE_TAKEN] = { "padding-taken", true,
		"the only padding within reach serves another function that is attached" },
};

static const struct refusal of_policy[POLICY_REASONS] = {
	[POLICY_FRAGMENT] = { "fragment", true,
		"a part of another function (.cold, .__part., OUTLINED_FUNCTION_), entered by a jump; name the function" },
	[POLICY_KERNEL_ENTRY] = { "kernel-entry", true, "_start: the kernel enters it, there is no call" },
	[POLICY_JUMPED_TO] = { "jumped-to", true, "a label of ld.so's that is entered by a jump" },
	[POLICY_SIGNAL_FRAME] = { "signal-frame", true, "unwinders know signal frames by its bytes (__restore_rt)" },
	[POLICY_SIGNAL_RANGE] = { "signal-range", true, "signal handlers compare addresses with its instructions' (musl)" },
	[POLICY_EARLY] = { "early", true, "it runs before relocation, before anything can be attached" },
	[POLICY_TWICE] = { "returns-twice", false, "setjmp and its like, vfork, clone: entry programs only" },
	[POLICY_CALLER] = { "looks-at-caller", false, "dlsym, dlopen and others look at their return address: entry programs only" },
	[POLICY_NORETURN] = { "noreturn", false, "it never returns: entry programs only" },
	[POLICY_STACKS] = { "switches-stacks", false, "swapcontext and its like: entry programs only" },
	[POLICY_UNWINDER] = { "unwinder", false, "a part of the unwinder, which walks from its own frame: entry programs only" },
	[POLICY_EXEC] = { "replaces-program", false, "exec and its like: entry programs only" },
	[POLICY_CONVENTION] = { "own-convention", false, "thunks, resolvers' and TLS calls: entry programs only" },
};

const struct refusal refusal_unreadable = { "unreadable", true, "its code cannot be read" };
const struct refusal refusal_unanalysed = { "unanalysed", true,
	"its module's code cannot be analysed: more than 4 GiB" };
const struct refusal refusal_far = { "far", true, "more than 2 GiB from both slabs, or from an operand of a moved instruction" };
const struct refusal refusal_ifunc = { "ifunc", true,
	"an IFUNC resolver, run by the loader; name the implementation that it chooses" };
const struct refusal refusal_go = { "go", true,
	"Go code, whose stacks have no room for programs and are moved when they grow" };
const struct refusal refusal_split_stack = { "split-stack", true,
	"compiled with -fsplit-stack: its piece of stack may have no room for programs; compile it without" };
const struct refusal refusal_no_types = { "no-types", false,
	"no types, so the size of its stack arguments is not known; give them with --proto, --btf or --debuginfo" };
const struct refusal refusal_variadic = { "variadic", false,
	"variadic: the size of its stack arguments is each call's; if all calls have as many, give those with --proto" };
const struct refusal refusal_stack_args = { "stack-arguments", false,
	"types do not prove the size of its stack arguments (a clone, a foreign language, compilers that differ); give it with --proto" };
const struct refusal refusal_not_modelled = { "not-modelled", false,
	"its arguments cannot be shown: more than 255 words, or a type that debug information leaves open" };
const struct refusal refusal_noreturn = { "noreturn-attribute", false, "declared noreturn: entry programs only" };
/* clang-format on */

static const struct refusal *const others[] = {
	&refusal_unreadable, &refusal_unanalysed,   &refusal_far,      &refusal_ifunc,
	&refusal_go,         &refusal_split_stack,  &refusal_no_types, &refusal_variadic,
	&refusal_stack_args, &refusal_not_modelled, &refusal_noreturn,
};

const struct refusal *refusal_of_site(enum site_reason reason)
{
	return (unsigned)reason < SITE_REASONS && reason != SITE_OK ? &of_site[reason] : NULL;
}

const struct refusal *refusal_of_policy(const char *why)
{
	for (unsigned i = 0; i < POLICY_REASONS; i++) {
		if (why == policy_text((enum policy_reason)i))
			return &of_policy[i];
	}
	return NULL;
}

const struct refusal *refusal_at(unsigned i)
{
	if (i + 1 < SITE_REASONS)
		return &of_site[i + 1];
	i -= SITE_REASONS - 1;
	if (i < POLICY_REASONS)
		return &of_policy[i];
	i -= POLICY_REASONS;
	return i < ARRAY_LEN(others) ? others[i] : NULL;
}
