#!/usr/bin/env python3
"""How long it takes until a model has answered its first token, with the file in memory.

Three ways take turns: making panels at load; a pack of them, which an earlier load kept, in a cache folder that
is thrown away; and that after all pages of the files were touched (--prefault). Medians of the rounds, in seconds,
with the lowest and highest. "open" is until quant_model_open() returns, "first token" until the logits of one token
are there, which the panels are part of."""
import argparse
import json
import math
import os
import statistics
import subprocess
import tempfile
import time

WAYS = [('packing', ['--pack-cache', 'off']), ('pack', ['--pack-cache', '1TB']),
        ('pack, prefault', ['--pack-cache', '1TB', '--prefault'])]
SETTLED = 3  # Seconds after which a changed file's times tell its next change.


def times(quantctl, path, options, cache):
    """Seconds to open, to the first token, and generated tokens a second."""
    words = [quantctl, 'bench', path, '--prompt-tokens', '1', '--decode-tokens', '16', '--rounds', '1', '--json']
    out = subprocess.run(words + options, env={**os.environ, 'XDG_CACHE_HOME': cache}, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, check=True).stdout
    found = json.loads(out)
    return found.get('open_seconds', math.nan), found['load_seconds'], found['decode_per_second']


def spread(values, digits=2):
    return f'{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})'


def measure(arguments, path):
    with tempfile.TemporaryDirectory(dir=arguments.cache_in, prefix='quant-load-') as cache:
        wait = SETTLED - (time.time() - os.stat(path).st_ctime)
        time.sleep(max(0, wait))
        ways = [(way, arguments.quantctl, options) for way, options in WAYS]
        if arguments.other:
            ways.append(('other', arguments.other, []))
        rows = {way: [] for way, _, _ in ways}
        first = times(arguments.quantctl, path, WAYS[1][1], cache)  # Keeps the pack, and the file is in memory then.
        for _ in range(arguments.rounds):
            for way, quantctl, options in ways:
                rows[way].append(times(quantctl, path, options, cache))
    name = os.path.basename(path)
    print(f'{name}, {os.path.getsize(path) / 1e9:.3f} GB; keeping the pack took until {first[1]:.2f} s')
    for way, _, _ in ways:
        opened, token, decode = zip(*rows[way])
        print(f'  {way:16} open {spread(opened)}  first token {spread(token)}  tok/s {spread(decode, 1)}', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('files', nargs='+')
    parser.add_argument('--quantctl', default='build/cli/quantctl')
    parser.add_argument('--other', help='a quantctl of another build, to take its turns without options')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--cache-in', help='a folder for the packs while this runs, of the file system to measure')
    arguments = parser.parse_args()
    for path in arguments.files:
        measure(arguments, path)


if __name__ == '__main__':
    main()
