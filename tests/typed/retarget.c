/*
 * retarget.c VICTIM OBJECT FUNC... - attach a program to other functions than it was loaded for; nothing
 * runs.  Prints a line for each.
 */
#include <stdio.h>
#include <utramp/utramp.h>

int main(int argc, char **argv)
{
	char *const victim[] = { argv[1], NULL };
	struct utramp_target *t = utramp_target__spawn(victim, NULL);
	struct utramp_object *o = t ? utramp_object__open_file(argv[2], NULL) : NULL;
	struct utramp_program *p;

	if (!o || utramp_object__load(o, t)) {
		printf("%s\n", utramp_error());
		utramp_target__free(t);
		return 1;
	}
	p = utramp_object__next_program(o, NULL);
	for (int i = 3; i < argc; i++)
		printf("%s: %s\n", argv[i],
		       utramp_program__attach(p, t, argv[i], NULL) ? "attached" : utramp_error());
	utramp_object__close(o);
	utramp_target__free(t);
	return 0;
}
