#!/usr/bin/env python3
"""Writes the manual pages of section 3 from the comments of the public headers, which are the one place for what they
say: a page for each header (quant_session.3 of session.h) with its example, and for each function and type a page that
leads there.

    function_pages.py HEADER_FOLDER EXAMPLE_FOLDER OUTPUT_FOLDER VERSION

When something is installed, OUTPUT_FOLDER is below the prefix.
"""
import os
import re
import sys

sys.dont_write_bytecode = True      # Who installs need not be who owns the sources.
from header_comments import Comment, file_comment  # noqa: E402
from public_headers import declarations_of  # noqa: E402

# The program that shows a header at work.
EXAMPLES = {
    'adapter.h': 'adapt_model.c',
    'catalog.h': 'list_catalog.c',
    'container.h': 'list_tensors.c',
    'embedding.h': 'compare_texts.c',
    'encoding.h': 'quantize_buffer.c',
    'evaluate.h': 'measure_loss.c',
    'machine.h': 'describe_machine.c',
    'matrix.h': 'multiply_matrix.c',
    'model.h': 'show_model.c',
    'quantize.h': 'quantize_model.c',
    'reply.h': 'split_reply.c',
    'scheduler.h': 'serve_requests.c',
    'session.h': 'generate.c',
    'shared.h': 'borrow_model.c',
    'status.h': 'show_failure.c',
    'text.h': 'count_tokens.c',
}


# What roff would print as something else: typographic quotes, a hyphen, accents.
LITERAL = str.maketrans({"'": '\\(aq', '-': '\\-', '^': '\\(ha', '~': '\\(ti'})


def escaped(text):
    """Text of a line of roff, for reading."""
    text = text.replace('\\', '\\e').replace('`', '\\(ga')
    return '\\&' + text if text[:1] in ('.', "'") else text


def literal(text):
    """A line of code, to be copied from the page as it is."""
    return escaped(text).translate(LITERAL)


def marked(text):
    """The same, with names of the library in bold and parameters, which comments have in backquotes, in italics."""
    text = re.sub(r'`(\w+)`', '\x01\\1\x02', text)
    text = escaped(text)
    text = re.sub(r'\b(quant_\w+)(\(\))', r'\\fB\1\\fR\2', text)
    text = re.sub(r'\b(QUANT_[A-Z0-9_]*[A-Z0-9])\b', r'\\fB\1\\fR', text)
    return text.replace('\x01', '\\fI').replace('\x02', '\\fR')


def verbatim(source):
    """Lines that stay as they are."""
    yield '.PP'
    yield '.in +4n'
    yield '.EX'
    for line in source.rstrip().split('\n'):
        yield literal(line)
    yield '.EE'
    yield '.in'


def paragraphs(comment):
    for block in comment.blocks:
        if block.is_code:
            yield from verbatim(block.text)
        elif block.is_item:
            yield '.IP \\(bu 2'
            yield marked(block.text)
        else:
            yield '.PP'
            yield marked(block.text)


def prototype(declaration):
    """Of a function, as it stands in the header, without what marks it for the linker; parameters stay below each other."""
    first, *rest = re.sub(r'^QUANT_API ', '', declaration.source).strip().split('\n')
    column = first.find('(') + 1
    return '\n'.join([first] + [' ' * column + line.strip() for line in rest])


def function_section(declaration):
    comment = Comment(declaration.comment)
    yield '.SS %s()' % declaration.name
    yield from verbatim(prototype(declaration))
    yield from paragraphs(comment)
    for name, text in comment.parameters:
        yield '.TP'
        yield '.I %s' % name
        yield marked(text)
    if comment.returns:
        yield '.PP'
        yield 'Returns: ' + marked(comment.returns)
    if comment.errors:
        yield '.PP'
        yield 'Errors:'
    for names, text in comment.errors:
        yield '.TP'
        yield '.B %s' % names
        yield marked(text) if text else '\\&'
    if comment.conditions:
        yield '.PP'
        yield marked(comment.conditions)


