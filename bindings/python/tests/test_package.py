"""What the conformance cases do not ask: handles, buffers, streams, forks, records, errors."""
import array
import copy
import json
import os
import pathlib
import pickle
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import libquant
from libquant import GREEDY, Adapter, Catalog, ClosedError, Method, Model, QuantError, Sampling, Status
from libquant import _native
from scratch import BASE, HOME, PSALM, q8


class Readme(unittest.TestCase):
    def test_its_first_program_runs(self):
        readme = (pathlib.Path(__file__).resolve().parents[1] / 'README.md').read_text(encoding='utf-8')
        program = readme.split('```python\n')[1].split('```')[0]
        self.assertLess(program.count('\n'), 15)
        ran = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, check=False,
                             env={**os.environ, 'QUANT_SHARE': str(BASE.parents[1])})
        self.assertEqual((ran.returncode, ran.stderr), (0, ''))
        self.assertTrue(ran.stdout.strip())


class Handles(unittest.TestCase):
    def test_closed_ones_raise(self):
        model = Model(q8())
        session, tokenizer = model.session(), model.tokenizer
        model.close()
        model.close()
        for use in (lambda: model.info, lambda: model.session(), lambda: tokenizer.tokenize('a'), lambda: len(tokenizer)):
            self.assertRaises(ClosedError, use)
        self.assertEqual(session.generate(PSALM, max_tokens=2).generated_tokens, 2)  # It keeps the model alive.
        session.close()
        self.assertRaises(ClosedError, lambda: session.generate(PSALM))

    def test_a_session_is_for_one_call_at_a_time(self):
        with Model(q8()) as model, model.session() as session:
            self.assertRaises(RuntimeError, lambda: session.generate(PSALM, max_tokens=4, on_text=lambda _: len(session)))
            self.assertGreater(len(session), 0)

    def test_closing_within_its_own_callback_waits_for_the_call(self):
        with Model(q8()) as model:
            session = model.session()
            made = session.generate(PSALM, max_tokens=4, on_text=lambda _: session.close())
            self.assertEqual(made.generated_tokens, 4)
            self.assertRaises(ClosedError, lambda: len(session))

    def test_a_model_that_others_use_can_be_closed(self):
        model, failed = Model(q8()), []

        def work():
            try:
                while True:
                    model.tokenizer.tokenize(PSALM)
            except ClosedError:
                pass
            except BaseException as error:
                failed.append(error)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for each in threads:
            each.start()
        model.close()
        for each in threads:
            each.join()
        self.assertEqual(failed, [])


class Buffers(unittest.TestCase):
    def test_own_memory_is_filled_and_read_only_memory_read(self):
        given = array.array('f', (i / 64 for i in range(64)))
        out = bytearray(68)
        self.assertIs(libquant.encode('Q8_0', given.tobytes(), 2, 32, method=Method.ROUND, out=out), out)
        self.assertEqual(out, libquant.encode('q8_0', given, 2, method=Method.ROUND))
        self.assertRaises(BufferError, lambda: libquant.encode('Q8_0', given, 2, 32, out=bytes(68)))

    def test_wrong_sizes_and_types_are_refused(self):
        given = array.array('f', bytes(256))
        self.assertRaises(ValueError, lambda: libquant.encode('Q8_0', given, 3, 32))
        self.assertRaises(ValueError, lambda: libquant.encode('Q8_0', given, 2, 32, out=bytearray(67)))
        self.assertRaises(ValueError, lambda: libquant.encode('Q8_0', given, 2, 32, importance=array.array('f', [1])))
        self.assertRaises(TypeError, lambda: libquant.encode('Q8_0', array.array('d', bytes(256)), 1, 32))
        self.assertRaises(ValueError, lambda: libquant.decode('Q8_0', bytes(3), 1, 32))

    def test_importance_and_progress_reach_the_library(self):
        given, calls = array.array('f', (i % 37 for i in range(512))), []
        plain = libquant.encode('Q4_0', given, 2, 256)
        weighed = libquant.encode('Q4_0', given, 2, 256, importance=array.array('f', range(256)), progress=calls.append)
        self.assertNotEqual(plain, weighed)
        with self.assertRaises(QuantError) as raised:
            libquant.encode('Q4_0', given, 2, 256, importance=array.array('f', [-1] * 256))
        self.assertEqual(raised.exception.status, Status.ARGUMENT)

    def test_numpy_arrays(self):
        try:
            import numpy
        except ImportError:
            self.skipTest('numpy is not installed')
        given = numpy.linspace(-1, 1, 128, dtype=numpy.float32).reshape(4, 32)
        back = libquant.decode('Q8_0', libquant.encode('Q8_0', given), 4, 32)
        self.assertEqual(back.shape, (4, 32))
        self.assertLess(abs(back - given).max(), 0.01)
        self.assertRaises(BufferError, lambda: libquant.encode('Q8_0', given.T, 32, 4))


