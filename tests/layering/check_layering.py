#!/usr/bin/env python3
"""Checks that the sources obey the dependency law in rooms.txt.

    check_layering.py ROOT          exit 1 and one line for each breach
    check_layering.py --self-test   proves on small made-up trees that each kind of
                                    breach is found, and that a lawful tree has none

Includes are read from the text of the sources, not from what the compiler was told,
so that a file which no build compiles is held to the law too.
"""
import fnmatch
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CODE = ('.c', '.cpp', '.h', '.hpp', '.def', '.py', '.sh')
C_CODE = ('.c', '.cpp', '.h', '.hpp', '.def')
# Folders that hold code; share/ and tests/data hold what the code reads.
FOLDERS = ('include', 'lib', 'daemon', 'cli', 'bindings', 'examples', 'bench', 'tests', 'man', 'share/build')

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>\n]+)>|"([^"\n]+)"|(\w+))', re.M)
NAME_FOR_FILE = re.compile(r'^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+"([^"\n]+\.(?:h|def))"', re.M)
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


class Law:
    """rooms.txt, with the closure of what each room may include."""

    def __init__(self, path):
        self.rooms, self.users, self.only = {}, {}, []
        self.public, self.public_cpp, self.alike, self.lines = set(), set(), set(), 0
        with open(path, encoding='utf-8') as file:
            for number, line in enumerate(file, 1):
                words = line.split('#')[0].split()
                if words:
                    self._read(words, '%s:%d' % (path, number))

    def _read(self, words, where):
        kind, rest = words[0], words[1:]
        if kind in ('room', 'user'):
            # A room stands below those that include it, so that no circle can be stated.
            unknown = [room for room in rest[1:] if room not in self.rooms]
            if unknown:
                sys.exit('%s: %s is not stated above' % (where, unknown[0]))
            if kind == 'room':
                closed = {rest[0]}
                for room in rest[1:]:
                    closed |= self.rooms[room]
                self.rooms[rest[0]] = closed
            else:
                self.users[rest[0]] = set(rest[1:])
        elif kind == 'only' and len(rest) > 2 and rest[1] == 'in':
            self.only.append((rest[0], rest[2:]))
        elif kind == 'public':
            self.public.update(rest)
        elif kind == 'public_cpp':
            self.public_cpp.update(rest)
        elif kind == 'alike':
            self.alike.update(rest)
        elif kind == 'lines':
            self.lines = int(rest[0])
        else:
            sys.exit('%s: not a statement: %s' % (where, ' '.join(words)))


def without_comments(text):
    """Comments become blank, strings stay (an include may be one), lines keep their numbers."""
    def blank(match):
        found = match.group()
        return found if found.startswith('"') else re.sub(r'[^\n]', ' ', found)
    return COMMENT.sub(blank, text)


