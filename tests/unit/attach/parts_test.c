/* parts_test.c - attach/ without a process: types, modset, func. */
#include "util.h"

#include "utramp/types.h"

#include "attach/func.h"

#include <errno.h>

static struct modset *victim_mods(void)
{
	struct modset *s = NULL;

	assert_int_equal(modset_new(&s), 0);
	assert_int_equal(modset_add_file(s, VICTIM, NULL), 0);
	return s;
}

static void test_types(void **state)
{
	struct modset *s = victim_mods();
	const struct objsym *sym = objfile_sym(s->at[0]->obj, "alpha");
	struct type_sources t;
	struct proto p;
	struct diag d;

	assert_non_null(sym);
	assert_int_equal(types_init(&t), 0);
	assert_int_equal(types_find(&t, s->at[0], "alpha", sym->addr, s->pool, &p, &d), 0);
	assert_string_equal(proto_source_name(p.source), "DWARF");
	assert_int_equal(p.nparams, 2);
	assert_int_equal(types_find(&t, s->at[0], "nix", 1, s->pool, &p, &d), -ENOENT);
	assert_string_equal(d.text, ""); /* nothing there that is of no use */
	assert_int_equal(types_add_proto(&t, "int (int)", &d), -EBADMSG);
	assert_int_equal(t.generation, 0);
	assert_int_equal(types_add_proto(&t, "void alpha(char)", &d), 0);
	assert_int_equal(t.generation, 1);
	assert_int_equal(types_find(&t, s->at[0], "alpha", sym->addr, s->pool, &p, &d), 0);
	assert_string_equal(proto_source_name(p.source), "--proto");
	assert_int_equal(p.nparams, 1);
	assert_int_equal(types_add_btf(&t, "victim", "/nonexistent", &d), -ENOENT);
	assert_string_equal(proto_source_name(255), "none");
	types_fini(&t);
	modset_free(s);
}

static void test_modset(void **state)
{
	struct modset *s = victim_mods();
	const struct sweep *sweep = NULL, *same = NULL;
	struct site hop = { .kind = SITE_HOP, .window = 16, .len = 2, .hop = 64 };
	struct diag d;

	assert_int_equal(modset_add_file(s, "/nonexistent", &d), -ENOENT);
	assert_int_equal(s->n, 1);
	assert_true(s->at[0]->main && !s->at[0]->live);
	assert_string_equal(s->at[0]->shown, "victim");
	assert_int_equal(module_sweep(s->at[0], &sweep, &d), 0);
	assert_int_equal(module_sweep(s->at[0], &same, &d), 0);
	assert_ptr_equal(sweep, same);
	assert_int_equal(module_take(s->at[0], &hop), 0);
	assert_int_equal(s->at[0]->taken.n, 2);
	assert_int_equal(s->at[0]->taken.at[1].hi, 69);
	assert_non_null(module_dwarf(s->at[0]));
	assert_null(module_btf(s->at[0]));
	modset_free(s);
	modset_free(NULL);
}

static size_t resolve(struct modset *s, const char *text, struct func_list *l, int want)
{
	struct fspec spec;
	struct diag d;

	*l = (struct func_list){ 0 };
	assert_int_equal(fspec_parse(text, &spec, &d), 0);
	assert_int_equal(func_resolve(s, &spec, l, &d), want);
	fspec_fini(&spec);
	return l->n;
}

static void test_func(void **state)
{
	struct modset *s = victim_mods();
	struct type_sources t;
	struct func_list l;
	char text[64];

	assert_int_equal(types_init(&t), 0);
	assert_int_equal(resolve(s, "same", &l, 0), 2);
	func_list_fini(&l);
	assert_int_equal(resolve(s, "nix", &l, -ENOENT), 0);
	func_list_fini(&l);
	assert_int_equal(resolve(s, "0x3", &l, -ENOENT), 0);
	func_list_fini(&l);
	assert_int_equal(resolve(s, "bet*", &l, 0), 1); /* all names of one address */
	assert_non_null(l.at[0]->aliases);
	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)l.at[0]->addr);
	func_list_fini(&l);
	assert_int_equal(resolve(s, text, &l, 0), 1);
	assert_int_equal(func_prepare(l.at[0], &t, NULL, s->pool, NULL), 0);
	assert_true(l.at[0]->can_entry && l.at[0]->can_exit);
	func_refuse(l.at[0], -ERANGE, &refusal_far, "too far");
	assert_true(!l.at[0]->can_entry && !l.at[0]->can_exit);
	assert_string_equal(l.at[0]->reason, "too far");
	assert_int_equal(func_retype(l.at[0], &t, s->pool), 0); /* stays refused */
	assert_string_equal(l.at[0]->reason, "too far");
	func_list_fini(&l);
	assert_int_equal(resolve(s, "variadic", &l, 0), 1);
	assert_int_equal(func_prepare(l.at[0], &t, NULL, s->pool, NULL), 0);
	assert_true(l.at[0]->can_entry && !l.at[0]->can_exit);
	assert_int_equal(types_add_proto(&t, "int variadic(int)", NULL), 0);
	assert_int_equal(func_retype(l.at[0], &t, s->pool), 0);
	assert_true(l.at[0]->can_exit && !l.at[0]->reason);
	func_list_fini(&l);
	assert_int_equal(resolve(s, "chos*", &l, 0), 2); /* the resolver; what it chooses */
	func_list_fini(&l);
	types_fini(&t);
	modset_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_modset),
		cmocka_unit_test(test_func),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
