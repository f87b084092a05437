#!/usr/bin/env python3
"""Loss of our files against llama-quantize's, same base, text, calibration and type mix.

    bench/quality.py --quantctl build/cli/quantctl --model share/models/kjv-5m
                     --base BASE.gguf --peer DIR --text heldout.txt --calibration calibration.txt
                     [--imatrix FILE] [--methods search,best] [--chunks 100] TYPE ...

DIR holds llama-quantize (and llama-perplexity for --cross-check) of an unmodified llama.cpp
(bench/peers/build_llama_cpp.sh makes it),
BASE is the model in F16 for it. Mean KL divergence is measured by `quantctl eval` for both,
which agrees with llama-perplexity's; --cross-check lets llama-perplexity measure both again.
Importance for the peer comes from `quantctl imatrix`, in a file that it reads, or from FILE.
`search` is compared with the peer without importance matrix, the others with one. Prints a
table in Markdown.
"""
import argparse
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time


def run(words, env=None, check=True):
    done = subprocess.run([str(w) for w in words], env=env, capture_output=True, text=True)
    if check and done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: {done.stderr[-1500:]}")
    return done


class Quality:
    def __init__(self, args):
        self.args = args
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="quant-quality-"))
        share = pathlib.Path(__file__).resolve().parent.parent / "share"
        self.env = dict(os.environ, QUANT_HOME=str(self.work / "home"))
        self.env.setdefault("QUANT_SHARE", str(share))
        self.imatrix = args.imatrix

    def quantctl(self, *words):
        return run([self.args.quantctl, *words], self.env).stdout

    def kld(self, file):
        done = json.loads(self.quantctl("eval", file, "--base", self.args.model, "--text", self.args.text,
                                        "--chunks", self.args.chunks, "--json"))
        return done["kld_mean"], done["kld_se"], done["ppl"]

    def cross(self, file):
        base = self.work / "base.kld"
        perplexity = self.args.peer / "llama-perplexity"
        common = ["-f", self.args.text, "--chunks", self.args.chunks, "-c", 512, "-t", 2, "--kl-divergence-base", base]
        if not base.exists():
            run([perplexity, "-m", self.args.base, *common])
        out = run([perplexity, "-m", file, *common, "--kl-divergence"])
        found = re.search(r"Mean\s+KLD:\s+([-0-9.]+)", out.stdout + out.stderr)
        return float(found.group(1)) if found else math.nan

    def ours(self, kind, method):
        out = self.work / f"{kind}-{method}.gguf"
        words = ["quantize", self.args.model, kind, "--method", method, "--output", out]
        if method != "search":
            words += ["--calibration", self.args.calibration]
        start = time.perf_counter()
        self.quantctl(*words)
        return out, time.perf_counter() - start

    def theirs(self, kind, with_importance):
        out = self.work / f"{kind}-peer-{int(with_importance)}.gguf"
        words = [self.args.peer / "llama-quantize"]
        if with_importance:
            if self.imatrix is None:
                self.imatrix = self.work / "imatrix.gguf"
                self.quantctl("imatrix", self.args.model, "--text", self.args.calibration, "--output", self.imatrix)
            words += ["--imatrix", self.imatrix]
        done = run([*words, self.args.base, out, kind, 2], check=False)
        return out if done.returncode == 0 else None

    def row(self, kind, method):
        peer = self.theirs(kind, method != "search")
        mine, seconds = self.ours(kind, method)
        kld, error, ppl = self.kld(mine)
        cells = [kind, method, f"{mine.stat().st_size:,}", f"{ppl:.4f}", f"{kld:.6f} ± {error:.6f}"]
        ratio = None
        if peer:
            peer_kld = self.kld(peer)[0]
            ratio = kld / peer_kld
            cells += [f"{peer.stat().st_size:,}", f"{peer_kld:.6f}", f"{100 * (ratio - 1):+.1f} %"]
            if self.args.cross_check:
                cells.append(f"{100 * (self.cross(mine) / self.cross(peer) - 1):+.1f} %")
            peer.unlink()
        else:
            cells += ["refuses", "-", "-"]
        cells.append(f"{seconds:.1f}")
        print("| " + " | ".join(cells) + " |", flush=True)
        mine.unlink()
        return ratio


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("quantctl", "model", "base", "peer", "text", "calibration"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--imatrix", type=pathlib.Path)
    parser.add_argument("--methods", default="search,best")
    parser.add_argument("--chunks", type=int, default=100)
    parser.add_argument("--cross-check", action="store_true")
    parser.add_argument("types", nargs="+", metavar="TYPE")
    args = parser.parse_args()
    quality = Quality(args)
    cross = " by llama-perplexity |" if args.cross_check else ""
    print("| type | method | bytes | PPL | mean KLD | peer's bytes | peer's KLD | difference |" + cross + " seconds |")
    print("|" + "---|" * (9 + args.cross_check))
    for method in args.methods.split(","):
        ratios = [r for r in (quality.row(kind, method) for kind in args.types) if r]
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            print(f"\n{method}: geometric mean {100 * (mean - 1):+.1f} %, worst {100 * (max(ratios) - 1):+.1f} %\n")


if __name__ == "__main__":
    main()