class Tree:
    """The files of code below a root, and the breaches found in them."""

    def __init__(self, root, law):
        self.root, self.law, self.breaches = root, law, []
        self.files = sorted(self._walk())
        self.texts = {}
        for path in self.files:
            with open(os.path.join(root, path), encoding='utf-8', errors='replace') as file:
                self.texts[path] = file.read()
        self.code = {p: without_comments(t) for p, t in self.texts.items() if p.endswith(C_CODE)}
        self.file_names = {}     # Macros that stand for a file to include.
        for text in self.code.values():
            for name, value in NAME_FOR_FILE.findall(text):
                self.file_names.setdefault(name, set()).add(value)

    def _walk(self):
        for folder in FOLDERS:
            for where, folders, names in os.walk(os.path.join(self.root, folder)):
                folders[:] = [f for f in folders if not f.startswith(('.', '__'))]
                if os.path.relpath(where, self.root) == 'tests':
                    folders[:] = [f for f in folders if f != 'data']
                for name in names:
                    if name.endswith(CODE) or name == 'meson.build':
                        yield os.path.relpath(os.path.join(where, name), self.root)

    def breach(self, path, text, at, sentence, *words):
        line = ':%d' % (text.count('\n', 0, at) + 1) if text is not None else ''
        self.breaches.append('%s%s: %s' % (path, line, sentence % words))

    def exists(self, *parts):
        return os.path.isfile(os.path.join(self.root, *parts))

    def check(self):
        for path, text in self.code.items():
            for match in INCLUDE.finditer(text):
                angle, quoted, macro = match.groups()
                for name in [angle or quoted] if not macro else sorted(self.file_names.get(macro, ())):
                    self.check_include(path, text, match.start(), name, quoted=not angle)
        self.check_names()
        self.check_lengths()
        return self.breaches

    def check_include(self, path, text, at, name, quoted):
        parts = path.split(os.sep)
        for pattern, folders in self.law.only:
            if fnmatch.fnmatch(name, pattern) and not any(path.startswith(f + os.sep) for f in folders):
                self.breach(path, text, at, '%s belongs in %s', name, ' and '.join(folders))
        if '..' in name.split('/') or name.startswith('/'):
            self.breach(path, text, at, '"%s" is a path of its own; name the room and the file', name)
        elif parts[0] == 'include':
            allowed = self.law.public | (self.law.public_cpp if path.endswith('.hpp') else set())
            if not name.startswith('quant/') and name not in allowed:
                self.breach(path, text, at, 'a public header may not include %s', name)
        elif name.startswith('quant/'):
            if not self.exists('include', name):
                self.breach(path, text, at, '%s is no public header', name)
        elif parts[0] == 'lib':
            self.check_room(path, text, at, name, parts[1], quoted)
        elif parts[0] in self.law.users:
            self.check_user(path, text, at, name, parts[0], quoted)

    def check_room(self, path, text, at, name, room, quoted):
        target = name.split('/')[0]
        if room not in self.law.rooms:
            self.breach(path, text, at, 'rooms.txt does not know the room %s', room)
        elif target in self.law.rooms and (quoted or self.exists('lib', name)):
            if target not in self.law.rooms[room]:
                self.breach(path, text, at, '%s may not include %s (%s)', room, target, name)
            elif not self.exists('lib', name):
                self.breach(path, text, at, 'there is no lib/%s', name)
        elif quoted:
            self.breach(path, text, at, '"%s" does not begin with a room', name)

    def check_user(self, path, text, at, name, folder, quoted):
        own = self.exists(os.path.dirname(path), name) or self.exists(folder, name)
        if quoted and own:
            return
        target = name.split('/')[0]
        if self.exists('lib', name) or (quoted and target in self.law.rooms):
            if target not in self.law.users[folder]:
                self.breach(path, text, at, '%s uses the public headers only, not lib/%s', folder, name)
        elif quoted:
            self.breach(path, text, at, 'there is no %s in %s', name, folder)

    def check_names(self):
        # Public headers are named for the room they show, and always included as
        # <quant/...>: their names stand apart from all others.
        seen = {}
        for path in self.files:
            name = os.path.basename(path)
            if name in self.law.alike or path.startswith('include' + os.sep):
                continue
            if name in seen:
                self.breach(path, None, 0, 'the name is taken by %s', seen[name])
            seen.setdefault(name, path)

    def check_lengths(self):
        for path, text in self.texts.items():
            count = len(text.splitlines())
            if count > self.law.lines:
                self.breach(path, None, 0, '%d lines; at most %d', count, self.law.lines)


