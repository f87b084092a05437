"""Tests of the verbs that ask quantd: against a server that gives set answers, good and bad.
Usage: test_daemon_verbs.py PATH_OF_QUANTCTL [unittest arguments]."""
import datetime
import json
import os
import socket
import sys
import threading
import unittest

sys.dont_write_bytecode = True   # The sources stay as they are.
import cli_support
from cli_support import CliCase

NO_DAEMON = 8


def in_seconds(seconds, form='%Y-%m-%dT%H:%M:%SZ'):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime(form)


def resident(name, **more):
    return dict({'name': name, 'digest': 'sha256:00', 'bytes': 5300000, 'context_length': 8192, 'state': 'resident',
                 'pinned': False, 'expires_at': None, 'load_seconds': 0.1, 'running': 0, 'waiting': 0, 'leases': []},
                **more)


class Server:
    """Gives one raw answer to each connection, and keeps what was asked."""

    def __init__(self, case, path, *answers):
        self.asked = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.answers = list(answers)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        case.addCleanup(self.listener.close)

    def serve(self):
        for answer in self.answers:
            connection, _ = self.listener.accept()
            with connection:
                asked = b''
                while b'\r\n\r\n' not in asked:
                    asked += connection.recv(65536)
                self.asked.append(asked.decode())
                connection.sendall(answer)


def reply(document, status='200 OK'):
    body = (document if isinstance(document, str) else json.dumps(document)).encode()
    return b'HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n' % (status.encode(), len(body)) + body


