/*
 * attach/code_show.c - a code_view as text and as JSON; see code.h.
 *
 * JSON: {"module","func","addr" (in the file),"size","proto","types","model","layout",
 * "entry","reason" (why no exit program can be attached, or null),"example","programs":[{"kind","name","object","cookie"}],"site":{"kind","addr",
 * "code"},"slot":{"addr","size","code"},"plan":[LINE],"image":{"addr","size","code"}}, where
 * code is [{"addr","bytes","label","text","comment"}], the last three null where there is none.
 */
#include "attach/code.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAN_MAX 32768 /* 255 slots and 16 registers need a tenth */

/* -- what an operand means ---------------------------------------------------------------- */

static const struct code_prog *program_at(const struct code_view *v, taddr_t pc)
{
	for (unsigned i = 0; i < v->recipe.nprogs; i++) {
		const struct code_prog *p = &v->prog[i];

		if (pc - v->image_at >= p->code_lo && pc - v->image_at < p->code_hi)
			return p;
	}
	return NULL;
}

/* Of rsp: an end of the frame; a place in it may have the same offset and mean less. */
static bool note_stack(const struct tramp_plan *p, const struct x86_insn *insn, char *out,
		       size_t cap)
{
	int32_t frame = (int32_t)p->frame;

	if (!insn->writes_rsp)
		return false;
	if (insn->rsp_add == -(int32_t)p->down && p->call_orig && !p->align_entry &&
	    (int32_t)p->down == -p->out - (int32_t)p->out_bytes)
		snprintf(out, cap, "out %d: %u bytes of stack arguments, below the frame of %d",
			 p->out, p->out_bytes, frame);
	else if (insn->rsp_add == -(int32_t)p->down || (insn->has_mem && insn->mem_disp == -frame))
		snprintf(out, cap, "frame of %d", frame);
	else if (insn->has_mem && p->call_orig && insn->mem_disp == p->out + (int32_t)p->out_bytes)
		snprintf(out, cap, "out %d: %u bytes of stack arguments", p->out, p->out_bytes);
	else
		return false;
	return true;
}

static void note_frame(int32_t off, const char *name, char *out, size_t cap)
{
	if (name[0])
		snprintf(out, cap, "%d %s", off, name);
}

static void note_tls(const struct code_view *v, const struct x86_insn *insn, char *out, size_t cap)
{
	static const char *const word[] = { "this thread's block", "too little of its stack left?",
					    "on its own stack?" };
	uint32_t at = (uint32_t)(insn->mem_disp - v->t->proc->tls_off) / 8;

	if (at < ARRAY_LEN(word))
		snprintf(out, cap, "%s", word[at]);
}

static void note_image(void *arg, taddr_t pc, const struct x86_insn *insn, char *out, size_t cap)
{
	const struct code_view *v = arg;
	const struct tramp_plan *plan = &v->recipe.plan;
	bool program = program_at(v, pc) != NULL;
	char name[96] = "";

	if (insn->has_fs) {
		note_tls(v, insn, out, cap);
		return;
	}
	if (!program && plan->need_frame && note_stack(plan, insn, out, cap))
		return;
	if (!insn->has_mem || insn->mem_base != (plan->frameless ? RSP : RBP))
		return;
	if (program)
		engine_frame_name(insn->mem_disp, name, sizeof(name));
	else if (insn->is_lea && insn->mem_disp == plan->ctx) /* ctx[0] may not be there */
		snprintf(name, sizeof(name), "ctx");
	else
		tramp_plan_name(plan, insn->mem_disp, name, sizeof(name));
	note_frame(insn->mem_disp, name, out, cap);
}

static void note_slot(void *arg, taddr_t pc, const struct x86_insn *insn, char *out, size_t cap)
{
	const struct code_view *v = arg;

	if (insn->has_fs)
		note_tls(v, insn, out, cap);
	else if (insn->has_mem && insn->mem_base == RAX &&
		 insn->mem_disp == image_counter(v->hook) && pc < v->slot.moved)
		snprintf(out, cap, "calls inside");
}

static struct x86_listing listing_of(const struct code_view *v, const void *code, size_t n,
				     taddr_t pc)
{
	return (struct x86_listing){ .code = code,
				     .n = n,
				     .pc0 = pc,
				     .name = v->names.at,
				     .nnames = v->names.n,
				     .arg = (void *)(uintptr_t)v };
}

/* The instructions; what pads a short function is not listed, it may be half a nop. */
static struct x86_listing list_site(const struct code_view *v)
{
	const struct site *s = &v->hook->func->site;
	size_t n = s->len, last = s->ninsns ? s->insn_at[s->ninsns - 1] : 0;
	struct x86_insn insn;

	if (s->ninsns && x86_decode(s->old + last, s->len - last, s->window + last, &insn) == 0)
		n = last + insn.len;
	return listing_of(v, s->old, n, s->window);
}

static bool is_seed(const struct code_view *v)
{
	return v->recipe.spec.layout == TRAMP_SEED;
}