def write_adapter(folder):
    """A PEFT adapter for the shipped model's first layer."""
    name = 'base_model.model.model.layers.0.self_attn.v_proj.lora_'
    header = json.dumps({name + 'A.weight': {'dtype': 'F32', 'shape': [1, 256], 'data_offsets': [0, 1024]},
                         name + 'B.weight': {'dtype': 'F32', 'shape': [128, 1], 'data_offsets': [1024, 1536]}}).encode()
    values = [(i * 37 % 100 - 50) / 50 for i in range(256 + 128)]
    (folder / 'adapter_model.safetensors').write_bytes(struct.pack('<Q', len(header)) + header + struct.pack('<384f', *values))
    (folder / 'adapter_config.json').write_text('{"peft_type": "LORA", "r": 1, "lora_alpha": 2}')


class Sessions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = Model(q8())

    @classmethod
    def tearDownClass(cls):
        cls.model.close()

    def test_a_stream_is_the_text_and_can_be_left(self):
        with self.model.session() as session:
            whole = session.generate(PSALM, max_tokens=40, sampling=GREEDY).text
            session.truncate(0)
            self.assertEqual(''.join(session.stream(PSALM, max_tokens=40, sampling=GREEDY)), whole)
            session.truncate(0)
            for piece in session.stream(PSALM, max_tokens=400, sampling=GREEDY):
                break
            self.assertTrue(whole.startswith(piece))
            self.assertLess(len(session), 100)
            self.assertRaises(QuantError, lambda: list(session.stream('a ' * 4000)))

    def test_a_stream_can_be_left_while_it_reads_the_prompt(self):
        prompt, calls = 'And it came to pass ' * 90, []

        def interrupt(at):
            calls.append(at)
            if len(calls) == 1:
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.1)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        with self.model.session() as session:
            whole = []
            session.generate(prompt, max_tokens=1, on_prefill=whole.append)
            self.assertGreater(len(whole), 1)
            session.truncate(0)
            self.assertRaises(KeyboardInterrupt, lambda: next(session.stream(prompt, max_tokens=1, on_prefill=interrupt)))
            self.assertLess(len(calls), len(whole))
            self.assertRaises(TypeError, lambda: session.stream(prompt, on_text=print))

    def test_forks_go_on_alike(self):
        with self.model.session() as session:
            session.generate(PSALM, max_tokens=8, sampling=GREEDY)
            with session.fork() as one, session.fork(4) as short:
                self.assertEqual((len(one), len(short)), (len(session), 4))
                self.assertEqual(one.generate(' and', max_tokens=8, sampling=GREEDY).text,
                                 session.generate(' and', max_tokens=8, sampling=GREEDY).text)

    def test_adapters_are_attached_and_taken_off(self):
        def run(session):
            session.truncate(0)
            return list(session.run([5, 9, 300]))

        with tempfile.TemporaryDirectory() as folder:
            write_adapter(pathlib.Path(folder))
            adapter = Adapter(self.model, folder)
            self.assertRaises(QuantError, Adapter, self.model, folder + '/nowhere')
            self.assertEqual(adapter.info, (folder, False, 1, 1, 256 + 128))
        with self.model.session() as session:
            plain = run(session)
            session.set_adapters(adapter)
            self.assertEqual(len(session), 0)
            adapted = run(session)
            self.assertNotEqual(plain, adapted)
            session.set_adapters((adapter, 1.0))    # The same: nothing is forgotten.
            self.assertEqual(len(session), 3)
            self.assertRaises(QuantError, session.set_adapters, adapter, adapter)
            session.set_adapters((adapter, 0.5))
            self.assertNotIn(run(session), (plain, adapted))
            session.set_adapters(adapter)
            adapter.close()
            self.assertEqual(run(session), adapted)
            self.assertRaises(ClosedError, session.set_adapters, adapter)
            session.set_adapters()
            self.assertEqual(run(session), plain)

    def test_sampling_reaches_the_library(self):
        def made(**settings):
            with self.model.session() as session:
                return session.generate(PSALM, max_tokens=12, sampling=Sampling(**settings))
        self.assertEqual(made(seed=7, temperature=2).text, made(seed=7, temperature=2).text)
        self.assertNotEqual(made(seed=7, temperature=2).text, made(seed=8, temperature=2).text)
        ids = self.model.tokenize(made(temperature=0).text, add_special=False)
        self.assertNotEqual(made(temperature=0, logit_bias={ids[0]: -100}).text, made(temperature=0).text)
        self.assertRaises(QuantError, lambda: made(temperature=-1))

    def test_defaults_are_the_librarys(self):
        import ctypes
        from libquant import _native as n
        from libquant._library import lib, options
        theirs, ours = options(n.quant_sampling, lib.quant_sampling_init), Sampling()._struct()
        self.assertEqual(bytes(ctypes.string_at(ctypes.addressof(theirs), ctypes.sizeof(theirs))),
                         bytes(ctypes.string_at(ctypes.addressof(ours), ctypes.sizeof(ours))))

    def test_logits_of_all_tokens_end_with_the_last_ones(self):
        ids = self.model.tokenize(PSALM)
        with self.model.session() as one, self.model.session() as other:
            rows, last = one.run(ids, all_logits=True), other.run(ids)
        flat = [float(value) for value in getattr(rows, 'flat', rows)]
        self.assertEqual(len(flat), len(ids) * len(last))
        for found, expected in zip(flat[-len(last):], last):
            self.assertAlmostEqual(found, expected, delta=1e-3)

    def test_embeddings_of_tokens_and_texts_agree(self):
        one, other = self.model.embed([PSALM, self.model.tokenize(PSALM)])
        self.assertLess(max(abs(a - b) for a, b in zip(one.values, other.values)), 1e-5)
        self.assertRaises(TypeError, lambda: self.model.embed(PSALM))

    def test_divergence_from_a_base(self):
        text = (BASE / 'heldout.txt').read_text()[:20000]
        with Model(BASE) as base:
            measured = libquant.evaluate(self.model, text, base=base, chunks=2)
        self.assertTrue(0 < measured.kld_mean < 0.01, measured)
        self.assertEqual(len(measured.text_sha256), 64)

    def test_bench(self):
        self.assertGreater(libquant.bench(self.model, prompt_tokens=16, decode_tokens=4, rounds=1).decode_per_second, 0)

    def test_callbacks_under_load(self):
        stopped, failed = [], []

        def work(number):
            for round in range(12):
                pieces = []

                def on_text(piece):
                    pieces.append(piece)
                    if round % 3 == 2 and len(pieces) == 3:
                        raise KeyError(number)
                    return len(pieces) < 3 + number
                try:
                    with self.model.session(context_length=64) as session:
                        stopped.append(session.generate(PSALM, max_tokens=30, sampling=GREEDY, on_text=on_text).stop.name)
                except KeyError as error:
                    stopped.append(error.args == (number,))
                except BaseException as error:
                    failed.append(error)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual(failed, [])
        self.assertEqual((stopped.count('CALLER'), stopped.count(True)), (48, 24))


