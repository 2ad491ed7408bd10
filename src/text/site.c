/*
 * text/site.c - see site.h.
 */
#include "text/site.h"

#include "x86/insn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The window under construction. */
struct scan {
	const struct site_query *q;
	struct site site;
	struct diag *d;
	uint8_t need; /* bytes of the jump: SITE_JMP_LEN or SITE_HOP_LEN */
	bool ended;   /* the last instruction never falls through */
};

static const uint8_t *file_at(const struct scan *s, taddr_t addr)
{
	return s->q->file + (addr - s->q->func.lo);
}

static size_t room_at(const struct scan *s, taddr_t addr)
{
	return (size_t)(s->q->func.lo + s->q->n - addr);
}

static taddr_t window_end(const struct scan *s)
{
	return s->site.window + s->site.len;
}

static int refuse(struct scan *s, enum site_reason reason, taddr_t at, const char *detail)
{
	const char *text = site_reason_text(reason);
	unsigned long off = (unsigned long)(at - s->q->entry);
	int err = reason == SITE_CHANGED ? -EBUSY : -EILSEQ;

	s->site.reason = reason;
	if (detail)
		return diag_set(s->d, err, "%s at +%#lx: %s", text, off, detail);
	return diag_set(s->d, err, "%s at +%#lx", text, off);
}

/* -- one instruction after the other ----------------------------------------- */

static bool is_sigreturn(const uint8_t *p, size_t n)
{
	/* mov $15, %rax or %eax; syscall: how libgcc and gdb recognise a signal frame */
	return (n >= 9 && !memcmp(p, "\x48\xc7\xc0\x0f\0\0\0\x0f\x05", 9)) ||
	       (n >= 7 && !memcmp(p, "\xb8\x0f\0\0\0\x0f\x05", 7));
}

static bool is_branch(const struct x86_insn *in)
{
	return in->flow == X86_FLOW_JMP || in->flow == X86_FLOW_JCC || in->flow == X86_FLOW_CALL;
}

static bool never_goes_on(const struct x86_insn *in)
{
	return in->flow == X86_FLOW_JMP || in->flow == X86_FLOW_JMP_IND ||
	       in->flow == X86_FLOW_RET || in->flow == X86_FLOW_STOP;
}

/* Take the instruction at the end of the window into it. */
static int take_insn(struct scan *s)
{
	taddr_t at = window_end(s);
	struct x86_insn in;
	bool call;

	if (at >= s->q->func.hi)
		return refuse(s, SITE_SHORT, at, "the function ends here without a return");
	if (x86_decode(file_at(s, at), room_at(s, at), at, &in) < 0)
		return refuse(s, SITE_UNDECODABLE, at, NULL);
	if (at + in.len > s->q->func.hi)
		return refuse(s, SITE_UNDECODABLE, at, "it reaches past the function's end");
	if (in.reason)
		return refuse(s, SITE_UNMOVABLE, at, in.reason);
	call = in.flow == X86_FLOW_CALL || in.flow == X86_FLOW_CALL_IND;
	if (call && s->site.len + in.len < s->need)
		return refuse(s, SITE_EARLY_CALL, at, NULL);
	s->site.insn_at[s->site.ninsns++] = s->site.len;
	s->site.len = (uint8_t)(s->site.len + in.len);
	/* a moved call leaves for its callee, which returns to the original code */
	s->ended = call || never_goes_on(&in);
	return 0;
}

/*
 * Behind a return or jump: padding up to the bytes needed.  Code that nothing seems to
 * reach is not padding: a jump table or an exception may.
 */
static int take_padding(struct scan *s)
{
	while (s->site.len < s->need) {
		taddr_t at = window_end(s);
		struct x86_insn in;

		if (at >= s->q->func.lo + s->q->n)
			return refuse(s, SITE_SHORT, at, NULL);
		if (x86_decode(file_at(s, at), room_at(s, at), at, &in) < 0)
			return refuse(s, SITE_SHORT, at, "no padding behind it");
		if (!in.is_nop && *file_at(s, at) != 0xcc)
			return refuse(s, SITE_SHORT, at, "code behind it");
		s->site.len = (uint8_t)(s->site.len + in.len);
	}
	s->site.len = s->need; /* the rest of a long nop stays */
	return 0;
}

