#!/usr/bin/env python3
"""What libquant.so exports is what symbols.txt lists and what the headers declare.

    check_symbols.py NM LIBRARY HEADER_FOLDER SYMBOLS.txt

A symbol that is new in a release is added to the list; none is ever taken out while
the soname stays.
"""
import os
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


def main(nm, library, headers, listed_in):
    symbols = exported(nm, library)
    declared = [d.name for d in all_declarations(headers) if d.kind == 'function']
    with open(listed_in, encoding='utf-8') as file:
        listed = [line.strip() for line in file if line.strip() and not line.startswith('#')]
    problems = differences(symbols, listed, '%s is exported, but symbols.txt does not list it')
    problems += differences(listed, symbols, '%s is listed in symbols.txt, but not exported')
    problems += differences(symbols, declared, '%s is exported, but no header declares it')
    problems += differences(declared, symbols, '%s is declared, but not exported')
    problems += ['%s is exported without a version' % s for s, version in symbols.items()
                 if not version.startswith('QUANT_')]
    problems += ['%s does not begin with quant_' % s for s in symbols if not s.startswith('quant_')]
    if listed != sorted(set(listed)):
        problems.append('symbols.txt is not in order, or names a symbol twice')
    return report(problems, '%d symbols' % len(symbols))


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
