#!/usr/bin/env python3
"""How many instructions kernels take, which is the same on a busy machine as on a quiet one.

    instructions.py --work build/bench/kernel_work [--loops] [--check]

Writes bench/instructions.txt; with --check compares with it instead, and exits 1 where a number
grew by more than 2 %. Lines say where a number is from:
    run   instructions of one call, counted by valgrind's callgrind: the difference of two numbers of
          calls. Callgrind does not know AVX-512, so these are of the AVX2 tier.
    loop  instructions of the longest innermost loop of a kernel's code, as it was compiled: for the
          AVX-512 tiers. All of a kernel's time is in such a loop, so that one more is seen here, too.
Both depend on the compiler, which the table names; another one's numbers are not compared.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'instructions.txt')
MOST_GROWTH = 0.02
CALLS = 3, 13
SKIPPED = 77

# Names of kernels, and what the function is called that does them.
SIMD = r'simd::%s<quant::kernel::avx512::Simd'
LOOPS = {
    'gemm': SIMD % 'GemmTile' + r', 4, 6, quant::kernel::simd::FloatWeights<.*::run',
    'silu_multiply': SIMD % 'silu_multiply' + '>',
    'one-token-Q4_K': SIMD % 'dot_blocks' + r', quant::kernel::simd::Q4_K>',
    'one-token-Q6_K': SIMD % 'dot_blocks' + r', quant::kernel::simd::Q6_K>',
    'one-token-Q8_0': SIMD % 'dot_blocks' + r', quant::kernel::simd::Q8_0>',
    'bytes-Q4_K': r'avx512vnni::run_tile<2, 6, 32ul, 256ul, true>',
    'bytes-Q8_0': r'avx512vnni::run_tile<2, 6, 32ul, 32ul, false>',
    'panel-Q4_K': r'avx512vnni::(panel_of<\(quant_encoding\)12>|run_panel<.*PlaneUnit<\(quant_encoding\)12>, 1>)',
    'panel-8-tokens-Q8_0': r'avx512vnni::run_panel<.*PlaneUnit<\(quant_encoding\)8>, 8>',
    'panel-16-tokens-Q4_K': r'avx512vnni::run_lanes<quant::kernel::PanelLayout\{\(quant_encoding\)12,',
    'panel-16-tokens-Q8_0': r'avx512vnni::run_lanes<quant::kernel::PanelLayout\{\(quant_encoding\)8,',
    'pair-scores': r'simd::pair_scores<quant::kernel::avx512::Simd, quant::kernel::avx512vnni::',
    'pair-values': r'simd::pair_add_values<quant::kernel::avx512::Simd, quant::kernel::avx512vnni::',
    'panel-Q8_0': r'avx512vnni::(panel_of<\(quant_encoding\)8>|run_panel<.*PlaneUnit<\(quant_encoding\)8>, 1>)',
}


def compiler_of(program):
    """As the compiler wrote it into the program."""
    text = subprocess.run(['readelf', '-p', '.comment', program], check=True, capture_output=True, text=True).stdout
    return re.search(r'\]\s+(.*)', text).group(1).strip()


def executed(program, tier, kernel, calls):
    """Instructions of a whole run, or None where the tier has no such kernel."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=%s/out' % folder, program, tier, kernel,
                              str(calls)], capture_output=True, text=True, check=False)
    if run.returncode == SKIPPED:
        return None
    if run.returncode != 0:
        sys.exit('%s %s %s: %s' % (program, tier, kernel, run.stderr))
    return int(re.search(r'Collected : (\d+)', run.stderr).group(1))


def count_runs(program, tier):
    """(tier, what, kernel) to instructions of a call."""
    counts = {}
    for kernel in subprocess.run([program], check=True, capture_output=True, text=True).stdout.split():
        few, many = (executed(program, tier, kernel, calls) for calls in CALLS)
        if few is not None:
            counts[tier, 'run', kernel] = round((many - few) / (CALLS[1] - CALLS[0]))
    return counts


