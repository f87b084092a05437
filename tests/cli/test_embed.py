"""Tests of quantctl embed. Usage: test_embed.py PATH_OF_QUANTCTL [unittest arguments]."""
import json
import math
import os
import shutil
import sys
import unittest

sys.dont_write_bytecode = True   # The sources stay as they are.
import cli_support
from cli_support import CliCase

ENCODER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'data', 'model', 'bert-tiny')


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


class Embed(CliCase):
    def rows(self, *args, **more):
        return [[float(x) for x in line.split()] for line in self.ok('embed', *args, **more).text.splitlines()]

    def test_embeddings_are_those_of_the_reference_library(self):
        with open(os.path.join(ENCODER, 'golden.json'), encoding='utf-8') as file:
            cases = [c for c in json.load(file)['cases'] if c['text'].strip()]
        rows = self.rows(ENCODER, *[c['text'] for c in cases], '--no-normalize')
        self.assertEqual(len(rows), len(cases))
        for row, case in zip(rows, cases):
            self.assertGreater(cosine(row, case['mean']), 0.9999, case['text'])
            self.assertAlmostEqual(math.hypot(*row), math.hypot(*case['mean']), delta=0.01 * math.hypot(*row))

    def test_a_file_has_a_text_on_each_line_and_json_says_all(self):
        with open(self.path('texts.txt'), 'w', encoding='utf-8') as file:
            file.write('In the beginning\nAmen\n')
        rows = self.rows(ENCODER, '--file', 'texts.txt')
        self.assertEqual(rows, self.rows(ENCODER, 'In the beginning', 'Amen'))
        for row in rows:
            self.assertAlmostEqual(math.hypot(*row), 1, places=5)
        document = json.loads(self.ok('embed', ENCODER, 'Amen', '--json', '--dimensions', '4').text)
        values = document['texts'][0]['embeddings'][0]
        self.assertEqual(len(values), 4)
        self.assertAlmostEqual(math.hypot(*values), 1, places=5)
        self.assertGreater(cosine(values, rows[1][:4]), 0.99999)

    def test_quantized_encoders_embed_alike(self):
        self.ok('import', ENCODER, '--name', 'tiny')
        self.ok('quantize', 'tiny', 'Q8_0')
        for a, b in zip(self.rows('tiny:Q8_0', 'In the beginning', 'the'), self.rows(ENCODER, 'In the beginning', 'the')):
            self.assertGreater(cosine(a, b), 0.99)
        self.ok('show', 'tiny:Q8_0')
        self.ok('list', 'tiny')

    def test_a_vocabulary_may_be_the_older_vocab_txt(self):
        folder = shutil.copytree(ENCODER, self.path('older'))
        with open(os.path.join(folder, 'tokenizer.json'), encoding='utf-8') as file:
            tokenizer = json.load(file)
        vocabulary = sorted(tokenizer['model']['vocab'].items(), key=lambda item: item[1])
        self.assertEqual([i for _, i in vocabulary], list(range(len(vocabulary))))
        os.remove(os.path.join(folder, 'tokenizer.json'))
        with open(os.path.join(folder, 'vocab.txt'), 'w', encoding='utf-8') as file:
            file.writelines(token + '\n' for token, _ in vocabulary)
        texts = ['In the beginning', 'and THE earth', 'x!']
        self.assertEqual(self.rows(folder, *texts), self.rows(ENCODER, *texts))
        with open(os.path.join(folder, 'vocab.txt'), 'w', encoding='utf-8') as file:
            file.write('no\nspecial\ntokens\n')
        self.fails(1, 'embed', folder, 'x', says=['vocab.txt', '[UNK]'])

    def test_mistakes_are_told(self):
        self.fails(2, 'embed', ENCODER)
        self.fails(2, 'embed', ENCODER, 'x', '--pooling', 'middle')
        self.fails(2, 'embed', ENCODER, 'x', '--frobnicate', says='--frobnicate')
        self.fails(1, 'embed', ENCODER, 'the ' * 5000, says='tokens')
        self.ok('embed', ENCODER, 'the ' * 5000, '--truncate')
        for verb in (['run', ENCODER, 'x'], ['eval', ENCODER]):
            self.fails(1, *verb, says='makes embeddings')

    def test_broken_folders_name_file_and_key(self):
        for name, change, says in (
                ('modules.json', lambda d: d.append({'type': 'x.models.Dense', 'path': ''}), 'Dense'),
                ('modules.json', lambda d: d[1].update(path='../..'), 'leads out'),
                ('1_Pooling/config.json', lambda d: d.update(pooling_mode_max_tokens=True), 'pooling_mode_max_tokens'),
                ('config.json', lambda d: d.update(max_position_embeddings=0), 'config.json')):
            with self.subTest(name=name, says=says):
                folder = shutil.copytree(ENCODER, self.path('broken'))
                with open(os.path.join(folder, name), encoding='utf-8') as file:
                    document = json.load(file)
                change(document)
                with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
                    json.dump(document, file)
                self.fails(1, 'embed', folder, 'x', says=says)
                shutil.rmtree(folder)


if __name__ == '__main__':
    cli_support.QUANTCTL = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
