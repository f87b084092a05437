#!/usr/bin/env python3
"""Embeddings behind the OpenAI and Ollama APIs, as clients see them.

    test_embeddings.py QUANTD QUANTCTL ENCODER MODEL [unittest arguments]

ENCODER is a folder with golden.json: texts, their tokens, and what the reference library makes of them. MODEL is a
small model that generates.
"""
import base64
import json
import math
import os
import struct
import subprocess
import sys
import threading
import time
import unittest

import daemon_support
from daemon_support import DaemonCase

QUANTCTL = ENCODER = MODEL = None


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


class EmbeddingCase(DaemonCase):
    def setUp(self):
        super().setUp()
        self.env['QUANT_HOME'] = os.path.join(self.folder, 'catalog')
        for path, name in ((ENCODER, 'tiny'), (MODEL, 'small')):
            subprocess.run([QUANTCTL, 'import', path, '--name', name], env=self.env, check=True, capture_output=True)
        with open(os.path.join(ENCODER, 'golden.json'), encoding='utf-8') as file:
            self.golden = json.load(file)['cases']

    def serve(self, **settings):
        env = {'QUANTD_' + name.upper(): str(value) for name, value in settings.items()}
        env.setdefault('QUANTD_TEST_TIME_SCALE', '1')
        daemon = self.start(program=daemon_support.QUANTD, env=env)
        names = [m['id'] for m in daemon.get('/v1/models').json['data']]
        self.tiny, self.small = (next(n for n in names if n.startswith(w)) for w in ('tiny', 'small'))
        return daemon

    def post(self, daemon, path, **body):
        return daemon.ask('POST', path, json.dumps(body))

    def openai(self, daemon, **body):
        return self.post(daemon, '/v1/embeddings', **{'model': self.tiny, **body})

    def ollama(self, daemon, **body):
        return self.post(daemon, '/api/embed', **{'model': self.tiny, **body})

    def refused(self, answer, status, *says):
        self.assertEqual(answer.status, status, answer.body)
        message = answer.json['error']
        message = message if isinstance(message, str) else message['message']
        for words in says:
            self.assertIn(words, message)


class OpenAi(EmbeddingCase):
    def test_embeddings_are_those_of_the_reference_library(self):
        daemon = self.serve()
        texts = [c['text'] for c in self.golden]
        answer = self.openai(daemon, input=texts, user='somebody')
        self.assertEqual(answer.status, 200, answer.body)
        out = answer.json
        self.assertEqual((out['object'], out['model'], len(out['data'])), ('list', self.tiny, len(texts)))
        tokens = sum(len(c['ids']) for c in self.golden)
        for name, value in (('requests', 1), ('inputs', len(texts)), ('tokens', tokens), ('requests_refused', 0)):
            self.assertEqual(daemon.metric('quantd_embedding_%s_total' % name), value)
        self.assertIn(b'quantd_embedding_seconds_total 0.', daemon.get('/metrics').body)
        self.assertEqual(out['usage'], {'prompt_tokens': tokens, 'total_tokens': tokens})
        for i, (got, case) in enumerate(zip(out['data'], self.golden)):
            self.assertEqual((got['object'], got['index']), ('embedding', i))
            self.assertGreater(cosine(got['embedding'], case['mean']), 0.99999)
            self.assertAlmostEqual(sum(x * x for x in got['embedding']), 1, places=5)

    def test_texts_and_tokens_in_all_shapes_give_the_same(self):
        daemon = self.serve()
        case = self.golden[1]
        plain = self.openai(daemon, input=case['text']).json['data'][0]['embedding']
        for shape in ([case['text']], case['ids'], [case['ids']], [case['ids'], self.golden[2]['ids']]):
            got = self.openai(daemon, input=shape).json['data'][0]['embedding']
            self.assertLess(max(abs(a - b) for a, b in zip(plain, got)), 1e-5)

    def test_base64_holds_the_floats(self):
        daemon = self.serve()
        floats = self.openai(daemon, input='the earth').json['data'][0]['embedding']
        text = self.openai(daemon, input='the earth', encoding_format='base64').json['data'][0]['embedding']
        self.assertEqual(len(floats), 32)
        got = struct.unpack('<32f', base64.b64decode(text))
        self.assertEqual([struct.unpack('<f', struct.pack('<f', x))[0] for x in floats], list(got))

    def test_dimensions_cut_and_normalize_again(self):
        daemon = self.serve()
        whole = self.openai(daemon, input='the earth').json['data'][0]['embedding']
        cut = self.openai(daemon, input='the earth', dimensions=8).json['data'][0]['embedding']
        self.assertEqual(len(cut), 8)
        self.assertAlmostEqual(sum(x * x for x in cut), 1, places=5)
        self.assertGreater(cosine(cut, whole[:8]), 0.999999)

    def test_a_model_that_generates_embeds_too(self):
        daemon = self.serve()
        answer = self.post(daemon, '/v1/embeddings', model=self.small, input=['In the beginning', 'bread'])
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(len(answer.json['data']), 2)

    def test_what_cannot_be_embedded_is_refused(self):
        daemon = self.serve()
        self.refused(self.openai(daemon, input='bread ' * 130), 400, '132', '128')
        self.refused(self.openai(daemon, input=['the', 'bread ' * 130]), 400, 'text 1')
        for bad in (None, '', [], [''], ['the', 5], [5, 'the'], [[]], [[1, -2]], {'a': 1}, [[1], 'the'], 7, [1.5]):
            self.refused(self.openai(daemon, input=bad), 400, 'input')
        self.refused(self.openai(daemon, input=[1000]), 400, '1000')
        self.refused(self.openai(daemon, input='the', dimensions=33), 400, '33', '32')
        self.refused(self.openai(daemon, input='the', dimensions=0), 400, 'dimensions')
        self.refused(self.openai(daemon, input='the', encoding_format='hex'), 400, 'encoding_format')
        self.refused(self.openai(daemon, input=['the'] * 2049), 400, '2048')
        self.refused(self.post(daemon, '/v1/embeddings', model='nothing', input='the'), 404, 'nothing')
        self.assertEqual(self.openai(daemon, input='the').status, 200)


