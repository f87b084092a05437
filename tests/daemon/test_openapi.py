#!/usr/bin/env python3
"""The OpenAPI document and the daemon say the same: routes, fields, who may, and what replies look like.

    test_openapi.py QUANTD QUANTCTL MODEL OPENAPI [unittest arguments]

OPENAPI is the document, share/openapi/quantd.json.
"""
import json
import os
import re
import subprocess
import sys
import unittest

import daemon_support
import test_models
from test_models import NAME, PSALM, events
from test_own_api import JobCase, sse

try:
    import jsonschema
except ImportError:
    sys.exit(77)    # Skipped.

DOCUMENT = None


def load():
    with open(DOCUMENT, encoding='utf-8') as file:
        return json.load(file)


def routes():
    """{(method, path): (rights, fields)} of the program."""
    text = subprocess.run([daemon_support.QUANTD, '--routes'], check=True, capture_output=True, text=True).stdout
    out = {}
    for line in text.splitlines():
        method, pattern, rights, fields = line.split('\t')
        out[method.lower(), re.sub(r'\{(\w+)\.\.\.\}', r'{\1}', pattern)] = (rights, set(fields.split()))
    return out


class Document(unittest.TestCase):
    def setUp(self):
        self.document = load()
        self.schemas = self.document['components']['schemas']

    def operations(self):
        return {(method, path): operation for path, methods in self.document['paths'].items()
                for method, operation in methods.items()}

    def follow(self, schema):
        return self.schemas[schema['$ref'].rsplit('/', 1)[1]] if '$ref' in schema else schema

    def test_every_route_is_in_the_document_and_none_else(self):
        self.assertEqual(sorted(routes()), sorted(self.operations()))

    def test_the_fields_are_those_that_handlers_read(self):
        for key, (_, fields) in routes().items():
            with self.subTest(key):
                body = self.operations()[key].get('requestBody', {'content': {}})['content'].get('application/json')
                self.assertEqual(bool(body), bool(fields))
                properties = self.follow(body['schema'])['properties'] if body else {}
                said = set(properties)
                for outer in {field.split('.')[0] for field in fields if '.' in field}:
                    said |= {outer + '.' + inner for inner in properties[outer]['properties']}
                self.assertEqual(said, fields)

    def test_it_says_who_may(self):
        for key, (rights, _) in routes().items():
            self.assertEqual(self.operations()[key].get('x-admin', False), rights == 'admin', key)

    def test_it_is_whole(self):
        """Each reference leads somewhere, each schema is one and is used, each parameter is in its path, ids differ."""
        text = json.dumps(self.document)
        used = set(re.findall(r'"#/components/schemas/(\w+)"', text))
        self.assertEqual(used, set(self.schemas))
        for name, schema in self.schemas.items():
            with self.subTest(name):
                jsonschema.Draft202012Validator.check_schema(schema)
        ids = [operation['operationId'] for operation in self.operations().values()]
        self.assertEqual(len(ids), len(set(ids)))
        for (_, path), operation in self.operations().items():
            named = {p['name'] for p in operation.get('parameters', []) if p['in'] == 'path'}
            self.assertEqual(named, set(re.findall(r'\{(\w+)\}', path)))
            self.assertTrue(operation['summary'] and operation['responses'])


