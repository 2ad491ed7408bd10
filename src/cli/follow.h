/*
 * cli/follow.h - -f: a group of targets that grows and shrinks with the processes that are followed.
 *
 * A program that is executed joins the group, with what the verb sets up for it; where none of
 * the functions asked for is there, that is no error.  One that is over leaves it: the verb's
 * part() reads what is left and keeps the sums.
 *
 * Errors   exit codes
 * Context  [ctl]
 */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include "cli/group.h"

/* All targets so far are followed: before they are resumed. */
int cli_follow_start(struct cli_group *g);
/* As cli_wait(): until the command and all followed processes have ended. */
int cli_follow_wait(struct cli_group *g, int (*drain)(void *arg, bool final), void *arg);
void cli_follow_free(struct cli_group *g);

#endif