/* Nops of at least five bytes: nothing to move. */
static bool take_nops(struct scan *s)
{
	uint8_t len = 0;

	while (len < SITE_JMP_LEN) {
		taddr_t at = s->site.window + len;
		struct x86_insn in;

		if (at >= s->q->func.hi ||
		    x86_decode(file_at(s, at), room_at(s, at), at, &in) < 0 || !in.is_nop ||
		    at + in.len > s->q->func.hi)
			return false;
		s->site.insn_at[s->site.ninsns++] = len;
		len = (uint8_t)(len + in.len);
	}
	s->site.kind = SITE_NOP;
	s->site.len = len;
	return true;
}

static int take_window(struct scan *s)
{
	int err = 0;

	s->site.ninsns = 0;
	s->site.kind = s->need == SITE_JMP_LEN ? SITE_MOVED : SITE_HOP;
	while (!err && !s->ended && s->site.len < s->need)
		err = take_insn(s);
	return err ? err : s->site.len < s->need ? take_padding(s) : 0;
}

/* -- what the window must not be ----------------------------------------------- */

/* Branches inside the window: into itself, or back to where the jump will stand. */
static int check_loops(struct scan *s)
{
	for (unsigned i = 0; s->site.kind != SITE_NOP && i < s->site.ninsns; i++) {
		taddr_t at = s->site.window + s->site.insn_at[i];
		struct x86_insn in;

		if (x86_decode(file_at(s, at), room_at(s, at), at, &in) < 0 || !is_branch(&in))
			continue;
		if (in.target < s->site.entry || in.target >= window_end(s))
			continue;
		/* a recursive call is not a loop: it is a call of the function */
		if (in.flow == X86_FLOW_CALL && in.target <= s->site.window)
			continue;
		return refuse(s, SITE_LOOP, at, NULL);
	}
	return 0;
}

/* Anywhere in the window: the FDE of glibc's __restore_rt begins one nop before it. */
static int check_sigreturn(struct scan *s)
{
	for (taddr_t at = s->q->entry; at < window_end(s); at++)
		if (is_sigreturn(file_at(s, at), room_at(s, at)))
			return refuse(s, SITE_SIGRETURN, at, NULL);
	return 0;
}

static int check_changed(struct scan *s)
{
	for (taddr_t at = s->q->entry; at < window_end(s); at++) {
		size_t i = (size_t)(at - s->q->func.lo);
		char text[64];

		if (s->q->mem[i] == s->q->file[i])
			continue;
		snprintf(text, sizeof(text), "%s%02x instead of %02x",
			 s->q->mem[i] == 0xcc ? "a breakpoint or uprobe, " :
			 s->q->mem[i] == 0xe9 ? "a jump, somebody's hook, " :
						"",
			 s->q->mem[i], s->q->file[i]);
		return refuse(s, SITE_CHANGED, at, text);
	}
	return 0;
}

static bool is_entry(const struct scan *s, taddr_t target)
{
	return target >= s->site.entry && target <= s->site.window;
}

/*
 * Are there bytes in [at, end) that could be a jump to the entry?  Its displacement comes last in
 * an instruction, wherever that begins: cheaper to look for than to decode.
 */
static bool seems_to_jump_to_entry(const struct scan *s, taddr_t at, taddr_t end)
{
	const uint8_t *code = file_at(s, at);

	for (size_t n = 2; at + n <= end; n++) {
		uint8_t op = code[n - 2];
		int16_t d16;
		int32_t d32;

		/* jcc, jmp, loop and jrcxz of 8 bits */
		if (((op & 0xf0) == 0x70 || op == 0xeb || (op & 0xfc) == 0xe0) &&
		    is_entry(s, at + n + (uint64_t)(int64_t)(int8_t)code[n - 1]))
			return true;
		memcpy(&d16, code + n - 2, sizeof(d16));
		if (is_entry(s, at + n + (uint64_t)(int64_t)d16))
			return true;
		if (n < sizeof(d32))
			continue;
		memcpy(&d32, code + n - 4, sizeof(d32));
		if (is_entry(s, at + n + (uint64_t)(int64_t)d32))
			return true;
	}
	return false;
}

/* Does the function's own code jump to its entry? */
static bool jumps_to_entry(const struct scan *s)
{
	taddr_t at = window_end(s), end = s->q->func.lo + s->q->n;
	struct x86_insn in;

	if (end > s->q->func.hi)
		end = s->q->func.hi;
	if (at >= end || !seems_to_jump_to_entry(s, at, end))
		return false;
	for (; at < end; at += in.len) {
		if (x86_decode_flow(file_at(s, at), (size_t)(end - at), at, &in) < 0)
			in.len = 1; /* data: go on as the sweep does */
		else if ((in.flow == X86_FLOW_JMP || in.flow == X86_FLOW_JCC) &&
			 is_entry(s, in.target))
			return true;
	}
	return false;
}

