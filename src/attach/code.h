/*
 * attach/code.h - one function's trampoline, gathered to be looked at.
 *
 * code.c makes a code_view out of a hook: slot and image are emitted anew, into our memory,
 * for the addresses that they have or would get; nothing is written to the target.  Bodies
 * are wrapped, so that where each program's call and code stand is known without the
 * emitters' help.  code_show.c writes a view as text and as JSON.
 *
 * Without programs of its own a function is shown with an example's: one fentry and, where
 * exit programs are possible, one fexit program that read every argument, and the result.
 *
 * Errors   those of tramp/, text/ and the engine
 * Memory   a view owns all but the hook; code_view_fini() also after an error
 * Context  [ctl]
 */
#ifndef ATTACH_CODE_H
#define ATTACH_CODE_H

#include "attach/image.h"
#include "base/json.h"
#include "x86/listing.h"

/* One program of the image, in the order in which they run. */
struct code_prog {
	const char *name;   /* whole, where program.name is cut */
	const char *object; /* its file; NULL: generated */
	const struct link *link;
	enum tramp_kind kind; /* where it runs: a session program is here twice, its code once */
	/* the wrapped body, and where its parts went: offsets in the image, [lo, hi) */
	struct tramp_body body;
	const struct tramp_body *inner;
	struct code_prog *self, *exit;               /* exit: a session program's other place */
	uint32_t call_lo, call_hi, code_lo, code_hi; /* what is data follows code_hi */
	uint32_t open_lo;                            /* its call for tail calls; 0: none */
};

struct code_view {
	const struct utramp_target *t;
	const struct hook *hook;
	bool example; /* the programs are ours, for show */

	struct slot_code slot;
	uint8_t slot_bytes[SLOT_MAX];
	size_t slot_len;
	struct recipe recipe;
	struct image_code image;
	taddr_t image_at;
	struct {
		VEC(struct x86_data);
	} data;                 /* in the image: programs that are interpreted */
	struct code_prog *prog; /* recipe.nprogs of them */
	struct {
		VEC(struct x86_name);
	} names;
	struct {
		VEC(char *);
	} texts; /* of names */
};

int code_view_init(struct code_view *v, struct utramp_target *t, struct hook *h,
		   enum tramp_layout layout, struct diag *d);
void code_view_fini(struct code_view *v);

const char *code_kind_name(enum tramp_kind kind);  /* "fentry" */
const char *code_layout_name(enum tramp_layout l); /* "ours" */
const char *code_entry_name(enum tramp_entry e);   /* "jmp" */

/* Append to w: lines of text, and one object. */
int code_show_text(const struct code_view *v, struct json *w);
int code_show_json(const struct code_view *v, struct json *w);

#endif
