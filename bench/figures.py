#!/usr/bin/env python3
"""The figures of the first milestone, measured again from outside.

    bench/figures.py --quantctl build/cli/quantctl --shared ../shared
                     --smollm2 SmolLM2-135M-dithered-f16.gguf [--peer DIR] [SECTION ...]

Sections: base loss peer tokenizers speed templates blocks list (default: all that
can run). DIR holds llama-perplexity and llama-quantize of an unmodified llama.cpp.
Everything goes through the command line, as a user would do it; nothing is taken
from the library's own tests. Each line gives what was measured beside the goal.
"""
import argparse
import json
import math
import os
import pathlib
import re
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import time

# PPL of llama.cpp's own quantization without importance matrix, 24 chunks of 512.
PEER_PPL = {"Q4_0": 60.8171, "IQ4_NL": 52.6208, "Q4_1": 44.6200, "Q5_0": 43.2961, "Q5_1": 41.3244,
            "Q8_0": 38.8083, "Q4_K_M": 42.5611, "Q3_K_M": 50.4444, "Q2_K": 67.1933}
PEER_KLD = {"Q4_0": 0.424250, "IQ4_NL": 0.269124, "Q4_1": 0.285446, "Q5_0": 0.099618, "Q5_1": 0.079363,
            "Q8_0": 0.005509, "Q4_K_M": 0.077332, "Q3_K_M": 0.245360, "Q2_K": 0.583013}
BASE_PPL = 38.7172


