"""Types in a dump of abidw: what a program that was compiled with them relies on."""
import xml.etree.ElementTree as ElementTree


class Types:
    """structs: name -> (bytes, [(name, offset in bits, type)]); enums: name -> {enumerator: value};
    typedefs: name -> type. A type is a text such as 'const char *', in which named types stand for themselves."""

    def __init__(self, path):
        root = ElementTree.parse(path).getroot()
        self._by_id = {node.get('id'): node for node in root.iter() if node.get('id')}
        self.structs, self.enums, self.typedefs = {}, {}, {}
        for node in root.iter():
            if node.tag == 'class-decl' and node.get('size-in-bits'):
                self.structs[node.get('name')] = (int(node.get('size-in-bits')) // 8, self._fields(node))
            elif node.tag == 'enum-decl':
                self.enums[node.get('name')] = {e.get('name'): e.get('value') for e in node.findall('enumerator')}
            elif node.tag == 'typedef-decl':
                self.typedefs[node.get('name')] = self.text(node.get('type-id'))

    def _fields(self, node):
        members = [(m.get('layout-offset-in-bits'), m.find('var-decl')) for m in node.findall('data-member')]
        return [(v.get('name'), int(offset), self.text(v.get('type-id'))) for offset, v in members]

    def text(self, type_id):
        node = self._by_id[type_id]
        if node.get('name') and node.tag != 'array-type-def':
            return node.get('name')
        of = node.get('type-id')
        if node.tag == 'qualified-type-def':
            return self.text(of) + ''.join(' ' + q for q in ('const', 'volatile') if node.get(q) == 'yes')
        if node.tag == 'pointer-type-def':
            return self.text(of) + ' *'
        if node.tag == 'array-type-def':
            return self.text(of) + ''.join('[%s]' % s.get('length') for s in node.findall('subrange'))
        if node.tag == 'function-type':
            taken = ', '.join('...' if p.get('is-variadic') else self.text(p.get('type-id'))
                              for p in node.findall('parameter'))
            return '%s (%s)' % (self.text(node.find('return').get('type-id')), taken)
        raise ValueError('a type of the dump is not understood: %s %s' % (node.tag, node.attrib))


def knows_its_size(fields):
    return bool(fields) and fields[0][:2] == ('size', 0)


def broken_promises(old, new):
    """What of `old` is otherwise in `new`, a sentence each; and the names of structs that have grown, as they may."""
    problems, grown = [], []
    for name, (size, fields) in old.structs.items():
        if name not in new.structs:
            problems.append('struct %s is gone' % name)
            continue
        new_size, new_fields = new.structs[name]
        if new_fields[:len(fields)] != fields:
            problems.append('struct %s has other fields: %s, expected %s' % (name, new_fields, fields))
        elif new_size != size and not knows_its_size(fields):
            problems.append('struct %s, which does not know its size, has %d bytes, expected %d' % (name, new_size, size))
        elif new_fields != fields:
            grown.append(name)
    for name, values in old.enums.items():
        for enumerator, value in values.items():
            found = new.enums.get(name, {}).get(enumerator)
            if found != value:
                problems.append('%s of %s is %s, expected %s' % (enumerator, name, found, value))
    for name, target in old.typedefs.items():
        if new.typedefs.get(name) != target:
            problems.append('%s is %s, expected %s' % (name, new.typedefs.get(name), target))
    return problems, grown
