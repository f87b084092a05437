"""Tests of quantctl. Usage: test_cli.py PATH_OF_QUANTCTL [unittest arguments]."""
import hashlib
import json
import os
import shutil
import resource
import signal
import struct
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True   # The sources stay as they are.
import cli_support
from cli_support import MODEL, CliCase, Terminal, interrupt_when, model_folder

VERBS = ('quantize merge eval list show plot recommend run embed import rm types bench doctor serve ps pin stop tokenize detokenize render logits tensors '
         'tensor encode decode').split()


class CommandLine(CliCase):
    def test_each_verb_explains_itself_with_an_example(self):
        summary = self.ok('--help').text
        for verb in VERBS:
            self.assertRegex(summary, r'(?m)^  %s\b.* \S' % verb)
            text = self.ok(verb, '--help').text
            self.assertIn('Example:\n  quantctl %s' % verb, text)

    def test_version_names_the_program(self):
        self.assertRegex(self.ok('--version').text, r'^quantctl \d+\.\d+\.\d+\n$')

    def test_usage_mistakes_end_with_2_and_say_nothing_on_stdout(self):
        for args in [(), ('frobnicate',), ('quantize',), ('types', '--frobnicate'), ('bench', MODEL, '--rounds'),
                     ('bench', MODEL, '--rounds', '12x'), ('bench', MODEL, '--rounds', '0'),
                     ('bench', MODEL, '--rounds', '0x10'), ('bench', MODEL, '--rounds', '99999999999999999999'),
                     ('run', MODEL, 'x', '--temp', 'nan'), ('run', MODEL, 'x', '--top-p', '1.5'),
                     ('run', MODEL, 'x', '--presence-penalty', '2.5'), ('run', MODEL, 'x', '--mirostat', '3'),
                     ('run', MODEL, 'x', '--logit-bias', '5'), ('run', MODEL, 'x', '--logit-bias', '-5=1'),
                     ('run', MODEL, 'x', '--logit-bias', '5=101'), ('run', MODEL, 'x', '--logit-bias', '5=nan'),
                     ('tokenize', MODEL), ('tokenize', MODEL, '--text', 'a', '--file', 'b'),
                     ('detokenize', MODEL, '1,,2'), ('detokenize', MODEL, '1,2,'), ('detokenize', MODEL, '99999999999'),
                     ('run', MODEL, '--json')]:
            with self.subTest(args=args):
                self.assertEqual(self.fails(2, *args).out, b'')

    def test_a_wrong_type_name_lists_the_types(self):
        self.fails(2, 'quantize', MODEL, 'Q9_Z', says=['"Q9_Z"', 'Q4_K_M', 'Q8_0'])
        self.fails(2, 'quantize', MODEL, 'Q4_0', '--tensor-type', 'x=Q9_Z', says=['"Q9_Z"', 'Q4_K'])
        self.fails(2, 'quantize', MODEL, 'Q4_0', '--tensor-type', 'Q4_K', says='REGEX=TYPE')
        self.fails(2, 'quantize', MODEL, 'Q4_0', '--tensor-type', '(=Q4_K')
        self.fails(2, 'encode', 'Q9_Z', '--rows', '1', '--cols', '1', 'a', 'b', says=['"Q9_Z"', 'IQ4_NL'])

    def test_what_is_not_there_ends_with_3_and_is_named(self):
        for args in [('quantize', 'no-such', 'Q4_0'), ('quantize', './no-such.gguf', 'Q4_0'), ('eval', 'no-such'),
                     ('show', 'no-such'), ('list', 'no-such'), ('plot', 'no-such'),
                     ('recommend', 'no-such', '--memory', '1G'), ('rm', 'no-such'), ('run', 'no-such', 'x'),
                     ('bench', 'no-such'), ('import', './no-such.gguf'), ('tensors', './no-such.gguf'),
                     ('tokenize', 'no-such', '--text', 'x'), ('tensor', model_folder(), 'no-such', '--out', 't')]:
            with self.subTest(args=args):
                self.assertEqual(self.fails(3, *args, says='no-such').out, b'')

    def test_json_documents_parse_and_carry_their_version(self):
        self.quantized()
        for args in [('types',), ('list',), ('show', MODEL), ('tensors', model_folder()),
                     ('quantize', MODEL, 'Q8_0', '--dry-run'),
                     ('bench', MODEL, '--rounds', '1', '--decode-tokens', '2'),
                     ('run', MODEL, 'In the', '--max-tokens', '2'),
                     ('eval', MODEL + ':Q4_0', '--chunks', '1', '--ctx', '32'), ('plot', MODEL),
                     ('recommend', MODEL, '--memory', '1G'), ('rm', MODEL + ':Q4_0')]:
            with self.subTest(args=args):
                self.assertEqual(self.ok(*args, '--json').json['schema_version'], 1)


