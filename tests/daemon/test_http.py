"""The HTTP checklist, line by line: what is refused, with what, and that nothing else suffers.
Usage: test_http.py PATH_OF_QUANTD PATH_OF_PROBE [unittest arguments]."""
import os
import resource
import socket
import sys
import time

sys.dont_write_bytecode = True   # The sources stay as they are.
import daemon_support
from daemon_support import SCALE, TOKEN, DaemonCase

HOST = 'Host: localhost\r\n'
JSON = 'Content-Type: application/json\r\n'


class Heads(DaemonCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.probe()

    def refused(self, data, status):
        """The bytes get `status` and the connection ends, so that nothing behind them is taken for a request."""
        wire = self.daemon.wire().send(data)
        answer = wire.answer()
        self.assertIsNotNone(answer, data)
        self.assertEqual(answer.status, status, data)
        self.assertEqual(answer.headers['connection'], 'close')
        self.assertIn('message', answer.json['error'])
        wire.socket.shutdown(socket.SHUT_WR)
        self.assertTrue(wire.ended())

    def test_shapes_of_request_smuggling_are_400_and_end_the_connection(self):
        post = 'POST /test/echo HTTP/1.1\r\n' + HOST + JSON
        smuggled = '\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
        for case, data in {
            'length and encoding': post + 'Content-Length: 2\r\nTransfer-Encoding: chunked' + smuggled,
            'encoding and length': post + 'Transfer-Encoding: chunked\r\nContent-Length: 2' + smuggled,
            'two lengths': post + 'Content-Length: 2\r\nContent-Length: 3' + smuggled,
            'the same length twice': post + 'Content-Length: 2\r\nContent-Length: 2' + smuggled,
            'a list of lengths': post + 'Content-Length: 2, 2' + smuggled,
            'length with a sign': post + 'Content-Length: +2' + smuggled,
            'negative length': post + 'Content-Length: -2' + smuggled,
            'length in hex': post + 'Content-Length: 0x2' + smuggled,
            'length of words': post + 'Content-Length: two' + smuggled,
            'empty length': post + 'Content-Length:' + smuggled,
            'length past 64 bits': post + 'Content-Length: 99999999999999999999' + smuggled,
            'unknown encoding': post + 'Transfer-Encoding: gzip' + smuggled,
            'two encodings': post + 'Transfer-Encoding: gzip, chunked' + smuggled,
            'chunked twice': post + 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked' + smuggled,
            'identity': post + 'Transfer-Encoding: identity' + smuggled,
            'encoding with a vertical tab': post + 'Transfer-Encoding: \x0bchunked' + smuggled,
            'folded line': post + 'X-Long: one\r\n two' + smuggled,
            'folded with a tab': post + 'X-Long: one\r\n\ttwo' + smuggled,
            'first line folded': 'GET / HTTP/1.1\r\n Host: localhost\r\n\r\n',
            'space before the colon': post + 'Content-Length : 2' + smuggled,
            'space in a name': post + 'X Long: 2' + smuggled,
            'no name': post + ': 2' + smuggled,
            'no colon': post + 'nonsense' + smuggled,
            'two hosts': 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n',
            'encoding in 1.0': 'POST /test/echo HTTP/1.0\r\n' + JSON + 'Transfer-Encoding: chunked' + smuggled,
        }.items():
            with self.subTest(case=case):
                self.refused(data, 400)

    def test_bytes_that_have_no_place_in_a_head_are_400_at_once(self):
        for case, data in {
            'bare carriage return': b'GET / HTTP/1.1\r\nX: a\rb\r\nHost: localhost\r\n\r\n',
            'bare line feed': b'GET / HTTP/1.1\nHost: localhost\n\n',
            'one bare line feed': b'GET / HTTP/1.1\r\nX: a\nHost: localhost\r\n\r\n',
            'zero in a value': b'GET / HTTP/1.1\r\nX: a\0b\r\nHost: localhost\r\n\r\n',
            'zero in a name': b'GET / HTTP/1.1\r\nX\0: a\r\nHost: localhost\r\n\r\n',
            'zero in the target': b'GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n',
            'a TLS hello': b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
            'another protocol': b'SSH-2.0-OpenSSH_9.2\n',
        }.items():
            with self.subTest(case=case):
                self.refused(data, 400)

    def test_first_lines_that_are_no_requests(self):
        for line, status in [('GET http://localhost/ HTTP/1.1', 400), ('CONNECT localhost:80 HTTP/1.1', 400),
                             ('OPTIONS * HTTP/1.1', 400), ('GET / HTTP/2.0', 505), ('GET / HTTP/1.2', 505),
                             ('GET / HTTP/0.9', 505), ('GET / http/1.1', 400), ('GET /', 400), ('GET', 400),
                             ('GET / HTTP/1.1 ', 400), ('G@T / HTTP/1.1', 400), (' GET / HTTP/1.1', 400),
                             ('GET  / HTTP/1.1', 400), ('GET /a b HTTP/1.1', 400), ('GET /%zz HTTP/1.1', 400),
                             ('GET /%00 HTTP/1.1', 400), ('GET /%0d%0aX:y HTTP/1.1', 400), ('GET /a#b HTTP/1.1', 400),
                             ('GET /\xe4 HTTP/1.1', 400), ('PRI * HTTP/2.0', 505)]:
            with self.subTest(line=line):
                self.refused((line + '\r\n' + HOST + '\r\n').encode('latin-1'), status)

    def test_heads_are_limited(self):
        self.refused('GET / HTTP/1.1\r\n' + HOST + 'X: ' + 'x' * 17000, 431)
        self.refused('GET / HTTP/1.1\r\n' + HOST + 'X: y\r\n' * 4000 + '\r\n', 431)
        self.refused('GET /' + 'x' * 8300 + ' HTTP/1.1\r\n' + HOST + '\r\n', 414)
        self.refused('GET /' + 'x' * 9000, 414)
        answer = self.daemon.get('/' + 'x' * 8000)
        self.assertEqual(answer.status, 404)
        self.assertEqual(self.daemon.get('/healthz', ['X: ' + 'x' * 15000]).status, 200)

    def test_an_empty_line_before_a_request_is_forgiven_once(self):
        self.assertEqual(self.daemon.wire().send('\r\nGET / HTTP/1.1\r\n' + HOST + '\r\n').answer().status, 200)
        self.refused('\r\n\r\nGET / HTTP/1.1\r\n' + HOST + '\r\n', 400)

    def test_a_head_may_come_byte_by_byte(self):
        wire = self.daemon.wire()
        for byte in b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n':
            wire.send(bytes([byte]))
        self.assertEqual(wire.answer().body, b'Ollama is running')

    def test_errors_before_a_route_is_known_have_the_shape_of_their_path(self):
        head = ' HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n'
        self.assertIsInstance(self.daemon.wire().send('GET /api/tags' + head).answer().json['error'], str)
        self.assertIn('type', self.daemon.wire().send('GET /v1/models' + head).answer().json['error'])


class Bodies(DaemonCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.probe()

    def post(self, path, framing, body='', kind=JSON):
        return self.daemon.wire().send('POST %s HTTP/1.1\r\n%s%s%s\r\n\r\n%s' % (path, HOST, kind, framing, body))

    def test_bodies_come_with_a_length_or_in_chunks(self):
        self.assertEqual(self.post('/test/echo', 'Content-Length: 2', '{}').answer().body, b'{}')
        chunked = self.post('/test/echo', 'Transfer-Encoding: chunked', '1\r\n{\r\n1;x=y\r\n}\r\n0\r\nX: y\r\n\r\n')
        self.assertEqual(chunked.answer().body, b'{}')
        chunked.send('GET / HTTP/1.1\r\n' + HOST + '\r\n')
        self.assertEqual(chunked.answer().status, 200)

    def test_chunks_may_be_cut_anywhere(self):
        body = '5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n'
        for at in range(1, len(body)):
            with self.subTest(at=at):
                wire = self.post('/test/echo', 'Transfer-Encoding: chunked', body[:at])
                time.sleep(0.001)
                self.assertEqual(wire.send(body[at:]).answer().body, b'hello0123456789')

    def test_bodies_over_the_limit_of_their_route_are_413_before_they_are_read(self):
        for framing, body in [('Content-Length: 65537', ''), ('Content-Length: 999999999999999999', ''),
                              ('Transfer-Encoding: chunked', '10001\r\n' + 'x' * 65537),
                              ('Transfer-Encoding: chunked', ('1000\r\n' + 'x' * 4096 + '\r\n') * 17)]:
            with self.subTest(framing=framing):
                wire = self.post('/test/echo', framing, body)
                answer = wire.answer()
                self.assertEqual((answer.status, answer.headers['connection']), (413, 'close'))
        self.assertEqual(self.post('/test/echo', 'Content-Length: 65536', 'x' * 65536).answer().status, 200)
        self.assertEqual(self.post('/test/blob', 'Content-Length: 1048576', 'x' * 1048576).answer().json, 1048576)
        self.assertEqual(self.post('/test/blob', 'Content-Length: 1048577').answer().status, 413)

    def test_broken_chunks_are_400(self):
        for body in ['zz\r\n', '-1\r\n', '5\r\nhelloXY\r\n', '5\r\nhello\r\n5 5\r\n', '1ffffffffffffffff\r\n', '\r\n',
                     '5;' + 'x' * 9000, '0\r\nX: ' + 'x' * 9000]:
            with self.subTest(body=body[:20]):
                answer = self.post('/test/echo', 'Transfer-Encoding: chunked', body).answer()
                self.assertIn(answer.status, (400, 413))
                self.assertEqual(answer.headers['connection'], 'close')

    def test_leave_to_send_is_given_only_after_the_limits(self):
        wire = self.post('/test/echo', 'Content-Length: 2\r\nExpect: 100-continue')
        self.assertEqual(wire.answer().status, 100)
        self.assertEqual(wire.send('{}').answer().body, b'{}')
        expect = '\r\nExpect: 100-continue'
        self.assertEqual(self.post('/test/echo', 'Content-Length: 70000' + expect).answer().status, 413)
        self.assertEqual(self.post('/nowhere', 'Content-Length: 2' + expect).answer().status, 404)
        self.assertEqual(self.post('/test/echo', 'Content-Length: 2' + expect, kind='Content-Type: a/b\r\n').answer().status, 415)
        self.assertEqual(self.post('/test/echo', 'Content-Length: 2\r\nExpect: magic').answer().status, 417)

    def test_bodies_are_json_or_415(self):
        for kind in ['text/plain', 'multipart/form-data', 'application/jsonx', 'application/x-ndjson', 'x']:
            for method in ['POST', 'DELETE']:
                with self.subTest(kind=kind, method=method):
                    answer = self.daemon.ask(method, '/test/echo', '{}', ['Content-Type: ' + kind])
                    self.assertEqual(answer.status, 415)
        for kind in ['application/json', 'Application/JSON; charset=utf-8', 'application/json ;x=y']:
            self.assertEqual(self.daemon.ask('POST', '/test/echo', '{}', ['Content-Type: ' + kind]).status, 200)
        self.assertEqual(self.daemon.ask('POST', '/test/blob', 'abc', ['Content-Type: x/y']).json, 3)
        self.assertEqual(self.daemon.ask('POST', '/test/echo').status, 200)

    def test_what_curl_says_of_a_body_is_taken_where_no_web_page_reaches(self):
        form = ['Content-Type: application/x-www-form-urlencoded']
        self.assertEqual(self.daemon.ask('POST', '/test/echo', '{}', form).status, 200)
        daemon = self.probe(tcp=True, env={'QUANTD_SOCKET': self.folder + '/other.sock'})
        self.assertEqual(daemon.ask('POST', '/test/echo', '{}', form, tcp=True).status, 415)
        self.assertEqual(daemon.ask('POST', '/test/echo', '{}', ['Content-Type:'], tcp=True).status, 415)
        self.assertEqual(daemon.ask('POST', '/test/echo', '{}', tcp=True).status, 200)


class Routes(DaemonCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.probe()

    def test_what_is_not_there_is_404_in_the_manner_of_its_api(self):
        self.assertEqual(self.daemon.get('/v1/nothing').json['error']['type'], 'not_found_error')
        self.assertEqual(set(self.daemon.get('/v1/nothing').json['error']), {'message', 'type', 'param', 'code'})
        self.assertEqual(self.daemon.get('/api/nothing').json, {'error': 'there is no /api/nothing'})
        self.assertEqual(self.daemon.get('/nothing').json['error']['code'], 'not_found')

    def test_another_method_is_405_and_told_which_are_allowed(self):
        answer = self.daemon.ask('DELETE', '/healthz')
        self.assertEqual((answer.status, answer.headers['allow']), (405, 'GET, HEAD'))
        answer = self.daemon.get('/test/echo')
        self.assertEqual((answer.status, answer.headers['allow']), (405, 'POST, DELETE'))
        self.assertEqual(self.daemon.ask('TRACE', '/').status, 405)

    def test_head_is_get_without_the_body(self):
        wire = self.daemon.wire().send(('HEAD / HTTP/1.1\r\n' + HOST + '\r\n') * 2)
        for _ in range(2):
            answer = wire.answer(head_only=True)
            self.assertEqual((answer.status, answer.headers['content-length']), (200, '17'))
        self.assertEqual(self.daemon.ask('HEAD', '/api/version').status, 200)
        wire.send('HEAD /test/stream?chunks=3&bytes=5 HTTP/1.1\r\n' + HOST + '\r\nGET / HTTP/1.1\r\n' + HOST + '\r\n')
        self.assertEqual(wire.answer(head_only=True).headers['transfer-encoding'], 'chunked')
        self.assertEqual(wire.answer().body, b'Ollama is running')

    def test_names_of_models_keep_slashes_and_colons(self):
        for sent, seen in [('a', 'a'), ('hf.co/u/m:Q4_K_M', 'hf.co/u/m:Q4_K_M'), ('a%2Fb%3Ac', 'a/b:c')]:
            self.assertEqual(self.daemon.get('/v1/models/' + sent).body.decode(), seen)
        self.assertEqual(self.daemon.get('/v1/models/').status, 404)

    def test_what_handlers_throw_becomes_an_answer_that_tells_no_paths(self):
        for path in ['/v1/test/throw', '/api/test/throw', '/test/throw']:
            answer = self.daemon.get(path)
            self.assertEqual(answer.status, 500)
            self.assertNotIn(b'secret', answer.body)
        self.assertIn('/secret/path', self.daemon.log)
        self.assertEqual(self.daemon.get('/test/memory').status, 503)
        for path, error in [('/v1/test/full', {'message': 'the queue is full', 'type': 'api_error', 'param': None,
                                               'code': 'queue_full'}),
                            ('/api/test/full', 'the queue is full'),
                            ('/test/full', {'message': 'the queue is full', 'code': 'queue_full'})]:
            answer = self.daemon.get(path)
            self.assertEqual((answer.status, answer.headers['retry-after'], answer.json), (503, '7', {'error': error}))

    def test_a_handler_that_gives_no_answer_gives_500(self):
        answer = self.daemon.get('/v1/test/drop')
        self.assertEqual((answer.status, answer.json['error']['type']), (500, 'api_error'))

    def test_headers_of_handlers_cannot_begin_lines(self):
        answer = self.daemon.get('/test/peer')
        self.assertNotIn('x-smuggled', answer.headers)
        self.assertEqual(answer.body.decode(), 'uid %d pid %d' % (os.getuid(), os.getpid()))

    def test_every_answer_has_an_id_that_the_log_has_too(self):
        answers = [self.daemon.get(path) for path in ('/', '/nothing')]
        for answer in answers:
            self.wait(lambda: answer.headers['x-request-id'] in self.daemon.log, 'the line in the log')
        self.assertNotEqual(answers[0].headers['x-request-id'], answers[1].headers['x-request-id'])

    def test_neither_bodies_nor_queries_are_logged(self):
        self.daemon.ask('POST', '/test/echo?q=hidden-query', '"hidden-body"')
        self.wait(lambda: '/test/echo' in self.daemon.log, 'the line in the log')
        self.assertNotIn('hidden', self.daemon.log)


class Guards(DaemonCase):
    def test_tcp_takes_only_hosts_it_knows(self):
        daemon = self.probe(tcp=True, env={'QUANTD_HOSTS': 'box.lan, other'})
        port = daemon.tcp[1]
        for host in ['localhost', 'LOCALHOST:%d' % port, '127.0.0.1:%d' % port, '[::1]', '[::1]:80', 'box.lan',
                     'box.lan.:80', 'other']:
            self.assertEqual(daemon.get('/', ['Host: ' + host], tcp=True).status, 200, host)
        for host in ['evil.com', 'localhost.evil.com', '127.0.0.2', '10.0.0.1', '', 'localhost:x', '[::1', 'box.lan@evil']:
            self.assertEqual(daemon.get('/', ['Host: ' + host], tcp=True).status, 421, host)
            self.assertEqual(daemon.get('/', ['Host: ' + host]).status, 200, 'the Unix socket has no names')
        self.assertEqual(daemon.wire(tcp=True).send('GET / HTTP/1.1\r\n\r\n').answer().status, 400)

    def test_web_pages_stay_out_unless_their_origin_is_listed(self):
        daemon = self.probe(tcp=True, env={'OLLAMA_ORIGINS': 'http://localhost:*,app://quant'})
        for origin in ['http://evil.com', 'null', 'https://localhost:1', 'http://localhost.evil.com', 'app://quantx']:
            self.assertEqual(daemon.get('/', ['Origin: ' + origin], tcp=True).status, 403, origin)
            self.assertEqual(daemon.ask('OPTIONS', '/', None, ['Origin: ' + origin], tcp=True).status, 403, origin)
        answer = daemon.get('/', ['Origin: http://localhost:3000'], tcp=True)
        self.assertEqual((answer.status, answer.headers['access-control-allow-origin']), (200, 'http://localhost:3000'))
        answer = daemon.ask('OPTIONS', '/test/echo', None, ['Origin: app://quant', 'Access-Control-Request-Method: POST',
                            'Access-Control-Request-Headers: authorization, x-stainless-os'], tcp=True)
        self.assertEqual((answer.status, answer.headers['access-control-allow-headers']),
                         (204, 'authorization, x-stainless-os'))
        plain = daemon.get('/', tcp=True)
        self.assertFalse([name for name in plain.headers if name.startswith('access-control')])

    def test_a_token_is_asked_of_all_who_come_by_tcp(self):
        daemon = self.probe(tcp=True, token=True)
        for headers in [[], ['Authorization: Bearer wrong'], ['Authorization: Bearer ' + TOKEN + 'x'],
                        ['Authorization: Bearer ' + TOKEN[:-1]], ['Authorization: Basic ' + TOKEN],
                        ['Authorization: ' + TOKEN], ['Authorization: Bearer ']]:
            for path in ['/', '/nothing', '/v1/models/x']:
                answer = daemon.get(path, headers, tcp=True)
                self.assertEqual((answer.status, answer.headers['www-authenticate']), (401, 'Bearer'))
        self.assertEqual(daemon.get('/', ['Authorization: bearer ' + TOKEN], tcp=True).status, 200)
        self.assertEqual(daemon.get('/').status, 200)

    def test_admin_routes_are_for_the_unix_socket_and_those_with_rights(self):
        daemon = self.probe(tcp=True)
        self.assertEqual(daemon.ask('POST', '/test/admin').status, 200)
        self.assertEqual(daemon.ask('POST', '/test/admin', tcp=True).status, 403)


class Times(DaemonCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.probe()

    def test_a_head_that_takes_too_long_is_408_however_it_trickles(self):
        wire = self.daemon.wire().send('GET / HTTP/1.1\r\n')
        begun = time.monotonic()
        wire.socket.settimeout(0.02)
        while time.monotonic() - begun < 10:
            wire.send('X: y\r\n')
            try:
                if not wire.more() or wire.input:
                    break
            except TimeoutError:
                pass
        wire.socket.settimeout(10)
        self.assertEqual(wire.answer().status, 408)
        self.assertLess(time.monotonic() - begun, 5 * SCALE + 3)

    def test_a_body_that_takes_too_long_is_408(self):
        for framing in ['Content-Length: 10', 'Transfer-Encoding: chunked']:
            wire = self.daemon.wire().send('POST /test/echo HTTP/1.1\r\n' + HOST + JSON + framing + '\r\n\r\n1')
            self.assertEqual(wire.answer().status, 408)

    def test_an_idle_connection_is_closed_without_a_word(self):
        wire = self.daemon.wire()
        self.assertTrue(wire.ended())
        wire = self.daemon.wire().send('GET / HTTP/1.1\r\n' + HOST + '\r\n')
        self.assertEqual(wire.answer().status, 200)
        self.assertTrue(wire.ended())
        self.assertEqual(self.daemon.metric('quantd_refused_total{cause="slow_head"}'), 0)


class Counts(DaemonCase):
    def test_a_connection_serves_a_thousand_requests(self):
        wire = self.probe().wire()
        for i in range(1, 1001):
            answer = wire.send('GET / HTTP/1.1\r\n' + HOST + '\r\n').answer()
            self.assertEqual(answer.status, 200)
            self.assertEqual('connection' in answer.headers, i == 1000)
        self.assertTrue(wire.ended())

    def test_a_user_has_64_connections(self):
        daemon = self.probe(env={'QUANTD_TEST_TIME_SCALE': '1'})
        wires = [daemon.wire() for _ in range(64)]
        self.assertEqual([w.send('GET / HTTP/1.1\r\n' + HOST + '\r\n').answer().status for w in wires], [200] * 64)
        answer = daemon.wire().answer()
        self.assertEqual((answer.status, answer.json['error']['code']), (503, 'too_many_connections'))
        wires.pop().socket.close()
        self.wait(lambda: daemon.get('/healthz').status == 200, 'a place')
        self.assertGreaterEqual(daemon.metric('quantd_refused_total{cause="connections_of_peer"}'), 1)

    def test_tcp_has_256_connections_and_each_address_64_of_them(self):
        daemon = self.probe(tcp=True, env={'QUANTD_TEST_TIME_SCALE': '1'})

        def connect(host):
            wire = socket.socket()
            self.addCleanup(wire.close)
            wire.bind((host, 0))
            wire.connect(daemon.tcp)
            return wire
        for host in range(2, 6):
            for _ in range(64):
                connect('127.0.0.%d' % host).sendall(b'GET /test/hang HTTP/1.1\r\nHost: localhost\r\n\r\n')
        self.wait(lambda: daemon.get('/test/kept').json['kept'] == 256, 'none to be idle')
        self.wait(lambda: daemon.metric('quantd_connections{socket="tcp"}') == 256, 'all of them')
        self.assertIn(b'too_many_connections', connect('127.0.0.6').recv(1000))
        self.assertEqual(daemon.metric('quantd_refused_total{cause="connections"}'), 1)

    def test_running_out_of_descriptors_is_survived(self):
        daemon = self.probe(env={'QUANTD_TEST_TIME_SCALE': '1'})
        wires = [daemon.wire() for _ in range(10)]
        self.wait(lambda: daemon.metric('quantd_connections{socket="unix"}') == 11, 'all of them')
        daemon.starved = True
        low = max(int(fd) for fd in os.listdir('/proc/%d/fd' % daemon.process.pid))
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (low, low))
        more = [daemon.wire() for _ in range(5)]
        time.sleep(0.3)
        wires[0].send('GET / HTTP/1.1\r\n' + HOST + '\r\n')
        self.assertEqual(wires[0].answer().status, 200)
        for wire in more + wires:
            wire.socket.close()
        self.wait(lambda: daemon.get('/healthz') is not None, 'the daemon to take connections again')
        self.assertGreaterEqual(daemon.metric('quantd_refused_total{cause="descriptors"}'), 1)

    def test_descriptors_are_left_over_when_the_limit_is_low(self):
        daemon = self.probe(env={'QUANTD_TEST_TIME_SCALE': '1'},
                            before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60)))
        wires = [daemon.wire() for _ in range(60)]
        time.sleep(0.3)
        self.assertLessEqual(daemon.descriptors, 32)
        for wire in wires:
            wire.socket.close()
        self.wait(lambda: daemon.get('/healthz') is not None, 'the daemon to take connections again')
        self.assertIsNone(daemon.process.poll())

    def test_descriptors_return_to_where_they_were(self):
        daemon = self.probe(tcp=True)
        daemon.get('/')
        self.wait(lambda: daemon.metric('quantd_connections{socket="unix"}') == 1, 'the last connection to end')
        before = daemon.descriptors
        for _ in range(20):
            daemon.get('/', tcp=True)
            daemon.wire().send('GET / HTTP/1.1\r\n' + HOST).socket.close()
            daemon.wire().send('nonsense\n\n').socket.close()
            daemon.wire(tcp=True).send('GET /test/hang HTTP/1.1\r\n' + HOST + '\r\n').socket.close()
            daemon.wire().send('GET /test/stream?chunks=1000&bytes=10000 HTTP/1.1\r\n' + HOST + '\r\n').socket.close()
        self.wait(lambda: daemon.descriptors <= before, 'descriptors to be closed')

    def test_descriptors_sent_along_are_not_kept(self):
        daemon = self.probe()
        wire = daemon.wire()
        wire.send('GET / HTTP/1.1\r\n' + HOST + '\r\n')
        wire.answer()
        before = daemon.descriptors
        with open(os.devnull, 'rb') as file:
            socket.send_fds(wire.socket, [b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'], [file.fileno()] * 8)
        self.assertEqual(wire.answer().status, 200)
        self.assertLessEqual(daemon.descriptors, before)    # One that asked before may have been closing still.


if __name__ == '__main__':
    daemon_support.main()
