#!/usr/bin/env python3
"""What of Ollama's API changes the catalog: create, copy, delete, pull, push and blobs.

    test_ollama_store.py QUANTD QUANTCTL MODEL [unittest arguments]
"""
import hashlib
import json
import os
import resource
import subprocess
import sys
import unittest

import daemon_support
import test_models
from test_models import NAME
from test_own_api import JobCase, LONG


def digest_of(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


class StoreCase(JobCase):
    def lines(self, answer):
        self.assertEqual(answer.headers['content-type'], 'application/x-ndjson', answer.body)
        return [json.loads(line) for line in answer.body.splitlines()]

    def names(self, daemon):
        return [m['name'] for m in daemon.get('/api/tags').json['models']]

    def bring(self, daemon, data, digest=None, chunk=None):
        """A blob's upload; in chunks of that size, or with its length."""
        with daemon.wire() as wire:
            head = 'POST /api/blobs/%s HTTP/1.1\r\nHost: x\r\n' % (digest or digest_of(data))
            if chunk:
                wire.send(head + 'Transfer-Encoding: chunked\r\n\r\n')
                for at in range(0, len(data), chunk):
                    piece = data[at:at + chunk]
                    wire.send(b'%x\r\n%s\r\n' % (len(piece), piece))
                wire.send('0\r\n\r\n')
            else:
                wire.send(head + 'Content-Length: %d\r\n\r\n' % len(data))
                wire.send(data)
            return wire.answer()

    def gguf(self, name='Q8_0'):
        """A small model as one GGUF file's bytes."""
        path = os.path.join(self.folder, name + '.gguf')
        if not os.path.exists(path):
            subprocess.run([test_models.QUANTCTL, 'quantize', test_models.MODEL, name, '--output', path],
                           env=dict(self.env, QUANT_HOME=os.path.join(self.folder, 'other')), check=True, capture_output=True)
        with open(path, 'rb') as file:
            return file.read()


class Create(StoreCase):
    def test_a_model_is_quantized_line_by_line_and_at_once(self):
        daemon = self.serve()
        told = self.lines(self.post(daemon, '/api/create', model='mine', **{'from': 'small', 'quantize': 'q4_K_M'}))
        self.assertEqual(told[-1], {'status': 'success'})
        whole = self.post(daemon, '/api/create', name='mine:best', quantize='Q8_0', stream=False, **{'from': NAME})
        self.assertEqual(whole.json, {'status': 'success'})
        self.assertEqual(sorted(self.names(daemon)), ['mine:Q4_K_M', 'mine:best', NAME])
        for name in ('mine', 'mine:best', 'mine:latest'):
            self.assertEqual(self.post(daemon, '/api/generate', model=name, prompt='In', stream=False,
                                       options={'num_predict': 2}).status, 200)
        self.assertEqual(daemon.get('/quant/v1/catalog/mine:Q4_K_M').json['base'], NAME)
        self.assertEqual(self.store(), ['models/mine-Q4_K_M.gguf', 'models/mine-best.gguf'])

    def test_a_file_is_brought_and_made_a_model(self):
        daemon = self.serve()
        data = self.gguf()
        digest = digest_of(data)
        self.assertEqual(daemon.ask('HEAD', '/api/blobs/' + digest).status, 404)
        missing = self.post(daemon, '/api/create', model='up', files={'m.gguf': digest})
        self.refused(missing, 404, digest)
        for chunk in (None, 5000):
            self.assertEqual(self.bring(daemon, data, chunk=chunk).status, 201)
        self.assertEqual(daemon.ask('HEAD', '/api/blobs/' + digest).status, 200)
        self.assertEqual(self.lines(self.post(daemon, '/api/create', model='up', files={'m.gguf': digest}))[-1]['status'], 'success')
        self.assertEqual(self.chat(daemon, model='up').status, 200)
        made = self.post(daemon, '/api/create', model='up', files={'m.gguf': digest}, quantize='q4_0', stream=False)
        self.assertEqual(made.json, {'status': 'success'})
        self.assertEqual(sorted(self.names(daemon)), [NAME, 'up:Q4_0', 'up:Q8_0'])
        self.assertEqual(daemon.ask('DELETE', '/api/delete', json.dumps({'model': 'up:Q8_0'})).status, 200)
        self.assertEqual(self.store(), ['blobs/' + digest.replace(':', '-'), 'models/up-Q4_0.gguf'])

    def test_a_name_is_given_and_each_goes_by_itself(self):
        daemon = self.serve()
        self.ended(daemon, self.begin(daemon, kind='quantize', model=NAME, type='Q8_0'))
        self.ended(daemon, self.begin(daemon, kind='eval', model='small:Q8_0', chunks=1))
        self.assertEqual(self.post(daemon, '/api/create', model='same', stream=False, **{'from': 'small:Q8_0'}).json, {'status': 'success'})
        copied = self.post(daemon, '/api/copy', source='small:Q8_0', destination='kept:v1')
        self.assertEqual((copied.status, copied.body), (200, b''))
        catalog = {v['name']: v for v in daemon.get('/quant/v1/catalog').json['variants']}
        self.assertEqual(catalog['kept:v1']['kld_mean'], catalog['small:Q8_0']['kld_mean'])
        self.assertEqual(catalog['kept:v1']['path'], catalog['small:Q8_0']['path'])
        # What is made anew under one name leaves the others as they are.
        self.ended(daemon, self.begin(daemon, kind='quantize', model=NAME, type='Q8_0', method='round'))
        self.assertEqual(self.store(), ['models/small-Q8_0-2.gguf', 'models/small-Q8_0.gguf'])
        for name in ('small:Q8_0', 'same', 'kept:v1'):
            self.assertEqual(self.chat(daemon, model=name).status, 200)
            self.assertEqual(daemon.ask('DELETE', '/api/delete', json.dumps({'model': name})).status, 200)
        self.assertEqual(self.store(), [])
        self.assertEqual(self.names(daemon), [NAME])

    def test_who_leaves_wants_it_no_more(self):
        daemon = self.serve()
        blocker = self.begin(daemon, **LONG)
        body = json.dumps({'model': 'mine', 'from': 'small', 'quantize': 'Q8_0'})
        with daemon.wire() as wire:
            wire.send('POST /api/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n'
                      % len(body) + body)
            self.assertIsNotNone(wire.until(b'waiting for other jobs'))
        self.wait(lambda: daemon.get('/quant/v1/jobs').json['jobs'][0]['state'] == 'cancelled', 'it to be cancelled')
        daemon.ask('DELETE', '/quant/v1/jobs/' + blocker)
        self.ended(daemon, blocker)
        self.assertEqual(self.names(daemon), [NAME])

    def test_what_is_wrong_is_named(self):
        daemon = self.serve()
        kept = {name: 'x' for name in ('template', 'system', 'license', 'modelfile', 'path')}
        kept.update(messages=[{'role': 'user', 'content': 'x'}], parameters={'temperature': 1}, adapters={'a': 'b'})
        for name, value in kept.items():
            body = json.dumps({'model': 'mine', 'from': 'small', name: value})
            self.refused(daemon.ask('POST', '/api/create', body), 400, name)
        good = digest_of(b'')
        for body, says in (({}, 'model'), ({'model': '../up', 'from': 'small'}, 'model'), ({'model': 'a'}, 'from'),
                           ({'model': 'a', 'from': 'small', 'files': {'a.gguf': good}}, 'files'),
                           ({'model': 'a', 'files': {'a.gguf': good, 'b.gguf': good}}, 'files'),
                           ({'model': 'a', 'files': {'a.bin': good}}, 'files'), ({'model': 'a', 'files': {'a.gguf': 5}}, 'files'),
                           ({'model': 'a', 'files': {'a.gguf': 'sha256:../../etc/passwd'}}, 'digest'),
                           ({'model': 'a', 'from': 'small', 'quantize': 'Q99'}, 'quantize'),
                           ({'model': 'a', 'from': 'small', 'stream': 1}, 'stream')):
            self.refused(self.post(daemon, '/api/create', **body), 400, says)
        self.refused(self.post(daemon, '/api/create', model='a', **{'from': 'nothing'}), 404, 'nothing')
        self.refused(self.post(daemon, '/api/create', model='small', stream=False, **{'from': NAME}), 400)
        self.refused(self.post(daemon, '/api/copy', source='small'), 400, 'destination')
        self.refused(self.post(daemon, '/api/copy', source='small', destination='a/b'), 400, 'destination')
        self.refused(self.post(daemon, '/api/copy', source='nothing', destination='b'), 404)
        self.refused(daemon.ask('DELETE', '/api/delete', '{"model": "nothing"}'), 404)
        self.refused(daemon.ask('DELETE', '/api/delete', '{}'), 400)
        self.refused(daemon.ask('POST', '/api/create', '{"model":'), 400)
        # A file that is no model: said in the stream, with no path in it.
        blob = b'GGUF and nothing else'
        self.assertEqual(self.bring(daemon, blob).status, 201)
        told = self.post(daemon, '/api/create', model='bad', files={'m.gguf': digest_of(blob)})
        self.assertIn('error', self.lines(told)[-1])
        self.assertNotIn(self.folder.encode(), told.body)
        self.assertEqual(self.names(daemon), [NAME])

    def test_nothing_is_downloaded_or_sent(self):
        daemon = self.serve()
        self.assertEqual(self.lines(self.post(daemon, '/api/pull', model='small:latest')), [{'status': 'success'}])
        self.assertEqual(self.post(daemon, '/api/pull', name='small', stream=False).json, {'status': 'success'})
        for more in ({}, {'stream': False}):
            self.refused(self.post(daemon, '/api/pull', model='library/some:8b', **more), 501, 'quantctl import')
        self.refused(self.post(daemon, '/api/push', model='small'), 501)

    def test_changes_are_not_made_over_tcp(self):
        daemon = self.start(program=daemon_support.QUANTD, tcp=True)
        for method, path in (('POST', 'create'), ('POST', 'copy'), ('DELETE', 'delete'), ('POST', 'push'),
                             ('POST', 'blobs/' + digest_of(b'')), ('HEAD', 'blobs/' + digest_of(b''))):
            answer = daemon.ask(method, '/api/' + path, '{}', tcp=True)
            self.assertEqual(answer.status, 403)
            if method != 'HEAD':
                self.refused(answer, 403, 'Unix socket')


class Blobs(StoreCase):
    def test_what_is_not_its_digest_is_not_kept(self):
        daemon = self.serve()
        data = b'x' * 3_000_000
        self.refused(self.bring(daemon, data, digest_of(b'y')), 400, digest_of(data))
        self.refused(self.bring(daemon, data, digest_of(b'y'), chunk=70_000), 400, 'digest')
        for digest in ('sha256:abc', 'md5:' + '0' * 64, 'sha256:' + 'A' * 64, 'sha256-' + '0' * 64, '..%2f..%2fx'):
            self.assertIn(self.bring(daemon, b'x', digest).status, (400, 404))
        self.wait(lambda: self.store() == [], 'nothing to be left')
        self.assertEqual(self.bring(daemon, b'').status, 201)

    def test_an_upload_that_breaks_off_leaves_nothing(self):
        daemon = self.serve()
        self.names(daemon)    # The catalog, opened when first asked for, stays open.
        before = daemon.descriptors
        for sent in (0, 1000, 2_000_000):
            with daemon.wire() as wire:
                wire.send('POST /api/blobs/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n' % digest_of(b'z'))
                wire.send(b'z' * sent)
                self.wait(lambda: daemon.metric('quantd_uploads') == 1, 'the upload to begin')
            self.wait(lambda: daemon.metric('quantd_uploads') == 0, 'the upload to end')
        self.wait(lambda: self.store() == [] and daemon.descriptors <= before, 'nothing to be left')

    def test_a_large_body_costs_no_memory(self):
        daemon = self.serve()
        self.bring(daemon, b'warm')
        data = bytes(200 << 20)
        self.assertEqual(self.bring(daemon, data).status, 201)
        with open('/proc/%d/status' % daemon.process.pid, encoding='ascii') as file:
            peak = next(int(line.split()[1]) for line in file if line.startswith('VmHWM'))
        self.assertLess(peak, 150 << 10)

    def test_there_must_be_room_for_it(self):
        def starve():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        daemon = self.start(program=daemon_support.QUANTD, env=dict(self.env, QUANTD_TEST_TIME_SCALE='1'), before=starve)
        with daemon.wire() as wire:     # Refused by what it announces, before a byte of it.
            wire.send('POST /api/blobs/%s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n'
                      % (digest_of(b'z'), 1 << 40))
            self.refused(wire.answer(), 507, str(1 << 40), 'free')
        with daemon.wire() as wire:
            wire.send('POST /api/blobs/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n' % (digest_of(b'z'), 1 << 41))
            self.refused(wire.answer(), 413, 'longer')
        for chunk in (None, 100_000):
            answer = self.bring(daemon, bytes(30 << 20), chunk=chunk)
            if answer:      # It hangs up before it has read all, so the answer may be lost.
                self.refused(answer, 507, 'full')
                self.assertNotIn(self.folder.encode(), answer.body)
        self.wait(lambda: self.store() == [], 'nothing to be left')
        self.assertEqual(self.bring(daemon, b'small').status, 201)

    def test_slow_peers_and_many_are_held_off(self):
        daemon = self.serve(test_time_scale=0.02)
        with daemon.wire() as wire:
            wire.send('POST /api/blobs/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 400000000\r\n\r\nx' % digest_of(b'z'))
            self.assertEqual(wire.answer().status, 408)
        daemon.end()
        daemon = self.serve()
        wires = [daemon.wire().send('POST /api/blobs/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n' % digest_of(b'z'))
                 for _ in range(8)]
        self.wait(lambda: daemon.metric('quantd_uploads') == 8, 'all to begin')
        self.refused(self.bring(daemon, b'more'), 503, '8')
        del wires

    def test_leftovers_of_uploads_go_at_the_start(self):
        blobs = os.path.join(self.env['QUANT_HOME'], 'blobs')
        os.makedirs(blobs)
        old, new = (os.path.join(blobs, 'sha256-' + c * 64) for c in 'ab')
        for path in (old, new, os.path.join(blobs, '.sha256-%s.99.0.part' % ('c' * 64))):
            with open(path, 'w', encoding='utf-8'):
                pass
        os.utime(old, (1, 1))
        self.serve()
        self.wait(lambda: self.store() == ['blobs/sha256-' + 'b' * 64], 'them to be removed')


if __name__ == '__main__':
    daemon_support.QUANTD, test_models.QUANTCTL, test_models.MODEL = map(os.path.abspath, sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
