#!/usr/bin/env python3
"""Logits of models as the reference libraries run them.

    reference_logits.py transformers|mlx IDS FOLDER...

For each folder a file FOLDER.npy: float32, a row of the vocabulary for each of the tokens IDS ("1,2,3").
A GGUF file is named as FOLDER/FILE.gguf.
"""
import os
import sys

import numpy as np


def by_transformers(folder, ids):
    import torch
    import transformers

    options = {}
    if folder.endswith('.gguf'):
        folder, options['gguf_file'] = os.path.split(folder)
    else:
        config = getattr(transformers.AutoConfig.from_pretrained(folder), 'quantization_config', None) or {}
        method = config.get('quant_method')
        # What needs a GPU to run as it is, or packs words that only it unpacks, is made floats first.
        if method == 'fp8':
            size = tuple(config['weight_block_size'])
            options['quantization_config'] = transformers.FineGrainedFP8Config(dequantize=True, weight_block_size=size)
        if method == 'compressed-tensors' and not config['config_groups']['group_0']['weights']['symmetric']:
            options['quantization_config'] = transformers.CompressedTensorsConfig(dequantize=True)
    kinds = ('bitnet', 'fp8-block', 'mxfp4', 'nvfp4') # Whose code computes in bfloat16 alone.
    dtype = torch.bfloat16 if os.path.basename(folder) in kinds else torch.float32
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **options)
    with torch.no_grad():
        return model(torch.tensor([ids], device=model.device)).logits[0].float().cpu().numpy()


def by_mlx(folder, ids):
    import mlx.core as mx
    from mlx_lm import load

    model, _ = load(folder)
    model.set_dtype(mx.float32)
    return np.array(model(mx.array([ids]))[0].astype(mx.float32))


def main(library, ids, folders):
    run = {'transformers': by_transformers, 'mlx': by_mlx}[library]
    for folder in folders:
        try:
            np.save(folder.rstrip('/') + '.npy', run(folder, [int(i) for i in ids.split(',')]))
        except Exception as error: # Of any kind: what a library does not load is told, and the next is tried.
            print('%s: %s: %s' % (folder, type(error).__name__, error), file=sys.stderr)


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