class Ollama(EmbeddingCase):
    def test_embed_is_normalized_and_counted(self):
        daemon = self.serve()
        cases = self.golden[:5]
        out = self.ollama(daemon, input=[c['text'] for c in cases], keep_alive='1m', options={'num_ctx': 512}).json
        self.assertEqual((out['model'], len(out['embeddings'])), (self.tiny, 5))
        self.assertEqual(out['prompt_eval_count'], sum(len(c['ids']) for c in cases))
        self.assertGreaterEqual(out['total_duration'], out['load_duration'])
        for got, case in zip(out['embeddings'], cases):
            self.assertGreater(cosine(got, case['mean']), 0.99999)
            self.assertAlmostEqual(sum(x * x for x in got), 1, places=5)
        self.assertEqual(len(self.ollama(daemon, input='the', dimensions=4).json['embeddings'][0]), 4)
        self.assertEqual(self.ollama(daemon).json['embeddings'], [])

    def test_the_older_way_does_not_normalize(self):
        daemon = self.serve()
        case = self.golden[1]
        got = self.post(daemon, '/api/embeddings', model=self.tiny, prompt=case['text']).json['embedding']
        self.assertLess(max(abs(a - b) for a, b in zip(got, case['mean'])), 1e-4)
        self.assertEqual(self.post(daemon, '/api/embeddings', model=self.tiny, prompt='').json['embedding'], [])

    def test_a_text_that_is_too_long_is_cut_and_the_reply_says_so(self):
        daemon = self.serve()
        out = self.ollama(daemon, input='bread ' * 130).json
        self.assertEqual((out['prompt_eval_count'], out['tokens_cut']), (128, 4))
        self.assertNotIn('tokens_cut', self.ollama(daemon, input='bread').json)
        self.refused(self.ollama(daemon, input='bread ' * 130, truncate=False), 400, '132', '128')
        self.refused(self.ollama(daemon, input=[1, 2]), 400, 'input')


class Models(EmbeddingCase):
    def test_lists_say_what_a_model_is_for(self):
        daemon = self.serve()
        for path, rows, key in (('/v1/models', 'data', 'id'), ('/api/tags', 'models', 'name')):
            found = {m[key]: m['capabilities'] for m in daemon.get(path).json[rows]}
            self.assertEqual((found[self.tiny], found[self.small]), (['embedding'], ['completion']))
        self.assertEqual(self.post(daemon, '/api/show', model=self.tiny).json['capabilities'], ['embedding'])

    def test_an_encoder_does_not_chat(self):
        daemon = self.serve()
        for path, body in (('/v1/chat/completions', {'messages': [{'role': 'user', 'content': 'Hi'}]}),
                           ('/v1/completions', {'prompt': 'Hi'}), ('/api/generate', {'prompt': 'Hi'}),
                           ('/api/chat', {'messages': [{'role': 'user', 'content': 'Hi'}]})):
            self.refused(self.post(daemon, path, model=self.tiny, **body), 400, 'does not generate text')
        self.assertEqual(self.openai(daemon, input='the').status, 200)
        self.assertIn('quantd_models_resident 1', daemon.get('/metrics').body.decode())

    def test_others_are_answered_while_many_texts_are_embedded(self):
        daemon = self.serve()
        many = {'model': self.small, 'input': ['And the evening and the morning were the first day. ' * 8] * 400}
        begun = threading.Event()
        answers = []

        def embed_many():
            begun.set()
            answers.append(self.post(daemon, '/v1/embeddings', **many))

        thread = threading.Thread(target=embed_many)
        thread.start()
        begun.wait()
        self.assertEqual(daemon.get('/v1/models').status, 200)
        self.assertEqual(self.openai(daemon, input='the').status, 200)
        chat = self.post(daemon, '/v1/completions', model=self.small, prompt='In the', max_tokens=3)
        self.assertEqual(chat.status, 200, chat.body)
        thread.join(120)
        self.assertEqual(answers[0].status, 200, answers[0].body[:300])

    def test_a_client_that_leaves_stops_its_work(self):
        daemon = self.serve()
        self.assertEqual(self.post(daemon, '/v1/embeddings', model=self.small, input='warm').status, 200)
        body = json.dumps({'model': self.small, 'input': ['And the evening and the morning. ' * 12] * 2000})
        for _ in range(4):  # More than there are threads, so that none would be left.
            wire = daemon.wire()
            wire.send('POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
                      'Content-Length: %d\r\n\r\n%s' % (len(body), body))
            time.sleep(0.2)
            wire.socket.close()
        begun = time.monotonic()
        self.assertEqual(self.openai(daemon, input='the').status, 200)
        self.assertLess(time.monotonic() - begun, 10)


if __name__ == '__main__':
    daemon_support.QUANTD, QUANTCTL, ENCODER, MODEL = map(os.path.abspath, sys.argv[1:5])
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)
