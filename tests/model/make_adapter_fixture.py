#!/usr/bin/env python3
"""Writes tests/data/model/llama-lora.gguf: the PEFT adapter tests/data/model/llama-lora as a GGUF file, by the `gguf`
Python package. Rows of the queries' and keys' B are reordered as GGUF files of the architecture llama have them.

    make_adapter_fixture.py PEFT_FOLDER OUTPUT   (needs gguf, numpy and safetensors)
"""
import json
import os
import sys

import gguf
from safetensors.numpy import load_file

NAMES = {'self_attn.q_proj': 'attn_q', 'self_attn.k_proj': 'attn_k', 'self_attn.v_proj': 'attn_v',
         'self_attn.o_proj': 'attn_output', 'mlp.gate_proj': 'ffn_gate', 'mlp.up_proj': 'ffn_up',
         'mlp.down_proj': 'ffn_down'}
HEADS = {'attn_q': 4, 'attn_k': 2}  # Of tests/data/model/llama-base.


def interleaved(b, heads):
    """Each head's first half of rows and its second, taken in turns."""
    rows, rank = b.shape
    return b.reshape(heads, 2, rows // heads // 2, rank).swapaxes(1, 2).reshape(rows, rank)


def main(folder, output):
    with open(os.path.join(folder, 'adapter_config.json'), encoding='utf-8') as file:
        config = json.load(file)
    writer = gguf.GGUFWriter(output, 'llama')
    writer.add_type('adapter')
    writer.add_string('adapter.type', 'lora')
    writer.add_float32('adapter.lora.alpha', float(config['lora_alpha']))
    for name, values in sorted(load_file(os.path.join(folder, 'adapter_model.safetensors')).items()):
        _, _, _, _, layer, block, module, half, _ = name.split('.')
        target = NAMES[block + '.' + module]
        if half == 'lora_B' and target in HEADS:
            values = interleaved(values, HEADS[target])
        writer.add_tensor('blk.%s.%s.weight.%s' % (layer, target, half.lower()), values.copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == '__main__':
    main(*sys.argv[1:])
