#!/usr/bin/env python3
"""Models behind the OpenAI and Ollama APIs, as clients see them.

    test_models.py QUANTD QUANTCTL MODEL [unittest arguments]

MODEL is a small model's folder or file, which is put into a catalog of the test's own.
"""
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import unittest

import daemon_support
from daemon_support import DaemonCase

QUANTCTL = MODEL = None
NAME = 'small:BF16'
PSALM = 'The LORD is my shepherd; I shall not want. He maketh me to lie down'


class ModelCase(DaemonCase):
    def setUp(self):
        super().setUp()
        self.env['QUANT_HOME'] = os.path.join(self.folder, 'catalog')
        subprocess.run([QUANTCTL, 'import', MODEL, '--name', 'small'], env=self.env, check=True, capture_output=True)

    def serve(self, **settings):
        env = {'QUANTD_' + name.upper(): str(value) for name, value in settings.items()}
        # Requests here take as long as they take: limits are those of real use.
        env.setdefault('QUANTD_TEST_TIME_SCALE', '1')
        return self.start(program=daemon_support.QUANTD, env=env)

    def post(self, daemon, path, **body):
        return daemon.ask('POST', path, json.dumps(body))

    def chat(self, daemon, content=PSALM, **more):
        fields = {'model': NAME, 'messages': [{'role': 'user', 'content': content}], 'temperature': 0, 'max_tokens': 12}
        fields.update(more)
        return self.post(daemon, '/v1/chat/completions', **fields)

    def refused(self, answer, status, *says):
        self.assertEqual(answer.status, status, answer.body)
        message = answer.json['error']
        message = message if isinstance(message, str) else message['message']
        for words in says:
            self.assertIn(words, message)


def events(answer):
    """The objects of a stream of server-sent events, without the end mark, which must be there."""
    lines = [line for line in answer.body.decode().split('\n') if line]
    assert all(line.startswith('data: ') for line in lines), lines
    assert lines[-1] == 'data: [DONE]', lines[-1]
    return [json.loads(line[6:]) for line in lines[:-1]]


