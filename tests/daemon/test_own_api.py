#!/usr/bin/env python3
"""/quant/v1 as its clients see it: the catalog, the machine, and jobs with their readers.

    test_own_api.py QUANTD QUANTCTL MODEL [unittest arguments]
"""
import json
import os
import resource
import signal
import sys
import threading
import time
import unittest

import daemon_support
import test_models
from test_models import ModelCase, NAME

JOBS = '/quant/v1/jobs'
LONG_PATIENCE = 200      # Jobs compute.
LONG = {'kind': 'quantize', 'model': NAME, 'target_size': '3M'}   # Searches for seconds.


def sse(body):
    """Pairs of event and data."""
    out = []
    for block in body.decode().split('\n\n'):
        if block:
            event, data = block.split('\n')
            assert event.startswith('event: ') and data.startswith('data: '), block
            out.append((event[7:], json.loads(data[6:])))
    return out


class JobCase(ModelCase):
    def begin(self, daemon, **body):
        answer = self.post(daemon, JOBS, **body)
        self.assertEqual(answer.status, 202, answer.body)
        self.assertEqual(answer.headers['location'], JOBS + '/' + answer.json['id'])
        return answer.json['id']

    def job(self, daemon, ident):
        return daemon.get(JOBS + '/' + ident).json

    def ended(self, daemon, ident):
        until = time.monotonic() + LONG_PATIENCE
        while not self.job(daemon, ident)['ended']:
            self.assertLess(time.monotonic(), until, 'waited in vain for the job to end')
            time.sleep(0.05)
        return self.job(daemon, ident)

    def running(self, daemon, ident):
        self.wait(lambda: self.job(daemon, ident)['state'] != 'queued', 'the job to begin')
        self.assertEqual(self.job(daemon, ident)['state'], 'running')

    def store(self):
        """The files in the catalog's folders, but for SQLite's."""
        home = self.env['QUANT_HOME']
        return sorted(os.path.join(folder, name)[len(home) + 1:] for folder, _, names in os.walk(home) for name in names
                      if not name.startswith('catalog.db'))


class Reading(JobCase):
    def test_the_catalog_is_listed_and_shown_and_paths_are_for_administrators(self):
        daemon = self.start(program=daemon_support.QUANTD, tcp=True)
        listed = daemon.get('/quant/v1/catalog').json['variants']
        self.assertEqual([v['name'] for v in listed], [NAME])
        self.assertTrue(listed[0]['path'].startswith('/'))
        self.assertIsNone(listed[0]['ppl'])
        self.assertEqual(len(daemon.get('/quant/v1/catalog?filter=small').json['variants']), 1)
        self.assertEqual(daemon.get('/quant/v1/catalog?filter=other').json['variants'], [])
        self.assertEqual(daemon.get('/quant/v1/catalog?filter=../x').status, 400)
        shown = daemon.get('/quant/v1/catalog/' + NAME).json
        self.assertTrue(shown['files'][0]['path'].startswith('/'))
        self.assertEqual(daemon.get('/quant/v1/catalog/small').json['variants'][0]['name'], NAME)
        for path in ('nothing', 'small:none', '%2e%2e', 'a:b:c'):
            answer = daemon.get('/quant/v1/catalog/' + path)
            self.assertEqual(answer.status, 404, answer.body)
        for path in ('', '/small', '/' + NAME):
            over_tcp = daemon.get('/quant/v1/catalog' + path, tcp=True)
            self.assertEqual(over_tcp.status, 200, over_tcp.body)
            self.assertNotIn(b'"path"', over_tcp.body)
            self.assertNotIn(self.folder.encode(), over_tcp.body)

    def test_the_machine_and_the_version(self):
        daemon = self.serve()
        machine = daemon.get('/quant/v1/topology').json
        self.assertEqual(machine['cores'], sum(node['cores'] for node in machine['memory_nodes']))
        self.assertIn(machine['tier'], machine['tiers'])
        version = daemon.get('/quant/v1/version').json
        self.assertEqual(version['version'], daemon.get('/api/version').json['version'])

    def test_metrics_name_each_family_once(self):
        daemon = self.serve()
        daemon.get('/quant/v1/catalog/nothing')
        lines = daemon.get('/metrics').body.decode().splitlines()
        families = [line.split()[2] for line in lines if line.startswith('# TYPE')]
        self.assertEqual(len(families), len(set(families)))
        self.assertIn('quantd_errors_total{status="404"} 1', lines)
        for name in ('quantd_jobs', 'quantd_jobs_total', 'quantd_uploads', 'quantd_connections'):
            self.assertIn(name, families)


