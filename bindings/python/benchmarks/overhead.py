#!/usr/bin/env python3
"""Overhead over C, measured in turns with bindings/conformance/baseline.c: overhead.py BASELINE MODEL [ROUNDS]

Prints microseconds for each token callback, and the speed of encoding 64 MiB of floats as a share of C's.
"""
import array
import json
import statistics
import subprocess
import sys
import time

import libquant

TOKENS, MIB = 400, 64


def baseline(program, *arguments):
    seconds, = [value for name, value in json.loads(subprocess.run([program, *map(str, arguments)], check=True, capture_output=True)
                                                    .stdout).items() if 'seconds' in name]
    return seconds


def callbacks(model):
    count = 0

    def on_text(_):
        nonlocal count
        count += 1
    with model.session() as session:
        made = session.generate('In the beginning', max_tokens=TOKENS, sampling=libquant.GREEDY, on_text=on_text)
    return made.decode_seconds / max(made.generated_tokens, 1)


def encoding(name, weights, out):
    began = time.perf_counter()
    libquant.encode(name, weights, 1024, len(weights) // 1024, method=libquant.Method.ROUND, out=out)
    return time.perf_counter() - began


def main():
    program, path, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 7
    with libquant.Model(path) as model:
        callbacks(model)
        extra = statistics.median(callbacks(model) - baseline(program, 'callbacks', path, TOKENS) for _ in range(rounds))
    print('callback: %.2f us over C' % (extra * 1e6))
    count = MIB << 18
    weights = array.array('f', (((i * 7919 + 13) % 2001 - 1000) / 1024 for i in range(count)))
    for name in ('Q8_0', 'Q4_0'):
        out = bytearray(libquant.encoded_size(name, 1024, count // 1024))
        encoding(name, weights, out)
        ratios = [baseline(program, 'encode', name, MIB) / encoding(name, weights, out) for _ in range(rounds)]
        print('encode %s: %.1f %% of the speed of C' % (name, 100 * statistics.median(ratios)))


if __name__ == '__main__':
    main()
