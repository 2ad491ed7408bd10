/*
 * attach/image.h - build slots and images of a hook and write them into the target.
 *
 * Errors   those of tramp/, text/ and the engine; -ENOSPC the slab's room is used up
 * Memory   nothing is kept but in the hook; code in the target is never freed
 * Context  [ctl]
 */
#ifndef ATTACH_IMAGE_H
#define ATTACH_IMAGE_H

#include "attach/session.h"

/* Would an image of the hook's present programs be possible?  Nothing is written. */
int image_check(struct utramp_target *t, struct hook *h, struct diag *d);

/* Write the hook's slot; its image pointer passes calls by. */
int image_slot(struct utramp_target *t, struct hook *h, struct diag *d);

/*
 * Build the image of the hook's programs and let the slot's pointer name it; without
 * programs the slot passes calls by.  Calls inside former images run their exit programs
 * still if all of them are attached still, else none.  Stopped processes only.
 */
int image_swap(struct utramp_target *t, struct hook *h, struct diag *d);

/* Map arena regions added since the last call. */
int session_map(struct utramp_target *t, struct diag *d);

#endif