/* The kernel has none: what is left of it is the original, the moved instructions. */
static struct x86_listing list_slot(const struct code_view *v)
{
	struct x86_listing l = listing_of(v, v->slot_bytes, v->slot_len, v->slot.at);
	taddr_t moved = v->slot.moved - v->slot.at;

	if (is_seed(v))
		return listing_of(v, v->slot_bytes + moved, v->slot.moved_size, v->slot.moved);
	l.quad = v->slot.image_ptr;
	l.note = note_slot;
	return l;
}

static struct x86_listing list_image(const struct code_view *v)
{
	struct x86_listing l = listing_of(v, v->image.bytes, (size_t)v->image.n, v->image_at);

	l.note = note_image;
	l.data = v->data.at;
	l.ndata = v->data.n;
	return l;
}

/* -- text --------------------------------------------------------------------------------- */

static int put_line(void *ctx, const struct x86_line *line)
{
	struct json *w = ctx;
	char bytes[2 * 16 + 1] = "";
	size_t n = line->len < 16 ? line->len : 1; /* of a long run of int3 one */

	for (size_t i = 0; i < n; i++)
		snprintf(bytes + 2 * i, 3, "%02x", line->bytes[i]);
	if (line->label)
		json_printf(w, "%s:\n", line->label);
	json_printf(w, "  %12" PRIx64 "  %-20s  ", line->pc, bytes);
	if (line->comment)
		json_printf(w, "%-38s ; %s\n", line->text, line->comment);
	else
		json_printf(w, "%s\n", line->text);
	return w->failed ? -ENOMEM : 0;
}

static void put_types(const struct code_view *v, struct json *w)
{
	const struct func *f = v->hook->func;
	char text[4096];

	if (f->proto.source != PROTO_NONE)
		proto_format(&f->proto, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "unknown");
	json_printf(w, "  prototype  %s\n  types      %s\n", text,
		    proto_source_name(f->proto.source));
	func_model_format(f->model, text, sizeof(text));
	json_printf(w, "  model      %s\n", text);
}

static const char *kind_of(const struct code_prog *p)
{
	if (p->link->session)
		return p->kind == TRAMP_FENTRY ? "fsession (entry)" : "fsession (exit)";
	return code_kind_name(p->kind);
}

static const char *why_no_exit(const struct func *f)
{
	const char *why = f->reason ? f->reason : "not possible";

	return strncmp(why, "exit: ", 6) ? why : why + 6;
}

static void put_programs(const struct code_view *v, struct json *w)
{
	const struct func *f = v->hook->func;

	json_printf(w, "  programs   %s\n",
		    v->example ? "an example's, which read every argument and the result" :
				 "in the order in which they run");
	for (unsigned i = 0; i < v->recipe.nprogs; i++) {
		const struct code_prog *p = &v->prog[i];

		json_printf(w, "    %u. %s %s", i + 1, kind_of(p), p->name);
		if (p->object)
			json_printf(w, " of %s", p->object);
		if (p->link->cookie)
			json_printf(w, ", cookie %" PRIu64, p->link->cookie);
		json_raw(w, "\n", 1);
	}
	if (v->example && !f->can_exit)
		json_printf(w, "    no exit program: %s\n", why_no_exit(f));
}

static int put_site(const struct code_view *v, struct json *w)
{
	const struct func *f = v->hook->func;
	struct x86_listing l = list_site(v);
	int err;

	json_printf(w, "\nsite: %s, %u bytes at %#" PRIx64 ", %s", site_kind_text(f->site.kind),
		    f->site.len, f->site.window,
		    is_seed(v) ? "in the kernel a call of the image" :
				 "replaced by a jump to enter");
	if (f->site.kind == SITE_HOP && !is_seed(v))
		json_printf(w, " by way of %#" PRIx64, f->site.hop);
	json_raw(w, "\n", 1);
	err = x86_list(&l, put_line, w);
	if (err)
		return err;
	l = list_slot(v);
	json_printf(w, "\nslot: %zu bytes at %#" PRIx64 "%s\n", l.n, l.pc0,
		    is_seed(v) ? ", the kernel has none: what it would find behind its call" : "");
	return x86_list(&l, put_line, w);
}

static char *plan_text(const struct code_view *v)
{
	char *text = malloc(PLAN_MAX);

	if (text)
		tramp_plan_format(&v->recipe.plan, text, PLAN_MAX);
	return text;
}

/* Each line of the plan, indented. */
static int put_plan(const struct code_view *v, struct json *w)
{
	char *text = plan_text(v), *at = text, *line;

	if (!text)
		return -ENOMEM;
	json_printf(w, "\nplan: offsets from rbp\n");
	while ((line = strsep(&at, "\n"))) {
		if (line[0])
			json_printf(w, "  %s\n", line);
	}
	free(text);
	return 0;
}

