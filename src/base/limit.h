/*
 * base/limit.h - growing a file without being killed for it.
 *
 * Past RLIMIT_FSIZE the kernel sends SIGXFSZ, whose default is death, beside EFBIG.  The
 * signal is the calling thread's: it is held back and taken away here, so that neither
 * dispositions nor other threads notice.
 *
 * Context  [ctl] any thread
 * Spec     setrlimit(2) RLIMIT_FSIZE; sigtimedwait(2)
 */
#ifndef BASE_LIMIT_H
#define BASE_LIMIT_H

#include <sys/types.h>

/* ftruncate(2): 0, or -EFBIG among others. */
int limit_truncate(int fd, off_t n);

#endif
