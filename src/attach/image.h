/*
 * attach/image.h - build slots and images of a hook and write them into the target.
 *
 * Errors   those of tramp/, text/ and the engine; -ENOSPC the slab's room is used up
 * Memory   nothing is kept but in the hook, and of its former images what attach/reclaim.h needs
 * Context  [ctl]
 */
#ifndef ATTACH_IMAGE_H
#define ATTACH_IMAGE_H

#include "attach/session.h"

/* Would an image of the hook's present programs be possible?  Nothing is written. */
int image_check(struct utramp_target *t, struct hook *h, struct diag *d);

/* Write the hook's slot; its image pointer passes calls by. */
int image_slot(struct utramp_target *t, struct hook *h, struct diag *d);

/* Write slot and image of the hook's programs, which nobody enters yet; running or stopped. */
int image_prepare(struct utramp_target *t, struct hook *h, struct diag *d);

/*
 * A hook without programs: its slot passes calls by from now on, running or stopped.  Failure is
 * image_swap()'s to tell, which is due all the same.
 */
void image_leave(struct utramp_target *t, struct hook *h);

/* The slot's pointer was written by who could not tell: what it names is the hook's image. */
void image_adopt(struct utramp_target *t, struct hook *h);

/* An image that was prepared is not wanted: its room is free. */
void image_unready(struct utramp_target *t, struct hook *h);

/* Fill room with int3, and its frame states with nothing. */
int image_erase(struct utramp_target *t, unsigned slab, taddr_t at, uint64_t n);

/*
 * Let the slot's pointer name the image of the hook's programs, which is written now if
 * it is not ready; without programs the slot passes calls by.  Calls inside former images run
 * their exit programs still if all of them are attached still, else none.  Stopped processes only.
 */
int image_swap(struct utramp_target *t, struct hook *h, struct diag *d);

/*
 * The parts of the above, which write nothing: the slot as it is, or will be, written (a
 * length or -errno, as slot_emit()); where the image of the hook's programs is, or would go;
 * everything an image is made from, alive until it is emitted; its bytes.
 */
int image_slot_code(const struct utramp_target *t, const struct hook *h, void *code, void *frames,
		    size_t cap, struct slot_code *out, struct diag *d);
int32_t image_counter(const struct hook *h); /* of calls inside: its offset in rt_thread */
bool image_keeps_flags(const struct hook *h);
taddr_t image_no_room(const struct utramp_target *t); /* counter of calls passed by for it */
taddr_t image_place(const struct utramp_target *t, const struct hook *h,
		    const struct slot_code *slot);

struct recipe {
	struct tramp_prog *prog;
	struct engine_body **body;
	unsigned nprogs, nbodies; /* programs: in the order of spec.list */
	struct tramp_shim shim;   /* TRAMP_SEED: by name only, nothing is there */
	struct tramp_spec spec;
	struct tramp_plan plan;
};

/* recipe_fini() also after an error. */
int recipe_init(const struct utramp_target *t, const struct hook *h, const struct slot_code *slot,
		enum tramp_layout layout, struct recipe *r, struct diag *d);
void recipe_fini(struct recipe *r);

struct image_code {
	uint8_t *bytes, *frames;
	struct tramp_marks marks;
	int n;
};

/* image_code_fini() also after an error. */
int image_emit(const struct recipe *r, taddr_t at, struct image_code *c, struct diag *d);
void image_code_fini(struct image_code *c);

/* Emit code into a slab's room, named for profilers; where it is.  No need to stop the process. */
int image_add_code(struct utramp_target *t, unsigned slab,
		   void (*emit)(struct x86_asm *a, const void *arg), const void *arg,
		   const char *name, taddr_t *at, struct diag *d);

/* Map arena regions added since the last call. */
int session_map(struct utramp_target *t, struct diag *d);

#endif
