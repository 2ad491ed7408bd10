/*
 * cli/group.h - the targets of a verb, worked on alike: a command, a process, or several.
 *
 * Several processes (-p, -n) are targets of their own, with programs and maps of their own; what
 * they tell is put together by the verb.  They are attached to all or none: when one cannot be,
 * the others are left as they were, unless --missing lets it be left out.  A process that -n
 * found and that has ended by then is no more of that name, and is left out silently.
 *
 * Errors   exit codes
 * Context  [ctl]
 */
#ifndef CLI_GROUP_H
#define CLI_GROUP_H

#include "cli/cli.h"

struct utramp_follow;

struct cli_group {
	struct cli *c;
	struct utramp_target *t[CLI_MAX];
	int n;
	bool several;        /* more than one process was meant */
	bool named[CLI_MAX]; /* -n found it */
	bool gone[CLI_MAX];
	/* -f: the verb's, set before cli_group_start(): target i is over, and all of it that the verb
	 * has is read to the end (of one that was never attached to: `used` false), kept and freed;
	 * the last one takes its place */
	void (*part)(void *arg, int i, bool used);
	int (*setup)(void *arg, struct utramp_target *t, int i); /* cli_group_each()'s */
	void *arg;
	struct utramp_follow *follow; /* NULL: nobody is followed */
	pid_t command;
	unsigned long long lost, untraced, unwound; /* of those that are over */
};

/* Start the command, or attach to the processes; an exit code. */
int cli_group_start(struct cli_group *g, struct cli *c);
/*
 * setup(arg, t, i) makes programs for target i, and tells what fails; a target that is left out is
 * followed by another of the same i, and setup has freed what it made of it.
 */
int cli_group_each(struct cli_group *g, int (*setup)(void *arg, struct utramp_target *t, int i),
		   void *arg);
int cli_group_resume(struct cli_group *g);
/* As cli_wait(); several: until all have ended. */
int cli_group_wait(struct cli_group *g, int (*drain)(void *arg, bool final), void *arg);
void cli_group_tell_unwound(const struct cli_group *g);
void cli_group_free(struct cli_group *g); /* after what was made of its targets */

#endif
