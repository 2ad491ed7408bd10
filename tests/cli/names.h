/* names.h - shared by the C victims of names.py. */
#ifndef NAMES_H
#define NAMES_H

#define KEPT __attribute__((noinline, used))
#ifndef ROOM
#define ROOM __asm__ volatile("nop; nop; nop; nop; nop; nop; nop; nop")
#endif

int second(int n);
int versioned(int n);
int one_of_three(int n);

#endif