static bool is_taken(const struct scan *s, taddr_t lo, taddr_t hi)
{
	for (size_t i = 0; i < s->q->ntaken; i++)
		if (lo < s->q->taken[i].hi && hi > s->q->taken[i].lo)
			return true;
	return false;
}

/*
 * Where the function computes its jumps only its first instruction is sure not to be in the
 * middle of anything, and padding: a compiler's nops are no label.
 */
static int check_jumps(struct scan *s)
{
	const struct site_query *q = s->q;

	if (s->site.kind == SITE_NOP || s->site.ninsns < 2 ||
	    !sweep_jumps_anywhere(q->sweep, q->func.lo - q->bias, q->func.hi - q->bias))
		return 0;
	return refuse(s, SITE_JUMPS, s->site.window + s->site.insn_at[1], NULL);
}

static int check_arrivals(struct scan *s)
{
	for (taddr_t at = s->site.window + 1; at < window_end(s); at++)
		if (sweep_targets_inside(s->q->sweep, at - s->q->bias, at + 1 - s->q->bias))
			return refuse(s, SITE_BRANCH_INTO, at, NULL);
	for (unsigned i = 1; i < s->site.ninsns; i++) {
		taddr_t at = s->site.window + s->site.insn_at[i];

		if (sweep_may_target(s->q->sweep, at - s->q->bias))
			return refuse(s, SITE_BRANCH_INTO, at, NULL);
	}
	if (is_taken(s, s->site.window, window_end(s)))
		return refuse(s, SITE_TAKEN, s->site.window, NULL);
	return check_jumps(s);
}

/* A window whose first `need` bytes may become a jump. */
static int describe(struct scan *s, uint8_t need)
{
	const struct site_query *q = s->q;
	struct x86_insn in;
	int err = 0;

	s->site = (struct site){ .entry = q->entry, .window = q->entry };
	s->need = need;
	s->ended = false;
	if (q->entry < q->func.lo || q->entry >= q->func.hi || q->entry - q->func.lo >= q->n)
		return refuse(s, SITE_OUTSIDE, q->entry, NULL);
	if (!x86_decode(file_at(s, q->entry), room_at(s, q->entry), q->entry, &in) &&
	    in.is_endbr64 && q->entry + in.len < q->func.hi && room_at(s, q->entry) > in.len)
		s->site.window += in.len;
	if (need == SITE_HOP_LEN || !take_nops(s))
		err = take_window(s);
	if (!err)
		err = check_loops(s);
	if (!err)
		err = check_sigreturn(s);
	if (!err)
		err = check_arrivals(s);
	if (!err)
		err = check_changed(s);
	if (err)
		return err;
	memcpy(s->site.old, file_at(s, s->site.window), s->site.len);
	s->site.resume = s->ended ? 0 : window_end(s);
	s->site.reentered = jumps_to_entry(s);
	return 0;
}

/* -- hops ------------------------------------------------------------------------ */

/* Five bytes at `at`, in a hole: known to us, as in the file, no target, not taken. */
static bool can_hop_to(const struct scan *s, taddr_t at)
{
	const struct site_query *q = s->q;
	taddr_t end = at + SITE_JMP_LEN;

	return at >= q->func.lo - q->before && end <= q->func.lo + q->n &&
	       !memcmp(q->mem + (int64_t)(at - q->func.lo), q->file + (int64_t)(at - q->func.lo),
		       SITE_JMP_LEN) &&
	       !sweep_targets_inside(q->sweep, at - q->bias, end - q->bias) &&
	       !is_taken(s, at, end) && (end <= s->site.window || at >= window_end(s));
}

static bool find_hop(struct scan *s)
{
	/* rel8 counts from behind the two bytes */
	taddr_t from = s->site.window + SITE_HOP_LEN - 128;
	taddr_t to = s->site.window + SITE_HOP_LEN + 127 + SITE_JMP_LEN;
	const struct taddr_range *hole;
	size_t n = sweep_holes(s->q->sweep, from - s->q->bias, to - s->q->bias, &hole);

	for (size_t i = 0; i < n; i++) {
		taddr_t lo = hole[i].lo + s->q->bias, hi = hole[i].hi + s->q->bias;

		for (taddr_t at = lo > from ? lo : from; at + SITE_JMP_LEN <= (hi < to ? hi : to);
		     at++) {
			if (!can_hop_to(s, at))
				continue;
			s->site.hop = at;
			memcpy(s->site.hop_old, s->q->file + (int64_t)(at - s->q->func.lo),
			       SITE_JMP_LEN);
			return true;
		}
	}
	return false;
}