LAWFUL = {
    'include/quant/a.h': '#include <quant/b.h>\n#include <stddef.h>\n',
    'include/quant/b.h': '#include <stdint.h>\n',
    'include/quant/c.hpp': '#include <memory>\n',
    'lib/base/file.h': '#include <quant/a.h>\n#include <string>\n',
    'lib/encoding/b.h': '#include "base/file.h"\n',
    'lib/kernel/x86/blocks.h': '#include <immintrin.h>\n#include "encoding/b.h"\n#include "base/file.h"\n',
    'lib/machine/cpu.cpp': '#include <cpuid.h>\n// #include "kernel/ops.h"\n/*\n#include "api/x.h"\n*/\n',
    'lib/model/run.cpp': '#define TABLE "kernel/table.def"\n#include TABLE\n#include "text/words.h"\n',
    'lib/kernel/table.def': '', 'lib/text/words.h': '', 'lib/encoding/table.def': '',
    'cli/main.cpp': '#include "verb.h"\n#include <quant/a.h>\n#include <CLI/CLI.hpp>\n',
    'cli/verb.h': '#include <vector>\n',
    'daemon/serve.cpp': '#include "base/file.h"\n',
}
UNLAWFUL = [
    ('lib/base/up.cpp', '#include "kernel/table.def"\n', 'base may not include kernel'),
    ('lib/text/up.cpp', '#include "encoding/b.h"\n', 'text may not include encoding'),
    ('lib/text/up.cpp', '#  include <encoding/b.h>\n', 'text may not include encoding'),
    ('lib/text/up.cpp', '#define T "model/words.def"\n#include T\n', 'text may not include model'),
    ('lib/text/up.cpp', '#include "../encoding/b.h"\n', 'a path of its own'),
    ('lib/text/up.cpp', '#include "words.h"\n', 'does not begin with a room'),
    ('lib/text/up.cpp', '#include "base/none.h"\n', 'there is no lib/base/none.h'),
    ('lib/text/up.cpp', '#include <quant/none.h>\n', 'no public header'),
    ('lib/text/up.cpp', '/* not\n*/ int x;\n#include <immintrin.h>\n', 'lib/text/up.cpp:3: immintrin.h belongs in'),
    ('lib/encoding/up.cpp', '#include <arm_neon.h>\n', 'arm_neon.h belongs in'),
    ('lib/text/up.cpp', '#include <cpuid.h>\n', 'cpuid.h belongs in'),
    ('lib/model/up.cpp', '#include <sqlite3.h>\n', 'sqlite3.h belongs in'),
    ('lib/attic/up.cpp', '#include "base/file.h"\n', 'does not know the room attic'),
    ('cli/up.cpp', '#include "base/file.h"\n', 'public headers only'),
    ('cli/up.cpp', '#include <base/file.h>\n', 'public headers only'),
    ('cli/up.cpp', '#include "../lib/base/file.h"\n', 'a path of its own'),
    ('examples/up.c', '#include "text/words.h"\n', 'public headers only'),
    ('daemon/up.cpp', '#include "text/words.h"\n', 'public headers only'),
    ('include/quant/up.h', '#include <vector>\n', 'a public header may not include vector'),
    ('include/quant/up.h', '#include <memory>\n', 'a public header may not include memory'),
    ('include/quant/up.hpp', '#include <vector>\n', 'a public header may not include vector'),
    ('tests/text/words.h', '\n', 'the name is taken by lib/text/words.h'),
    ('lib/text/long.cpp', 'int x;\n' * 1001, '1001 lines; at most 1000'),
]


def breaches_of(files, law):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), 'w', encoding='utf-8') as file:
                file.write(text)
        return Tree(root, law).check()


def self_test(law):
    failures = 0
    found = breaches_of(LAWFUL, law)
    if found:
        failures += 1
        print('a lawful tree has breaches:', *found, sep='\n  ')
    for path, text, expected in UNLAWFUL:
        found = breaches_of(dict(LAWFUL, **{path: text}), law)
        if len(found) != 1 or expected not in found[0] or not found[0].startswith(path):
            failures += 1
            print('%s with %r: expected one breach with "%s", found %s' % (path, text[:60], expected, found))
    print('self-test: %d trees, %d failures' % (len(UNLAWFUL) + 1, failures))
    return failures


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    law = Law(os.path.join(HERE, 'rooms.txt'))
    if arguments[0] == '--self-test':
        return 1 if self_test(law) else 0
    tree = Tree(arguments[0], law)
    if not any(path.startswith('lib' + os.sep) for path in tree.files):
        sys.exit('%s: no sources found in lib/' % arguments[0])
    breaches = tree.check()
    print(*breaches, sep='\n', end='\n' if breaches else '')
    print('%d files, %d breaches' % (len(tree.files), len(breaches)))
    return 1 if breaches else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