def type_sections(declarations):
    for d in declarations:
        if d.kind == 'function':
            continue
        comment = Comment(d.comment)
        yield '.SS %s' % ('Flags' if d.kind == 'flags' else d.name)
        yield from paragraphs(comment)
        for words in (comment.returns and 'Returns: ' + comment.returns, comment.conditions):
            if words:
                yield marked(words)
        yield from verbatim(d.source.replace('QUANT_AS_INT ', ''))


def listed(names):
    """Lines of names, with commas."""
    return [name + ',' for name in names[:-1]] + names[-1:]


def page_name(header):
    return 'quant_' + header[:-2]


def synopsis(header, functions):
    yield '.SH SYNOPSIS'
    yield '.nf'
    yield '.B #include <quant/%s>' % header
    for d in functions:
        yield '.PP'
        yield from map(literal, prototype(d).split('\n'))
    yield '.PP'
    yield '.B cc program.c $(pkg\\-config \\-\\-cflags \\-\\-libs libquant)'
    yield '.fi'


def page(header, path, declarations, example, others, version):
    functions = [d for d in declarations if d.kind == 'function']
    about = Comment(file_comment(path))
    # The first sentence is what apropos(1) shows.
    title = about.blocks[0].text.split('. ')[0].rstrip('.')
    name = page_name(header)
    yield '.\\" Made of the header %s by function_pages.py.' % header
    yield '.TH %s 3 "" "libquant %s" "libquant"' % (name.upper(), version)
    # Names are searched for and copied: none is broken at a line's end, and lines may stay short.
    yield '.nh'
    yield '.ad l'
    yield '.SH NAME'
    names = [name] + [d.name for d in functions if d.name != name]
    yield ', '.join(names) + ' \\- ' + escaped(title[0].lower() + title[1:])
    yield from synopsis(header, functions)
    yield '.SH DESCRIPTION'
    yield from paragraphs(about)
    yield '.PP'
    yield 'What holds for all functions is said in \\fBlibquant\\fR(3).'
    types = list(type_sections(declarations))
    if types:
        yield '.SH TYPES'
        yield from types
    yield '.SH FUNCTIONS'
    for d in functions:
        yield from function_section(d)
    yield '.SH EXAMPLES'
    with open(example, encoding='utf-8') as file:
        yield from verbatim(file.read())
    yield '.SH SEE ALSO'
    for other in listed(['libquant'] + others):
        yield '.BR %s (3)%s' % (other.rstrip(','), ',' if other.endswith(',') else '')


def without_idle_macros(lines):
    """Headings begin a paragraph by themselves."""
    before = ''
    for line in lines:
        if line != '.PP' or not before.startswith(('.SH', '.SS')):
            yield line
            before = line


def main(headers, examples, output, version):
    output = os.path.join(os.environ.get('MESON_INSTALL_DESTDIR_PREFIX', ''), output)
    os.makedirs(output, exist_ok=True)
    written = {}
    pages = {}
    for header in sorted(os.listdir(headers)):
        declarations = declarations_of(os.path.join(headers, header)) if header.endswith('.h') else []
        if any(d.kind == 'function' for d in declarations):
            pages[header] = declarations
    if set(pages) != set(EXAMPLES):
        sys.exit('function_pages.py: headers with functions and EXAMPLES differ: %s' % sorted(set(pages) ^ set(EXAMPLES)))
    for header, declarations in pages.items():
        others = [page_name(h) for h in pages if h != header]
        lines = page(header, os.path.join(headers, header), declarations, os.path.join(examples, EXAMPLES[header]), others, version)
        written[page_name(header) + '.3'] = '\n'.join(without_idle_macros(lines)) + '\n'
    for header, declarations in pages.items():
        for d in declarations:
            if d.kind != 'flags':
                written.setdefault(d.name + '.3', '.so man3/%s.3\n' % page_name(header))
    for name, text in written.items():
        with open(os.path.join(output, name), 'w', encoding='utf-8') as file:
            file.write(text)


if __name__ == '__main__':
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
