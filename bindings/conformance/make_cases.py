#!/usr/bin/env python3
"""Makes cases.json, which every SDK's conformance suite runs: inputs from the tables below, expected values from the C
library itself, by plain ctypes calls and by quantctl, so that no SDK is its own measure.

    make_cases.py --library libquant.so --quantctl PROGRAM --share FOLDER [--check]

--check says which cases of cases.json differ from what the library makes now, and exits with 1 where one does.
"""
import argparse
import ctypes as c
import hashlib
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROUND, SEARCH = 1, 2
ADD_SPECIAL, PARSE_SPECIAL, SKIP_SPECIAL = 1, 2, 4
PSALM = 'The LORD is my shepherd;'
TEMPLATE = ("{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}</{{ m.role }}>{% endfor %}"
            "{% if add_generation_prompt %}<assistant>{% endif %}")
TEXTS = ['In the beginning God created the heaven and the earth.', '', ' ', 'Grüße, Welt! 你好 🌍', 'a\tb\nc\r\nd', 'aaaaaaaaaaaaaaaaaaaaaaaa',
         b'nul \0 inside', b'\xff\xfe not UTF-8 \x80', b'half of a character \xf0\x9f\x8c', '</s><s>[INST] not special </s>', '0123456789' * 8]
PROMPTS = [(PSALM, 24, None), ('And it came to pass', 16, None), ('a', 8, None), ('In the', 64, 3), (b'And \0 he said', 8, None),
           ('Grüße 🌍', 8, None)]
MESSAGES = [[{'role': 'user', 'content': 'Who is my shepherd?'}],
            [{'role': 'system', 'content': 'Be short.'}, {'role': 'user', 'content': ' Grüße 🌍 '}, {'role': 'assistant', 'content': 'x'}]]
SEARCHED = ['Q4_0', 'Q4_K', 'Q6_K', 'IQ4_NL', 'IQ2_XXS']
ROWS, COLS = 4, 512


class Options(c.Structure):
    """What the library fills; room for every struct of options here."""
    _fields_ = [('size', c.c_size_t), ('rest', c.c_ubyte * 248)]


class Generate(c.Structure):
    _fields_ = [('size', c.c_size_t), ('prompt', c.c_char_p), ('prompt_bytes', c.c_size_t), ('text_flags', c.c_uint32),
                ('whole', c.c_int32), ('max_tokens', c.c_uint32), ('sampling', c.c_void_p), ('on_text', c.c_void_p),
                ('on_prefill', c.c_void_p), ('user', c.c_void_p)]


class Generated(c.Structure):
    _fields_ = [('size', c.c_size_t), ('stop', c.c_int), ('prompt_tokens', c.c_uint32), ('cached_tokens', c.c_uint32),
                ('generated_tokens', c.c_uint32), ('prefill_seconds', c.c_double), ('decode_seconds', c.c_double),
                ('seed', c.c_uint64), ('drafted_tokens', c.c_uint32), ('accepted_tokens', c.c_uint32)]


class EncodingInfo(c.Structure):
    _fields_ = [('size', c.c_size_t), ('id', c.c_int), ('name', c.c_char_p), ('family', c.c_char_p), ('summary', c.c_char_p),
                ('block_weights', c.c_uint32), ('block_bytes', c.c_uint32), ('bits_per_weight', c.c_double)]


class Input(c.Structure):
    _fields_ = [('text', c.c_char_p), ('text_bytes', c.c_size_t), ('tokens', c.c_void_p), ('token_count', c.c_size_t)]


class Embedding(c.Structure):
    _fields_ = [('size', c.c_size_t), ('values', c.POINTER(c.c_float)), ('rows', c.c_uint32), ('dimensions', c.c_uint32),
                ('tokens', c.c_uint32), ('tokens_cut', c.c_uint32)]