class Doctor(CliCase):
    def test_it_says_what_is_used_and_the_limits(self):
        found = self.ok('doctor', '--json').json
        self.assertEqual(found['tier'], found['tiers'][-1])
        self.assertFalse(found['forced'])
        self.assertEqual(found['amx'] is not None, 'amx_tile' in found['features'])
        self.assertGreater(found['read_bytes_per_second'], 1e8)
        self.assertGreaterEqual(found['read_bytes_per_second'], found['small_page_read_bytes_per_second'])
        self.assertTrue(0 <= found['huge_pages']['share'] <= 1)
        self.assertEqual(len(found['kernels']), len(self.ok('types', '--json').json['encodings']))
        text = self.ok('doctor', '--kernels').text
        self.assertIn(found['tier'], text)
        self.assertIn('GB/s', text)
        self.assertRegex(text, r'(?m)^ *Q4_K .*')

    def test_a_forced_tier_is_told_and_one_that_is_not_there_refused(self):
        found = self.ok('doctor', '--json', env={'QUANT_ISA': 'scalar'}).json
        self.assertEqual((found['tier'], found['forced']), ('scalar', True))
        self.assertEqual(found['byte_products_per_second'], 0)  # The definition's speed limits nobody.
        self.assertTrue(next(k for k in found['kernels'] if k['encoding'] == 'Q4_K')['byte_products'])
        self.fails(1, 'doctor', env={'QUANT_ISA': 'abacus'}, says=['abacus', 'scalar'])

    def test_memory_nodes_and_the_policy_are_told(self):
        found = self.ok('doctor', '--json').json
        self.assertEqual(found['numa'], 'shard' if found['nodes'] > 1 else 'off')
        self.assertEqual(len(found['memory_nodes']), found['nodes'])
        self.assertEqual(sum(n['cores'] for n in found['memory_nodes']), found['cores'])
        found = self.ok('doctor', '--json', env={'QUANT_NUMA': 'mirror'}).json
        self.assertEqual(found['numa'], 'mirror')
        self.assertEqual(sum(n['workers'] for n in found['memory_nodes']), found['workers'])
        self.fails(2, 'doctor', env={'QUANT_NUMA': 'left'}, says=['QUANT_NUMA', 'left', 'auto, shard, mirror, node=N or off'])

    def test_policies_do_not_change_what_is_said(self):
        words = ('run', MODEL, 'In the beginning', '--temp', '0', '--max-tokens', '8')
        two_nodes = {'HWLOC_SYNTHETIC': 'numanode:2 core:2 pu:1'}  # Instead of this machine.
        self.assertEqual(self.ok('doctor', '--json', env=two_nodes).json['numa'], 'shard')
        texts = {self.ok(*words, '--numa', policy, env=two_nodes).text
                 for policy in ('auto', 'off', 'shard', 'mirror', 'node=1')}
        self.assertEqual(len(texts), 1)
        self.fails(2, *words, '--numa', 'node=2', env=two_nodes, says=['2 memory nodes', 'node=0, node=1'])
        for verb in (words, ('bench', MODEL), ('eval', MODEL)):
            self.fails(2, *verb, '--numa', 'left', says=['left', 'auto, shard, mirror, node=N or off'])
            self.fails(2, *verb, '--numa', 'node=4000', says=['node=4000', 'memory node'])

    def test_a_second_load_maps_the_pack_that_the_first_kept(self):
        cache = self.path('cache')
        self.env['QUANT_ISA'] = 'scalar'  # A tier that is forced has panels anywhere.
        env = {'XDG_CACHE_HOME': cache, 'QUANT_LOG': 'info'}
        path = self.quantized('Q8_0')
        time.sleep(3.1)  # A file that changed just now has no pack.
        words = ('run', path, 'In the beginning', '--temp', '0', '--max-tokens', '8')
        plain = self.ok(*words, env=env)
        self.assertFalse(os.path.exists(cache))
        first = self.ok(*words, '--pack-cache', 'on', env=env)
        self.assertIn('pack kept', first.err)
        second = self.ok(*words, '--prefault', env={**env, 'QUANT_PACK_CACHE': '1GB'})
        self.assertIn('panels from the pack', second.err)
        self.assertEqual(first.text, plain.text)
        self.assertEqual(second.text, plain.text)
        (pack,) = os.listdir(os.path.join(cache, 'libquant', 'packs'))
        found = self.ok('doctor', '--json', env={**env, 'QUANT_PACK_CACHE': '1GB'}).json['pack_cache']
        self.assertEqual((found['packs'], found['on'], found['limit_bytes']), (1, True, 10**9))
        with open(os.path.join(found['folder'], pack), 'r+b') as file:
            file.seek(-1000, os.SEEK_END)
            file.write(b'damage')
        third = self.ok(*words, '--pack-cache', 'on', env={'XDG_CACHE_HOME': cache})
        self.assertIn('damaged', third.err)
        self.assertEqual(third.text, plain.text)
        self.assertIn('panels from the pack', self.ok(*words, '--pack-cache', 'on', env=env).err)
        for verb in (words, ('bench', MODEL), ('eval', MODEL)):
            self.fails(2, *verb, '--pack-cache', 'plenty', says=['plenty', 'off, on or a size'])

    def test_bench_gives_the_share_of_the_limit(self):
        found = self.ok('bench', MODEL, '--rounds', '1', '--decode-tokens', '2', '--json').json
        self.assertGreater(found['decode_read_bytes_per_second'], 0)
        self.assertGreater(found['read_limit_bytes_per_second'], 0)
        self.assertIn('this machine streams', self.ok('bench', MODEL, '--rounds', '1', '--decode-tokens', '2').text)

    def test_bench_over_contexts_and_sequences(self):
        found = self.ok('bench', MODEL, '--rounds', '1', '--decode-tokens', '2', '--prompt-tokens', '16,70',
                        '--sequences', '1,3', '--kv-type', 'q8_0,q4_0', '--json').json
        self.assertEqual([(t['prompt_tokens'], t['sequences']) for t in found['timings']],
                         [(16, 1), (16, 3), (70, 1), (70, 3)])
        self.assertEqual((found['key_type'], found['value_type'], found['recorded']), ('Q8_0', 'Q4_0', False))
        self.assertGreater(found['load_seconds'], 0)
        for timing in found['timings']:
            self.assertGreater(timing['decode_per_second'], 0)
        self.fails(2, 'bench', MODEL, '--sequences', '1,,2', says='--sequences')
        self.fails(2, 'bench', MODEL, '--kv-type', 'q9', says='expected F32, F16, BF16, Q8_0 or Q4_0, found "q9"')
        self.fails(2, 'bench', MODEL, '--kv-type', 'f16,', says='found ""')
        self.fails(2, 'bench', MODEL, '--kv-type', 'Q4_K', says='expected F32')

    def test_what_rounding_keys_and_values_costs(self):
        def kld(*args):
            return self.ok('eval', MODEL, '--base', MODEL, '--chunks', '2', '--ctx', '64', '--json', *args).json
        self.assertEqual(kld()['kld_mean'], 0)
        half, quarter = kld('--kv-type', 'F16'), kld('--kv-type', 'Q8_0,Q4_0')
        self.assertGreater(quarter['kld_mean'], half['kld_mean'])
        self.assertLess(quarter['kld_mean'], 0.05)
        self.assertFalse(quarter['recorded'])
        self.assertIn('Nothing was recorded', self.ok('eval', MODEL, '--chunks', '1', '--kv-type', 'F16', '--no-bench').err)


