"""Every case of bindings/conformance/cases.json."""
import array
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

import libquant
from libquant import GREEDY, Catalog, Method, Model, QuantError
from scratch import BASE, CASES, HOME, q8

DAEMON_SECONDS = 20


def text(value):
    return bytes.fromhex(value['hex']) if isinstance(value, dict) else value


def weights(rows, cols):
    return array.array('f', (((i * 7919 + 13) % 2001 - 1000) / 1024 for i in range(rows * cols)))


class Conformance(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.models = {'q8': Model(q8()), 'base': Model(BASE)}

    @classmethod
    def tearDownClass(cls):
        for model in cls.models.values():
            model.close()

    def near(self, found, expected, tolerance):
        self.assertEqual(len(found), len(expected))
        for one, other in zip(found, expected):
            self.assertAlmostEqual(one, other, delta=tolerance)

    def version(self, given, expect, _):
        self.assertTrue(libquant.version().startswith(expect['prefix']))

    def encoding(self, given, expect, _):
        found = libquant.find_encoding(given['name'])
        self.assertEqual({key: getattr(found, key) for key in expect}, expect)

    def encode(self, given, expect, _):
        rows, cols = given['rows'], given['cols']
        made = libquant.encode(given['encoding'], weights(rows, cols), rows, cols, method=Method[given['method']])
        back = libquant.decode(given['encoding'], made, rows, cols, out=array.array('f', bytes(4 * rows * cols)))
        self.assertEqual({'bytes': len(made), 'sha256': hashlib.sha256(made).hexdigest(),
                          'decoded_sha256': hashlib.sha256(back.tobytes()).hexdigest()}, expect)

    def tokenize(self, given, expect, _):
        found = self.models[given['model']].tokenizer.tokenize(
            text(given['text']), add_special=given['add_special'], parse_special=given['parse_special'])
        self.assertEqual(found, expect['ids'])

    def detokenize(self, given, expect, _):
        wanted, tokenizer = text(expect['text']), self.models[given['model']].tokenizer
        if isinstance(wanted, str):
            self.assertEqual(tokenizer.detokenize(given['ids'], skip_special=given['skip_special']), wanted)
            wanted = wanted.encode()
        self.assertEqual(tokenizer.detokenize_bytes(given['ids'], skip_special=given['skip_special']), wanted)

    def render(self, given, expect, _):
        self.assertEqual(libquant.render_template(given['template'], given['messages'],
                                                  add_generation_prompt=given['add_generation_prompt']), expect['text'])

    def generate(self, given, expect, _):
        self.check_generation(self.models[given['model']], given, expect)

    def check_generation(self, model, given, expect):
        pieces, last = [], given.get('stop_after')

        def on_text(piece):
            pieces.append(piece)
            return len(pieces) != last
        with model.session() as session:
            made = session.generate(text(given['prompt']), max_tokens=given['max_tokens'], sampling=GREEDY, on_text=on_text)
        self.assertEqual({'text': ''.join(pieces), 'stop': made.stop.name, 'prompt_tokens': made.prompt_tokens,
                          'generated_tokens': made.generated_tokens}, expect)
        self.assertEqual(made.text, ''.join(pieces))

    def logits(self, given, expect, tolerance):
        with self.models[given['model']].session() as session:
            found = session.run(given['ids'])
        self.assertEqual(max(range(len(found)), key=found.__getitem__), expect['argmax'])
        self.near([found[at] for at in expect['at']], expect['values'], tolerance)

    def embed(self, given, expect, tolerance):
        found = self.models[given['model']].embed([text(each) for each in given['texts']])
        self.assertEqual(len(found), len(expect['first']))
        for each, first in zip(found, expect['first']):
            self.assertEqual(each.dimensions, expect['dimensions'])
            self.near(each.values[:len(first)], first, tolerance)

    def perplexity(self, given, expect, tolerance):
        found = libquant.evaluate(self.models[given['model']], text(given['text']))
        self.assertEqual(found.tokens, expect['tokens'])
        self.assertAlmostEqual(found.ppl, expect['perplexity'], delta=tolerance * expect['perplexity'])

    def quantize(self, given, expect, _):
        calls = []
        with tempfile.TemporaryDirectory(dir=HOME) as folder:
            output = pathlib.Path(folder, 'out.gguf')
            libquant.quantize(BASE, output, given['type'], method=Method[given['method']], progress=calls.append)
            self.assertEqual(output.stat().st_size, expect['bytes'])
        self.assertEqual(bool(calls), expect['progress'])
        for each in calls:
            self.assertLessEqual(each.done, each.total)

    def quantize_cancelled(self, given, expect, _):
        with tempfile.TemporaryDirectory(dir=HOME) as folder:
            with self.assertRaises(QuantError) as raised:
                libquant.quantize(BASE, pathlib.Path(folder, 'out.gguf'), given['type'], progress=lambda _: False)
            self.assertEqual(raised.exception.status.name, expect['status'])
            self.assertEqual(os.listdir(folder), expect['left'])

    def error(self, given, expect, _):
        calls = {
            'open_model': lambda: Model(given['path']),
            'open_tokenizer': lambda: libquant.Tokenizer(given['path']),
            'find_encoding': lambda: libquant.find_encoding(given['name']),
            'encode': lambda: libquant.encode(given['encoding'], weights(given['rows'], given['cols']), given['rows'], given['cols']),
            'detokenize': lambda: self.models[given['model']].detokenize(given['ids']),
            'render': lambda: libquant.render_template(given['template'], given['messages']),
            'plan': lambda: libquant.Plan(BASE, given['type']),
            'resolve': lambda: Catalog().resolve(given['name']),
            'open_shared': lambda: Model.open_shared(given['name'], socket=given['socket']),
        }
        with self.assertRaises(QuantError) as raised:
            calls[given['call']]()
        self.assertEqual(raised.exception.status.name, expect['status'])
        self.assertIn(expect['message_has'], raised.exception.message)

    def catalog(self, given, expect, _):
        with Catalog() as catalog:
            self.assertEqual(catalog.import_model(q8(), given['name']), given['name'])
            found, = catalog.variants(given['name'])
            catalog.remove(given['name'])
        self.assertEqual({key: getattr(found, key) for key in expect}, expect)

    def callback_fails(self, given, expect, _):
        thrown = RuntimeError('of the callback')

        def on_text(_):
            raise thrown
        with self.models[given['model']].session() as session, self.assertRaises(RuntimeError) as raised:
            session.generate(given['prompt'], max_tokens=given['max_tokens'], on_text=on_text)
        self.assertEqual(raised.exception is thrown, expect['propagates'])

    def shared(self, given, expect, _):
        daemon = os.environ.get('QUANTD')
        if not daemon:
            self.skipTest('QUANTD names no daemon')
        with tempfile.TemporaryDirectory() as folder, Catalog() as catalog:
            catalog.import_model(q8(), 'shared:q8')
            socket, log = os.path.join(folder, 's'), open(os.path.join(folder, 'log'), 'w+')
            process = subprocess.Popen([daemon, '--socket', socket], stdout=log, stderr=log)
            try:
                limit = time.monotonic() + DAEMON_SECONDS
                while not os.path.exists(socket) and process.poll() is None and time.monotonic() < limit:
                    time.sleep(0.02)
                log.seek(0)
                self.assertTrue(os.path.exists(socket), log.read())
                with Model.open_shared('shared:q8', socket=socket) as model:
                    self.check_generation(model, given, expect)
            finally:
                process.terminate()
                process.wait(DAEMON_SECONDS)
                log.close()
                catalog.remove('shared:q8')

    def test_cases(self):
        cases = json.loads(CASES.read_text(encoding='utf-8'))
        self.assertEqual(cases['format'], 1)
        self.assertGreaterEqual(len(cases['cases']), 40)
        for case in cases['cases']:
            with self.subTest(case['name']):
                self.assertIn(case['kind'], vars(Conformance), 'a kind that this runner does not know')
                getattr(self, case['kind'])(case['input'], case['expect'], case.get('tolerance'))


if __name__ == '__main__':
    unittest.main()
