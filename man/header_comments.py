"""The doc comments of the public headers, taken apart: paragraphs, parameters, errors, and the conditions that each
function's comment ends with (threads, blocking, version)."""
import re

TAG = re.compile(r'^@(param|retval|return|file)\b(\[[a-z,]+\])?\s*')
CONDITIONS = re.compile(r'(?:^|(?<=[.;)] ))(Threads: .*)$', re.S)


class Block:
    """A paragraph, an item of a list, or lines that stay as they are."""

    def __init__(self, text, is_item=False, is_code=False):
        self.text, self.is_item, self.is_code = text, is_item, is_code


def lines_of(comment):
    """Without the marks of a comment."""
    body = re.sub(r'^/\*\*<?|\*/$', '', comment.strip())
    return [re.sub(r'^\s*\* ?', '', line).rstrip() for line in body.split('\n')]


def file_comment(path):
    """The first comment of a header."""
    with open(path, encoding='utf-8') as file:
        return re.match(r'/\*\*.*?\*/', file.read(), re.S).group()


class Comment:
    """blocks, parameters [(name, text)], returns, errors [(names, text)], conditions."""

    def __init__(self, comment):
        self.blocks, self.parameters, self.errors = [], [], []
        self.returns = self.conditions = ''
        for kind, words in self._parts(lines_of(comment)):
            self._take(kind, words)

    @staticmethod
    def _parts(lines):
        """(tag or '', lines), each until the next tag or an empty line."""
        kind, words = '', []
        for line in lines + ['']:
            tag = TAG.match(line.strip())
            starts_item = re.match(r'\s*- ', line) is not None
            if words and (not line.strip() or tag or starts_item or line.startswith('Threads:')):
                yield kind, words
                kind, words = '', []
            if tag:
                kind, line = tag.group(1), line.strip()[tag.end():]
                if kind == 'file':
                    kind = ''
            if line.strip():
                words.append(line)

    def _take(self, kind, words):
        if not kind and all(line.startswith('    ') for line in words):
            return self.blocks.append(Block('\n'.join(line[4:] for line in words), is_code=True))
        text = ' '.join(' '.join(words).split())
        cut = CONDITIONS.search(text)
        if cut:
            self.conditions = cut.group(1)
            text = text[:cut.start()].strip()
        if not text:
            return None
        if kind == 'param':
            return self.parameters.append(self._named(text, r'\w+(?:, \w+)*'))
        if kind == 'retval':
            return self.errors.append(self._named(text, r'(?:QUANT_\w+|Others)(?:, (?:QUANT_\w+))*'))
        if kind == 'return':
            self.returns = text
            return None
        is_item = text.startswith('- ')
        return self.blocks.append(Block(text[2:] if is_item else text, is_item=is_item))

    @staticmethod
    def _named(text, names):
        match = re.match(r'(%s)\s*(.*)$' % names, text, re.S)
        if not match:
            raise SystemExit('header_comments.py: not understood: ' + text)
        return match.group(1), match.group(2)
