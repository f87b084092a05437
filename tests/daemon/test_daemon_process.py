"""quantd as a process: its socket, its settings, signals, and what it says to the service manager.
Usage: test_daemon_process.py PATH_OF_QUANTD PATH_OF_PROBE [unittest arguments]."""
import os
import re
import signal
import socket
import stat
import sys

sys.dont_write_bytecode = True   # The sources stay as they are.
import daemon_support
from daemon_support import DaemonCase


class Sockets(DaemonCase):
    def test_the_socket_is_for_its_user_and_group(self):
        daemon = self.quantd()
        self.assertEqual(stat.S_IMODE(os.stat(daemon.path).st_mode), 0o660)

    def test_a_second_daemon_ends_with_75_and_names_the_first(self):
        first = self.quantd()
        self.fails(75, says=['pid %d' % first.process.pid, first.path])
        self.assertEqual(first.get('/healthz').status, 200)

    def test_a_socket_that_answers_is_left_alone_whatever_the_lock_says(self):
        first = self.quantd()
        os.unlink(first.path + '.lock')
        self.fails(75, says='pid %d' % first.process.pid)
        self.assertEqual(first.get('/healthz').status, 200)

    def test_a_busy_socket_is_alive(self):
        with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
            busy.bind(self.folder + '/quantd.sock')
            busy.listen(0)
            waiting.connect(self.folder + '/quantd.sock')
            self.fails(75)

    def test_a_socket_whose_daemon_was_killed_is_taken_over(self):
        first = self.quantd()
        first.signal(signal.SIGKILL)
        first.wait()
        self.assertTrue(os.path.exists(first.path))
        self.assertEqual(self.quantd().get('/healthz').status, 200)

    def test_a_file_where_the_socket_should_be_is_not_removed(self):
        path = self.write('quantd.sock', 'precious')
        self.fails(1, says=path)
        with open(path, encoding='ascii') as file:
            self.assertEqual(file.read(), 'precious')
        os.unlink(path)
        os.symlink('/nonexistent', path)
        self.fails(1, says=path)

    def test_the_socket_is_removed_at_the_end_but_not_another_one(self):
        daemon = self.quantd()
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)
        self.assertFalse(os.path.exists(daemon.path))
        daemon = self.quantd()
        os.unlink(daemon.path)
        self.write('quantd.sock', 'somebody else\'s')
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)
        self.assertTrue(os.path.exists(daemon.path))

    def test_the_folder_of_the_socket_is_made(self):
        path = os.path.join(self.folder, 'run', 'quantd.sock')
        daemon = self.start(env={'QUANTD_SOCKET': path})
        daemon.path = path
        self.assertEqual(daemon.get('/healthz').status, 200)
        self.assertEqual(os.stat(os.path.dirname(path)).st_mode & 0o7777, 0o755)

    def test_paths_that_cannot_be_sockets(self):
        self.fails(1, '--socket', '/' + 'x' * 108, says='107 bytes')
        self.fails(1, '--socket', 'relative', says='begins with a slash')
        self.fails(1, '--socket', '/nonexistent/deeper/x.sock', says='/nonexistent/deeper')

    def test_a_port_in_use_is_75(self):
        first = self.quantd(tcp=True)
        self.fails(75, '--socket', self.folder + '/b.sock', '--tcp', '127.0.0.1:%d' % first.tcp[1], '--tcp-no-token', 'yes')


class Tcp(DaemonCase):
    def test_it_is_off_unless_asked_for_and_asks_for_a_token(self):
        self.assertIsNone(self.quantd().tcp)
        self.fails(2, '--tcp', '127.0.0.1:0', says=['tcp_token_file', 'tcp_no_token'])
        self.fails(2, env={'OLLAMA_HOST': '127.0.0.1:0'}, says=['tcp_token_file', 'OLLAMA_HOST'])

    def test_without_a_token_it_is_for_this_machine_only(self):
        self.fails(2, '--socket', self.folder + '/b', '--tcp', '0.0.0.0:0', '--tcp-no-token', 'yes', says='other machines')

    def test_addresses_that_are_none(self):
        for address in ['x', '127.0.0.1', '127.0.0.1:x', '127.0.0.1:70000', 'example.com:1', '[::1:1']:
            self.fails(1, '--tcp', address, '--tcp-no-token', 'yes', says='expected ADDRESS:PORT')

    def test_a_token_others_can_read_is_refused(self):
        path = self.write('token', 'x' * 20)
        self.fails(2, '--tcp', '127.0.0.1:0', '--tcp-token-file', path, says=[path, '0600'])


