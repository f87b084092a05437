#!/usr/bin/env python3
"""How fast generating stays while another process keeps one of our cores busy.

    bench/neighbour.py --quantctl build/cli/quantctl [--generate 64] [--rounds 7] [--cores 0,1]
                       [--core N] FILE.gguf ...

Each round times `quantctl bench` alone, and then with one busy process pinned to a core,
the cores taking turns (or only --core). Of the core that it has to share, we are due half: on n cores the fair
share is (n - 1/2) / n of the speed alone. Prints, for each file, medians with the lowest and
highest of the rounds, the ratio of the medians, and that ratio against the fair share;
ends with status 1 where it is under three quarters of the fair share.
"""
import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

BUSY = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nprint(flush=True)\nwhile True: pass\n"
IN_PROPORTION = 0.75


@contextlib.contextmanager
def neighbour(core):
    process = subprocess.Popen([sys.executable, "-c", BUSY, str(core)], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()  # It is on its core.
        yield
    finally:
        process.kill()
        process.wait()


def generation(args, file, env):
    words = [args.quantctl, "bench", file, "--rounds", 1, "--prompt-tokens", 16, "--decode-tokens", args.generate, "--json"]
    done = subprocess.run([str(w) for w in words], env=env, capture_output=True, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, args.cores))
    if done.returncode != 0:
        sys.exit(f"{file}: {done.stderr[-1500:]}")
    return json.loads(done.stdout)["decode_per_second"]


def cell(values):
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quantctl", type=pathlib.Path, required=True)
    parser.add_argument("--generate", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cores", type=lambda text: {int(core) for core in text.split(",")},
                        default=os.sched_getaffinity(0))
    parser.add_argument("--core", type=int)
    parser.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE")
    args = parser.parse_args()
    cores = sorted(args.cores) if args.core is None else [args.core]
    fair = (len(args.cores) - 0.5) / len(args.cores)
    print(f"{len(args.cores)} cores; with a neighbour on one of them, {fair:.2f} of the speed alone is fair.\n")
    print("| file | alone, tok/s | with a neighbour | ratio | of the fair share |\n" + "|---" * 5 + "|")
    worst = 1.0
    with tempfile.TemporaryDirectory() as home:
        env = dict(os.environ, QUANT_HOME=home)
        for file in args.files:
            alone, shared = [], []
            for turn in range(args.rounds):
                alone.append(generation(args, file, env))
                with neighbour(cores[turn % len(cores)]):
                    shared.append(generation(args, file, env))
            ratio = statistics.median(shared) / statistics.median(alone)
            worst = min(worst, ratio / fair)
            print(f"| {file.stem} | {cell(alone)} | {cell(shared)} | {ratio:.2f} | {ratio / fair:.2f} |", flush=True)
    return 0 if worst >= IN_PROPORTION else 1


if __name__ == "__main__":
    sys.exit(main())
