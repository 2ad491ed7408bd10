/*
 * api_user.c - the smallest use of the library: run /bin/true under it, or what is named.
 *
 * Prints the exit code; its own is 0 when the library did what the header says.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <utramp/utramp.h>

int main(int argc, char **argv)
{
	char name[] = "/bin/true";
	char *const plain[] = { name, NULL };
	struct utramp_target *t = utramp_target__spawn(argc > 1 ? argv + 1 : plain, NULL);
	int state;

	if (!t) {
		fprintf(stderr, "%s\n", utramp_error());
		return 1;
	}
	if (utramp_target__resume(t) != 0) {
		fprintf(stderr, "%s\n", utramp_error());
		utramp_target__free(t);
		return 1;
	}
	do
		state = utramp_target__poll(t, 100);
	while (state == UTRAMP_RUNNING);
	printf("%d\n", WEXITSTATUS(utramp_target__status(t)));
	utramp_target__free(t);
	return state == UTRAMP_EXITED ? 0 : 1;
}
