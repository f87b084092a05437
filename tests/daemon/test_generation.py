#!/usr/bin/env python3
"""What the generation APIs take besides the plain: calls that are required or strict, log-probabilities of
completions, thinking, contexts.

    test_generation.py QUANTD QUANTCTL MODEL [unittest arguments]
"""
import json
import os
import shutil
import subprocess
import sys
import unittest

import daemon_support
import test_models
from test_models import NAME, PSALM, TEMPLATE, TOOL, ModelCase, events

TALKER = 'talker:BF16'
STRICT = {'type': 'function', 'function': {'name': 'find', 'strict': True, 'parameters': {
    'type': 'object', 'properties': {'book': {'enum': ['Psalms', 'Proverbs']}, 'verse': {'$ref': '#/$defs/Verse'}},
    'required': ['book', 'verse'], 'additionalProperties': False,
    '$defs': {'Verse': {'type': 'integer', 'minimum': 1, 'maximum': 176, 'title': 'Verse'}}}}}
NOW = {'type': 'function', 'function': {'name': 'now'}}
# A template that can be told to think, and how much.
THINKER = TEMPLATE.replace('{%- if add_generation_prompt %}', '{%- if reasoning_effort %}({{ reasoning_effort }}) {% endif -%}'
                           '{%- if add_generation_prompt %}').replace(
    '[assistant] {% endif -%}', '[assistant] {% if enable_thinking is defined and not enable_thinking %}<think></think>'
    '{% else %}<think>{% endif %}{% endif -%}')
NO_EFFORT = THINKER.replace('({{ reasoning_effort }}) ', '')


class Case(ModelCase):
    def setUp(self):
        super().setUp()
        self.add('talker', TEMPLATE)

    def add(self, name, template):
        folder = os.path.join(self.folder, name)
        shutil.copytree(test_models.MODEL, folder)
        with open(os.path.join(folder, 'chat_template.jinja'), 'w', encoding='utf-8') as file:
            file.write(template)
        subprocess.run([test_models.QUANTCTL, 'import', folder, '--name', name], env=self.env, check=True,
                       capture_output=True)

    def talk(self, daemon, **more):
        return self.chat(daemon, **dict({'model': TALKER, 'max_tokens': 300}, **more))


