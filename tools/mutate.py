#!/usr/bin/env python3
"""mutate.py [--check] [NAME...] - plant faults in the generator, one by one; a test must fail.

Each fault is one edit of one file and names the test that must fail for it: a program, and
the case in it.  A fault that no case notices, or another one only, is reported as surviving.
Works on a copy in build-mutate/, the tree itself is not touched.  --check: only see that each
edit still applies to exactly one place (suite check runs this).
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPY = ROOT / 'build-mutate'

EMIT, PLAN, SEED = 'src/tramp/emit.c', 'src/tramp/plan.c', 'src/tramp/seed.c'
SLOTS = 'src/tramp/slots.c'
ALU, BRANCH = 'src/bpf/range_alu.c', 'src/bpf/range_branch.c'
V, CASES = 'src/bpf/verify_', 'verify_cases'
NEED, PRUNE, SAME = 'src/bpf/verify_need.c', 'src/bpf/verify_prune.c', 'src/bpf/verify_same.c'
LOOP = 'src/bpf/verify_loop.c'
GLOBAL = 'src/bpf/verify_global.c'
RECLAIM, SCAN = 'src/attach/reclaim.c', 'src/ctl/scan.c'
INLINE, ENTRY = 'src/bpf/jit_inline.c', 'src/rt/entry.S'

# Test programs: how to build and run them.
UNIT = 'tests/unit/tramp/tramp_'
TRAPS = ['python3', ROOT / 'tests/transparent/traps_test.py', 'utramp', 'tests/transparent/clobber',
         'tests/transparent/heavy.bpf.o', 'tests/transparent/light.bpf.o', 'src/rt/slab.so']
PROGRAMS = {
    'plan': [UNIT + 'plan_test'],
    'emit': [UNIT + 'emit_test'],
    'seed': [UNIT + 'seed_test'],
    'state': [UNIT + 'state_test'],
    'session': [UNIT + 'session_test'],
    'room': [UNIT + 'room_test'],
    'varargs': [UNIT + 'varargs_test'],
    'reclaim': ['tests/unit/attach/attach_reclaim_test', 'tests/unit/attach/keeper',
                'tests/unit/attach/attach_prog.bpf.o'],
    'scan': ['tests/unit/ctl/ctl_scan_test', 'tests/unit/ctl/ctl_holder',
             'tests/unit/ctl/libctl_standin.so'],
    'gaps': ['tests/unit/attach/room_test'],
    'kfunc': ['tests/unit/bpf/kfunc_test'],
    'shadow': ['tests/unit/bpf/shadow_test'],
    'tnum': ['tests/unit/bpf/tnum_test'],
    'range': ['tests/unit/bpf/range_test'],
    'range8': ['tests/unit/bpf/range8_test'],
    'verify_call': ['tests/unit/bpf/verify_call_test'],
    'stray': ['tests/unit/bpf/stray_test'],
    'verify_cases': ['tests/unit/bpf/verify_cases_test'],
    'verify_prune': ['tests/unit/bpf/verify_prune_test'],
    'interp': ['tests/unit/bpf/interp_test'],
    'engine': ['tests/unit/bpf/engine_test'],
    'walk': ['tests/unit/bpf/walk_test'],
    'stack': ['tests/unit/rt/rt_stack_test'],
    'tail': ['tests/unit/rt/rt_tail_test'],
    'inline': ['tests/unit/bpf/inline_test'],
    'random': ['python3', ROOT / 'tests/conformance/random_test.py', 'tests/conformance/engines',
               '1500'],
    'values': ['python3', ROOT / 'tests/conformance/table_test.py', 'tests/conformance/engines'],
    'home': ['tests/unit/bpf/home_test'],
    'fold': ['tests/unit/bpf/fold_test'],
    'asm': ['tests/unit/x86/asm_table_test'],
    'table': ['python3', ROOT / 'tests/golden/seed_table.py', 'tests/golden/seed_show'],
    'rows': ['python3', ROOT / 'tests/golden/seed_rows.py', 'tests/golden/seed_show',
             ROOT / 'tests/oracle/images-6.12.117.txt'],
    'patched': ['tests/integration/seed_patched', 'tests/integration/patchable-gcc-O2.so'],
    'traps': TRAPS + ['state, gcc'],
    'go': TRAPS + ['go'],
    'split': TRAPS + ['split'],
    'abi': ['python3', ROOT / 'tests/abi/run.py', '--runner', 'tests/abi/abi_run', '--count', '40',
            '--levels', 'O2'],
    'models': ['tests/golden/golden_tramp', *sorted((ROOT / 'tests/golden/models').glob('*.t'))],
}

SAVE_LOOP = '	save_registers(a, p, p->at_exit);\n'
UNDO = '	restore_registers(a, p, p->call_orig ? p->at_exit : p->at_entry);\n'


def not_restored(reg):
    """At entry, where the function is jumped to: everything but reg comes back."""
    lost = UNDO.replace('p->at_entry);', f'p->at_entry & (x86_regset)~X86_REG({reg}));')
    return (f'{reg.lower()} not restored at entry', EMIT, UNDO, lost, 'emit', 'test_random')


def at_all_registers(fault, what):
    """The same fault, and the check of every register around random calls that must notice it."""
    return (f'{fault[0]}, all registers looked at', *fault[1:4], 'abi', what)


def not_preserved(reg):
    """At exit: of what the original left in reg nothing is kept for the caller."""
    lost = SAVE_LOOP.replace('p->at_exit);', f'p->at_exit & (x86_regset)~X86_REG({reg}));')
    return (f'{reg.lower()} not preserved at exit', EMIT, SAVE_LOOP, lost, 'emit', 'test_random')


# (name, file, text, planted text, program, case that must fail)
FAULTS = [
    ('no address is found anywhere', SCAN, 'word >= at[i].lo && word <= at[i].hi;',
     'word > at[i].hi && word < at[i].lo;', 'reclaim', 'test_room_again'),
    ('memory not searched in the stop', RECLAIM, '	if (!err && !large)\n',
     '	if (!err && !large && l->scan.limit_ns < LAST_NS)\n', 'reclaim', 'test_moved_between'),
    ('calls that were counted in not kept', RECLAIM, '% RT_COUNTERS] != 0;',
     '% RT_COUNTERS] == INT64_MIN;', 'reclaim', 'test_large'),
    ('memory that the process cannot read not searched', SCAN, '	if (!r->shared)\n',
     '	if (!r->shared && !r->r)\n		return NO_STACK;\n	if (!r->shared)\n', 'scan',
     'test_places'),
    ('the address behind a last call not found', SCAN, 'word >= at[i].lo && word <= at[i].hi;',
     'word >= at[i].lo && word < at[i].hi;', 'scan', 'test_places'),
    ('a process that shares memory not seen', 'src/ctl/alone.c', '		return r == 0;\n',
     '		return r == 4;\n', 'scan', 'test_sharer'),
    ('room given back twice', 'src/attach/room.c',
     '	    (i < r->gap.n && r->gap.at[i].lo < gap.hi))\n',
     '	    (i < r->gap.n && r->gap.at[i].lo > gap.hi && r->gap.at[i].lo < gap.lo))\n', 'gaps',
     'test_gaps'),
    ('register by argument index in save', SEED,
     '			x86_store(a, X86_Q, dst, (enum x86_gpr)arg_reg[v->place.num[j]]);',
     '			x86_store(a, X86_Q, dst, (enum x86_gpr)arg_reg[(unsigned)(v - '
     'p->spec->model->arg) % ARG_REGS]);', 'patched', 'struct_arg_1, seed, by call'),
    ('register by argument index in restore', SEED,
     '				x86_load(a, X86_Q, (enum x86_gpr)arg_reg[v->place.num[j]],',
     '				x86_load(a, X86_Q, (enum x86_gpr)arg_reg[i % ARG_REGS],',
     'patched', 'struct_arg_1, seed, by call'),
    ('outgoing area sized slots - 6', SEED, '		down += stack;\n',
     '		down += m->nslots > 6 ? 8u * (m->nslots - 6u) : 0;\n', 'table',
     'frames by the arithmetic of the mail'),
    ('first_off uninitialised', SEED, '			return p->ctx + 8 * v->slot;\n	}\n	return 0;\n',
     '			return p->ctx + 8 * v->slot;\n	}\n	return p->ctx;\n', 'seed', 'test_random'),
    ('8-bit displacement below -128', 'src/x86/asm.c', 'm.disp / unit == (int8_t)(m.disp / unit);',
     'm.disp / unit >= -160 && m.disp / unit <= 127;', 'seed', 'test_frames'),
    ('8-bit immediate beyond 127', 'src/x86/asm_insn.c',
     '	return w != X86_B && cut(w, imm) == (int8_t)imm;\n',
     '	return w != X86_B && cut(w, imm) >= -128 && cut(w, imm) < 160;\n', 'seed', 'test_frames'),
    ('push between outgoing arguments and call, seed', SEED,
     '	copy_stack_args(a, p);\n	x86_call_pc(a, p->spec->original);\n',
     '	copy_stack_args(a, p);\n	x86_push(a, RAX);\n	x86_call_pc(a, p->spec->original);\n',
     'patched', 'struct_arg_9, seed, by call'),
    ('push between outgoing arguments and call, ours', EMIT,
     '	x86_call_pc(a, p->spec->original);\n',
     '	x86_push(a, RAX);\n	x86_call_pc(a, p->spec->original);\n', 'emit', 'test_random'),
    ('rbx pushed, not stored by mov', SEED, '	x86_store(a, X86_Q, at(p->seed.rbx), RBX);\n',
     '	x86_push(a, RBX);\n', 'seed', 'test_random'),
    ('rsp off by 8 while programs run, ours', EMIT, '	x86_alu_ri(a, X86_AND, X86_Q, RSP, -16);\n',
     '	x86_alu_ri(a, X86_AND, X86_Q, RSP, -16);\n	x86_lea(a, RSP, X86_MEM(RSP, -8));\n', 'emit',
     'test_random'),
    ('rsp off by 8 at the call, seed', SEED, '		down += (down + (uint32_t)p->args) % 16;\n', '',
     'table', 'frames by the arithmetic of the mail'),
    ('rsp unaligned without stack arguments, seed', SEED,
     '	p->seed.align = (down + (uint32_t)p->args) % 16;\n', '', 'seed', 'test_random'),
    ('stack arguments at +16 for +24', PLAN, 'spec->entry == TRAMP_BY_CALL ? 24 : 16',
     'spec->entry == TRAMP_BY_CALL ? 16 : 16', 'patched', 'testmod_fentry_test7, seed, by call'),
    ('stack arguments at +24 for +16', PLAN, 'spec->entry == TRAMP_BY_CALL ? 24 : 16',
     'spec->entry == TRAMP_BY_CALL ? 24 : 24', 'patched', 'testmod_fentry_test7, ours, by jmp'),
    ('dirty upper bytes of a 4-byte stack argument shown, ours', SLOTS,
     '	else if (s.bytes >= 8)\n		x86_load(a, X86_Q, RAX, s.mem);\n',
     '	else if (s.bytes >= 4)\n		x86_load(a, X86_Q, RAX, s.mem);\n', 'emit', 'test_random'),
    ('dirty upper bytes of a lone 4-byte stack argument shown, seed', SEED,
     '	if (p->seed.stack1)\n		x86_store_i(a, X86_D, at(p->seed.stack1 + 4), 0);\n', '', 'rows',
     'f7 ent: 40 rows'),
    ('what is passed on is cleaned, seed', SEED, '		x86_store(a, X86_Q, at(p->out + off), RAX);\n',
     '		x86_store(a, X86_D, at(p->out + off), RAX);\n', 'seed', 'test_random'),
    ('__int128 counted as one slot', 'src/model/func_model.c',
     '		slots += m->arg[i].nslots;\n',
     '		slots += arg[i]->kind == ABI_INT ? 1 : m->arg[i].nslots;\n', 'patched',
     'fx_i128s, seed, by call'),
    ('sixth register lost after a skipped struct', 'src/abi/sysv.c',
     '		return t->by_ref ? abi_assign_stack(8, 8, p, call) :\n',
     '		return call->ngpr = 6, t->by_ref ? abi_assign_stack(8, 8, p, call) :\n', 'patched',
     'struct_arg_8, seed, by call'),
    ('alignment of stack arguments ignored', 'src/abi/sysv.c', '	if (align < 8)\n		align = 8;\n',
     '	align = 8;\n', 'patched', 'fx_al2, ours, by jmp'),
    ('fmod_ret slot not zeroed, seed', SEED,
     '	x86_store(a, X86_Q, at(p->seed.ret), RAX);\n	for (unsigned i = 0; i < s->list',
     '	for (unsigned i = 0; i < s->list', 'seed', 'test_random'),
    ('fmod_ret slot not zeroed, ours', SLOTS,
     '		if (s->list[TRAMP_FMOD_RET].n || tramp_plan_fills(p, i))\n',
     '		if (!s->list[TRAMP_FMOD_RET].n && tramp_plan_fills(p, i))\n', 'emit', 'test_random'),
    ('fmod_ret value compared by its low half, seed', SEED,
     '		x86_alu_mi(a, X86_CMP, X86_Q, at(p->seed.ret), 0);\n',
     '		x86_alu_mi(a, X86_CMP, X86_D, at(p->seed.ret), 0);\n', 'seed', 'test_random'),
    ('fmod_ret value compared by its low half, ours', EMIT,
     '		x86_test_rr(a, X86_Q, RAX, RAX);\n', '		x86_test_rr(a, X86_D, RAX, RAX);\n', 'emit',
     'test_body_call'),
    ('exit not called after a skip, seed', SEED,
     '	x86_bind(a, env->skip);\n	x86_mov_ri(a, RDI, prog->prog);\n	x86_mov_rr(a, RSI, RBX);\n'
     '	x86_lea(a, RDX, at(p->seed.run_ctx));\n	x86_call_to(a, s->exit, RAX);\n',
     '	x86_mov_ri(a, RDI, prog->prog);\n	x86_mov_rr(a, RSI, RBX);\n'
     '	x86_lea(a, RDX, at(p->seed.run_ctx));\n	x86_call_to(a, s->exit, RAX);\n'
     '	x86_bind(a, env->skip);\n', 'seed', 'test_random'),
    ('cookie not stored, seed', SEED, '	x86_store(a, X86_Q, at(p->seed.run_ctx), RDI);\n', '',
     'seed', 'test_random'),
    ('frame of the patched call not skipped, seed', SEED,
     '		x86_alu_ri(a, X86_ADD, X86_Q, RSP, 8); /* past the return into the function */\n',
     '		x86_alu_ri(a, X86_ADD, X86_Q, RSP, 0);\n', 'rows', 'f7 ext: 52 rows'),
    ('frame of the patched call not skipped, ours', EMIT,
     '	if (p->spec->entry == TRAMP_BY_CALL) /* lea keeps the flags */\n',
     '	if (p->spec->entry == TRAMP_BY_CALL && p->spec->leave_ret)\n', 'emit', 'test_random'),
    ('number of arguments for number of slots, seed', SEED,
     '	x86_mov_ri(a, RAX, p->spec->model->nslots);\n', '	x86_mov_ri(a, RAX, p->spec->model->nargs);\n',
     'patched', 'struct_arg_1, seed, by call'),
    ('image not entered before fmod_ret programs alone, seed', SEED,
     '	if (p->call_orig)\n		call_image(a, p, p->spec->shim->image_enter);\n',
     '	if (p->spec->list[TRAMP_FEXIT].n)\n		call_image(a, p, p->spec->shim->image_enter);\n',
     'seed', 'test_random'),
    ('original not called behind fmod_ret programs alone, seed', PLAN,
     '		      (spec->layout == TRAMP_SEED && spec->list[TRAMP_FMOD_RET].n > 0);\n',
     '		      0;\n', 'models', 'mod_only.t'),
    ('copy congruent mod 8 only', PLAN, '#define CONGRUENCE 64u', '#define CONGRUENCE 8u', 'emit',
     'test_random'),
    ('copy one eightbyte short', EMIT, '	int32_t bytes = (int32_t)p->out_bytes;\n',
     '	int32_t bytes = (int32_t)p->out_bytes > 8 ? (int32_t)p->out_bytes - 8 : '
     '(int32_t)p->out_bytes;\n', 'emit', 'test_random'),
    ('frame not large enough for the result slots', PLAN,
     '	want_value(p, &m->ret, tramp_result_slots(m));\n', '', 'plan', 'test_random_offsets'),
    ('the copy overwrites what exit programs read', PLAN,
     '	kept += 8u * (uint32_t)(p->end - lasting);\n',
     '	kept += 0u * (uint32_t)(p->end - lasting);\n', 'emit', 'test_random'),
    ('the result overwritten where only entry programs read it', PLAN,
     'w >= (int32_t)s->model->nslots || (w == -1', '(w == -1', 'plan', 'test_random_offsets'),
    ('stack of exit programs not below their registers', EMIT,
     'p->align_exit || (int32_t)p->frame > -p->out;', 'p->align_exit;', 'emit',
     'test_random_stepped'),
    ('saved registers read from below the copy', EMIT, '''	if (p->copy_loop)
		copy_stack_args(a, p);
	restore_registers(a, p, p->at_entry);
''', '''	copy_stack_args(a, p);
	restore_registers(a, p, p->at_entry);
	if (false)
''', 'emit', 'test_random'),
    ('fixed slots not reserved', PLAN, '	uint32_t down = fixed_bytes(p), kept = down;\n',
     '	uint32_t down = 0, kept = fixed_bytes(p);\n', 'plan', 'test_random_offsets'),
    ('every tail call has a frame of its own', EMIT, '''	x86_jcc(a, X86_E, e->go_on);
''', '''	x86_jmp(a, e->go_on);
''', 'emit', 'test_random'),
    ('tail calls from the other slab not seen', EMIT,
     'i < ARRAY_LEN(s->room) && s->room[i].hi; i++', 'i < 1 && s->room[i].hi; i++', 'emit',
     'test_random'),
    ('a tail call that shares a frame does not say so', SLOTS, '(p->open ? TRAMP_IS_TAIL : 0)',
     '0ull', 'emit', 'test_random'),
    ('rax lost where it is asked for tail calls', PLAN,
     '	if (p->tails || p->keep_flags)\n', '	if (p->keep_flags)\n', 'emit', 'test_random'),
    ('flags kept in a register that is not', PLAN,
     '	if (p->tails || p->keep_flags)\n', '	if (p->tails)\n', 'room', 'flags_are_kept'),
    ('overflow not brought back', 'src/x86/state.c',
     '	x86_alu_ri(a, X86_ADD, X86_B, RAX, 127);\n', '', 'room', 'flags_are_kept'),
    ('another stack taken for want of room', 'src/tramp/room.c',
     '	x86_cmp_fs(a, RSP, stack->lo);\n	x86_jcc(a, X86_C, runs);\n', '', 'room',
     'looks_for_room'),
    ('copied arguments need no stack', 'src/tramp/room.c',
     'return 8 + (frame > (uint32_t)-p->out ? frame : (uint32_t)-p->out);', 'return 8 + frame;',
     'room', 'counts_copied_arguments'),
    ('distance to rbp not beside the call', EMIT, '	state[1] = (uint8_t)words;\n', '', 'state',
     'test_distance_beside_the_call'),
    ('signed values extended by zeroes', SLOTS, '	s.is_signed = !pointer && v->flags & FM_SIGNED;\n',
     '	s.is_signed = false;\n', 'emit', 'test_random'),
    ('address of the original for that of the function', SLOTS, '		x86_mov_ri(a, RAX, s->func);\n',
     '		x86_mov_ri(a, RAX, s->original);\n', 'emit', 'test_random'),
    ('exit programs passed when the function was skipped', EMIT,
     '		x86_bind(a, skipped);\n		emit_skipped(a, p);\n		x86_bind(a, done);\n',
     '		x86_bind(a, skipped);\n		emit_skipped(a, p);\n		emit_return(a, p);\n'
     '		x86_bind(a, done);\n', 'emit', 'test_random'),
    ('frame state wrong behind leave', EMIT, '''		x86_leave(a);
	x86_frame(a, FRAME_CFA(0));
}
''', '''		x86_leave(a);
}
''', 'emit', 'test_random_stepped'),
    *(not_restored(r) for r in ('RAX', 'RCX', 'R10', 'R11')),
    *(not_preserved(r) for r in ('RCX', 'RDX', 'RSI', 'RDI', 'R8', 'R9', 'R10', 'R11')),
    at_all_registers(not_restored('R10'), 'general register 10'),
    at_all_registers(not_preserved('R9'), 'general register 9'),
    ('a vector register used to show another', SLOTS,
     '		x86_movq_store(a, dst, (enum x86_xmm)s.reg);\n',
     '		x86_movq_store(a, dst, (enum x86_xmm)s.reg);\n'
     '		x86_movq_load(a, (enum x86_xmm)15, dst);\n', 'abi', 'xmm 15'),
    # unnamed arguments
    ('al as a program left it', SLOTS, '	x86_load(a, X86_Q, RAX, home(p, RAX));\n'
     '	x86_store(a, X86_Q, slot(p, first + 6), RAX);\n',
     '	x86_store(a, X86_Q, slot(p, first + 6), RAX);\n', 'varargs', 'words'),
    ('unnamed arguments where named ones are on the stack', SLOTS,
     'at(p->args + (int32_t)p->spec->model->varargs.stack)', 'at(p->args)', 'varargs', 'words'),
    ('words of unnamed arguments for all whose context escapes', PLAN,
     'is_vararg(p->spec, i) && f->reads[i / 64] >> (i % 64) & 1',
     'is_vararg(p->spec, i) && (f->ctx_escapes || f->reads[i / 64] >> (i % 64) & 1)', 'varargs',
     'nobody_asks'),
    # only what is needed
    ('registers of the exit programs not kept behind the original', EMIT,
     '	save_registers(a, p, p->at_exit);\n',
     '	save_registers(a, p, p->at_exit & p->at_entry);\n', 'emit', 'test_random'),
    ('registers of the exit programs not kept when the function is skipped', PLAN,
     '		p->at_entry = p->at_exit = p->saved;\n', '		p->at_exit = p->saved;\n', 'emit',
     'test_random'),
    ('rax not kept where arguments pass through it', PLAN,
     '		p->at_entry |= X86_REG(RAX);\n		p->at_exit |= X86_REG(RAX);\n',
     '		p->at_exit |= X86_REG(RAX);\n', 'emit', 'test_random'),
    ('rcx not kept where a loop counts in it', PLAN, '		p->at_entry |= X86_REG(RCX);\n', '', 'emit',
     'test_random'),
    ('stack of exit programs not aligned if entry programs do not mind', EMIT,
     '	if (p->align_exit)\n', '	if (p->align_exit && p->align_entry)\n', 'emit',
     'test_random'),
    ('stack of exit programs not aligned when the function is skipped', PLAN,
     '		p->align_entry |= p->align_exit;\n', '', 'emit', 'test_random'),
    ('copy begins where an aligned stack ends', EMIT,
     '	if (p->align_entry || (int32_t)p->down', '	if ((int32_t)p->down', 'emit', 'test_random'),
    ('no frame for programs that want one', PLAN,
     '		if (!s->list[TRAMP_FENTRY].prog[i].body->facts.no_frame)\n',
     '		if (!s->list[TRAMP_FENTRY].prog[i].body->facts.any_stack)\n', 'emit', 'test_random'),
    ('registers kept at rsp, one too deep', PLAN,
     '		p->gpr = -8 * __builtin_popcount(p->saved);\n',
     '		p->gpr = -8 * __builtin_popcount(p->saved) + 8;\n', 'emit', 'test_random'),
    ('a sum that is read again fused', INLINE,
     '!is_target(p, at + 2) && is_dead(p, at + 3, ld->dst_reg, NULL);',
     '!is_target(p, at + 2);',
     'inline', 'test_which'),
    ('an addition fused that somebody jumps to', INLINE, ' && !is_target(p, at + 1) &&\n', ' &&\n',
     'inline', 'test_which'),
    ('a value dropped that is read behind a branch', INLINE,
     'reads(p, at, homed) & 1u << r || insn_is_branch(i)', 'reads(p, at, homed) & 1u << r', 'inline',
     'test_random'),
    ('two steps taken for one', INLINE, '	return steps <= 1;\n', '	return steps <= 2;\n', 'inline',
     'test_which'),
    ('a loop taken for one step', INLINE, 'insn_target(i, n) <= n', 'insn_target(i, n) < 0',
     'inline', 'test_which'),
    ('a value of the map taken for an argument', INLINE,
     '		if (insn_writes(&p->insn[n]) == BPF_REG_1)\n			return false;\n', '', 'inline',
     'test_which'),
    ('scratch registers of shifts forgotten', 'src/bpf/jit_insn.c', '		return by_reg;\n',
     '		return by_reg && i->dst_reg == INSN_FP;\n', 'inline', 'test_random'),
    ('registers not kept on the cold way', 'src/rt/entry.S',
     '	movq 16(%rbp), %rdi\n', '	movq 16(%rbp), %rdi\n	movq %rdi, -8(%rbp)\n', 'inline',
     'test_cold'),
    # what a helper, or the first hit of a thread, may change
    ("r11 lost where C is called", ENTRY, '	popq %\\kept\n', '	addq $8, %rsp\n', 'traps', 'state, gcc'),
    ('signed division by -1 left to idiv', 'src/bpf/jit_insn.c',
     'x86_alu_ri(a, X86_CMP, w, R9, -1);', 'x86_alu_ri(a, X86_CMP, w, R9, 77);', 'values',
     'arithmetic'),
    ('rdx lost in a division', 'src/bpf/jit_insn.c',
     '	if (dst != RDX)\n		x86_mov_rr(a, RDX, R11);\n', '', 'random', 'programs: model'),
    ('upper half of r0 kept by a 4-byte cmpxchg', 'src/bpf/jit_insn.c', 'if (w == X86_D) /* a success',
     'if (false) /* a success', 'random', 'programs: model'),
    ('the base taken for r0 in a fetching loop', 'src/bpf/jit_insn.c', 'if (m.base == RAX)',
     'if (false)', 'random', 'programs: model'),
    ('rcx not shifted where it lies', 'src/bpf/jit_insn.c', 'dst == RCX ? R11 : dst', 'dst', 'random',
     'programs: model'),
    ('jset32 looks at 64 bits', 'src/bpf/jit_insn.c', 'x86_test_ri(j->a, w, dst, i->imm)',
     'x86_test_ri(j->a, X86_Q, dst, i->imm)', 'values', 'conditions'),
    ('what a branch may read dropped', INLINE, ' || insn_is_branch(i))\n			return false;',
     ')\n			return false;', 'random', 'small ones'),
    ('arsh32 shifts zeros in', 'src/bpf/interp.c', '(uint32_t)((int32_t)a >> (b & 31))',
     '(a >> (b & 31))', 'values', 'arithmetic'),
    ('r10 not known to be changed by helpers', 'src/bpf/facts.c',
     'return *calls ? X86_CALLER_SAVED : set;',
     'return *calls ? (x86_regset)(X86_CALLER_SAVED & ~X86_REG(R10)) : set;', 'traps',
     'state, gcc'),
    ('Go code patched as any', 'src/attach/prepare.c', '		never = by_language(f);\n',
     '		never = NULL;\n', 'go', 'go'),
    ('pieces of stack taken for whole ones', 'src/attach/prepare.c', '		never = by_stack(f);\n',
     '		never = NULL;\n', 'split', 'split'),
    # slots that are read where they lie
    ('a saved register read although it is changed', SLOTS, 's->where == IN_GPR && saved & X86_REG(s->reg)',
     's->where == IN_GPR && saved & X86_REG(RSP)', 'emit', 'test_random'),
    ('an argument register read at exit', SLOTS, 's.where == IN_MEM || kind != TRAMP_FEXIT',
     's.where == IN_MEM || kind != TRAMP_KINDS', 'emit', 'test_random'),
    ('a result read where a program may have given it', SLOTS,
     'if (p->spec->list[TRAMP_FMOD_RET].n || p->spec->model->call.sret', 'if (p->spec->model->call.sret',
     'emit', 'test_random'),
    ("a frame's offset taken for one from rsp", SLOTS, 'X86_MEM(RSP, s->mem.disp - 8)',
     'X86_MEM(RSP, s->mem.disp)', 'emit', 'test_random'),
    ('a short argument read as 4 bytes', SLOTS, 's->bytes >= 8 || s->bytes == 4 ? h',
     's->bytes >= 8 || s->bytes >= 1 ? h', 'home', 'test_which'),
    ('the sign of 4 bytes in memory lost', 'src/bpf/jit_ctx.c', 'if (wide && h->bytes == 4 && h->is_signed)',
     'if (wide && h->bytes == 4 && false)', 'home', 'test_all'),
    ('the sign of 4 bytes in a register lost', 'src/bpf/jit_ctx.c', 'else if (wide && h->is_signed)',
     'else if (wide && false)', 'home', 'test_all'),
    ('all 8 bytes of a register read for 4', 'src/bpf/jit_ctx.c', 'if (wide && h->bytes == 8)\n		x86_mov_rr(',
     'if (wide)\n		x86_mov_rr(', 'home', 'test_all'),
    ('a slot not filled that is read by bytes, too', 'src/bpf/facts.c',
     's->f->reads[i] & ~s->in_memory[i]', 's->f->reads[i]', 'home', 'test_escapes'),
    ('half a slot from its middle taken for its beginning', 'src/bpf/facts.c', '!(at & 7) && size >= 4',
     'size >= 4', 'home', 'test_escapes'),
    # programs at their call site
    ("a program's stack on the trampoline's words", PLAN, '	down += p->body_bytes;\n', '', 'plan',
     'test_random'),
    ('no frame for a program that has a stack', 'src/bpf/jit.c', 'b->one_step && !b->body.facts.room &&',
     'b->one_step &&', 'inline', 'test_which'),
    ('a call taken for one step', INLINE, 'if (insn_is_call(i) || (insn_is_branch(i)', 'if ((insn_is_branch(i)',
     'inline', 'test_which'),
    ('what calls change forgotten', INLINE, '			set |= call_clobbers(p, env, n);\n',
     '			(void)call_clobbers(p, env, n);\n',
     'inline', 'test_which'),
    ('a stack that nobody aligned for calls', 'src/bpf/jit.c', 'any_stack = !jit_inline_calls(p, env)',
     'any_stack = true', 'inline', 'test_which'),
    # constants
    ('what may change yet taken for constant', 'src/bpf/dead.c',
     'if (!m->frozen || !(m->attr.flags & BPF_F_RDONLY_PROG))', 'if (false)', 'fold',
     'test_only_constants'),
    ('constants kept across a jump', 'src/bpf/dead.c', '			forget(&r, UINT32_MAX);\n',
     '			forget(&r, 0);\n', 'fold', 'test_rows'),
    ('a sign lost in a constant', 'src/bpf/dead.c', 'if (BPF_MODE(in->code) == INSN_MEMSX)', 'if (false)',
     'fold', 'test_rows'),
    ('runs counted twice', 'src/rt/guard.c', '"incq %0"', '"addq $2, %0"', 'home', 'test_timed'),
    # the scalars' domain: each makes the verifier believe what is not so
    ('a carry that may be is forgotten', 'src/bpf/tnum.c', '(least ^ most) | a.mask | b.mask', 'a.mask | b.mask',
     'tnum', 'test_pairs'),
    ('an unknown bit of a factor taken for one', 'src/bpf/tnum.c',
     'a.mask >> bit & 1 ? tnum_union(product, with) : with', 'with', 'tnum', 'test_pairs'),
    ('an unknown sign taken for zero', 'src/bpf/tnum.c',
     'a.mask = (uint64_t)((int64_t)a.mask >> by);', 'a.mask = a.mask >> by;', 'tnum', 'test_wide'),
    ('an arc that goes round forgotten', 'src/bpf/range_view.c', '		if (piece == left)\n',
     '		if (piece <= left)\n', 'range', 'test_sums_and_products'),
    ('the last value of a half forgotten', 'src/bpf/range.c', 'half->hi[i] < low)', 'half->hi[i] <= low)',
     'range8', 'test_random_pairs'),
    ('bits of the half taken for all of the word', 'src/bpf/range_view.h', 'v->bits.mask | ~view_mask(v->width)',
     'v->bits.mask', 'range', 'test_jump32_says_nothing_of_high'),
    ('no division by zero', ALU, '	if (!b->lo)\n		view_add(out, 0, 0, tnum_const(0));\n', '',
     'range', 'test_rest32_by_zero'),
    ('no rest of a division by zero', ALU,
     '	if (!dlo) {\n		view_add(out, a->lo, a->hi, a->bits);\n', '	if (!dlo) {\n', 'range8',
     'test_random_pairs'),
    ('the rest keeps one bit too many', ALU, 'uint64_t same = zeros_below(b->bits);',
     'uint64_t same = 2 * zeros_below(b->bits) + 1;', 'range8', 'test_random_pairs'),
    ('shifts by more than the width taken for none', ALU, 'b->hi <= low && (by < b->lo',
     '(by < b->lo', 'range8', 'test_random_pairs'),
    ('bounds of a union narrower than a product', ALU, 'hi = corner[i] > hi ? corner[i] : hi;',
     'hi = corner[i] > hi && i < 3 ? corner[i] : hi;', 'range', 'test_sums_and_products'),
    ('the low half of a wide shift taken from the halves', ALU, '(alu->op != part_lsh || src->umax < RANGE_HALF)',
     'true', 'range', 'test_constants_fold'),
    ('32 bits extended by their sign', ALU, '	r.umax = view_umax(v);\n	*dst',
     '	r.umax = (uint64_t)view_smax(v);\n	*dst', 'range', 'test_mov32_of_negative'),
    ('not less taken for greater', BRANCH, 'view_limit(b, lo + !equal,', 'view_limit(b, lo + 1,', 'range',
     'test_constants_fold'),
    ('a bound of one jump off by one', BRANCH, 'view_limit_signed(a, least, hi - !equal);',
     'view_limit_signed(a, least, hi - 1);', 'range', 'test_bounds_checks'),
    ('different from a value that is not the only one', BRANCH, '	if (!tnum_is_const(other->bits))\n		return;\n',
     '', 'range8', 'test_random_pairs'),
    ('what is not common to all bits', BRANCH, '	a->bits.mask &= ~of_b;\n', '	a->bits.mask &= ~tnum_max(b->bits);\n',
     'range8', 'test_random_pairs'),
    # the verifier
    ('constants taken for copies of each other', 'src/bpf/verify_same.c',
     'm->now[k].id == now.id && m->now[k].value == now.value;', 'm->now[k].id == now.id;', 'verify_call',
     'test_not_pruned'),
    # the bugs that others had (docs/testing.md, engine.md 4.5), each in our verifier or JIT
    ('CVE-2017-16995: a 32-bit immediate extended by its sign', V + 'alu.c',
     '					  range_const((uint32_t)in->imm));',
     '					  range_const((uint64_t)(int64_t)in->imm));', CASES, 'verify_class_numbers'),
    ('CVE-2020-8835: a comparison of 32 bits told to all 64', BRANCH, '	view_put(v, r);\n	return range_deduce(r);',
     '	view_put(v, r);\n	if (v->width == RANGE_HALF)\n		r->umax = view_umax(v);\n	return range_deduce(r);',
     CASES, 'verify_class_numbers'),
    ('CVE-2020-27194: bounds of 64 bits, cut, taken for those of 32', ALU, '		a = view_half(dst);\n',
     '		a = view_half(dst);\n		if (alu->op == part_or)\n			view_limit(&a, (uint32_t)dst->umin, '
     '(uint32_t)dst->umax);\n', CASES, 'verify_class_numbers'),
    ('CVE-2021-3490: and, or, xor of what is known leave 32 bits as they were', ALU,
     '	struct view out = combine(a, b, is_signed ? alu->signed_op : alu->op);\n',
     '	struct view out = combine(a, b, is_signed ? alu->signed_op : alu->op);\n\n	if ((alu->op == part_and || '
     'alu->op == part_or || alu->op == part_xor) && a->width == RANGE_HALF && tnum_is_const(a->bits) &&\n'
     '	    tnum_is_const(b->bits))\n		return *a;\n', CASES, 'verify_class_numbers'),
    ('CVE-2021-31440: the least number of 64 bits taken for that of 32', 'src/bpf/range.c',
     '				 (view_int)(word->lo[i] & view_mask(RANGE_HALF)) + word->hi[i] -\n'
     '					 word->lo[i],\n', '				 view_mask(RANGE_HALF),\n', CASES,
     'verify_class_numbers'),
    ('CVE-2021-45402: mov32 bounded by signed numbers', ALU, '	r.umax = view_umax(v);\n	*dst',
     '	r.umax = view_smax(v) > 0 ? (uint64_t)view_smax(v) : view_umax(v);\n	*dst', CASES,
     'verify_class_numbers'),
    ('CVE-2021-3444: the rest of a division by zero is below the divisor', ALU,
     '	if (!b->lo)\n		view_add(out, lo, hi, a->bits);\n', '	if (!b->lo)\n		view_add(out, 0, 0, tnum_const(0));\n',
     CASES, 'verify_class_numbers'),
    ('CVE-2021-3444: mod32 by zero leaves 64 bits', 'src/bpf/jit_insn.c', '	mov(a, w, RDX, RAX);\n',
     '	x86_mov_rr(a, RDX, RAX);\n', CASES, 'verify_class_numbers'),
    ('CVE-2024-49888: the least number divided by -1', 'src/bpf/jit_insn.c',
     '		x86_alu_ri(a, X86_CMP, w, R9, -1);\n', '		x86_alu_ri(a, X86_CMP, w, R9, -2);\n', CASES,
     'verify_class_numbers'),
    ('CVE-2024-49888: no such quotient is expected', ALU, '		view_add(out, alo / dhi, ahi / dlo, tnum_unknown());\n}\n\n'
     'static void part_smod', '		view_add(out, smaller(alo / dhi, view_sign_bit(out->width) - 1),\n'
     '			 smaller(ahi / dlo, view_sign_bit(out->width) - 1), tnum_unknown());\n}\n\nstatic void part_smod', CASES, 'verify_class_numbers'),
    ('CVE-2022-23222: NULL and a number added', V + 'alu.c', ' || p->flags & VF_NULL || !may_move(p))',
     ' || !may_move(p))', CASES, 'verify_class_pointers'),
    ('a number taken from a pointer is added', V + 'alu.c', 'minus ? BPF_SUB : BPF_ADD, true, 0, &n->r',
     'BPF_ADD, true, 0, &n->r', CASES, 'verify_class_pointers'),
    ('CVE-2024-26589: a variable distance in ctx not looked at', V + 'btf.c',
     '	if (!range_is_const(&p->r)) {\n		tnum_text(p->r.bits, bits, sizeof(bits));\n		return vdeny(v, "use bpf_get_func_arg()',
     '	if (range_is_unknown(&p->r)) {\n		tnum_text(p->r.bits, bits, sizeof(bits));\n		return vdeny(v, "use bpf_get_func_arg()',
     CASES, 'verify_class_pointers'),
    ('a variable distance: the farthest end forgotten', V + 'reg.c', '	*hi = r->off + r->r.smax;',
     '	*hi = r->off + r->r.smin;', CASES, 'verify_class_pointers'),
    ('CVE-2023-2163: copies on one path taken for copies on another', V + 'same.c',
     '	return !old->id || same_id(m, old->id, now->id);\n', '	return true;\n', CASES, 'verify_class_pruning'),
    ('a part that is spilled taken for a copy', V + 'stack.c',
     '			if (!range_equal(&whole, &val.r))\n				val.id = 0;\n', '			(void)whole;\n', CASES,
     'verify_class_pruning'),
    ('a register moved by 32 bits taken for a copy', V + 'alu.c', '	if (wide || in->off || out.r.umax > UINT32_MAX)',
     '	if (wide || in->off)', CASES, 'verify_class_pruning'),
    ('a sum of 32 bits keeps being a copy', V + 'alu.c', '	dst->id = 0;\n	dst->flags = flags;\n',
     '	dst->id = wide ? 0 : dst->id;\n	dst->flags = flags;\n', CASES, 'verify_class_pruning'),
    ('callbacks looked at once only', V + 'sub.c', '	v->cur->at = call;\n	return 0;\n',
     '	v->cur->at = call + 1;\n	return 0;\n', CASES, 'verify_class_pruning'),
    ('CVE-2024-45020: a stack that is smaller than the one seen', V + 'same.c',
     'i < old->nslots || i < now->nslots; i++', 'i < now->nslots; i++', CASES, 'verify_class_pruning'),
    ('no bytes where some are asked for', V + 'arg.c', '	if (!n->r.umin && !empty)', '	if (!n->r.umax && !empty)', CASES,
     'verify_class_helpers'),
    ('only the least size looked at', V + 'arg.c', '	*most = (uint32_t)n->r.umax;', '	*most = (uint32_t)n->r.umin;',
     CASES, 'verify_class_helpers'),
    ('a negative size', V + 'arg.c', '	if (n->r.smin < 0)\n', '	if (n->r.smax < 0)\n', CASES, 'verify_class_helpers'),
    ('CVE-2024-49861: helpers fill what is read-only', V + 'mem.c', '		return vmem_in_bounds(v, reg, &p, 0, size, write);',
     '		return vmem_in_bounds(v, reg, &p, 0, size, false);', CASES, 'verify_class_helpers'),
    ('CVE-2021-4204: a record given back from its middle', V + 'arg.c',
     '	if (p->off || !range_is_const(&p->r) || p->r.umin)\n		return vdeny(v, "give it what',
     '	if (p->off < 0)\n		return vdeny(v, "give it what', CASES, 'verify_class_helpers'),
    ('CVE-2022-2785: a record given back from its middle, by a number', V + 'arg.c',
     '	if (p->off || !range_is_const(&p->r) || p->r.umin)\n		return vdeny(v, "give it what',
     '	if (p->off)\n		return vdeny(v, "give it what', CASES, 'verify_class_helpers'),
    ('a record used after it was given back', V + 'ref.c', '	vreg_each(v, s, is_of, forget, &id);\n',
     '	if (id == UINT32_MAX)\n		vreg_each(v, s, is_of, forget, &id);\n', CASES,
     'verify_class_helpers'),
    ('CVE-2023-52462: a store at one of several places keeps what was spilled', V + 'stack.c',
     '		if (one->byte[0] == S_SPILL || one->byte[0] == S_ITER)\n			scatter(one);\n		if (*byte != S_UNSET',
     '		if (one->byte[0] != S_SPILL && *byte != S_UNSET', CASES, 'verify_class_stack'),
    ('CVE-2023-52452: a load from one of several places', V + 'stack.c', '	if (lo != hi || (unsigned)(-lo - 1)',
     '	if ((unsigned)(-lo - 1)', CASES, 'verify_class_stack'),
    ("a callback's stack not counted", 'src/bpf/facts.c', '	if (all > PROGRAM_MAX_CHAIN)',
     '	if (all > 2 * PROGRAM_MAX_CHAIN)', CASES, 'verify_class_stack'),
    ('CVE-2021-29154: a jump that falls short', 'src/x86/asm.c', '		uint32_t rel = off - (at + 4);',
     '		uint32_t rel = off - (at + 4) - (off - at > 200 && off - at < 260);', CASES, 'verify_class_jit'),
    ('the sign of an immediate lost', 'src/bpf/jit_insn.c',
     'wide ? (uint64_t)(int64_t)i->imm : (uint32_t)i->imm);', '(uint32_t)i->imm);', CASES, 'verify_class_jit'),
    ('a base of rbp or r13 without its displacement', 'src/x86/asm.c', 'm.disp == 0 && (base & 7) != RBP ? 0',
     'm.disp == 0 && base != RBP ? 0', CASES, 'verify_class_jit'),
    ('a base of r12 without its SIB byte', 'src/x86/asm.c', '	if (has_index || (base & 7) == RSP) {\n',
     '	if (has_index || base == RSP) {\n', CASES, 'verify_class_jit'),
    ('fetching and, or, xor with R0', 'src/bpf/jit_insn.c',
     'operand = src == RAX ? R11 : src;\n	struct x86_mem m = mem(j, i->dst_reg, i->off);\n	enum x86_width w',
     'operand = src;\n	struct x86_mem m = mem(j, i->dst_reg, i->off);\n	enum x86_width w', CASES, 'verify_class_jit'),
    ('a load into its own base that faults', 'src/bpf/jit_fault.c', '	if (dst == base) {\n', '	if (dst == base && dst == RAX) {\n',
     'stray', None),
    ('CVE-2024-42072: a may_goto whose budget is spent bounds a loop', V + 'jump.c', '	f->spent = true;\n',
     '', CASES, 'verify_class_jit'),
    ('an iterator that has ended bounds a loop', V + 'prune.c', '	if (s->f[it->frame]->slot[i].spill.index)',
     '	if (s->f[it->frame]->slot[i].spill.index > 1)', CASES, 'verify_class_jit'),
    ('rounds counted where they need not be passed', V + 'prune.c', 'counted && token && token <= old->ids', 'counted',
     CASES, 'verify_iterators_rounds'),
    ('an iterator begun anew taken for the one that counts', V + 'prune.c', '					    same_tokens(old, s)) {',
     '					    same_tokens(old, old)) {', CASES, 'verify_iterators_rounds'),
    ('a tail call with a record open', V + 'call.c', '	if (!err && id == BPF_FUNC_tail_call)',
     '	if (!err && id == BPF_FUNC_tail_call && v->cur->depth)', CASES, 'verify_class_tails'),
    ('a tail call comes back to what made it', V + 'call.c', '	if (err || !goes_on->depth)\n', '	if (!err || !goes_on->depth)\n',
     CASES, 'verify_class_tails'),
    ('tail calls out of callbacks', 'src/bpf/check.c', '		if (in[s] && p->sub[s].tails)', '		if (in[0] && p->sub[s].tails)',
     CASES, 'verify_class_tails'),
    ("callers' stack below a tail call not looked at", 'src/bpf/facts.c', '		if (before >= TAIL_BEFORE)',
     '		if (before >= 2 * TAIL_BEFORE)', CASES, 'verify_class_tails'),
    ('dead code taken out by constants of another path', 'src/bpf/dead.c', '			forget(&r, UINT32_MAX);\n',
     '			forget(&r, 1);\n', CASES, 'verify_class_dead'),
    ('the wrong way taken out', 'src/bpf/dead.c', '								.off = taken ? in->off : 0 };',
     '								.off = taken ? 0 : in->off };', CASES, 'verify_class_dead'),
    # what paths may forget
    ('a bound of an earlier round taken for one of this', PRUNE, 'if (f->serial == token || f->loop == token)',
     'if (token)', 'verify_call',
     'test_rounds'),
    ('any number of the state before is a case of the next', SAME, '|| !range_within(&old->r, &now->r))\n		return false;\n	if (old->flags & VF_TARGET',
     ')\n		return false;\n	if (old->flags & VF_TARGET', 'verify_prune', 'test_never'),
    ('numbers that were equal need not be', SAME, 'return !old->id || same_id(m, old->id, now->id);', 'return true;',
     'verify_prune', 'test_never'),
    ('bytes of the stack not compared', SAME, '		return covers_reg(&old->spill, &now->spill, m);',
     '		return true;', 'verify_prune', 'test_never'),
    ('what callers know to be equal need not be so', SAME, '(m->old[k] == id) != (m->now[k].id == id)', 'm->n > MAX_IDS', CASES,
     'verify_functions'),
    ('what goes round for ever after long is not looked for', PRUNE, '	return !(v->chance >> 16 & 7);', '	return false;', CASES,
     'verify_loops'),
    # functions that are verified by themselves
    ('a global function is never looked at', GLOBAL, '	v->sub[sub] |= SUB_CALLED;\n', '', CASES, 'verify_globals'),
    ('a global function is known to be given what the last call gave', GLOBAL, '	return vreg_number();\n}\n\nstatic int begin',
     '	return vreg_scalar(range_const(5));\n}\n\nstatic int begin', CASES, 'verify_globals'),
    ('a result of a global function is what it was before', GLOBAL, '		*vreg(v, 0) = vreg_number();',
     '		*vreg(v, 0) = vreg_scalar(range_const(3));', CASES, 'verify_globals'),
    ('memory for a global function is read only', GLOBAL,
     '		err = vmem_region(v, r, want->size, want->size, true);', '		err = 0;', CASES, 'verify_globals_arguments'),
    ('NULL is memory', GLOBAL, '	if (!want->nonnull)\n		return 0;', '	if (r)\n		return 0;', CASES,
     'verify_globals_pointers'),
    ('memory that may be NULL is not', GLOBAL, '			r.flags = VF_NULL;', '			r.flags = 0;', CASES,
     'verify_globals'),
    ('what ends a loop is forgotten', NEED, ' || v->mark[at] & VM_LOOP', '', 'verify_prune', 'test_kept'),
    ('a loop within another one not told from it', LOOP, 'l->head[b] = l->with[b] = first;',
     'l->with[b] = first;\n	l->head[b] = 1;', 'verify_prune', 'test_kept'),
    ('two loops that begin at one place taken for one', LOOP, ' || other == number(l, to)', '', 'verify_prune',
     'test_kept'),
    ('a jump to what lies before taken for the end of a loop', LOOP, 'other == number(l, to)', 'to <= i', 'verify_prune',
     'test_forgotten'),
    ('what a needed number is compared with is forgotten', NEED, 'n->need.reg & both || v->forget', 'v->forget',
     'verify_prune', 'test_kept'),
    ('what is equal to a needed number is forgotten', PRUNE, '(r->id && times(needed, r->id));', 'false;', 'verify_prune',
     'test_kept'),
    ('what a number is computed from is forgotten', NEED, '	else if (need)\n		n->need.reg |= src;\n', '',
     'verify_prune', 'test_kept'),
    ('what moves an address not learnt', NEED, 'v->learnt = true;', 'v->learnt = false;', 'verify_prune', 'test_tries'),
    ('all sums count where one moves an address', NEED, ' && !(v->mark[at] & VM_SUMS)', '', 'verify_prune', 'test_tries'),
    ('tried again where nothing was learnt', NEED, 'bool more = false;', 'bool more = true;', 'verify_prune',
     'test_tries'),
    ('a slot that is loaded is forgotten', NEED, '	if (need)\n		add_slots(&n->need.slot, &s);\n',
     '	if (need && !dst)\n		add_slots(&n->need.slot, &s);\n',
     'verify_prune', 'test_kept'),
    ('what is stored in a needed slot is forgotten', NEED, 'any_of(&n->need.slot, &s))\n		n->need.reg |= src;',
     'any_of(&n->need.slot, &s))\n		n->need.reg |= 0 * src;', 'verify_prune', 'test_kept'),
    ('what is stored through an argument is forgotten', NEED, 'reach == REACH_OTHERS || any_of', 'any_of',
     'verify_prune', 'test_kept'),
    ('a slot that is given to a function is forgotten', NEED,
     '(in->src_reg == CALL_LOCAL || vcall_is_callback(in)) &&', 'vcall_is_callback(in) &&', 'verify_prune', 'test_kept'),
    ('a slot that a callback captures is forgotten', NEED,
     '(in->src_reg == CALL_LOCAL || vcall_is_callback(in)) &&', 'in->src_reg == CALL_LOCAL &&', 'verify_prune',
     'test_kept'),
    ('the result of a function is forgotten', NEED, '			v->sub[s] |= SUB_RESULT | SUB_AGAIN;', '			v->sub[s] |= SUB_AGAIN;',
     'verify_prune', 'test_kept'),
    ('arguments of functions are forgotten', NEED, 'count = callee->need.reg & ARGS;', 'count = 0;', 'verify_prune',
     'test_kept'),
    ('a slot of four bytes ends where eight would', NEED, 'a->half[0] & b->half[0] || a->half[1] & b->half[1]',
     'a->half[1] & b->half[1]', 'verify_prune', 'test_kept'),
    ('slots that are never read are kept', NEED, '		drop_slots(&n->live.slot, &s);\n', '', 'verify_prune',
     'test_forgotten'),
    ('all branches count', NEED, 'v->forget == FORGET_NUMBERS', 'true', 'verify_prune', 'test_forgotten'),
    ('nothing is tried again', 'src/bpf/verify.c', '(err != -EACCES && err != -E2BIG) || !v->forgot', 'true',
     'verify_prune', 'test_tries'),
    ('a frame that is shared is written to', 'src/bpf/verify_state.c', '	if (f->shared == 1)\n		return f;', '	if (f->shared)\n		return f;',
     'verify_prune', 'test_never'),
    ('a state that was looked at in part ends paths', PRUNE, '			if (old->branches ? counted && token && token <= old->ids :',
     '			if (old->branches ? true :', 'verify_call', 'test_rounds'),
    # session programs
    ('session cookies not zeroed', SLOTS, 'for (unsigned i = 0; i < p->cookies; i++)',
     'for (unsigned i = 0; i < 0 * p->cookies; i++)', 'session', 'test_cookies_begin_at_zero'),
    ('ctx[-1] not rewritten before a program with a cookie', EMIT,
     '	if (cookie)\n		parts_put_word(a, p, kind, cookie);\n',
     '	if (cookie && false)\n		parts_put_word(a, p, kind, cookie);\n', 'session',
     'test_words_and_cookies'),
    ('ctx[-1] not rewritten before the exit programs', EMIT,
     'if (kind == TRAMP_FEXIT && p->fill_return)', 'if (kind == TRAMP_FEXIT && false)', 'session',
     'test_session_without_cookie'),
    ('is-return bit lost', SLOTS, '(kind == TRAMP_FEXIT ? TRAMP_IS_RETURN : 0)',
     '(kind == TRAMP_KINDS ? TRAMP_IS_RETURN : 0)', 'session', 'test_words_and_cookies'),
    ('no room for session cookies in the frame', PLAN, '	down += 8u * p->cookies;\n', '', 'session',
     'test_words_and_cookies'),
    ('first session cookie overlaps the lowest word', PLAN,
     '	p->cookie = -(int32_t)down - 8;\n', '	p->cookie = -(int32_t)down;\n', 'session',
     'test_words_and_cookies'),
    ('session cookies not zeroed, seed', SEED,
     '	for (unsigned i = 0; i < p->cookies; i++)\n', '	for (unsigned i = 1; i < p->cookies; i++)\n',
     'session', 'test_seed_layout'),
    ('first session cookie overlaps the address, seed', SEED,
     '	p->cookie = -(int32_t)down - 8;\n', '	p->cookie = -(int32_t)down;\n', 'session',
     'test_seed_layout'),
    ('cookie index beyond 8 bits', 'src/tramp/tramp.h', '#define TRAMP_MAX_COOKIES  250',
     '#define TRAMP_MAX_COOKIES  251', 'session', 'test_many_cookies'),
    ("a session's code written twice", EMIT, 'return prog->session && kind == TRAMP_FEXIT;',
     'return prog->session && kind == TRAMP_KINDS;', 'session', 'test_words_and_cookies'),
    ('bit 62 taken for is-return', 'src/bpf/jit.c',
     'x86_shift_ri(a, X86_SHR, X86_Q, RAX, 63);', 'x86_shift_ri(a, X86_SHR, X86_Q, RAX, 62);',
     'kfunc', 'test_is_return'),
    ('session cookie above ctx', 'src/bpf/jit.c', '		x86_neg(a, X86_Q, RAX);\n', '', 'kfunc',
     'test_cookie'),
    ('all of ctx[-1] taken for the count, in line', 'src/bpf/jit_helper.c',
     'x86_load(j->a, X86_B, RAX, X86_MEM(RDI, -8));',
     'x86_load(j->a, X86_Q, RAX, X86_MEM(RDI, -8));', 'kfunc', 'test_count_is_the_low_byte'),
    ('all of ctx[-1] taken for the count, in helpers', 'src/rt/func.c', 'return ctx[-1] & 0xff;',
     'return ctx[-1];', 'kfunc', 'test_count_is_the_low_byte'),
    ('the return address into the function taken for the caller, ours', EMIT,
     '				   .ret = p->args - 8,\n', '				   .ret = 8,\n', 'patched',
     'ours, by call'),
    ('the return address into the function taken for the caller, seed', SEED,
     '				   .ret = p->args - 8,\n', '				   .ret = 8,\n', 'patched',
     'seed, by call'),
    ('rbp at the hit taken for the return address', 'src/bpf/jit_helper.c',
     'j->tramp->ret - j->tramp->ctx', '-j->tramp->ctx', 'walk', 'test_compiled'),
    ('only the nearest frame is looked at', 'src/rt/tail.c', '#define FRAMES 16',
     '#define FRAMES 1', 'tail', 'test_others_are_not_its_own'),
    ('an exit that is lost is not counted', 'src/rt/tail.c',
     '__atomic_fetch_add(&a->no_exit, 1,', '__atomic_fetch_add(&a->no_exit, 0,', 'tail',
     'test_too_many'),
    ('any call of ours taken for one of an original', 'src/rt/tail.c',
     ' || state[3] != CALL_MARK', '', 'tail', 'test_only_calls_of_originals'),
    ('a frame without a tag gone through', 'src/rt/tail.c',
     '(load(frame + OFF_TAG) & TAG_MAGIC) == TAG_MAGIC ? frame : 0', 'frame', 'tail',
     'test_without_a_tag'),
    ('frames of ours are shown', 'src/rt/stack.c', '		if (pc - r->lo >= r->size)\n',
     '		if (pc || r->lo)\n', 'stack', 'test_image_frames'),
    ('a frame may be below', 'src/rt/stack.c', 'if (fp <= w->at ||', 'if (fp <= 8 ||', 'stack',
     'test_circles'),
    ('the state behind the call, not of it', 'src/rt/stack.c',
     'uint64_t pc = w->pc - !w->exact;', 'uint64_t pc = w->pc;', 'stack',
     'test_image_frames'),
    # results of every class
    ('st1 shown for st0', SLOTS, 'X86_MEM(RSP, 32 + 8 * (int32_t)j)',
     'X86_MEM(RSP, 48 + 8 * (int32_t)j)', 'emit', 'test_random'),
    ('x87 read by what pops', SLOTS, '	x86_fxsave(a, X86_MEM(RSP, 0));\n',
     '	x86_fxsave(a, X86_MEM(RSP, 0));\n	x86_fstp_t(a, X86_MEM(RSP, 32));\n', 'emit',
     'test_random'),
    ('no room for what fxsave stores', 'src/tramp/room.c', 'parts_shows_x87(p) ? PARTS_FXSAVE : 0',
     '0', 'plan', 'test_room_for_x87'),
    ('half of a zmm shown', PLAN, '	while (slots < n)\n', '	while (slots < n && slots < 4)\n', 'plan',
     'test_wide_vectors'),
    ('real and imaginary part set the wrong way round', SLOTS, 'slot(p, v->slot + 2 * (j - 1))',
     'slot(p, v->slot + 2u * (v->place.nregs - j))', 'abi', 'another result than was set'),
    ('rax not told where a result was set', SLOTS,
     '	x86_store(a, X86_Q, home(p, RAX), RAX);\n	if (tramp_plan_fills',
     '	if (tramp_plan_fills', 'abi', 'another result than was set'),
    ('a result of another size set', 'src/rt/func.c', '!size || size != want', '!size || size > want',
     'kfunc', 'test_set_result'),
    ('errno set by 64 bits', 'src/x86/asm_insn.c', 'op_fs(a, 0x89, false, src, off);',
     'op_fs(a, 0x89, true, src, off);', 'asm', 'fs operand'),
    # the interpreter in the target, and checked mode
    ("the interpreter's own stack not counted", 'src/bpf/interp_body.c', ' + INTERP_STACK +', ' +',
     'interp', 'test_stack'),
    ('registers that the interpreter changes not saved', 'src/bpf/jit.c',
     '	b->body.facts.clobbers = X86_CALLER_SAVED;\n	b->body.facts.stack_bytes = interp',
     '	b->body.facts.stack_bytes = interp', 'engine', 'test_body_context'),
    ('a kept pointer outlives its stack', 'src/bpf/shadow.c', '		if (c->call[k].serial == serial)',
     '		if (c->call[k].serial >= serial)', 'shadow', 'test_stack_of_functions'),
    ('half of a stored pointer is a pointer', 'src/bpf/shadow.c', '		else if (c->byte[k] == BYTE_POINTER)',
     '		else if (k > at && c->byte[k] == BYTE_POINTER)', 'shadow', 'test_spills'),
    ("a callee's stack keeps the pointers of the one before", 'src/bpf/shadow.c',
     '	memset(&c->byte[index_of(c, call->lo)], BYTE_NUMBER, call->fp - call->lo);\n',
     '	memset(&c->byte[index_of(c, call->lo)], BYTE_NUMBER, call->fp > call->lo);\n', 'shadow',
     'test_stack_of_functions'),
    ('a record submitted is still ours', 'src/bpf/interp_args.c',
     '		*shadow_record(c, c->r[r].index) = 0;\n',
     '		*shadow_record(c, c->r[r].index) |= 0;\n', 'shadow', 'test_records'),
    ('what a helper fills not set', 'src/bpf/interp_args.c',
     '		shadow_set(c, c->arg[r], (uint32_t)c->arg[r + 1], NULL);\n', '		;\n', 'shadow', 'test_sizes'),
    ('differences of pointers are pointers', 'src/bpf/interp_check.c',
     "	if (a->type != SHADOW_NUMBER && b->type == SHADOW_NUMBER)", '	if (a->type != SHADOW_NUMBER)',
     'shadow', 'test_arithmetic'),
]


def read(base, path):
    return (base / path).read_text(encoding='utf-8')


def check():
    bad = 0
    for name, path, old, new, program, _ in FAULTS:
        n = read(ROOT, path).count(old)
        ok = n == 1 and old != new and program in PROGRAMS
        bad += not ok
        print(f'{"" if ok else "not "}ok - {name}' + ('' if ok else f': {n} places in {path}'))
    print(f'1..{len(FAULTS)}')
    return bad


def copy_tree():
    files = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT, check=True,
                           capture_output=True, text=True).stdout.split('\n')
    for f in filter(None, files):
        src, dst = ROOT / f, COPY / 'tree' / f
        if src.is_file() and not (dst.exists() and dst.read_bytes() == src.read_bytes()):
            dst.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(src, dst)
    if not (COPY / 'build/build.ninja').exists():
        subprocess.run(['meson', 'setup', COPY / 'build', COPY / 'tree'], check=True,
                       capture_output=True)


def ninja(programs):
    targets = [w for p in programs for w in PROGRAMS[p]
               if isinstance(w, str) and re.match('tests/|src/|utramp$', w)]
    return subprocess.run(['ninja', '-C', COPY / 'build', *dict.fromkeys(targets)],
                          capture_output=True, text=True, check=False)


def failed_cases(text):
    out = re.findall(r'^\[  FAILED  \] (\w+)', text, re.M)
    return out + re.findall(r'^not ok \d+ - (.*)$', text, re.M)


def notices(program, case):
    """Does the case fail?  What there is to say."""
    try:
        r = subprocess.run(PROGRAMS[program], cwd=COPY / 'build', capture_output=True, text=True,
                           errors='replace', timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return True, f'{program}: runs for ever'
    if r.returncode < 0:
        return True, f'{program}: dies of signal {-r.returncode}'
    failed = failed_cases(r.stdout + r.stderr)
    hit = [c for c in failed if case is None or case in c]
    return bool(hit), f'{program}: {hit[0]}' if hit else f'{program}: failed {failed[:3]}'


def plant(fault):
    name, path, old, new, program, case = fault
    file = COPY / 'tree' / path
    text = read(COPY / 'tree', path)
    file.write_text(text.replace(old, new, 1), encoding='utf-8')
    try:
        built = ninja([program])
        if built.returncode:
            return False, 'does not build: ' + built.stdout[-400:]
        return notices(program, case)
    finally:
        file.write_text(text, encoding='utf-8')


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--check', action='store_true')
    ap.add_argument('names', nargs='*', help='parts of names of faults; none: all')
    args = ap.parse_args()
    if check():
        return 1
    if args.check:
        return 0
    faults = [f for f in FAULTS if not args.names or any(n in f[0] for n in args.names)]
    programs = {f[4]: None for f in faults} if args.names else PROGRAMS
    copy_tree()
    built = ninja(programs)
    if built.returncode:
        print(built.stdout)
        return 1
    for program in programs:
        hit, what = notices(program, None)
        if hit:
            print(f'without a fault {what} fails')
            return 1
    survivors = 0
    for fault in faults:
        start = time.monotonic()
        dead, what = plant(fault)
        survivors += not dead
        print(f'{"killed " if dead else "ALIVE  "} {fault[0]}: {what} '
              f'({time.monotonic() - start:.1f} s)', flush=True)
    print(f'{len(faults) - survivors} killed, {survivors} survive')
    return survivors != 0


sys.exit(main())
