"""Many clients at a time for the tests of quantd's endurance: requests by asyncio, each from an address or a user of its
own, so that the daemon takes them for different people; and what a daemon holds, read from /proc."""
import asyncio
import json
import os
import random
import re
import resource
import socket
import struct
import subprocess
import sys
import time
import unittest

import daemon_support
from daemon_support import DaemonCase

SOAK = float(os.environ.get('QUANT_SOAK', 0))    # Seconds that a test of the long form lasts; 0: the short one.
LEEWAY = 1 if SOAK else 10                       # Times that goals for waiting hold; machines of tests are busy.
NAME = 'small:BF16'
PSALM = 'The LORD is my shepherd; I shall not want. He maketh me to lie down'


def raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Answer:
    def __init__(self, status, headers, body, waited):
        self.status, self.headers, self.body, self.waited = status, headers, body, waited

    def events(self):
        """The objects of server-sent events; they must have come whole."""
        lines = [line for line in self.body.decode().split('\n') if line]
        assert lines[-1] == 'data: [DONE]', lines[-1]
        return [json.loads(line[6:]) for line in lines[:-1]]

    @property
    def text(self):
        return ''.join(c.get('text', '') for e in self.events() for c in e['choices'])


def dial(address, source=None, uid=None):
    """A connected socket: over TCP from the address `source`, over a Unix socket as the user `uid`. None where the
    daemon's queue of connections is full at this moment."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if source:
            made.bind((source, 0))
        if uid is not None:
            os.seteuid(uid)    # Asked for at connect(); the group, and so the right to connect, stays.
        try:
            made.setblocking(family != socket.AF_UNIX)
            made.connect(address)
        finally:
            if uid is not None:
                os.seteuid(0)
        made.setblocking(False)
        return made
    except (BlockingIOError, ConnectionError):
        made.close()
        return None


def encode(method, path, body=None, more=''):
    text = json.dumps(body) if body is not None else ''
    return ('%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s'
            % (method, path, len(text), more, text)).encode()


async def dialled(address, **who):
    while True:
        if made := dial(address, **who):
            return made
        await asyncio.sleep(0.01)


async def ask(address, data, **who):
    """One request on a connection of its own. `waited`: seconds to the first byte, connecting counted in."""
    begun = time.monotonic()
    reader, writer = await asyncio.open_connection(sock=await dialled(address, **who), limit=1 << 24)
    try:
        writer.write(data)
        first = await reader.readexactly(1)
        waited = time.monotonic() - begun
        head = (first + await reader.readuntil(b'\r\n\r\n')).decode()
        headers = dict((k.lower(), v.strip()) for k, v in (line.split(':', 1) for line in head.split('\r\n')[1:] if line))
        if headers.get('transfer-encoding') == 'chunked':
            raw = await reader.readuntil(b'\r\n0\r\n\r\n')
            body = re.sub(rb'(?:^|\r\n)[0-9a-f]+\r\n', b'', raw[:-len(b'\r\n0\r\n\r\n')])
        else:
            body = await reader.readexactly(int(headers.get('content-length', 0)))
        return Answer(int(head.split()[1]), headers, body, waited)
    finally:
        writer.transport.abort()


def leave(made, rudely):
    if rudely:    # As a process that dies with unread bytes does.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    made.close()


# Run as a process of its own, so that what it waits for is the daemon and not the load: prints seconds to the first byte
# of /healthz, connecting counted in, one a line, until its input ends.
PROBER = '''
import select, socket, struct, sys, time
while not select.select([sys.stdin], [], [], 0.02)[0]:
    begun = time.monotonic()
    with socket.socket(socket.AF_UNIX) as s:
        for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):    # Waits for a place, where settimeout() would not.
            s.setsockopt(socket.SOL_SOCKET, option, struct.pack('ll', 20, 0))
        s.connect(sys.argv[1])
        s.sendall(b"GET /healthz HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        answer = s.recv(4096)
    assert b" 200 OK" in answer, answer
    print(time.monotonic() - begun)
'''


class Prober:
    def __init__(self, daemon):
        self.process = subprocess.Popen([sys.executable, '-c', PROBER, daemon.path], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def p99(self):
        """Ends it. Fails where a reply was not as it should be."""
        out, _ = self.process.communicate()
        assert self.process.returncode == 0, 'a new client was not served'
        times = sorted(float(line) for line in out.split())
        assert len(times) >= 10, 'too few probes'
        return times[min(len(times) - 1, len(times) * 99 // 100)]


class LoadCase(DaemonCase):
    """A daemon with one small model, loaded."""

    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o755)    # Other users come, too.
        raise_descriptor_limit()
        self.env['QUANT_HOME'] = os.path.join(self.folder, 'catalog')
        subprocess.run([QUANTCTL, 'import', MODEL, '--name', 'small'], env=self.env, check=True, capture_output=True)

    def serve(self, **settings):
        env = {'QUANTD_' + name.upper(): str(value) for name, value in settings.items()}
        env.setdefault('QUANTD_TEST_TIME_SCALE', '1')
        env['QUANTD_LOG_LEVEL'] = 'info'
        daemon = self.start(program=daemon_support.QUANTD, env=env, tcp=True)
        self.assertEqual(daemon.ask('POST', '/v1/completions', self.completion()[-1]).status, 200)
        return daemon

    def completion(self, tokens=8, prompt=PSALM, **more):
        """A request's bytes, as encode() has them, and its body."""
        body = dict({'model': NAME, 'prompt': prompt, 'max_tokens': tokens, 'temperature': 0, 'ignore_eos': True}, **more)
        return encode('POST', '/v1/completions', body), json.dumps(body)

    def told(self, what, figure, goal):
        print('%s: %s (goal %s)' % (what, figure, goal), flush=True)

    def settled(self, daemon):
        """Nothing runs or waits any more."""
        self.wait(lambda: daemon.metric('quantd_requests_running') + daemon.metric('quantd_requests_waiting') == 0,
                  'requests to end')


def rss(daemon):
    """MiB."""
    with open('/proc/%d/status' % daemon.process.pid, encoding='ascii') as file:
        return int(re.search(r'VmRSS:\s+(\d+)', file.read()).group(1)) / 1024


def mapped_files(daemon):
    with open('/proc/%d/maps' % daemon.process.pid, encoding='utf-8') as file:
        return sorted(line.split(None, 5)[5].strip() for line in file if '/' in line)


def main():
    global QUANTCTL, MODEL
    daemon_support.QUANTD, QUANTCTL, MODEL = map(os.path.abspath, sys.argv[1:4])
    unittest.main(module='__main__', argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