int code_show_text(const struct code_view *v, struct json *w)
{
	const struct func *f = v->hook->func;
	const struct tramp_spec *s = &v->recipe.spec;
	struct x86_listing image = list_image(v);
	int err;

	json_printf(w, "%s:%s%s%s%s\n", f->mod->shown, f->name, f->aliases ? " (" : "",
		    f->aliases ? f->aliases : "", f->aliases ? ")" : "");
	json_printf(w,
		    "  address    %#" PRIx64 " in the file, %#" PRIx64 " in memory%s, %" PRIu64
		    " bytes\n",
		    f->addr, func_addr(f), v->t->file ? " if it were loaded" : "",
		    f->range.hi - f->range.lo);
	put_types(v, w);
	json_printf(w, "  layout     %s, entered by %s\n", code_layout_name(s->layout),
		    code_entry_name(s->entry));
	put_programs(v, w);
	err = put_site(v, w);
	if (!err)
		err = put_plan(v, w);
	json_printf(w, "\nimage: %d bytes at %#" PRIx64 "\n", v->image.n, v->image_at);
	return err ? err : x86_list(&image, put_line, w);
}

/* -- JSON --------------------------------------------------------------------------------- */

static void str_member(struct json *w, const char *key, const char *s)
{
	json_key(w, key);
	if (s)
		json_str(w, s);
	else
		json_null(w);
}

static void hex_member(struct json *w, const char *key, uint64_t v)
{
	json_key(w, key);
	json_hex(w, v);
}

static int line_json(void *ctx, const struct x86_line *line)
{
	struct json *w = ctx;
	char hex[2 * 64 + 1]; /* padding is 63 bytes at most */

	json_open(w, '{');
	hex_member(w, "addr", line->pc);
	json_key(w, "bytes");
	hex[0] = '\0';
	for (size_t i = 0; i < line->len && i < 64; i++)
		snprintf(hex + 2 * i, 3, "%02x", line->bytes[i]);
	json_str(w, hex);
	str_member(w, "label", line->label);
	str_member(w, "text", line->text);
	str_member(w, "comment", line->comment);
	json_close(w, '}');
	return w->failed ? -ENOMEM : 0;
}

static int code_json(struct json *w, const struct x86_listing *l)
{
	int err;

	json_key(w, "code");
	json_open(w, '[');
	err = x86_list(l, line_json, w);
	json_close(w, ']');
	return err;
}

static int block_json(struct json *w, const char *key, const struct x86_listing *l)
{
	int err;

	json_key(w, key);
	json_open(w, '{');
	hex_member(w, "addr", l->pc0);
	json_key(w, "size");
	json_u64(w, l->n);
	err = code_json(w, l);
	json_close(w, '}');
	return err;
}

static void func_json(const struct code_view *v, struct json *w)
{
	const struct func *f = v->hook->func;
	char text[4096];

	str_member(w, "module", f->mod->shown);
	str_member(w, "func", f->name);
	hex_member(w, "addr", f->addr);
	json_key(w, "size");
	json_u64(w, f->range.hi - f->range.lo);
	if (f->proto.source != PROTO_NONE)
		proto_format(&f->proto, text, sizeof(text));
	str_member(w, "proto", f->proto.source != PROTO_NONE ? text : NULL);
	str_member(w, "types", proto_source_name(f->proto.source));
	func_model_format(f->model, text, sizeof(text));
	str_member(w, "model", text);
	str_member(w, "layout", code_layout_name(v->recipe.spec.layout));
	str_member(w, "entry", code_entry_name(v->recipe.spec.entry));
	str_member(w, "reason", f->reason);
	json_key(w, "example");
	json_bool(w, v->example);
}

static void programs_json(const struct code_view *v, struct json *w)
{
	json_key(w, "programs");
	json_open(w, '[');
	for (unsigned i = 0; i < v->recipe.nprogs; i++) {
		const struct code_prog *p = &v->prog[i];

		json_open(w, '{');
		str_member(w, "kind", kind_of(p));
		str_member(w, "name", p->name);
		str_member(w, "object", p->object);
		json_key(w, "cookie");
		json_u64(w, p->link->cookie);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static int site_json(const struct code_view *v, struct json *w)
{
	const struct site *s = &v->hook->func->site;
	struct x86_listing l = list_site(v);
	int err;

	json_key(w, "site");
	json_open(w, '{');
	str_member(w, "kind", site_kind_text(s->kind));
	hex_member(w, "addr", s->window);
	err = code_json(w, &l);
	json_close(w, '}');
	return err;
}

static int plan_json(const struct code_view *v, struct json *w)
{
	char *text = plan_text(v), *at = text, *line;

	if (!text)
		return -ENOMEM;
	json_key(w, "plan");
	json_open(w, '[');
	while ((line = strsep(&at, "\n"))) {
		if (line[0])
			json_str(w, line);
	}
	json_close(w, ']');
	free(text);
	return 0;
}

int code_show_json(const struct code_view *v, struct json *w)
{
	struct x86_listing slot = list_slot(v), image = list_image(v);
	int err;

	json_open(w, '{');
	func_json(v, w);
	programs_json(v, w);
	err = site_json(v, w);
	if (!err)
		err = block_json(w, "slot", &slot);
	if (!err)
		err = plan_json(v, w);
	if (!err)
		err = block_json(w, "image", &image);
	json_close(w, '}');
	return err;
}
