#!/usr/bin/env python3
"""The manual pages are sound, and say what there is: no more and no less.

    check_man.py CHECK MAN_FOLDER HEADER_FOLDER QUANTCTL

CHECK is lint (mandoc finds nothing), quantctl (verbs and options as --help has them),
libquant (that it leads to a page for each header), functions (the pages of section 3 that
are made of the headers) or types (what quantctl types lists).
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../man'))
from function_pages import EXAMPLES  # noqa: E402
from public_headers import all_declarations, report  # noqa: E402

SKIPPED = 77
PAGES = ['quantctl.1', 'libquant.3', 'quant-types.7', 'quantd.8', 'quantd.conf.5']
# scdoc sets a paragraph macro before and after everything; mandoc minds, readers do not.
HARMLESS = 'skipping paragraph macro'
# The pages have no date, and those of functions are a line that leads to their header's.
EXPECTED = r'missing date|\.so is fragile|missing manual title'


def source(folder, page):
    with open(os.path.join(folder, page + '.scd'), encoding='utf-8') as file:
        return file.read()


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def lint(folder, headers, quantctl):
    for tool in ('scdoc', 'mandoc'):
        if not shutil.which(tool):
            print('SKIPPED: %s is not installed' % tool)
            return SKIPPED
    problems = []
    for page in PAGES:
        made = run('scdoc', input=source(folder, page))
        if made.returncode != 0:
            problems.append('%s: %s' % (page, made.stderr.strip()))
            continue
        found = run('mandoc', '-T', 'lint', '-W', 'warning', input=made.stdout)
        problems += ['%s: %s' % (page, line) for line in (found.stdout + found.stderr).splitlines()
                     if HARMLESS not in line]
        # A line of the page that begins with a macro's dot or a stray backslash shows up here.
        shown = run('mandoc', '-T', 'ascii', input=made.stdout)
        title = '%s(%s)' % tuple(page.rsplit('.', 1))
        if shown.returncode != 0 or title not in shown.stdout:
            problems.append('%s: mandoc shows no page %s' % (page, title))
    return report(problems, '%d pages' % len(PAGES))


def options_of_help(text):
    """Option names and positionals in what CLI11 prints."""
    options = set()
    for line in re.findall(r'^  (-.*)$', text, re.M):
        options.update(re.match(r'-[\w-]+(?:,-[\w-]+)*', line).group().split(','))
    usage = re.search(r'^Usage: quantctl(.*)$', text, re.M).group(1)
    return options, set(re.findall(r'\b[A-Z]+\b', usage)) - {'OPTIONS', 'VERB'}


def sections_of(page):
    """Text below each '## heading' of the page."""
    parts = re.split(r'^## (.*)$|^# .*$', page, flags=re.M)
    return {parts[i]: parts[i + 1] for i in range(1, len(parts), 2) if parts[i]}


def bold_options(text):
    return set(re.findall(r'\*(--?[a-z][\w-]*)\*', text))


def check_verb(verb, section, quantctl):
    options, positionals = options_of_help(run(quantctl, verb, '--help').stdout)
    options -= {'-h', '--help'}
    described = {option for line in re.findall(r'^\*-.*$', section, re.M) for option in bold_options(line)}
    for option in sorted(options - described):
        yield 'quantctl(1), %s: %s is not described' % (verb, option)
    for option in sorted(described - options):
        yield 'quantctl(1), %s: %s is described, but quantctl has no such option' % (verb, option)
    synopsis = re.search(r'^\*quantctl %s\*.*$' % verb, section, re.M)
    if not synopsis:
        yield 'quantctl(1), %s: no synopsis' % verb
        return
    for word in sorted(positionals - set(re.findall(r'_([A-Z]+)_', synopsis.group()))):
        yield 'quantctl(1), %s: the synopsis lacks %s' % (verb, word)


def check_quantctl(folder, headers, quantctl):
    page = source(folder, 'quantctl.1')
    sections = sections_of(page)
    text = run(quantctl, '--help').stdout
    verbs = re.findall(r'^  ([a-z][\w-]*)(?:, ([\w-]+))?  +\S', text, re.M)
    problems = [] if len(verbs) > 10 else ['quantctl --help: found the verbs %s only' % verbs]
    for verb, alias in verbs:
        if verb not in sections:
            problems.append('quantctl(1): no section on %s' % verb)
            continue
        problems += check_verb(verb, sections[verb], quantctl)
        if alias and '*%s*' % alias not in sections[verb]:
            problems.append('quantctl(1), %s: does not name %s' % (verb, alias))
    problems += ['quantctl(1): there is no verb %s' % s for s in sections if s not in [v for v, _ in verbs]]
    for option in options_of_help(text)[0] - bold_options(page):
        problems.append('quantctl(1): %s is not described' % option)
    for code in re.findall(r'\b(\d+) [a-z]', text[text.index('Exit codes'):]):
        if not re.search(r'^\*%s\*$' % code, page, re.M):
            problems.append('quantctl(1): exit code %s is not described' % code)
    return report(problems, '%d verbs' % len(verbs))


def check_libquant(folder, headers, quantctl):
    page = source(folder, 'libquant.3')
    declared = all_declarations(headers)
    pages = {'quant_' + d.header[:-2] for d in declared if d.kind == 'function'}
    led_to = set(re.findall(r'\*(quant_\w+)\*\(3\)', page))
    problems = ['libquant(3): %s(3) is missing' % name for name in sorted(pages - led_to)]
    problems += ['libquant(3): there is no %s(3)' % name for name in sorted(led_to - pages)]
    named = set(re.findall(r'\*(quant_\w+)\*(?!\()|\*(quant_\w+)\*\(\)', page))
    named = {a or b for a, b in named} - {d.name for d in declared}
    problems += ['libquant(3): %s does not exist' % name for name in sorted(named)]
    return report(problems, '%d pages' % len(pages))


def problems_of_page(d, text):
    """The page of a declaration has it as the header does, and what its comment says."""
    for word in re.findall(r'\bQUANT_\w+|\b(?:Threads|Blocks|Since)\b', d.comment):
        if word not in text:
            yield 'lacks %s of the comment' % word
    declared = ' '.join(d.source.replace('QUANT_API ', '').replace('QUANT_AS_INT ', '').split())
    if declared not in text:
        yield 'lacks the declaration'
    if d.kind == 'function' and declared not in text[text.index(' SYNOPSIS '):text.index(' DESCRIPTION ')]:
        yield 'lacks the declaration in its synopsis'


def problems_of_examples(examples, shown):
    """Programs are in the pages as they are compiled: what is copied from the screen compiles, too."""
    for header, program in EXAMPLES.items():
        with open(os.path.join(examples, program), encoding='utf-8') as file:
            text = file.read()
        if ' '.join(text.split()) not in shown['quant_%s.3' % header[:-2]]:
            yield 'quant_%s(3) lacks %s, or a part of it' % (header[:-2], program)
        if '#include <quant/%s>' % header not in text:
            yield '%s is the example of %s, which it does not include' % (program, header)


def check_functions(folder, headers, quantctl):
    """Every function and type has a page, which says all of its comment; every page has its example."""
    examples = os.path.join(headers, '../../examples')
    if not shutil.which('mandoc'):
        print('SKIPPED: mandoc is not installed')
        return SKIPPED
    problems, declared, shown = [], all_declarations(headers), {}
    with tempfile.TemporaryDirectory() as made:
        pages = os.path.join(made, 'man3')
        done = run(sys.executable, os.path.join(folder, 'function_pages.py'), headers, examples, pages, '1.2.3')
        if done.returncode != 0:
            return report([done.stdout + done.stderr], 'no pages')
        for name in sorted(os.listdir(pages)):
            found = run('mandoc', '-T', 'lint', '-W', 'warning', os.path.join('man3', name), cwd=made)
            problems += [line for line in (found.stdout + found.stderr).splitlines() if not re.search(EXPECTED, line)]
            text = run('mandoc', '-T', 'utf8', os.path.join('man3', name), cwd=made).stdout
            shown[name] = ' '.join(re.sub(r'.\x08', '', text).split())
    for d in declared:
        # An enumeration of flags has no name, but a place on its header's page.
        name = 'quant_' + d.header[:-2] if d.kind == 'flags' else d.name
        text = shown.get(name + '.3')
        if text is None:
            problems.append('there is no page %s(3)' % name)
            continue
        problems += ['%s(3) %s: %s' % (name, problem, d.where) for problem in problems_of_page(d, text)]
    problems += problems_of_examples(examples, shown)
    return report(problems, '%d pages, %d declarations' % (len(shown), len(declared)))


def rows_of(section):
    """Cells of the scdoc table in a section: '|' begins a row, ':' a cell."""
    rows = []
    for mark, cell in re.findall(r'^([|:])[<>-]? +(.*)$', section, re.M):
        if mark == '|':
            rows.append([])
        if rows:
            rows[-1].append(cell)
    return rows


def check_types(folder, headers, quantctl):
    page = source(folder, 'quant-types.7')
    known = json.loads(run(quantctl, 'types', '--json').stdout)
    encodings = rows_of(page[page.index('# ENCODINGS'):page.index('# TYPE MIXES')])
    mixes = rows_of(page[page.index('# TYPE MIXES'):page.index('# METHODS')])
    expected = [[e['name'], e['bits_per_weight'], e['block_weights'], e['block_bytes'], e['family']]
                for e in known['encodings']]
    found = [[row[0], float(row[1]), int(row[2]), int(row[3]), row[4]] for row in encodings]
    problems = ['quant-types(7): encodings lack or misstate %s' % e for e in expected if e not in found]
    problems += ['quant-types(7): no such encoding: %s' % e for e in found if e not in expected]
    expected = [[t['name'], t['bits_per_weight'], t['encoding']] for t in known['types']]
    found = [[row[0], float(row[1]), row[2]] for row in mixes]
    problems += ['quant-types(7): types lack or misstate %s' % t for t in expected if t not in found]
    problems += ['quant-types(7): no such type: %s' % t for t in found if t not in expected]
    return report(problems, '%d encodings, %d types' % (len(known['encodings']), len(known['types'])))


CHECKS = {'lint': lint, 'quantctl': check_quantctl, 'libquant': check_libquant, 'functions': check_functions, 'types': check_types}

if __name__ == '__main__':
    sys.exit(CHECKS[sys.argv[1]](*sys.argv[2:]))
