/*
 * cli/keep.h - --keep: the session goes on without the terminal it was started at.
 *
 *   prepare   before anything is attached: each process has a journal, a socket is there
 *   go        all is attached and told: standard descriptors are let go, the starter ends with 0
 *   watch     where the sessions' files are taken away, they end: nobody could ask for that
 *   closing   tables and maps of the end come: from now on nothing of the output is left out
 *   end       the output goes to whoever asked for the end (`utramp detach`), or is saved for them
 *
 * Without -o the output is held in memory, the last KEEP_OUT bytes of it; messages are always.
 * Both go as one text, a struct kept_head and what it counts: first the output, byte by byte, then
 * messages, each a line that begins with 'i' (-q leaves it out) or 'e'.
 *
 * Errors   exit codes; what fails when there is nobody to tell it to is a message for later
 * Memory   held until the process ends
 * Context  [ctl]
 */
#ifndef CLI_KEEP_H
#define CLI_KEEP_H

#include "cli/cli.h"

#define KEPT_MAGIC 0x31746b7061727475ull /* "utrapkt1" */

struct kept_head {
	uint64_t magic, out, said;
};

int cli_keep_prepare(struct cli *c, struct utramp_target *const *t, int n);
void cli_keep_go(struct cli *c, struct utramp_target *const *t, int n);
void cli_keep_watch(struct utramp_target *const *t, int n);
void cli_keep_closing(void);
void cli_keep_end(void);

/* Take a message, which is a line, instead of standard error; false: it goes there. */
bool cli_keep_takes(const char *line, bool info);

/* This descriptor leads nowhere from now on. */
void cli_keep_away(int fd);

/* guard.c's front: messages are taken; save them for process pid's session. */
void cli_keep_note(void);
void cli_keep_save(pid_t pid);

/*
 * kept.c, for `detach`: connect to who keeps the session, -1: nobody does; print what comes then,
 * or what was saved, or is being saved as long as this program runs (0: none).  Exit codes.
 */
int cli_kept_connect(const char *id);
int cli_kept_print(struct cli *c, int fd, const char *id);
int cli_kept_print_saved(struct cli *c, const char *id, pid_t tool);

#endif
