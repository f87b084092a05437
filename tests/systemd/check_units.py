#!/usr/bin/env python3
"""What systemd says of the units: that they are well formed, and how exposed the daemon is.

    check_units.py SERVICE SOCKET USER-SERVICE TCP-DROP-IN

Goals: exposure of at most 1.0 with the Unix socket alone, and of at most 1.5 with the drop-in that allows loopback
TCP. Exits with 77 (skipped) where there is no systemd-analyze.
"""
import os
import shutil
import subprocess
import sys
import tempfile


def service_section(path):
    with open(path, encoding='utf-8') as file:
        return file.read().split('[Service]')[1]


def analyze(*arguments):
    return subprocess.run(['systemd-analyze', *arguments], capture_output=True, text=True)


def exposed(folder, text, threshold, told=True):
    """Whether a unit of that text is exposed to more than threshold tenths; tells what adds to it."""
    path = os.path.join(folder, 'quantd.service')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    done = analyze('security', '--offline=true', '--no-pager', '--threshold=%d' % threshold, path)
    lines = done.stdout.strip().splitlines()
    if told:
        print('\n'.join(line for line in lines if not line.startswith('✓')) + done.stderr)
    return done.returncode != 0 or not any('exposure level' in line for line in lines)


def verify(folder, *units):
    """Whether systemd takes them; the program is replaced by one that is there."""
    paths = []
    for unit, name in units:
        with open(unit, encoding='utf-8') as file:
            text = file.read()
        paths.append(os.path.join(folder, name))
        with open(paths[-1], 'w', encoding='utf-8') as file:
            file.writelines('ExecStart=/bin/true\n' if line.startswith('ExecStart=') else line
                            for line in text.splitlines(keepends=True))
    done = analyze('verify', '--man=no', *paths)
    print(done.stdout + done.stderr)
    return done.returncode == 0 and not done.stderr.strip()


def main(service, socket, user_service, tcp):
    if not shutil.which('systemd-analyze'):
        print('no systemd-analyze here')
        return 77
    with open(service, encoding='utf-8') as file:
        text = file.read()
    with_tcp = text.replace('[Install]', service_section(tcp) + '\n[Install]')
    good = True
    with tempfile.TemporaryDirectory() as folder:
        good &= not exposed(folder, text, 10)
        good &= not exposed(folder, with_tcp, 15)
        # The check can fail: a unit that protects itself from nothing is far above.
        good &= exposed(folder, '[Service]\nExecStart=/bin/true\n', 15, told=False)
        good &= verify(folder, (service, 'quantd.service'), (socket, 'quantd.socket'))
        good &= verify(folder, (user_service, 'quantd.service'))
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
