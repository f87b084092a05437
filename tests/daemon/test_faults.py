#!/usr/bin/env python3
"""What goes wrong around quantd while it serves models: files that are gone, rights it lacks, a disk that is full.

    test_faults.py QUANTD QUANTCTL MODEL [unittest arguments]

MODEL is a small model's folder.
"""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True   # The sources stay as they are.
import daemon_support
import load_support
from daemon_support import DaemonCase
from load_support import PSALM, mapped_files

ASKED = [('/v1/completions', {'prompt': PSALM}), ('/v1/chat/completions', {'messages': [{'role': 'user', 'content': PSALM}]}),
         ('/api/generate', {'prompt': PSALM, 'stream': False}), ('/api/chat', {'messages': [{'role': 'user', 'content': PSALM}]})]


class Broken(DaemonCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o777)    # A daemon that is somebody else works here, too.
        self.env['QUANT_HOME'] = os.path.join(self.folder, 'catalog')
        self.imported('small')

    def imported(self, name):
        """The weights of a model of that name, in the catalog."""
        folder = os.path.join(self.folder, name)
        shutil.copytree(load_support.MODEL, folder)
        subprocess.run([load_support.QUANTCTL, 'import', folder, '--name', name], env=self.env, check=True, capture_output=True)
        return os.path.join(folder, 'model.safetensors')

    def serve(self, **more):
        env = {'QUANTD_TEST_TIME_SCALE': '1', 'QUANTD_LOG_LEVEL': 'info', **more.pop('env', {})}
        return self.start(program=daemon_support.QUANTD, env=env, **more)

    def ask(self, daemon, path, model='small:BF16', **body):
        return daemon.ask('POST', path, json.dumps({'model': model, 'max_tokens': 4, 'options': {'num_predict': 4}, **body}))

    def assert_refused(self, daemon, model, statuses):
        """By each endpoint, in the manner of its API, without the place where things are; others are served still."""
        for path, body in ASKED:
            with self.subTest(path):
                answer = self.ask(daemon, path, model, **body)
                self.assertIn(answer.status, statuses, answer.body)
                error = answer.json['error']
                message = error if path.startswith('/api/') else error['message']
                self.assertIn(model.split(':')[0], message)
                self.assertNotIn(self.folder, message)
        self.assertEqual(self.ask(daemon, *ASKED[0][:1], **ASKED[0][1]).status, 200)

    def test_a_model_whose_file_is_gone(self):
        os.unlink(self.imported('gone'))
        daemon = self.serve()
        self.assert_refused(daemon, 'gone:BF16', (404, 500))
        shutil.rmtree(os.path.join(self.folder, 'gone'))
        self.assert_refused(daemon, 'gone:BF16', (404, 500))
        self.assertEqual([m['id'] for m in daemon.get('/v1/models').json['data']], ['small:BF16'])

    def test_a_model_that_may_not_be_read(self):
        if os.geteuid() != 0:
            self.skipTest('only root can be somebody who lacks rights')
        os.chmod(self.imported('locked'), 0)
        for place, folders, _ in os.walk(self.env['QUANT_HOME']):
            os.chown(place, 65534, 65534)
            for file in os.listdir(place):
                os.chown(os.path.join(place, file), 65534, 65534)
        self.assert_refused(self.serve(before=lambda: os.setuid(65534)), 'locked:BF16', (500, 503))

    def test_a_catalog_that_is_none(self):
        for root, _, files in os.walk(self.env['QUANT_HOME']):
            for file in files:
                with open(os.path.join(root, file), 'wb') as out:
                    out.write(b'not a database ' * 1000)
        daemon = self.serve()
        for path, body in ASKED:
            answer = self.ask(daemon, path, **body)
            self.assertGreaterEqual(answer.status, 500, answer.body)
            self.assertIn('error', answer.json)
        self.assertGreaterEqual(daemon.get('/v1/models').status, 500)
        self.assertEqual(daemon.get('/healthz').status, 200)

    def test_a_disk_that_is_full(self):
        def full():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))    # The log has a place; a catalog's files have none.
        daemon = self.serve(before=full)
        for _ in range(3):
            for path, body in ASKED:
                answer = self.ask(daemon, path, **body)
                self.assertIn(answer.status, (200, 500, 503, 507), answer.body)
                if answer.status != 200:
                    self.assertIn('error', answer.json)
        self.assertEqual(daemon.get('/healthz').status, 200)

    def test_models_that_cannot_be_opened_leave_nothing_behind(self):
        weights = self.imported('cut')
        os.truncate(weights, 100000)
        daemon = self.serve()
        held = lambda: (daemon.descriptors, mapped_files(daemon))
        for _ in range(3):
            self.ask(daemon, '/v1/completions', 'cut:BF16', prompt=PSALM)
        time.sleep(0.2)
        before = held()
        for _ in range(50):
            self.assertEqual(self.ask(daemon, '/v1/completions', 'cut:BF16', prompt=PSALM).status, 500)
        self.wait(lambda: held() == before, 'everything to be given back')

    def test_the_catalogs_log_is_worked_in_at_the_end(self):
        daemon = self.serve()
        self.assertEqual(self.ask(daemon, *ASKED[0][:1], **ASKED[0][1]).status, 200)
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)
        left = [file for file in os.listdir(self.env['QUANT_HOME']) if file.endswith(('-wal', '-shm'))]
        self.assertEqual(left, [])

    def test_json_that_is_none_or_too_much(self):
        daemon = self.serve()
        good = '"model": "small:BF16", "prompt": "x", "max_tokens": 1'
        for wrong in ('{%s, "model": "other"}' % good, '{%s, "logit_bias": NaN}' % good, '{%s} {}' % good,
                      '{%s, "user": "\\ud800"}' % good, '{%s, "stop": [%s1]}' % (good, '1,' * 100_000), '{%s' % good):
            answer = daemon.ask('POST', '/v1/completions', wrong)
            self.assertEqual(answer.status, 400, wrong[:100])
            self.assertEqual(answer.json['error']['type'], 'invalid_request_error')
        self.assertEqual(daemon.ask('POST', '/v1/completions', '{%s}' % good).status, 200)

    def test_threads_have_names(self):
        daemon = self.serve()
        self.assertEqual(self.ask(daemon, *ASKED[0][:1], **ASKED[0][1]).status, 200)
        folder = '/proc/%d/task' % daemon.process.pid
        names = set()
        for task in os.listdir(folder):
            with open('%s/%s/comm' % (folder, task), encoding='ascii') as file:
                names.add(file.read().strip())
        self.assertLessEqual({'quantd', 'quantd-work', 'quantd-load', 'quant-scheduler'}, names)
        self.assertLessEqual(names, {'quantd', 'quantd-work', 'quantd-load', 'quantd-blobs', 'quant-scheduler', 'quant-worker'})


if __name__ == '__main__':
    load_support.main()
