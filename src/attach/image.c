/*
 * attach/image.c - slots and images: generate, write, swap; see image.h.
 */
#include "attach/image.h"
#include "attach/faults.h"
#include "ctl/journal.h"

#include "base/cleanup.h"
#include "x86/asm.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IMAGE_ALIGN 16
#define IMAGE_FIRST (2u << 10)  /* bytes tried first; doubled up to IMAGE_LIMIT */
#define IMAGE_LIMIT (32u << 20) /* beyond what a slab has room for */
#define PLACE_TRIES 4
#define INT3        0xcc

/* -- writing into a slab ------------------------------------------------------------------ */

static int no_room(struct diag *d)
{
	return diag_set(d, -ENOSPC, "the slab's room for code is used up");
}

/* Write n bytes of code into room that is free; taken only if all went well. */
static int write_new(struct utramp_target *t, unsigned slab, taddr_t at, const void *code,
		     const void *frames, size_t n, struct diag *d)
{
	int err = room_take(&t->room[slab], at, n);

	if (err)
		return err == -ENOSPC ? no_room(d) : err;
	err = stage_write(t, slab, at, code, frames, n);
	if (err)
		room_give(&t->room[slab], at, n);
	return err;
}

static int no_note(int err, struct diag *d)
{
	return diag_set(d, err, "how to undo it cannot be noted: %s", strerror(-err));
}

/* What write_new() wrote is not used after all. */
static void unwrite(struct utramp_target *t, unsigned slab, taddr_t at, size_t n)
{
	if (image_erase(t, slab, at, n) == 0)
		room_give(&t->room[slab], at, n);
}

/* -- the slot ------------------------------------------------------------------------------- */

int32_t image_counter(const struct hook *h)
{
	return (int32_t)(offsetof(struct rt_thread, inside) + 8 * (h->number % RT_COUNTERS));
}

taddr_t image_no_room(const struct utramp_target *t)
{
	return t->proc->arena + offsetof(struct shm_arena, no_room);
}

/* A function of which nothing is known may be assembly that takes flags (text/slot.h). */
bool image_keeps_flags(const struct hook *h)
{
	return h->func->model->raw || !h->func->model->k_known;
}

/* Where the next slot goes; behind the room's end, where writing fails, if that is full. */
static taddr_t slot_place(const struct code_room *r)
{
	taddr_t at = room_find(r, SLOT_MAX, SLOT_ALIGN);

	return at ? at : room_top(r, SLOT_ALIGN);
}

int image_slot_code(const struct utramp_target *t, const struct hook *h, void *code, void *frames,
		    size_t cap, struct slot_code *out, struct diag *d)
{
	int stand_in = faults_stand_in(t, h);
	struct slot_plan plan = {
		.site = &h->func->site,
		.at = h->slot_at ? h->slot_at : slot_place(&t->room[h->slab]),
		.rt_first = t->env[h->slab].first,
		.tls_off = t->env[h->slab].tls_off,
		.counter_off = image_counter(h),
		.no_room = image_no_room(t),
		.stand_in = stand_in < 0 ? 0 : faults_stand_in_at(t, stand_in),
		.keep_flags = image_keeps_flags(h),
	};

	return slot_emit(&plan, code, frames, cap, out, d);
}

int image_slot(struct utramp_target *t, struct hook *h, struct diag *d)
{
	uint8_t code[SLOT_MAX], frames[SLOT_MAX];
	int n = image_slot_code(t, h, code, frames, sizeof(code), &h->slot, d), err;
	int stand_in = faults_stand_in(t, h);

	if (n < 0)
		return n;
	err = write_new(t, h->slab, h->slot.at, code, frames, (size_t)n, d);
	if (err)
		return err;
	err = journal_write(t->proc, h->slot.image_ptr, &h->slot.leave_resume,
			    sizeof(h->slot.leave_resume));
	if (err)
		no_note(err, d);
	else if (stand_in >= 0)
		err = faults_slot(t, stand_in, h->slot.original);
	if (err) {
		journal_forget(t->proc, h->slot.image_ptr);
		unwrite(t, h->slab, h->slot.at, (size_t)n);
		return err;
	}
	h->slot_at = h->slot.at;
	names_add(&t->names[h->slab], h->slot.at, (uint64_t)n, h->func->name, " slot");
	return 0;
}

