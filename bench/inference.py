#!/usr/bin/env python3
"""Speed of our runtime and of llama.cpp's on the same files, in turns, as ratios with spread.

    bench/inference.py --quantctl build/cli/quantctl --peer DIR [--prompt 256] [--generate 32]
                       [--threads 2] [--rounds 5] FILE.gguf ...

DIR holds llama-bench of an unmodified llama.cpp (bench/peers/build_llama_cpp.sh makes it).
Each round runs ours and theirs once on a file; medians of the rounds are given, and the
median, lowest and highest of the rounds' ratios. Prints a table in Markdown.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile


def run(words, env=None):
    done = subprocess.run([str(w) for w in words], env=env, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: {done.stderr[-1500:]}")
    return json.loads(done.stdout)


def ours(args, file, env):
    found = run([args.quantctl, "bench", file, "--rounds", 1, "--prompt-tokens", args.prompt, "--decode-tokens",
                 args.generate, "--json"], env)
    return found["prefill_per_second"], found["decode_per_second"]


def theirs(args, file):
    found = run([args.peer / "llama-bench", "-m", file, "-p", args.prompt, "-n", args.generate, "-t", args.threads, "-r", 1,
                 "-o", "json"])
    by_kind = {("prompt" if row["n_prompt"] else "generate"): row["avg_ts"] for row in found}
    return by_kind["prompt"], by_kind["generate"]


def cells(mine, peers):
    ratios = sorted(m / p for m, p in zip(mine, peers))
    return [f"{statistics.median(mine):.1f}", f"{statistics.median(peers):.1f}",
            f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quantctl", type=pathlib.Path, required=True)
    parser.add_argument("--peer", type=pathlib.Path, required=True)
    for name, value in (("prompt", 256), ("generate", 32), ("threads", 2), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE")
    args = parser.parse_args()
    print("| file | GB | prompt: ours | llama.cpp | ratio | generation: ours | llama.cpp | ratio | ours, GB/s |")
    print("|" + "---|" * 9)
    with tempfile.TemporaryDirectory() as home:
        env = dict(os.environ, QUANT_HOME=home, QUANT_THREADS=str(args.threads))
        for file in args.files:
            rounds = [(ours(args, file, env), theirs(args, file)) for _ in range(args.rounds)]
            row = [file.stem, f"{file.stat().st_size * 1e-9:.3f}"]
            for kind in (0, 1):
                row += cells([r[0][kind] for r in rounds], [r[1][kind] for r in rounds])
            row.append(f"{file.stat().st_size * 1e-9 * statistics.median(r[0][1] for r in rounds):.1f}")
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