class ModelInfo(c.Structure):
    _fields_ = [('size', c.c_size_t), ('name', c.c_char_p), ('architecture', c.c_char_p), ('type_name', c.c_char_p),
                ('parameters', c.c_uint64), ('file_bytes', c.c_uint64), ('bits_per_weight', c.c_double),
                ('context_length', c.c_uint32), ('vocabulary_size', c.c_uint32)]


class Render(c.Structure):
    _fields_ = [('size', c.c_size_t), ('messages_json', c.c_char_p), ('tools_json', c.c_char_p), ('add_generation_prompt', c.c_int32),
                ('bos_token', c.c_char_p), ('eos_token', c.c_char_p), ('now', c.c_char_p), ('variables_json', c.c_char_p)]


TextFn = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p, c.c_size_t)


def told(text):
    """A text of a case: as it is, or in hexadecimal where it is not UTF-8 or holds NUL."""
    data = text.encode() if isinstance(text, str) else text
    try:
        plain = data.decode()
    except UnicodeDecodeError:
        plain = '\0'
    return {'hex': data.hex()} if '\0' in plain else plain


def as_bytes(text):
    return text.encode() if isinstance(text, str) else text


def weights(count):
    return struct.pack('<%df' % count, *(((i * 7919 + 13) % 2001 - 1000) / 1024 for i in range(count)))


class Library:
    def __init__(self, path):
        self.lib = c.CDLL(path)
        self.lib.quant_error_message.restype = c.c_char_p
        self.lib.quant_encoding_count.restype = c.c_size_t
        self.lib.quant_model_tokenizer.restype = c.c_void_p
        self.lib.quant_string_free.restype = None

    def call(self, name, *arguments):
        status = getattr(self.lib, name)(*arguments)
        if status:
            raise RuntimeError('%s: %d: %s' % (name, status, self.lib.quant_error_message().decode()))

    def handle(self, name, *arguments):
        out = c.c_void_p()
        self.call(name, c.byref(out), *arguments)
        return out

    def encodings(self):
        for index in range(self.lib.quant_encoding_count()):
            info = EncodingInfo(size=c.sizeof(EncodingInfo))
            self.call('quant_encoding_get', c.c_size_t(index), c.byref(info))
            yield info

    def encode(self, encoding, method, rows, cols):
        data, size, options = weights(rows * cols), c.c_uint64(), Options()
        # size_t size; quant_method method; ...
        self.lib.quant_encode_options_init(c.byref(options), c.c_size_t(40))
        struct.pack_into('<i', options.rest, 0, method)
        self.call('quant_encoded_size', encoding, c.c_uint64(rows), c.c_uint64(cols), c.byref(size))
        out, back = (c.c_ubyte * size.value)(), (c.c_float * (rows * cols))()
        self.call('quant_encode', encoding, data, c.c_uint64(rows), c.c_uint64(cols), c.byref(options), out, size)
        self.call('quant_decode', encoding, out, size, c.c_uint64(rows), c.c_uint64(cols), back)
        return {'bytes': size.value, 'sha256': hashlib.sha256(bytes(out)).hexdigest(),
                'decoded_sha256': hashlib.sha256(bytes(back)).hexdigest()}

    def render(self, source, messages, opens):
        options, text = Render(), c.c_void_p()
        self.lib.quant_render_options_init(c.byref(options), c.c_size_t(c.sizeof(options)))
        options.messages_json = json.dumps(messages).encode()
        options.add_generation_prompt = opens
        self.call('quant_template_render', source.encode(), c.c_size_t(len(source.encode())), b'template', c.byref(options),
                  c.byref(text))
        out = c.string_at(text.value)
        self.lib.quant_string_free(text)
        return out


