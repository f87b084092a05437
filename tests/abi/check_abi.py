#!/usr/bin/env python3
"""libquant.so serves whatever was built with a baseline: nothing that it promised has changed.

    check_abi.py FOLDER LIBRARY HEADERS            compare with each FOLDER/VERSION/libquant.abi
    check_abi.py --write BASELINE LIBRARY HEADERS  make a baseline, when a version is published

The library must have the debugging information of lib/api. New functions and enumerators are free, and structs that
begin with their size may grow at the end. Of these abidiff is told, and what it then does not see in or behind them
is compared here.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

from abi_types import Types, broken_promises

SKIPPED = 77
GROWN = '[suppress_type]\n  type_kind = struct\n  name = %s\n  has_data_member_inserted_at = end\n'


def write(baseline, library, headers):
    """What the library's functions take and give, as the headers tell it: what is behind handles is left out."""
    subprocess.run(['abidw', '--exported-interfaces-only', '--drop-private-types', '--headers-dir', headers,
                    '--no-corpus-path', '--no-comp-dir-path', '--no-show-locs', '--no-elf-needed', '--out-file', baseline,
                    library], check=True)


def differences(baseline, today, scratch):
    """What today's library does otherwise than the baseline, a text each."""
    problems, grown = broken_promises(Types(baseline), Types(today))
    suppressions = os.path.join(scratch, 'suppressions.ini')
    with open(suppressions, 'w', encoding='utf-8') as file:
        file.writelines(GROWN % name for name in grown)
    run = subprocess.run(['abidiff', '--suppressions', suppressions, '--no-added-syms', '--no-show-locs', baseline,
                          today], capture_output=True, text=True)
    return problems + ([run.stdout + run.stderr] if run.returncode != 0 else [])


def main(arguments):
    if not (shutil.which('abidiff') and shutil.which('abidw')):
        print('abidiff and abidw are not installed: the package is abigail-tools')
        return SKIPPED
    if arguments[0] == '--write':
        write(*arguments[1:])
        return 0
    folder, library, headers = arguments
    baselines = sorted(glob.glob(os.path.join(folder, '*', 'libquant.abi')))
    if not baselines:
        sys.exit('%s: no baseline found' % folder)
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        today = os.path.join(scratch, 'today.abi')
        write(today, library, headers)
        for baseline in baselines:
            problems += ['%s: %s' % (baseline, p) for p in differences(baseline, today, scratch)]
    print(*problems, sep='\n')
    print('%d baselines, %d differences' % (len(baselines), len(problems)))
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
