#!/usr/bin/env python3
"""How fast quantctl convert is, and how much memory it takes: a random checkpoint is laid out again in other formats.

    convert_speed.py QUANTCTL CHECKPOINT FORMAT... [--rounds N]

CHECKPOINT is a folder or a file, of bench/random_checkpoint.py for one. For each FORMAT a line: megabytes of the source a
second and core (all workers' seconds, of user and system), megabytes a second, and the most memory that was not of mapped
files. The source is read once before, so that it is in memory where it fits.
"""
import argparse
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time


def bytes_of(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(path, name)) for name in os.listdir(path) if name.endswith('.safetensors'))


def read_all(path):
    files = [path] if os.path.isfile(path) else [os.path.join(path, name) for name in os.listdir(path)]
    for name in files:
        with open(name, 'rb') as file:
            while file.read(1 << 24):
                pass


def anonymous_bytes(pid):
    """Memory of a process that is of no file."""
    try:
        with open('/proc/%d/status' % pid, encoding='ascii') as file:
            return sum(int(line.split()[1]) * 1024 for line in file if line.startswith('RssAnon'))
    except (FileNotFoundError, ProcessLookupError):
        return 0


def convert(quantctl, source, name, environment, out):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    process = subprocess.Popen([quantctl, 'convert', source, out, '--to', name, '--method', 'round'], env=environment,
                               stdout=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:
        most = max(most, anonymous_bytes(process.pid))
        time.sleep(0.02)
    seconds = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode != 0:
        raise SystemExit('%s: failed' % name)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, most


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('quantctl')
    parser.add_argument('checkpoint')
    parser.add_argument('formats', nargs='+')
    parser.add_argument('--rounds', type=int, default=3)
    given = parser.parse_args()
    size = bytes_of(given.checkpoint) / 1e6
    read_all(given.checkpoint)
    with tempfile.TemporaryDirectory(dir=os.environ.get('TMPDIR')) as folder:
        environment = dict(os.environ, QUANT_HOME=os.path.join(folder, 'home'))
        print('%-24s %14s %10s %12s' % ('format', 'MB/s a core', 'MB/s', 'memory'))
        for name in given.formats:
            found = []
            for round_number in range(given.rounds):
                out = os.path.join(folder, 'out.gguf' if name.startswith('gguf:') else 'out')
                found.append(convert(os.path.abspath(given.quantctl), given.checkpoint, name, environment, out))
                shutil.rmtree(os.path.join(folder, 'home'), ignore_errors=True)
                os.unlink(out) if os.path.isfile(out) else shutil.rmtree(out)
            seconds, of_cores = (statistics.median(f[i] for f in found) for i in (0, 1))
            print('%-24s %14.0f %10.0f %9.0f MB' % (name, size / of_cores, size / seconds, max(f[2] for f in found) / 1e6))


if __name__ == '__main__':
    main()