class Model:
    def __init__(self, library, path):
        self.of, self.handle = library, library.handle('quant_model_open', str(path).encode(), None)
        self.tokenizer = c.c_void_p(library.lib.quant_model_tokenizer(self.handle))
        info = ModelInfo()
        # The struct may be longer than what is read here: it is a prefix with the size of the first version.
        room = (c.c_ubyte * 128)()
        for size in range(c.sizeof(ModelInfo), 129, 8):
            c.cast(room, c.POINTER(c.c_size_t))[0] = size
            if library.lib.quant_model_get_info(self.handle, room) == 0:
                break
        else:
            raise RuntimeError('no size of quant_model_info is taken')
        c.memmove(c.byref(info), room, c.sizeof(info))
        self.vocabulary = info.vocabulary_size

    def tokenize(self, text, flags):
        data, count = as_bytes(text), c.c_size_t()
        ids = (c.c_int32 * (len(data) + 8))()
        self.of.call('quant_tokenize', self.tokenizer, data, c.c_size_t(len(data)), flags, ids, c.c_size_t(len(ids)), c.byref(count))
        return list(ids[:count.value])

    def detokenize(self, ids, flags):
        text, count = c.c_void_p(), c.c_size_t()
        self.of.call('quant_detokenize', self.tokenizer, (c.c_int32 * len(ids))(*ids), c.c_size_t(len(ids)), flags, c.byref(text),
                     c.byref(count))
        out = c.string_at(text.value, count.value)
        self.of.lib.quant_string_free(text)
        return out

    def session(self):
        return self.of.handle('quant_session_new', self.handle, None)

    def logits(self, ids):
        session, out = self.session(), (c.c_float * self.vocabulary)()
        self.of.call('quant_session_run', session, (c.c_int32 * len(ids))(*ids), c.c_size_t(len(ids)), None, out)
        self.of.lib.quant_session_free(session)
        return list(out)

    def generate(self, prompt, max_tokens, stop_after):
        session, options, sampling = self.session(), Generate(), (c.c_ubyte * 128)()
        self.of.lib.quant_sampling_init(sampling, c.c_size_t(96))    # That of the first version.
        struct.pack_into('<f', sampling, 8, 0.0)                     # temperature
        self.of.lib.quant_generate_options_init(c.byref(options), c.c_size_t(c.sizeof(options)))
        pieces = []

        def take(_, text, size):
            pieces.append(c.string_at(text, size))
            return int(stop_after is not None and len(pieces) >= stop_after)
        function = TextFn(take)
        data = as_bytes(prompt)
        options.prompt, options.prompt_bytes, options.max_tokens = data, len(data), max_tokens
        options.sampling, options.on_text = c.addressof(sampling), c.cast(function, c.c_void_p).value
        result = Generated(size=c.sizeof(Generated))
        self.of.call('quant_generate', session, c.byref(options), c.byref(result))
        self.of.lib.quant_session_free(session)
        return {'text': told(b''.join(pieces)), 'stop': ('END', 'LENGTH', 'CONTEXT', 'CALLER', 'TEXT')[result.stop],
                'prompt_tokens': result.prompt_tokens, 'generated_tokens': result.generated_tokens}

    def embed(self, texts):
        data = [as_bytes(text) for text in texts]
        inputs = (Input * len(data))(*(Input(text=d, text_bytes=len(d)) for d in data))
        made, out = self.of.handle('quant_model_embed', self.handle, inputs, c.c_size_t(len(data)), None), []
        for index in range(len(data)):
            one = Embedding(size=c.sizeof(Embedding))
            self.of.call('quant_embeddings_get', made, c.c_size_t(index), c.byref(one))
            out.append(([float('%.6g' % one.values[i]) for i in range(8)], one.dimensions))
        self.of.lib.quant_embeddings_free(made)
        return out


