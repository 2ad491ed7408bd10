/*
 * record.c - see record.h.
 */
#include "record.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *func, *slots;
	char ret;
} types[] = {
	{ "fx_f6", "LLsiLL", 'i' },
	{ "fx_f7", "LLsiLBi", 'i' },
	{ "fx_f7c", "LLsiLBB", 'i' },
	{ "fx_f8", "LLsiLBis", 'i' },
	{ "fx_f11", "LLsiLBiIlLL", 'i' },
	{ "fx_f12", "llllllllllll", 'l' },
	{ "fx_f13", "lllllllllllll", 'l' },
	{ "fx_f14", "BlslillBlslilB", 'l' },
	{ "fx_f20", "llllllBsilBSILLBIblIi", 'l' },
	{ "fx_dis", "BBBBBlIB", 'i' },
	{ "fx_dis2", "lllllIlIii", 'i' },
	{ "fx_s16r", "lIlIlI", 'i' },
	{ "fx_s16x4", "lIlIlIlI", 'i' },
	{ "fx_s16x6", "lIlIlIlIlIlI", 'i' },
	{ "fx_s16x7", "lIlIlIlIlIlIlI", 'i' },
	{ "fx_small", "BILLI", 'i' },
	{ "fx_pk", "iLLi", 'i' },
	{ "fx_al", "iLLi", 'i' },
	{ "fx_al2", "lllllllLLi", 'i' },
	{ "fx_i128", "iLLi", 'i' },
	{ "fx_i128s", "lllllllLLi", 'i' },
	{ "fx_un", "iLLL", 'i' },
	{ "fx_empty", "ii", 'i' },
	{ "fx_bool", "BIsBbSBbs", 'i' },
	{ "fx_void", "iiiiiiii", '-' },
	{ "fx_ret16", "i", 'l' },
	{ "fx_reti128", "i", 'l' },
	{ "fx_s24", "i*", 'i' },
	{ "fx_var", "i", 'i' },
	{ "fx_retc", "i", 'b' },
	{ "fx_rets", "i", 's' },
	{ "fx_retb", "i", 'B' },
	{ "fx_ret64", "L", 'L' },
	{ "fx_mod", "i*siLBil", 'i' },
	{ "fx_mod12", "llllllllllll", 'l' },
	{ "fx_rec", "i", 'i' },
	{ "fx_self", "i*", 'i' },
	{ "fx_align", "lllllll", 'i' },
};

const char *func_types(const char *func, char *ret)
{
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strcmp(types[i].func, func)) {
			*ret = types[i].ret;
			return types[i].slots;
		}
	}
	return NULL;
}

uint64_t type_cast(uint64_t v, char type)
{
	switch (type) {
	case 'i':
		return (uint64_t)(int32_t)v;
	case 'I':
		return (uint32_t)v;
	case 's':
		return (uint64_t)(int16_t)v;
	case 'S':
		return (uint16_t)v;
	case 'b':
		return (uint64_t)(int8_t)v;
	case 'B':
		return (uint8_t)v;
	case '*':
		return v != 0;
	case '-':
		return 0;
	default:
		return v;
	}
}

/* "   entry2 cnt 8 reterr -95 ip 0x1 ck 102 [0]0x1 [1]0x2 (2:-22)" */
static bool read_run(const char *line, struct record *r)
{
	unsigned kind = !strncmp(line, "entry", 5) ? 1 :
			!strncmp(line, "mod", 3)   ? 2 :
			!strncmp(line, "exit", 4)  ? 3 :
						     0;
	const char *p = strstr(line, " cnt ");
	unsigned index, i;

	if (!kind || !p)
		return false;
	memset(r, 0, sizeof(*r));
	r->tag = strtoull(line + (kind == 2 ? 3 : kind == 3 ? 4 : 5), NULL, 10) * 10 + kind;
	r->cnt = strtoull(p + 5, NULL, 10);
	p = strstr(line, " ret");
	r->reterr = p && !strncmp(p, " reterr ", 8) ? strtoll(p + 8, NULL, 10) : 0;
	r->ret = p && !r->reterr ? strtoull(p + 5, NULL, 16) : 0;
	p = strstr(line, " ck ");
	r->cookie = p ? strtoull(p + 4, NULL, 10) : 0;
	for (i = 0; (p = p ? strchr(p, '[') : NULL) && i < RECORD_SLOTS; i++, p++)
		r->slot[i] = strtoull(strchr(p, ']') + 1, NULL, 16);
	p = strchr(line, '(');
	return i == r->cnt && p && sscanf(p, "(%u:%lld)", &index, (long long *)&r->past) == 2 &&
	       index == r->cnt;
}

static bool read_line(struct block *b, const char *line)
{
	if (!strncmp(line, "result ", 7) && b->nresults < BLOCK_RESULTS)
		return sscanf(line + 7, "%15s %39s", b->result[b->nresults].key,
			      b->result[b->nresults].value) == 2 &&
		       ++b->nresults;
	if (b->nruns < sizeof(b->run) / sizeof(b->run[0]) && read_run(line, &b->run[b->nruns]))
		return ++b->nruns;
	return false;
}

bool block_next(FILE *f, struct block *b)
{
	char line[1024], heading[128];
	long before;

	memcpy(heading, b->heading, sizeof(heading));
	memset(b, 0, sizeof(*b));
	memcpy(b->heading, heading, sizeof(heading));
	while (before = ftell(f), fgets(line, sizeof(line), f)) {
		size_t n = strcspn(line, "\n");

		line[n] = '\0';
		if (b->func[0] && !strncmp(line, "   ", 3) && read_line(b, line + 3))
			continue;
		if (b->nruns) {
			fseek(f, before, SEEK_SET);
			return true;
		}
		b->func[0] = '\0';
		b->nresults = 0;
		if (!strncmp(line, "===", 3) || line[0] == '#')
			snprintf(b->heading, sizeof(b->heading), "%.120s", line);
		else if (!strncmp(line, "fx_", 3) && n && line[n - 1] == ':')
			snprintf(b->func, sizeof(b->func), "%.*s", (int)n - 1, line);
	}
	return b->nruns > 0;
}