class Calls(Case):
    def check_call(self, choice, names=('find',)):
        self.assertEqual(choice['finish_reason'], 'tool_calls', choice)
        self.assertIsNone(choice['message']['content'])
        for call in choice['message']['tool_calls']:
            self.assertIn(call['function']['name'], names)
            arguments = json.loads(call['function']['arguments'])
            if call['function']['name'] == 'now':
                self.assertEqual(arguments, {})
            else:
                self.assertIn(arguments['book'], ('Psalms', 'Proverbs'))
                self.assertTrue(1 <= arguments['verse'] <= 176)

    def test_a_required_call_comes_and_keeps_to_its_schema(self):
        daemon = self.serve()
        loose = json.loads(json.dumps(STRICT))
        del loose['function']['strict']
        for tool in (STRICT, loose):
            for seed in range(4):
                answer = self.talk(daemon, tools=[tool, NOW], tool_choice='required', temperature=1.5, seed=seed,
                                   parallel_tool_calls=False)
                self.assertEqual(answer.status, 200, answer.body)
                self.check_call(answer.json['choices'][0], ('find', 'now'))
                self.assertEqual(len(answer.json['choices'][0]['message']['tool_calls']), 1)
        choice = self.talk(daemon, tools=[STRICT, NOW], tool_choice={'type': 'function', 'function': {'name': 'now'}})
        self.check_call(choice.json['choices'][0], ('now',))
        pieces = events(self.talk(daemon, tools=[STRICT], tool_choice='required', stream=True, parallel_tool_calls=False))
        told = [c for p in pieces for c in p['choices'][0]['delta'].get('tool_calls', [])]
        self.assertTrue(told, pieces)
        self.assertEqual(told[0]['function']['name'], 'find')
        self.assertIn(json.loads(''.join(c['function']['arguments'] for c in told))['book'], ('Psalms', 'Proverbs'))
        self.assertEqual(pieces[-1]['choices'][0]['finish_reason'], 'tool_calls')

    def test_strict_functions_leave_text_alone_and_hold_calls(self):
        daemon = self.serve()
        text = self.talk(daemon, tools=[STRICT], max_tokens=20).json['choices'][0]
        free = self.talk(daemon, tools=[{'type': 'function', 'function': {
            k: v for k, v in STRICT['function'].items() if k != 'strict'}}], max_tokens=20).json['choices'][0]
        self.assertTrue(text['message']['content'])
        self.assertEqual(text['finish_reason'], free['finish_reason'])
        # Content that has a schema of its own, or a call.
        form = {'type': 'json_schema', 'json_schema': {'name': 'yes', 'schema': {'type': 'boolean'}}}
        for seed in range(6):
            choice = self.talk(daemon, tools=[STRICT], response_format=form, temperature=2, seed=seed).json['choices'][0]
            if choice['finish_reason'] == 'tool_calls':
                self.check_call(choice)
            else:
                self.assertIn(choice['message']['content'], ('true', 'false'))

    def test_what_cannot_be_called_is_refused(self):
        daemon = self.serve()
        self.refused(self.talk(daemon, tools=[TOOL], tool_choice='sometimes'), 400, 'tool_choice')
        self.refused(self.talk(daemon, tools=[TOOL], tool_choice={'type': 'function', 'function': {'name': 'gone'}}), 400,
                     'gone')
        self.refused(self.talk(daemon, tool_choice='required'), 400, 'tools')
        self.refused(self.chat(daemon, tools=[TOOL], tool_choice='required'), 400, 'template')
        odd = {'type': 'function', 'function': {'name': 'odd', 'parameters': {
            'properties': {'a': {'type': 'array', 'uniqueItems': True}}}}}
        self.refused(self.talk(daemon, tools=[odd], tool_choice='required'), 400, 'uniqueItems')
        self.refused(self.talk(daemon, tools=[TOOL], tool_choice='required', grammar='root ::= "a"'), 400, 'grammar')


class Completions(Case):
    def complete(self, daemon, **more):
        return self.post(daemon, '/v1/completions', **dict({'model': NAME, 'temperature': 0, 'max_tokens': 6,
                                                            'prompt': PSALM}, **more))

    def test_log_probabilities_have_the_places_of_their_tokens(self):
        daemon = self.serve()
        choice = self.complete(daemon, logprobs=2).json['choices'][0]
        told = choice['logprobs']
        self.assertEqual(''.join(told['tokens']), choice['text'])
        self.assertEqual([len(told[k]) for k in ('token_logprobs', 'top_logprobs', 'text_offset')], [6] * 3)
        for token, p, top, at in zip(told['tokens'], told['token_logprobs'], told['top_logprobs'], told['text_offset']):
            self.assertEqual(top[token], p)
            self.assertEqual(max(top.values()), p)  # Greedy.
            self.assertIn(len(top), (2, 3))
            self.assertEqual(choice['text'][at:at + len(token)], token)
        pieces = [p['choices'][0]['logprobs'] for p in events(self.complete(daemon, logprobs=2, stream=True))]
        for key in told:
            self.assertEqual([x for p in pieces if p for x in p[key]], told[key])
        self.assertEqual([list(t) for t in self.complete(daemon, logprobs=0).json['choices'][0]['logprobs']['top_logprobs']],
                         [[t] for t in told['tokens']])
        self.assertIsNone(self.complete(daemon).json['choices'][0]['logprobs'])

    def test_prompts_of_tokens_have_an_echo_too(self):
        daemon = self.serve()
        ids = json.loads(subprocess.run([test_models.QUANTCTL, 'tokenize', test_models.MODEL, '--text', PSALM],
                                        env=self.env, check=True, capture_output=True).stdout)
        text = self.complete(daemon, echo=True, prompt=[ids, ids], n=2).json['choices']
        self.assertEqual([c['index'] for c in text], [0, 1, 2, 3])
        self.assertEqual({c['text'].strip() for c in text}, {PSALM + self.complete(daemon).json['choices'][0]['text']})
        self.refused(self.complete(daemon, echo=True, logprobs=1), 400, 'echo')
        self.refused(self.complete(daemon, suffix='end'), 400, 'suffix')
        self.refused(self.complete(daemon, best_of=3), 400, 'best_of')
        self.assertEqual(self.complete(daemon, best_of=1, suffix='').status, 200)


