/*
 * bpf/proto.h - what helpers ask of their arguments and give back.
 *
 * A part of each row of the helpers' table (helper.h).  Read by the verifier (verify_arg.c) and by
 * the checked interpreter (interp_args.c).  The comments of both enums are docs/helpers.md's.
 *
 * Context  [ctl]
 * Spec     bpf-helpers(7); struct bpf_func_proto of each helper in the kernel (kernel/bpf/helpers.c,
 *          ringbuf.c, kernel/trace/bpf_trace.c)
 */
#ifndef BPF_PROTO_H
#define BPF_PROTO_H

#include <stdbool.h>
#include <stdint.h>

enum proto_arg {
	ARG_NONE,
	ARG_ANY,    /* a number, or an address that the helper does not follow blindly */
	ARG_CTX,    /* ctx itself */
	ARG_MAP,    /* a map */
	ARG_RING,   /* a map that is a ring buffer */
	ARG_KEY,    /* as many bytes as the keys of the map in r1 have, to read */
	ARG_VALUE,  /* the same of its values */
	ARG_IN,     /* memory to read, as much as the next argument says */
	ARG_IN0,    /* the same; may be anything if that is 0 */
	ARG_OUT,    /* memory that is filled, as much as the next argument says */
	ARG_OUT0,   /* the same; may be anything if that is 0 */
	ARG_SIZE,   /* a number of bytes; 0 where the one before it allows that */
	ARG_OUT8,   /* 8 bytes that are filled */
	ARG_STRING, /* read up to and with its 0 */
	ARG_RECORD, /* a ring record, whole, which is the helper's from then on */
	ARG_FUNC,   /* a function of the program */
	ARG_FRAME,  /* what a callback is given: memory of the stack, or 0 */
	ARG_CONST,  /* a number that is known when the program is loaded */
};

enum proto_ret {
	RET_NUMBER,
	RET_NONE,   /* nothing: r0 is not to be read */
	RET_LENGTH, /* at most the size that was given, or an error (-1 .. -4095) */
	RET_VALUE,  /* a value of the map in r1, or NULL */
	RET_RECORD, /* a ring record of r2 bytes, or NULL */
};

#define PROTO_ARGS 5

struct helper_proto {
	uint32_t id;
	uint8_t arg[PROTO_ARGS]; /* enum proto_arg */
	uint8_t ret;             /* enum proto_ret */
};

const struct helper_proto *proto_by_id(uint32_t id); /* NULL: none */

/* May the helper be given a map of this type (BPF_MAP_TYPE_*)? */
bool proto_map_fits(uint32_t helper, uint32_t map_type);

#endif
