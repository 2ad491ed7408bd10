/* context_wide.c - vectors of 32 and 64 bytes for context.c, which does not call them elsewhere. */
#include "context.h"

#include <string.h>

VALUE_OF(, f_v256, v256, { 1.5f, 2, 3, 4, 5, 6, 7, 8 })
VALUE_OF(, f_v512, v512, { 1.5f, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 })