def make(library, quantctl, share, scratch):
    cases = []

    def case(kind, name, given, expect, **more):
        cases.append({'name': '%s: %s' % (kind, name), 'kind': kind, 'input': given, 'expect': expect, **more})

    kjv = share / 'models' / 'kjv-5m'
    env = dict(os.environ, QUANT_HOME=str(scratch), QUANT_SHARE=str(share))

    def quantized(kind, method='round'):
        path = scratch / ('%s-%s.gguf' % (kind, method))
        subprocess.run([quantctl, 'quantize', kjv, kind, '--method', method, '--output', path], env=env, check=True,
                       capture_output=True)
        return path

    q8_path = quantized('Q8_0')
    models = {'q8': Model(library, q8_path), 'base': Model(library, kjv)}
    q8 = models['q8']

    case('version', 'of the library', {}, {'prefix': '0.'})
    for e in library.encodings():
        name = e.name.decode()
        case('encoding', name, {'name': name}, {'id': e.id, 'block_weights': e.block_weights, 'block_bytes': e.block_bytes,
                                                'bits_per_weight': e.bits_per_weight})
    case('encoding', 'in small letters', {'name': 'q4_k'}, next(x['expect'] for x in cases if x['name'] == 'encoding: Q4_K'))
    for e in library.encodings():
        name = e.name.decode()
        case('encode', name, {'encoding': name, 'method': 'ROUND', 'rows': ROWS, 'cols': COLS},
             library.encode(e.id, ROUND, ROWS, COLS))
    for e in library.encodings():
        name = e.name.decode()
        if name in SEARCHED:
            case('encode', name + ', searched', {'encoding': name, 'method': 'SEARCH', 'rows': ROWS, 'cols': COLS},
                 library.encode(e.id, SEARCH, ROWS, COLS))
    for which in models:
        for number, text in enumerate(TEXTS):
            for add, parse in ((True, True), (False, False)):
                if which == 'base' and not add:
                    continue
                case('tokenize', '%s, text %d%s' % (which, number, ', no special' * (not add)),
                     {'model': which, 'text': told(text), 'add_special': add, 'parse_special': parse},
                     {'ids': models[which].tokenize(text, ADD_SPECIAL * add | PARSE_SPECIAL * parse)})
    for number, text in enumerate(TEXTS):
        ids = q8.tokenize(text, ADD_SPECIAL)
        for skip in (False, True):
            case('detokenize', 'text %d%s' % (number, ', special left out' * skip), {'model': 'q8', 'ids': ids, 'skip_special': skip},
                 {'text': told(q8.detokenize(ids, SKIP_SPECIAL * skip))})
    for number, messages in enumerate(MESSAGES):
        for opens in (True, False):
            case('render', 'messages %d%s' % (number, ', open' * opens),
                 {'template': TEMPLATE, 'messages': messages, 'add_generation_prompt': opens},
                 {'text': told(library.render(TEMPLATE, messages, opens))})
    for number, (prompt, tokens, stop_after) in enumerate(PROMPTS):
        given = {'model': 'q8', 'prompt': told(prompt), 'max_tokens': tokens}
        if stop_after is not None:
            given['stop_after'] = stop_after
        case('generate', 'prompt %d' % number, given, q8.generate(prompt, tokens, stop_after))
    case('generate', 'of the base', {'model': 'base', 'prompt': PSALM, 'max_tokens': 8}, models['base'].generate(PSALM, 8, None))
    for number, text in enumerate((PSALM, 'a')):
        ids = q8.tokenize(text, ADD_SPECIAL)
        logits = q8.logits(ids)
        at = [0, 1, 2, 3, 100, len(logits) - 1]
        case('logits', 'text %d' % number, {'model': 'q8', 'ids': ids},
             {'argmax': logits.index(max(logits)), 'at': at, 'values': [float('%.6g' % logits[i]) for i in at]}, tolerance=1e-3)
    texts = [PSALM, 'Grüße 🌍', b'nul \0 inside']
    found = q8.embed(texts)
    case('embed', 'three texts', {'model': 'q8', 'texts': [told(t) for t in texts]},
         {'dimensions': found[0][1], 'first': [first for first, _ in found]}, tolerance=1e-4)
    text = (kjv / 'heldout.txt').read_text(encoding='utf-8')[:6000]
    part = scratch / 'part.txt'
    part.write_text(text, encoding='utf-8')
    measured = json.loads(subprocess.run([quantctl, 'eval', q8_path, '--text', part, '--no-bench', '--json'], env=env, check=True,
                                         capture_output=True, text=True).stdout)
    case('perplexity', 'of a part of the held-out text', {'model': 'q8', 'text': text},
         {'perplexity': float('%.6g' % find(measured, 'ppl')), 'tokens': find(measured, 'tokens')}, tolerance=1e-3)
    for kind in ('Q8_0', 'Q4_0', 'Q4_K_M'):
        case('quantize', kind, {'type': kind, 'method': 'ROUND'}, {'bytes': quantized(kind).stat().st_size, 'progress': True})
    case('quantize_cancelled', 'Q4_K_M', {'type': 'Q4_K_M'}, {'status': 'CANCELLED', 'left': []})
    for call, given, status, has in (
            ('open_model', {'path': '/nowhere/model.gguf'}, 'NOT_FOUND', '/nowhere/model.gguf'),
            ('open_tokenizer', {'path': '/nowhere/tokenizer.json'}, 'NOT_FOUND', '/nowhere'),
            ('find_encoding', {'name': 'Q99'}, 'NOT_FOUND', 'Q99'),
            ('encode', {'encoding': 'Q4_0', 'rows': 1, 'cols': 33}, 'ARGUMENT', '33'),
            ('detokenize', {'model': 'q8', 'ids': [1 << 30]}, 'ARGUMENT', str(1 << 30)),
            ('render', {'template': '{% for %}', 'messages': []}, 'TEMPLATE', '1'),
            ('plan', {'type': 'Q99_K'}, 'NOT_FOUND', 'Q99_K'),
            ('resolve', {'name': 'no-such-model'}, 'NOT_FOUND', 'no-such-model'),
            ('open_shared', {'name': 'kjv-5m', 'socket': '/nowhere/quantd.sock'}, 'UNAVAILABLE', '/nowhere/quantd.sock')):
        case('error', call, {'call': call, **given}, {'status': status, 'message_has': has})
    case('catalog', 'a file is imported', {'name': 'conform:q8'}, {'name': 'conform:q8', 'model': 'conform', 'variant': 'q8'})
    case('callback_fails', 'a generation ends with the error', {'model': 'q8', 'prompt': PSALM, 'max_tokens': 8}, {'propagates': True})
    case('shared', 'a model of the daemon', {'prompt': PSALM, 'max_tokens': 24}, q8.generate(PSALM, 24, None))
    return {'format': 1, 'model': 'kjv-5m', 'cases': cases}


