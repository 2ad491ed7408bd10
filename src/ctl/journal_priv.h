/*
 * ctl/journal_priv.h - what journal.c, journal_file.c and journal_keep.c share.
 *
 * Context  [ctl]
 */
#ifndef CTL_JOURNAL_PRIV_H
#define CTL_JOURNAL_PRIV_H

#include "base/diag.h"
#include "base/types.h"
#include "ctl/process.h"

/* A fresh file for this process in our directory, which is made; its descriptor. */
int journal_new_file(int pid, char *path, size_t n, struct diag *d);
/* The file goes, with its socket, and its directory if it was the last. */
void journal_remove_path(const char *path);

/* Where the session's is; NULL: there is none.  What was announced. */
const char *journal_path(const struct process *p);
const char *journal_announced(void);
void journal_mark_kept(struct process *p);

/* Behind a journal's name: the socket of who keeps it. */
#define JOURNAL_SOCKET ".sock"

#endif
