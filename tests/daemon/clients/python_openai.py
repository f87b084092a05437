"""The openai package of Python against quantd."""
import json

import openai

from client_actions import (FIND, MODEL, PSALM, SCHEMA, TALKER, URL, check_call, check_cancel, check_error, check_schema,
                            check_vectors, equal, run_actions, user)

client = openai.OpenAI(base_url=URL + '/v1', api_key='unused', max_retries=0)


def list_models():
    assert MODEL in [m.id for m in client.models.list()]
    equal(client.models.retrieve(MODEL).id, MODEL)


def generate():
    answer = client.completions.create(model=MODEL, prompt=PSALM, max_tokens=8, temperature=0)
    equal((answer.choices[0].finish_reason, answer.usage.completion_tokens), ('length', 8))
    assert answer.choices[0].text


def chat():
    answer = client.chat.completions.create(model=MODEL, messages=user(), max_completion_tokens=8, temperature=0,
                                            stop=['\n\n'], seed=1)
    equal((answer.choices[0].message.role, answer.object), ('assistant', 'chat.completion'))
    equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)


def stream():
    whole = client.chat.completions.create(model=MODEL, messages=user(), max_tokens=30, temperature=0)
    pieces = list(client.chat.completions.create(model=MODEL, messages=user(), max_tokens=30, temperature=0, stream=True,
                                                 stream_options={'include_usage': True}))
    text = ''.join(p.choices[0].delta.content or '' for p in pieces if p.choices)
    equal(text, whole.choices[0].message.content)
    equal(pieces[-1].usage.completion_tokens, whole.usage.completion_tokens)
    assert len(pieces) > 10


def embed():
    # Unless told otherwise, this client asks for base64.
    answer = client.embeddings.create(model=MODEL, input=[PSALM, 'In the beginning'])
    check_vectors([e.embedding for e in answer.data], 2)
    plain = client.embeddings.create(model=MODEL, input=PSALM, encoding_format='float').data[0].embedding
    assert max(abs(a - b) for a, b in zip(plain, answer.data[0].embedding)) < 1e-5


def tools():
    asked = dict(model=TALKER, tools=[FIND], tool_choice='required', temperature=0, max_tokens=200)
    answer = client.chat.completions.create(messages=user(), **asked)
    equal(answer.choices[0].finish_reason, 'tool_calls')
    call = answer.choices[0].message.tool_calls[0]
    check_call(call.function.name, json.loads(call.function.arguments))
    told = [c for p in client.chat.completions.create(messages=user(), stream=True, **asked) if p.choices
            for c in p.choices[0].delta.tool_calls or []]
    check_call(told[0].function.name, json.loads(''.join(c.function.arguments or '' for c in told)))
    result = {'role': 'tool', 'tool_call_id': call.id, 'content': 'He leadeth me'}
    again = client.chat.completions.create(model=TALKER, tools=[FIND], max_tokens=8,
                                           messages=user() + [answer.choices[0].message, result])
    assert again.choices[0].message.content is not None


def json_schema():
    form = {'type': 'json_schema', 'json_schema': {'name': 'place', 'schema': SCHEMA, 'strict': True}}
    answer = client.chat.completions.create(model=MODEL, messages=user(), response_format=form, max_tokens=200)
    equal(answer.choices[0].finish_reason, 'stop')
    check_schema(answer.choices[0].message.content)


def error():
    check_error(lambda: client.chat.completions.create(model='no-such', messages=user()), openai.NotFoundError)
    check_error(lambda: client.chat.completions.create(model=MODEL, messages=user(), temperature=9), openai.BadRequestError,
                status=400, says='temperature')


def leave():
    stream = client.chat.completions.create(model=MODEL, messages=user(), n=8, logprobs=True, top_logprobs=20, stream=True,
                                            extra_body={'ignore_eos': True})
    next(iter(stream))
    stream.close()


run_actions({'list': list_models, 'generate': generate, 'chat': chat, 'stream': stream, 'embed': embed, 'tools': tools,
             'schema': json_schema, 'error': error, 'cancel': lambda: check_cancel(leave)})