class Replies(JobCase):
    """What the running daemon answers, held against the schemas."""

    def setUp(self):
        super().setUp()
        self.document = load()
        self.env['QUANT_SHARE'] = os.path.dirname(os.path.dirname(os.path.abspath(DOCUMENT)))
        self.daemon = self.serve()
        self.seen = set()

    def valid(self, value, schema):
        whole = dict(schema, components=self.document['components'])
        for error in jsonschema.Draft202012Validator(whole).iter_errors(value):
            self.fail('%s: %s' % (list(error.absolute_path), error.message))

    def reply(self, method, path, template=None, **body):
        """Asks, and holds request and answer against the document; returns the value, or all of a stream."""
        operation = self.document['paths'][template or path][method.lower()]
        self.seen.add((method.lower(), template or path))
        if body:
            self.valid(body, operation['requestBody']['content']['application/json']['schema'])
        answer = self.daemon.ask(method, path, json.dumps(body) if body else None)
        said = operation['responses'].get(str(answer.status), operation['responses']['default'])
        kind = answer.headers.get('content-type', '').split(';')[0]
        if not answer.body:
            self.assertNotIn('content', said)
            return None
        schema = said['content'][kind]['schema']
        values = {'application/json': lambda: [answer.json], 'text/plain': lambda: [answer.body.decode()],
                  'application/x-ndjson': lambda: [json.loads(line) for line in answer.body.splitlines()],
                  'text/event-stream': lambda: ([data for _, data in sse(answer.body)] if answer.body.startswith(b'event')
                                                else events(answer))}[kind]()
        for value in values:
            self.valid(value, schema)
        return values if kind in ('application/x-ndjson', 'text/event-stream') else values[0]

    def test_replies_are_as_the_document_says(self):
        reply, chat = self.reply, {'model': NAME, 'messages': [{'role': 'user', 'content': PSALM}], 'max_tokens': 4}
        self.assertEqual(reply('GET', '/quant/v1/openapi.json'), self.document)
        for path in ('/', '/healthz', '/metrics', '/api/version', '/quant/v1/version', '/quant/v1/topology', '/v1/models',
                     '/api/tags'):
            reply('GET', path)
        reply('GET', '/v1/models/' + NAME, '/v1/models/{id}')
        reply('GET', '/v1/models/none', '/v1/models/{id}')
        reply('POST', '/v1/chat/completions', **chat, logprobs=True, top_logprobs=2)
        reply('POST', '/v1/chat/completions', **chat, stream=True, stream_options={'include_usage': True})
        reply('POST', '/v1/completions', model=NAME, prompt=PSALM, max_tokens=4)
        reply('POST', '/v1/completions', model=NAME, prompt=PSALM, max_tokens=4, stream=True)
        reply('POST', '/v1/completions', model='none', prompt=PSALM)
        options = {'num_predict': 4}
        reply('POST', '/api/generate', model=NAME, prompt=PSALM, options=options)
        reply('POST', '/api/generate', model=NAME)
        reply('POST', '/api/chat', model=NAME, messages=chat['messages'], options=options, stream=False)
        reply('POST', '/api/chat', model='none', messages=[])
        reply('POST', '/v1/embeddings', model=NAME, input=[PSALM, 'Amen'], dimensions=8)
        reply('POST', '/v1/embeddings', model=NAME, input=PSALM, encoding_format='base64')
        reply('POST', '/api/embed', model=NAME, input=[PSALM])
        reply('POST', '/api/embeddings', model=NAME, prompt=PSALM)
        reply('POST', '/quant/v1/pin', model=NAME)
        reply('GET', '/quant/v1/residents')
        reply('POST', '/quant/v1/pin', model=NAME, pinned=False)
        reply('GET', '/quant/v1/lease?model=' + NAME, '/quant/v1/lease')    # Refused: it wants to be upgraded.
        reply('GET', '/api/ps')
        reply('POST', '/api/show', model=NAME)
        job = reply('POST', '/quant/v1/jobs', kind='quantize', model=NAME, type='Q4_0', evaluate=True, chunks=1)
        reply('GET', '/quant/v1/jobs/%s/events' % job['id'], '/quant/v1/jobs/{id}/events')
        job = reply('POST', '/quant/v1/jobs', kind='eval', model='small:Q4_0', chunks=1)
        self.ended(self.daemon, job['id'])
        reply('GET', '/quant/v1/jobs')
        reply('GET', '/quant/v1/jobs/' + job['id'], '/quant/v1/jobs/{id}')
        reply('GET', '/quant/v1/jobs/none', '/quant/v1/jobs/{id}')
        reply('DELETE', '/quant/v1/jobs/' + job['id'], '/quant/v1/jobs/{id}')
        reply('GET', '/quant/v1/catalog')
        reply('GET', '/quant/v1/catalog/small:Q4_0', '/quant/v1/catalog/{name}')
        reply('GET', '/quant/v1/catalog/small', '/quant/v1/catalog/{name}')
        reply('POST', '/api/create', **{'model': 'mine', 'from': 'small', 'quantize': 'q4_0'})
        reply('POST', '/api/create', **{'model': 'mine', 'from': 'none', 'stream': False})
        reply('POST', '/api/copy', source='mine', destination='again')
        reply('DELETE', '/api/delete', model='again')
        reply('POST', '/api/pull', model='mine')
        reply('POST', '/api/pull', model='none')
        reply('POST', '/api/push', model='mine')
        reply('POST', '/quant/v1/unload', model=NAME)
        reply('POST', '/quant/v1/unload', model='none')
        # Blobs are no JSON; test_ollama_store.py has them.
        left = {key for key in routes() if 'blobs' not in key[1]} - self.seen
        self.assertEqual(left, set(), 'a route that no reply was asked of: add it above')


if __name__ == '__main__':
    daemon_support.QUANTD, test_models.QUANTCTL, test_models.MODEL, DOCUMENT = map(os.path.abspath, sys.argv[1:5])
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)
