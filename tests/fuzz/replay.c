/*
 * replay.c - libFuzzer's driver where there is none: runs files, or random inputs.
 *
 *	replay FILE...     a finding once more
 *	replay             UTRAMP_RUNS (5000) inputs by a fixed seed; TAP
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_INPUT (64 << 10)
#define RUNS      5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t input[MAX_INPUT];

static int replay(const char *name)
{
	FILE *f = fopen(name, "rb");
	size_t n = f ? fread(input, 1, sizeof(input), f) : 0;

	if (!f) {
		perror(name);
		return 1;
	}
	fclose(f);
	return LLVMFuzzerTestOneInput(input, n);
}

int main(int argc, char **argv)
{
	const char *env = getenv("UTRAMP_RUNS");
	unsigned long runs = env ? strtoul(env, NULL, 0) : RUNS;
	uint64_t s = 88172645463325252ull;
	int err = 0;

	for (int i = 1; i < argc; i++)
		err |= replay(argv[i]);
	if (argc > 1)
		return err;
	printf("TAP version 13\n1..1\n");
	for (unsigned long k = 0; k < runs; k++) {
		size_t n = 1 + (k * 37) % 700;

		for (size_t i = 0; i < n; i++) {
			s = s * 6364136223846793005ull + 1442695040888963407ull;
			input[i] = (uint8_t)(s >> 40);
		}
		LLVMFuzzerTestOneInput(input, n);
	}
	printf("ok 1 - %lu random inputs\n", runs);
	return 0;
}
