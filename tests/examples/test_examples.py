#!/usr/bin/env python3
"""The example programs do what their comments say, on the shipped model.

    test_examples.py QUANTIZE_BUFFER GENERATE QUANTIZE_MODEL LIST_CATALOG
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = {}
MODEL = 'kjv-5m'


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


if __name__ == '__main__':
    for program in sys.argv[1:]:
        PROGRAMS[os.path.basename(program)] = os.path.abspath(program)
    unittest.main(argv=sys.argv[:1], verbosity=2)
