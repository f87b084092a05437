#!/usr/bin/env python3
"""Every public header compiles alone, and twice over, in each language that it
promises to serve.

    check_headers.py INCLUDE_FOLDER C_COMPILER... -- CXX_COMPILER...
"""
import os
import subprocess
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../man'))
from public_headers import report  # noqa: E402

WARNINGS = ['-Wall', '-Wextra', '-pedantic', '-Werror', '-fsyntax-only']
# What is for C++ alone begins with C++17.
EVERY, MODERN = ('.h',), ('.h', '.hpp')
LANGUAGES = [('c', 'c99', 0, EVERY), ('c', 'c11', 0, EVERY), ('c', 'c17', 0, EVERY), ('c++', 'c++98', 1, EVERY),
             ('c++', 'c++11', 1, EVERY), ('c++', 'c++14', 1, EVERY), ('c++', 'c++17', 1, MODERN), ('c++', 'c++20', 1, MODERN),
             ('c++', 'c++23', 1, MODERN)]


def compiles(compiler, language, standard, include, source):
    command = compiler + ['-x', language, '-std=' + standard, '-I', include, *WARNINGS, '-']
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    return done.returncode == 0, done.stderr


def main(include, *compilers):
    cut = compilers.index('--')
    compilers = [list(compilers[:cut]), list(compilers[cut + 1:])]
    headers = sorted(name for name in os.listdir(os.path.join(include, 'quant')) if name.endswith(MODERN))
    problems, runs = [], 0
    for language, standard, which, kinds in LANGUAGES:
        # That the compiler does judge: what must not pass does not.
        if compiles(compilers[which], language, standard, include, '#include <quant/none.h>\n')[0]:
            problems.append('%s: a missing header compiled' % standard)
        for header in (name for name in headers if name.endswith(kinds)):
            source = '#include <quant/%s>\n' % header * 2 + 'extern int quant_test_unit;\n'
            good, words = compiles(compilers[which], language, standard, include, source)
            runs += 1
            if not good:
                problems.append('%s as %s:\n%s' % (header, standard, words))
    if not headers:
        problems.append('%s: no headers' % include)
    return report(problems, '%d compilations of %d headers' % (runs, len(headers)))


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
