#!/usr/bin/env python3
"""What lending costs, and what it withstands: the goals L2, L7 and L8 for any model of a catalog.

    lending.py QUANTD LEASE_CLIENT MODEL [--opens N] [--sharers N] [--killed N] [--stopped N] [--decoding N] [--pack-cache X]

MODEL is a name of the catalog ($QUANT_HOME). A daemon of its own is started in a scratch folder. Prints a JSON line for
each measurement:
  opens     seconds of quant_model_open_shared() from new processes, when the model is resident
  sharing   PSS of the weights of processes that all generate, summed, over one copy
  killed    seconds until the leases of killed clients have ended, while others are stopped
  restart   the daemon is killed while clients decode: seconds until each lease is renewed, tokens that changed
"""
import argparse
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time


class Local(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('localhost', timeout=600)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.socket = os.path.join(folder, 'quantd.sock')
        self.daemon = None
        self.env = dict(os.environ, XDG_CACHE_HOME=os.path.join(folder, 'cache'), QUANTD_SOCKET=self.socket,
                        QUANTD_KEEP_ALIVE='-1', QUANTD_PACK_CACHE=options.pack_cache)

    def start(self):
        self.log = open(os.path.join(self.folder, 'log'), 'ab')
        self.daemon = subprocess.Popen([self.options.quantd], env=self.env, stdout=self.log, stderr=self.log)
        while True:
            try:
                return self.get('/healthz')
            except OSError:
                if self.daemon.poll() is not None:
                    raise SystemExit('the daemon ended: see its log in ' + self.folder)
                time.sleep(0.002)

    def get(self, path):
        connection = Local(self.socket)
        connection.request('GET', path)
        body = connection.getresponse().read().decode()
        connection.close()
        return body

    def leases(self):
        return int(re.search(r'^quantd_leases (\d+)$', self.get('/metrics'), re.M).group(1))

    def client(self, *args):
        return subprocess.Popen([self.options.client, self.socket, self.options.model, *map(str, args)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def told(process, key):
        for line in process.stdout:
            fields = json.loads(line)
            if key in fields:
                return fields[key]
        raise SystemExit('a client ended: ' + process.stderr.read())

    def until(self, leases):
        while self.leases() != leases:
            time.sleep(0.001)


def shares(values):
    values = sorted(values)
    at = lambda q: values[min(len(values) - 1, int(q * len(values)))]
    return {'p50': at(0.5), 'p99': at(0.99), 'worst': values[-1]}


def end(processes):
    for p in processes:
        p.kill()
        p.wait()
        for stream in (p.stdin, p.stdout, p.stderr):
            stream.close()


def opens(bench):
    first = bench.client()
    load = bench.told(first, 'opened')
    end([first])
    seconds = []
    for _ in range(bench.options.opens):
        process = bench.client()
        seconds.append(bench.told(process, 'opened'))
        process.communicate()
    print(json.dumps({'opens': len(seconds), 'first': load, **shares(seconds)}), flush=True)


def weights_pss(pid):
    """Bytes of PSS and of RSS of mappings over 1 MB that are files or shared memory, but for programs."""
    pss = rss = 0
    counts = False
    with open('/proc/%d/smaps' % pid, encoding='utf-8') as maps:
        for line in maps:
            if re.match(r'[0-9a-f]+-[0-9a-f]+ ', line):
                counts = ' r--s ' in line
            elif counts and line.startswith('Pss:'):
                pss += int(line.split()[1]) * 1024
            elif counts and line.startswith('Rss:'):
                rss += int(line.split()[1]) * 1024
    return pss, rss


def sharing(bench):
    clients = [bench.client('tokens', 8, 'hold') for _ in range(bench.options.sharers)]
    tokens = [bench.told(c, 'tokens') for c in clients]
    weights, daemon = [weights_pss(c.pid) for c in clients], weights_pss(bench.daemon.pid)
    lent = int(re.search(r'^quantd_lent_bytes (\d+)$', bench.get('/metrics'), re.M).group(1))
    end(clients)
    # A client touches the pack, and of the files the rows it looks up; the daemon has read the files to pack them.
    pss, one = sum(w[0] for w in weights), max(w[1] for w in weights)
    print(json.dumps({'sharing': len(clients), 'pss_sum': pss, 'one_client': one, 'ratio': pss / one,
                      'pss_sum_with_daemon': pss + daemon[0], 'lent': lent, 'ratio_with_daemon': (pss + daemon[0]) / lent,
                      'alike': all(t == tokens[0] for t in tokens)}), flush=True)


def killed(bench):
    bench.until(0)
    files = len(os.listdir('/proc/%d/fd' % bench.daemon.pid))
    clients = [bench.client('hold') for _ in range(bench.options.killed)]
    stopped = [bench.client('hold') for _ in range(bench.options.stopped)]
    for c in clients + stopped:
        bench.told(c, 'opened')
    for c in stopped:
        c.send_signal(signal.SIGSTOP)
    held = bench.leases()
    seconds = []
    for c in clients:
        start = time.monotonic()
        c.kill()
        c.wait()
        held -= 1
        bench.until(held)
        seconds.append(time.monotonic() - start)
    other = bench.client()
    opened = bench.told(other, 'opened')
    end(stopped + [other])
    bench.until(0)
    end(clients)
    print(json.dumps({'killed': len(clients), 'stopped': len(stopped), **shares(seconds), 'open_meanwhile': opened,
                      'descriptors': [files, len(os.listdir('/proc/%d/fd' % bench.daemon.pid))]}), flush=True)


def restart(bench):
    alone = bench.client('tokens', bench.options.tokens)
    own = bench.told(alone, 'tokens')
    end([alone])
    clients = [bench.client('tokens', bench.options.tokens, 'hold') for _ in range(bench.options.decoding)]
    for c in clients:
        bench.told(c, 'decoding')
    bench.daemon.kill()
    bench.daemon.wait()
    killed_at = time.monotonic()
    bench.start()
    listening = time.monotonic()
    seconds, have = [], 0
    while have < len(clients) and time.monotonic() < listening + 60:
        now = bench.leases()
        seconds += [time.monotonic() - listening] * (now - have)
        have = max(have, now)
        time.sleep(0.002)
    changed = sum(bench.told(c, 'tokens') != own for c in clients)
    ended = [c.communicate() for c in clients]
    copies = sum('another copy' in errors for _, errors in ended)
    print(json.dumps({'restart': len(clients), 'listening_after': listening - killed_at, 'renewed': have,
                      **(shares(seconds) if seconds else {}), 'changed': changed,
                      'crashed': sum(c.returncode != 0 for c in clients), 'other_inodes': copies}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('quantd')
    parser.add_argument('client')
    parser.add_argument('model')
    for name, count in (('opens', 200), ('sharers', 8), ('killed', 1000), ('stopped', 100), ('decoding', 32), ('tokens', 64)):
        parser.add_argument('--' + name, type=int, default=count)
    parser.add_argument('--pack-cache', default='on')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='lending-') as folder:
        bench = Bench(options, folder)
        bench.start()
        try:
            for count, measure in ((options.opens, opens), (options.sharers, sharing), (options.killed, killed),
                                   (options.decoding, restart)):
                if count:
                    measure(bench)
        finally:
            bench.daemon.terminate()
            bench.daemon.wait()


if __name__ == '__main__':
    main()
