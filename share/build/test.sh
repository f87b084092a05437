#!/bin/sh
# Everything that must hold before a change goes in: installs the packages, builds with
# warnings as errors and runs all tests; then builds with the address and undefined
# behaviour sanitizers and runs what is not the command line once more. The last line is
#     N passed, N failed, N skipped
# over both runs, and the exit status says whether anything failed. A build that fails
# counts as one failed test.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
plain="$source/build-test"
sanitized="$source/build-sanitized"
status=0

say() {
    printf '\n==> %s\n' "$*"
}

# configure FOLDER MESON-OPTION...
configure() {
    rm -f "$1/meson-logs/testlog.json"
    sh "$here/configure.sh" "$@"
}

# run_tests FOLDER MESON-TEST-OPTION...: failures are counted from the log, at the end.
# Builds first what the tests that are asked for need.
run_tests() {
    folder=$1
    shift
    meson test -C "$folder" --print-errorlogs "$@" || status=1
}

say "1 of 3: packages"
sh "$here/install_packages.sh" || say "not all packages could be installed; trying without"

say "2 of 3: all tests (release with assertions, in $plain)"
# All that can be built is built, so that every error is seen.
if configure "$plain" -Dwerror=true -Dbuildtype=release -Db_ndebug=false && ninja -C "$plain" -k 0; then
    run_tests "$plain"
fi

say "3 of 3: unit, golden and abi tests under ASan and UBSan (in $sanitized)"
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1}
UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}
export ASAN_OPTIONS UBSAN_OPTIONS
if configure "$sanitized" -Dbuildtype=debugoptimized -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false; then
    run_tests "$sanitized" --suite unit --suite golden --suite abi --timeout-multiplier 8
fi

say "result"
python3 "$here/count_tests.py" "$plain" "$sanitized" || status=1
exit $status