class Records(unittest.TestCase):
    def test_quantize_record_measure_and_remove(self):
        with Catalog(HOME / 'records.db') as catalog, libquant.Plan(BASE, 'q4_k_m', overrides={'ffn_down': 'Q6_K'}) as plan:
            base = catalog.import_model(BASE, 'small:base')
            self.assertTrue(all(each.rmse == -1 for each in plan.tensors))
            output = HOME / 'small.gguf'
            plan.run(output)
            self.assertEqual(output.stat().st_size, plan.summary.output_bytes)
            self.assertEqual({each.encoding for each in plan.tensors if 'ffn_down' in each.name}, {libquant.find_encoding('Q6_K').id})
            self.assertTrue(any(each.rmse > 0 for each in plan.tensors))
            name = catalog.add_variant(base, plan, output)
            with Model(output) as model:
                measured = libquant.evaluate(model, (BASE / 'heldout.txt').read_text(), chunks=1)
            catalog.record(name, measured, text_name='heldout.txt')
            found, = catalog.variants(name)
            self.assertEqual((found.ppl, found.base), (measured.ppl, base))
            self.assertEqual(catalog.base(name), base)
            self.assertEqual(catalog.show(name)['name'], name)
            self.assertEqual(catalog.remove('small', keep_file=True), 2)
            self.assertTrue(output.exists())

    def test_types(self):
        self.assertIn('Q4_K_M', [each.name for each in libquant.types()])


