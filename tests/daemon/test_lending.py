#!/usr/bin/env python3
"""Models that are lent to other processes: what they get, who holds what, and what becomes of it when somebody dies.

    test_lending.py QUANTD QUANTCTL LEASE_CLIENT MODEL [unittest arguments]

LEASE_CLIENT is lease_client.c, MODEL a small model's folder, which is put into a catalog of the test's own.
"""
import array
import glob
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

import daemon_support
from daemon_support import DaemonCase

QUANTCTL = CLIENT = MODEL = None
ENCODER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data', 'model', 'bert-tiny')
NAME, FOLDER = 'small:Q8_0', 'folder:BF16'
UPGRADE = ['Connection: Upgrade', 'Upgrade: quant-lease/1']
NOT_FOUND, VERIFY, UNAVAILABLE = 2, 18, 20    # Of quant_status.


class LendingCase(DaemonCase):
    def setUp(self):
        super().setUp()
        self.env['QUANT_HOME'] = os.path.join(self.folder, 'catalog')
        self.file = os.path.join(self.folder, 'small.gguf')
        # Of a kind that has packed weights where the CPU has a use for them.
        self.quantctl('quantize', MODEL, 'Q8_0', '--method', 'round', '--output', self.file)
        self.quantctl('import', self.file, '--name', NAME)
        self.socket = os.path.join(self.folder, 'quantd.sock')

    def quantctl(self, *args):
        subprocess.run([QUANTCTL, *args], env=self.env, check=True, capture_output=True)

    def serve(self, **settings):
        env = {'QUANTD_' + name.upper(): str(value) for name, value in settings.items()}
        env.setdefault('QUANTD_TEST_TIME_SCALE', '1')
        return self.start(program=daemon_support.QUANTD, env=env)

    def client(self, *args, name=NAME, **env):
        process = subprocess.Popen([CLIENT, self.socket, name, *map(str, args)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(self.env, **env), text=True)
        self.addCleanup(self.finish, process)
        return process

    def finish(self, process):
        if process.poll() is None:
            process.kill()
            process.send_signal(signal.SIGCONT)
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()

    def told(self, process, key):
        """What it tells under that key, when it does."""
        for line in process.stdout:
            fields = json.loads(line)
            if key in fields:
                return fields[key]
        self.fail('it ended: ' + process.stderr.read())

    def ends(self, process):
        """Its exit code, and what it said on the way."""
        _, errors = process.communicate(timeout=daemon_support.PATIENCE)
        return process.returncode, errors

    @staticmethod
    def threads(daemon):
        names = []
        for path in glob.glob('/proc/%d/task/*/comm' % daemon.process.pid):
            with open(path, encoding='ascii') as comm:
                names.append(comm.read().strip())
        return names

    def residents(self, daemon):
        return {r['name']: r for r in daemon.get('/quant/v1/residents').json['residents']}

    def leases(self, daemon):
        return sum(len(r['leases']) for r in self.residents(daemon).values())

    def lease(self, daemon, name=NAME):
        """A lease by hand: the record, the descriptors, and the connection. `name` may have more of the query."""
        wire = daemon.wire()
        wire.send('GET /quant/v1/lease?model=%s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n' % (name, '\r\n'.join(UPGRADE)))
        data, fds = b'', array.array('i')
        while True:
            more, control, _, _ = wire.socket.recvmsg(65536, socket.CMSG_SPACE(4 * 253))
            data += more
            for _, _, payload in control:
                fds.frombytes(payload)
            head = data.find(b'\r\n\r\n') + 4
            self.assertTrue(data.startswith(b'HTTP/1.1 101 '), data)
            if len(data) < head + 20:
                continue
            version, size, count = struct.unpack('<III', data[head + 8:head + 20])
            self.assertEqual((data[head:head + 8], version), (b'QLEASE\r\n', 1))
            if len(data) == head + 20 + size:
                break
        self.assertEqual(len(fds), count)
        for fd in fds:
            self.addCleanup(os.close, fd)
        return json.loads(data[head + 20:]), list(fds), wire


class Lending(LendingCase):
    def run_quantctl(self, *args):
        return subprocess.run([QUANTCTL, 'run', NAME, 'In the beginning', '--temp', '0', '--max-tokens', '16', *args],
                              env=dict(self.env, QUANT_SOCKET=self.socket), check=True, capture_output=True, text=True)

    def test_the_end_of_a_lease_is_a_use(self):
        daemon = self.serve(keep_alive='2s')
        _, _, wire = self.lease(daemon)
        time.sleep(2.5)
        wire.socket.close()
        self.wait(lambda: self.leases(daemon) == 0, 'the lease to end')
        time.sleep(1.2)    # Longer than it takes to look for what has had its time.
        self.assertIn(NAME, self.residents(daemon))
        self.wait(lambda: NAME not in self.residents(daemon), 'the model to go')

    def test_quantctl_borrows_where_it_can(self):
        alone = self.run_quantctl()    # No daemon: it says nothing of that.
        daemon = self.serve()
        ended = lambda: int(re.search(r'^quantd_leases_ended_total (\d+)$', daemon.get('/metrics').body.decode(), re.M)[1])
        self.assertEqual(self.run_quantctl().stdout, alone.stdout)
        self.wait(lambda: ended() == 1, 'the lease to end')
        for options in (['--local'], ['--prefault'], ['--numa', 'off']):
            self.assertEqual(self.run_quantctl(*options).stdout, alone.stdout)
        self.assertEqual(ended(), 1)
        # Another model by the same name is not the one that was meant.
        other = dict(self.env, QUANT_HOME=os.path.join(self.folder, 'other'), QUANT_SOCKET=self.socket)
        subprocess.run([QUANTCTL, 'import', MODEL, '--name', NAME], env=other, check=True, capture_output=True)
        subprocess.run([QUANTCTL, 'run', NAME, 'In', '--max-tokens', '2'], env=other, check=True, capture_output=True)
        self.assertEqual(ended(), 1)

    def test_a_borrowed_model_generates_what_its_file_does(self):
        self.quantctl('import', MODEL, '--name', 'folder')
        for cache in ('on', 'off'):
            daemon = self.serve(pack_cache=cache)
            for name, path, mapped in ((NAME, self.file, 'small.gguf'), (FOLDER, MODEL, 'model.safetensors')):
                with self.subTest(name=name, pack_cache=cache):
                    own = self.told(self.client('file', path, 'tokens', 40), 'tokens')
                    borrower = self.client('tokens', 40, 'hold', name=name)
                    self.assertEqual(self.told(borrower, 'tokens'), own)
                    with open('/proc/%d/maps' % borrower.pid, encoding='utf-8') as maps:
                        self.assertTrue(any(mapped in line for line in maps))
            daemon.end()

    def test_residents_tell_who_holds_what(self):
        daemon = self.serve()
        self.assertEqual(daemon.get('/quant/v1/residents').json, {'residents': [], 'memory_budget': 0})
        borrower = self.client('hold')
        self.told(borrower, 'opened')
        shown = self.residents(daemon)[NAME]
        self.assertEqual((shown['state'], shown['pinned'], shown['expires_at']), ('resident', False, None))
        self.assertEqual(len(shown['digest']), 64)
        self.assertEqual([(l['pid'], l['uid']) for l in shown['leases']], [(borrower.pid, os.getuid())])
        self.assertEqual(daemon.metric('quantd_leases'), 1)
        self.assertGreaterEqual(daemon.metric('quantd_lent_bytes'), shown['bytes'])
        borrower.stdin.close()
        borrower.wait()
        self.wait(lambda: self.leases(daemon) == 0, 'the lease to end')
        self.assertEqual(daemon.metric('quantd_leases'), 0)

    def test_what_is_lent_cannot_be_written(self):
        for cache in ('off', 'on'):
            daemon = self.serve(pack_cache=cache)
            record, fds, _ = self.lease(daemon)
            self.assertEqual(record['model'], NAME)
            for part, fd in zip([*record['files'], *filter(None, [record.get('pack')])], fds):
                with self.subTest(cache=cache, part=part.get('name', 'pack')):
                    self.assertEqual(os.fstat(fd).st_size, part['bytes'])
                    with self.assertRaises(OSError):
                        os.write(fd, b'x')
                    with self.assertRaises(OSError):
                        os.ftruncate(fd, 1)
                    if part['sealed']:
                        with self.assertRaises(OSError):
                            os.ftruncate(os.open('/proc/self/fd/%d' % fd, os.O_RDWR), 1)
            daemon.end()

    def test_refusals_say_why(self):
        daemon = self.serve(tcp='127.0.0.1:0', tcp_no_token='yes')
        path = '/quant/v1/lease?model=' + NAME
        self.assertEqual(daemon.get(path).status, 426)
        self.assertEqual(daemon.get('/quant/v1/lease', UPGRADE).status, 400)
        self.assertEqual(daemon.get('/quant/v1/lease?model=none', UPGRADE).status, 404)
        self.assertEqual(daemon.get(path + '&digest=00', UPGRADE).status, 409)
        self.assertEqual(daemon.get(path + '&parts=pack', UPGRADE).status, 400)
        daemon.tcp = ('127.0.0.1', int(re.search(r'127\.0\.0\.1:(\d+)', daemon.log).group(1)))
        self.assertEqual(daemon.get(path, UPGRADE, tcp=True).status, 403)
        code, errors = self.ends(self.client(name='none'))
        self.assertEqual(code, NOT_FOUND)
        self.assertIn("model 'none' not found", errors)
        daemon.end()
        code, errors = self.ends(self.client())
        self.assertEqual(code, UNAVAILABLE)
        self.assertIn(self.socket, errors)

    def cls_folder(self, pooling='1_Pooling'):
        """A copy of the encoder that pools otherwise, as a folder of the folder says."""
        folder = os.path.join(self.folder, 'cls')
        shutil.copytree(ENCODER, folder)
        config = os.path.join(folder, '1_Pooling', 'config.json')
        with open(config, encoding='utf-8') as file:
            modes = json.load(file)
        with open(config, 'w', encoding='utf-8') as file:
            json.dump(dict(modes, pooling_mode_mean_tokens=False, pooling_mode_cls_token=True), file)
        if pooling != '1_Pooling':
            os.makedirs(os.path.dirname(os.path.join(folder, pooling)))
            os.rename(os.path.join(folder, '1_Pooling'), os.path.join(folder, pooling))
            path = os.path.join(folder, 'modules.json')
            with open(path, encoding='utf-8') as file:
                text = file.read().replace('"1_Pooling"', json.dumps(pooling))
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text)
        self.quantctl('import', folder, '--name', 'cls')
        return folder

    def test_a_folder_with_a_folder_for_its_pooling_is_lent(self):
        folder = self.cls_folder()
        told = lambda *args, **more: self.told(self.client(*args, 'embed', 'the sea', **more), 'embedding')
        own = told('file', folder)
        self.assertNotEqual(own, told('file', ENCODER))
        daemon = self.serve()
        self.assertEqual(told(name='cls'), own)
        record, _, _ = self.lease(daemon, 'cls')
        self.assertIn('1_Pooling/config.json', [f['name'] for f in record['files']])

    def test_what_borrowers_would_refuse_is_not_lent_and_leaves_no_lease(self):
        self.cls_folder('deep/er/1_Pooling')
        daemon = self.serve()
        answer = daemon.get('/quant/v1/lease?model=cls', UPGRADE)
        self.assertEqual(answer.status, 500)
        self.assertIn('deep/er/1_Pooling/config.json', answer.json['error']['message'])
        self.assertEqual(daemon.metric('quantd_leases'), 0)

    def test_a_memory_budget_counts_files_and_packed_weights(self):
        daemon = self.serve()
        self.lease(daemon, NAME + '&parts=files')
        self.assertEqual(self.residents(daemon)[NAME]['packed_bytes'], 0)
        self.lease(daemon)
        shown = self.residents(daemon)[NAME]
        files, packed = shown['bytes'], shown['packed_bytes']
        self.assertEqual((files, files + packed), (os.path.getsize(self.file), daemon.metric('quantd_lent_bytes')))
        self.assertEqual(daemon.metric('quantd_packed_bytes'), packed)
        listed = subprocess.run([QUANTCTL, 'ps', '--socket', self.socket], env=self.env, check=True, capture_output=True)
        self.assertIn(b'%.1f MB' % ((files + packed) / 1e6), listed.stdout)
        daemon.end()
        daemon = self.serve(memory_budget=files + packed)
        self.lease(daemon)
        daemon.end()
        if packed == 0:
            self.skipTest('this CPU has no use for packed weights')
        daemon = self.serve(memory_budget=files + packed - 1)
        refused = daemon.get('/quant/v1/lease?model=' + NAME, UPGRADE)
        self.assertEqual((refused.status, refused.json['error']['code']), (503, 'over_memory_budget'))
        self.assertEqual(self.residents(daemon), {})

    def test_files_are_lent_before_there_is_anything_else(self):
        daemon = self.serve(pack_cache='off')
        record, fds, _ = self.lease(daemon, NAME + '&parts=files')
        self.assertEqual(([f['name'] for f in record['files']], len(fds)), (['small.gguf'], 1))
        self.assertNotIn('pack', record)
        self.assertEqual(daemon.metric('quantd_lent_bytes'), os.path.getsize(self.file))
        whole, _, _ = self.lease(daemon)    # The CPU may have no use for packed weights.
        self.assertEqual(daemon.metric('quantd_lent_bytes'), os.path.getsize(self.file) + whole.get('pack', {}).get('bytes', 0))
        self.assertNotIn('quant-scheduler', self.threads(daemon))
        answer = daemon.ask('POST', '/v1/completions', json.dumps({'model': NAME, 'prompt': 'In', 'max_tokens': 2}))
        self.assertEqual(answer.status, 200)
        self.assertIn('quant-scheduler', self.threads(daemon))

    def test_a_tokenizer_that_is_broken_hinders_those_alone_who_need_it(self):
        with open(self.file, 'r+b') as file:
            head = file.read(1 << 20)
            at = head.index(struct.pack('<Q', 1) + b'a') + 8
            file.seek(at)
            file.write(b'b')    # Which is there already.
        daemon = self.serve()
        self.lease(daemon)
        for _ in range(2):
            answer = daemon.ask('POST', '/v1/completions', json.dumps({'model': NAME, 'prompt': 'In', 'max_tokens': 2}))
            self.assertEqual(answer.status, 500)
            self.assertIn('twice', answer.json['error']['message'])
        self.assertEqual(self.leases(daemon), 1)

    def test_files_that_others_may_write_are_not_used(self):
        folder = os.path.join(self.folder, 'open')
        os.mkdir(folder)
        for name in os.listdir(MODEL):
            with open(os.path.join(MODEL, name), 'rb') as source, open(os.path.join(folder, name), 'wb') as target:
                target.write(source.read())
        os.chmod(os.path.join(folder, 'model.safetensors'), 0o666)
        self.quantctl('import', folder, '--name', 'open')
        self.serve()
        code, errors = self.ends(self.client(name='open'))
        self.assertEqual(code, VERIFY)
        self.assertIn('model.safetensors', errors)

    def test_a_leased_model_stays_and_a_pinned_one_too(self):
        daemon = self.serve(keep_alive='0', max_loaded=1)
        borrower = self.client('hold')
        self.told(borrower, 'opened')
        time.sleep(1.5)    # The pool looks every second.
        self.assertIn(NAME, self.residents(daemon))
        self.finish(borrower)
        self.wait(lambda: not self.residents(daemon), 'the model to go')
        pinned = daemon.ask('POST', '/quant/v1/pin', json.dumps({'model': NAME}))
        self.assertEqual((pinned.status, pinned.json), (200, {'model': NAME, 'pinned': True}))
        time.sleep(1.5)
        self.assertTrue(self.residents(daemon)[NAME]['pinned'])
        kept = daemon.ask('POST', '/quant/v1/unload', json.dumps({'model': NAME}))
        self.assertEqual((kept.status, kept.json['error']['code']), (409, 'model_pinned'))
        daemon.ask('POST', '/quant/v1/pin', json.dumps({'model': NAME, 'pinned': False}))
        self.wait(lambda: not self.residents(daemon), 'the model to go')

    def test_settings_pin_models_at_the_start(self):
        daemon = self.serve(pin=NAME)
        self.wait(lambda: self.residents(daemon).get(NAME, {}).get('pinned'), 'the model')

    def test_clients_that_are_killed_or_stopped_harm_nobody(self):
        daemon = self.serve(keep_alive='-1')
        first = self.client('hold')
        self.told(first, 'opened')
        before = daemon.descriptors
        stopped = [self.client('hold') for _ in range(4)]
        killed = [self.client('hold') for _ in range(16)]
        for c in stopped + killed:
            self.told(c, 'opened')
        self.assertEqual(self.leases(daemon), 21)
        for c in stopped:
            c.send_signal(signal.SIGSTOP)
        start = time.monotonic()
        for c in killed:
            c.kill()
        self.wait(lambda: daemon.metric('quantd_leases') == 5, 'leases of the dead to end')
        print('16 leases of killed clients ended in %.0f ms' % (1000 * (time.monotonic() - start)), file=sys.stderr)
        self.assertEqual(len(self.told(self.client('tokens', 4), 'tokens')), 4)
        for c in stopped:
            c.kill()
        self.wait(lambda: daemon.metric('quantd_leases') == 1, 'leases of the stopped to end')
        self.wait(lambda: daemon.descriptors <= before, 'descriptors to be as before')

    def test_a_peer_that_speaks_over_its_lease_or_sends_descriptors_is_cut(self):
        daemon = self.serve(keep_alive='-1')
        self.lease(daemon)[2].socket.close()
        self.wait(lambda: self.leases(daemon) == 0, 'the first lease to end')
        before = daemon.descriptors
        _, _, wire = self.lease(daemon)
        wire.socket.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0, 1, 2]))])
        self.assertTrue(wire.ended())
        self.wait(lambda: daemon.descriptors <= before, 'descriptors to be as before')

    def test_leases_are_renewed_before_packed_weights_are_made_again(self):
        daemon = self.serve(pack_cache='off')
        borrower = self.client('tokens', 4, 'hold')
        own = self.told(borrower, 'tokens')
        daemon.process.kill()
        daemon.wait()
        again = self.serve(pack_cache='off')
        self.wait(lambda: again.metric('quantd_leases') == 1, 'the lease to be renewed')
        self.assertEqual(again.metric('quantd_lent_bytes'), os.path.getsize(self.file))
        self.assertEqual(self.told(self.client('tokens', 4), 'tokens'), own)    # Who is new gets all.
        _, errors = borrower.communicate(timeout=daemon_support.PATIENCE)
        self.assertIn('leased again', errors)
        self.assertNotIn('another copy', errors)

    def test_the_daemons_death_changes_no_token_and_leases_are_renewed(self):
        time.sleep(3.1)    # Packs are kept of files only that have not changed for 2 s.
        own = self.told(self.client('file', self.file, 'tokens', 400), 'tokens')
        daemon = self.serve()
        clients = [self.client('tokens', 400, 'hold') for _ in range(4)]
        for c in clients:
            self.told(c, 'decoding')
        record, fds, _ = self.lease(daemon)
        inodes = [(os.fstat(fd).st_dev, os.fstat(fd).st_ino) for fd in fds]
        daemon.process.kill()
        daemon.wait()
        again = self.serve()
        start = time.monotonic()
        self.wait(lambda: again.metric('quantd_leases') == len(clients), 'all to lease again')
        print('4 leases were renewed in %.0f ms' % (1000 * (time.monotonic() - start)), file=sys.stderr)
        renewed, fds, _ = self.lease(again)
        self.assertEqual(renewed['digest'], record['digest'])
        self.assertEqual([(os.fstat(fd).st_dev, os.fstat(fd).st_ino) for fd in fds], inodes)
        for c in clients:
            self.assertEqual(self.told(c, 'tokens'), own)
            _, errors = c.communicate(timeout=daemon_support.PATIENCE)
            self.assertIn('leased again', errors)
            self.assertNotIn('another copy', errors)
            self.assertEqual(c.returncode, 0)


if __name__ == '__main__':
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    QUANTCTL, CLIENT, MODEL = (os.path.abspath(path) for path in sys.argv[2:5])
    sys.argv[2:5] = [sys.argv[1]]
    daemon_support.main()
