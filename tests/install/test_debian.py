#!/usr/bin/env python3
"""The four Debian packages have what they should, each file once, and what they install works.

    test_debian.py FOLDER_WITH_PACKAGES SOURCE

Nothing is installed on this machine: packages are unpacked into folders.
"""
import glob
import os
import subprocess
import sys
import tempfile
import unittest

NAMES = ('libquant0', 'libquant-dev', 'quantctl', 'quantd')


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError('%s: exit status %d\n%s' % (' '.join(command), done.returncode, done.stdout))
    return done.stdout


class Debian(unittest.TestCase):
    folder, source = '', ''

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.root = os.path.join(cls.scratch.name, 'root')
        cls.files = {}
        for name in NAMES:
            package, = glob.glob(os.path.join(cls.folder, name + '_*.deb'))
            run('dpkg-deb', '-x', package, cls.root)
            listed = run('dpkg-deb', '-c', package)
            cls.files[name] = {line.split()[5].lstrip('.') for line in listed.splitlines() if not line.startswith('d')}
        cls.libraries, = glob.glob(os.path.join(cls.root, 'usr/lib/*-linux-gnu*'))
        cls.env = {**os.environ, 'LD_LIBRARY_PATH': cls.libraries, 'QUANT_HOME': os.path.join(cls.scratch.name, 'home'),
                   'QUANT_SHARE': os.path.join(cls.root, 'usr/share/libquant')}

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_no_file_is_in_two_packages(self):
        for name in NAMES:
            for other in NAMES[NAMES.index(name) + 1:]:
                self.assertEqual(self.files[name] & self.files[other], set(), '%s and %s' % (name, other))

    def test_each_package_has_its_own(self):
        for name, path in (('libquant0', '/libquant.so.0'), ('libquant-dev', '/libquant.so'), ('libquant-dev', '/libquant.pc'),
                           ('libquant-dev', '/man3/quant_generate.3.gz'), ('libquant-dev', '/quant/handles.hpp'),
                           ('quantctl', '/usr/bin/quantctl'), ('quantctl', '/man1/quantctl.1.gz'), ('quantctl', '/kjv-5m/config.json'),
                           ('quantd', '/usr/bin/quantd'), ('quantd', '/systemd/system/quantd.service'),
                           ('quantd', '/systemd/system/quantd.socket'), ('quantd', '/sysusers.d/quantd.conf'),
                           ('quantd', '/man8/quantd.8.gz')):
            self.assertTrue(any(file.endswith(path) for file in self.files[name]), '%s lacks %s' % (name, path))

    def test_every_header_is_there(self):
        self.assertEqual(sorted(os.listdir(os.path.join(self.root, 'usr/include/quant'))),
                         sorted(os.listdir(os.path.join(self.source, 'include/quant'))))

    def test_programs_depend_on_the_library_they_were_built_with(self):
        for name in ('quantctl', 'quantd'):
            package, = glob.glob(os.path.join(self.folder, name + '_*.deb'))
            self.assertIn('libquant0 (= ', run('dpkg-deb', '-f', package, 'Depends'))

    def test_a_program_is_built_and_runs(self):
        package = os.path.join(self.libraries, 'pkgconfig')
        flags = run('pkg-config', '--define-prefix', '--cflags', '--libs', 'libquant',
                    env={**os.environ, 'PKG_CONFIG_PATH': package}).split()
        out = os.path.join(self.scratch.name, 'quantize_buffer')
        run('cc', '-o', out, os.path.join(self.source, 'examples/quantize_buffer.c'), *flags, '-lm')
        self.assertIn('bits per weight', run(out, 'Q4_K', env=self.env))

    def test_what_is_installed_runs(self):
        for name in ('quantctl', 'quantd'):
            self.assertIn('0.', run(os.path.join(self.root, 'usr/bin', name), '--version', env=self.env))
        self.assertTrue(run(os.path.join(self.root, 'usr/bin/quantctl'), 'run', 'kjv-5m', 'In the beginning', '--max-tokens', '4',
                            env=self.env).strip())


if __name__ == '__main__':
    Debian.folder, Debian.source = map(os.path.abspath, sys.argv[1:3])
    unittest.main(argv=sys.argv[:1], verbosity=2)
