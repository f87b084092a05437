#!/usr/bin/env python3
"""What libquant.so exports is what symbols.txt lists, what the headers declare, and what the Debian package promises.

    check_symbols.py NM LIBRARY HEADER_FOLDER SYMBOLS.txt DEBIAN_SYMBOLS

A symbol that is new in a release is added to both lists; none is ever taken out while
the soname stays.
"""
import os
import re
import subprocess
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../man'))
from public_headers import all_declarations, report  # noqa: E402


def exported(nm, library):
    """Name and version of every symbol that the library defines for others."""
    out = subprocess.run([nm, '-D', '--defined-only', '--with-symbol-versions', library], check=True,
                         capture_output=True, text=True).stdout
    symbols = {}
    for line in out.splitlines():
        words = line.split()
        if words[-2] == 'A':        # The name of a version itself.
            continue
        name, _, version = words[-1].partition('@')
        symbols[name] = version.lstrip('@')
    return symbols


def differences(left, right, sentence):
    return [sentence % name for name in sorted(set(left) - set(right))]


def number(version):
    return [int(part) for part in version.split('.')]


def debian_problems(path, symbols, functions):
    """Packages of programs depend on a library of at least the version that has the functions they use."""
    with open(path, encoding='utf-8') as file:
        listed = dict(re.findall(r'^ (quant_\S+) (\S+)$', file.read(), re.M))
    full = ['%s@%s' % symbol for symbol in symbols.items()]
    yield from differences(full, listed, '%s is exported, but libquant0.symbols does not list it')
    yield from differences(listed, full, 'libquant0.symbols lists %s, which is not exported')
    for d in functions:
        since = re.search(r'Since (\d+(?:\.\d+)*)', d.comment).group(1)
        for symbol in (s for s in listed if s.startswith(d.name + '@')):
            if number(listed[symbol]) < number(since):
                yield 'libquant0.symbols: %s is there from %s on, but its comment says since %s' % (symbol, listed[symbol], since)


def main(nm, library, headers, listed_in, debian):
    symbols = exported(nm, library)
    functions = [d for d in all_declarations(headers) if d.kind == 'function']
    declared = [d.name for d in functions]
    with open(listed_in, encoding='utf-8') as file:
        listed = [line.strip() for line in file if line.strip() and not line.startswith('#')]
    problems = differences(symbols, listed, '%s is exported, but symbols.txt does not list it')
    problems += differences(listed, symbols, '%s is listed in symbols.txt, but not exported')
    problems += differences(symbols, declared, '%s is exported, but no header declares it')
    problems += differences(declared, symbols, '%s is declared, but not exported')
    problems += ['%s is exported without a version' % s for s, version in symbols.items()
                 if not version.startswith('QUANT_')]
    problems += ['%s does not begin with quant_' % s for s in symbols if not s.startswith('quant_')]
    problems += debian_problems(debian, symbols, functions)
    if listed != sorted(set(listed)):
        problems.append('symbols.txt is not in order, or names a symbol twice')
    return report(problems, '%d symbols' % len(symbols))


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
