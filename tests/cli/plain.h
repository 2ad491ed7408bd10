/* plain.h - of a library that has no types. */
#ifndef CLI_PLAIN_H
#define CLI_PLAIN_H

int plain_add(int a, int b);
int plain_sub(int a, int b);

#endif
