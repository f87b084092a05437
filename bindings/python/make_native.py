#!/usr/bin/env python3
"""Makes libquant/_native.py, the structs, numbers and signatures of the C library, from its headers.

    make_native.py INCLUDE_FOLDER [--check]

--check changes nothing, and exits with 1 where the file is not what the headers say.
"""
import pathlib
import re
import sys

OUTPUT = pathlib.Path(__file__).resolve().parent / 'libquant' / '_native.py'
PLAIN = {'size_t': 'c_size_t', 'uint32_t': 'c_uint32', 'int32_t': 'c_int32', 'uint64_t': 'c_uint64', 'int': 'c_int',
         'float': 'c_float', 'double': 'c_double', 'void': 'None', 'char': 'c_char'}
HEAD = '''"""Structs, numbers and signatures of the C library. Made from include/quant/ by make_native.py: do not edit."""
from ctypes import (CFUNCTYPE, POINTER, Structure, c_char, c_char_p, c_double, c_float, c_int, c_int32, c_size_t, c_uint32,
                    c_uint64, c_void_p)


class Struct(Structure):
    """A struct that refuses numbers which their field cannot hold, where ctypes would cut them."""

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        kept = getattr(self, name)
        if isinstance(kept, int) and hasattr(value, '__index__') and kept != value:
            raise ValueError('%s: %d does not fit into the %d bits of that number' % (name, value, 8 * getattr(type(self), name).size))

'''


class Headers:
    """What the headers declare. Dicts keep the order; a statement that is not understood is an error."""

    def __init__(self, folder):
        self.structs, self.enums, self.flags, self.callbacks, self.functions = {}, {}, {}, {}, {}
        for path in sorted(pathlib.Path(folder, 'quant').glob('*.h')):
            self._read(path)

    def _read(self, path):
        text = re.sub(r'/\*.*?\*/', ' ', path.read_text(encoding='utf-8'), flags=re.S)
        text = re.sub(r'^[ \t]*#(?:[^\n\\]|\\.|\\\n)*', '', text, flags=re.M).replace('QUANT_AS_INT', '')
        text = ' '.join(text.replace('extern "C" {', '').split())
        for statement in re.findall(r'[^;{]*(?:\{[^}]*\})?[^;{]*;', text):
            self._declare(path.name, statement.rstrip('; ').lstrip(' }'))

    def _declare(self, header, text):
        if re.match(r'typedef struct \w+ \w+$', text) or not text:
            return
        if m := re.match(r'typedef struct (\w+) \{(.*)\}', text):
            self.structs[m[1]] = [field for part in m[2].split(';') if part.strip() for field in fields_of(part)]
        elif m := re.match(r'typedef enum (\w+) \{(.*)\}', text):
            self.enums[m[1]] = values_of(m[2])
        elif m := re.match(r'enum \{(.*)\}', text):
            self.flags.update(values_of(m[1]))
        elif m := re.match(r'typedef (.+?)\(\*(\w+)\)\((.*)\)', text):
            self.callbacks[m[2]] = (m[1].strip(), m[3])
        elif m := re.match(r'QUANT_API (.+?)(\w+)\((.*)\)', text):
            self.functions[m[2]] = (m[1].strip(), m[3])
        else:
            sys.exit('%s: not understood: %s' % (header, text))


def fields_of(text):
    """(name, type, stars, count of an array or '') of 'const char *a, *b' or 'uint64_t shape[4]'."""
    kind, names = re.match(r'\s*(?:const )?(\w+)((?: const)?[\s*].*)', text).groups()
    for name in names.replace('const', '').split(','):
        stars, word, count = re.match(r'\s*([*\s]*)(\w+)(?:\[(\d+)\])?\s*$', name).groups()
        yield word, kind, stars.count('*'), count or ''


def values_of(text):
    return {m[1]: int(m[2]) for m in re.finditer(r'(\w+) = (\d+)', text)}


class Writer:
    def __init__(self, headers):
        self.of, self.lines, self.known = headers, [], set()

    def type(self, kind, stars, role, const=True):
        """role: 'field', 'parameter', 'callback' or 'result'. What is owned or has a length is an address."""
        if kind in self.of.structs and stars == 1:
            return 'POINTER(%s)' % kind
        if kind == 'char' and stars == 1 and const and role != 'callback':
            return 'c_char_p'
        if stars == 2:
            return 'POINTER(c_void_p)' if kind != 'char' or not const else 'POINTER(c_char_p)'
        if stars == 1 and role == 'parameter' and (kind in PLAIN and kind not in ('float', 'void', 'char') or kind in self.of.enums):
            return 'c_void_p'
        if stars:
            return 'c_void_p'
        return 'c_int' if kind in self.of.enums else kind if kind in self.of.callbacks else PLAIN[kind]

    def parameters(self, text, role):
        if text.strip() in ('', 'void'):
            return ''
        types = []
        for part in text.split(','):
            (_, kind, stars, _), = fields_of(part)
            types.append(self.type(kind, stars, role, 'const' in part))
        return ', '.join(types)

    def callback(self, name):
        result, parameters = self.of.callbacks[name]
        for struct in re.findall(r'\w+', parameters):
            self.struct(struct)
        self.lines.append('%s = CFUNCTYPE(%s, %s)' % (name, PLAIN[result], self.parameters(parameters, 'callback')))

    def struct(self, name):
        if name not in self.of.structs or name in self.known:
            return
        self.known.add(name)
        fields = self.of.structs[name]
        for _, kind, _, _ in fields:
            self.struct(kind)
            if kind in self.of.callbacks and kind not in self.known:
                self.known.add(kind)
                self.callback(kind)
        self.lines += ['', '', 'class %s(Struct):' % name, '    _fields_ = [']
        for word, kind, stars, count in fields:
            self.lines.append("        ('%s', %s%s)," % (word, self.type(kind, stars, 'field'), ' * ' + count if count else ''))
        self.lines += ['    ]', '', '']

    def text(self):
        for name, values in [*self.of.enums.items(), ('flags', self.of.flags)]:
            self.lines += ['', '# ' + name] + ['%s = %d' % pair for pair in values.items()]
        for name in self.of.structs:
            self.struct(name)
        for name in self.of.callbacks:
            if name not in self.known:
                self.callback(name)
        self.lines += ['', '# Result and parameters of each function.', 'FUNCTIONS = {']
        for name, (result, parameters) in sorted(self.of.functions.items()):
            kind = result.replace('const', '').replace('*', '').strip()
            self.lines.append("    '%s': (%s, [%s])," % (
                name, self.type(kind, result.count('*'), 'result', 'const' in result), self.parameters(parameters, 'parameter')))
        self.lines += ['}', '']
        return HEAD + re.sub(r'\n{4,}', '\n\n\n', '\n'.join(self.lines))


def main():
    made = Writer(Headers(sys.argv[1])).text()
    if '--check' not in sys.argv[2:]:
        OUTPUT.write_text(made, encoding='utf-8')
    elif OUTPUT.read_text(encoding='utf-8') != made:
        sys.exit('%s is not what the headers say: run make_native.py' % OUTPUT.name)


if __name__ == '__main__':
    main()
