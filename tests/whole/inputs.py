"""inputs.py - what the traced programs work on: made here, the same bytes each time."""
import random


def statements(n=1000):
    """n SQL statements of every kind: some fail, and the shell goes on."""
    r = random.Random(5)
    out = ['create table t(a integer primary key, b text, c real, d blob);',
           'create table u(k text unique, n integer check(n < 900), t references t(a));',
           'create index tb on t(b, c desc);', 'create view v as select b, sum(c) s from t group by b;',
           'create trigger g after delete on t begin insert into u values(old.b || old.a, old.a % 900, null); end;']
    while len(out) < n:
        i, x = len(out), r.randrange(1000)
        out.append(r.choice((
            f"insert into t values({i}, 'row {x % 97}', {x} / 7.0, zeroblob(9));",
            f"insert into t(b, c, d) values(upper('n{x}'), {x}e-3, x'{x:06x}');",
            f"insert or replace into u values('k{x % 50}', {x}, {i});",
            f"insert into u values('k{x % 50}', {x}, null);",
            f"update t set c = c * 1.5 + {x}, b = substr(b || '{x}', 2) where a % 13 = {x % 13};",
            f"delete from t where a = {x};",
            f"select count(*), round(sum(c), 6), max(b), hex(min(d)) from t where b like '%{x % 10}%';",
            f"select b, c, row_number() over (partition by length(b) order by c, a) from t limit {x % 9};",
            f"with recursive n(i) as (select 1 union all select i + 1 from n where i < {x}) "
            'select sum(i * i % 101), group_concat(i % 7, \'\') from n where i % 50 = 0;',
            f"select json_extract('{{\"a\": [1, {x}, \"z\"]}}', '$.a[{x % 3}]'), printf('%08.3f|%-9s|%x', {x} / 3.0, 'q', {x});",
            f"select * from t left join u on u.t = t.a where u.n > {x} order by 1 limit 3;",
            'select * from v order by s, b limit 2;',
            f"savepoint s; insert into t values(null, 's', {x}, null); rollback to s; release s;"
            if x % 2 else f'begin; delete from u where n = {x}; rollback;',
            f'select no_such_column_{x} from t;',
            f"explain query plan select * from t where b = 'row {x % 97}' and c > 3;",
            'pragma integrity_check;' if x % 5 == 0 else 'analyze;')))
    return '\n'.join(out) + '\n'


def mixed(size=400_000):
    """Text, records and noise: all that a compressor has ways for."""
    r, out = random.Random(6), bytearray()
    words = [bytes(r.choices(b'abcdefghijklmnopqrstuvwxyz', k=r.randrange(2, 11))) for _ in range(700)]
    while len(out) < size:
        kind = r.randrange(4)
        if kind == 0:
            out += b' '.join(r.choices(words, k=400)) + b'\n'
        elif kind == 1:
            out += b''.join(i.to_bytes(4, 'little') + b'\0\1\0\0' for i in range(r.randrange(900)))
        elif kind == 2:
            out += r.randbytes(r.randrange(3000))
        else:
            out += bytes([r.randrange(256)]) * r.randrange(5000)
    return bytes(out[:size])


def words(n=8000):
    return ''.join(f'{i * 7919 % 10007} w{i * i % 97} {i % 13}.{i % 7}\n' for i in range(n))


