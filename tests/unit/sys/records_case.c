/* records_case.c - see records_case.h. */
#include "records_case.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#define PTR(p) ((uintptr_t)(p))

/* A call of a function with a 64-bit constant. */
static struct bpf_insn insn[] = {
	{ .code = 0x85, .src_reg = 1, .imm = 1 }, /* pc+1 */
	{ .code = 0x95 },
	{ .code = 0xb7, .dst_reg = 0 },
	{ .code = 0xb7, .dst_reg = 0 },
	{ .code = 0x18, .dst_reg = 3 },
	{ 0 },
	{ .code = 0x95 },
};
#define NINSNS 7
struct bpf_insn record_insn[NINSNS];

struct bpf_func_info record_func[3];
struct record_line record_line[8];
static uint32_t word[8]; /* offsets in the string table */
static uint32_t int_id, func_id, sub_id;
union bpf_attr record_attr;

static int name(struct btf *b, unsigned i, const char *text)
{
	int off = btf__add_str(b, text);

	word[i] = (uint32_t)off;
	return off;
}

static void set_line(unsigned i, uint32_t insn_off, unsigned text, uint32_t number)
{
	record_line[i].i = (struct bpf_line_info){ .insn_off = insn_off,
						   .file_name_off = word[0],
						   .line_off = word[text],
						   .line_col = number << 10 | 5 };
	record_line[i].more = 0;
}

/* Everything as it should be. */
void record_start(int (*load_btf)(void *arg, const void *raw, uint32_t size), void *arg)
{
	static char license[] = "GPL";
	struct btf *b = btf__new_empty();
	const void *raw;
	uint32_t size;

	memcpy(record_insn, insn, sizeof(record_insn));
	name(b, 0, "/home/user/src/prog.bpf.c");
	name(b, 1, "\tint a = first(ctx);");
	name(b, 2, "  return second();");
	name(b, 3, "second line");
	int_id = (uint32_t)btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	btf__add_func_proto(b, (int)int_id);
	func_id = (uint32_t)btf__add_func(b, "main", BTF_FUNC_GLOBAL, (int)int_id + 1);
	sub_id = (uint32_t)btf__add_func(b, "sub", BTF_FUNC_STATIC, (int)int_id + 1);
	raw = btf__raw_data(b, &size);
	memset(&record_attr, 0, sizeof(record_attr));
	record_attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	record_attr.license = PTR(license);
	record_attr.insns = PTR(record_insn);
	record_attr.insn_cnt = NINSNS;
	record_attr.prog_btf_fd = (uint32_t)load_btf(arg, raw, size);
	btf__free(b);
	record_func[0] = (struct bpf_func_info){ 0, func_id };
	record_func[1] = (struct bpf_func_info){ 2, sub_id };
	record_attr.func_info = PTR(record_func);
	record_attr.func_info_cnt = 2;
	record_attr.func_info_rec_size = sizeof(record_func[0]);
	set_line(0, 0, 1, 7);
	set_line(1, 1, 2, 8);
	set_line(2, 2, 3, 20);
	set_line(3, 6, 3, 21);
	record_attr.line_info = PTR(record_line);
	record_attr.line_info_cnt = 4;
	record_attr.line_info_rec_size = sizeof(record_line[0]);
}

static void two_more_bytes(void)
{
	record_attr.func_info_rec_size = 10;
}

static void huge_records(void)
{
	record_attr.func_info_rec_size = 256;
}

static void short_lines(void)
{
	record_attr.line_info_rec_size = 12;
}

static void too_many(void)
{
	record_attr.line_info_cnt = UINT32_MAX;
}

static void one_function(void)
{
	record_attr.func_info_cnt = 1;
}

static void three_functions(void)
{
	record_func[2] = (struct bpf_func_info){ 4, sub_id };
	record_attr.func_info_cnt = 3;
}

static void not_at_zero(void)
{
	record_func[0].insn_off = 1;
}

static void falling(void)
{
	record_func[1].insn_off = 0;
}

static void elsewhere(void)
{
	record_func[1].insn_off = 3;
}

static void of_an_int(void)
{
	record_func[1].type_id = int_id;
}

static void of_nothing(void)
{
	record_func[1].type_id = 999;
}

static void no_line_for_sub(void)
{
	set_line(2, 3, 3, 20);
}

static void no_line_at_all_for_sub(void)
{
	record_attr.line_info_cnt = 2;
}

static void no_line_for_main(void)
{
	set_line(0, 1, 1, 7);
	set_line(1, 2, 1, 7);
	set_line(2, 3, 1, 7);
}

static void twice(void)
{
	set_line(1, 0, 2, 8);
}

static void behind_the_end(void)
{
	set_line(3, NINSNS, 3, 21);
}

static void second_half(void)
{
	set_line(3, 5, 3, 21);
}

static void no_text(void)
{
	record_line[1].i.line_off = 100000;
}

static void no_file(void)
{
	record_line[1].i.file_name_off = 100000;
}

static void newer_line(void)
{
	record_line[2].more = 1;
}

static void bad_pointer(void)
{
	record_attr.line_info = 8;
}

static void no_btf(void)
{
	record_attr.prog_btf_fd = 777;
}

const struct record_case record_cases[] = {
	{ two_more_bytes, -EINVAL, "invalid func info rec size 10" },
	{ huge_records, -EINVAL, "invalid func info rec size 256" },
	{ short_lines, -EINVAL, "", "invalid line info rec size 12" },
	{ too_many, -EINVAL, "", "invalid line info rec size 20" },
	{ one_function, -EINVAL, "number of funcs in func_info doesn't match number of subprogs" },
	{ three_functions, -EINVAL,
	  "number of funcs in func_info doesn't match number of subprogs" },
	{ not_at_zero, -EINVAL, "nonzero insn_off 1 for the first func info record" },
	{ falling, -EINVAL, "same or smaller insn offset (0) than previous func info record (0)" },
	{ elsewhere, -EINVAL, "func_info BTF section doesn't match subprog layout in BPF program" },
	{ of_an_int, -EINVAL, "in func info" },
	{ of_nothing, -EINVAL, "invalid type id 999 in func info" },
	{ no_line_for_sub, -EINVAL, "missing bpf_line_info for func#1" },
	{ no_line_at_all_for_sub, -EINVAL,
	  "missing bpf_line_info for 1 funcs starting from func#1" },
	{ no_line_for_main, -EINVAL, "missing bpf_line_info for func#0" },
	{ twice, -EINVAL, "Invalid line_info[1].insn_off:0 (prev_offset:0 prog->len:7)" },
	{ behind_the_end, -EINVAL, "Invalid line_info[3].insn_off:7 (prev_offset:2 prog->len:7)" },
	{ second_half, -EINVAL, "Invalid insn code at line_info[3].insn_off" },
	{ no_text, -EINVAL, "Invalid line_info[1].line_off or .file_name_off" },
	{ no_file, -EINVAL, "Invalid line_info[1].line_off or .file_name_off" },
	{ newer_line, -E2BIG, "nonzero tailing record in line_info" },
	{ bad_pointer, -EFAULT, "" },
	{ no_btf, -EBADF, "" },
};

const size_t nrecord_cases = sizeof(record_cases) / sizeof(record_cases[0]);
