/*
 * ctl/journal_priv.h - what journal.c and journal_file.c share.
 *
 * Context  [ctl]
 */
#ifndef CTL_JOURNAL_PRIV_H
#define CTL_JOURNAL_PRIV_H

#include "base/diag.h"
#include "base/types.h"

/* A fresh file for this process in our directory, which is made; its descriptor. */
int journal_new_file(int pid, char *path, size_t n, struct diag *d);
/* The file goes, and its directory if it was the last. */
void journal_remove_path(const char *path);

#endif
