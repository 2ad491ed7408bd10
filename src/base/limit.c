/* base/limit.c - see limit.h. */
#include "base/limit.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

int limit_truncate(int fd, off_t n)
{
	const struct timespec now = { 0 };
	sigset_t xfsz, old, before;
	int err = 0;

	sigemptyset(&xfsz);
	sigaddset(&xfsz, SIGXFSZ);
	sigpending(&before);
	pthread_sigmask(SIG_BLOCK, &xfsz, &old);
	if (ftruncate(fd, n) < 0)
		err = -errno;
	/* one that was pending before is somebody else's */
	if (err == -EFBIG && !sigismember(&before, SIGXFSZ))
		sigtimedwait(&xfsz, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}
