/* victim.h - what the victim's files share. */
#ifndef FAULTS_VICTIM_H
#define FAULTS_VICTIM_H

#define _GNU_SOURCE
#include "req.h"

#include <signal.h>
#include <stdint.h>

/* victim.c */
long handle(struct req *r);
void ask_bad(void); /* hands handle() what points nowhere */
int is_held(int sig);
int seen_so_far(void); /* signals by note() and step_over() */
void note(int sig, siginfo_t *si, void *uc);
void step_over(int sig, siginfo_t *si, void *uc);
void fault_at(uintptr_t addr);
void on(int sig, void (*f)(int, siginfo_t *, void *), int flags, int mask);
void block(int how, int sig);
void report(const char *what);
void read_back(int sig);

/* victim_children.c: of /proc/self/status; modes */
void status_line(const char *key);
void show(void);
void processes(void);
void vforks(void);
void hold(void);
void vfork_first(void);

#endif
