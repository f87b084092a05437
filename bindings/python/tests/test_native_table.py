"""The generated table is what the headers say: made anew it is the same, each struct has the compiler's layout, and each
exported function is in it."""
import ctypes
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from libquant import _native as n
from libquant._library import lib
from scratch import ROOT

INCLUDE, SYMBOLS = ROOT / 'include', ROOT / 'tests/abi/symbols.txt'
STRUCTS = {name: each for name, each in vars(n).items() if isinstance(each, type) and issubclass(each, ctypes.Structure)
           and name.startswith('quant_')}


class NativeTable(unittest.TestCase):
    def test_is_made_of_these_headers(self):
        done = subprocess.run([sys.executable, str(ROOT / 'bindings/python/make_native.py'), str(INCLUDE), '--check'],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_has_every_function(self):
        listed = [line for line in SYMBOLS.read_text().split() if line.startswith('quant_')]
        self.assertEqual(sorted(n.FUNCTIONS), listed)
        for name in listed:
            self.assertTrue(getattr(lib, name))

    @unittest.skipUnless(shutil.which('cc'), 'no C compiler')
    def test_has_the_layout_of_every_struct(self):
        self.assertGreater(len(STRUCTS), 30)
        lines = ['#include <quant/quant.h>', '#include <stdio.h>', 'int main(void) {']
        expected = []
        for name, struct in STRUCTS.items():
            lines.append('printf("%s %%zu\\n", sizeof(%s));' % (name, name))
            expected.append('%s %d' % (name, ctypes.sizeof(struct)))
            for field, *_ in struct._fields_:
                lines.append('printf("%s.%s %%zu %%zu\\n", offsetof(%s, %s), sizeof ((%s *)0)->%s);' % (name, field, name, field, name, field))
                expected.append('%s.%s %d %d' % (name, field, getattr(struct, field).offset, getattr(struct, field).size))
        for name, value in vars(n).items():
            if name.startswith('QUANT_') and isinstance(value, int):
                lines.append('printf("%s %%d\\n", (int)%s);' % (name, name))
                expected.append('%s %d' % (name, value))
        with tempfile.TemporaryDirectory() as folder:
            source, program = pathlib.Path(folder, 'layout.c'), os.path.join(folder, 'layout')
            source.write_text('\n'.join([*lines, 'return 0; }']))
            subprocess.run(['cc', '-I', str(INCLUDE), str(source), '-o', program], check=True)
            found = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split('\n')[:-1]
        self.assertEqual(found, expected)


if __name__ == '__main__':
    unittest.main()
