/*
 * bpf/shadow.c - see shadow.h: objects, the stack, single accesses.
 */
#include "bpf/shadow.h"

#include "base/diag.h"
#include "bpf/insn.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a pointer that is stored whole, at a multiple of 8, are BYTE_POINTER. */
enum byte_state { BYTE_NUMBER, BYTE_POINTER };

int shadow_fail(const struct interp_check *c, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return diag_set(c->d, -EFAULT, "insn %u: %s", c->m->at, text);
}

int shadow_use(const struct interp_check *c, unsigned r)
{
	if (c->r[r].type != SHADOW_UNSET)
		return 0;
	return shadow_fail(c, "r%u is read, but was never set or died in a call", r);
}

static bool inside(uint64_t addr, uint64_t size, uint64_t lo, uint64_t len)
{
	return addr >= lo && size <= len && addr - lo <= len - size;
}

/* -- the stack -------------------------------------------------------------------------- */

static bool on_stack(const struct interp_check *c, uint64_t addr, uint64_t size)
{
	return inside(addr, size, c->top - SHADOW_STACK_BYTES, SHADOW_STACK_BYTES);
}

static uint64_t index_of(const struct interp_check *c, uint64_t addr)
{
	return addr - (c->top - SHADOW_STACK_BYTES);
}

void shadow_enter(struct interp_check *c, uint64_t fp, uint32_t stack)
{
	struct shadow_call *call = &c->call[c->depth];

	call->serial = ++c->serial;
	call->fp = fp;
	call->lo = fp - stack;
	c->r[INSN_FP] = (struct shadow){
		.type = SHADOW_STACK, .index = call->serial, .lo = call->lo, .len = stack
	};
}

void shadow_leave(struct interp_check *c)
{
	const struct shadow_call *call = &c->call[c->depth];

	memset(&c->byte[index_of(c, call->lo)], BYTE_NUMBER, call->fp - call->lo);
}

void shadow_set(struct interp_check *c, uint64_t addr, uint64_t size, const struct shadow *v)
{
	uint64_t at = index_of(c, addr);
	bool pointer = v && v->type > SHADOW_NUMBER && size == 8 && at % 8 == 0;

	if (!size || !on_stack(c, addr, size))
		return;
	for (uint64_t k = at & ~7ull; k < ((at + size + 7) & ~7ull); k++) {
		if (k >= at && k < at + size)
			c->byte[k] = pointer ? BYTE_POINTER : BYTE_NUMBER;
		else if (c->byte[k] == BYTE_POINTER) /* a part of it is left */
			c->byte[k] = BYTE_NUMBER;
	}
	if (pointer)
		c->spilled[at / 8] = *v;
}

struct shadow shadow_get(const struct interp_check *c, uint64_t addr, uint64_t size)
{
	uint64_t at = index_of(c, addr);

	if (size == 8 && on_stack(c, addr, 8) && at % 8 == 0 && c->byte[at] == BYTE_POINTER)
		return c->spilled[at / 8];
	return shadow_number();
}

static bool call_is_open(const struct interp_check *c, uint32_t serial)
{
	for (uint32_t k = 0; k <= c->depth; k++) {
		if (c->call[k].serial == serial)
			return true;
	}
	return false;
}

uint32_t *shadow_record(const struct interp_check *c, uint32_t number)
{
	for (unsigned k = 0; k < SHADOW_RECORDS; k++) {
		if (c->record[k] == number)
			return (uint32_t *)(uintptr_t)&c->record[k];
	}
	return NULL;
}

/* -- accesses ---------------------------------------------------------------------------- */

static void see_slot(struct body_facts *seen, int64_t slot)
{
	if (slot == -1)
		seen->reads_count = true;
	else if (slot == -2)
		seen->reads_ip = true;
	else if (slot < 0 || slot >= BODY_MAX_SLOTS)
		seen->reads_any = true;
	else
		seen->reads[slot / 64] |= 1ull << slot % 64;
}

static void see(const struct interp_check *c, uint64_t addr, uint64_t size)
{
	if (!c->o->seen || c->p->kind == PROGRAM_PLAIN)
		return;
	for (uint64_t k = 0; k < size; k++)
		see_slot(c->o->seen, (int64_t)(addr + k - (c->ctx.lo + CTX_BEFORE)) >> 3);
}

/* In words, for a message. */
static const char *object_name(const struct interp_check *c, const struct shadow *by, char out[96])
{
	static const char *const name[] = { [SHADOW_CTX] = "ctx",
					    [SHADOW_STACK] = "the stack of its function",
					    [SHADOW_RECORD] = "the ring record",
					    [SHADOW_OWN] = "the word that the kfunc gave" };

	if (by->type != SHADOW_VALUE && by->type != SHADOW_KEY)
		return name[by->type];
	snprintf(out, 96, "the %s of map %s", by->type == SHADOW_KEY ? "key" : "value",
		 c->p->map[by->index]->name);
	return out;
}

static bool read_only(const struct interp_check *c, const struct shadow *by)
{
	const struct shm_map *map;

	if (by->type == SHADOW_CTX)
		return c->p->kind != PROGRAM_PLAIN;
	if (by->type == SHADOW_KEY)
		return true;
	if (by->type != SHADOW_VALUE)
		return false;
	map = c->p->map[by->index]->shm;
	return map->frozen || map->map_flags & BPF_F_RDONLY_PROG;
}

static const char *verb(enum shadow_access how)
{
	return how == SHADOW_LOAD ? "load" : "store";
}

static int fail_at(const struct interp_check *c, uint64_t addr, uint64_t size,
		   enum shadow_access how, const char *why, const char *what)
{
	return shadow_fail(c, "%s of %llu bytes at 0x%llx%s%s", verb(how), (unsigned long long)size,
			   (unsigned long long)addr, why, what);
}

/* Of numbers. */
static int by_number(const struct interp_check *c, uint64_t addr, uint64_t size,
		     enum shadow_access how)
{
	for (unsigned i = 0; i < c->o->nranges; i++) {
		const struct interp_range *g = &c->o->range[i];

		if (inside(addr, size, g->lo, g->hi - g->lo))
			return how == SHADOW_LOAD || g->writable ?
				       0 :
				       fail_at(c, addr, size, how, ", which is read-only", "");
	}
	return fail_at(c, addr, size, how, " by a number, which is no pointer", "");
}

int shadow_access(struct interp_check *c, const struct shadow *by, uint64_t addr, uint64_t size,
		  enum shadow_access how)
{
	char name[96];

	if (by->type == SHADOW_NUMBER)
		return by_number(c, addr, size, how);
	if (by->type == SHADOW_MAP)
		return fail_at(c, addr, size, how, ": it is a map, ",
			       "whose values bpf_map_lookup_elem() finds");
	if (by->type == SHADOW_RECORD && !shadow_record(c, by->index))
		return fail_at(c, addr, size, how, ": the ring record was given back", "");
	if (by->type == SHADOW_STACK && !call_is_open(c, by->index))
		return fail_at(c, addr, size, how, ": the function has returned ",
			       "whose stack it is");
	if (!inside(addr, size, by->lo, by->len))
		return fail_at(c, addr, size, how, ", outside ", object_name(c, by, name));
	if (how != SHADOW_LOAD && read_only(c, by))
		return fail_at(c, addr, size, how, ": read-only is ", object_name(c, by, name));
	if (by->type == SHADOW_CTX && how == SHADOW_LOAD)
		see(c, addr, size);
	return 0;
}
