#!/usr/bin/env python3
"""A quantized Hugging Face checkpoint of random weights and any size, for measuring speed (its text is noise).

    pip install numpy
    random_checkpoint.py KIND TOKENIZER_FOLDER OUT HIDDEN LAYERS FEED_FORWARD HEADS KV_HEADS

KIND is gptq:BITS:GROUP or mlx:BITS:GROUP. TOKENIZER_FOLDER is a Llama folder, whose config.json
and tokenizer are taken. A model of 0.97 B weights: 2048 16 8192 32 8.
"""
import json
import shutil
import struct
import sys
from pathlib import Path

import numpy as np

DTYPES = {np.dtype(np.int32): 'I32', np.dtype(np.uint32): 'U32', np.dtype(np.float16): 'F16'}


class Writer:
    """Tensors one after the other; the header is known before any of them."""

    def __init__(self, path):
        self.path, self.entries, self.at = path, {}, 0

    def plan(self, name, shape, dtype, make):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self.entries[name] = (shape, np.dtype(dtype), make, self.at, self.at + size)
        self.at += size

    def write(self):
        header = {n: {'dtype': DTYPES[d], 'shape': list(s), 'data_offsets': [a, b]} for n, (s, d, _, a, b) in self.entries.items()}
        text = json.dumps(header).encode()
        with open(self.path, 'wb') as out:
            out.write(struct.pack('<Q', len(text)) + text)
            for shape, dtype, make, _, _ in self.entries.values():
                out.write(np.ascontiguousarray(make(shape)).astype(dtype, copy=False).tobytes())


RANDOM = np.random.default_rng(1)


def words(shape):
    return RANDOM.integers(-2**31, 2**31, shape, dtype=np.int64).astype(np.int32)


def halves(size):
    return lambda shape: (RANDOM.standard_normal(shape, dtype=np.float32) * size).astype(np.float16)


def scales(shape):
    return np.full(shape, 0.002, np.float16)


def middles(bits):
    """Zero points in the middle of the codes, as most files have them; of 3 bits any."""
    if bits == 3:
        return words
    word = sum(1 << (bits * i + bits - 1) for i in range(32 // bits))
    return lambda shape: np.full(shape, word, np.uint32).view(np.int32)


def gptq(out, name, rows, cols, bits, group):
    groups = cols // group
    out.plan(name + '.qweight', (cols * bits // 32, rows), np.int32, words)
    out.plan(name + '.qzeros', (groups, rows * bits // 32), np.int32, middles(bits))
    out.plan(name + '.scales', (groups, rows), np.float16, scales)


def mlx(out, name, rows, cols, bits, group):
    out.plan(name + '.weight', (rows, cols * bits // 32), np.uint32, lambda s: words(s).view(np.uint32))
    out.plan(name + '.scales', (rows, cols // group), np.float16, scales)
    out.plan(name + '.biases', (rows, cols // group), np.float16, halves(0.01))


def main(kind, tokenizer, folder, *numbers):
    method, bits, group = kind.split(':')
    bits, group = int(bits), int(group)
    hidden, layers, wide, heads, kv_heads = map(int, numbers)
    tokenizer, folder = Path(tokenizer), Path(folder)
    folder.mkdir(parents=True)
    for name in ('tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'generation_config.json'):
        if (tokenizer / name).exists():
            shutil.copyfile(tokenizer / name, folder / name)
    config = json.loads((tokenizer / 'config.json').read_text())
    config.update(hidden_size=hidden, num_hidden_layers=layers, intermediate_size=wide, num_attention_heads=heads,
                  num_key_value_heads=kv_heads, head_dim=hidden // heads, tie_word_embeddings=True)
    if method == 'gptq':
        config['quantization_config'] = {'quant_method': 'gptq', 'bits': bits, 'group_size': group, 'checkpoint_format': 'gptq_v2'}
    else:
        config['quantization'] = {'bits': bits, 'group_size': group}
    (folder / 'config.json').write_text(json.dumps(config))
    out = Writer(folder / 'model.safetensors')
    ones = lambda shape: np.ones(shape, np.float16)
    out.plan('model.embed_tokens.weight', (config['vocab_size'], hidden), np.float16, halves(0.02))
    out.plan('model.norm.weight', (hidden,), np.float16, ones)
    matrix = {'gptq': gptq, 'mlx': mlx}[method]
    kv = hidden // heads * kv_heads
    for i in range(layers):
        at = 'model.layers.%d.' % i
        for norm in ('input_layernorm', 'post_attention_layernorm'):
            out.plan(at + norm + '.weight', (hidden,), np.float16, ones)
        for name, rows, cols in (('self_attn.q_proj', hidden, hidden), ('self_attn.k_proj', kv, hidden),
                                 ('self_attn.v_proj', kv, hidden), ('self_attn.o_proj', hidden, hidden),
                                 ('mlp.gate_proj', wide, hidden), ('mlp.up_proj', wide, hidden), ('mlp.down_proj', hidden, wide)):
            matrix(out, at + name, rows, cols, bits, group)
    out.write()


if __name__ == '__main__':
    main(*sys.argv[1:])
