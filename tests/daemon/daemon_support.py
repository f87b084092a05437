"""What the tests of quantd share: starting a daemon in a scratch folder, and raw sockets to talk to it."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

QUANTD = PROBE = None    # Set by main().
PATIENCE = 20            # Seconds after which something counts as hung.
SCALE = 0.04             # Of the daemon's time limits: 5 s become 0.2 s, 30 s become 1.2 s.
TOKEN = 'a-token-of-some-length'


class Answer:
    """One HTTP reply, taken apart."""

    def __init__(self, status, headers, body, complete=True):
        self.status, self.headers, self.body, self.complete = status, headers, body, complete

    @property
    def json(self):
        return json.loads(self.body)


class Wire:
    """A connection that sends what it is told and nothing else."""

    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.socket.settimeout(PATIENCE)
        self.input = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """All of `data`, or as much as the daemon takes before it hangs up."""
        try:
            self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b''
        self.input += data
        return bool(data)

    def take(self, size):
        data, self.input = self.input[:size], self.input[size:]
        return data

    def until(self, mark):
        while mark not in self.input:
            if not self.more():
                return None
        return self.take(self.input.index(mark) + len(mark))

    def exactly(self, size):
        while len(self.input) < size and self.more():
            pass
        return self.take(size)

    def chunks(self):
        body = b''
        while True:
            line = self.until(b'\r\n')
            if line is None:
                return body, False
            size = int(line, 16)
            piece = self.exactly(size + 2)
            if len(piece) < size + 2:
                return body + piece, False
            if size == 0:
                return body, True
            body += piece[:-2]

    def answer(self, head_only=False):
        """The next reply; None where the connection ends first."""
        head = self.until(b'\r\n\r\n')
        if head is None:
            return None
        lines = head.decode().split('\r\n')
        status = int(lines[0].split()[1])
        headers = dict((k.lower(), v.strip()) for k, v in (line.split(':', 1) for line in lines[1:] if line))
        if head_only or status in (100, 204):
            return Answer(status, headers, b'')
        if headers.get('transfer-encoding') == 'chunked':
            return Answer(status, headers, *self.chunks())
        if 'content-length' not in headers:
            while self.more():
                pass
            return Answer(status, headers, self.take(len(self.input)))
        size = int(headers['content-length'])
        body = self.exactly(size)
        return Answer(status, headers, body, len(body) == size)

    def ended(self):
        """Whether the daemon hangs up (within the patience there is) without another word."""
        return not self.more()


class Daemon:
    """A running quantd or probe; stopped by the test's end."""

    def __init__(self, case, program=None, args=(), env=None, tcp=None, token=False, before=None, **more):
        self.case, self.folder = case, case.folder
        self.starved = False     # Set where a test takes the daemon's descriptors.
        self.path = os.path.join(self.folder, 'quantd.sock')
        self.log_path = os.path.join(self.folder, 'log-%d' % time.monotonic_ns())
        settings = {'QUANTD_SOCKET': self.path, 'QUANTD_TEST_TIME_SCALE': str(SCALE), 'QUANTD_LOG_LEVEL': 'debug'}
        if tcp:
            settings['QUANTD_TCP'] = '127.0.0.1:0'
            settings['QUANTD_TCP_NO_TOKEN'] = 'yes'
        if token:
            del settings['QUANTD_TCP_NO_TOKEN']
            settings['QUANTD_TCP_TOKEN_FILE'] = case.write('token', TOKEN + '\n', 0o600)
        settings.update(env or {})
        with open(self.log_path, 'wb') as log:
            self.process = subprocess.Popen([program or PROBE, *args], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder, env=dict(case.env, **settings), preexec_fn=before, **more)
        case.addCleanup(self.end)
        case.wait(lambda: 'listening on' in self.log or self.process.poll() is not None, 'the daemon to listen')
        port = re.search(r'127\.0\.0\.1:(\d+)', self.log)
        self.tcp = ('127.0.0.1', int(port.group(1))) if port else None

    @property
    def log(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as file:
            return file.read()

    @property
    def descriptors(self):
        return len(os.listdir('/proc/%d/fd' % self.process.pid))

    def end(self):
        """Every daemon that still runs ends when told to, with 0; a sanitizer has nothing to say."""
        until = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < until:
            self.signal(signal.SIGTERM)    # The second one means now.
            time.sleep(0.01)
        killed = self.process.poll() is None
        if killed:
            self.process.kill()
        code = self.process.wait()
        self.case.assertFalse(killed, 'it did not end:\n' + self.log)
        self.case.assertIn(code, (0, 1, 2, 75, -signal.SIGKILL), self.log)
        # Out of descriptors, UBSan cannot look at memory and takes all of it for wrong.
        for word in ('Sanitizer',) if self.starved else ('Sanitizer', 'runtime error:'):
            self.case.assertNotIn(word, self.log)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        return self.process.wait(PATIENCE)

    def wire(self, tcp=False):
        wire = Wire(self.tcp if tcp else self.path)
        self.case.addCleanup(wire.socket.close)
        return wire

    def ask(self, method, path, body=None, headers=(), tcp=False, version='1.1'):
        """One request on a connection of its own."""
        lines = ['%s %s HTTP/%s' % (method, path, version)]
        names = [line.split(':')[0].lower() for line in headers]
        if 'host' not in names:
            lines.append('Host: localhost')
        if body is not None:
            lines.append('Content-Length: %d' % len(body))
            if 'content-type' not in names:
                lines.append('Content-Type: application/json')
        with Wire(self.tcp if tcp else self.path) as wire:
            wire.send('\r\n'.join([*lines, *headers]) + '\r\n\r\n' + (body or ''))
            return wire.answer(head_only=method == 'HEAD')

    def get(self, path, headers=(), tcp=False):
        return self.ask('GET', path, None, headers, tcp)

    def metric(self, name):
        for line in self.get('/metrics').body.decode().splitlines():
            if line.startswith(name + ' '):
                return float(line.split()[-1])
        return 0


class DaemonCase(unittest.TestCase):
    """A test with a scratch folder, which is HOME and XDG_RUNTIME_DIR too."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='quantd-test-')
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        left_out = ('OLLAMA_', 'QUANTD_', 'LISTEN_', 'NOTIFY_', 'WATCHDOG_', 'XDG_', 'JOURNAL_')
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
        self.env.update(HOME=self.folder, XDG_RUNTIME_DIR=self.folder, XDG_CONFIG_HOME=self.folder)

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def wait(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                self.fail('waited in vain for ' + what)
            time.sleep(0.01)

    def start(self, *args, **more):
        daemon = Daemon(self, *args, **more)
        self.assertIsNone(daemon.process.poll(), daemon.log)
        return daemon

    def probe(self, **more):
        return self.start(PROBE, **more)

    def quantd(self, *args, **more):
        return self.start(QUANTD, args, **more)

    def fails(self, code, *args, says=(), **more):
        """quantd ends at once with `code` and a sentence that holds each of `says`."""
        daemon = Daemon(self, QUANTD, args, **more)
        self.assertEqual(daemon.wait(), code, daemon.log)
        for words in [says] if isinstance(says, str) else says:
            self.assertIn(words, daemon.log)


def main():
    global QUANTD, PROBE
    if len(sys.argv) < 3:
        sys.exit('usage: %s PATH_OF_QUANTD PATH_OF_PROBE [unittest arguments]' % sys.argv[0])
    QUANTD, PROBE = (os.path.abspath(path) for path in sys.argv[1:3])
    del sys.argv[1:3]
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    unittest.main(module='__main__')
