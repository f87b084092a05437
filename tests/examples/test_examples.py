#!/usr/bin/env python3
"""The example programs do what their comments say, on the shipped model.

    test_examples.py PROGRAM ...
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = {}
MODEL = 'kjv-5m'
FOLDER = os.path.join(os.environ.get('QUANT_SHARE', ''), 'models', MODEL)


class Examples(unittest.TestCase):
    def setUp(self):
        home = tempfile.TemporaryDirectory(prefix='quant-examples-')
        self.addCleanup(home.cleanup)
        self.home = home.name
        self.env = dict(os.environ, QUANT_HOME=self.home, HOME=self.home)

    def run_example(self, name, *args, code=0):
        done = subprocess.run([PROGRAMS[name], *args], env=self.env, capture_output=True,
                              text=True, timeout=100)
        self.assertEqual(done.returncode, code, '%s %s: %s' % (name, args, done.stderr))
        return done

    def test_a_buffer_is_quantized_at_its_bits_per_weight(self):
        sizes = {}
        for encoding, bits in [('Q4_K', 4.5), ('Q8_0', 8.5), ('F16', 16), ('Q2_K', 2.625)]:
            out = self.run_example('quantize_buffer', encoding).stdout
            found = re.search(r'became (\d+) \((\S+) bits per weight\), RMS error (\S+)', out)
            self.assertEqual(int(found.group(1)), 64 * 1024 * bits / 8)
            self.assertAlmostEqual(float(found.group(2)), bits, delta=0.006)
            sizes[bits] = float(found.group(3))
        # More bits, less error.
        self.assertEqual(sorted(sizes, key=sizes.get, reverse=True), sorted(sizes))
        self.assertIn('Q4_9', self.run_example('quantize_buffer', 'Q4_9', code=1).stderr)

    def test_text_is_generated_and_the_same_again(self):
        first = self.run_example('generate', MODEL, 'In the beginning', '12')
        again = self.run_example('generate', MODEL, 'In the beginning', '12')
        other = self.run_example('generate', MODEL, 'And Moses said unto', '12')
        self.assertTrue(first.stdout.strip())
        self.assertEqual(first.stdout, again.stdout)
        self.assertNotEqual(first.stdout, other.stdout)
        self.assertRegex(first.stderr, r'\d+ tokens read in .* \d+ generated')
        self.assertIn('no-such-model', self.run_example('generate', 'no-such-model', 'x', code=1).stderr)
        self.run_example('generate', MODEL, code=2)
        self.run_example('generate', MODEL, 'x', '0', code=2)

    def test_an_adapter_changes_the_text(self):
        data = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data', 'model')
        base, adapter = os.path.join(data, 'llama-base'), os.path.join(data, 'llama-lora')
        for path in (adapter, adapter + '.gguf'):
            lines = self.run_example('adapt_model', base, path, 'hello world').stdout.splitlines()
            self.assertEqual(lines[0], path + ': 14 matrices, rank 8')
            self.assertRegex(lines[1], '^alone:')
            self.assertRegex(lines[2], '^adapted:')
            self.assertNotEqual(lines[1].split(':', 1)[1], lines[2].split(':', 1)[1])
        self.assertIn('adapter_config.json', self.run_example('adapt_model', base, base, 'a', code=1).stderr)
        self.run_example('adapt_model', base, code=2)

    def test_a_model_is_quantized_and_listed(self):
        done = self.run_example('quantize_model', MODEL, 'Q4_0')
        name, path = re.search(r'^(\S+) is in (.*)$', done.stdout, re.M).groups()
        self.assertEqual(name, MODEL + ':Q4_0')
        self.assertTrue(path.startswith(self.home))
        self.assertIn(' %d as Q4_0' % os.path.getsize(path), done.stdout)
        self.assertIn('100.0 %', done.stderr)
        rows = {line.split()[0]: line.split() for line in self.run_example('list_catalog').stdout.splitlines()[1:]}
        self.assertEqual(len(rows), 2)
        self.assertAlmostEqual(float(rows[name][1]), os.path.getsize(path) / 1e6, delta=0.06)
        self.assertEqual(rows[name][3:], ['-', '-'])     # Nobody has measured it.
        # The variant runs under its name, and is marked once its file is gone.
        self.assertTrue(self.run_example('generate', name, 'In the', '4').stdout.strip())
        os.unlink(path)
        self.assertIn('(file missing)', self.run_example('list_catalog', name).stdout)
        self.assertIn(name, self.run_example('generate', name, 'In the', '4', code=1).stderr)

    def test_a_wrong_type_is_refused_and_leaves_nothing(self):
        self.assertIn('Q4_K_M', self.run_example('quantize_model', MODEL, 'Q4_K_X', code=1).stderr)
        files = [name for _, _, names in os.walk(self.home) for name in names if not name.startswith('catalog.db')]
        self.assertEqual(files, [])
        self.run_example('list_catalog', 'no-such-model', code=1)

    def test_what_a_file_holds_is_listed(self):
        out = self.run_example('list_tensors', FOLDER).stdout.splitlines()
        self.assertIn('model.embed_tokens.weight BF16 2048 x 256, 1048576 bytes', [' '.join(line.split()) for line in out])
        self.assertIn('/nowhere', self.run_example('list_tensors', '/nowhere', code=1).stderr)

    def test_texts_are_compared(self):
        out = self.run_example('compare_texts', FOLDER, 'The LORD is my shepherd', 'The LORD is my shepherd', 'And Moses went up').stdout
        same, other = (float(line.split()[0]) for line in out.splitlines())
        self.assertAlmostEqual(same, 1, delta=1e-3)
        self.assertLess(other, 0.9)

    def test_what_quantizing_cost_is_measured(self):
        path = re.search(r' is in (.*)$', self.run_example('quantize_model', MODEL, 'Q4_0').stdout, re.M).group(1)
        text = os.path.join(FOLDER, 'heldout.txt')
        coarse = self.run_example('measure_loss', path, FOLDER, text).stdout
        same = self.run_example('measure_loss', FOLDER, FOLDER, text).stdout
        found = [float(re.search(r'divergence (\S+) nats', out).group(1)) for out in (same, coarse)]
        self.assertAlmostEqual(found[0], 0, delta=1e-4)
        self.assertGreater(found[1], 0.005)
        self.assertIn('/nowhere', self.run_example('measure_loss', path, FOLDER, '/nowhere', code=1).stderr)

    def test_the_machine_and_its_kernels_are_told(self):
        machine = json.loads(self.run_example('describe_machine').stdout)
        out = self.run_example('multiply_matrix').stdout
        product, exact, tier = re.search(r'row: (\S+), .* (\S+); by the (\w+) kernels', out).groups()
        self.assertAlmostEqual(float(product), float(exact), delta=0.3)
        self.assertEqual(tier, machine['tier'])

    def test_a_model_says_what_it_is(self):
        out = self.run_example('show_model', FOLDER).stdout
        self.assertRegex(out, r'^kjv-5m: llama, BF16, 5246208 parameters')
        self.assertIn('It has no chat template', out)

    def test_a_reply_is_split(self):
        out = self.run_example('split_reply', FOLDER, '<think>so</think>Hello').stdout
        self.assertEqual(out, 'reasoning: so\ncontent: Hello\n')

    def test_requests_are_served_together(self):
        prompts = ['In the beginning', 'And Moses said', 'The LORD']
        out = self.run_example('serve_requests', FOLDER, *prompts).stdout
        self.assertEqual(re.findall(r'^(.*)\|.*\S', out, re.M), prompts, out)

    def test_without_a_daemon_the_file_is_opened(self):
        self.env['QUANT_SOCKET'] = os.path.join(self.home, 'none.sock')
        done = self.run_example('borrow_model', MODEL, FOLDER)
        self.assertEqual(done.stdout, 'kjv-5m, of this process alone\n')
        self.assertIn('none.sock', done.stderr)

    def test_failures_and_tokens_are_told(self):
        self.assertRegex(self.run_example('show_failure').stdout, r'says QUANT_ERR_NOT_FOUND: /no/such/model.gguf: ')
        out = self.run_example('count_tokens', FOLDER, 'The LORD is my shepherd').stdout
        self.assertRegex(out, r"^\d+ tokens: .*'The'.* LORD'")


if __name__ == '__main__':
    for program in sys.argv[1:]:
        PROGRAMS[os.path.basename(program)] = os.path.abspath(program)
    unittest.main(argv=sys.argv[:1], verbosity=2)
