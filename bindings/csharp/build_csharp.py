#!/usr/bin/env python3
"""The steps of building the SDK for C#, which meson takes one by one.

    build_csharp.py swig SWIG INTERFACE WRAPPER STAMP FOLDER INCLUDE...
    build_csharp.py library MCS DLL XML GENERATED SOURCES
    build_csharp.py programs MCS DLL TESTS PROJECT       tests, examples, the README's program and the benchmark, beside TESTS
"""
import glob
import os
import shutil
import subprocess
import sys

# The last C# that mcs knows, and what SWIG's classes warn of: members that hide others.
MCS = ['-langversion:7.2', '-optimize', '-warn:4', '-warnaserror', '-nowarn:0108,0114']


def sources(*folders):
    return sorted(path for folder in folders for path in glob.glob(folder + '/*.cs'))


def swig(program, interface, wrapper, stamp, folder, *includes):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    # 314: `sealed` is a word of C#, in a struct that is not wrapped.
    subprocess.run([program, '-c++', '-csharp', '-w314', '-namespace', 'LibQuant.Native', '-dllimport', 'quant_csharp',
                    '-outdir', folder, *('-I' + one for one in includes), '-o', wrapper, interface], check=True)
    with open(stamp, 'w', encoding='ascii') as file:
        file.write('%d files\n' % len(sources(folder)))


def library(mcs, dll, xml, generated, written):
    subprocess.run([mcs, *MCS, '-unsafe', '-target:library', '-out:' + dll, '-doc:' + xml, *sources(generated, written)],
                   check=True)


def first_program(project, folder):
    """The one of the README, as a file."""
    with open(project + '/README.md', encoding='utf-8') as file:
        program = file.read().split('```csharp\n')[1].split('```')[0]
    if program.count('\n') >= 15:
        sys.exit('the README\'s first program has 15 lines or more')
    path = os.path.join(folder, 'First.cs')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(program)
    return path


def programs(mcs, dll, tests, project):
    folder = os.path.dirname(tests)
    subprocess.run([mcs, *MCS, '-out:' + tests, '-r:' + dll, *sources(project + '/tests')], check=True)
    for path in [first_program(project, folder), *sources(project + '/examples', project + '/bench')]:
        name = os.path.splitext(os.path.basename(path))[0]
        subprocess.run([mcs, *MCS, '-out:' + os.path.join(folder, name + '.exe'), '-r:' + dll, path], check=True)


if __name__ == '__main__':
    {'swig': swig, 'library': library, 'programs': programs}[sys.argv[1]](*sys.argv[2:])