class Settings(DaemonCase):
    def test_usage_mistakes_end_with_2(self):
        self.fails(2, '--nonsense', says='--nonsense')
        self.fails(2, '--queue', 'many', says=['--queue', 'whole number'])
        self.fails(2, '--config', '/nonexistent', says='/nonexistent')
        self.fails(2, env={'XDG_RUNTIME_DIR': '', 'QUANTD_SOCKET': '', 'QUANTD_QUEUE': '-1'}, says='QUANTD_QUEUE')

    def test_a_file_is_named_with_its_line(self):
        path = self.write('my.conf', 'queue = 2\n\nnonsense = 1\n')
        self.fails(2, '--config', path, says=[path + ':3', '"nonsense"', 'queue_per_user'])

    def test_settings_can_be_checked_without_a_daemon(self):
        self.fails(0, '--check', '--config', self.write('my.conf', 'queue = 2\n'))
        self.assertFalse(os.path.exists(self.folder + '/quantd.sock'))

    def test_help_names_every_setting(self):
        self.fails(0, '--help', says=['--socket', '--tcp-token-file', '--keep-alive', '--admin-group', 'Exit codes'])
        self.fails(0, '--version', says='quantd 0.')

    def test_a_variable_nobody_knows_is_a_warning(self):
        self.assertIn('QUANTD_QEUE is set', self.quantd(env={'QUANTD_QEUE': '1'}).log)


class Reload(DaemonCase):
    def reloaded(self, text, says):
        self.write('my.conf', text)
        self.daemon.signal(signal.SIGHUP)
        self.wait(lambda: says in self.daemon.log, says)

    def test_it_is_taken_whole_or_refused(self):
        path = self.write('my.conf', 'origins = http://a\n')
        self.daemon = self.quantd('--config', path)
        status = lambda origin: self.daemon.get('/', ['Origin: ' + origin]).status
        self.assertEqual((status('http://a'), status('http://b')), (200, 403))
        self.reloaded('origins = http://b\n', 'settings are read again')
        self.assertEqual((status('http://a'), status('http://b')), (403, 200))
        self.reloaded('origins = http://c\nnonsense = 1\n', 'my.conf:2')
        self.reloaded('origins = http://c\ntcp_token_file = /nonexistent\n', '/nonexistent')
        self.reloaded('origins = http://c\ntcp = 127.0.0.1:1\ntcp_no_token = yes\n', 'only when the daemon starts')
        self.assertEqual((status('http://a'), status('http://b'), status('http://c')), (403, 200, 403))


