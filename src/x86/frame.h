/*
 * x86/frame.h - the frame state: one byte that tells an unwinder where the caller is.
 *
 * Every byte of code in the slab has one, at a fixed distance behind it; the slab's
 * single FDE reads it at the pc (rt/slab_text.S holds the DWARF expressions).  The
 * state of an instruction is the one before it executes.
 *
 *   0x00-0x3f  frameless: CFA = rsp + 8 + 8 * n, n = the low six bits
 *   0x40 |  n  the same, and the caller's rbp lies at CFA - 16 (between
 *              push rbp and mov rbp, rsp)
 *   0x80 |  m  frame: CFA = rbp + 16, caller's rbp at CFA - 16; the bits of m tell
 *              which callee-saved registers lie in their fixed slots, and whether
 *              the tag slot is valid
 *
 * The fixed slots; a frame reserves them down to the lowest that it uses, and is free below:
 *
 *   rbp + 8    return address                         CFA - 8
 *   rbp + 0    caller's rbp                           CFA - 16
 *   rbp - 8    tag      FRAME_TAG  0x40               CFA - 24
 *   rbp - 16   rbx      FRAME_RBX  0x01               CFA - 32
 *   rbp - 24   r12      FRAME_R12  0x02               CFA - 40
 *   rbp - 32   r13      FRAME_R13  0x04               CFA - 48
 *   rbp - 40   r14      FRAME_R14  0x08               CFA - 56
 *   rbp - 48   r15      FRAME_R15  0x10               CFA - 64
 *
 * The tag comes first: trampolines have it, and change no callee-saved register so far.
 *
 * An image that tail calls may come back to (tramp/tramp.h) has more to tell: how far above rsp
 * its rbp lies when it calls the original.  Nobody asks for the state of a pc inside of an
 * instruction, and unwinders ask for that of a call at its first byte or its last.  So of the five
 * bytes of `call rel32` the second and the third state are that distance, in words, the low
 * byte first; and the fourth is FRAME_CALL_MARK.
 *
 * Loads through pointers of the target's have more to tell, too: FRAME_FAULT, below.
 *
 * The tag is FRAME_TAG_MAGIC | slot number: the personality counts the slot out by it
 * when an exception or a cancellation leaves the frame.  It is written by one instruction,
 * which extends 32 bits by their sign.
 */
#ifndef X86_FRAME_H
#define X86_FRAME_H

#define FRAME_CFA(pushes)     (pushes)          /* frameless */
#define FRAME_CFA_RBP(pushes) (0x40 | (pushes)) /* frameless, rbp at CFA - 16 */
#define FRAME_RBP             0x80
#define FRAME_RBX             0x01
#define FRAME_R12             0x02
#define FRAME_R13             0x04
#define FRAME_R14             0x08
#define FRAME_R15             0x10
#define FRAME_TAG             0x40

/* Offsets from rbp. */
#define FRAME_OFF_TAG (-8)
#define FRAME_OFF_RBX (-16)
#define FRAME_OFF_R12 (-24)
#define FRAME_OFF_R13 (-32)
#define FRAME_OFF_R14 (-40)
#define FRAME_OFF_R15 (-48)
#define FRAME_FIXED   48 /* bytes below rbp that they take at most */

#define FRAME_TAG_MAGIC 0xffffffff80000000ull

#define FRAME_CALL_BYTES 5
#define FRAME_CALL_MARK  0x2a

/*
 * A load that may fault has its second state say so: FRAME_FAULT, which no instruction has (bit
 * 0x20 beside 0x80; of `call rel32` alone it may be a distance), with the register that becomes 0 in the low four bits.  FRAME_FAULT_SHORT:
 * the instruction is two bytes long, else its third state is its length.
 */
#define FRAME_FAULT       0xa0
#define FRAME_FAULT_SHORT 0x40

#endif