class OpenAi(ModelCase):
    def test_models_are_listed_and_shown(self):
        daemon = self.serve()
        listed = daemon.get('/v1/models').json
        self.assertEqual([m['id'] for m in listed['data']], [NAME])
        self.assertEqual(daemon.get('/v1/models/' + NAME).json['id'], NAME)
        self.refused(daemon.get('/v1/models/nothing:here'), 404, 'nothing:here')

    def test_a_chat_is_answered_whole_and_in_pieces_alike(self):
        daemon = self.serve()
        whole = self.chat(daemon, PSALM * 3)
        self.assertEqual(whole.status, 200, whole.body)
        choice, usage = whole.json['choices'][0], whole.json['usage']
        self.assertEqual((choice['finish_reason'], usage['completion_tokens']), ('length', 12))
        self.assertEqual(usage['total_tokens'], usage['prompt_tokens'] + 12)
        streamed = self.chat(daemon, PSALM * 3, stream=True, stream_options={'include_usage': True})
        self.assertEqual(streamed.headers['content-type'], 'text/event-stream')
        pieces = events(streamed)
        self.assertEqual(len({p['id'] for p in pieces}), 1)
        self.assertEqual(pieces[0]['choices'][0]['delta']['role'], 'assistant')
        text = ''.join(p['choices'][0]['delta'].get('content', '') for p in pieces if p['choices'])
        self.assertEqual(text, choice['message']['content'])
        self.assertEqual(pieces[-2]['choices'][0]['finish_reason'], 'length')
        self.assertEqual(pieces[-1]['usage']['completion_tokens'], 12)
        self.assertGreater(pieces[-1]['usage']['prompt_tokens_details']['cached_tokens'], 0)

    def test_events_of_a_stream_are_alike_but_for_their_text(self):
        daemon = self.serve()
        prompt = 'He said, "\\text\\": \\\\ / \\n\t\x01\x7f\u00e9\U0001d11e'
        chats = self.chat(daemon, PSALM, stream=True, max_tokens=12, ignore_eos=True, stream_options={'include_usage': True})
        for answer, told in ((chats, 'delta'),
                             (self.post(daemon, '/v1/completions', model=NAME, prompt=prompt, echo=True, n=2, stream=True,
                                        max_tokens=12, ignore_eos=True), 'text')):
            rest = set()
            for event in answer.body.decode().removesuffix('data: [DONE]\n\n').removesuffix('\n\n').split('\n\n'):
                chunk = json.loads(event.removeprefix('data: '))
                self.assertEqual(event, 'data: ' + json.dumps(chunk, separators=(',', ':'), ensure_ascii=False))
                if chunk['choices'] and not chunk['choices'][0]['finish_reason']:
                    del chunk['choices'][0][told]
                    rest.add(json.dumps(chunk))
            self.assertEqual(len(rest), 1 if told == 'delta' else 2, rest)    # One of each choice.
        texts = [c['text'] for c in [json.loads(e[6:])['choices'][0] for e in answer.body.decode().split('\n\n')[:2]]]
        self.assertIn(prompt, texts)

    def test_stop_strings_seeds_biases_and_choices(self):
        daemon = self.serve()
        text = self.chat(daemon).json['choices'][0]['message']['content']
        stop = text[len(text) // 2:][:4]
        cut = self.chat(daemon, stop=[stop]).json['choices'][0]
        self.assertEqual((cut['message']['content'], cut['finish_reason']), (text[:text.index(stop)], 'stop'))
        drawn = [self.chat(daemon, temperature=1, seed=seed).json['choices'][0]['message']['content'] for seed in (5, 5, 6)]
        self.assertEqual(drawn[0], drawn[1])
        self.assertNotEqual(drawn[0], drawn[2])
        several = self.chat(daemon, temperature=1, seed=5, n=3).json
        self.assertEqual([c['index'] for c in several['choices']], [0, 1, 2])
        self.assertEqual(several['choices'][0]['message']['content'], drawn[0])
        self.assertEqual(several['choices'][1]['message']['content'], drawn[2])
        self.assertEqual(several['usage']['completion_tokens'], 36)
        told = self.chat(daemon, logprobs=True, top_logprobs=3).json['choices'][0]['logprobs']['content']
        self.assertEqual(len(told), 12)
        self.assertEqual(''.join(t['token'] for t in told).strip(), text.strip())
        self.assertEqual(told[0]['logprob'], told[0]['top_logprobs'][0]['logprob'])
        self.assertTrue(all(len(t['top_logprobs']) == 3 for t in told))

    def test_a_biased_token_does_not_come(self):
        daemon = self.serve()
        text = self.chat(daemon, max_tokens=1, logprobs=True).json['choices'][0]['logprobs']['content'][0]['token']
        ids = json.loads(subprocess.run([QUANTCTL, 'tokenize', MODEL, '--no-special', '--text', text], env=self.env,
                                        check=True, capture_output=True).stdout)
        bias = {str(i): -100 for i in ids}
        other = self.chat(daemon, max_tokens=1, logit_bias=bias).json['choices'][0]['message']['content']
        self.assertNotEqual(other, text)

    def test_text_keeps_to_schemas_and_grammars(self):
        daemon = self.serve()
        schema = {'type': 'object', 'properties': {'verse': {'type': 'integer', 'minimum': 1, 'maximum': 176},
                                                   'kind': {'enum': ['psalm', 'proverb']}},
                  'required': ['verse', 'kind'], 'additionalProperties': False}
        form = {'type': 'json_schema', 'json_schema': {'name': 'place', 'schema': schema}}
        for temperature in (0, 1.5):
            answer = self.chat(daemon, response_format=form, max_tokens=200, temperature=temperature, seed=3).json['choices'][0]
            made = json.loads(answer['message']['content'])
            self.assertEqual(answer['finish_reason'], 'stop')
            self.assertIn(made['kind'], ('psalm', 'proverb'))
            self.assertTrue(1 <= made['verse'] <= 176)
        text = self.chat(daemon, grammar='root ::= ("and " | "the ")+', max_tokens=20).json['choices'][0]['message']['content']
        self.assertRegex(text, '^(and |the )+(a|an|and|t|th|the)?$')
        anything = self.chat(daemon, response_format={'type': 'json_object'}, max_tokens=10).json['choices'][0]['message']
        self.assertTrue(anything['content'].startswith('{'))
        said = self.post(daemon, '/api/generate', model=NAME, prompt=PSALM, stream=False, format=schema,
                         options={'temperature': 0, 'num_predict': 200}).json['response']
        self.assertIn(json.loads(said)['kind'], ('psalm', 'proverb'))
        impossible = {'type': 'json_schema', 'json_schema': {'schema': {'type': 'array', 'uniqueItems': True}}}
        refused = self.chat(daemon, response_format=impossible, stream=True)
        self.refused(refused, 400, 'uniqueItems')

    def test_completions_take_texts_and_tokens(self):
        daemon = self.serve()
        def complete(**more):
            return self.post(daemon, '/v1/completions', model=NAME, temperature=0, max_tokens=6, **more)
        one = complete(prompt=PSALM).json['choices'][0]['text']
        both = complete(prompt=[PSALM, 'In the beginning'], echo=True).json
        self.assertEqual(both['choices'][0]['text'], PSALM + one)
        self.assertTrue(both['choices'][1]['text'].startswith('In the beginning'))
        self.assertEqual(complete(prompt=[1, 5, 9]).json['usage']['prompt_tokens'], 3)
        self.refused(complete(prompt=[10 ** 8]), 400, 'vocabulary')
        self.refused(complete(prompt=[]), 400, 'prompt')
        self.refused(complete(prompt=['a', 3]), 400, 'prompt')

    def test_what_is_wrong_is_named(self):
        daemon = self.serve(context_length=128)
        wrong = {'temperature': 3, 'top_p': 'much', 'max_tokens': 0, 'n': 99, 'stop': 5, 'seed': 1.5, 'stream': 'yes',
                 'messages': {}, 'presence_penalty': 7, 'logit_bias': {'x': 1}, 'top_logprobs': 2, 'response_format': {'type': 'xml'},
                 'grammar': 'root = no', 'tools': [{'type': 'function'}]}
        for name, value in wrong.items():
            with self.subTest(name):
                answer = self.chat(daemon, **{name: value})
                self.refused(answer, 400, *[] if name == 'grammar' else [name])
                self.assertEqual(answer.json['error']['type'], 'invalid_request_error')
        self.refused(self.chat(daemon, content=[{'type': 'image_url', 'image_url': {'url': 'x'}}]), 400, 'image_url')
        self.refused(self.chat(daemon, content=PSALM * 40), 400, '128')
        self.refused(self.chat(daemon, model='no-such'), 404, 'no-such')
        self.refused(self.chat(daemon, model='../small'), 404)
        self.refused(self.chat(daemon, model='/etc/passwd'), 404)
        self.refused(daemon.ask('POST', '/v1/chat/completions', '{"model": '), 400)
        self.refused(daemon.ask('POST', '/v1/chat/completions', '{"a":' * 100 + '1' + '}' * 100), 400)
        # A long conversation is no large body: its length is the context's to refuse.
        self.refused(self.chat(daemon, content=PSALM * 5000), 400, '128')
        self.assertEqual(self.chat(daemon).status, 200)


# Writes calls and reasoning in marks, as many models' templates do.
TEMPLATE = """{%- if tools -%}
[system] Call one of these as <tool_call>
{"name": "its name", "arguments": {}}
</tool_call>: {{ tools | tojson }}
{% endif -%}
{%- for m in messages -%}
[{{ m.role }}] {{ m.content }}
{%- for c in m.tool_calls or [] %}
<tool_call>
{{ {"name": c.function.name, "arguments": c.function.arguments} | tojson }}
</tool_call>
{%- endfor %}
{% endfor -%}
{%- if add_generation_prompt %}[assistant] {% endif -%}
"""
TOOL = {'type': 'function', 'function': {'name': 'find', 'parameters': {
    'type': 'object', 'properties': {'book': {'type': 'string'}, 'verse': {'type': 'integer'}}}}}
# What the model is made to say: it is far too small to call anything by itself.
SAYS = r'''root ::= "<think>Which one?</think>Let me look.\n<tool_call>\n{\"name\": \"find\", \"arguments\": {\"book\": \"Psalms\", \"verse\": 23}}\n</tool_call>"'''


class Tools(ModelCase):
    def setUp(self):
        super().setUp()
        folder = os.path.join(self.folder, 'talker')
        shutil.copytree(MODEL, folder)
        with open(os.path.join(folder, 'chat_template.jinja'), 'w', encoding='utf-8') as file:
            file.write(TEMPLATE)
        subprocess.run([QUANTCTL, 'import', folder, '--name', 'talker'], env=self.env, check=True, capture_output=True)

    def ask_for_call(self, daemon, **more):
        return self.chat(daemon, model='talker:BF16', tools=[TOOL], grammar=SAYS, max_tokens=200, **more)

    def test_calls_and_reasoning_are_told_apart_from_content(self):
        daemon = self.serve()
        choice = self.ask_for_call(daemon).json['choices'][0]
        self.assertEqual(choice['finish_reason'], 'tool_calls')
        message = choice['message']
        self.assertEqual((message['content'].strip(), message['reasoning_content']), ('Let me look.', 'Which one?'))
        call = message['tool_calls'][0]
        self.assertEqual((call['type'], call['function']['name']), ('function', 'find'))
        self.assertEqual(json.loads(call['function']['arguments']), {'book': 'Psalms', 'verse': 23})
        deltas = [p['choices'][0]['delta'] for p in events(self.ask_for_call(daemon, stream=True))]
        self.assertEqual(''.join(d.get('reasoning_content', '') for d in deltas), 'Which one?')
        told = [c for d in deltas for c in d.get('tool_calls', [])]
        self.assertEqual(told[0]['function']['name'], 'find')
        self.assertTrue(told[0]['id'])
        arguments = ''.join(c['function']['arguments'] for c in told)
        self.assertEqual(json.loads(arguments), {'book': 'Psalms', 'verse': 23})

    def test_the_tools_result_goes_back_in(self):
        daemon = self.serve()
        call = self.ask_for_call(daemon).json['choices'][0]['message']
        messages = [{'role': 'user', 'content': PSALM}, call,
                    {'role': 'tool', 'tool_call_id': call['tool_calls'][0]['id'], 'content': 'He leadeth me'}]
        again = self.chat(daemon, model='talker:BF16', messages=messages, tools=[TOOL])
        self.assertEqual(again.status, 200, again.body)

    def test_ollama_has_them_as_objects(self):
        daemon = self.serve()
        # The grammar is no field of this API, but a schema is: its text is content, and no call.
        said = self.post(daemon, '/api/chat', model='talker:BF16', tools=[TOOL], stream=False, format={'type': 'boolean'},
                         messages=[{'role': 'user', 'content': PSALM}], options={'temperature': 0})
        self.assertIn(said.json['message']['content'], ('true', 'false'))
        history = [{'role': 'user', 'content': PSALM},
                   {'role': 'assistant', 'content': '', 'tool_calls': [{'function': {'name': 'find', 'arguments': {'verse': 1}}}]},
                   {'role': 'tool', 'content': 'He leadeth me'}]
        answer = self.post(daemon, '/api/chat', model='talker:BF16', tools=[TOOL], stream=False, messages=history,
                           options={'temperature': 0, 'num_predict': 4})
        self.assertEqual(answer.status, 200, answer.body)

    def test_what_tools_cannot_be_is_refused(self):
        daemon = self.serve()
        self.refused(self.chat(daemon, tools=[TOOL]), 400, 'template')  # Of a model without one.
        self.refused(self.ask_for_call(daemon, tool_choice='required'), 400, 'grammar')  # Two of them.
        self.assertEqual(self.ask_for_call(daemon, tool_choice='none').json['choices'][0]['finish_reason'], 'stop')


class Ollama(ModelCase):
    def lines(self, answer):
        self.assertEqual(answer.headers['content-type'], 'application/x-ndjson')
        return [json.loads(line) for line in answer.body.decode().splitlines()]

    def test_tags_show_and_ps(self):
        daemon = self.serve()
        tag = daemon.get('/api/tags').json['models'][0]
        self.assertEqual(tag['name'], NAME)
        self.assertRegex(tag['digest'], '^[0-9a-f]{64}$')
        shown = self.post(daemon, '/api/show', model=NAME).json
        self.assertEqual(shown['details'], tag['details'])
        self.refused(self.post(daemon, '/api/show', model='none'), 404, "model 'none' not found")
        self.assertEqual(daemon.get('/api/ps').json['models'], [])

    def test_generate_and_chat_stream_lines(self):
        daemon = self.serve()
        options = {'temperature': 0, 'num_predict': 8, 'f16_kv': True}
        lines = self.lines(self.post(daemon, '/api/generate', model=NAME, prompt=PSALM, options=options))
        self.assertEqual([line['done'] for line in lines], [False] * (len(lines) - 1) + [True])
        self.assertEqual((lines[-1]['done_reason'], lines[-1]['eval_count']), ('length', 8))
        whole = self.post(daemon, '/api/generate', model=NAME, prompt=PSALM, options=options, stream=False)
        self.assertEqual(whole.json['response'], ''.join(line['response'] for line in lines))
        raw = self.post(daemon, '/api/generate', model=NAME, prompt=PSALM, options=options, stream=False, raw=True)
        self.assertEqual(raw.json['response'], whole.json['response'])  # The model has no template.
        said = self.post(daemon, '/api/chat', model=NAME, messages=[{'role': 'user', 'content': PSALM}], options=options,
                         stream=False)
        self.assertEqual(said.json['message'], {'role': 'assistant', 'content': whole.json['response']})
        self.refused(self.post(daemon, '/api/generate', model=NAME, prompt='x', options={'top_p': 4}), 400, 'top_p')
        self.refused(self.post(daemon, '/api/generate', model=NAME, prompt='x', keep_alive='soon'), 400, 'keep_alive')
        self.refused(self.post(daemon, '/api/generate', prompt='x'), 400, 'model')

    def test_models_are_loaded_and_let_go(self):
        daemon = self.serve()
        self.assertEqual(self.post(daemon, '/api/generate', model=NAME, stream=False).json['done_reason'], 'load')
        resident = daemon.get('/api/ps').json['models'][0]
        self.assertEqual(resident['name'], NAME)
        before = daemon.descriptors
        gone = self.post(daemon, '/api/generate', model='small:BF16:latest'.replace(':latest', ''), keep_alive=0, stream=False)
        self.assertEqual(gone.json['done_reason'], 'unload')
        self.wait(lambda: daemon.get('/api/ps').json['models'] == [], 'the model to go')
        for _ in range(3):
            self.post(daemon, '/api/chat', model=NAME, messages=[], keep_alive='1h')
            self.post(daemon, '/api/chat', model=NAME, messages=[], keep_alive=0)
            self.wait(lambda: daemon.get('/api/ps').json['models'] == [], 'the model to go')
        self.wait(lambda: daemon.descriptors <= before, 'all that models had open to be closed')


class Broken(ModelCase):
    def test_a_model_that_is_cut_off_is_the_servers_fault_and_its_place_no_clients_business(self):
        folder = os.path.join(self.folder, 'cut')
        shutil.copytree(MODEL, folder)
        subprocess.run([QUANTCTL, 'import', folder, '--name', 'cut'], env=self.env, check=True, capture_output=True)
        os.truncate(os.path.join(folder, 'model.safetensors'), 100000)
        daemon = self.serve()
        for path, more in (('/v1/completions', {}), ('/api/generate', {'stream': False})):
            answer = self.post(daemon, path, model='cut:BF16', prompt=PSALM, **more)
            self.refused(answer, 500, 'cut:BF16', 'model.safetensors')
            self.assertNotIn(self.folder, answer.body.decode())
        self.assertEqual(self.chat(daemon).status, 200)


class Own(ModelCase):
    def test_an_administrator_lets_a_model_go(self):
        daemon = self.serve()
        self.refused(self.post(daemon, '/quant/v1/unload', model=NAME), 404, 'not loaded')
        self.post(daemon, '/api/generate', model=NAME, keep_alive=-1, stream=False)
        gone = self.post(daemon, '/quant/v1/unload', model=NAME.split(':')[0])    # As it may be asked for text.
        self.assertEqual((gone.status, gone.json['model']), (200, NAME))
        self.wait(lambda: daemon.get('/api/ps').json['models'] == [], 'the model to go')
        self.refused(self.post(daemon, '/quant/v1/unload'), 400, 'model')
        self.refused(self.post(daemon, '/quant/v1/unload', model='nothing'), 404, "'nothing' not found")

    def test_it_is_no_verb_for_tcp(self):
        daemon = self.start(program=daemon_support.QUANTD, tcp=True)
        answer = daemon.ask('POST', '/quant/v1/unload', json.dumps({'model': NAME}), tcp=True)
        self.assertEqual(answer.status, 403, answer.body)


class Many(ModelCase):
    def test_sixteen_at_once_have_the_text_that_each_has_alone(self):
        daemon = self.serve()
        prompts = ['%d. %s' % (i, PSALM * (1 + i % 3)) for i in range(16)]
        alone = [self.chat(daemon, p, max_tokens=20).json['choices'][0]['message']['content'] for p in prompts]
        fresh = self.serve(socket=os.path.join(self.folder, 'other.sock'))
        fresh.path = os.path.join(self.folder, 'other.sock')
        together = [None] * 16
        def ask(i):
            pieces = events(self.chat(fresh, prompts[i], max_tokens=20, stream=True))
            together[i] = ''.join(p['choices'][0]['delta'].get('content', '') for p in pieces)
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(together, alone)

    def test_the_queue_is_bounded_and_says_when_to_come_again(self):
        daemon = self.serve(parallel=1, queue=1)
        body = json.dumps({'model': NAME, 'prompt': PSALM, 'max_tokens': 4000, 'ignore_eos': True, 'stream': True})
        head = 'POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body)
        first, second = daemon.wire(), daemon.wire()
        first.send(head + body)
        self.assertIn(b'200', first.until(b'data: '))
        second.send(head + body)
        self.wait(lambda: daemon.metric('quantd_requests_waiting') == 1, 'the second to wait')
        full = self.chat(daemon)
        self.refused(full, 503, 'queue')
        self.assertGreaterEqual(int(full.headers['retry-after']), 1)
        # Who hangs up makes room, in the queue and where tokens are made.
        second.socket.close()
        self.wait(lambda: daemon.metric('quantd_requests_waiting') == 0, 'the queue to be empty')
        first.socket.close()
        self.wait(lambda: daemon.metric('quantd_requests_running') == 0, 'the first to end')
        self.assertEqual(self.chat(daemon).status, 200)
        self.assertEqual(daemon.metric('quantd_requests_cancelled_total'), 2)

    def test_a_reader_who_does_not_read_is_made_to_wait(self):
        daemon = self.serve()
        # Far more than the daemon keeps for a reader and the system between them.
        body = json.dumps({'model': NAME, 'messages': [{'role': 'user', 'content': PSALM}], 'n': 8, 'logprobs': True,
                           'top_logprobs': 20, 'max_tokens': 400, 'ignore_eos': True, 'stream': True})
        slow = daemon.wire()
        slow.send('POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
                  'Content-Length: %d\r\n\r\n' % len(body) + body)
        self.wait(lambda: daemon.metric('quantd_requests_running') == 8, 'all to run')
        made = time.monotonic()
        self.assertEqual(self.chat(daemon, max_tokens=300, ignore_eos=True).status, 200)  # Others go on.
        time.sleep(2 * (time.monotonic() - made) + 1)
        self.assertGreater(daemon.metric('quantd_requests_running'), 0)
        answer = slow.answer()
        self.assertTrue(answer.body.endswith(b'data: [DONE]\n\n'))
        self.assertEqual(answer.body.count(b'"finish_reason":"length"'), 8)
        self.assertGreater(len(answer.body), 4 << 20)
        self.assertEqual(daemon.metric('quantd_requests_cancelled_total'), 0)


if __name__ == '__main__':
    daemon_support.QUANTD, QUANTCTL, MODEL = map(os.path.abspath, sys.argv[1:4])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
