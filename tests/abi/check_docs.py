#!/usr/bin/env python3
"""Every symbol of the public headers is documented, right before it.

    check_docs.py HEADER_FOLDER

A function says which threads may call it and since when it exists, and if it returns
quant_status also what can fail; a @param names a parameter that is there. A struct
that the caller makes begins with its size.
"""
import os
import re
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../man'))
from public_headers import all_declarations, report  # noqa: E402

STATUS = re.compile(r'\bQUANT_(?:OK|ERR_\w+)')


def problems_of_function(declaration):
    comment = declaration.comment
    if 'Threads:' not in comment:
        yield 'does not say "Threads:"'
    if 'Since ' not in comment:
        yield 'does not say "Since"'
    if declaration.returns_status and '@retval' not in comment:
        yield 'returns quant_status, but has no @retval'
    for names in re.findall(r'@param(?:\[[a-z,]+\])?\s+(\w+(?:, \w+)*)', comment):
        for name in names.split(', '):
            if name not in declaration.parameters:
                yield '@param %s is no parameter' % name


def problems_of_struct(declaration):
    first = re.match(r'typedef struct \w+ \{ ([^;]*);', declaration.text).group(1)
    # What has no size of its own is an element of an array that has a count.
    if first != 'size_t size' and '%s *' % declaration.name not in declaration.everything:
        yield 'does not begin with its size'


def check(declarations):
    everything = ' '.join(d.text for d in declarations)
    known = set(STATUS.findall(everything))
    for d in declarations:
        d.everything = everything
        if not d.comment:
            yield '%s has no comment right before it' % d.where
            continue
        if d.kind == 'function':
            for problem in problems_of_function(d):
                yield '%s %s' % (d.where, problem)
        if d.kind == 'struct':
            for problem in problems_of_struct(d):
                yield '%s %s' % (d.where, problem)
        for status in sorted(set(STATUS.findall(d.comment)) - known):
            yield '%s speaks of %s, which is no status' % (d.where, status)


def main(headers):
    declarations = all_declarations(headers)
    return report(list(check(declarations)), '%d declarations' % len(declarations))


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
