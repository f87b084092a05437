"""curl on the Unix socket of quantd, as a shell would call it."""
import json
import os
import subprocess

from client_actions import (FIND, MODEL, PSALM, SCHEMA, TALKER, check_call, check_cancel, check_schema, check_vectors,
                            equal, run_actions, user)

CURL = ['curl', '--silent', '--show-error', '--no-buffer', '--unix-socket', os.environ['QUANT_CLIENT_SOCKET']]


def curl(path, *more, body=None):
    """What it prints: the status on the last line, behind the body."""
    data = ['--json', json.dumps(body)] if body else []
    done = subprocess.run([*CURL, '--write-out', '\n%{http_code}', *data, *more, 'http://localhost' + path], check=True,
                          capture_output=True, text=True, timeout=60)
    text, status = done.stdout.rsplit('\n', 1)
    return int(status), text


def ask(path, **body):
    status, text = curl(path, body=body or None)
    equal(status, 200)
    return json.loads(text)


def list_models():
    assert MODEL in [m['id'] for m in ask('/v1/models')['data']]
    assert MODEL in [m['name'] for m in ask('/api/tags')['models']]


def generate():
    answer = ask('/api/generate', model=MODEL, prompt=PSALM, stream=False, options={'num_predict': 8, 'temperature': 0})
    whole = ask('/v1/completions', model=MODEL, prompt=PSALM, max_tokens=8, temperature=0)
    equal(whole['choices'][0]['text'], answer['response'])


def chat():
    answer = ask('/v1/chat/completions', model=MODEL, messages=user(), max_tokens=8)
    equal(answer['choices'][0]['message']['role'], 'assistant')


def stream():
    asked = {'model': MODEL, 'messages': user(), 'max_tokens': 30, 'temperature': 0}
    whole = ask('/v1/chat/completions', **asked)['choices'][0]['message']['content']
    lines = [line for line in curl('/v1/chat/completions', body={**asked, 'stream': True})[1].split('\n') if line]
    equal(lines[-1], 'data: [DONE]')
    pieces = [json.loads(line.removeprefix('data: '))['choices'][0]['delta'] for line in lines[:-1]]
    equal(''.join(p.get('content') or '' for p in pieces), whole)


def embed():
    check_vectors([e['embedding'] for e in ask('/v1/embeddings', model=MODEL, input=[PSALM, 'In'])['data']], 2)
    check_vectors(ask('/api/embed', model=MODEL, input=PSALM)['embeddings'], 1)


def tools():
    answer = ask('/v1/chat/completions', model=TALKER, messages=user(), tools=[FIND], tool_choice='required', max_tokens=200)
    call = answer['choices'][0]['message']['tool_calls'][0]['function']
    check_call(call['name'], json.loads(call['arguments']))


def json_schema():
    check_schema(ask('/api/chat', model=MODEL, messages=user(), format=SCHEMA, stream=False)['message']['content'])


def error():
    status, text = curl('/v1/chat/completions', body={'model': 'no-such', 'messages': user()})
    equal((status, json.loads(text)['error']['code']), (404, 'model_not_found'))
    status, text = curl('/api/chat', body={'model': 'no-such', 'messages': user()})
    equal((status, json.loads(text)['error']), (404, "model 'no-such' not found"))
    equal(curl('/nothing')[0], 404)


def leave():
    body = {'model': MODEL, 'messages': user(), 'n': 8, 'logprobs': True, 'top_logprobs': 20, 'stream': True}
    with subprocess.Popen([*CURL, '--json', json.dumps(body), 'http://localhost/v1/chat/completions'],
                          stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.kill()


run_actions({'list': list_models, 'generate': generate, 'chat': chat, 'stream': stream, 'embed': embed, 'tools': tools,
             'schema': json_schema, 'error': error, 'cancel': lambda: check_cancel(leave)})
