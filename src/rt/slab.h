/*
 * rt/slab.h - the slab's template: an ELF shared object, embedded in the control side.
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
 * Memory   the template is constant data of the control side.
 * Context  [ctl]
 */
#ifndef RT_SLAB_H
#define RT_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define SLAB_CODE            (28u << 20)
#define SLAB_SHADOW_DISTANCE (32u << 20)
#define SLAB_ADDRESS_SPACE   (64u << 20)

/* The template's bytes, up to the end of what is not a hole, and the size of the whole file. */
extern const uint8_t slab_template[];
extern const size_t slab_template_size, slab_file_size;

#endif