PERL = r'''
use strict; use warnings;
my (%h, $n);
for my $i (1 .. 5000) {
    my $k = "k" . ($i * 7919 % 211);
    $h{$k} .= chr(65 + $i % 26);
    $n += length $h{$k};
}
print "$n\n", join(",", map { "$_=" . substr($h{$_}, 0, 5) } sort keys %h), "\n";
my $caught = 0;                                   # die leaves perl's own frames by siglongjmp()
for my $i (1 .. 300) { eval { die { n => $i } if $i % 2; 1 } or $caught += $@->{n}; }
print "$caught\n";
(my $t = "the quick brown fox " x 50) =~ s/(\w+) (\w+)/$2 $1/g;
print length($t), " ", unpack("%32C*", $t), "\n";
printf "%.15g %s\n", exp(1) ** 3.3, join " ", map { sprintf "%08b", $_ } unpack "C*", pack "N d<", 123456, 1.5;
sub fib { my $n = shift; $n < 2 ? $n : fib($n - 1) + fib($n - 2) }
print fib(17), "\n";
my $bytes = do { local (@ARGV, $/) = ("mixed"); <> };
my $hex = unpack "H*", $bytes;                    # and back again
open my $out, ">", "back" or die $!;
print $out pack "H*", $hex;
close $out;
my $pid = fork() // die;                          # a child goes on in the same code
if (!$pid) { exit fib(10) % 50 }
waitpid $pid, 0;
print $? >> 8, "\n";
$SIG{USR1} = sub { die "signal\n" };
eval { kill USR1 => $$; select undef, undef, undef, 9 };
print STDERR "caught $@";
my @s = sort { $a->[1] <=> $b->[1] || $a->[0] cmp $b->[0] } map { [$_, $h{$_} =~ tr/A-M//] } keys %h;
print join(" ", map { "@$_" } @s[0 .. 20]), "\n";
exit 3;
'''

AWK = r'''
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) }
{ n[$2] += $1; s[$2] = s[$2] substr($3, 1, 2); if (match($2, /w[1-4]+/)) m[substr($2, RSTART, RLENGTH)]++ }
NR % 100 == 0 { gsub(/[0-9]/, "<&>"); print NR, toupper($0), sprintf("%.6e|%5d|%x", $1 / 3, NR, NR) }
END {
    for (k in n) print k, n[k], length(s[k]) | "sort"
    close("sort")
    for (k in m) total += m[k]
    print total, fib(16), exp(1.5), sin(2), int(atan2(1, -1) * 1e9), substr("abc" 3 + 4, 2)
    while (("echo a b; echo c" | getline line) > 0) print "line", line, split(line, parts)
    exit 4
}
'''


def c_source(lines=5000):
    """A C file of at least so many lines: structs, floats, switches, loops, calls of each other."""
    r = random.Random(7)
    out = ['typedef unsigned long long u64;', 'extern int printf(const char *, ...);',
           'struct p { int a; double b; short c[5]; struct p *next; };',
           'union q { u64 u; double d; unsigned char b[8]; };']
    n = 0
    while len(out) < lines:
        k = [r.randrange(1, 99) for _ in range(9)]
        prev = f'f{r.randrange(n)}' if n else 'u64'
        out += [
            f'{"static " if n % 3 else ""}u64 f{n}(u64 x, int y, double z, struct p *s, long a, long b, char c, union q q)',
            '{', f'\tu64 t[{k[0]}] = {{ x, {k[1]}, y }}, r = x ^ {k[2]}u;',
            f'\tfor (int i = 0; i < {k[0]}; i++) {{', f'\t\tt[i] += (u64)(z * i) + s->c[i % 5] * {k[3]};',
            f'\t\tif (t[i] % {k[4] + 1} == {k[5] % (k[4] + 1)})', '\t\t\tr = r * 31 + t[i];', '\t\telse',
            f'\t\t\tr ^= q.b[i & 7] >> {k[6] % 8};', '\t}', f'\tswitch ((int)(r % {k[7] % 11 + 3})) {{']
        for c in range(k[7] % 11 + 3):
            out += [f'\tcase {c}:', f'\t\tr += a * {r.randrange(99)} - (b >> {c});',
                    f'\t\ts->b = s->b * {r.randrange(99)}.25 - z;' if c % 2 else '\t\ty -= c;', '\t\tbreak;']
        out += ['\t}', '\twhile (y-- > 0 && s->next) {', '\t\ts = s->next;',
                f'\t\tr = r << {k[8] % 63} | r >> {64 - k[8] % 63 - (k[8] % 63 == 0)};', '\t}']
        if n:
            out.append(f'\treturn {prev}(r, y, z + 1, s, b, a, c, q) + r;')
        else:
            out.append('\treturn r;')
        out += ['}', '']
        n += 1
    out += ['int main(void)', '{', '\tstruct p s = { 1, 2.5, { 3, 4, 5 }, 0 };', '\tunion q q = { 7 };',
            f'\tprintf("%llu\\n", f{n - 1}(1, 2, 3, &s, 4, 5, 6, q));', '\treturn 0;', '}']
    return '\n'.join(out) + '\n'