taddr_t image_place(const struct utramp_target *t, const struct hook *h,
		    const struct slot_code *slot)
{
	if (h->image && hook_has_links(h) && !h->dirty)
		return h->image;
	return h->slot_at ? room_top(&t->room[h->slab], IMAGE_ALIGN) :
			    ALIGN_UP(slot->at + slot->size, (taddr_t)IMAGE_ALIGN);
}

/* -- the image ------------------------------------------------------------------------------ */

void recipe_fini(struct recipe *r)
{
	for (unsigned i = 0; i < r->nbodies; i++)
		engine_body_free(r->body[i]);
	free(r->body);
	free(r->prog);
}

static int add_prog(const struct utramp_target *t, const struct hook *h, struct recipe *r,
		    enum tramp_kind kind, const struct link *l)
{
	struct engine_env env = t->env[h->slab];
	struct tramp_prog *to = &r->prog[r->nprogs++];
	size_t i = 0;
	int err;

	if (l->session && kind == TRAMP_FEXIT) { /* the fentry list is the first in prog[] */
		while (h->list[TRAMP_FENTRY].at[i] != l)
			i++;
		*to = r->prog[i];
		return 0;
	}
	if (r->spec.layout == TRAMP_SEED)
		env.guard_slow = 0; /* the enter function's job */
	err = engine_body_new(l->prog, &env, &r->body[r->nbodies]);
	if (err)
		return err;
	*to = (struct tramp_prog){ .body = engine_body(r->body[r->nbodies++]),
				   .cookie = l->cookie,
				   .prog = env.arena + l->prog->stats,
				   .session = l->session };
	return 0;
}

/*
 * The kernel's layout is never attached, only looked at: the functions that it calls around
 * programs are not there, and stand at the end of the slab's room.
 */
static void stand_in(const struct utramp_target *t, const struct hook *h, struct tramp_shim *s)
{
	taddr_t end = t->room[h->slab].hi - 4 * IMAGE_ALIGN;

	*s = (struct tramp_shim){ .enter = end,
				  .exit = end + IMAGE_ALIGN,
				  .image_enter = end + 2 * IMAGE_ALIGN,
				  .image_exit = end + 3 * IMAGE_ALIGN };
}

/* Return addresses in either slab are of tail calls. */
static void find_rooms(const struct utramp_target *t, const struct hook *h, struct tramp_spec *s)
{
	const struct code_room *own = &t->room[h->slab], *other = &t->room[!h->slab];

	s->tail = t->env[h->slab].tail;
	s->room[0].lo = own->lo;
	s->room[0].hi = own->hi;
	s->room[1].lo = other->lo;
	s->room[1].hi = other->hi;
}

static void find_stack(const struct utramp_target *t, struct tramp_stack *s)
{
	*s = (struct tramp_stack){
		.granted = RT_ROOM_IMAGE,
		.left = RT_ROOM_LEFT,
		.lo = t->proc->tls_off + (int32_t)offsetof(struct rt_tls, stack_lo),
		.missed = image_no_room(t),
	};
}

/* What it cannot do is said of the function. */
static int make_plan(const struct hook *h, struct recipe *r, struct diag *d)
{
	struct diag why = { "" };
	int err = tramp_plan(&r->spec, &r->plan, &why);

	return err ? diag_set(d, err, "%s:%s: %s", h->func->mod->shown, h->func->name,
			      diag_text(&why, err)) :
		     0;
}