def find(value, key):
    """The first value of that key, however deep."""
    if isinstance(value, dict):
        if key in value:
            return value[key]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            found = find(item, key)
            if found is not None:
                return found
    return None


def same(old, new):
    """Equal, floats of results to a relative 1e-5."""
    if isinstance(old, float) or isinstance(new, float):
        return abs(old - new) <= 1e-5 * max(1, abs(old), abs(new))
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(same(old[k], new[k]) for k in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(same, old, new))
    return old == new


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--library', required=True)
    parser.add_argument('--quantctl', required=True)
    parser.add_argument('--share', required=True, type=pathlib.Path)
    parser.add_argument('--check', action='store_true')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        made = make(Library(options.library), options.quantctl, options.share.resolve(), pathlib.Path(scratch))
    path = HERE / 'cases.json'
    if options.check:
        kept = {case['name']: case for case in json.loads(path.read_text(encoding='utf-8'))['cases']}
        new = {case['name']: case for case in made['cases']}
        differ = sorted(name for name in kept.keys() | new.keys() if not same(kept.get(name), new.get(name)))
        for name in differ:
            print('differs: %s\n  kept %s\n  made %s' % (name, json.dumps(kept.get(name)), json.dumps(new.get(name))))
        print('%d cases, %d differ' % (len(new), len(differ)))
        return 1 if differ else 0
    lines = ',\n'.join('  ' + json.dumps(case, ensure_ascii=False) for case in made['cases'])
    path.write_text('{"format": 1, "model": "kjv-5m", "cases": [\n%s\n]}\n' % lines, encoding='utf-8')
    print('%d cases' % len(made['cases']))
    return 0


if __name__ == '__main__':
    sys.exit(main())
