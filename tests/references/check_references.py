#!/usr/bin/env python3
"""What quantctl convert writes, the reference libraries load, and compute the same logits from.

    check_references.py QUANTCTL BASE SCRATCH LOG

Runs in an environment that has the libraries of share/build/references.txt. BASE is a folder of floats. LOG gets a
JSON object a line with the name and the result of each format, as count_tests.py reads it.
"""
import json
import os
import subprocess
import sys

import numpy as np

IDS = '1,5,9,33,77,120,200,301,44,12,7,99'
HERE = os.path.dirname(os.path.abspath(__file__))
# Most KL divergence. Where both have the same weights only sums are rounded otherwise; then come those whose code
# computes in bfloat16, and those that round activations to 8 bits.
SAME, BFLOAT16, ACTIVATIONS = 2e-5, 1e-3, 1e-2
FORMATS = [
    ('transformers', 'gptq:4:128', SAME), ('transformers', 'gptq:4:64:asym', SAME), ('transformers', 'gptq:8:32', SAME),
    ('transformers', 'gptq:3:128', SAME), ('transformers', 'gptq:2:64', SAME), ('transformers', 'awq:4:128', SAME),
    ('transformers', 'awq:4:32', SAME), ('transformers', 'w4a16:128', SAME), ('transformers', 'w4a16:32:asym', SAME),
    ('transformers', 'w8a16:64', SAME), ('transformers', 'w8a8', ACTIVATIONS), ('transformers', 'fp8', ACTIVATIONS),
    ('transformers', 'fp8-block', BFLOAT16), ('transformers', 'nvfp4', BFLOAT16), ('transformers', 'mxfp4', BFLOAT16),
    ('transformers', 'nf4', BFLOAT16), ('transformers', 'bitnet', BFLOAT16), ('transformers', 'safetensors:bf16', SAME),
    ('transformers', 'gguf:Q8_0', SAME), ('transformers', 'gguf:Q4_0', SAME), ('mlx', 'mlx:4:64', SAME),
    ('mlx', 'mlx:2:32', SAME), ('mlx', 'mlx:3:128', SAME), ('mlx', 'mlx:6:64', SAME), ('mlx', 'mlx:8:32', SAME),
    ('mlx', 'mlx:mxfp4', SAME),
]


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def divergence(reference, found):
    p, q = log_softmax(reference.astype(np.float64)), log_softmax(found.astype(np.float64))
    return float((np.exp(p) * (p - q)).sum(-1).mean())


class Check:
    def __init__(self, quantctl, base, scratch, log):
        self.quantctl, self.base, self.scratch, self.log = quantctl, base, scratch, open(log, 'w', encoding='utf-8')
        self.environment = dict(os.environ, QUANT_HOME=os.path.join(scratch, 'home'))

    def run(self, *words):
        subprocess.run([self.quantctl, *words], check=True, stdout=subprocess.DEVNULL, env=self.environment)

    def convert(self, name):
        """The path of what was written."""
        folder = os.path.join(self.scratch, name.replace(':', '-'))
        if name.startswith('gguf:'):
            os.mkdir(folder)
            folder = os.path.join(folder, 'model.gguf')
        self.run('convert', self.base, folder, '--to', name)
        return folder

    def compare(self, path, most):
        """What is wrong; '' where nothing is."""
        if not os.path.exists(path + '.npy'):
            return 'the library did not load it'
        self.run('logits', path, '--tokens', IDS, '--out', path + '.f32')
        reference = np.load(path + '.npy')
        found = np.fromfile(path + '.f32', dtype='<f4').reshape(len(IDS.split(',')), -1)
        if reference.shape != found.shape:
            return 'logits of shape %s, %s here' % (reference.shape, found.shape)
        kl = divergence(reference, found)
        print('%-28s KL divergence %.2e, at most %.0e' % (os.path.relpath(path, self.scratch), kl, most))
        return '' if kl <= most else 'it diverges'

    def report(self, name, wrong):
        if wrong:
            print('%s: %s' % (name, wrong), file=sys.stderr)
        self.log.write(json.dumps({'name': 'reference ' + name, 'result': 'FAIL' if wrong else 'OK'}) + '\n')
        return not wrong

    def all(self):
        paths = {name: self.convert(name) for _, name, _ in FORMATS}
        for library in sorted({library for library, _, _ in FORMATS}):
            subprocess.run([sys.executable, os.path.join(HERE, 'reference_logits.py'), library, IDS,
                            *(paths[name] for of, name, _ in FORMATS if of == library)], check=True)
        return all([self.report(name, self.compare(paths[name], most)) for _, name, most in FORMATS])


if __name__ == '__main__':
    sys.exit(0 if Check(*sys.argv[1:]).all() else 1)
