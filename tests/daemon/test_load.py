#!/usr/bin/env python3
"""quantd under load, and with peers that mean no good.

    test_load.py QUANTD QUANTCTL MODEL [unittest arguments]

MODEL is a small model's folder. With QUANT_SOAK=SECONDS the tests last so long each, and goals hold as they are;
otherwise a few seconds, and goals for waiting ten times over.
"""
import asyncio
import os
import random
import sys
import time

sys.dont_write_bytecode = True   # The sources stay as they are.
import load_support
from load_support import LEEWAY, PSALM, SOAK, LoadCase, Prober, ask, dialled, encode, leave, mapped_files, rss


def source(number):
    """An address of this machine for the peer of that number."""
    return '127.1.%d.%d' % (number // 200, 1 + number % 200)


def least_squares(values):
    """The slope of a line through values one step apart."""
    middle, mean = (len(values) - 1) / 2, sum(values) / len(values)
    steps = [i - middle for i in range(len(values))]
    return sum(step * (value - mean) for step, value in zip(steps, values)) / sum(step * step for step in steps)


class Crowd(LoadCase):
    """64 clients that stream and 256 more."""

    async def client(self, daemon, number, until, tokens, counts):
        which = number % len(self.prompts)
        data, _ = self.completion(tokens, self.prompts[which], stream=True)
        while time.monotonic() < until:
            answer = await ask(daemon.tcp, data, source=source(number // 4))
            counts[answer.status] = counts.get(answer.status, 0) + 1
            if answer.status == 503:
                self.assertGreaterEqual(int(answer.headers['retry-after']), 1)
                await asyncio.sleep(random.uniform(0.1, 0.5))
                continue
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(answer.text, self.alone[tokens][which])

    async def crowd(self, daemon, seconds):
        counts, until = {}, time.monotonic() + seconds
        await asyncio.gather(*[self.client(daemon, i, until, 48, counts) for i in range(64)],
                             *[self.client(daemon, i, until, 8, counts) for i in range(64, 320)])
        return counts

    def test_each_has_the_text_it_would_have_alone_or_is_told_when_to_come_again(self):
        daemon = self.serve()
        self.prompts = ['%d. %s' % (i, PSALM * (1 + i % 3)) for i in range(8)]
        self.alone = {tokens: [asyncio.run(ask(daemon.path, self.completion(tokens, p, stream=True)[0])).text
                               for p in self.prompts] for tokens in (48, 8)}
        prober = Prober(daemon)
        counts = asyncio.run(self.crowd(daemon, SOAK or 8))
        p99 = prober.p99()
        self.told('replies', counts, 'none but 200, and 503 with Retry-After')
        self.told('p99 of /healthz', '%.1f ms' % (p99 * 1e3), '50 ms')
        self.assertEqual(set(counts) - {200, 503}, set())
        self.assertGreater(counts[200], 64)
        self.assertLess(p99, 0.05 * LEEWAY)
        self.settled(daemon)


class Besiegers(LoadCase):
    """500 who send their request a byte at a time, 1000 who send none, 64 who do not read what they asked for."""

    def who(self, number):
        """The socket and the peer for a besieger: users of 60 each where the test may be them, else addresses."""
        if os.geteuid() == 0 and number < 1020:
            return self.daemon.path, {'uid': 20000 + number // 60}
        return self.daemon.tcp, {'source': source(number // 60)}

    async def loris(self, number, until):
        address, who = self.who(number)
        while time.monotonic() < until:
            made = await dialled(address, **who)
            try:
                for byte in encode('GET', '/healthz')[:-1]:
                    made.send(bytes([byte]))
                    await asyncio.sleep(1)
                    if time.monotonic() > until:
                        break
            except OSError:
                await asyncio.sleep(0.5)    # Cut or refused: again.
            made.close()

    async def idle(self, number, until):
        address, who = self.who(500 + number)
        while time.monotonic() < until:
            made = await dialled(address, **who)
            await asyncio.sleep(min(random.uniform(1, 40), max(0, until - time.monotonic())))
            made.close()

    async def deaf(self, number, until):
        data, _ = self.completion(400, stream=True, n=8)
        while time.monotonic() < until:
            made = await dialled(self.daemon.tcp, source=source(100 + number // 8))
            made.send(data)
            await asyncio.sleep(min(40, max(0, until - time.monotonic())))
            made.close()

    async def watch(self, until):
        while time.monotonic() < until:
            self.most = max(self.most, rss(self.daemon))
            await asyncio.sleep(0.2)

    async def siege(self, seconds):
        until = time.monotonic() + seconds
        await asyncio.gather(*[self.loris(i, until) for i in range(500)], *[self.idle(i, until) for i in range(1000)],
                             *[self.deaf(i, until) for i in range(64)], self.watch(until))

    def test_a_new_client_is_served_and_memory_stays(self):
        self.daemon = self.serve()
        before = self.most = rss(self.daemon)
        prober = Prober(self.daemon)
        asyncio.run(self.siege(SOAK or 12))
        p99 = prober.p99()
        self.told('p99 of a new client to its first byte', '%.1f ms' % (p99 * 1e3), '250 ms')
        self.told('memory', '%+.1f MiB' % (self.most - before), '+64 MiB')
        self.assertLess(p99, 0.25 * LEEWAY)
        self.assertLess(self.most - before, 64)
        self.settled(self.daemon)
        self.wait(lambda: self.daemon.metric('quantd_connections{socket="unix"}') == 1, 'connections to end')


class Storm(LoadCase):
    async def one(self, daemon, number):
        where, who = (daemon.path, {}) if number % 2 else (daemon.tcp, {'source': source(number % 16)})
        made = await dialled(where, **who)
        tokens = random.choice((8, 100, 400))
        data, _ = self.completion(tokens, PSALM * random.randint(1, 6), stream=number % 3 != 0)
        try:
            made.send(data[:random.choice((len(data), len(data), len(data), random.randint(1, len(data))))])
            await asyncio.sleep(random.expovariate(1 / 0.03))
            if number % 5 == 0:
                made.recv(1000)
        except OSError:
            pass
        leave(made, rudely=number % 4 == 0)

    async def storm(self, daemon, count):
        places = asyncio.Semaphore(48)

        async def held(number):
            async with places:
                await self.one(daemon, number)
        await asyncio.gather(*[held(i) for i in range(count)])

    def test_who_leaves_at_any_moment_leaves_nothing_behind(self):
        random.seed(14)
        daemon = self.serve()
        for _ in range(3):    # The most that is ever needed is there.
            asyncio.run(self.storm(daemon, 100))
        self.settled(daemon)
        files = mapped_files(daemon)
        asyncio.run(self.storm(daemon, 10000 if SOAK else 1500))
        left = time.monotonic()
        self.wait(lambda: daemon.metric('quantd_requests_running') + daemon.metric('quantd_requests_waiting') == 0,
                  'slots to be free')
        freed = time.monotonic() - left
        waited = asyncio.run(ask(daemon.path, self.completion(8, stream=True)[0])).waited
        self.told('all slots free after', '%.0f ms' % (freed * 1e3), '200 ms')
        self.told('the next request begins after', '%.0f ms' % (waited * 1e3), '200 ms')
        self.assertLess(freed, 0.2 * LEEWAY)
        self.assertLess(waited, 0.2 * LEEWAY)
        self.assertEqual(mapped_files(daemon), files)
        self.wait(lambda: daemon.metric('quantd_connections{socket="unix"}') == 1, 'connections to end')
        self.assertEqual(daemon.metric('quantd_connections{socket="tcp"}'), 0)


class Endurance(LoadCase):
    """Hours in short: good requests, bad ones, and clients who leave, while models come and go."""

    async def good(self, daemon, number):
        tokens = random.choice((1, 8, 30))
        answer = await ask(daemon.path, self.completion(tokens, PSALM[:random.randint(5, 60)], stream=number % 2 == 0)[0])
        self.assertIn(answer.status, (200, 503))

    async def bad(self, daemon, number):
        wrong = [(400, encode('POST', '/v1/completions', {'model': load_support.NAME, 'prompt': PSALM, 'temperature': 9})),
                 (404, encode('POST', '/api/chat', {'model': 'no-such', 'messages': [{'role': 'user', 'content': 'x'}]})),
                 (404, encode('GET', '/nothing')), (400, b'GET / HTTP/1.1\r\nBad : x\r\n\r\n'),
                 (415, encode('POST', '/api/chat', {}).replace(b'application/json', b'text/html')),
                 (400, encode('POST', '/v1/completions', {'model': load_support.NAME, 'prompt': PSALM * 100}))]
        status, data = wrong[number % len(wrong)]
        answer = await ask(daemon.path, data)
        self.assertIn(answer.status, (status, 503), answer.body)

    async def unload(self, daemon, number):
        answer = await ask(daemon.path, encode('POST', '/api/generate', {'model': load_support.NAME, 'keep_alive': 0}))
        self.assertEqual(answer.status, 200)

    async def mixed(self, daemon, until):
        storm = Storm()
        async def worker(first):
            number = first
            while time.monotonic() < until:
                action = self.good if number % 10 < 5 else self.bad if number % 10 < 8 else storm.one
                await (self.unload if number % 500 == 0 else action)(daemon, number)
                number += 12
                self.requests += 1
        await asyncio.gather(*[worker(1 + i) for i in range(12)])

    def held(self, daemon):
        """What the daemon holds without models and requests."""
        daemon.ask('POST', '/api/generate', '{"model": "%s", "keep_alive": 0}' % load_support.NAME)
        self.wait(lambda: not any('model.safetensors' in name for name in mapped_files(daemon)), 'the model to go')
        self.wait(lambda: daemon.metric('quantd_connections{socket="unix"}') == 1, 'connections to end')
        time.sleep(0.3)    # The connection that asked for this goes, too.
        return daemon.descriptors, mapped_files(daemon)

    def test_it_holds_in_the_end_what_it_held_in_the_beginning(self):
        random.seed(3)
        daemon, self.requests = self.serve(), 0
        asyncio.run(self.mixed(daemon, time.monotonic() + (SOAK / 10 or 4)))
        before = self.held(daemon)
        sizes, seconds = [rss(daemon)], SOAK or 16
        for _ in range(12):
            asyncio.run(self.mixed(daemon, time.monotonic() + seconds / 12))
            after = self.held(daemon)
            sizes.append(rss(daemon))    # Without the model: what is left of requests.
        slope = least_squares(sizes[4:]) / (seconds / 12) * 600
        self.told('requests', self.requests, 'all answered as they should be')
        self.told('descriptors and mapped files', '%d, %d' % (after[0], len(after[1])), '%d, %d' % (before[0], len(before[1])))
        self.told('memory', ' '.join('%.1f' % s for s in sizes) + ' MiB', 'no growth')
        self.assertEqual(after, before)
        if SOAK >= 600:
            self.told('growth in the last two thirds', '%.2f MiB in 10 minutes' % slope, '1 MiB')
            self.assertLess(slope, 1)
        self.assertLess(max(sizes[-3:]) - max(sizes[:6]), 8)


if __name__ == '__main__':
    load_support.main()