/* Would fewer bytes help? */
static bool is_too_long(enum site_reason reason)
{
	return reason == SITE_BRANCH_INTO || reason == SITE_SHORT || reason == SITE_EARLY_CALL ||
	       reason == SITE_JUMPS || reason == SITE_LOOP || reason == SITE_UNMOVABLE ||
	       reason == SITE_TAKEN;
}

/* A function too short for a jump would need padding that another has got. */
static bool hop_is_taken(const struct scan *s)
{
	struct site_query alone = *s->q;
	struct scan again = *s;

	alone.ntaken = 0;
	again.q = &alone;
	return find_hop(&again);
}

static void add_taken(struct diag *d)
{
	struct diag first;

	if (!d)
		return;
	first = *d;
	diag_set(d, 0, "%s; the padding within reach serves another function", first.text);
}

int site_describe(const struct site_query *q, struct site *out, struct diag *d)
{
	struct scan s = { .q = q, .d = d };
	int err = describe(&s, SITE_JMP_LEN);
	enum site_reason reason = s.site.reason;

	if (err && q->may_hop && is_too_long(reason)) {
		s.d = NULL; /* the first reason stays, it says more */
		if (describe(&s, SITE_HOP_LEN) < 0) {
			/* no padding would help */
		} else if (find_hop(&s)) {
			err = 0;
		} else if (hop_is_taken(&s)) {
			add_taken(d);
			reason = SITE_TAKEN;
		}
	}
	if (err)
		out->reason = reason;
	else
		*out = s.site;
	return err;
}

const char *site_reason_text(enum site_reason reason)
{
	static const char *const text[SITE_REASONS] = {
		[SITE_OK] = "can be patched",
		[SITE_CHANGED] = "the code in memory is not the file's",
		[SITE_OUTSIDE] = "the entry lies outside of the function",
		[SITE_BRANCH_INTO] = "a branch goes into the bytes to be replaced",
		[SITE_JUMPS] = ("the function jumps to computed places, perhaps into the bytes to "
				"be replaced"),
		[SITE_UNDECODABLE] = "not a known instruction",
		[SITE_UNMOVABLE] = "an instruction that cannot be moved",
		[SITE_SHORT] = "shorter than a jump",
		[SITE_EARLY_CALL] = "a call that returns into the bytes to be replaced",
		[SITE_LOOP] = "a loop within the bytes to be replaced",
		[SITE_SIGRETURN] = "a signal trampoline, which unwinders know by its bytes",
		[SITE_TAKEN] = "the padding behind it serves another function",
	};

	return (unsigned)reason < SITE_REASONS ? text[reason] : "unknown";
}

const char *site_kind_text(enum site_kind kind)
{
	return kind == SITE_NOP   ? "nop" :
	       kind == SITE_MOVED ? "moved" :
	       kind == SITE_HOP   ? "hop" :
				    NULL;
}

int text_jmp_patch(const struct site *site, taddr_t to, uint8_t out[SITE_WINDOW_MAX], size_t *len)
{
	uint8_t bytes[SITE_WINDOW_MAX];
	struct x86_asm a;
	int n;

	x86_asm_init(&a, bytes, NULL, sizeof(bytes), site->window);
	if (site->kind == SITE_HOP)
		x86_jmp_short_pc(&a, site->hop);
	else
		x86_jmp_pc(&a, to);
	while (!a.err && a.len < site->len)
		x86_int3(&a);
	n = x86_asm_finish(&a);
	if (n < 0)
		return n;
	memcpy(out, bytes, (size_t)n);
	*len = (size_t)n;
	return 0;
}

int text_hop_patch(const struct site *site, taddr_t to, uint8_t out[SITE_JMP_LEN])
{
	uint8_t bytes[SITE_JMP_LEN];
	struct x86_asm a;
	int n;

	if (site->kind != SITE_HOP)
		return -EINVAL;
	x86_asm_init(&a, bytes, NULL, sizeof(bytes), site->hop);
	x86_jmp_pc(&a, to);
	n = x86_asm_finish(&a);
	if (n < 0)
		return n;
	memcpy(out, bytes, sizeof(bytes));
	return 0;
}
