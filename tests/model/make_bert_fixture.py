#!/usr/bin/env python3
"""Makes the tiny encoder of the tests, and what the reference libraries say of it.

    make_bert_fixture.py TESTS_DATA

Needs torch, transformers and tokenizers. Writes model/bert-tiny (random weights, with golden.json: tokens and
embeddings of texts) and tokenizer/wordpiece-bert (the same vocabulary, with ids and decoded texts).
"""
import json
import os
import shutil
import sys

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'
WORDS = ['the', 'in', 'beginning', 'god', 'created', 'heaven', 'and', 'earth', 'how', 'do', 'not', 'bake', 'bread', 'cafe',
         'facade', 'don', 'step', 'by', 'und', 'tokyo', '\u6771', '\u4eac', '\u4e2d', '\u56fd', '\u3042', '\u3044',
         '\ud55c', 'tr', 'unbe', 'liev', 'istanbul', 'ss', '\u00df', '\u03c3', '\u0434\u043e\u043c', '\u20ac', '\U0001f600']
PIECES = ['ing', 'ed', 's', 'able', 'ly', 'th', 'er', '\u3044', '\u0430', '\u03c2', '\ufb01']
PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~\u00a7\u00b6\u2014\u2026\u3002\u3001'
TEXTS = [
    '', ' ', '\t\n ', 'the', 'THE', 'In the beginning God created the heaven and the earth.', 'How do I bake bread?',
    'Caf\u00e9 fa\u00e7ade', 'CAFE\u0301', 'na\u00efve \u0141\u00d3D\u0179', '\u0130stanbul', 'stra\u00dfe STRASSE',
    '\u6771\u4eac', 'tokyo\u6771\u4eactokyo', '\u4e2d\u56fd bread', '\u3042\u3044', '\ud55c\uad6d\uc5b4', '\u1112\u1161\u11ab',
    "don't", "do n't do not 's 've 're 'm", 'a,b.c!d?e', '...', '!?;:', 'x' * 99, 'x' * 100, 'x' * 101, 'unbelievably',
    'unbelievable!', 'qqqq\u2603', '\u2603', '\U0001f600', 'the \U0001f600\U0001f601 earth', 'the\u00a0earth', 'the\u2003earth',
    'the\u200bearth', 'the\u200dearth', 'the\u00adearth', 'the\ufeffearth', 'the\u0000earth', 'the\ufffdearth',
    'the\u0007earth', 'the\rearth', 'the\u0085earth', 'the\u2028earth', 'the\u000bearth', '$9.99 (50% off) <b>^`|~+=',
    'a_b-c/d\\e', '\u00a7\u00b6\u2014\u2026', '\u3002\u3001', '[CLS] the [SEP]', '[MASK]', '[mask]', '[UNK]', 'the[SEP]earth',
    '##ing', '# # ing', '\u03a3\u03c3\u03c2 \u039f\u0394\u039f\u03a3', '\u0414\u041e\u041c\u0410 \u0434\u043e\u043c', '\ufb01sh',
    'e\u0301e\u0300\u0323 a\u20dd', '\u0e20\u0e32\u0e29\u0e32', '\u0939\u093f\u0928\u094d\u0926\u0940', '\u05e9\u05c1\u05dc\u05d5\u05dd',
    '\u20ac5', '\U00020000\U0002a6df\u9fff\u3400', '\U0002b820', 'a' * 50 + ' ' + 'b' * 120, '1234567890 12.5e3', 'bread ' * 100,
]


def tokenizer():
    tokens = list(SPECIAL)
    for group in (LETTERS, WORDS, PUNCTUATION, ['##' + c for c in LETTERS], ['##' + p for p in PIECES]):
        tokens += [t for t in group if t not in tokens]
    out = Tokenizer(models.WordPiece({t: i for i, t in enumerate(tokens)}, unk_token='[UNK]', max_input_chars_per_word=100))
    out.add_special_tokens(SPECIAL)
    out.normalizer = normalizers.BertNormalizer()
    out.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    out.decoder = decoders.WordPiece()
    out.post_processor = processors.TemplateProcessing(
        single='[CLS] $A [SEP]', pair='[CLS] $A [SEP] $B:1 [SEP]:1', special_tokens=[('[CLS]', 2), ('[SEP]', 3)])
    return out


def write(folder, name, value):
    os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
    with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
        json.dump(value, file, ensure_ascii=True, indent=1)
        file.write('\n')


def make_tokenizer(folder, tok):
    os.makedirs(folder, exist_ok=True)
    tok.save(os.path.join(folder, 'tokenizer.json'))
    cases = []
    for text in TEXTS:
        plain = tok.encode(text, add_special_tokens=False).ids
        cases.append({'text': text, 'ids': tok.encode(text).ids, 'ids_no_special': plain,
                      'decoded': tok.decode(plain, skip_special_tokens=False), 'decoded_skip_special': tok.decode(plain)})
    write(folder, 'golden.json', {'vocab_size': tok.get_vocab_size(), 'n_cases': len(cases), 'cases': cases})


def make_model(folder, tok):
    torch.manual_seed(7)
    config = BertConfig(vocab_size=tok.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
                        intermediate_size=64, max_position_embeddings=160, initializer_range=0.3)
    model = BertModel(config, add_pooling_layer=False).eval()
    for name, p in model.named_parameters():  # Norms and biases that do something.
        if name.endswith('bias') or 'LayerNorm' in name:
            p.data += 0.2 * torch.randn_like(p)
    model.save_pretrained(folder)
    tok.save(os.path.join(folder, 'tokenizer.json'))
    write(folder, 'modules.json', [
        {'idx': 0, 'name': '0', 'path': '', 'type': 'sentence_transformers.models.Transformer'},
        {'idx': 1, 'name': '1', 'path': '1_Pooling', 'type': 'sentence_transformers.models.Pooling'},
        {'idx': 2, 'name': '2', 'path': '2_Normalize', 'type': 'sentence_transformers.models.Normalize'}])
    write(folder, '1_Pooling/config.json', {'word_embedding_dimension': 32, 'pooling_mode_cls_token': False,
                                            'pooling_mode_mean_tokens': True, 'pooling_mode_max_tokens': False})
    write(folder, 'sentence_bert_config.json', {'max_seq_length': 128, 'do_lower_case': False})
    cases = []
    for text in [t for t in TEXTS if t.strip()]:
        ids = tok.encode(text).ids
        with torch.no_grad():
            states = model(torch.tensor([ids])).last_hidden_state[0]
        rounded = lambda row: [round(float(x), 6) for x in row]
        cases.append({'text': text, 'ids': ids, 'mean': rounded(states.mean(0)), 'cls': rounded(states[0]),
                      'last': rounded(states[-1])})
    write(folder, 'golden.json', {'cases': cases[::4] + [cases[-1]]})


if __name__ == '__main__':
    shutil.rmtree(os.path.join(sys.argv[1], 'model/bert-tiny'), ignore_errors=True)
    made = tokenizer()
    make_tokenizer(os.path.join(sys.argv[1], 'tokenizer/wordpiece-bert'), made)
    make_model(os.path.join(sys.argv[1], 'model/bert-tiny'), made)