class Bench:
    def __init__(self, args):
        self.args = args
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="quant-figures-"))
        self.env = dict(os.environ, QUANT_HOME=str(self.work / "home"))
        share = pathlib.Path(__file__).resolve().parent.parent / "share"
        self.env.setdefault("QUANT_SHARE", str(share))
        self.text = args.shared / "data/wiki.test.raw"

    def quantctl(self, *words, binary=False):
        done = subprocess.run([str(self.args.quantctl), *map(str, words)], env=self.env, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(f"quantctl {' '.join(map(str, words))}: {done.stderr.decode()}")
        return done.stdout if binary else done.stdout.decode()

    def evaluate(self, model, base=None):
        words = ["eval", model, "--text", self.text, "--chunks", 24, "--ctx", 512, "--json"]
        return json.loads(self.quantctl(*words, *(["--base", base] if base else [])))

    def peer_ppl(self, model):
        done = subprocess.run([str(self.args.peer / "llama-perplexity"), "-m", str(model), "-f", str(self.text),
                               "--chunks", "24", "-c", "512", "-t", "2"], capture_output=True, text=True)
        found = re.search(r"Final estimate: PPL = ([0-9.]+)", done.stdout + done.stderr)
        if not found:
            raise RuntimeError(f"llama-perplexity on {model}: {done.stderr[-800:]}")
        return float(found.group(1))


def section_base(b):
    r = b.evaluate(b.args.smollm2)
    print(f"base F16 PPL {r['ppl']:.4f}  goal {BASE_PPL} within 0.2 %  off {100 * (r['ppl'] / BASE_PPL - 1):+.3f} %")


def section_loss(b):
    """Our files: their loss beside that of llama.cpp's files of the same name."""
    print(f"{'type':8} {'bytes':>11} {'PPL':>9} {'mean KLD':>10} {'top-1 %':>8}   peer's file: PPL, KLD")
    for name in PEER_PPL:
        out = b.work / f"{name}.gguf"
        b.quantctl("quantize", b.args.smollm2, name, "--output", out)
        r = b.evaluate(out, b.args.smollm2)
        print(f"{name:8} {out.stat().st_size:11,} {r['ppl']:9.4f} {r['kld_mean']:10.6f} {100 * r['top1']:8.3f}   "
              f"{PEER_PPL[name]:.4f}, {PEER_KLD[name]:.6f}")


def section_peer(b):
    """The same file read here and by an unmodified llama.cpp."""
    for name in PEER_PPL:
        for maker in ("ours", "peer"):
            out = b.work / f"{maker}-{name}.gguf"
            if maker == "ours":
                b.quantctl("quantize", b.args.smollm2, name, "--output", out)
            else:
                subprocess.run([str(b.args.peer / "llama-quantize"), str(b.args.smollm2), str(out), name],
                               check=True, capture_output=True)
            here, there = b.evaluate(out)["ppl"], b.peer_ppl(out)
            print(f"{name:8} file by {maker}: here {here:9.4f}  llama.cpp {there:9.4f}  "
                  f"off {100 * (here / there - 1):+.3f} %  goal within 0.5 %")
            out.unlink()


def section_tokenizers(b):
    for vocabulary in sorted((b.args.shared / "data/tokenizers").glob("*.gguf")):
        texts = pathlib.Path(f"{vocabulary}.inp").read_bytes().decode().split("\n__ggml_vocab_test__\n")
        lines = pathlib.Path(f"{vocabulary}.out").read_text().split("\n")
        equal = 0
        for text, line in zip(texts, lines):
            sample = b.work / "text"
            sample.write_bytes(text.encode())
            ids = json.loads(b.quantctl("tokenize", vocabulary, "--file", sample, "--no-special"))
            equal += ids == [int(w) for w in line.split()]
        print(f"{vocabulary.name}: {equal} of {len(texts)} equal")


def section_speed(b):
    """Bytes a second of Llama 3 BPE, by the difference of a long and a short run."""
    vocabulary = b.args.shared / "data/tokenizers/ggml-vocab-llama-bpe.gguf"
    data = b.text.read_bytes()
    one, many = b.work / "one", b.work / "many"
    one.write_bytes(data)
    many.write_bytes(data * 9)
    rates = []
    for _ in range(5):
        times = []
        for path in (one, many):
            start = time.perf_counter()
            b.quantctl("tokenize", vocabulary, "--file", path, binary=True)
            times.append(time.perf_counter() - start)
        rates.append(8 * len(data) / (times[1] - times[0]) / 1e6)
    print(f"Llama 3 BPE, printing of ids included: {statistics.median(rates):.1f} MB/s "
          f"({min(rates):.1f} to {max(rates):.1f})  goal 5")


def section_templates(b):
    equal = total = 0
    for cases in sorted((b.args.shared / "data/templates").glob("*.cases.json")):
        document = json.loads(cases.read_text())
        template = cases.with_name(document["template"])
        for case in document["cases"]:
            messages, tools = b.work / "messages.json", b.work / "tools.json"
            messages.write_text(json.dumps(case["messages"]))
            words = ["render", template, "--messages", messages, "--bos", document["bos_token"],
                     "--eos", document["eos_token"], "--now", document["now"]]
            if case.get("tools") is not None:
                tools.write_text(json.dumps(case["tools"]))
                words += ["--tools", tools]
            if case["add_generation_prompt"]:
                words.append("--add-generation-prompt")
            total += 1
            try:
                got = b.quantctl(*words, binary=True).decode()
            except RuntimeError:
                got = None  # Where the reference engine fails too, that is the expected result.
            if got == case.get("expected"):
                equal += 1
            else:
                print(f"  differs: {cases.name} {case['name']}")
    print(f"templates: {equal} of {total} cases byte-equal ({100 * equal / total:.1f} %)  goal 90 %")


def rms_errors(b, decoded, source, importance):
    plain = weighted = 0.0
    cols = len(importance)
    for i, (x, y) in enumerate(zip(source, decoded)):
        plain += (x - y) ** 2
        weighted += importance[i % cols] * (x - y) ** 2
    return math.sqrt(plain / len(source)), math.sqrt(weighted / (sum(importance) * len(source) / cols))


def section_blocks(b):
    folder = b.args.shared / "fixtures/blocks"
    manifest = json.loads((folder / "manifest.json").read_text())
    rows, cols = manifest["rows"], manifest["cols"]
    known = {e["name"] for e in json.loads(b.quantctl("types", "--json"))["encodings"]}
    floats = lambda p: struct.unpack(f"<{p.stat().st_size // 4}f", p.read_bytes())
    source, importance = floats(folder / "input.f32"), floats(folder / "importance.f32")
    for name, entry in manifest["types"].items():
        if name not in known:
            continue
        exact = []
        for kind in ("", ".weighted", ".random"):
            raw = folder / f"{name}{kind}.bin"
            if raw.exists():
                out = b.work / "decoded.f32"
                n_rows = raw.stat().st_size // (cols // entry["block"] * entry["bytes"])
                b.quantctl("decode", name, "--rows", n_rows, "--cols", cols, raw, out)
                exact.append(out.read_bytes() == (folder / f"{name}{kind}.f32").read_bytes())
        line = f"{name:7} decoding exact {sum(exact)} of {len(exact)}"
        for label, words in (("", []), ("_weighted", ["--importance", folder / "importance.f32"])):
            coded, out = b.work / "coded.bin", b.work / "coded.f32"
            b.quantctl("encode", name, "--rows", rows, "--cols", cols, folder / "input.f32", coded, *words)
            b.quantctl("decode", name, "--rows", rows, "--cols", cols, coded, out)
            rmse, wrmse = rms_errors(b, floats(out), source, importance)
            for kind, got in (("rmse", rmse), ("wrmse", wrmse)):
                if f"{kind}{label}" in entry:
                    goal = entry[f"{kind}{label}"]
                    line += f"  {kind}{label} {got / goal if goal else 1:.3f} of the listed"
        print(line)


def section_list(b):
    """`list` with 1,000 variants: rows copied from a real one, in the catalog's own file."""
    b.quantctl("quantize", "kjv-5m", "Q4_0")
    db = sqlite3.connect(b.work / "home/catalog.db")
    columns = [r[1] for r in db.execute("PRAGMA table_info(variants)") if r[1] != "id"]
    at = columns.index("name")
    row = list(db.execute(f"SELECT {','.join(columns)} FROM variants WHERE name = 'Q4_0'").fetchone())
    for i in range(998):
        copy = list(row)
        copy[at] = f"V{i}"
        db.execute(f"INSERT INTO variants ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})", copy)
    db.commit()
    db.close()
    times = []
    for _ in range(20):
        start = time.perf_counter()
        lines = b.quantctl("list").count("\n")
        times.append(1000 * (time.perf_counter() - start))
    print(f"list of {lines - 1} variants, whole process: {statistics.median(times):.1f} ms "
          f"({min(times):.1f} to {max(times):.1f})  goal 50")


SECTIONS = {name[8:]: f for name, f in list(globals().items()) if name.startswith("section_")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quantctl", type=pathlib.Path, required=True)
    parser.add_argument("--shared", type=pathlib.Path, required=True)
    parser.add_argument("--smollm2", type=pathlib.Path)
    parser.add_argument("--peer", type=pathlib.Path)
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    args = parser.parse_args()
    bench = Bench(args)
    for name in args.sections or SECTIONS:
        if name not in SECTIONS:
            sys.exit(f"no section {name}; there are: {', '.join(SECTIONS)}")
        if (name in ("base", "loss", "peer") and not args.smollm2) or (name == "peer" and not args.peer):
            print(f"## {name}: skipped, since its input was not given", flush=True)
            continue
        print(f"## {name}", flush=True)
        SECTIONS[name](bench)


if __name__ == "__main__":
    main()
