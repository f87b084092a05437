"""The public headers as the manual pages and the checks of tests/abi see them: what each declares, and
the comment right before it. The headers keep to a plain style (one declaration a
statement, doc comments in /** */), and whatever is not understood is an error here
and not passed over."""
import os
import re
import sys

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|^[ \t]*#(?:[^\n\\]|\\.|\\\n)*|"(?:\\.|[^"\\\n])*"|[{};]|[^/#{};"]+|.',
                   re.S | re.M)


class Declaration:
    """kind: 'function', 'struct', 'handle', 'enum', 'flags' or 'callback'."""

    def __init__(self, header, line, kind, name, text, comment, source):
        self.header, self.line, self.kind, self.name = header, line, kind, name
        self.text, self.comment = text, comment    # Whitespace folded; with its marks.
        self.source = source                       # As it stands in the file.

    @property
    def where(self):
        return '%s:%d: %s' % (self.header, self.line, self.name)

    @property
    def returns_status(self):
        return self.kind == 'function' and re.match(r'QUANT_API\s+quant_status\b(?!\s*\*)', self.text) is not None

    @property
    def parameters(self):
        """Names of a function's or a callback's parameters."""
        inside = self.text[self.text.rindex('(') + 1:self.text.rindex(')')]
        words = [re.findall(r'\w+', part)[-1] for part in inside.split(',') if part.strip()]
        return [] if words == ['void'] else words


def classify(text):
    """Kind and name of one declaration, its whitespace folded; None for none."""
    patterns = [
        ('handle', r'typedef struct (\w+) (\w+)$'),
        ('struct', r'typedef struct (\w+) \{.*\} \1$'),
        ('enum', r'typedef enum (\w+) QUANT_AS_INT \{.*\} \1$'),
        ('flags', r'enum \{ (\w+)'),
        ('callback', r'typedef [\w *]+\(\*(\w+)\)\('),
        ('function', r'QUANT_API [\w *]*?\b(\w+)\('),
    ]
    for kind, pattern in patterns:
        match = re.match(pattern, text)
        if match:
            return kind, match.group(1)
    return None


def declarations_of(path):
    """All that a header declares, in order."""
    name = os.path.basename(path)
    with open(path, encoding='utf-8') as file:
        text = file.read()
    found, statement, comment, depth = [], '', '', 0
    start = 0
    for match in TOKEN.finditer(text):
        token = match.group()
        if token.startswith('/*'):
            if not statement.strip():
                comment = token if token.startswith('/**') else ''
            continue
        if token.startswith('//') or token.lstrip().startswith('#'):
            comment = comment if statement.strip() else ''
            continue
        if not statement.strip() and token.strip():
            start = match.start() + len(token) - len(token.lstrip())
        statement += token
        depth += {'{': 1, '}': -1}.get(token, 0)
        folded = ' '.join(statement.split())
        if folded == 'extern "C" {' or folded == '}':
            statement, comment, depth = '', '', 0
        elif token == ';' and depth == 0:
            kind = classify(folded.rstrip('; '))
            line = text.count('\n', 0, start) + 1
            if kind is None:
                sys.exit('%s:%d: not understood: %s' % (name, line, folded))
            found.append(Declaration(name, line, kind[0], kind[1], folded, comment, text[start:match.end()]))
            statement, comment = '', ''
    if statement.strip():
        sys.exit('%s: the end was not understood: %s' % (name, ' '.join(statement.split())))
    return found


def all_declarations(folder):
    found = []
    for name in sorted(os.listdir(folder)):
        if name.endswith('.h'):
            found += declarations_of(os.path.join(folder, name))
    if not found:
        sys.exit('%s: no declarations found' % folder)
    return found


def report(problems, what):
    """Print the problems; returns the exit status."""
    print(*problems, sep='\n', end='\n' if problems else '')
    print('%s: %d problems' % (what, len(problems)))
    return 1 if problems else 0
