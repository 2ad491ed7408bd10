/*
 * tests/unit/text/image.h - a library's code ranges and FDEs, read from its file.
 */
#ifndef TEST_TEXT_IMAGE_H
#define TEST_TEXT_IMAGE_H

#include "text/site.h"

/* Addresses are the file's; map is the whole file. */
struct image {
	uint8_t *map;
	size_t size;
	struct sweep_code code[8], data[32];
	size_t ncode;
	struct sweep_hints hints; /* the data, and whether it is at a fixed address */
	struct taddr_range *func; /* by address; may repeat */
	size_t nfunc;
};

bool image_open(const char *path, struct image *im); /* false: no such file */
void image_close(struct image *im);
const struct sweep_code *image_code_at(const struct image *im, taddr_t addr);

/* A query for function i, of file addresses, with up to 160 bytes around it; a hop may be used. */
void image_query(const struct image *im, const struct sweep_code *code, size_t i,
		 struct site_query *q);

#endif
