/*
 * gen/hist.c - see hist.h.
 */
#include "gen/hist.h"

#include <stdio.h>
#include <string.h>

#define BAR_WIDTH 52

struct hist_span {
	unsigned first, end; /* of the buckets to show */
	uint64_t highest;
};

static struct hist_span span_of(const uint64_t *bucket, unsigned n)
{
	struct hist_span s = { 0 };

	for (unsigned i = 0; i < n && i < GEN_HIST_BUCKETS; i++) {
		if (!bucket[i])
			continue;
		if (!s.end)
			s.first = i;
		s.end = i + 1;
		if (bucket[i] > s.highest)
			s.highest = bucket[i];
	}
	return s;
}

/* 2 to this power, "4", "1K", "512M"; 0 for what bucket 0 begins with. */
static void limit_text(char out[8], unsigned power, bool zero)
{
	static const char unit[] = " KMGTPE";

	if (zero)
		snprintf(out, 8, "0");
	else if (power < 10)
		snprintf(out, 8, "%u", 1u << power);
	else
		snprintf(out, 8, "%u%c", 1u << power % 10, unit[power / 10]);
}

void gen_hist_text(struct json *w, const uint64_t *bucket, unsigned n)
{
	struct hist_span s = span_of(bucket, n);
	int digits = snprintf(NULL, 0, "%8llu", (unsigned long long)s.highest);

	for (unsigned i = s.first; i < s.end; i++) {
		char low[8], high[8], range[20], bar[BAR_WIDTH + 1];
		size_t filled = (size_t)((unsigned __int128)bucket[i] * BAR_WIDTH / s.highest);

		limit_text(low, i, !i);
		limit_text(high, i + 1, false);
		snprintf(range, sizeof(range), "[%s, %s)", low, high);
		memset(bar, ' ', BAR_WIDTH);
		memset(bar, '@', filled);
		bar[BAR_WIDTH] = '\0';
		json_printf(w, "%-16s %*llu |%s|\n", range, digits, (unsigned long long)bucket[i],
			    bar);
	}
}

void gen_hist_json(struct json *w, const uint64_t *bucket, unsigned n)
{
	struct hist_span s = span_of(bucket, n);

	json_open(w, '[');
	for (unsigned i = s.first; i < s.end; i++) {
		uint64_t min = i ? 1ull << i : 0;

		json_open(w, '{');
		json_key(w, "min");
		json_u64(w, min);
		json_key(w, "max");
		json_u64(w, (1ull << i) - 1 + (1ull << i));
		json_key(w, "count");
		json_u64(w, bucket[i]);
		json_close(w, '}');
	}
	json_close(w, ']');
}
