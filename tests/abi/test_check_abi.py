#!/usr/bin/env python3
"""check_abi.py finds what breaks a program, and lets pass what does not: small libraries, each changed in one way.

    test_check_abi.py CC...
"""
import os
import shutil
import subprocess
import sys
import tempfile

import check_abi

HEADER = '''
#include <stddef.h>
typedef enum quant_kind { QUANT_ONE = 1, QUANT_TWO = 2 } quant_kind;
typedef struct quant_thing quant_thing;
typedef struct quant_options { size_t size; int count; quant_kind kind; } quant_options;
typedef int (*quant_fn)(void *user, int done);
typedef struct quant_override { const char *pattern; const char *encoding; } quant_override;
int quant_run(quant_thing *thing, const quant_options *options, const quant_override *overrides);
int quant_watch(quant_thing *thing, quant_fn watch);
void quant_free(quant_thing *thing);
'''
BODY = '''
#include "thing.h"
struct quant_thing { int inside; };
int quant_run(quant_thing *thing, const quant_options *options, const quant_override *overrides) {
    return thing->inside + options->count + (overrides != 0);
}
int quant_watch(quant_thing *thing, quant_fn watch) { return watch(thing, 1); }
void quant_free(quant_thing *thing) { thing->inside = 0; }
'''

# What changes, whether that breaks a program, and texts in header or body with their replacements.
FREE, BREAKS = False, True
GROWN = ('quant_kind kind; }', 'quant_kind kind; double more; }')
CHANGES = [
    ('nothing', FREE),
    ('a field at the end of a struct with its size', FREE, GROWN),
    ('an enumerator more', FREE, ('QUANT_TWO = 2', 'QUANT_TWO = 2, QUANT_THREE = 3')),
    ('a function more', FREE, ('void quant_free(quant_thing *thing);', 'int quant_new(void); void quant_free(quant_thing *thing);'),
     ('#include "thing.h"', '#include "thing.h"\nint quant_new(void) { return 0; }')),
    ('what is behind a handle', FREE, ('int inside;', 'double before; int inside;')),
    ('a field in the middle', BREAKS, ('int count; quant_kind', 'int count; int other; quant_kind')),
    ('a field of another type', BREAKS, ('int count;', 'double count;')),
    ('a field of another type of the same size', BREAKS, ('int count;', 'float count;')),
    ('a field less', BREAKS, (' quant_kind kind; }', ' }')),
    ('another field in a struct that grows', BREAKS, ('int count;', 'float count;'), GROWN),
    ('a field at the end of an array\'s element', BREAKS, ('const char *encoding; }', 'const char *encoding; int more; }')),
    ('an enumerator of another value', BREAKS, ('QUANT_TWO = 2', 'QUANT_TWO = 3')),
    ('an enumerator of another value in a struct that grows', BREAKS, ('QUANT_TWO = 2', 'QUANT_TWO = 3'), GROWN),
    ('an enumerator less', BREAKS, (', QUANT_TWO = 2', '')),
    ('a parameter more', BREAKS, ('void quant_free(quant_thing *thing)', 'void quant_free(quant_thing *thing, int how)')),
    ('a callback with another parameter', BREAKS, ('void *user, int done', 'void *user, double done')),
    ('a function less', BREAKS, ('void quant_free', 'static void quant_freed')),
    ('another result', BREAKS, ('int quant_run(', 'long quant_run(')),
]


def build(folder, compiler, header, body):
    os.mkdir(folder)
    for name, text in (('thing.h', header), ('thing.c', body)):
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
            file.write(text)
    library = os.path.join(folder, 'libthing.so')
    subprocess.run([*compiler, '-g', '-O0', '-w', '-fPIC', '-shared', '-Wl,-soname,libthing.so.0', '-o', library,
                    os.path.join(folder, 'thing.c')], check=True)
    return library


def main(compiler):
    if not shutil.which('abidiff'):
        return check_abi.SKIPPED
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        first = os.path.join(folder, 'first')
        baseline = os.path.join(folder, 'thing.abi')
        check_abi.write(baseline, build(first, compiler, HEADER, BODY), first)
        for number, (what, breaks, *replacements) in enumerate(CHANGES):
            header, body = HEADER, BODY
            for old, new in replacements:
                if old not in header + body:
                    sys.exit('%s: is in neither text: %s' % (what, old))
                header, body = header.replace(old, new), body.replace(old, new)
            changed = os.path.join(folder, str(number))
            today = os.path.join(folder, '%d.abi' % number)
            check_abi.write(today, build(changed, compiler, header, body), changed)
            found = check_abi.differences(baseline, today, changed)
            if bool(found) != breaks:
                wrong += 1
                print('%s: expected %s' % (what, 'a difference' if breaks else 'none'), *found, sep='\n')
    print('%d changes, %d judged wrongly' % (len(CHANGES), wrong))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
