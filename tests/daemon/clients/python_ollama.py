"""The ollama package of Python against quantd."""
import ollama

from client_actions import (FIND, MODEL, PSALM, SCHEMA, TALKER, URL, check_cancel, check_error, check_schema,
                            check_vectors, equal, run_actions, user)

client = ollama.Client(host=URL)
SHORT = {'temperature': 0, 'num_predict': 30}


def list_models():
    assert MODEL in [m.model for m in client.list().models]
    equal(client.show(MODEL).details.family, 'llama')
    client.generate(model=MODEL, keep_alive='5m')
    assert MODEL in [m.model for m in client.ps().models]


def generate():
    answer = client.generate(model=MODEL, prompt=PSALM, options=SHORT)
    equal((answer.done, answer.done_reason, answer.eval_count), (True, 'length', 30))
    pieces = list(client.generate(model=MODEL, prompt=PSALM, options=SHORT, stream=True))
    equal(''.join(p.response for p in pieces), answer.response)


def chat():
    answer = client.chat(model=MODEL, messages=user(), options=SHORT)
    equal((answer.message.role, answer.done), ('assistant', True))
    assert answer.message.content


def stream():
    whole = client.chat(model=MODEL, messages=user(), options=SHORT).message.content
    pieces = list(client.chat(model=MODEL, messages=user(), options=SHORT, stream=True))
    equal(''.join(p.message.content for p in pieces), whole)
    assert len(pieces) > 10 and pieces[-1].done


def embed():
    both = client.embed(model=MODEL, input=[PSALM, 'In the beginning'])
    check_vectors(both.embeddings, 2)
    one = client.embed(model=MODEL, input=PSALM).embeddings[0]
    assert max(abs(a - b) for a, b in zip(one, both.embeddings[0])) < 1e-4
    assert len(client.embeddings(model=MODEL, prompt=PSALM).embedding) == len(one)


def tools():
    # This API has no way to make a model call, and this one is too small to do so by itself: what is proven is that
    # tools and the results of calls go in.
    call = {'function': {'name': 'find', 'arguments': {'book': 'Psalms', 'verse': 23}}}
    messages = user() + [{'role': 'assistant', 'content': '', 'tool_calls': [call]},
                         {'role': 'tool', 'tool_name': 'find', 'content': 'He leadeth me'}]
    first = client.chat(model=TALKER, messages=user(), tools=[FIND], options=SHORT)
    then = client.chat(model=TALKER, messages=messages, tools=[FIND], options=SHORT)
    assert then.prompt_eval_count > first.prompt_eval_count
    assert first.prompt_eval_count > client.chat(model=TALKER, messages=user(), options=SHORT).prompt_eval_count


def json_schema():
    answer = client.chat(model=MODEL, messages=user(), format=SCHEMA, options={'num_predict': 200})
    check_schema(answer.message.content)
    check_schema(client.generate(model=MODEL, prompt=PSALM, format=SCHEMA, options={'num_predict': 200}).response)


def error():
    check_error(lambda: client.chat(model='no-such', messages=user()), ollama.ResponseError)
    check_error(lambda: client.chat(model=MODEL, messages=user(), options={'top_p': 9}), ollama.ResponseError, status=400,
                says='top_p')
    check_error(lambda: list(client.chat(model='no-such', messages=user(), stream=True)), ollama.ResponseError)


def leave():
    pieces = client.generate(model=MODEL, prompt=PSALM, options={'temperature': 1}, stream=True)
    next(pieces)
    pieces.close()


run_actions({'list': list_models, 'generate': generate, 'chat': chat, 'stream': stream, 'embed': embed,
             'tools': tools, 'schema': json_schema, 'error': error, 'cancel': lambda: check_cancel(leave)})
