"""Tests of the verbs for scripts: tokenize, render, logits, tensors, encode ...
Usage: test_plumbing.py PATH_OF_QUANTCTL [unittest arguments]."""
import json
import os
import random
import resource
import struct
import sys
import unittest

sys.dont_write_bytecode = True   # The sources stay as they are.
import cli_support
from cli_support import MODEL, CliCase, model_folder


class Plumbing(CliCase):
    def test_tokens_and_back_are_the_same_text(self):
        for text in ['In the beginning', '[1,2]', '', ' "quoted" %', '--help', 'a\nb\t',
                     'd\u00e9j\u00e0 \u4e16\u754c \U0001f600']:
            ids = self.ok('tokenize', model_folder(), '--no-special', '--text', text).json
            back = self.ok('detokenize', model_folder(), json.dumps(ids)).out
            self.assertEqual(back.decode(), text)
            file = self.write('t', text.encode())
            self.assertEqual(self.ok('tokenize', model_folder(), '--no-special', '--file', file).json, ids)
            piped = self.ok('tokenize', model_folder(), '--no-special', '--file', '-', stdin=text.encode()).json
            self.assertEqual(piped, ids)

    def test_special_tokens_are_parsed_unless_told_otherwise(self):
        tokenizer = os.path.join(model_folder(), 'tokenizer.json')
        self.assertIn(1, self.ok('tokenize', tokenizer, '--text', 'a<|end|>').json)
        plain = self.ok('tokenize', tokenizer, '--text', 'a<|end|>', '--no-special').json
        self.assertNotIn(1, plain)
        self.assertGreater(len(plain), 2)
        self.assertEqual(self.ok('detokenize', tokenizer, '1').out, b'<|end|>')
        self.assertEqual(self.ok('detokenize', tokenizer, '1', '--skip-special').out, b'')
        self.fails(2, 'detokenize', tokenizer, '999999', says='999999')

    def test_render_writes_exactly_what_the_template_makes(self):
        template = self.write('t.jinja', b'{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}\n'
                                         b'{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}')
        messages = self.write('m.json', json.dumps([{'role': 'user', 'content': 'h\u00e9'}]).encode())
        done = self.ok('render', template, '--messages', messages, '--bos', '<s>', '--add-generation-prompt')
        self.assertEqual(done.out.decode(), '<s><user>h\u00e9\n<assistant>')
        self.fails(1, 'render', self.write('bad.jinja', b'{% for %}'), '--messages', messages, says='bad.jinja')
        self.fails(1, 'render', template, '--messages', self.write('bad.json', b'[{'))

    def test_logits_are_a_row_for_each_token(self):
        out = self.path('l.f32')
        self.ok('logits', MODEL, '--tokens', '0,5,9', '--out', out)
        rows = struct.unpack('<%df' % (3 * 2048), self.read('l.f32'))
        self.ok('logits', MODEL, '--tokens', '0,5', '--out', out)
        self.assertEqual(len(self.read('l.f32')), 2 * 2048 * 4)
        for a, b in zip(struct.unpack('<%df' % (2 * 2048), self.read('l.f32')), rows):
            self.assertAlmostEqual(a, b, delta=1e-3)
        self.fails(2, 'logits', MODEL, '--tokens', '2048', '--out', self.path('none'), says='2048')
        self.fails(2, 'logits', MODEL, '--tokens', '', '--out', self.path('none'))
        self.assertFalse(os.path.exists(self.path('none')))

    def test_tensors_tell_where_the_bytes_are(self):
        path = os.path.join(model_folder(), 'model.safetensors')
        listed = self.ok('tensors', path, '--json').json['tensors']
        norm = [t for t in listed if t['name'] == 'model.norm.weight'][0]
        self.assertEqual((norm['shape'], norm['bytes']), ([256], 512))
        with open(path, 'rb') as file:
            file.seek(norm['offset'])
            raw = struct.unpack('<256H', file.read(512))
        self.ok('tensor', path, 'model.norm.weight', '--out', self.path('t.f32'))
        self.assertEqual(struct.unpack('<256I', self.read('t.f32')), tuple(v << 16 for v in raw))

    def test_metadata_is_given_on_request(self):
        path = self.quantized('Q4_0')
        document = self.ok('tensors', path, '--json', '--metadata').json
        self.assertEqual(document['metadata']['general.architecture'], 'llama')
        self.assertEqual(len(document['metadata']['tokenizer.ggml.tokens']), 2048)
        self.assertNotIn('metadata', self.ok('tensors', path, '--json').json)
        self.assertIn('general.architecture', self.ok('tensors', path, '--metadata').text)

    def test_encode_and_decode_are_each_others_inverse_within_the_grid(self):
        rng = random.Random(20260314)
        values = [rng.gauss(0, 1) for _ in range(4 * 256)]
        source = self.write_floats('in.f32', values)
        size = ['--rows', '4', '--cols', '256']
        for name in ('q8_0', 'Q6_K', 'F32', 'BF16'):
            self.ok('encode', name, *size, source, self.path('x.bin'))
            self.ok('decode', name, *size, self.path('x.bin'), self.path('back.f32'))
            back = struct.unpack('<1024f', self.read('back.f32'))
            rmse = (sum((a - b) ** 2 for a, b in zip(values, back)) / 1024) ** 0.5
            self.assertLess(rmse, 0.03, name)
        importance = self.write_floats('w.f32', [1.0 + i for i in range(256)])
        self.ok('encode', 'Q4_K', *size, source, self.path('i.bin'), '--importance', importance,
                '--method', 'importance')
        self.ok('encode', 'Q4_K', *size, source, self.path('r.bin'), '--method', 'round')
        self.assertNotEqual(self.read('i.bin'), self.read('r.bin'))

    def test_encode_refuses_what_does_not_fit(self):
        source = self.write_floats('in.f32', [1.0] * 256)
        out = self.path('out.bin')
        common = ('encode', 'Q4_K')
        self.fails(2, *common, '--rows', '2', '--cols', '256', source, out, says='2048')
        self.fails(2, *common, '--rows', '256', '--cols', '1', source, out)
        self.fails(2, *common, '--rows', '18446744073709551615', '--cols', '256', source, out)
        self.fails(2, *common, '--rows', '1', '--cols', '256', source, out, '--method', 'importance')
        self.fails(2, *common, '--rows', '1', '--cols', '256', source, out, '--method', 'x', says='search')
        self.fails(2, *common, '--rows', '1', '--cols', '256', self.write_floats('nan.f32', [float('nan')] * 256), out)
        self.fails(2, 'decode', 'Q4_K', '--rows', '1', '--cols', '256', source, out, says='144')
        self.fails(3, *common, '--rows', '1', '--cols', '256', source, self.path('none', 'out.bin'))
        self.assertEqual(self.files_below(), ['in.f32', 'nan.f32'])

    def test_outputs_replace_files_whole_and_never_devices(self):
        source = self.write_floats('in.f32', [1.0] * 256)
        args = ('encode', 'F32', '--rows', '1', '--cols', '256', source)
        self.write('target', b'old')
        os.symlink('target', self.path('link'))
        self.ok(*args, self.path('link'))
        self.assertTrue(os.path.islink(self.path('link')))
        self.assertEqual(self.read('target'), self.read('in.f32'))
        self.assertEqual(self.ok(*args, '/dev/stdout').out, self.read('in.f32'))
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
        self.fails(6, *args, self.path('target'), preexec_fn=limit, says='target')
        self.assertEqual(self.read('target'), self.read('in.f32'))
        self.assertEqual(self.files_below(), ['in.f32', 'link', 'target'])

if __name__ == '__main__':
    cli_support.QUANTCTL = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
