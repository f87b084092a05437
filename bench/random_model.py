#!/usr/bin/env python3
"""Write a Llama GGUF of random F16 weights, to measure speed on a model of any size.

    pip install gguf numpy
    bench/random_model.py --tokenizer-from SMALL.gguf --out BIG.gguf
                          [--width 2048 --layers 16 --feed-forward 8192 --heads 32 --kv-heads 8]

The defaults give 1.07 billion parameters with SmolLM2's vocabulary. What such a model says is
noise; its weights are normal, so that searches have the work that real ones give them.
"""
import argparse

import gguf
import numpy as np


def tensor_shapes(a, vocabulary):
    kv_width = a.width // a.heads * a.kv_heads
    yield "token_embd.weight", (vocabulary, a.width)
    yield "output_norm.weight", (a.width,)
    per_layer = {"attn_norm": (a.width,), "attn_q": (a.width, a.width), "attn_k": (kv_width, a.width),
                 "attn_v": (kv_width, a.width), "attn_output": (a.width, a.width), "ffn_norm": (a.width,),
                 "ffn_gate": (a.feed_forward, a.width), "ffn_up": (a.feed_forward, a.width),
                 "ffn_down": (a.width, a.feed_forward)}
    for layer in range(a.layers):
        for name, shape in per_layer.items():
            yield f"blk.{layer}.{name}.weight", shape


def values(shape, rng):
    if len(shape) == 1:
        return np.ones(shape, np.float32)
    return (rng.standard_normal(shape, dtype=np.float32) * np.float32(shape[1] ** -0.5)).astype(np.float16)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer-from", required=True)
    parser.add_argument("--out", required=True)
    for name, default in (("width", 2048), ("layers", 16), ("feed-forward", 8192), ("heads", 32), ("kv-heads", 8)):
        parser.add_argument(f"--{name}", type=int, default=default)
    a = parser.parse_args()
    source = gguf.GGUFReader(a.tokenizer_from)
    writer = gguf.GGUFWriter(a.out, "llama")
    for key, field in source.fields.items():
        if key.startswith("tokenizer."):
            writer.add_key_value(key, field.contents(), field.types[0],
                                 field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None)
    writer.add_block_count(a.layers)
    writer.add_context_length(2048)
    writer.add_embedding_length(a.width)
    writer.add_feed_forward_length(a.feed_forward)
    writer.add_head_count(a.heads)
    writer.add_head_count_kv(a.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(a.width // a.heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    shapes = list(tensor_shapes(a, len(source.fields["tokenizer.ggml.tokens"].data)))
    for name, shape in shapes:
        kind = np.dtype(np.float32 if len(shape) == 1 else np.float16)
        writer.add_tensor_info(name, shape, kind, int(np.prod(shape)) * kind.itemsize)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    rng = np.random.default_rng(1)
    for _, shape in shapes:
        writer.write_tensor_data(values(shape, rng))
    writer.close()


if __name__ == "__main__":
    main()
