#!/usr/bin/env python3
"""Adapters on the command line: attached by run and eval, merged by merge.

    test_adapters.py QUANTCTL
"""
import json
import os
import random
import struct
import sys
import unittest

import cli_support
from cli_support import MODEL, CliCase, model_folder

RANK = 4
# The shipped model's matrices that are changed: rows, columns.
SHAPES = {'self_attn.q_proj': (256, 256), 'self_attn.v_proj': (128, 256), 'mlp.down_proj': (256, 768)}


class AdapterCase(CliCase):
    def write_adapter(self, name, seed=1, **config):
        """A PEFT folder of random numbers for the shipped model; returns its path."""
        draw = random.Random(seed)
        os.mkdir(self.path(name))
        header, data = {}, b''
        for layer in range(6):
            for module, (rows, cols) in SHAPES.items():
                for half, shape in (('A', [RANK, cols]), ('B', [rows, RANK])):
                    values = [draw.uniform(-0.1, 0.1) for _ in range(shape[0] * shape[1])]
                    begin = len(data)
                    data += struct.pack('<%df' % len(values), *values)
                    key = 'base_model.model.model.layers.%d.%s.lora_%s.weight' % (layer, module, half)
                    header[key] = {'dtype': 'F32', 'shape': shape, 'data_offsets': [begin, len(data)]}
        text = json.dumps(header).encode()
        self.write(name + '/adapter_model.safetensors', struct.pack('<Q', len(text)) + text + data)
        self.write(name + '/adapter_config.json',
                   json.dumps(dict({'peft_type': 'LORA', 'r': RANK, 'lora_alpha': 16}, **config)).encode())
        return self.path(name)

    def says(self, *args):
        return self.ok('run', MODEL, 'In the beginning', '--raw', '--temp', '0', '--max-tokens', '16', '--json', *args).json

    def loss(self, model, *args):
        text = self.write('text.txt', b'In the beginning God created the heaven and the earth. ' * 60)
        return self.ok('eval', model, '--base', model_folder(), '--text', text, '--ctx', '64', '--chunks', '4',
                       '--activations', 'f32', '--no-bench', '--json', *args)


class Attached(AdapterCase):
    def test_text_is_that_of_the_model_with_what_is_attached(self):
        one, two = self.write_adapter('one'), self.write_adapter('two', seed=2)
        plain, with_one = self.says(), self.says('--adapter', one)
        self.assertEqual(plain['adapters'], [])
        self.assertEqual(with_one['adapters'], [{'path': one, 'scale': 1}])
        self.assertNotEqual(plain['text'], with_one['text'])
        both = self.says('--adapter', one + ':0.5', '--adapter', two + ':-1')
        self.assertEqual([a['scale'] for a in both['adapters']], [0.5, -1])
        self.assertNotEqual(both['text'], with_one['text'])
        self.assertEqual(self.says('--adapter', one + ':0')['text'], plain['text'])
        # Rules are a scheduler's business, which attaches them as well.
        self.assertEqual(self.says('--adapter', one, '--stop', 'no such text')['text'], with_one['text'])

    def test_a_path_with_a_colon_is_a_path_where_it_is_there(self):
        odd = self.write_adapter('odd:3')
        self.assertEqual(self.says('--adapter', odd)['adapters'], [{'path': odd, 'scale': 1}])
        self.assertEqual(self.says('--adapter', odd + ':2')['adapters'], [{'path': odd, 'scale': 2}])

    def test_what_cannot_be_attached_is_told(self):
        one = self.write_adapter('one')
        dora = self.write_adapter('dora', use_dora=True)
        words = ('run', MODEL, 'In', '--max-tokens', '1')
        self.fails(3, *words, '--adapter', 'nowhere', says='nowhere')
        self.fails(1, *words, '--adapter', dora, says=['adapter_config.json', 'use_dora'])
        self.fails(2, *words, '--adapter', one + ':much', says=['scale', 'much'])
        self.fails(2, *words, '--adapter', one + ':1e9', says=['scale', '1e9'])
        self.fails(3, *words, '--adapter', model_folder(), says='adapter_config.json')

    def test_a_measurement_with_an_adapter_is_not_recorded(self):
        one = self.write_adapter('one')
        self.ok('import', model_folder())
        done = self.loss(MODEL, '--adapter', one)
        self.assertGreater(done.json['kld_mean'], 0.01)
        self.assertEqual(done.json['adapters'], [{'path': one, 'scale': 1}])
        self.assertFalse(done.json['recorded'])
        self.assertIn('attached', done.err)
        self.assertLess(self.loss(MODEL, '--adapter', one + ':0').json['kld_mean'], 1e-6)
        self.fails(2, 'eval', MODEL, '--adapter', one, '--stamp', says='--adapter')


