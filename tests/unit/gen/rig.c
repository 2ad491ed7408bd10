/* rig.c - see rig.h. */
#include "rig.h"

#define CODE_BYTES (8 << 20)

void rig_line(void *arg, const char *text, size_t n)
{
	struct rig_lines *l = arg;

	assert_int_equal(strlen(text), n);
	assert_null(memchr(text, '\n', n));
	if (!l->count_only) {
		assert_true(l->n < RIG_LINES);
		l->at[l->n] = strdup(text);
	}
	l->n++;
	l->unwound += strstr(text, "unwound") != NULL;
}

const char *rig_flat(const char *line)
{
	static char flat[65536];
	size_t n = 0;

	assert_true(strlen(line) < sizeof(flat));
	for (; *line; line++)
		if (*line != ' ' || !n || flat[n - 1] != ' ')
			flat[n++] = *line;
	flat[n] = '\0';
	return flat;
}

void rig_lines_reset(struct rig_lines *l)
{
	for (size_t i = 0; !l->count_only && i < l->n; i++)
		free(l->at[i]);
	l->n = l->unwound = 0;
}

void rig_func(struct rig_func *f, struct gen_trace *t, const char *proto, bool entry, bool exit)
{
	struct gen_trace_func gf = { .module = "m", .entry = entry, .exit = exit };
	struct diag d = { "" };

	assert_int_equal(ty_pool_new(&f->pool), 0);
	if (proto_parse(proto, f->pool, &f->proto, &d) ||
	    func_model_from_proto(&f->proto, &f->model, &d))
		fail_msg("%s: %s", proto, d.text);
	gf.name = f->proto.name;
	gf.proto = &f->proto;
	gf.model = f->model;
	assert_int_equal(gen_trace_add(t, &gf, &f->id, &d), 0);
}

void rig_func_free(struct rig_func *f)
{
	func_model_free(f->model);
	ty_pool_free(f->pool);
}

static int take(void *arg, const void *data, uint32_t len, uint32_t owner)
{
	struct rig *r = arg;

	r->err = gen_trace_record(r->trace, data, len, rig_line, r->lines);
	assert_int_equal(r->err, 0);
	return 0;
}

void rig_init(struct rig *r, const struct gen_trace_opts *opts, uint32_t ring_size)
{
	struct map_attr ring = { .type = BPF_MAP_TYPE_RINGBUF,
				 .max_entries = ring_size,
				 .name = "ring" };
	struct map_attr slots = { .type = BPF_MAP_TYPE_PERCPU_ARRAY,
				  .key_size = 4,
				  .value_size = sizeof(struct gen_slot_value),
				  .max_entries = 1,
				  .name = "slots" };
	struct diag d = { "" };

	memset(r, 0, sizeof(*r));
	r->arena = rt_util_arena();
	assert_int_equal(map_create(r->arena, &ring, &r->ring, &d), 0);
	assert_int_equal(map_create(r->arena, &slots, &r->slots, &d), 0);
	engine_env_native(r->arena, &r->env);
	r->reader.a = r->arena;
	r->reader.r = rt_util_ring_of(r->arena, r->ring->shm);
	r->reader.record = take;
	r->reader.arg = r;
	r->lines = calloc(1, sizeof(*r->lines));
	assert_non_null(r->lines);
	assert_int_equal(gen_trace_new(opts, &r->trace), 0);
}

void rig_fini(struct rig *r)
{
	gen_trace_free(r->trace);
	rig_lines_reset(r->lines);
	free(r->lines);
	map_put(r->ring);
	map_put(r->slots);
	rt_util_destroy(r->arena);
}

static struct map *by_fd(void *arg, int fd)
{
	struct rig *r = arg;

	return fd == RIG_RING_FD ? r->ring : fd == RIG_SLOTS_FD ? r->slots : NULL;
}

struct program *rig_load(struct rig *r, const struct rig_func *f, bool exit)
{
	struct gen_prog gp = { 0 };
	struct program_attr attr = { .name = f->proto.name,
				     .kind = exit ? PROGRAM_FEXIT : PROGRAM_FENTRY,
				     .arena = r->arena,
				     .map_by_fd = by_fd,
				     .arg = r,
				     .nslots = f->model->nslots,
				     .generated = true };
	struct program *p = NULL;
	struct diag d = { "" };
	int err = exit ? gen_trace_exit(r->trace, f->id, RIG_RING_FD, RIG_SLOTS_FD, &gp) :
			 gen_trace_entry(r->trace, f->id, RIG_RING_FD, RIG_SLOTS_FD, &gp);

	assert_int_equal(err, 0);
	attr.insn = gp.insn;
	attr.ninsns = gp.n;
	if (program_load(&attr, &p, &d))
		fail_msg("%s: %s", f->proto.name, d.text);
	free(gp.insn);
	assert_true(p->stack_depth <= 16);
	return p;
}

rig_fn rig_jit(struct rig *r, const struct program *p)
{
	static uint8_t *code, states[CODE_BYTES];
	static size_t used;
	struct x86_asm a;
	uint8_t *at;
	int n;

	if (!code)
		code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(code != MAP_FAILED);
	at = code + used;
	x86_asm_init(&a, at, states + used, CODE_BYTES - used, (uint64_t)(uintptr_t)at);
	engine_jit_function(p, &r->env, &a);
	n = x86_asm_finish(&a);
	assert_true(n > 0);
	used += ALIGN_UP((size_t)n, 64u);
	return (rig_fn)(uintptr_t)at;
}

void rig_interp(struct rig *r, const struct program *p, uint64_t *ctx)
{
	struct interp_opts o = { .fuel = 100000 };
	struct diag d = { "" };
	uint64_t r0 = 1;

	if (interp_run(p, &r->env, (uint64_t)(uintptr_t)ctx, 0, &o, &r0, &d))
		fail_msg("interp_run: %s", d.text);
	assert_int_equal(r0, 0);
}

void rig_drain(struct rig *r)
{
	consumer_poll(&r->reader);
}

void rig_counters(struct rig *r)
{
	uint64_t n = r->arena->hdr->slots_used;

	for (uint32_t i = 0; i <= n && i < SHM_MAX_THREADS; i++) {
		uint32_t key = 0;
		struct gen_slot s = { .slot = i, .pid = i % 2 ? (uint32_t)getpid() : 0 };

		s.addr = (uint64_t)(uintptr_t)r->slots->values + i * sizeof(s.value);
		assert_int_equal(map_lookup_slot(r->slots, &key, i, &s.value), 0);
		assert_int_equal(gen_trace_counters(r->trace, &s, 1), 0);
	}
}

void rig_finish(struct rig *r)
{
	rig_drain(r);
	rig_counters(r);
	assert_int_equal(gen_trace_finish(r->trace, rig_line, r->lines), 0);
}

uint8_t *rig_record(const struct gen_trace *t, const struct rec_head *h, size_t *n)
{
	const struct trace_func *f = &t->funcs.at[h->func];
	const struct rec_plan *p = h->kind == REC_ENTRY ? &f->entry : &f->exit;
	uint8_t *rec = calloc(1, p->size);

	assert_non_null(rec);
	memcpy(rec, h, sizeof(*h));
	*n = p->size;
	return rec;
}

int rig_give(struct gen_trace *t, struct rig_lines *l, const struct rec_head *h)
{
	size_t n;
	uint8_t *rec = rig_record(t, h, &n);
	int err = gen_trace_record(t, rec, n, rig_line, l);

	free(rec);
	return err;
}