class Slow(Case):
    def test_a_reader_who_takes_nothing_is_told_why_the_stream_ends(self):
        daemon = self.serve(test_time_scale=daemon_support.SCALE)
        self.chat(daemon)
        more = {'model': NAME, 'stream': True, 'logprobs': True, 'top_logprobs': 20}
        for path, body, mark in (
                ('/v1/chat/completions', {'messages': [{'role': 'user', 'content': PSALM}], 'n': 16, 'max_tokens': 400,
                                          'ignore_eos': True}, b'data: {"error":{'),
                ('/api/generate', {'prompt': PSALM, 'format': {'type': 'array', 'minItems': 900, 'items': {'type': 'integer'}}},
                 b'{"error":"')):
            with self.subTest(path):
                before = daemon.metric('quantd_refused_total{cause="slow_reader"}')
                text = json.dumps(dict(more, **body))
                slow = daemon.wire()
                slow.send('POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
                          'Content-Length: %d\r\n\r\n' % (path, len(text)) + text)
                self.wait(lambda: daemon.metric('quantd_refused_total{cause="slow_reader"}') > before, 'the time to pass')
                answer = slow.answer()
                self.assertTrue(answer.complete)
                last = answer.body.rstrip().split(b'\n')[-1]
                self.assertTrue(last.startswith(mark), last[-300:])
                self.assertIn(b'too slow', last)
                self.wait(lambda: daemon.metric('quantd_requests_running') == 0, 'the work to end')
                self.assertTrue(slow.ended())


class Thinking(Case):
    def setUp(self):
        super().setUp()
        self.add('thinker', THINKER)
        self.add('switched', NO_EFFORT)

    def ask(self, daemon, model, **more):
        return self.post(daemon, '/api/chat', model=model + ':BF16', stream=False, messages=[{'role': 'user', 'content': PSALM}],
                         options={'temperature': 0, 'num_predict': 8}, **more)

    def test_it_is_switched_where_the_template_can(self):
        daemon = self.serve()
        self.assertIn('thinking', self.ask(daemon, 'switched', think=True).json['message'])
        self.assertNotIn('thinking', self.ask(daemon, 'switched', think=False).json['message'])
        self.assertTrue(self.ask(daemon, 'switched', think=False).json['message']['content'])
        counts = {level: self.ask(daemon, 'thinker', think=level).json for level in ('low', 'medium')}
        self.assertTrue(all('thinking' in c['message'] for c in counts.values()))
        self.refused(self.ask(daemon, 'switched', think='low'), 400, 'low')
        self.refused(self.ask(daemon, 'talker', think=True), 400, 'does not support thinking')
        self.refused(self.ask(daemon, 'talker', think='much'), 400, 'think')
        self.assertEqual(self.ask(daemon, 'talker', think=False).status, 200)
        for name, has in (('talker', False), ('switched', True)):
            shown = self.post(daemon, '/api/show', model=name + ':BF16').json['capabilities']
            self.assertEqual('thinking' in shown, has)
            self.assertIn('tools', shown)

    def test_openai_says_it_by_effort_and_by_variables(self):
        daemon = self.serve()
        def message(**more):
            return self.chat(daemon, model='switched:BF16', **more).json['choices'][0]['message']
        self.assertIn('reasoning_content', message())
        self.assertNotIn('reasoning_content', message(reasoning_effort='none'))
        self.assertNotIn('reasoning_content', message(chat_template_kwargs={'enable_thinking': False}))
        self.assertEqual(self.chat(daemon, model='thinker:BF16', reasoning_effort='high').status, 200)
        self.refused(self.chat(daemon, reasoning_effort='high'), 400, 'thinking')
        self.refused(self.chat(daemon, reasoning_effort='huge'), 400, 'reasoning_effort')


