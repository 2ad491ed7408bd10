/*
 * rt/slab.h - the slab's template: an ELF shared object, embedded in the control side.  There
 * are two, one of which holds the interpreter, too (interp_enter of bpf/interp.h).
 *
 * Layout in memory, from the load base:
 *   headers, dynamic section, .eh_frame, rt/'s code and data, then
 *   .text         SLAB_CODE bytes of room for slots and images (a hole in the file)
 *   shadow        SLAB_CODE bytes, SLAB_SHADOW_DISTANCE behind .text: x86/frame.h states
 *
 * Symbols in .symtab that the control side looks up: rt_state, rt_first, the helpers of
 * rt/rt.h, slab_text (start of the room), slab_shadow.  The one R_X86_64_TPOFF64
 * relocation in .rela.dyn tells where the loader writes the TLS word's offset.
 *
 * The file: the template's bytes, then a hole up to slab_file_size; file offsets equal
 * addresses from the load base in every segment.  .symtab, .strtab and the section headers
 * stand before the room too.  SONAME is the placeholder SLAB_SONAME, to be made unique in
 * .dynstr (same length).
 *
 * To prelink, add the base to: e_entry is 0, stays; p_vaddr and p_paddr of every segment
 * but PT_GNU_STACK; sh_addr of the sections with SHF_ALLOC; st_value in .symtab but for TLS
 * and undefined symbols; d_val of DT_GNU_HASH, DT_STRTAB, DT_SYMTAB, DT_RELA; r_offset of
 * the one relocation (its addend is an offset in the TLS block).  Nothing else holds an
 * address: .eh_frame and .eh_frame_hdr are relative to themselves, there is no other
 * relocation.  (.got's second word is the psABI's copy of _DYNAMIC, which nobody reads.)
 *
 * Memory   the template is constant data of the control side.
 * Context  [ctl]
 */
#ifndef RT_SLAB_H
#define RT_SLAB_H

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>
#endif

#define SLAB_ROOM            (1 << 20) /* .text lies so far behind the load base (slab.ld) */
#define SLAB_CODE            (28 << 20)
#define SLAB_SHADOW_DISTANCE (32 << 20)
#define SLAB_ADDRESS_SPACE   (64 << 20)
#define SLAB_SONAME          "utramp-slab-XXXXXXXXXXXXXXXX.so"

#ifndef __ASSEMBLER__

/* The template's bytes, up to the end of what is not a hole, and the size of the whole file. */
extern const uint8_t slab_template[];
extern const size_t slab_template_size, slab_file_size;

/* The same with the interpreter. */
extern const uint8_t slab_interp_template[];
extern const size_t slab_interp_template_size, slab_interp_file_size;

#endif

#endif