class Jobs(JobCase):
    def test_a_model_is_quantized_and_measured(self):
        daemon = self.serve()
        done = self.ended(daemon, self.begin(daemon, kind='quantize', model='small', type='q4_k_m'))
        self.assertEqual((done['state'], done['result']['name']), ('done', 'small:Q4_K_M'), done)
        self.assertEqual(self.chat(daemon, model='small:Q4_K_M').status, 200)
        measured = self.ended(daemon, self.begin(daemon, kind='eval', model='small:Q4_K_M', chunks=2))
        self.assertEqual((measured['state'], measured['result']['base']), ('done', NAME), measured)
        row = daemon.get('/quant/v1/catalog?filter=small:Q4_K_M').json['variants'][0]
        self.assertEqual((row['ppl'], row['kld_mean']), (measured['result']['ppl'], measured['result']['kld_mean']))
        self.assertGreater(row['kld_mean'], 0)
        self.assertEqual(self.store(), ['models/small-Q4_K_M.gguf'])
        self.assertEqual([j['state'] for j in daemon.get(JOBS).json['jobs']], ['done', 'done'])

    def test_a_target_is_kept_and_the_promise_measured(self):
        daemon = self.serve()
        done = self.ended(daemon, self.begin(daemon, **LONG, name='tight', chunks=2))
        self.assertEqual(done['state'], 'done', done)
        result = done['result']
        self.assertLessEqual(result['bytes'], 3_000_000)
        self.assertTrue(result['name'].startswith('tight:'))
        self.assertGreater(result['measured']['kld_mean'], 0)
        self.assertGreater(result['predicted_kld'], 0)

    def test_readers_see_all_of_it_whenever_they_come(self):
        daemon = self.serve()
        ident = self.begin(daemon, **LONG)
        answers = []
        readers = [threading.Thread(target=lambda: answers.append(daemon.get(JOBS + '/' + ident + '/events')))
                   for _ in range(3)]
        for reader in readers:
            reader.start()
            time.sleep(0.05)
        for reader in readers:
            reader.join()
        self.ended(daemon, ident)
        answers.append(daemon.get(JOBS + '/' + ident + '/events'))
        for answer in answers:
            self.assertEqual(answer.headers['content-type'], 'text/event-stream')
            told = sse(answer.body)
            self.assertEqual((told[0][0], told[-1][0], told[-1][1]['state']), ('state', 'end', 'done'))
        steps = [data for event, data in sse(answers[0].body) if event == 'progress']
        self.assertGreater(len(steps), 2)
        self.assertEqual([event for event, _ in sse(answers[3].body)], ['state', 'end'])

    def test_a_job_is_cancelled_while_it_runs_and_while_it_waits(self):
        daemon = self.serve()
        first, second = self.begin(daemon, **LONG), self.begin(daemon, kind='eval', model=NAME)
        self.running(daemon, first)
        waiting = daemon.ask('DELETE', JOBS + '/' + second).json
        self.assertEqual(waiting['state'], 'cancelled')
        daemon.ask('DELETE', JOBS + '/' + first)
        self.assertEqual(self.ended(daemon, first)['state'], 'cancelled')
        self.assertEqual(self.store(), [])
        self.assertEqual(daemon.ask('DELETE', JOBS + '/' + first).json['state'], 'cancelled')
        self.assertEqual(self.ended(daemon, self.begin(daemon, kind='quantize', model=NAME, type='Q8_0'))['state'], 'done')

    def test_what_is_wrong_is_named(self):
        daemon = self.serve()
        wrong = [({'kind': 'train'}, 'kind'), ({'model': 5}, 'model'), ({'type': 'Q99'}, 'type'), ({'method': 'magic'}, 'method'),
                 ({'target_size': '3M'}, 'type'), ({'type': None}, 'type'), ({'name': '../x'}, 'name'),
                 ({'type': None, 'target_size': 'big'}, 'target_size'), ({'chunks': 3}, 'chunks'),
                 ({'evaluate': 'yes'}, 'evaluate'), ({'evaluate': True, 'chunks': 0}, 'chunks'),
                 ({'kind': 'eval'}, 'type')]
        for change, field in wrong:
            with self.subTest(change):
                body = dict({'kind': 'quantize', 'model': NAME, 'type': 'Q8_0'}, **change)
                self.refused(self.post(daemon, JOBS, **body), 400, field)
        self.refused(self.post(daemon, JOBS, kind='eval', model='nothing'), 404, 'nothing')
        self.refused(self.post(daemon, JOBS, kind='eval', model='/etc/passwd'), 404)
        self.refused(daemon.ask('POST', JOBS, '{"kind": '), 400)
        self.refused(daemon.ask('POST', JOBS, '[]'), 400)
        self.refused(daemon.ask('POST', JOBS, ' ' * 70000), 413)
        for method, path in (('GET', '/no'), ('GET', '/no/events'), ('DELETE', '/no'), ('HEAD', '/no/events')):
            self.assertEqual(daemon.ask(method, JOBS + path).status, 404)
        self.assertEqual(daemon.get(JOBS).json['jobs'], [])

    def test_a_job_that_fails_says_why_without_paths(self):
        # Files may not grow beyond a megabyte: to the daemon that is a full disk.
        def starve():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        env = dict(self.env, QUANTD_TEST_TIME_SCALE='1')
        daemon = self.start(program=daemon_support.QUANTD, env=env, before=starve)
        ident = self.begin(daemon, kind='quantize', model=NAME, type='Q8_0')
        failed = self.ended(daemon, ident)
        self.assertEqual((failed['state'], failed['error']['code']), ('failed', 'no_space'), failed)
        self.assertNotIn(self.folder, json.dumps(failed))
        self.assertEqual([event for event, _ in sse(daemon.get(JOBS + '/' + ident + '/events').body)], ['state', 'end'])
        self.assertEqual(self.store(), [])

    def test_changes_are_for_administrators(self):
        daemon = self.start(program=daemon_support.QUANTD, tcp=True)
        body = json.dumps({'kind': 'eval', 'model': NAME})
        refused = daemon.ask('POST', JOBS, body, tcp=True)
        self.refused(refused, 403, 'Unix socket')
        ident = self.begin(daemon, kind='quantize', model=NAME, type='Q8_0')
        self.assertEqual(daemon.ask('DELETE', JOBS + '/' + ident, tcp=True).status, 403)
        self.assertEqual(daemon.get(JOBS + '/' + ident, tcp=True).status, 200)
        self.assertEqual(self.ended(daemon, ident)['state'], 'done')

    def test_so_many_wait_and_no_more(self):
        daemon = self.serve()
        first = self.begin(daemon, **LONG)
        self.running(daemon, first)
        idents = [self.begin(daemon, kind='eval', model=NAME, chunks=1) for _ in range(32)]
        full = self.post(daemon, JOBS, kind='eval', model=NAME)
        self.refused(full, 503, '32')
        self.assertIn('retry-after', full.headers)
        for ident in [*idents, first]:
            daemon.ask('DELETE', JOBS + '/' + ident)
        self.ended(daemon, first)