class Streams(CliCase):
    def test_a_full_device_behind_stdout_is_reported(self):
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([cli_support.QUANTCTL, 'types'], stdout=full, stderr=subprocess.PIPE, env=self.env)
        self.assertEqual(done.returncode, 6)
        self.assertIn(b'No space left', done.stderr)

    def test_a_closed_pipe_ends_quietly(self):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([cli_support.QUANTCTL, 'types'], stdout=writer, stderr=subprocess.PIPE, env=self.env)
        os.close(writer)
        self.assertEqual((done.returncode, done.stderr), (1, b''))

    def test_a_closed_stdout_is_an_error(self):
        done = subprocess.run([cli_support.QUANTCTL, 'types'], stderr=subprocess.PIPE, env=self.env,
                              preexec_fn=lambda: os.close(1))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'cannot write the result', done.stderr)

    def test_no_progress_and_no_colour_where_there_is_no_terminal(self):
        done = self.ok('quantize', MODEL, 'Q4_0')
        self.assertEqual(done.err, '')
        self.assertNotIn(b'\x1b', done.out)
        self.assertNotIn(b'\r', done.out)

    def test_colour_on_a_terminal_unless_NO_COLOR(self):
        for env, coloured in [({}, True), ({'NO_COLOR': '1'}, False), ({'TERM': 'dumb'}, False)]:
            terminal = Terminal(self, 'types', env=env)
            self.assertEqual(terminal.finish(), 0)
            self.assertEqual(b'\x1b[' in terminal.seen, coloured, env)
            terminal = Terminal(self, 'frobnicate', env=env)
            self.assertEqual(terminal.finish(), 2)
            self.assertEqual(b'\x1b[' in terminal.seen, coloured, env)

    def test_errors_show_control_characters_escaped(self):
        done = self.fails(3, 'tensors', 'no\x1b[31m-such.gguf')
        self.assertNotIn('\x1b', done.err)