class Contexts(Case):
    def generate(self, daemon, model=NAME, prompt=PSALM, options=None, **more):
        return self.post(daemon, '/api/generate', model=model, prompt=prompt, stream=False,
                         options=dict({'temperature': 0, 'num_predict': 4}, **(options or {})), **more)

    def loaded(self, daemon):
        return daemon.get('/api/ps').json['models'][0]['context_length']

    def test_a_smaller_context_bounds_the_request_and_a_larger_one_loads_again(self):
        daemon = self.serve(context_length=64)
        first = self.generate(daemon).json
        self.assertEqual(self.loaded(daemon), 64)
        prompt = first['prompt_eval_count']
        bounded = self.generate(daemon, options={'num_ctx': prompt + 1, 'num_predict': -1}).json
        self.assertEqual((bounded['eval_count'], bounded['done_reason']), (2, 'length'))
        self.refused(self.generate(daemon, options={'num_ctx': prompt - 1}), 400, str(prompt), str(prompt - 1))
        self.assertEqual(self.generate(daemon, options={'num_ctx': 128}).json['response'], first['response'])
        self.assertEqual(self.loaded(daemon), 128)
        self.generate(daemon, options={'num_ctx': 64})
        self.assertEqual(self.loaded(daemon), 128)
        self.refused(self.generate(daemon, options={'num_ctx': 1 << 20}), 400, str(1 << 20), 'trained')
        body = json.dumps({'model': NAME, 'prompt': PSALM, 'max_tokens': 100, 'ignore_eos': True, 'stream': True,
                           'n': 8, 'logprobs': 20})
        slow = daemon.wire()
        slow.send('POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
                  'Content-Length: %d\r\n\r\n' % len(body) + body)
        slow.until(b'data: ')
        self.refused(self.generate(daemon, options={'num_ctx': 256}), 503, '128', '256')
        slow.socket.close()

    def test_what_was_said_goes_on_in_tokens(self):
        daemon = self.serve()
        first = self.generate(daemon, prompt='In the beginning').json
        self.assertEqual(len(first['context']), first['prompt_eval_count'] + first['eval_count'])
        second = self.generate(daemon, prompt=' and', context=first['context']).json
        self.assertGreater(second['prompt_eval_count'], len(first['context']))
        self.assertEqual(second['context'][:len(first['context'])], first['context'])
        self.assertNotIn('context', self.generate(daemon, raw=True).json)
        self.refused(self.generate(daemon, context=[10 ** 8]), 400, 'vocabulary')
        self.refused(self.generate(daemon, context=['a']), 400, 'context')
        self.refused(self.generate(daemon, context=[1], raw=True), 400, 'raw')

    def test_log_probabilities_come_with_the_text(self):
        daemon = self.serve()
        said = self.generate(daemon, logprobs=True, top_logprobs=2).json
        self.assertEqual(''.join(t['token'] for t in said['logprobs']), said['response'])
        self.assertTrue(all(len(t['top_logprobs']) == 2 for t in said['logprobs']))
        self.refused(self.generate(daemon, top_logprobs=2), 400, 'top_logprobs')

    def test_show_tells_what_the_file_has(self):
        daemon = self.serve()
        shown = self.post(daemon, '/api/show', model=NAME).json
        info = shown['model_info']
        architecture = info['general.architecture']
        self.assertGreater(info[architecture + '.context_length'], 0)
        self.assertGreater(info[architecture + '.embedding_length'], 0)
        self.assertEqual(shown['capabilities'], ['completion'])
        self.assertRegex(shown['modified_at'], r'^\d{4}-\d\d-\d\dT')
        self.assertNotIn('tensors', shown)
        tensors = self.post(daemon, '/api/show', model=NAME, verbose=True).json['tensors']
        self.assertTrue(all(t['name'] and t['type'] and t['shape'] for t in tensors))


if __name__ == '__main__':
    daemon_support.QUANTD, test_models.QUANTCTL, test_models.MODEL = map(os.path.abspath, sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
