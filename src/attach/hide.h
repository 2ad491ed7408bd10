/*
 * attach/hide.h - a process that traces itself has notes of where its images are in its own
 * memory, where words are looked for that are addresses of images (attach/reclaim.h).
 *
 * While it is looked at these notes are other words.  Nothing is left out of the search for
 * that: whatever else holds such an address, a stack above all, is found as in any process.  What
 * would be forgotten here keeps an image too long, and frees none too early.
 *
 * Errors   none
 * Memory   none; what is freed of such notes is wiped (image_free(), look_fini())
 * Context  [ctl] between two calls nobody may use what is hidden
 */
#ifndef ATTACH_HIDE_H
#define ATTACH_HIDE_H

struct utramp_target;

/* Hide them, or have them back. */
void hide_turn(struct utramp_target *t);

#endif