int recipe_init(const struct utramp_target *t, const struct hook *h, const struct slot_code *slot,
		enum tramp_layout layout, struct recipe *r, struct diag *d)
{
	size_t n = 0;
	int err = 0;

	for (int k = 0; k < TRAMP_KINDS; k++)
		n += h->list[k].n;
	*r = (struct recipe){ .prog = calloc(n + 1, sizeof(*r->prog)),
			      .body = calloc(n + 1, sizeof(struct engine_body *)) };
	if (!r->prog || !r->body)
		return -ENOMEM;
	r->spec = (struct tramp_spec){ .layout = layout,
				       .entry = layout == TRAMP_SEED ? TRAMP_BY_CALL : TRAMP_BY_JMP,
				       .shim = layout == TRAMP_SEED ? &r->shim : NULL,
				       .model = h->func->model,
				       .func = func_addr(h->func),
				       .original = slot->moved,
				       .leave_ret = slot->leave_ret,
				       .leave_resume = slot->leave_resume,
				       .slot = h->number,
				       .tagged = true,
				       .keep_flags = image_keeps_flags(h) };
	find_stack(t, &r->spec.stack);
	find_rooms(t, h, &r->spec);
	if (layout == TRAMP_SEED) {
		stand_in(t, h, &r->shim);
		r->spec.leave_ret = r->spec.leave_resume = 0; /* back to where the call was */
	}
	for (int k = 0; k < TRAMP_KINDS; k++) {
		r->spec.list[k].prog = &r->prog[r->nprogs];
		r->spec.list[k].n = (unsigned)h->list[k].n;
		for (size_t i = 0; i < h->list[k].n && !err; i++)
			err = add_prog(t, h, r, (enum tramp_kind)k, h->list[k].at[i]);
	}
	return err ? err : make_plan(h, r, d);
}

int image_check(struct utramp_target *t, struct hook *h, struct diag *d)
{
	struct recipe r;
	int err = recipe_init(t, h, &h->slot, TRAMP_OURS, &r, d);

	recipe_fini(&r);
	return err;
}

void image_code_fini(struct image_code *c)
{
	free(c->bytes);
	free(c->frames);
}

/* How long code gets is known when it is emitted: try, with more room if need be. */
static int emit_code(taddr_t at, void (*emit)(struct x86_asm *a, const void *arg), const void *arg,
		     struct image_code *c)
{
	for (uint32_t cap = IMAGE_FIRST; cap <= IMAGE_LIMIT; cap *= 2) {
		struct x86_asm a;

		image_code_fini(c);
		c->bytes = malloc(cap);
		c->frames = calloc(1, cap);
		if (!c->bytes || !c->frames)
			return -ENOMEM;
		x86_asm_init(&a, c->bytes, c->frames, cap, at);
		emit(&a, arg);
		c->n = x86_asm_finish(&a);
		if (c->n != -ENOSPC)
			break;
	}
	return c->n < 0 ? c->n : 0;
}

/*
 * The same at the place where it will lie.  How long code gets depends on where it is, too: found
 * out behind the used part of the room, where it stays unless a gap is wide enough.
 */
static int emit_placed(const struct code_room *r, taddr_t *at,
		       void (*emit)(struct x86_asm *a, const void *arg), const void *arg,
		       struct image_code *c)
{
	uint64_t need = 0;

	*at = room_top(r, IMAGE_ALIGN);
	for (unsigned i = 0; i < PLACE_TRIES; i++) {
		int err = emit_code(*at, emit, arg, c);
		taddr_t to;

		if (err)
			return err;
		need = (uint64_t)c->n > need ? (uint64_t)c->n : need;
		to = room_find(r, need, IMAGE_ALIGN);
		if (!to)
			return -ENOSPC;
		if (to == *at || (i && room_is_free(r, *at, (uint64_t)c->n)))
			return 0;
		*at = to;
	}
	*at = room_top(r, IMAGE_ALIGN);
	return emit_code(*at, emit, arg, c);
}

