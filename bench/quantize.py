#!/usr/bin/env python3
"""How long quantizing takes, beside llama-quantize, alternating on the same file.

    bench/quantize.py --quantctl build/cli/quantctl --peer DIR --model F16.gguf [--rounds 3] TYPE ...

Prints seconds (medians, lowest to highest) and the ratio of each round's pair. A model of
random weights of any size comes from bench/random_model.py, the peer from
bench/peers/build_llama_cpp.sh. One run of each comes first and does not count: it reads the
model into the page cache, and ours takes the model's digest for its catalog. Ours also takes
the digest of what it made, and waits until that is on the disk; the peer does neither.
Memory is the most that was resident and not of a mapped file, of ours.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time


def anonymous_bytes(pid):
    """Resident memory of a process that is no page of a file."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def timed(words, env):
    """Seconds, and the most anonymous memory, looked at ten times a second."""
    start, most = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+") as messages:
        process = subprocess.Popen([str(w) for w in words], env=env, stdout=messages, stderr=messages)
        while True:
            try:
                process.wait(0.1)
                break
            except subprocess.TimeoutExpired:
                most = max(most, anonymous_bytes(process.pid))
        seconds = time.perf_counter() - start
        if process.returncode != 0:
            messages.seek(0)
            sys.exit(f"{' '.join(map(str, words))}: {messages.read()[-800:]}")
    return seconds, most


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
    timed([args.quantctl, "quantize", args.model, "Q8_0", "--output", work / "out.gguf"], env)
    timed([args.peer / "llama-quantize", args.model, work / "out.gguf", "Q8_0", args.threads], env)
    (work / "out.gguf").unlink()
    print("| type | ours, s | llama-quantize, s | ours / theirs | memory, MB |\n|---|---|---|---|---|")
    for kind in args.types:
        ours, theirs, memory = [], [], []
        for _ in range(args.rounds):
            out = work / "out.gguf"
            seconds, most = timed([args.quantctl, "quantize", args.model, kind, "--output", out], env)
            ours.append(seconds), memory.append(most)
            out.unlink()
            theirs.append(timed([args.peer / "llama-quantize", args.model, out, kind, args.threads], env)[0])
            out.unlink()
        ratios = [a / b for a, b in zip(ours, theirs)]
        cell = lambda v, digits: f"{statistics.median(v):.{digits}f} ({min(v):.{digits}f} to {max(v):.{digits}f})"
        print(f"| {kind} | {cell(ours, 1)} | {cell(theirs, 1)} | {cell(ratios, 3)} | {max(memory) / 1e6:.0f} |", flush=True)


if __name__ == "__main__":
    main()