class Merged(AdapterCase):
    def test_a_merged_file_is_as_good_as_base_and_adapter_and_its_recipe_says_so(self):
        one, two = self.write_adapter('one'), self.write_adapter('two', seed=2)
        done = self.ok('merge', MODEL, one, two + ':0.25', '-o', 'both-Q8_0.gguf', '--type', 'q8_0', '--json').json
        self.assertEqual(done['name'], 'both:Q8_0')
        self.assertEqual(done['type'], 'Q8_0')
        attached = self.loss(MODEL, '--adapter', one, '--adapter', two + ':0.25').json
        merged = self.loss('both:Q8_0').json
        self.assertGreater(attached['kld_mean'], 0.01)
        self.assertAlmostEqual(merged['kld_mean'], attached['kld_mean'], delta=0.05 * attached['kld_mean'])
        shown = self.ok('show', 'both:Q8_0', '--json').json
        self.assertEqual(shown['provenance']['base'], MODEL + ':BF16')
        recorded = shown['provenance']['adapters']
        self.assertEqual([(a['path'], a['scale'], len(a['sha256'])) for a in recorded], [(one, 1, 64), (two, 0.25, 64)])
        self.assertIn(one, self.ok('show', 'both:Q8_0').text)
        self.assertEqual(self.ok('show', MODEL, '--json').json['provenance']['adapters'], [])

    def test_without_a_type_it_stays_what_the_base_is(self):
        one = self.write_adapter('one')
        self.assertEqual(self.ok('merge', model_folder(), one, '-o', 'a.gguf', '--json').json['type'], 'BF16')
        quantized = self.quantized('Q4_0')
        done = self.ok('merge', quantized, one, '-o', 'b.gguf', '--name', 'mine:small', '--json')
        self.assertEqual((done.json['type'], done.json['name']), ('Q4_0', 'mine:small'))
        self.assertIn('losses add up', done.err)
        # k_proj has no adapter and keeps its bytes.
        before = {t['name']: t for t in self.ok('tensors', quantized, '--json').json['tensors']}
        self.assertEqual({t['encoding'] for t in done.json['tensors'] if t['name'] in before}, {'Q4_0', 'F32', 'Q6_K'} & {
            t['encoding'] for t in done.json['tensors']})
        for name in ('blk.0.attn_k.weight', 'blk.0.attn_q.weight'):
            self.ok('tensor', quantized, name, '--out', 'x.f32')
            self.ok('tensor', 'b.gguf', name, '--out', 'y.f32')
            self.assertEqual(self.read('x.f32') == self.read('y.f32'), 'attn_k' in name, name)

    def test_a_dry_run_writes_nothing(self):
        one = self.write_adapter('one')
        plan = self.ok('merge', MODEL, one, '-o', 'a.gguf', '--type', 'Q4_K_M', '--dry-run', '--json').json
        self.assertEqual(plan['adapters'], [{'path': one, 'scale': 1}])
        self.assertFalse(os.path.exists(self.path('a.gguf')))

    def test_what_cannot_be_merged_is_told_and_leaves_nothing(self):
        one = self.write_adapter('one')
        self.fails(2, 'merge', MODEL, one, says='--output')
        self.fails(2, 'merge', MODEL, '-o', 'a.gguf', says='ADAPTER')
        self.fails(3, 'merge', MODEL, 'nowhere', '-o', 'a.gguf', says='nowhere')
        self.fails(2, 'merge', MODEL, one + ':x', '-o', 'a.gguf', says='scale')
        self.fails(2, 'merge', MODEL, one, '-o', 'a.gguf', '--type', 'Q9', says='Q9')
        self.fails(2, 'merge', MODEL, one, '-o', one, says='folder')
        self.assertFalse(os.path.exists(self.path('a.gguf')))


if __name__ == '__main__':
    cli_support.QUANTCTL = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
