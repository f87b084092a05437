"""What the tests of quantctl share: a home of their own, running the program with
and without a terminal, and small files to feed it."""
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest

QUANTCTL = None          # Set by main().
MODEL = 'kjv-5m'
PATIENCE = 60            # Seconds after which a program counts as hung.


def model_folder():
    return os.path.join(os.environ['QUANT_SHARE'], 'models', MODEL)


class Finished:
    """What a run of the program left: exit code, stdout, stderr."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def text(self):
        return self.out.decode()

    @property
    def json(self):
        return json.loads(self.out)


class CliCase(unittest.TestCase):
    """A test with a scratch folder; HOME and QUANT_HOME point into it."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='quantctl-test-')
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        left_out = ('NO_COLOR', 'XDG_DATA_HOME', 'XDG_CACHE_HOME', 'XDG_STATE_HOME', 'XDG_RUNTIME_DIR', 'QUANT_PACK_CACHE',
                    'QUANT_LOG', 'QUANT_SOCKET', 'QUANTD_SOCKET')
        self.env = {k: v for k, v in os.environ.items() if k not in left_out}
        self.env.update(HOME=self.folder, QUANT_HOME=self.path('home'), TERM='xterm', LC_ALL='C.UTF-8',
                        TMPDIR=self.folder)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, data):
        with open(self.path(name), 'wb') as file:
            file.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), 'rb') as file:
            return file.read()

    def write_floats(self, name, values):
        return self.write(name, struct.pack('<%df' % len(values), *values))

    def run_cli(self, *args, stdin=b'', env=None, **more):
        done = subprocess.run([QUANTCTL, *args], input=stdin, capture_output=True, cwd=self.folder,
                              env=dict(self.env, **(env or {})), timeout=PATIENCE, **more)
        return Finished(done.returncode, done.stdout, done.stderr.decode())

    def ok(self, *args, **more):
        done = self.run_cli(*args, **more)
        self.assertEqual(done.code, 0, '%s: %s' % (args, done.err))
        return done

    def fails(self, code, *args, says=(), **more):
        """The program ends with `code` and one sentence that holds each of `says`."""
        done = self.run_cli(*args, **more)
        self.assertEqual(done.code, code, '%s: exit %d, stderr: %s' % (args, done.code, done.err))
        self.assertTrue(done.err.startswith('quantctl: '), done.err)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, done.err)
        return done

    def files_below(self, *parts):
        found = []
        for folder, _, names in os.walk(self.path(*parts)):
            found += [os.path.relpath(os.path.join(folder, name), self.folder) for name in names]
        return sorted(found)

    def quantized(self, kind='Q4_0'):
        """A variant in the catalog; returns its path."""
        self.ok('quantize', MODEL, kind)
        return self.ok('show', '%s:%s' % (MODEL, kind), '--json').json['path']


class Terminal:
    """The program on a pseudo-terminal, on the streams named in `on`."""

    def __init__(self, case, *args, on=(0, 1, 2), columns=80, env=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
        pipes = [slave if fd in on else subprocess.PIPE for fd in range(3)]

        def become_session_leader():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([QUANTCTL, *args], stdin=pipes[0], stdout=pipes[1], stderr=pipes[2],
                                        cwd=case.folder, env=dict(case.env, **(env or {})),
                                        preexec_fn=become_session_leader)
        os.close(slave)
        self.seen = b''
        case.addCleanup(self.close)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        if self.master is not None:
            os.close(self.master)
            self.master = None

    def _read(self, seconds):
        ready, _, _ = select.select([self.master], [], [], max(seconds, 0))
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:      # EIO: the other side has gone.
            return None
        self.seen += data
        return True if data else None

    def wait_for(self, text, after=0):
        """Read until `text` has appeared after the place `after`; returns where it ends."""
        end = time.monotonic() + PATIENCE
        while text.encode() not in self.seen[after:]:
            if time.monotonic() > end or self._read(end - time.monotonic()) is None:
                raise AssertionError('%r did not appear in %r' % (text, self.seen[after:]))
        return self.seen.index(text.encode(), after) + len(text.encode())

    def send(self, text):
        os.write(self.master, text.encode())

    def ask(self, line, answer, after):
        """Type a line; read until its answer and then the next prompt have appeared; returns where that ends."""
        self.send(line + '\n')
        return self.wait_for('>>> ', self.wait_for(answer, after))

    def finish(self):
        """Read all, and wait for the end; returns the exit code."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self._read(end - time.monotonic()) is None:
                break
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError('it did not end; on the terminal: %r; its threads: %s' %
                                 (self.seen[-400:], self._threads()))

    def _threads(self):
        """What each thread waits for, for the report of a hang."""
        folder = '/proc/%d/task' % self.process.pid
        told = []
        for task in os.listdir(folder):
            for name in ('wchan', 'syscall'):
                try:
                    with open(os.path.join(folder, task, name)) as file:
                        told.append('%s %s: %s' % (task, name, file.read().strip()))
                except OSError:
                    pass
        return '; '.join(told)


def interrupt_when(process, ready, number=signal.SIGINT):
    """Send a signal as soon as `ready()` is true."""
    end = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > end or process.poll() is not None:
            raise AssertionError('the program ended or hung before it could be interrupted')
        time.sleep(0.002)
    process.send_signal(number)
