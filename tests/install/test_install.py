#!/usr/bin/env python3
"""What is installed is whole: an outside program is built from it alone, with pkg-config and with CMake, and runs.

    test_install.py BUILD SOURCE CC...

The tree is installed into a folder and then moved, so that no path of the build can be in use.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE = '''
cmake_minimum_required(VERSION 3.16)
project(outside C)
find_package(libquant 0.1 REQUIRED)
add_executable(outside quantize_buffer.c)
target_link_libraries(outside PRIVATE libquant::quant m)
'''
NEWER = 'cmake_minimum_required(VERSION 3.16)\nproject(outside C)\nfind_package(libquant %s)\nmessage("found: ${libquant_FOUND}")\n'


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          **options)
    if done.returncode != 0:
        raise AssertionError('%s: exit status %d\n%s' % (' '.join(map(str, command)), done.returncode, done.stdout))
    return done.stdout


class Install(unittest.TestCase):
    build, source, compiler = '', '', []

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        staged = os.path.join(cls.scratch.name, 'staged')
        run('meson', 'install', '--no-rebuild', '--quiet', '-C', cls.build, '--destdir', staged)
        prefix = next(folder for folder, folders, _ in os.walk(staged) if 'include' in folders)
        cls.root = os.path.join(cls.scratch.name, 'moved')
        shutil.move(prefix, cls.root)
        shutil.rmtree(staged)
        cls.libraries = next(folder for folder, _, files in os.walk(cls.root) if 'libquant.so' in files)
        cls.program = os.path.join(cls.source, 'examples', 'quantize_buffer.c')

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def check_outside(self, program):
        out = run(program, 'Q4_K', env={**os.environ, 'LD_LIBRARY_PATH': self.libraries})
        self.assertIn('bits per weight', out)

    def test_links_lead_to_the_library(self):
        for link, target in (('libquant.so', 'libquant.so.0'), ('libquant.so.0', os.path.basename(os.path.realpath(
                os.path.join(self.libraries, 'libquant.so'))))):
            self.assertEqual(os.readlink(os.path.join(self.libraries, link)), target)

    def test_headers_are_all_there_and_nothing_else_is(self):
        self.assertEqual(sorted(os.listdir(os.path.join(self.root, 'include', 'quant'))),
                         sorted(os.listdir(os.path.join(self.source, 'include', 'quant'))))

    def test_a_program_is_built_with_pkg_config(self):
        package = os.path.join(self.libraries, 'pkgconfig')
        flags = run('pkg-config', '--dont-define-prefix', '--cflags', '--libs', 'libquant',
                    env={**os.environ, 'PKG_CONFIG_PATH': package, 'PKG_CONFIG_LIBDIR': package}).split()
        self.assertTrue(any(self.root in flag for flag in flags), flags)
        out = os.path.join(self.scratch.name, 'by_pkg_config')
        run(*self.compiler, '-o', out, self.program, *flags, '-lm')
        self.check_outside(out)

    @unittest.skipUnless(shutil.which('cmake'), 'cmake is not installed')
    def test_a_program_is_built_with_cmake(self):
        folder = os.path.join(self.scratch.name, 'cmake')
        os.mkdir(folder)
        shutil.copy(self.program, folder)
        with open(os.path.join(folder, 'CMakeLists.txt'), 'w', encoding='utf-8') as file:
            file.write(CMAKE)
        built = os.path.join(folder, 'build')
        run('cmake', '-S', folder, '-B', built, '-DCMAKE_PREFIX_PATH=' + self.root)
        run('cmake', '--build', built)
        self.check_outside(os.path.join(built, 'outside'))

    @unittest.skipUnless(shutil.which('cmake'), 'cmake is not installed')
    def test_cmake_is_told_which_versions_there_are(self):
        for version, found in (('', True), ('0.1', True), ('0.1.0 EXACT', True), ('0.99', False), ('1.0', False)):
            folder = os.path.join(self.scratch.name, 'version-' + version.replace(' ', '-'))
            os.mkdir(folder)
            with open(os.path.join(folder, 'CMakeLists.txt'), 'w', encoding='utf-8') as file:
                file.write(NEWER % version)
            out = run('cmake', '-S', folder, '-B', os.path.join(folder, 'build'), '-DCMAKE_PREFIX_PATH=' + self.root)
            self.assertIn('found: %d' % found, out.replace('TRUE', '1').replace('FALSE', '0'), version)

    def test_manual_pages_and_the_shipped_model_are_there(self):
        for path in ('share/man/man1/quantctl.1', 'share/man/man3/libquant.3', 'share/man/man8/quantd.8',
                     'share/man/man3/quant_session.3', 'share/man/man3/quant_generate.3', 'include/quant/handles.hpp',
                     'share/libquant/models/kjv-5m/config.json', 'bin/quantctl'):
            self.assertTrue(os.path.exists(os.path.join(self.root, path)), path)

    def test_every_function_has_its_page(self):
        with open(os.path.join(self.source, 'tests', 'abi', 'symbols.txt'), encoding='utf-8') as file:
            functions = [line.strip() for line in file if line.startswith('quant_')]
        self.assertGreater(len(functions), 100)
        pages = os.path.join(self.root, 'share', 'man')
        for function in functions:
            with open(os.path.join(pages, 'man3', function + '.3'), encoding='utf-8') as file:
                text = file.read()
            if text.startswith('.so '):
                with open(os.path.join(pages, text.split()[1]), encoding='utf-8') as file:
                    text = file.read()
            self.assertIn('\n.SS %s()\n' % function, text)

    def test_what_is_installed_runs_the_shipped_model(self):
        out = run(os.path.join(self.root, 'bin', 'quantctl'), 'run', 'kjv-5m', 'In the beginning', '--max-tokens', '4',
                  env={**os.environ, 'LD_LIBRARY_PATH': self.libraries, 'QUANT_HOME': os.path.join(self.scratch.name, 'home'),
                       'QUANT_SHARE': os.path.join(self.root, 'share', 'libquant')})
        self.assertTrue(out.strip())


if __name__ == '__main__':
    Install.build, Install.source, *Install.compiler = sys.argv[1:]
    unittest.main(argv=sys.argv[:1], verbosity=2)
