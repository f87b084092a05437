#!/usr/bin/env python3
"""Overhead over C: overhead.py BASELINE MODEL [ROUNDS], where BASELINE is bindings/conformance/baseline.c, compiled.

Prints, as medians of rounds that take turns:
- microseconds of CPU time for a text callback, called in a loop of C, less those for one in C (needs cc);
- microseconds for each token of a greedy generation, less those of BASELINE. The clock runs for the model, too: of use on a
  quiet machine only;
- the speed of encoding 64 MiB of floats as a share of that of the bare C function, by the CPU time of all threads, and of
  BASELINE's, by the clock.
"""
import array
import ctypes
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import libquant
from libquant import _native as n
from libquant._callback import Callbacks
from libquant._library import check, lib, options
from libquant.encoding import encoding_id

CALLS, TOKENS, MIB, COLS = 100_000, 400, 64, 4096


def baseline(program, *arguments):
    seconds, = [value for name, value in json.loads(subprocess.run([program, *map(str, arguments)], check=True, capture_output=True)
                                                    .stdout).items() if 'seconds' in name]
    return seconds


def timed(clock, function, *arguments):
    began = clock()
    function(*arguments)
    return clock() - began


def callback_cost(rounds):
    """Microseconds for a call from C, by CPU time; None without a compiler."""
    if not shutil.which('cc'):
        return None
    with tempfile.TemporaryDirectory() as folder:
        built = str(pathlib.Path(folder, 'loop.so'))
        subprocess.run(['cc', '-O2', '-shared', '-fPIC', pathlib.Path(__file__).with_name('callback_loop.c'), '-o', built], check=True)
        loop = ctypes.CDLL(built)
    loop.callback_loop.argtypes = [n.quant_text_fn, ctypes.c_size_t]
    in_c, callbacks = n.quant_text_fn(('ignore_text', loop)), Callbacks()
    in_python = callbacks.text(lambda piece: None)
    return 1e6 / CALLS * statistics.median(
        timed(time.thread_time, loop.callback_loop, in_python, CALLS) - timed(time.thread_time, loop.callback_loop, in_c, CALLS)
        for _ in range(rounds))


def token_seconds(model):
    with model.session() as session:
        made = session.generate('And', max_tokens=TOKENS, sampling=libquant.GREEDY, on_text=lambda piece: None)
    return made.decode_seconds / max(made.generated_tokens, 1)


def encoding_shares(program, name, rounds):
    """The package's speed over that of the bare function, by CPU time, and over the baseline's, by the clock."""
    count = MIB << 18
    weights = array.array('f', [((i * 7919 + 13) % 2001 - 1000) / 1024 for i in range(2001)] * (count // 2001 + 1))[:count]
    rows, number = count // COLS, encoding_id(name)
    out = (ctypes.c_ubyte * libquant.encoded_size(name, rows, COLS))()
    address, given = weights.buffer_info()[0], options(n.quant_encode_options, lib.quant_encode_options_init)
    given.method = libquant.Method.ROUND

    def bare():
        check(lib.quant_encode(number, address, rows, COLS, given, ctypes.addressof(out), len(out)))

    def package():
        libquant.encode(name, weights, rows, COLS, method=libquant.Method.ROUND, out=out)

    bare(), package()
    by_cpu = [timed(time.process_time, bare) / timed(time.process_time, package) for _ in range(rounds)]
    by_clock = [baseline(program, 'encode', name, MIB) / timed(time.perf_counter, package) for _ in range(rounds)]
    return statistics.median(by_cpu), statistics.median(by_clock)


def main():
    program, path, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 7
    cost = callback_cost(rounds)
    print('callback: %s' % ('not measured: no cc' if cost is None else '%.2f us over C, CPU time' % cost))
    with libquant.Model(path) as model:
        token_seconds(model)
        extra = statistics.median(token_seconds(model) - baseline(program, 'callbacks', path, TOKENS) for _ in range(rounds))
    print('token: %.2f us over C, by the clock' % (extra * 1e6))
    for name in ('Q8_0', 'Q4_0'):
        print('encode %s: %.1f %% of the speed of C by CPU time, %.1f %% by the clock'
              % (name, *(100 * share for share in encoding_shares(program, name, rounds))))


if __name__ == '__main__':
    main()
