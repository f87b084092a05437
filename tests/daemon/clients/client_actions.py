"""What the clients in Python are run for, and how each action is told: a line "pass NAME", "fail NAME: why" or
"skip NAME: why" each, which test_clients.py reads."""
import json
import os
import re
import sys
import time
import urllib.request

URL = os.environ['QUANT_CLIENT_URL']
MODEL = os.environ['QUANT_CLIENT_MODEL']     # Has no chat template: it continues what it is given.
TALKER = os.environ['QUANT_CLIENT_TALKER']   # Its template knows tools.
LACKS = dict(line.split(': ', 1) for line in os.environ['QUANT_CLIENT_LACKS'].splitlines())
PSALM = 'The LORD is my shepherd; I shall not want. He maketh me to lie down'
SCHEMA = {'type': 'object', 'properties': {'verse': {'type': 'integer', 'minimum': 1, 'maximum': 176},
                                           'kind': {'type': 'string', 'enum': ['psalm', 'proverb']}},
          'required': ['verse', 'kind'], 'additionalProperties': False}
FIND = {'type': 'function', 'function': {'name': 'find', 'description': 'Find a verse.', 'parameters': {
    'type': 'object', 'properties': {'book': {'type': 'string', 'enum': ['Psalms', 'Proverbs']},
                                     'verse': {'type': 'integer', 'minimum': 1, 'maximum': 176}},
    'required': ['book', 'verse'], 'additionalProperties': False}}}


def user(text=PSALM):
    return [{'role': 'user', 'content': text}]


def equal(found, expected):
    assert found == expected, 'expected %r, not %r' % (expected, found)


def check_schema(text):
    made = json.loads(text) if isinstance(text, str) else text
    assert made['kind'] in ('psalm', 'proverb') and 1 <= made['verse'] <= 176, made


def check_call(name, arguments):
    equal(name, 'find')
    assert arguments['book'] in ('Psalms', 'Proverbs') and 1 <= arguments['verse'] <= 176, arguments


def check_vectors(vectors, count):
    """So many vectors of one length, not all alike, each of length 1."""
    equal(len(vectors), count)
    equal(len({len(v) for v in vectors}), 1)
    for v in vectors:
        assert abs(sum(x * x for x in v) - 1) < 1e-3, 'not normalized'
    assert count == 1 or vectors[0] != vectors[1], 'two texts have one vector'


def check_error(call, kind, *, status=404, says='no-such'):
    """`call` raises `kind`, which tells the status and names what was asked for."""
    try:
        call()
    except kind as error:
        equal(error.status_code, status)
        assert says in str(error), str(error)
        return
    raise AssertionError('no error was raised')


def metric(name):
    with urllib.request.urlopen(URL + '/metrics') as reply:
        return int(re.search(r'^%s (\d+)$' % name, reply.read().decode(), re.M).group(1))


def check_cancel(begin_and_leave):
    """Begins a long stream and leaves it: the daemon stops making it. One that was made before the client could
    leave proves nothing, so that a few are tried."""
    before = metric('quantd_requests_cancelled_total')
    for _ in range(20):
        begin_and_leave()
        until = time.monotonic() + 10
        while metric('quantd_requests_running'):
            assert time.monotonic() < until, 'it still runs 10 s later'
            time.sleep(0.01)
        if metric('quantd_requests_cancelled_total') > before:
            return
    raise AssertionError('20 streams were left, none was cancelled')


def run_actions(actions):
    failed = False
    for name, action in actions.items():
        if name in LACKS:
            print('skip %s: %s' % (name, LACKS[name]))
            continue
        try:
            action()
            print('pass %s' % name)
        except Exception as error:    # Whatever a client throws is what there is to tell.
            failed = True
            print('fail %s: %s: %s' % (name, type(error).__name__, ' '.join(str(error).split())[:500]))
    sys.exit(failed)
