"""Replies while they run: pipelining, peers that leave, readers that are slow, and the end of the daemon.
Usage: test_http_streams.py PATH_OF_QUANTD PATH_OF_PROBE [unittest arguments]."""
import signal
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True   # The sources stay as they are.
import daemon_support
from daemon_support import DaemonCase

HOST = 'Host: localhost\r\n'


def get(path):
    return 'GET %s HTTP/1.1\r\n%s\r\n' % (path, HOST)


def reset(wire):
    """End the connection as a process that dies with unread bytes does."""
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    wire.socket.close()


class Pipelines(DaemonCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.probe()

    def test_requests_sent_at_once_are_answered_one_after_the_other(self):
        paths = ['/v1/models/%d' % i for i in range(200)]
        wire = self.daemon.wire().send(''.join(get(path) for path in paths))
        self.assertEqual([wire.answer().body.decode() for _ in paths], [str(i) for i in range(200)])

    def test_a_request_behind_one_that_runs_waits_for_its_end(self):
        wire = self.daemon.wire().send(get('/test/hang') + get('/healthz'))
        self.wait(lambda: self.daemon.get('/test/kept').json['kept'] == 1, 'the request to hang')
        wire.socket.settimeout(0.2)
        self.assertRaises(TimeoutError, wire.more)
        wire.socket.settimeout(20)
        self.daemon.get('/test/release')
        self.assertEqual([wire.answer().body, wire.answer().body], [b'released', b'{"status":"ok"}'])

    def test_no_more_than_64_KiB_are_read_ahead(self):
        wire = self.daemon.wire().send(get('/test/hang'))
        wire.socket.settimeout(0.5)
        sent = 0
        try:
            while sent < 1 << 24:
                sent += wire.socket.send(b'x' * 65536)
        except TimeoutError:
            pass
        self.assertLess(sent, 1 << 22)
        self.assertEqual(self.daemon.get('/healthz').status, 200)
        reset(wire)
        self.wait(lambda: self.daemon.get('/test/kept').json == {'kept': 0, 'gone': 1}, 'the daemon to notice')

    def test_a_refused_request_ends_the_pipeline(self):
        wire = self.daemon.wire().send(get('/healthz') + 'GET / HTTP/1.1\r\nBad : x\r\n\r\n' + get('/healthz'))
        self.assertEqual([wire.answer().status, wire.answer().status], [200, 400])
        self.assertIsNone(wire.answer())

    def test_a_refused_request_without_a_body_does_not_end_the_connection(self):
        wire = self.daemon.wire().send(get('/nothing') + get('/healthz'))
        self.assertEqual([wire.answer().status, wire.answer().status], [404, 200])

    def test_an_answer_to_a_large_refused_body_can_be_read(self):
        wire = self.daemon.wire()
        wire.send('POST /test/echo HTTP/1.1\r\n%sContent-Type: application/json\r\nContent-Length: 9999999\r\n\r\n' % HOST)
        wire.send(b'x' * 200000)
        self.assertEqual(wire.answer().status, 413)

    def test_http_1_0_gets_no_chunks_and_no_second_request(self):
        answer = self.daemon.ask('GET', '/test/stream?chunks=3&bytes=4', version='1.0')
        self.assertEqual((answer.body, answer.headers['connection']), (b'x' * 12, 'close'))
        wire = self.daemon.wire().send('GET /healthz HTTP/1.0\r\n\r\n')
        self.assertEqual(wire.answer().headers['connection'], 'close')
        self.assertTrue(wire.ended())

    def test_connection_close_is_obeyed(self):
        wire = self.daemon.wire().send('GET /healthz HTTP/1.1\r\nConnection: close\r\n%s\r\n' % HOST + get('/healthz'))
        self.assertEqual(wire.answer().headers['connection'], 'close')
        self.assertIsNone(wire.answer())


class Leavers(DaemonCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.probe(tcp=True)

    def kept(self):
        return self.daemon.get('/test/kept').json

    def leave(self, how, tcp, path):
        wire = self.daemon.wire(tcp).send(get(path))
        self.wait(lambda: self.kept()['kept'] == 1, 'the request to hang')
        gone = self.kept()['gone']
        begun = time.monotonic()
        how(wire)
        self.wait(lambda: self.kept() == {'kept': 0, 'gone': gone + 1}, 'the handler to hear of it')
        self.assertLess(time.monotonic() - begun, 1)

    def test_a_handler_hears_at_once_that_its_peer_left(self):
        for tcp in (False, True):
            for path in ('/test/hang', '/test/hang-stream'):
                for how in (lambda wire: wire.socket.close(), reset, lambda wire: wire.socket.shutdown(socket.SHUT_WR)):
                    with self.subTest(tcp=tcp, path=path):
                        self.leave(how, tcp, path)
        self.assertEqual(self.daemon.metric('quantd_replies_gone_total'), 12)
        self.wait(lambda: 'GET /test/hang -> 499' in self.daemon.log, 'the line in the log')

    def test_a_peer_that_has_sent_all_it_will_still_gets_an_answer_that_is_ready(self):
        for tcp in (False, True):
            wire = self.daemon.wire(tcp).send(get('/healthz'))
            wire.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(wire.answer().status, 200)
            self.assertTrue(wire.ended())

    def test_a_request_cut_in_its_head_or_body_does_nothing(self):
        for part in ['G', 'GET / HTTP/1.1\r\nHost', 'POST /test/hang HTTP/1.1\r\n' + HOST +
                     'Content-Type: application/json\r\nContent-Length: 5\r\n\r\n{}']:
            self.daemon.wire().send(part).socket.close()
        self.assertEqual(self.kept(), {'kept': 0, 'gone': 0})

    def test_a_peer_whose_machine_went_without_a_word_is_noticed(self):
        wire = self.daemon.wire(tcp=True).send(get('/test/hang'))
        self.wait(lambda: self.kept()['kept'] == 1, 'the request to hang')
        try:
            wire.socket.setsockopt(socket.IPPROTO_TCP, 19, 1)    # TCP_REPAIR: it is closed without a word.
        except PermissionError:
            self.skipTest('only who may administer the network can do that')
        wire.socket.close()
        self.wait(lambda: self.kept() == {'kept': 0, 'gone': 1}, 'the daemon to notice')

    def test_who_does_nothing_makes_place_where_all_are_taken(self):
        def dial(address):
            made = socket.socket()
            self.addCleanup(made.close)
            made.bind((address, 0))
            made.connect(self.daemon.tcp)
            return made
        idle = [dial('127.0.0.%d' % (2 + i // 60)) for i in range(256)]
        self.wait(lambda: self.daemon.metric('quantd_connections{socket="tcp"}') == 256, 'all places to be taken')
        time.sleep(0.2)    # Who has just come is let be.
        late = dial('127.0.0.9')
        late.settimeout(20)
        late.sendall(get('/healthz').encode())
        self.assertIn(b' 200 OK', late.recv(4096))
        idle[0].settimeout(20)
        self.assertEqual(idle[0].recv(1), b'', 'the longest idle of who holds most')
        self.assertEqual(self.daemon.metric('quantd_refused_total{cause="idle_for_place"}'), 1)

    def test_a_storm_of_leavers_leaves_nothing(self):
        for i in range(1000):
            wire = self.daemon.wire(tcp=i % 2 == 0).send(get('/test/hang' if i % 3 else '/test/stream?chunks=99&bytes=9999'))
            (reset if i % 5 else lambda wire: wire.socket.close())(wire)
        begun = time.monotonic()
        self.assertIsNotNone(self.daemon.get('/healthz'))
        self.assertLess(time.monotonic() - begun, 1)
        self.wait(lambda: self.daemon.get('/healthz').status == 200, 'a place among them')
        self.wait(lambda: self.kept()['kept'] == 0, 'all to be gone')
        self.wait(lambda: self.daemon.metric('quantd_connections{socket="unix"}') == 1, 'connections to end')

    def test_a_stream_dropped_or_aborted_is_not_taken_for_complete(self):
        for path in ('/test/drop-stream', '/test/abort'):
            answer = self.daemon.get(path)
            self.assertFalse(answer and answer.complete)


class SlowReaders(DaemonCase):
    def test_a_long_stream_arrives_whole(self):
        daemon = self.probe(tcp=True)
        for tcp in (False, True):
            answer = daemon.get('/test/stream?chunks=400&bytes=50000', tcp=tcp)
            self.assertTrue(answer.complete)
            self.assertEqual(len(answer.body), 20_000_000)

    def test_a_reader_that_takes_nothing_is_cut_and_others_are_not(self):
        daemon = self.probe()
        wire = daemon.wire().send(get('/test/stream?chunks=1000&bytes=10000'))
        self.wait(lambda: daemon.metric('quantd_refused_total{cause="slow_reader"}') == 1, 'the reader to be cut')
        self.assertEqual(daemon.get('/test/stream?chunks=10&bytes=10000').complete, True)
        self.assertFalse(wire.answer().complete)

    def test_a_reader_that_never_catches_up_is_cut_too(self):
        daemon = self.probe()
        wire = daemon.wire().send(get('/test/stream?chunks=1000&bytes=10000&park=no'))
        begun = time.monotonic()
        taken = 0
        while time.monotonic() - begun < 10:
            got = wire.socket.recv(2000)
            taken += len(got)
            if not got:
                break
            if daemon.metric('quantd_refused_total{cause="slow_reader"}'):
                return
            time.sleep(0.02)
        self.fail('it was let be; %d bytes' % taken)

    def test_a_handler_that_never_parks_is_held_to_a_limit(self):
        daemon = self.probe(env={'QUANTD_TEST_TIME_SCALE': '1'})
        wire = daemon.wire().send(get('/test/stream?chunks=8000&bytes=100000&park=no'))
        self.assertFalse(wire.answer().complete)
        with open('/proc/%d/status' % daemon.process.pid, encoding='ascii') as file:
            peak = [int(line.split()[1]) for line in file if line.startswith('VmHWM')][0]
        self.assertLess(peak, 750_000)


class Drain(DaemonCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.probe(env={'QUANTD_TEST_TIME_SCALE': '0.2'})

    def hang(self, path='/test/hang'):
        wire = self.daemon.wire().send(get(path))
        self.wait(lambda: self.daemon.get('/test/kept').json['kept'] >= 1, 'the request to hang')
        return wire

    def test_what_runs_may_end_and_new_requests_are_told_to_go(self):
        idle, wire = self.daemon.wire(), self.hang()
        late = self.daemon.wire().send('GET /test/release HTTP/1.1\r\n')
        idle.send(get('/healthz')).answer()
        self.daemon.signal(signal.SIGTERM)
        self.assertTrue(idle.ended())
        self.assertRaises(OSError, self.daemon.wire)
        answer = late.send(HOST + '\r\n').answer()
        self.assertEqual((answer.status, answer.json['error']['code']), (503, 'draining'))
        self.assertIn('retry-after', answer.headers)
        reset(wire)
        self.assertEqual(self.daemon.wait(), 0)

    def test_what_does_not_end_in_time_is_cut(self):
        wire = self.hang('/test/hang-stream')
        begun = time.monotonic()
        self.daemon.signal(signal.SIGTERM)
        self.assertFalse(wire.answer().complete)
        self.assertEqual(self.daemon.wait(), 0)
        self.assertGreater(time.monotonic() - begun, 4)

    def test_a_second_signal_means_now(self):
        wire = self.hang()
        self.daemon.signal(signal.SIGTERM)
        self.wait(lambda: 'stopping when' in self.daemon.log, 'the first to be heard')
        begun = time.monotonic()
        self.daemon.signal(signal.SIGTERM)
        self.assertEqual(self.daemon.wait(), 0)
        self.assertLess(time.monotonic() - begun, 3)
        self.assertIsNone(wire.answer())

    def test_a_drain_with_nothing_to_wait_for_ends_at_once(self):
        begun = time.monotonic()
        self.daemon.signal(signal.SIGINT)
        self.assertEqual(self.daemon.wait(), 0)
        self.assertLess(time.monotonic() - begun, 3)


if __name__ == '__main__':
    daemon_support.main()