def functions_of(program):
    """(name, [(address, text)]) of each function."""
    lines = subprocess.run(['objdump', '-d', '--no-show-raw-insn', '-C', program], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    name, code = None, []
    for line in lines + ['0 <>:']:
        start = re.match(r'[0-9a-f]+ <(.*)>:$', line)
        if start:
            if code:
                yield name, code
            name, code = start.group(1).replace('(anonymous namespace)::', ''), []
        else:
            instruction = re.match(r'\s*([0-9a-f]+):\t(.*)', line)
            if instruction:
                code.append((int(instruction.group(1), 16), instruction.group(2)))


def longest_loop(code):
    """Instructions from the target of a jump back to that jump, of loops that hold no other loop."""
    place = {address: i for i, (address, _) in enumerate(code)}
    loops = []
    for i, (_, text) in enumerate(code):
        jump = re.match(r'j(?!mp)\w+\s+([0-9a-f]+)', text) # Behind a loop's end: jmp is a way back from code aside.
        begin = place.get(int(jump.group(1), 16)) if jump else None
        if begin is not None and begin <= i:
            loops.append((begin, i))
    inner = [loop for loop in loops
             if not any(other != loop and loop[0] <= other[0] and other[1] <= loop[1] for other in loops)]
    return max((end - begin + 1 for begin, end in inner), default=0)


def count_loops(program):
    counts = {}
    for name, code in functions_of(program):
        for kernel, pattern in LOOPS.items():
            if re.search(pattern, name):
                key = 'avx512vnni', 'loop', kernel
                counts[key] = max(counts.get(key, 0), longest_loop(code))
    return counts


def read_table():
    with open(TABLE, encoding='utf-8') as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith('#')]
    compiler = ' '.join(lines[0][1:])
    return compiler, {tuple(words[:3]): int(words[3]) for words in lines[1:]}


def write_table(compiler, counts):
    with open(TABLE, 'w', encoding='utf-8') as file:
        file.write('# Tier, run or loop, kernel, instructions: bench/instructions.py says what they are.\n')
        file.write('compiler %s\n' % compiler)
        for key, count in sorted(counts.items()):
            file.write('%s %d\n' % (' '.join(key), count))


def compare(compiler, counts):
    """Whether nothing grew."""
    known_compiler, known = read_table()
    if compiler != known_compiler:
        print('the table is of %s, this program of %s: not compared' % (known_compiler, compiler))
        return True
    grown = 0
    for key in sorted(known.keys() - counts.keys()):
        if key[1] in {k[1] for k in counts}: # Kinds that were counted at all.
            grown += 1
            print('%s: no function of that name was found' % ' '.join(key))
    for key, count in sorted(counts.items()):
        before = known.get(key)
        if before is None:
            print('%s: new, %d' % (' '.join(key), count))
        elif count != before:
            bad = count > before * (1 + MOST_GROWTH)
            grown += bad
            print('%s: %d, was %d (%+.1f %%)%s' % (' '.join(key), count, before, 100 * (count / before - 1),
                                                   ', too many' if bad else ''))
    return grown == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n', maxsplit=1)[0])
    parser.add_argument('--work', required=True, help='the program kernel_work')
    parser.add_argument('--loops', action='store_true', help='loops only, which takes seconds')
    parser.add_argument('--check', action='store_true', help='compare with the table')
    options = parser.parse_args()
    counts = count_loops(options.work)
    if not options.loops:
        counts.update(count_runs(options.work, 'avx2'))
    if options.check:
        return 0 if compare(compiler_of(options.work), counts) else 1
    if options.loops:
        for key, count in sorted(counts.items()):
            print('%s %d' % (' '.join(key), count))
    else:
        write_table(compiler_of(options.work), counts)
    return 0


if __name__ == '__main__':
    sys.exit(main())
