#!/usr/bin/env python3
"""How long quantizing takes, beside llama-quantize, alternating on the same file.

    bench/quantize.py --quantctl build/cli/quantctl --peer DIR --model F16.gguf [--rounds 3] TYPE ...

Prints seconds (medians, lowest to highest) and the ratio of each round's pair. A model of
random weights of any size comes from bench/random_model.py.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time


def timed(words, env):
    start = time.perf_counter()
    done = subprocess.run([str(w) for w in words], env=env, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: {done.stderr[-800:]}")
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("quantctl", "peer", "model"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("types", nargs="+", metavar="TYPE")
    args = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="quant-speed-", dir=args.model.parent))
    env = dict(os.environ, QUANT_HOME=str(work / "home"), QUANT_THREADS=str(args.threads))
    print("| type | ours, s | llama-quantize, s | ours / theirs |\n|---|---|---|---|")
    for kind in args.types:
        ours, theirs = [], []
        for _ in range(args.rounds):
            out = work / "out.gguf"
            ours.append(timed([args.quantctl, "quantize", args.model, kind, "--output", out], env))
            out.unlink()
            theirs.append(timed([args.peer / "llama-quantize", args.model, out, kind, args.threads], env))
            out.unlink()
        ratios = [a / b for a, b in zip(ours, theirs)]
        cell = lambda v, digits: f"{statistics.median(v):.{digits}f} ({min(v):.{digits}f} to {max(v):.{digits}f})"
        print(f"| {kind} | {cell(ours, 1)} | {cell(theirs, 1)} | {cell(ratios, 3)} |", flush=True)


if __name__ == "__main__":
    main()
