"""LangChain's chat models ChatOpenAI and ChatOllama against quantd: langchain_chat.py openai|ollama."""
import sys

import ollama
import openai
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_ollama import ChatOllama, OllamaEmbeddings
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from client_actions import (FIND, MODEL, PSALM, SCHEMA, TALKER, URL, check_call, check_cancel, check_error, check_schema,
                            check_vectors, equal, run_actions)

is_openai = sys.argv[1] == 'openai'
PLACE = {'title': 'place', 'description': 'Where a verse is.', **SCHEMA}


def model(name=MODEL, tokens=30, **more):
    if is_openai:
        return ChatOpenAI(base_url=URL + '/v1', api_key='unused', model=name, temperature=0, max_tokens=tokens,
                          max_retries=0, **more)
    return ChatOllama(base_url=URL, model=name, temperature=0, num_predict=tokens, **more)


def chat():
    answer = model().invoke([('system', 'Psalms'), ('human', PSALM)])
    assert answer.content
    equal(answer.usage_metadata['output_tokens'], 30)


def stream():
    whole = model().invoke(PSALM).content
    pieces = list(model().stream(PSALM))
    equal(''.join(p.content for p in pieces), whole)
    assert len(pieces) > 10


def embed():
    if is_openai:
        client = OpenAIEmbeddings(base_url=URL + '/v1', api_key='unused', model=MODEL, check_embedding_ctx_length=False)
    else:
        client = OllamaEmbeddings(base_url=URL, model=MODEL)
    check_vectors(client.embed_documents([PSALM, 'In the beginning']), 2)
    check_vectors([client.embed_query(PSALM)], 1)


def tools():
    call = {'name': 'find', 'args': {'book': 'Psalms', 'verse': 23}, 'id': 'call_1'}
    history = [HumanMessage(PSALM), AIMessage('', tool_calls=[call]), ToolMessage('He leadeth me', tool_call_id='call_1')]
    if is_openai:
        made = model(TALKER, 200).bind_tools([FIND], tool_choice='required').invoke(PSALM).tool_calls[0]
        check_call(made['name'], made['args'])
    with_tools = model(TALKER).bind_tools([FIND])
    first, then = with_tools.invoke(PSALM), with_tools.invoke(history)
    assert then.usage_metadata['input_tokens'] > first.usage_metadata['input_tokens']


def json_schema():
    check_schema(model(tokens=200).with_structured_output(PLACE, method='json_schema').invoke(PSALM))


def error():
    kind = openai.NotFoundError if is_openai else ollama.ResponseError
    check_error(lambda: model('no-such').invoke(PSALM), kind)


def leave():
    long = model(tokens=400, **({'n': 8, 'logprobs': True, 'top_logprobs': 20} if is_openai else {}))
    pieces = long.stream(PSALM)
    next(pieces)
    pieces.close()


run_actions({'chat': chat, 'stream': stream, 'embed': embed, 'tools': tools, 'schema': json_schema, 'error': error,
             'cancel': lambda: check_cancel(leave)})
