#!/usr/bin/env python3
"""What quantd's HTTP layer takes of the processor, apart from the model: with clients that do nothing, and with as
many that stream.

A daemon is started beside the one there may be, with $QUANT_HOME's catalog. The CPU time is that of its threads "quantd"
(sockets, requests, replies) and "quantd-work" (names, prompts); a token's text is put into its event by the thread of
the model, which is told beside them. Waiting is that of new clients that ask for /healthz, by a process of its own."""
import argparse
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

PROBE = '''
import select, socket, sys, time
while not select.select([sys.stdin], [], [], 0.05)[0]:
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as s:
        s.sendall(b"GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
        assert b" 200 OK" in s.recv(4096)
    print(time.monotonic() - begun)
'''
LAYER = ('quantd', 'quantd-work')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Daemon:
    def __init__(self, quantd, folder, clients):
        self.path, self.port = os.path.join(folder, 'quantd.sock'), free_port()
        env = dict(os.environ, QUANTD_SOCKET=self.path, QUANTD_TCP='127.0.0.1:%d' % self.port, QUANTD_TCP_NO_TOKEN='yes',
                   QUANTD_PARALLEL=str(clients), QUANTD_QUEUE_PER_USER=str(clients), QUANTD_CONTEXT_LENGTH='1024')
        self.process = subprocess.Popen([quantd], env=env, stderr=subprocess.DEVNULL)
        while not os.path.exists(self.path):
            assert self.process.poll() is None, 'quantd did not start'
            time.sleep(0.05)

    def cpu_seconds(self):
        """Of each name of threads."""
        folder, out = '/proc/%d/task' % self.process.pid, {}
        for task in os.listdir(folder):
            with open('%s/%s/comm' % (folder, task), encoding='ascii') as name, \
                    open('%s/%s/schedstat' % (folder, task), encoding='ascii') as time_file:
                comm = name.read().strip()
                out[comm] = out.get(comm, 0) + int(time_file.read().split()[0]) / 1e9
        return out

    def clients(self, count):
        made = []
        for _ in range(count):
            s = socket.socket(socket.AF_UNIX)
            s.connect(self.path)
            made.append(s)
        return made


def stream(clients, request, seconds):
    """Keeps all of them streaming; returns the events they got."""
    events, until = 0, time.monotonic() + seconds
    with selectors.DefaultSelector() as waiting:
        for s in clients:
            s.sendall(request)
            waiting.register(s, selectors.EVENT_READ, bytearray())
        while time.monotonic() < until:
            for key, _ in waiting.select(0.1):
                data = key.fileobj.recv(1 << 16)
                assert data and b' 503 ' not in data[:20], data[:500]
                events += data.count(b'data: ')
                key.data[:] = (key.data + data)[-5:]
                if key.data == b'0\r\n\r\n':
                    key.data.clear()
                    key.fileobj.sendall(request)
    return events


def measure(daemon, what, seconds, work):
    prober = subprocess.Popen([sys.executable, '-c', PROBE, str(daemon.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    before, begun = daemon.cpu_seconds(), time.monotonic()
    events = work(seconds)
    passed, after = time.monotonic() - begun, daemon.cpu_seconds()
    waits = sorted(float(line) for line in prober.communicate()[0].split())
    spent = {name: after[name] - before.get(name, 0) for name in after}
    layer = sum(spent.get(name, 0) for name in LAYER)
    print('%s: %.2f %% of a core (goal 3 %%); /healthz p99 %.1f ms of %d (goal 50 ms)' % (
        what, 100 * layer / passed, 1e3 * waits[len(waits) * 99 // 100], len(waits)))
    if events:
        print('    %.0f events/s, %.1f us each; the model\'s thread %.1f us, workers %.1f us each' % (
            events / passed, 1e6 * layer / events, 1e6 * spent.get('quant-scheduler', 0) / events,
            1e6 * spent.get('quant-worker', 0) / events), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', nargs='+', help='names in the catalog')
    parser.add_argument('--quantd', default='build/daemon/quantd')
    parser.add_argument('--clients', type=int, default=64)
    parser.add_argument('--seconds', type=float, default=20)
    arguments = parser.parse_args()
    for model in arguments.models:
        body = json.dumps({'model': model, 'prompt': 'In the beginning', 'max_tokens': 400, 'ignore_eos': True,
                           'temperature': 0, 'stream': True})
        request = ('POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s'
                   % (len(body), body)).encode()
        with tempfile.TemporaryDirectory(prefix='quantd-bench-') as folder:
            daemon = Daemon(arguments.quantd, folder, arguments.clients)
            try:
                load = json.dumps({'model': model, 'prompt': 'In', 'max_tokens': 1}).encode()
                urllib.request.urlopen(urllib.request.Request('http://127.0.0.1:%d/v1/completions' % daemon.port, load,
                                                              {'Content-Type': 'application/json'})).read()
                clients = daemon.clients(arguments.clients)
                measure(daemon, '%s, %d idle clients' % (model, len(clients)), arguments.seconds, time.sleep)
                for s in clients:
                    s.close()
                time.sleep(0.5)
                clients = daemon.clients(arguments.clients)
                measure(daemon, '%s, %d streaming clients' % (model, len(clients)), arguments.seconds,
                        lambda seconds: stream(clients, request, seconds))
            finally:
                daemon.process.terminate()
                daemon.process.wait()


if __name__ == '__main__':
    main()