class Endings(JobCase):
    def test_readers_that_leave_leave_nothing_behind(self):
        daemon = self.serve()
        daemon.get('/quant/v1/catalog')
        ident = self.begin(daemon, kind='quantize', model=NAME, type='Q8_0')
        self.ended(daemon, ident)
        before = daemon.descriptors
        ident = self.begin(daemon, **LONG)
        for _ in range(8):
            with daemon.wire() as wire:
                wire.send('GET %s/%s/events HTTP/1.1\r\nHost: x\r\n\r\n' % (JOBS, ident))
                self.assertIsNotNone(wire.until(b'event: state'))
        daemon.ask('DELETE', JOBS + '/' + ident)
        self.ended(daemon, ident)
        self.wait(lambda: daemon.descriptors <= before, 'descriptors to be closed')
        self.assertEqual(daemon.metric('quantd_jobs{state="running"}'), 0)

    def test_the_daemons_end_cancels(self):
        daemon = self.serve()
        ident = self.begin(daemon, **LONG)
        self.running(daemon, ident)
        wire = daemon.wire()
        wire.send('GET %s/%s/events HTTP/1.1\r\nHost: x\r\n\r\n' % (JOBS, ident))
        self.assertIsNotNone(wire.until(b'event: state'))
        daemon.signal(signal.SIGTERM)
        self.assertIsNotNone(wire.until(b'"state":"cancelled"'))
        self.assertEqual(daemon.wait(), 0)
        self.assertEqual(self.store(), [])

    def test_what_a_killed_daemon_left_goes_at_the_next_start(self):
        models = os.path.join(self.env['QUANT_HOME'], 'models')
        os.makedirs(models)
        left = os.path.join(models, '.small-Q8_0.gguf.4711.0.part')
        for path in (left, os.path.join(models, 'mine.part'), os.path.join(models, '.hidden.part')):
            with open(path, 'w', encoding='utf-8') as file:
                file.write('x')
        daemon = self.serve()
        self.wait(lambda: not os.path.exists(left), 'it to be removed')
        self.assertEqual(self.store(), ['models/.hidden.part', 'models/mine.part'])
        # And in truth: killed at moments of its own choice.
        for pause in (0, 0.01, 0.02, 0.05, 0.1):
            self.begin(daemon, kind='quantize', model=NAME, type='Q8_0')
            time.sleep(pause)
            daemon.process.kill()
            daemon.wait()
            daemon = self.serve()
            self.wait(lambda: not [name for name in self.store() if name.endswith('.0.part')], 'it to be removed')
            for row in daemon.get('/quant/v1/catalog').json['variants']:
                self.assertFalse(row['file_missing'])


if __name__ == '__main__':
    daemon_support.QUANTD, test_models.QUANTCTL, test_models.MODEL = map(os.path.abspath, sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