class Quantize(CliCase):
    def test_the_main_job_from_source_to_list(self):
        done = self.ok('quantize', MODEL, 'q4_k_m')
        self.assertIn('kjv-5m:Q4_K_M', done.text)
        self.assertIn('quantctl eval kjv-5m:Q4_K_M', done.text)
        self.assertIn(MODEL + ':Q4_K_M', self.ok('list', '-q').text.split())
        row = [v for v in self.ok('list', '--json').json['variants'] if v['variant'] == 'Q4_K_M'][0]
        self.assertEqual(row['bytes'], os.path.getsize(row['path']))
        self.assertIsNone(row['ppl'])
        line = [text for text in self.ok('list').text.splitlines() if text.startswith('kjv-5m:Q4_K_M')][0]
        self.assertIn(' - ', line)

    def test_dry_run_tells_the_exact_size_and_writes_nothing(self):
        plan = self.ok('quantize', MODEL, 'Q4_K_M', '--dry-run', '--json').json
        self.assertEqual(self.files_below(), [])
        human = self.ok('quantize', MODEL, 'Q4_K_M', '--dry-run').text
        self.assertIn('{:,}'.format(plan['output_bytes']), human)
        self.ok('quantize', MODEL, 'Q4_K_M')
        made = self.ok('show', MODEL + ':Q4_K_M', '--json').json
        self.assertEqual(os.path.getsize(made['path']), plan['output_bytes'])
        before = self.ok('list', '--json').out
        self.ok('quantize', MODEL + ':Q4_K_M', 'Q2_K', '--dry-run')
        self.ok('quantize', MODEL, 'Q2_K', '--dry-run')
        self.assertEqual(self.ok('list', '--json').out, before)

    def test_a_size_is_kept_and_a_plan_is_replayed(self):
        text = self.write('text.txt', b'In the beginning God created the heaven and the earth. ' * 60)
        plan = self.ok('quantize', MODEL, '--target-size', '3.1M', '--plan-only', '--json', '--calibration', text).json
        self.assertLessEqual(plan['file_bytes'], 3100000)
        self.assertGreater(plan['file_bytes'], 3000000)
        self.assertGreater(plan['predicted_kld'], 0)
        with open(os.path.join(self.folder, 'plan.json')) as file:
            self.assertEqual(json.load(file), plan)
        done = self.ok('quantize', MODEL, '--plan', 'plan.json', '--json').json
        self.assertEqual(done['type'], plan['type'])
        self.assertEqual(os.path.getsize(done['output']), plan['file_bytes'])
        encodings = {t['name']: t['encoding'] for t in done['tensors']}
        self.assertEqual([encodings[t['name']] for t in plan['tensors']], [t['encoding'] for t in plan['tensors']])
        self.assertEqual(done['name'], MODEL + ':' + plan['type'])
        # The promise was checked, and both stand in the catalog.
        shown = self.ok('show', done['name'], '--json').json
        self.assertAlmostEqual(shown['provenance']['predicted_kld'], plan['predicted_kld'], places=12)
        self.assertAlmostEqual(shown['measurements'][0]['kld_mean'], done['measured']['kld_mean'], places=12)
        self.assertLess(done['measured']['kld_mean'], 3 * plan['predicted_kld'])
        done = self.ok('quantize', MODEL, '--target-bpw', '4.5', '--calibration', text, '--no-eval', '--json').json
        self.assertIsNone(done['measured'])
        self.assertLessEqual(done['bits_per_weight'], 4.5)
        self.fails(2, 'quantize', MODEL, '--target-size', '1K', '--calibration', text, says='smallest possible')
        self.fails(2, 'quantize', MODEL, 'Q4_0', '--target-size', '3M', says='one of them')
        self.fails(2, 'quantize', MODEL, '--target-size', 'big', says='4.2G')
        plan['type'] = '../../x'
        self.write('bad.json', json.dumps(plan).encode())
        self.fails(1, 'quantize', MODEL, '--plan', 'bad.json', says='key type')

    def test_tensor_type_overrides_by_pattern_and_the_first_wins(self):
        plan = self.ok('quantize', '--tensor-type', r'ffn_down\.=Q6_K', '--tensor-type', r'blk\.0\.=Q8_0',
                       MODEL, 'Q4_0', '--dry-run', '--json').json
        given = {t['name']: t['encoding'] for t in plan['tensors']}
        self.assertEqual(given['blk.0.ffn_down.weight'], 'Q6_K')
        self.assertEqual(given['blk.0.ffn_up.weight'], 'Q8_0')
        self.assertEqual(given['blk.1.ffn_up.weight'], 'Q4_0')

    def test_output_goes_where_it_is_told_and_is_recorded(self):
        target = self.path('out.gguf')
        done = self.ok('quantize', model_folder(), 'Q8_0', '--output', target, '--json').json
        self.assertEqual(os.path.getsize(target), done['output_bytes'])
        self.assertEqual(self.ok('show', done['name'], '--json').json['path'], target)
        self.assertTrue(all(t['rmse'] is not None for t in done['tensors']))
        self.fails(2, 'quantize', target, 'Q4_0', '--output', target, says='own source')
        self.fails(2, 'quantize', target, 'Q4_0', '--output', '/dev/null', says='/dev/null')
        self.fails(2, 'quantize', target, 'Q4_0', '--output', self.folder, says='folder')
        self.fails(3, 'quantize', target, 'Q4_0', '--output', self.path('none', 'x.gguf'))

    def test_a_quantized_source_is_warned_about(self):
        path = self.quantized('Q8_0')
        done = self.ok('quantize', path, 'Q4_0', '--dry-run')
        self.assertIn('itself quantized', done.err)

    def test_broken_files_are_refused_in_one_sentence_and_leave_nothing(self):
        with open(self.quantized('Q4_0'), 'rb') as file:
            good = file.read()
        before = self.ok('list', '--json').out
        broken = {'short.gguf': good[:len(good) // 2], 'header.gguf': good[:100], 'empty.gguf': b'',
                  'text.gguf': b'hello, world', 'count.gguf': good[:8] + b'\xff' * 8 + good[16:]}
        for name, data in broken.items():
            path = self.write(name, data)
            for args in [('quantize', path, 'Q4_0'), ('import', path), ('tensors', path), ('run', path, 'x'),
                         ('eval', path, '--text', os.path.join(model_folder(), 'heldout.txt')),
                         ('quantize', path, 'Q4_0', '--output', self.path('never.gguf'))]:
                with self.subTest(args=args):
                    done = self.fails(1, *args, says=name)
                    self.assertEqual((done.out, done.err.count('\n')), (b'', 1))
        self.assertEqual(self.ok('list', '--json').out, before)
        self.assertEqual([f for f in self.files_below() if 'never' in f or f.endswith('.part')], [])

    def test_a_full_disk_leaves_nothing_and_ends_with_6(self):
        self.ok('import', model_folder())
        before = self.ok('list', '--json').out
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        self.fails(6, 'quantize', MODEL, 'Q8_0', '--output', self.path('big.gguf'), preexec_fn=limit, says='big.gguf')
        self.assertEqual([f for f in self.files_below() if not f.startswith('home')], [])
        self.assertEqual(self.ok('list', '--json').out, before)

    def test_a_read_only_folder_ends_with_7(self):
        os.chmod(self.folder, 0o755)
        os.mkdir(self.path('home'))
        os.mkdir(self.path('locked'), 0o555)
        # Root may write everywhere, so that it must be somebody else.
        who = dict(user=65534, group=65534, extra_groups=[]) if os.geteuid() == 0 else {}
        os.chmod(self.path('home'), 0o777)
        try:
            self.ok('list', **who)
        except PermissionError:
            self.skipTest('the program is where only root may run it')
        self.fails(7, 'quantize', model_folder(), 'Q4_0', '--output', self.path('locked', 'x.gguf'), says='x.gguf',
                   **who)
        os.chmod(self.path('locked'), 0o755)
        self.write('locked/in.f32', b'\0' * 4)
        os.chmod(self.path('locked'), 0o555)
        self.fails(7, 'encode', 'F32', '--rows', '1', '--cols', '1', self.path('locked', 'in.f32'),
                   self.path('locked', 'out.bin'), says='out.bin', **who)
        self.assertEqual(self.files_below('locked'), ['locked/in.f32'])

    def test_ctrl_c_leaves_nothing_and_the_catalog_as_it_was(self):
        self.ok('import', model_folder())
        for number in (signal.SIGINT, signal.SIGTERM):
            before, files = self.ok('list', '--json').out, self.files_below('home', 'models')
            process = subprocess.Popen([cli_support.QUANTCTL, 'quantize', MODEL, 'Q2_K'], env=self.env,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            interrupt_when(process, lambda: self.files_below('home', 'models') != files, number)
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 128 + number, err)
            self.assertIn(b'interrupted', err)
            self.assertEqual(self.files_below('home', 'models'), files)
            self.assertEqual(self.ok('list', '--json').out, before)


class Evaluate(CliCase):
    KEYS = ('ppl ppl_se base_ppl ln_ratio ln_ratio_se kld_mean kld_se kld_median kld_p99 kld_p999 kld_max top1 top1_se '
            'dp_mean dp_mean_se dp_rms dp_rms_se kld_median_se kld_p99_se kld_p999_se tokens chunks ctx text text_sha256 model base seconds schema_version').split()

    def test_a_variant_is_measured_against_its_base_and_recorded(self):
        self.quantized('Q4_0')
        done = self.ok('eval', MODEL + ':Q4_0', '--chunks', '2', '--ctx', '128', '--json').json
        self.assertEqual([k for k in self.KEYS if k not in done], [])
        self.assertEqual((done['chunks'], done['ctx'], done['recorded']), (2, 128, True))
        self.assertGreater(done['kld_mean'], 0)
        self.assertGreater(done['ppl'], 1)
        self.assertTrue(0.3 < done['top1'] <= 1)
        row = self.ok('list', MODEL + ':Q4_0', '--json').json['variants'][0]
        self.assertEqual((row['ppl'], row['kld_mean'], row['top1']), (done['ppl'], done['kld_mean'], done['top1']))

    def test_activations_are_rounded_unless_asked_not_to(self):
        self.quantized('Q8_0')
        words = ('eval', MODEL + ':Q8_0', '--chunks', '2', '--ctx', '64', '--json')
        rounded, exact = self.ok(*words).json, self.ok(*words, '--activations', 'f32').json
        self.assertEqual((rounded['activations'], exact['activations']), ('int8', 'f32'))
        self.assertGreater(rounded['kld_mean'], 1.2 * exact['kld_mean'])
        shown = self.ok('show', MODEL + ':Q8_0', '--json').json['measurements']
        self.assertEqual([m['activations'] for m in shown], ['f32', 'int8'])
        self.fails(2, *words, '--activations', 'int4', says='int4')

    def test_for_a_person_it_also_times_the_model(self):
        self.quantized('Q4_0')
        text = self.ok('eval', MODEL + ':Q4_0', '--chunks', '1', '--ctx', '64').text
        self.assertIn('±', text)
        self.assertIn('mean KLD', text)
        self.assertGreater(self.ok('list', MODEL + ':Q4_0', '--json').json['variants'][0]['decode_per_second'], 0)
        shown = self.ok('show', MODEL + ':Q4_0').text
        for word in ('Recipe', 'blk.0.attn_q.weight', 'Measurements', 'heldout.txt', 'Speeds', 'Provenance'):
            self.assertIn(word, shown)

    def test_a_base_alone_gives_perplexity_alone(self):
        done = self.ok('eval', MODEL, '--chunks', '1', '--ctx', '64', '--json')
        self.assertIsNone(done.json['base'])
        self.assertIsNone(done.json['kld_mean'])
        self.assertIn('no base', done.err)

    def test_paths_without_a_catalog_entry_are_measured_but_not_recorded(self):
        path = self.quantized('Q4_0')
        self.ok('rm', MODEL, '--keep-file')
        text = self.write('text.txt', b'In the beginning God created the heaven and the earth. ' * 40)
        done = self.ok('eval', path, '--base', model_folder(), '--text', text, '--ctx', '64', '--json')
        self.assertFalse(done.json['recorded'])
        self.assertGreater(done.json['kld_mean'], 0)
        self.assertIn('recorded', done.err)

    def test_a_text_that_is_too_short_is_refused_with_both_numbers(self):
        text = self.write('short.txt', b'In the beginning')
        self.fails(2, 'eval', MODEL, '--text', text, '--ctx', '64', says='64')

    def test_text_of_any_kind_is_scored_and_none_at_all_is_refused(self):
        for data in (b'\xff\xfe\x00 caf\xc3 ' * 60, b'In the beginning\r\nGod created\r\n' * 60):
            done = self.ok('eval', MODEL, '--text', self.write('odd.txt', data), '--ctx', '32', '--json').json
            self.assertGreater(done['ppl'], 1)
        empty = self.write('empty.txt', b'')
        self.fails(2, 'eval', MODEL, '--text', empty, says=['empty', 'empty.txt'])
        self.fails(3, 'eval', MODEL, '--text', 'absent.txt', says='absent.txt')

    def test_two_variants_are_compared_token_by_token(self):
        self.quantized('Q8_0'), self.quantized('Q2_K')
        words = ('eval', MODEL + ':Q8_0', '--against', MODEL + ':Q2_K', '--chunks', '3', '--ctx', '128')
        done = self.ok(*words, '--json').json
        self.assertEqual((done['base'], done['against'], done['recorded']), (MODEL + ':BF16', MODEL + ':Q2_K', True))
        paired = done['paired']
        self.assertEqual(paired['verdict'], 'model')
        self.assertAlmostEqual(paired['kld_difference'],
                               done['model_result']['kld_mean'] - done['against_result']['kld_mean'])
        self.assertLess(paired['kld_ratio'], 0.5)
        self.assertGreater(paired['closer'], 0.9)
        for name, result in ((MODEL + ':Q8_0', 'model_result'), (MODEL + ':Q2_K', 'against_result')):
            row = self.ok('list', name, '--json').json['variants'][0]
            self.assertEqual(row['kld_mean'], done[result]['kld_mean'])
        self.assertIn('%s:Q8_0 is better than %s:Q2_K' % (MODEL, MODEL), self.ok(*words).text)
        same = self.ok('eval', MODEL + ':Q8_0', '--against', MODEL + ':Q8_0', '--chunks', '2', '--ctx', '64').text
        self.assertIn('cannot be told', same)
        self.assertEqual(self.ok('eval', MODEL, '--against', MODEL + ':Q2_K', '--chunks', '3', '--ctx', '128',
                                 '--json').json['base'], MODEL + ':BF16')

    def test_logits_are_saved_and_stand_in_for_the_base(self):
        self.quantized('Q4_0')
        saved = self.path('base.kld')
        words = ('--chunks', '2', '--ctx', '64', '--json')
        base = self.ok('eval', MODEL, '--save-logits', saved, *words).json
        direct = self.ok('eval', MODEL + ':Q4_0', *words).json
        data = self.read('base.kld')
        self.assertEqual(data[:8] + data[8:12] + data[16:20], b'_logits_' + struct.pack('<ii', 64, 2))
        done = self.ok('eval', MODEL + ':Q4_0', '--base-logits', saved, '--json').json
        self.assertEqual((done['base'], done['text'], done['recorded'], done['ppl']), (saved, None, False, direct['ppl']))
        self.assertAlmostEqual(done['base_ppl'], base['ppl'], delta=0.01)
        self.assertAlmostEqual(done['kld_mean'], direct['kld_mean'], delta=0.003)
        text = os.path.join(model_folder(), 'heldout.txt')
        self.assertEqual(self.ok('eval', MODEL + ':Q4_0', '--base-logits', saved, '--text', text, '--json')
                         .json['kld_mean'], done['kld_mean'])
        self.fails(2, 'eval', MODEL + ':Q4_0', '--base-logits', saved, '--text', self.write('o.txt', b'Other. ' * 999),
                   says='another text')
        self.fails(2, 'eval', MODEL + ':Q4_0', '--base-logits', saved, '--base', MODEL)
        self.fails(1, 'eval', MODEL + ':Q4_0', '--base-logits', self.write('cut.kld', data[:-1]), says='cut.kld')
        self.fails(1, 'eval', MODEL + ':Q4_0', '--base-logits', text, says='_logits_')
        self.fails(3, 'eval', MODEL + ':Q4_0', '--base-logits', 'absent.kld', says='absent.kld')
        self.fails(3, 'eval', MODEL, *words, '--save-logits', 'absent/x.kld', says='absent/x.kld')
        self.assertEqual([f for f in self.files_below() if f.endswith('.part')], [])

    def test_multiple_choice_tasks_are_answered(self):
        self.quantized('Q8_0')
        lines = [{'question': 'In the beginning God created the', 'choices': ['heaven and the earth.', 'qxzzk vvv'],
                  'answer': 0, 'source': 'Genesis'},
                 {'question': 'And God said, Let there be', 'choices': ['zzqx', 'light: and there was light.'],
                  'answer': 1}]
        tasks = self.write('t.jsonl', '\n'.join(map(json.dumps, lines)).encode() + b'\n\n')
        done = self.ok('eval', MODEL + ':Q8_0', '--tasks', tasks, '--json').json
        self.assertEqual((done['tasks'], done['acc_norm'], done['base_acc_norm'], done['agreement_norm']), (2, 1, 1, 1))
        self.assertEqual(done['base'], MODEL + ':BF16')
        self.assertEqual(self.ok('show', MODEL + ':Q8_0', '--json').json['measurements'], [])
        text = self.ok('eval', MODEL, '--tasks', tasks).text
        self.assertIn('2 answered', text)
        self.assertNotIn('same choice', text)
        bad = self.write('bad.jsonl', json.dumps(lines[0]).encode() + b'\n{"question": "x", "choices": ["a"]}\n')
        self.fails(1, 'eval', MODEL, '--tasks', bad, says=['bad.jsonl', 'line 2', 'choices'])
        self.fails(2, 'eval', MODEL, '--tasks', tasks, '--text', tasks)

    def test_a_stamp_goes_into_the_file_and_the_catalog_follows(self):
        path = self.quantized('Q4_0')
        before = {t['name']: self.tensor_bytes(path, t) for t in self.ok('tensors', path, '--json').json['tensors']}
        words = ('eval', MODEL + ':Q4_0', '--chunks', '2', '--ctx', '64', '--stamp', '--json')
        done = self.ok(*words).json
        self.ok(*words)
        listed = self.ok('tensors', path, '--json', '--metadata').json
        stamp = {k: v for k, v in listed['metadata'].items() if k.startswith('quant.eval.')}
        self.assertAlmostEqual(stamp['quant.eval.kld_mean'], done['kld_mean'], places=14)
        self.assertEqual(stamp['quant.eval.text_sha256'], done['text_sha256'])
        self.assertEqual(listed['metadata']['quant.recipe.method'], 'search')
        self.assertEqual({t['name']: self.tensor_bytes(path, t) for t in listed['tensors']}, before)
        shown = self.ok('show', MODEL + ':Q4_0', '--json').json
        self.assertEqual(shown['digest'], hashlib.sha256(self.read(path)).hexdigest())
        self.assertEqual(shown['bytes'], os.path.getsize(path))
        self.assertEqual(len(shown['measurements']), 2)
        self.assertEqual(self.ok('import', path).code, 0)
        self.assertEqual(len(self.ok('show', MODEL + ':Q4_0', '--json').json['measurements']), 2)
        self.fails(2, 'eval', MODEL, '--stamp', says='folder')
        self.fails(2, *words, '--base-logits', 'x')

    def tensor_bytes(self, path, tensor):
        self.ok('tensor', path, tensor['name'], '--out', 't.f32')
        return self.read('t.f32')

    def test_ctrl_c_records_nothing(self):
        self.quantized('Q4_0')
        before = self.ok('show', MODEL + ':Q4_0', '--json').out
        terminal = Terminal(self, 'eval', MODEL + ':Q4_0', on=(2,))
        terminal.wait_for('%')
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(terminal.finish(), 130)
        self.assertEqual(self.ok('show', MODEL + ':Q4_0', '--json').out, before)


class Catalog(CliCase):
    def test_an_empty_catalog_says_how_to_begin(self):
        done = self.ok('list')
        self.assertEqual(done.out, b'')
        self.assertIn('quantctl quantize', done.err)
        self.assertEqual(self.ok('list', '--json').json['variants'], [])

    def test_rm_says_which_files_went(self):
        path = self.quantized('Q4_0')
        outside = self.path('mine.gguf')
        self.ok('quantize', MODEL, 'Q8_0', '--output', outside)
        before = self.ok('list', '--json').out
        self.fails(3, 'rm', MODEL + ':Q4_0', 'no-such')
        self.assertEqual(self.ok('list', '--json').out, before)
        removed = self.ok('rm', MODEL + ':Q4_0', MODEL + ':Q8_0', '--json').json['removed']
        self.assertEqual({r['name']: r['file'] for r in removed}, {MODEL + ':Q4_0': 'deleted', MODEL + ':Q8_0': 'kept'})
        self.assertFalse(os.path.exists(path))
        self.assertTrue(os.path.exists(outside))

    def test_keep_file_keeps_it(self):
        path = self.quantized('Q4_0')
        self.assertIn('left', self.ok('rm', MODEL + ':Q4_0', '--keep-file').text)
        self.assertTrue(os.path.exists(path))

    def test_a_missing_file_is_marked(self):
        os.unlink(self.quantized('Q4_0'))
        self.assertIn('kjv-5m:Q4_0 (file missing)', self.ok('list').text)
        self.assertTrue(self.ok('list', MODEL + ':Q4_0', '--json').json['variants'][0]['file_missing'])
        self.fails(3, 'run', MODEL + ':Q4_0', 'x', says='kjv-5m:Q4_0')

    def test_import_names_a_model_and_refuses_a_taken_name(self):
        path = self.quantized('Q4_0')
        self.assertEqual(self.ok('import', model_folder(), '--name', 'bible:full', '--json').json['name'], 'bible:full')
        self.fails(1, 'import', path, '--name', 'bible:full', says='bible:full')
        self.fails(2, 'import', path, '--name', 'a b')

    def test_a_home_that_cannot_be_written_still_runs_paths(self):
        self.write('file', b'')
        env = {'QUANT_HOME': self.path('file', 'below')}
        self.ok('tokenize', model_folder(), '--text', 'x', env=env)
        self.ok('run', model_folder(), 'In the', '--max-tokens', '1', env=env)
        done = self.ok('bench', model_folder(), '--rounds', '1', '--decode-tokens', '1', env=env)
        self.assertIn('nothing will be recorded', done.err)

    def test_show_takes_the_path_of_a_file_it_knows(self):
        path = self.quantized('Q4_0')
        self.assertEqual(self.ok('show', path, '--json').json['path'], path)
        unknown = self.path('unknown.gguf')
        shutil.copy(path, unknown)
        self.fails(3, 'show', unknown, says=['unknown.gguf', 'import'])

    def test_show_takes_a_name_even_where_a_folder_has_it_too(self):
        path = self.quantized('Q4_0')
        os.mkdir(self.path(MODEL))
        os.mkdir(self.path(MODEL + ':Q4_0'))
        self.assertEqual(self.ok('show', MODEL + ':Q4_0', '--json').json['path'], path)

    def test_a_damaged_catalog_is_reported(self):
        os.mkdir(self.path('home'))
        self.write('home/catalog.db', b'not a database' * 100)
        self.fails(1, 'list', says='catalog.db')


class Run(CliCase):
    def test_a_prompt_streams_the_same_text_for_the_same_seed(self):
        first = self.ok('run', MODEL, 'In the beginning', '--max-tokens', '12', '--seed', '7')
        again = self.ok('run', MODEL, 'In the beginning', '--max-tokens', '12', '--seed', '7')
        self.assertEqual(first.out, again.out)
        self.assertGreater(len(first.out.split()), 3)
        self.assertEqual(first.err, '')
        from_pipe = self.ok('run', MODEL, '-', '--max-tokens', '12', '--seed', '7', stdin=b'In the beginning\n')
        self.assertEqual(from_pipe.out, first.out)

    def test_words_that_are_verbs_or_look_like_options_are_a_prompt_too(self):
        self.ok('run', MODEL, 'list', '--max-tokens', '1')
        self.ok('run', '--max-tokens', '1', MODEL, '--', '--help')

    def test_sampling_options_reach_the_model(self):
        def text(*options):
            return self.ok('run', MODEL, 'In the beginning', '--max-tokens', '16', '--seed', '7', *options).text
        plain = text()
        for options in [('--typical-p', '0.2'), ('--presence-penalty', '2'), ('--frequency-penalty', '1.5'),
                        ('--mirostat', '1', '--mirostat-tau', '9'), ('--mirostat', '2', '--mirostat-eta', '1'),
                        ('--repeat-penalty', '9', '--repeat-last-n', '1000')]:
            with self.subTest(options=options):
                self.assertNotEqual(text(*options), plain)
        self.assertEqual(text('--presence-penalty', '-0.0', '--typical-p', '1', '--mirostat', '0'), plain)

    def test_a_biased_token_comes_always_or_never(self):
        def text(*options):
            return self.ok('run', MODEL, 'In the beginning', '--raw', '--max-tokens', '3', '--temp', '0', '--json',
                           *options).json['text']
        the, = self.ok('tokenize', model_folder(), '--no-special', '--text', ' the').json
        self.assertEqual(text('--logit-bias', '%d=100' % the), ' the the the')
        self.assertNotIn(' the', text('--logit-bias', '%d=100' % the, '--logit-bias', '%d=-100' % the))
        self.fails(2, 'run', MODEL, 'x', '--logit-bias', '2000000000=1', says=['logit_bias', '2000000000'])

    def test_json_gives_text_and_numbers(self):
        done = self.ok('run', MODEL, 'In the', '--max-tokens', '3', '--temp', '0', '--json').json
        self.assertEqual((done['generated_tokens'], done['stop']), (3, 'length'))
        self.assertTrue(done['text'])

    def test_a_full_context_is_said_and_never_cut(self):
        self.fails(1, 'run', MODEL, 'word ' * 100, '--ctx', '16', says=['16', '--ctx'])
        done = self.ok('run', MODEL, 'In the', '--ctx', '8', '--max-tokens', '50', '--seed', '1')
        self.assertIn('context of 8 tokens is full', done.err)

    def test_a_system_message_needs_a_template(self):
        self.fails(2, 'run', MODEL, 'x', '--system', 'Be brief.', says='template')

    def test_a_closed_reader_stops_the_stream(self):
        # Without chance, so that the text does not happen to end before the reader closes.
        process = subprocess.Popen([cli_support.QUANTCTL, 'run', MODEL, 'In the', '--temp', '0', '--max-tokens', '400'],
                                   env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        process.stdout.read(1)
        process.stdout.close()
        err = process.stderr.read()
        self.assertEqual((process.wait(60), err), (1, b''))
        process.stderr.close()

    def test_text_keeps_to_a_grammar_or_a_schema(self):
        grammar = self.write('g.gbnf', b'root ::= "yes" | "no"')
        self.assertIn(self.ok('run', MODEL, 'In the', '--grammar', grammar).text, ('yes\n', 'no\n'))
        schema = self.write('s.json', b'{"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 2}')
        found = self.ok('run', MODEL, 'In the', '--json-schema', schema, '--json').json
        self.assertEqual([type(v) for v in json.loads(found['text'])], [bool, bool])
        self.assertTrue(self.ok('run', MODEL, 'In the', '--json-object', '--max-tokens', '8').text.startswith('{'))
        turns = self.ok('run', MODEL, '--grammar', grammar, stdin=b'In the\nAnd God\n').text.split()
        self.assertEqual((len(turns), set(turns) <= {'yes', 'no'}), (2, True))

    def test_a_stop_string_ends_the_text(self):
        words = ('run', MODEL, 'In the beginning', '--temp', '0', '--max-tokens', '12', '--json')
        free = self.ok(*words).json['text']
        word = free.split()[2]
        held = self.ok(*words, '--stop', word).json
        self.assertEqual((held['text'], held['stop']), (free[:free.index(word)], 'text'))

    def test_rules_that_are_none_and_options_that_do_not_go_with_rules_are_told(self):
        wrong = self.write('wrong.gbnf', b'root ::= nothing')
        self.fails(2, 'run', MODEL, 'x', '--grammar', wrong, says='nothing')
        self.fails(1, 'run', MODEL, 'x', '--json-schema', self.write('wrong.json', b'{'), says='schema')
        self.fails(2, 'run', MODEL, 'x', '--grammar', self.write('empty', b''), says='empty: expected text')
        self.fails(3, 'run', MODEL, 'x', '--grammar', 'missing', says='missing')
        for other in ['--lookup'], ['--draft', MODEL], ['--activations', 'f32'], ['--grammar', wrong]:
            self.fails(2, 'run', MODEL, 'x', '--json-object', *other, says=other[0])
        self.fails(2, 'run', MODEL, 'x', '--stop', '', says='--stop')

    def test_lines_from_a_pipe_are_turns(self):
        done = self.ok('run', MODEL, '--max-tokens', '4', '--seed', '3', stdin=b'In the\n/nonsense\n/clear\nAnd God')
        self.assertEqual(done.out.count(b'\n') >= 2, True, done.out)
        self.assertIn('/nonsense', done.err)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    cli_support.QUANTCTL = os.path.abspath(sys.argv.pop(1))
    start = time.monotonic()
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    print('quantctl: %d tests, %d failed, %d errors, %d skipped, %.1f s' % (
        result.testsRun, len(result.failures), len(result.errors), len(result.skipped), time.monotonic() - start),
        file=sys.stderr)
    sys.exit(not result.wasSuccessful())


if __name__ == '__main__':
    main()