struct image_job {
	const struct recipe *r;
	struct tramp_marks *marks;
};

static void emit_image(struct x86_asm *a, const void *arg)
{
	const struct image_job *job = arg;

	tramp_emit(&job->r->plan, a, job->marks);
}

static int emit_failed(int err, struct diag *d)
{
	return diag_set(d, err, "cannot generate the trampoline: %s", strerror(-err));
}

int image_emit(const struct recipe *r, taddr_t at, struct image_code *c, struct diag *d)
{
	struct image_job job = { r, &c->marks };
	int err = emit_code(at, emit_image, &job, c);

	return err ? emit_failed(err, d) : 0;
}

int image_add_code(struct utramp_target *t, unsigned slab,
		   void (*emit)(struct x86_asm *a, const void *arg), const void *arg,
		   const char *name, taddr_t *at, struct diag *d)
{
	struct image_code c = { 0 };
	int err = emit_placed(&t->room[slab], at, emit, arg, &c);

	if (err == -ENOSPC)
		no_room(d);
	else if (err)
		diag_set(d, err, "cannot generate code of %s: %s", name, strerror(-err));
	if (!err)
		err = write_new(t, slab, *at, c.bytes, c.frames, (size_t)c.n, d);
	if (!err)
		names_add(&t->names[slab], *at, (uint64_t)c.n, name, " tail");
	image_code_fini(&c);
	return err;
}

#define GATE_LEN 5

static int closed_gate(const struct gate *g, uint8_t jmp[GATE_LEN])
{
	struct x86_asm a;

	x86_asm_init(&a, jmp, NULL, GATE_LEN, g->nop);
	x86_jmp_pc(&a, g->skip);
	return x86_asm_finish(&a) < 0 ? -ERANGE : 0;
}

/* Who undoes all in our place closes it, too. */
static int note_gate(struct utramp_target *t, const struct gate *g)
{
	uint8_t jmp[GATE_LEN];
	int err = g->nop ? closed_gate(g, jmp) : 0;

	return err || !g->nop ? err : journal_write(t->proc, g->nop, jmp, sizeof(jmp));
}

/*
 * Calls that are inside an image when it is replaced come back to it.  As long as programs
 * were only added, or removed at entry, those it runs at exit are attached still; once one of
 * these is removed, the nop before them becomes a jump past them, in every image that may have it:
 * those of the others that stay are lost to these calls, as the kernel's are.
 */
static int close_gates(struct utramp_target *t, struct hook *h)
{
	int err = 0;

	while (h->removed && h->gates.n && !err) {
		const struct gate *g = &h->gates.at[h->gates.n - 1];
		uint8_t jmp[GATE_LEN];

		err = closed_gate(g, jmp);
		if (!err)
			err = process_write(t->proc, g->nop, jmp, sizeof(jmp));
		h->gates.n -= !err;
	}
	h->removed &= err < 0;
	return err;
}

/* The image that was ready is live.  Room for its gate is there: image_prepare(). */
static void go_live(struct utramp_target *t, struct hook *h)
{
	reclaim_retire(t, h->live);
	h->live = h->ready;
	h->ready = NULL;
	for (int k = 0; k < TRAMP_KINDS; k++) {
		for (size_t i = 0; i < h->list[k].n; i++)
			h->list[k].at[i]->in_image = true;
	}
}

static void open_gate(struct hook *h)
{
	if (h->live->gate.nop)
		h->gates.at[h->gates.n++] = h->live->gate;
}

static int point_to(struct utramp_target *t, struct hook *h, taddr_t image)
{
	bool done = h->image == image ||
		    stage_change(t, h->slab, h->slot.image_ptr, &image, sizeof(image));
	int err = done ? 0 : process_write(t->proc, h->slot.image_ptr, &image, sizeof(image));

	if (!err)
		h->image = image;
	return err;
}

