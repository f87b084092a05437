#!/usr/bin/env python3
"""The sum over several runs of meson test: which tests failed or were skipped, then one
line of numbers.

    count_tests.py BUILD_FOLDER_OR_LOG...

A log has a JSON object a line with the name and the result of a test, as meson writes them.
Where there is none, nothing was built or run: one failure. Exits 1 if anything failed.
"""
import json
import os
import sys

PASSED = {'OK', 'EXPECTEDFAIL'}
SKIPPED = {'SKIP'}


def results_of(build):
    """(name, result) of each test in the last run of a folder, or in a log."""
    path = build if build.endswith('.json') else os.path.join(build, 'meson-logs', 'testlog.json')
    if not os.path.exists(path):
        return []
    with open(path, encoding='utf-8') as file:
        tests = [json.loads(line) for line in file if line.strip()]
    return [(test['name'], test['result']) for test in tests]


def main(builds):
    passed = failed = skipped = 0
    for build in builds:
        results = results_of(build) or [('the build', 'FAILED, so that no test was run')]
        for name, result in results:
            if result in PASSED:
                passed += 1
                continue
            print('%s: %s: %s' % (os.path.basename(build).removesuffix('.json'), name, result))
            if result in SKIPPED:
                skipped += 1
            else:
                failed += 1
    print('%d passed, %d failed, %d skipped' % (passed, failed, skipped))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
