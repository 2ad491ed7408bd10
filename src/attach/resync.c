/*
 * attach/resync.c - after a helper was killed: what it did and could not note (ctl/tape.h).
 *
 * Which image a slot names, and whether our jump stands in a window, is read from the process, as
 * far as it decides what may be erased and what is to be restored.  Handlers are made anew:
 * struct faults torn.
 *
 * Context  [ctl] the calling process is the target, and runs
 */
#include "attach/image.h"
#include "attach/session.h"

#include <string.h>

static bool stands(struct utramp_target *t, taddr_t at, const uint8_t *bytes, size_t n)
{
	uint8_t now[SITE_WINDOW_MAX];

	return process_read(t->proc, at, now, n) == 0 && !memcmp(now, bytes, n);
}

static void look_at_text(struct utramp_target *t, struct hook *h)
{
	const struct site *s = &h->func->site;
	uint8_t bytes[SITE_WINDOW_MAX];
	size_t len;

	if (text_jmp_patch(s, h->slot.enter, bytes, &len) == 0)
		h->patched = stands(t, s->window, bytes, len);
	if (s->kind == SITE_HOP && text_hop_patch(s, h->slot.enter, bytes) == 0)
		h->hopped = stands(t, s->hop, bytes, SITE_JMP_LEN);
}

void session_resync(struct utramp_target *t)
{
	for (size_t i = 0; i < t->hooks.n; i++) {
		struct hook *h = t->hooks.at[i];

		if (!h->slot_at)
			continue;
		image_adopt(t, h);
		if (hook_is_here(h))
			look_at_text(t, h);
	}
	t->faults.torn = true;
}
