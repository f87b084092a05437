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
            run('dpkg-deb', '-e', package, os.path.join(cls.scratch.name, name))
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

    def control(self, package, file):
        with open(os.path.join(self.scratch.name, package, file), encoding='utf-8') as text:
            return text.read()

    def test_lintian_finds_no_error(self):
        changes, = glob.glob(os.path.join(self.folder, 'libquant_*.changes'))
        # What it warns of is for people.
        print(run('lintian', '--fail-on', 'error', '--tag-display-limit', '0', changes))

    def test_the_user_is_there_before_what_belongs_to_it(self):
        script = self.control('quantd', 'postinst')
        steps = [script.find(step) for step in (' --create quantd.conf', 'deb-systemd-invoke')]
        user = script.find('systemd-sysusers $')
        self.assertTrue(-1 < user < min(steps), script)

    def test_no_daemon_starts_for_everybody_who_logs_in(self):
        self.assertIn('/usr/lib/systemd/user/quantd.service', self.files['quantd'])
        script = self.control('quantd', 'postinst')
        # Where a unit was never installed, "was-enabled" says yes; so only one that was is asked for.
        if '--user enable' in script:
            self.assertIn("deb-systemd-helper --user debian-installed 'quantd.service'", script)

    def test_a_purge_leaves_the_models(self):
        script = self.control('quantd', 'postrm')
        self.assertIn('rm -rf /var/cache/quantd\n', script)
        self.assertNotIn('rm -rf /var/lib', script)

    def test_the_symbols_file_has_each_function_with_its_version(self):
        with open(os.path.join(self.source, 'tests/abi/symbols.txt'), encoding='utf-8') as file:
            functions = [line.strip() for line in file if not line.startswith('#')]
        symbols = [line.split() for line in self.control('libquant0', 'symbols').splitlines() if line.startswith(' ')]
        self.assertEqual(sorted(name for name, _ in symbols),
                         sorted(name + '@QUANT_0.1' for name in ['QUANT_0.1', *functions]))

    def test_each_manual_page_is_in_one_package(self):
        pages = [page[:-len('.scd')] for page in os.listdir(os.path.join(self.source, 'man')) if page.endswith('.scd')]
        self.assertGreater(len(pages), 4)
        for page in pages:
            path = '/usr/share/man/man%s/%s.gz' % (page[-1], page)
            self.assertEqual(sum(path in files for files in self.files.values()), 1, path)

    def test_every_header_is_there(self):
        self.assertEqual(sorted(os.listdir(os.path.join(self.root, 'usr/include/quant'))),
                         sorted(os.listdir(os.path.join(self.source, 'include/quant'))))

    def test_programs_depend_on_the_library_they_were_built_with(self):
        for name in ('quantctl', 'quantd'):
            package, = glob.glob(os.path.join(self.folder, name + '_*.deb'))
            self.assertIn('libquant0 (= ', run('dpkg-deb', '-f', package, 'Depends'))

    def test_a_program_is_built_and_runs(self):
        package = os.path.join(self.libraries, 'pkgconfig')
        flags = run('pkg-config', '--dont-define-prefix', '--cflags', '--libs', 'libquant',
                    env={**os.environ, 'PKG_CONFIG_PATH': package}).split()
        out = os.path.join(self.scratch.name, 'quantize_buffer')
        run('cc', '-o', out, os.path.join(self.source, 'examples/quantize_buffer.c'), *flags, '-lm')
        self.assertIn('bits per weight', run(out, 'Q4_K', env=self.env))

    def test_what_is_installed_runs(self):
        version = run('sh', os.path.join(self.source, 'share/build/version.sh'),
                      os.path.join(self.source, 'include/quant/version.h'))
        for name in ('quantctl', 'quantd'):
            self.assertIn(version.strip(), run(os.path.join(self.root, 'usr/bin', name), '--version', env=self.env))
        self.assertTrue(run(os.path.join(self.root, 'usr/bin/quantctl'), 'run', 'kjv-5m', 'In the beginning', '--max-tokens', '4',
                            env=self.env).strip())


if __name__ == '__main__':
    Debian.folder, Debian.source = map(os.path.abspath, sys.argv[1:3])
    unittest.main(argv=sys.argv[:1], verbosity=2)
