#!/usr/bin/env python3
"""How much text quantd makes for several clients at a time, beside llama-server.

    bench/serving.py --quantctl build/cli/quantctl --quantd build/daemon/quantd [--peer BUILD] [--clients 1,4,16]
                     [--rounds 5] FILE.gguf ...

BUILD is what bench/peers/build_llama_cpp.sh has built; its bin/ has llama-server. Each client asks for a greedy,
streamed completion of 128 tokens after a prompt of about 110 that no other has; both servers run in turns, alone, with
16 places and a context of 1024 each. Prints, for each file and number of clients, tokens a second in all and the
median time to the first token: medians, lowest and highest of the rounds; how many times that is what one client gets;
and the ratio to the peer. Exits with 1 where texts of clients together differ from each alone.
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

PROMPT = 'The history of the lighthouse keeper is long, and it begins with a small boat on a grey morning. ' * 5
TOKENS, PLACES, CONTEXT = 128, 16, 1024


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def wait_for(port, path, process):
    for _ in range(600):
        if process.poll() is not None:
            sys.exit('the server ended with %d' % process.returncode)
        with contextlib.suppress(OSError, http.client.HTTPException):
            c = http.client.HTTPConnection('127.0.0.1', port, timeout=5)
            c.request('GET', path)
            if c.getresponse().status == 200:
                return
        time.sleep(0.1)
    sys.exit('the server does not answer')


@contextlib.contextmanager
def running(words, env, port, path):
    process = subprocess.Popen([str(w) for w in words], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, path, process)
        yield port
    finally:
        process.terminate()
        process.wait()


class Client(threading.Thread):
    """One streamed completion: its text, its pieces, and when the first came."""

    def __init__(self, port, model, mark):
        super().__init__()
        self.port, self.body = port, json.dumps({
            'model': model, 'prompt': '%s %s' % (mark, PROMPT), 'max_tokens': TOKENS, 'stream': True, 'temperature': 0,
            'ignore_eos': True})
        self.text, self.first, self.tokens = '', None, 0

    def run(self):
        c, begun = http.client.HTTPConnection('127.0.0.1', self.port, timeout=600), time.monotonic()
        c.request('POST', '/v1/completions', self.body, {'Content-Type': 'application/json'})
        for line in c.getresponse():
            if not line.startswith(b'data: {'):
                continue
            choice = json.loads(line[6:])['choices'][0]
            if choice.get('text'):
                self.first = self.first or time.monotonic() - begun
                self.text += choice['text']
                self.tokens += 1


def load(port, model, count, salt):
    clients = [Client(port, model, '%s.%d' % (salt, i)) for i in range(count)]
    begun = time.monotonic()
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    seconds = time.monotonic() - begun
    # All make as many tokens, whatever pieces they come in.
    return {'rate': count * TOKENS / seconds, 'first': statistics.median(c.first for c in clients) * 1000,
            'texts': [c.text for c in clients]}


def servers(args, file, folder, env):
    """For each server, how it is run and what it calls the model."""
    subprocess.run([args.quantctl, 'import', file, '--name', 'served:model'], env=env, capture_output=True)
    port = free_port()
    words = [args.quantd, '--socket', os.path.join(folder, 'quantd.sock'), '--tcp', '127.0.0.1:%d' % port, '--tcp-no-token',
             'yes', '--parallel', PLACES, '--context-length', CONTEXT]
    yield 'quantd', words, port, '/healthz', 'served:model'
    if args.peer:
        port = free_port()
        words = [args.peer / 'bin/llama-server', '-m', file, '--port', port, '-t', os.cpu_count(), '-np', PLACES, '-c',
                 PLACES * CONTEXT]
        yield 'llama-server', words, port, '/health', 'model'


def cell(values, form='%.0f'):
    return ' '.join(form % v for v in (statistics.median(values), min(values), max(values)))


def measure(args, file, folder):
    env = dict(os.environ, QUANT_HOME=folder)
    runs, same = {}, True
    kinds = list(servers(args, file, folder, env))
    for turn in range(args.rounds):
        for name, words, port, path, model in kinds if turn % 2 == 0 else reversed(kinds):
            with running(words, env, port, path):
                load(port, model, 1, 'warm')
                for count in args.clients:
                    runs.setdefault((name, count), []).append(load(port, model, count, turn))
                if name == 'quantd' and turn == 0:
                    count = max(args.clients)
                    alone = [load(port, model, 1, 'same.%d' % i)['texts'][0] for i in range(count)]
                    again = load(port, model, 1, 'same.0')['texts'][0]
                    same = alone[0] == again and same_together(port, model, count, alone)
    for name, *_ in kinds:
        for count in args.clients:
            rounds = runs[name, count]
            rate, first = [r['rate'] for r in rounds], [r['first'] for r in rounds]
            line = '%-22s %-13s %2d clients  %s tok/s  first after %s ms' % (file.name, name, count, cell(rate), cell(first))
            one = runs.get((name, 1))
            if one:
                line += '  %.2f times one' % (statistics.median(rate) / statistics.median(r['rate'] for r in one))
            peer = runs.get(('llama-server', count))
            if peer and name == 'quantd':
                line += '  peer: %s times the rate, %.2f of its time' % (
                    cell([a / b['rate'] for a, b in zip(rate, peer)], '%.2f'),
                    statistics.median(first) / statistics.median(r['first'] for r in peer))
            print(line, flush=True)
    if not same:
        print('%s: texts of clients together are NOT those of each alone' % file.name)
    return same


def same_together(port, model, count, alone):
    clients = [Client(port, model, 'same.%d.0' % i) for i in range(count)]
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    return [c.text for c in clients] == alone


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quantctl', type=pathlib.Path, required=True)
    parser.add_argument('--quantd', type=pathlib.Path, required=True)
    parser.add_argument('--peer', type=pathlib.Path)
    parser.add_argument('--clients', type=lambda text: [int(n) for n in text.split(',')], default=[1, 4, 16])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('files', nargs='+', type=pathlib.Path, metavar='FILE')
    args = parser.parse_args()
    good = True
    for file in args.files:
        with tempfile.TemporaryDirectory() as folder:
            good &= measure(args, file.resolve(), folder)
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