class ServiceManager(DaemonCase):
    def listener(self, address):
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(receiver.close)
        receiver.bind(address)
        receiver.settimeout(20)
        return receiver

    def told(self, receiver):
        """The next message that is not about the watchdog."""
        while True:
            lines = receiver.recv(4096).decode().split('\n')
            if lines != ['WATCHDOG=1']:
                return dict(line.split('=', 1) for line in lines)

    def test_it_is_told_of_every_change(self):
        for name in (self.folder + '/notify', '@quantd-test-%d' % os.getpid()):
            receiver = self.listener(name.replace('@', '\0'))
            daemon = self.quantd(env={'NOTIFY_SOCKET': name})
            ready = self.told(receiver)
            self.assertEqual(ready['READY'], '1')
            self.assertIn(daemon.path, ready['STATUS'])
            daemon.signal(signal.SIGHUP)
            reloading = self.told(receiver)
            self.assertEqual(reloading['RELOADING'], '1')
            self.assertRegex(reloading['MONOTONIC_USEC'], r'^\d+$')
            self.assertEqual(self.told(receiver)['READY'], '1')
            daemon.signal(signal.SIGTERM)
            self.assertEqual(self.told(receiver)['STOPPING'], '1')
            self.assertEqual(daemon.wait(), 0)

    def test_the_watchdog_is_fed_in_time(self):
        receiver = self.listener(self.folder + '/notify')
        self.quantd(env={'NOTIFY_SOCKET': self.folder + '/notify', 'WATCHDOG_USEC': '100000'})
        self.assertEqual(self.told(receiver)['READY'], '1')
        for _ in range(3):
            self.assertEqual(receiver.recv(100), b'WATCHDOG=1')

    def test_the_watchdog_is_not_fed_while_a_model_hangs(self):
        receiver = self.listener(self.folder + '/notify')
        daemon = self.probe(env={'NOTIFY_SOCKET': self.folder + '/notify', 'WATCHDOG_USEC': '100000'})
        self.assertEqual(self.told(receiver)['READY'], '1')
        self.assertEqual(receiver.recv(100), b'WATCHDOG=1')
        daemon.get('/test/stuck')
        receiver.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            for _ in range(5):    # Some may be on their way.
                receiver.recv(100)
        self.assertEqual(daemon.log.count('the watchdog is fed no more'), 1)
        receiver.settimeout(20)
        daemon.get('/test/unstuck')
        self.assertEqual(receiver.recv(100), b'WATCHDOG=1')

    def test_it_waits_longer_for_an_end_that_takes_long(self):
        receiver = self.listener(self.folder + '/notify')
        daemon = self.probe(env={'NOTIFY_SOCKET': self.folder + '/notify'})
        self.assertEqual(self.told(receiver)['READY'], '1')
        daemon.signal(signal.SIGTERM)
        self.assertEqual(self.told(receiver)['STOPPING'], '1')
        self.assertEqual(self.told(receiver), {'EXTEND_TIMEOUT_USEC': '10000000'})

    def test_a_watchdog_of_another_process_is_not_ours(self):
        receiver = self.listener(self.folder + '/notify')
        self.quantd(env={'NOTIFY_SOCKET': self.folder + '/notify', 'WATCHDOG_USEC': '10000', 'WATCHDOG_PID': '1'})
        self.assertEqual(self.told(receiver)['READY'], '1')
        receiver.settimeout(0.3)
        self.assertRaises(TimeoutError, receiver.recv, 100)

    def passed(self, sockets, pid='self', count=None, **more):
        """A daemon that is handed `sockets` as systemd does: from descriptor 3 on."""
        def hand_over():
            kept = [os.dup(sock.fileno()) for sock in sockets]
            high = [os.dup2(fd, 50 + i) for i, fd in enumerate(kept)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i, inheritable=True)
        shell = 'LISTEN_PID=%s LISTEN_FDS=%s LISTEN_FDNAMES=native:http exec "$0" "$@"' % (
            '$$' if pid == 'self' else pid, len(sockets) if count is None else count)
        return daemon_support.Daemon(self, '/bin/sh', ['-c', shell, daemon_support.QUANTD, *more.pop('args', ())],
                                     before=hand_over, close_fds=False, **more)

    def test_sockets_that_systemd_made_are_used(self):
        with socket.socket(socket.AF_UNIX) as local, socket.socket() as tcp:
            local.bind(self.folder + '/passed.sock')
            local.listen(5)
            tcp.bind(('127.0.0.1', 0))
            tcp.listen(5)
            daemon = self.passed([local, tcp], env={'QUANTD_TCP_NO_TOKEN': 'yes'})
            self.assertFalse(os.path.exists(daemon.path))
            self.assertRegex(daemon.log, r'passed.sock \(native\) and 127.0.0.1:\d+ \(http\)')
            daemon.path = self.folder + '/passed.sock'
            self.assertEqual(daemon.get('/healthz').status, 200)
            self.assertEqual(daemon.get('/healthz', tcp=True).status, 200)
            with open('/proc/%d/environ' % daemon.process.pid, 'rb') as file:
                self.assertIn(b'LISTEN_FDS=2', file.read())
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(), 0)
            self.assertTrue(os.path.exists(daemon.path), 'not ours to remove')

    def test_sockets_for_another_process_are_not_ours(self):
        with socket.socket(socket.AF_UNIX) as local:
            local.bind(self.folder + '/passed.sock')
            local.listen(5)
            daemon = self.passed([local], pid='1')
            self.assertTrue(re.search('listening on .*quantd.sock', daemon.log), daemon.log)

    def test_a_passed_port_asks_for_a_token_too(self):
        with socket.socket() as tcp:
            tcp.bind(('127.0.0.1', 0))
            tcp.listen(5)
            daemon = self.passed([tcp])
            self.assertEqual(daemon.wait(), 2)
            self.assertIn('tcp_token_file', daemon.log)

    def test_descriptors_that_are_no_listeners_are_refused(self):
        with socket.socket(socket.AF_UNIX) as plain:
            for count, words in [(None, 'descriptor 3'), ('x', 'LISTEN_FDS'), (-1, 'LISTEN_FDS'), (99, 'LISTEN_FDS')]:
                daemon = self.passed([plain], count=count)
                self.assertEqual(daemon.wait(), 1)
                self.assertIn(words, daemon.log)


if __name__ == '__main__':
    daemon_support.main()
