#!/usr/bin/env python3
"""Perplexity and KL divergence of a model by the tier of kernels that runs it, for each that this
machine has.

    tiers.py --quantctl PROGRAM --base BASE.gguf --text FILE MODEL.gguf ...

Every tier gives the same floats bit for bit, so that lines of a model differ in nothing but where a
tier has no products of bytes for an encoding and multiplies floats instead. Exits 1 where a tier's
perplexity is not the scalar tier's within 0.1 %, or the divergence within 0.0001.
"""
import argparse
import json
import os
import re
import subprocess
import sys

MOST_PERPLEXITY = 0.001  # Of the scalar tier's.
MOST_DIVERGENCE = 1e-4   # Nats.


def tiers_of_machine(quantctl):
    """Names, the slowest first."""
    text = subprocess.run([quantctl, 'doctor'], check=True, capture_output=True, text=True).stdout
    return re.search(r'^\s*tier .*; of (.*)$', text, re.MULTILINE).group(1).split()


def evaluate(options, model, tier, activations):
    """Perplexity, mean divergence from the base, seconds."""
    command = [options.quantctl, 'eval', model, '--base', options.base, '--text', options.text, '--ctx', str(options.ctx),
               '--chunks', str(options.chunks), '--activations', activations, '--no-bench', '--json']
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         env=dict(os.environ, QUANT_ISA=tier))
    figures = json.loads(run.stdout)
    return figures['ppl'], figures['kld_mean'], figures['seconds']


def compare(options, model, activations):
    """Prints a line for each tier; whether all are as the first."""
    first, equal = None, True
    for tier in options.tiers:
        perplexity, divergence, seconds = evaluate(options, model, tier, activations)
        first = first or (perplexity, divergence)
        off = perplexity / first[0] - 1, divergence - first[1]
        within = abs(off[0]) <= MOST_PERPLEXITY and abs(off[1]) <= MOST_DIVERGENCE
        equal = equal and within
        print('%-24s %-4s %-12s %12.7f %+10.6f %% %12.8f %+12.8f %7.1f%s' %
              (os.path.basename(model)[:24], activations, tier, perplexity, 100 * off[0], divergence, off[1], seconds,
               '' if within else '  too far'), flush=True)
    return equal


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n', maxsplit=1)[0])
    parser.add_argument('--quantctl', default='quantctl')
    parser.add_argument('--base', required=True, help='what divergence is measured from')
    parser.add_argument('--text', required=True)
    parser.add_argument('--ctx', type=int, default=512)
    parser.add_argument('--chunks', type=int, default=4)
    parser.add_argument('--activations', default='int8,f32', help='one or both of int8 and f32')
    parser.add_argument('--tiers', help='names, the first to compare with (default: all that this machine has)')
    parser.add_argument('models', nargs='+')
    options = parser.parse_args()
    options.tiers = options.tiers.split(',') if options.tiers else tiers_of_machine(options.quantctl)
    return options


def main():
    options = parse()
    print('%-24s %-4s %-12s %12s %12s %12s %12s %7s' % ('model', 'act.', 'tier', 'perplexity', 'off by', 'mean KLD',
                                                        'off by', 'seconds'))
    equal = [compare(options, model, activations)
             for model in options.models for activations in options.activations.split(',')]
    return 0 if all(equal) else 1


if __name__ == '__main__':
    sys.exit(main())