class DaemonVerbs(CliCase):
    def serve(self, *answers):
        self.env['QUANT_SOCKET'] = self.path('s')
        return Server(self, self.path('s'), *answers)

    def test_ps_shows_who_uses_what(self):
        leases = [{'id': 1, 'pid': 4711, 'uid': 1000, 'user': 'peter', 'since': in_seconds(-5)},
                  {'id': 2, 'pid': 4712, 'uid': 1001, 'user': '', 'since': in_seconds(-5)}]
        document = {'memory_budget': 8000000, 'residents': [
            resident('a:Q4_0', expires_at=in_seconds(3600), running=2, waiting=1, leases=leases),
            resident('b:Q8_0', pinned=True), resident('c\x1b[2J:F16', state='loading')]}
        server = self.serve(reply(document), reply(document))
        shown = self.ok('ps')
        head, a, b, c = shown.text.splitlines()
        self.assertEqual(head.split(), 'NAME SIZE CONTEXT STATE PINNED UNTIL RUNNING WAITING LEASES'.split())
        self.assertRegex(a, r'^a:Q4_0 +5.30 MB +8,192 +resident +- +in (59:\d\d|1:00:00) +2 +1 +peter 4711, 1001 4712$')
        self.assertRegex(b, r'^b:Q8_0 .* yes +no end +0 +0 +-$')
        self.assertRegex(c, r'^c\\x1b\[2J:F16 .* loading +- +- ')
        self.assertIn('15.9 MB of a memory budget of 8.00 MB', shown.err)
        found = self.ok('ps', '--json').json
        self.assertEqual((found['schema_version'], found['socket'], found['residents']),
                         (1, self.path('s'), document['residents']))
        self.assertTrue(server.asked[0].startswith('GET /quant/v1/residents HTTP/1.1\r\n'))

    def test_ps_reads_times_of_other_zones_and_fractions(self):
        east = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=3)).strftime(
            '%Y-%m-%dT%H:%M:%S.123456+02:00')        # An hour from now.
        self.serve(reply({'residents': [resident('a', expires_at=east), resident('b', expires_at='soon')]}))
        _, a, b = self.ok('ps').text.splitlines()
        self.assertRegex(a, r' in (59:\d\d|1:00:00) ')
        self.assertIn(' soon ', b)

    def test_ps_of_a_daemon_without_models_says_so(self):
        self.serve(reply({'residents': [], 'memory_budget': 0}))
        done = self.ok('ps')
        self.assertEqual((done.out, 'holds no model' in done.err), (b'', True))

    def test_stop_and_pin_post_what_they_are_told(self):
        server = self.serve(*[reply({'status': 'ok', 'model': 'a:Q4_0'})] * 4)
        self.assertIn('a:Q4_0 goes', self.ok('stop', 'a').text)
        self.assertIn('stays', self.ok('pin', 'a:Q4_0').text)
        self.assertIn('may go', self.ok('pin', '--off', 'a:Q4_0').text)
        self.assertEqual(self.ok('pin', 'a', '--json').json, {'schema_version': 1, 'model': 'a', 'pinned': True})
        lines = [(asked.split(' HTTP')[0], json.loads(asked.split('\r\n\r\n')[1])) for asked in server.asked]
        self.assertEqual(lines[:3], [('POST /quant/v1/unload', {'model': 'a'}),
                                     ('POST /quant/v1/pin', {'model': 'a:Q4_0', 'pinned': True}),
                                     ('POST /quant/v1/pin', {'model': 'a:Q4_0', 'pinned': False})])
        self.assertTrue(all('Content-Type: application/json' in asked for asked in server.asked))

    def test_list_remote_shows_what_the_daemon_has(self):
        models = [{'name': name, 'size': 5300000, 'digest': 'sha256:' + 'ab' * 32, 'modified_at': in_seconds(0),
                   'details': {'family': 'llama', 'parameter_size': '5.3M', 'quantization_level': 'Q8_0'}}
                  for name in ('a:Q8_0', 'a:Q4_0', 'ab:Q8_0')]
        self.serve(*[reply({'models': models})] * 5)
        self.assertRegex(self.ok('list', '--remote').text, r'(?m)^a:Q8_0 +Q8_0 +5.3M +5.30 MB +sha256:abab')
        self.assertEqual(self.ok('list', 'a', '--remote', '-q').text, 'a:Q8_0\na:Q4_0\n')
        self.assertEqual(self.ok('list', 'a:Q4_0', '--remote', '-q').text, 'a:Q4_0\n')
        self.assertEqual(len(self.ok('list', '--remote', '--json').json['variants']), 3)
        self.fails(3, 'list', 'none', '--remote', says='no "none"')

    def test_what_the_daemon_says_against_it_is_told(self):
        for status, code, document, words in [
                ('404 Not Found', 3, {'error': {'message': "model 'x' is not loaded", 'code': 'y'}}, "'x' is not loaded"),
                ('404 Not Found', 1, {'error': {'message': 'there is no /quant/v1/unload'}}, 'older than this'),
                ('403 Forbidden', 7, {'error': {'message': 'only root'}}, 'only root'),
                ('400 Bad Request', 2, {'error': 'as Ollama says it'}, 'as Ollama says it'),
                ('500 Server Error', 1, {}, 'status 500'), ('200 OK', 1, '<html>', 'is that a quantd?'),
                ('200 OK', 1, '[' * 100000, 'is that a quantd?')]:
            with self.subTest(status=status, words=words):
                self.serve(reply(document, status))
                self.assertEqual(self.fails(code, 'stop', 'x', says=words).out, b'')
                os.unlink(self.path('s'))

    def test_a_connection_that_breaks_off_is_told(self):
        for answer in (b'', b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{', b'no HTTP\r\n\r\n',
                       b'HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n'):
            with self.subTest(answer=answer):
                self.serve(answer)
                self.fails(NO_DAEMON, 'ps', says=[self.path('s'), 'whole answer'])
                os.unlink(self.path('s'))


class Sockets(CliCase):
    def test_where_nobody_listens_the_socket_and_a_way_out_are_named(self):
        self.env['XDG_RUNTIME_DIR'] = self.path('run')
        for args, path in [((), self.path('run', 'quantd.sock') if not os.path.exists('/run/quantd/quantd.sock') else ''),
                           (('--socket', self.path('here')), self.path('here'))]:
            self.fails(NO_DAEMON, 'ps', *args, says=['no quantd listens at ' + path, 'quantctl serve'])
        self.fails(NO_DAEMON, 'stop', 'x', env={'QUANT_SOCKET': self.path('there')}, says=self.path('there'))
        self.fails(NO_DAEMON, 'list', '--remote', '--socket', self.write('file', b''), says=self.path('file'))

    def test_a_socket_that_cannot_be_is_a_usage_error(self):
        self.fails(2, 'ps', '--socket', 'x' * 200, says='at most 107 bytes')
        self.fails(2, 'ps', '--socket', '', says='--socket')
        self.fails(2, 'list', '--socket', 'x', says='--remote')

    def test_options_come_before_the_environment(self):
        Server(self, self.path('given'), reply({'residents': []}))
        self.ok('ps', '--socket', self.path('given'), env={'QUANT_SOCKET': self.path('other')})


class Serve(CliCase):
    def test_it_becomes_quantd_with_all_options(self):
        os.mkdir(self.path('bin'))
        self.write('bin/quantd', b'#!/bin/sh\nprintf "%s\\n" "$@"\nexit 75\n')
        os.chmod(self.path('bin', 'quantd'), 0o755)
        env = {'PATH': self.path('bin') + ':/usr/bin:/bin', 'QUANT_SOCKET': self.path('s')}
        done = self.run_cli('serve', '--tcp', '127.0.0.1:0', '--check', env=env)
        self.assertEqual((done.code, done.text), (75, '--socket\n%s\n--tcp\n127.0.0.1:0\n--check\n' % self.path('s')))
        done = self.run_cli('serve', '--socket=here', env=env)
        self.assertEqual(done.text, '--socket=here\n')

    def test_without_quantd_it_says_where_it_looked(self):
        self.fails(3, 'serve', env={'PATH': self.path('nowhere')}, says=['no quantd', self.path('nowhere')])


if __name__ == '__main__':
    cli_support.QUANTCTL = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
