#!/usr/bin/env python3
"""The steps of building the SDK for Java, which meson takes one by one.

    build_java.py swig SWIG INTERFACE WRAPPER STAMP FOLDER INCLUDE...
    build_java.py jar JAVA_HOME JAR SCRATCH GENERATED SOURCES
    build_java.py junit                                     prints the class path of JUnit, or nothing
    build_java.py test JAVA_HOME JAR SCRATCH PROJECT CLASS_PATH
    build_java.py doc JAVA_HOME JAR FOLDER SOURCES          javadoc, where a warning is an error
"""
import glob
import os
import shutil
import subprocess
import sys

JARS = '/usr/share/java'
JUNIT = ('junit-jupiter-api', 'junit-jupiter-engine', 'junit-platform-commons', 'junit-platform-console',
         'junit-platform-engine', 'junit-platform-launcher', 'junit-platform-reporting', 'opentest4j', 'apiguardian-api',
         'picocli')


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def java_files(*folders):
    return sorted(path for folder in folders for path in glob.glob(folder + '/**/*.java', recursive=True))


def swig(program, interface, wrapper, stamp, folder, *includes):
    package = fresh(os.path.join(fresh(folder), 'dev/libquant/internal'))
    subprocess.run([program, '-c++', '-java', '-package', 'dev.libquant.internal', '-outdir', package,
                    *('-I' + one for one in includes), '-o', wrapper, interface], check=True)
    with open(stamp, 'w', encoding='ascii') as file:
        file.write('%d files\n' % len(java_files(folder)))


def make_jar(home, jar, scratch, generated, sources):
    classes = fresh(os.path.join(scratch, 'classes'))
    # Public classes show internal ones as parents, which is why those are not exported.
    subprocess.run([home + '/bin/javac', '--release', '17', '-Xlint:all,-exports', '-Werror', '-d', classes,
                    *java_files(sources, generated)], check=True)
    subprocess.run([home + '/bin/jar', '--create', '--file', jar, '-C', classes, '.'], check=True)


def junit():
    paths = [os.path.join(JARS, name + '.jar') for name in JUNIT]
    if all(os.path.exists(path) for path in paths):
        print(':'.join(paths))


def first_program(project, folder):
    """The one of the README, as a file."""
    with open(project + '/README.md', encoding='utf-8') as file:
        program = file.read().split('```java\n')[1].split('```')[0]
    if program.count('\n') >= 15:
        sys.exit('the README\'s first program has 15 lines or more')
    path = os.path.join(folder, 'First.java')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(program)
    return path


def test(home, jar, scratch, project, class_path):
    classes = fresh(os.path.join(scratch, 'classes'))
    subprocess.run([home + '/bin/javac', '--release', '17', '-Xlint:all,-path,-try', '-Werror', '-cp',
                    jar + ':' + class_path, '-d', classes,
                    first_program(project, scratch),
                    *java_files(project + '/src/test', project + '/examples', project + '/bench')], check=True)
    home_of_catalog = fresh(os.path.join(scratch, 'home'))
    environment = dict(os.environ, QUANT_HOME=home_of_catalog)
    subprocess.run([home + '/bin/java', '-cp', ':'.join((jar, classes)), 'First'], env=environment, check=True)
    if not os.path.exists(environment.get('QUANT_CONFORMANCE', '')):
        environment.pop('QUANT_CONFORMANCE', None)
    finished = subprocess.run([home + '/bin/java', '-Xcheck:jni', '-ea', '-cp', ':'.join((jar, classes, class_path)),
                               'org.junit.platform.console.ConsoleLauncher', '--disable-banner',
                               '--disable-ansi-colors', '--select-package', 'dev.libquant'],
                              env=environment, check=False)
    return finished.returncode


def doc(home, jar, folder, sources):
    public = [path for path in java_files(sources) if '/internal/' not in path and 'module-info' not in path]
    return subprocess.run([home + '/bin/javadoc', '-quiet', '-Werror', '-Xdoclint:all', '-cp', jar, '-d', fresh(folder),
                           *public], check=False).returncode


STEPS = {'swig': swig, 'jar': make_jar, 'junit': junit, 'test': test, 'doc': doc}

if __name__ == '__main__':
    sys.exit(STEPS[sys.argv[1]](*sys.argv[2:]))