/* Emit, find room, write; on failure the room is free. */
static int write_image(struct utramp_target *t, const struct recipe *r, struct image *im,
		       struct diag *d)
{
	unsigned slab = im->hook->slab;
	struct image_code c = { 0 };
	struct image_job job = { r, &c.marks };
	int err = emit_placed(&t->room[slab], &im->at, emit_image, &job, &c);

	if (err == -ENOSPC)
		no_room(d);
	else if (err)
		emit_failed(err, d);
	if (!err)
		err = write_new(t, slab, im->at, c.bytes, c.frames, (size_t)c.n, d);
	im->size = (uint32_t)c.n;
	image_code_fini(&c);
	if (err)
		return err;
	if (c.marks.exit_nop)
		im->gate = (struct gate){ im->at + c.marks.exit_nop, im->at + c.marks.exit_skip };
	err = note_gate(t, &im->gate);
	if (err) {
		unwrite(t, slab, im->at, im->size);
		no_note(err, d);
	}
	return err;
}

static int make_ready(struct utramp_target *t, struct hook *h, const struct recipe *r,
		      struct diag *d)
{
	struct image *im = image_new(h);
	int err = im ? vec_reserve(&h->gates, 1) : -ENOMEM;

	if (!err)
		err = write_image(t, r, im, d);
	if (err) {
		image_free(im);
		return err;
	}
	im->name = names_add(&t->names[h->slab], im->at, im->size, h->func->name, "");
	h->ready = im;
	return 0;
}

void image_unready(struct utramp_target *t, struct hook *h)
{
	reclaim_at_once(t, h->ready);
	h->ready = NULL;
}

int image_erase(struct utramp_target *t, unsigned slab, taddr_t at, uint64_t n)
{
	uint8_t *code = malloc(n), *frames = calloc(1, n);
	int err = code && frames ? 0 : -ENOMEM;

	if (!err) {
		memset(code, INT3, n);
		err = stage_write_now(t, slab, at, code, frames, n);
	}
	free(code);
	free(frames);
	return err;
}

int image_prepare(struct utramp_target *t, struct hook *h, struct diag *d)
{
	struct recipe r;
	int err = h->slot_at ? 0 : image_slot(t, h, d);

	if (err)
		return err;
	err = recipe_init(t, h, &h->slot, TRAMP_OURS, &r, d);
	if (!err)
		err = make_ready(t, h, &r, d);
	recipe_fini(&r);
	/* no window has ever led to this slot: one write less in the stop */
	if (!err && !h->image && !h->patched)
		err = point_to(t, h, h->ready->at);
	return err;
}

void image_leave(struct utramp_target *t, struct hook *h)
{
	if (h->slot_at)
		point_to(t, h, h->slot.leave_resume);
}

static int swap(struct utramp_target *t, struct hook *h, struct diag *d)
{
	int err = 0;

	if (!hook_has_links(h)) {
		err = point_to(t, h, h->slot.leave_resume);
		if (err)
			return err;
		reclaim_retire(t, h->live);
		h->live = NULL;
		return close_gates(t, h);
	}
	if (!h->ready)
		err = image_prepare(t, h, d);
	if (!err)
		err = point_to(t, h, h->ready->at); /* A.3 */
	if (err)
		return err;
	go_live(t, h);
	err = close_gates(t, h);
	open_gate(h);
	return err;
}

void image_adopt(struct utramp_target *t, struct hook *h)
{
	taddr_t now;

	if (process_read(t->proc, h->slot.image_ptr, &now, sizeof(now)) < 0)
		return;
	h->image = now;
	if (h->ready && h->ready->at == now) {
		go_live(t, h);
		open_gate(h);
	} else if (h->live && h->live->at != now) {
		reclaim_retire(t, h->live);
		h->live = NULL;
	}
	h->dirty = true; /* gates may be open still */
}

int image_swap(struct utramp_target *t, struct hook *h, struct diag *d)
{
	int err = swap(t, h, d);

	if (!err)
		h->dirty = false;
	return err;
}