class Errors(unittest.TestCase):
    def test_an_error_can_be_sent_elsewhere(self):
        error = QuantError(2, 'no such file')
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            self.assertEqual((again.status, str(again)), (Status.NOT_FOUND, 'no such file (NOT_FOUND)'))
        self.assertEqual(QuantError(99, 'new').status, 99)

    def test_every_status_has_its_name(self):
        listed = {name[len('QUANT_ERR_'):]: value for name, value in vars(_native).items() if name.startswith('QUANT_ERR_')}
        self.assertEqual({'OK': 0, **listed}, {each.name: each.value for each in Status})

    def test_numbers_that_do_not_fit_are_refused(self):
        with Model(q8()) as model, model.session() as session:
            for use in (lambda: model.session(context_length=(1 << 32) + 64), lambda: model.session(context_length=-1),
                        lambda: session.generate('a', max_tokens=1, sampling=Sampling(top_k=(1 << 32) + 1)),
                        lambda: session.generate('a', max_tokens=1, sampling=Sampling(seed=-1)),
                        lambda: session.truncate(1 << 32), lambda: session.run([1 << 32]),
                        lambda: model.embed(['a'], dimensions=(1 << 32) + 2)):
                self.assertRaises(ValueError, use)
            self.assertEqual(len(session), 0)

    def test_names_with_nul_are_refused(self):
        for use in (lambda: Model('a\0b'), lambda: libquant.find_encoding('Q4_0\0x'), lambda: Catalog('x\0')):
            self.assertRaises(ValueError, use)

    def test_interrupts_reach_a_call_without_callbacks(self):
        program = ('import libquant, signal, sys\nfrom libquant import *\n'
                   'signal.setitimer(signal.ITIMER_REAL, 0.3)\n'
                   'signal.signal(signal.SIGALRM, signal.default_int_handler)\n'
                   'with Model(sys.argv[1]) as model, model.session() as session:\n'
                   '    try:\n        while True: session.truncate(0); session.generate("a", max_tokens=500)\n'
                   '    except KeyboardInterrupt: print("stopped")\n')
        done = subprocess.run([sys.executable, '-c', program, str(q8())], capture_output=True, text=True, timeout=20)
        self.assertEqual((done.stdout, done.returncode), ('stopped\n', 0), done.stderr)

    def test_the_process_can_end_while_threads_generate(self):
        for work in ('stream = model.session().stream("a")\nprint(next(stream) and "made")',
                     'made = threading.Event()\n'
                     'threading.Thread(daemon=True, target=lambda: model.session().generate("a", on_text=lambda _: made.set())).start()\n'
                     'made.wait()\nprint("made")'):
            program = 'import libquant, sys, threading\nmodel = libquant.Model(sys.argv[1])\n%s\nsys.exit(3)' % work
            for _ in range(3):
                done = subprocess.run([sys.executable, '-c', program, str(q8())], capture_output=True, text=True, timeout=20)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (3, 'made\n', ''))

    def test_a_library_that_is_none_is_named(self):
        done = subprocess.run([sys.executable, '-c', 'import libquant'], capture_output=True, text=True,
                              env={**os.environ, 'LIBQUANT_LIBRARY': '/nowhere/libquant.so.0'})
        self.assertIn('ImportError: libquant cannot be loaded', done.stderr)
        self.assertIn('/nowhere/libquant.so.0', done.stderr)

    def test_the_logger_can_change(self):
        lines = []
        libquant.set_logger(lambda level, text: lines.append((level, text)))
        with Model(q8()) as model, model.session() as session:
            session.generate(PSALM, max_tokens=1)
        libquant.set_logger(None)
        self.assertTrue(all(isinstance(level, libquant.LogLevel) for level, _ in lines))


if __name__ == '__main__':
    unittest.main()
