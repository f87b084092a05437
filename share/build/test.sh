#!/bin/sh
# Everything that must hold before a change goes in: installs packages and clients, builds with
# warnings as errors and runs all tests; then what runs models again on each tier of kernels
# that this machine has; then builds with the address and undefined behaviour sanitizers and
# runs what is not the command line once more; then checks the kernels and the program on CPUs
# that this machine is not, emulated; then lets other libraries read
# what is written in their formats. The last line is
#     N passed, N failed, N skipped
# over all runs, and the exit status says whether anything failed. A build that fails
# counts as one failed test.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
plain="$source/build-test"
sanitized="$source/build-sanitized"
aarch64="$source/build-aarch64"
status=0

started=$(date +%s)

# say WORDS: with the minutes since the start.
say() {
    printf '\n==> %d min: %s\n' $((($(date +%s) - started) / 60)) "$*"
}

# configure FOLDER MESON-OPTION...
# Six files are compiled as one, since headers take longer than what is in most files.
configure() {
    rm -f "$1"/meson-logs/testlog*.json
    sh "$here/configure.sh" "$@" -Dunity=on -Dunity_size=6
}

# run_tests FOLDER MESON-TEST-OPTION...: failures are counted from the log, at the end.
# Builds first what the tests that are asked for need.
run_tests() {
    folder=$1
    shift
    meson test -C "$folder" --print-errorlogs "$@" || status=1
}

# Logs of runs beside those of the folders.
set --

say "1 of 8: packages, and the clients that quantd is tested with"
sh "$here/install_packages.sh" || say "not all packages could be installed; trying without"
sh "$here/install_packages.sh" "$here/packages_bindings.txt" || say "not all languages could be installed; trying without"
# These come over the network while compilers run.
{
    sh "$here/install_clients.sh" "$source/build-clients" || say "not all clients could be installed; trying without"
    sh "$here/install_references.sh" "$source/build-references" || say "not all references could be installed"
} &
installing=$!

say "2 of 8: all tests (release with assertions, in $plain)"
# All that can be built is built, so that every error is seen.
built=yes
{ configure "$plain" -Dwerror=true -Dbuildtype=release -Db_ndebug=false -Dbindings=csharp,go,java,python,rust &&
    ninja -C "$plain" -k 0; } || built=no
wait $installing || true
if [ $built = yes ]; then
    run_tests "$plain" --no-suite bindings
fi

say "3 of 8: what runs models, on each tier of this machine (in $plain)"
for tier in $("$plain/cli/quantctl" doctor | sed -n 's/^ *tier .*; of //p'); do
    run_tests "$plain" --setup "tier_$tier" engine model eval quantctl-plumbing
    set -- "$@" "$plain/meson-logs/testlog-tier_$tier.json"
done

# By themselves: they compile, which other tests' clocks would notice.
say "4 of 8: SDKs (in $plain)"
run_tests "$plain" --suite bindings --logbase testlog-bindings
set -- "$@" "$plain/meson-logs/testlog-bindings.json"

# Null pointers stop a program anyhow, and what looks for them before each use doubles the time to compile.
say "5 of 8: unit, golden and abi tests under ASan and UBSan (in $sanitized)"
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1}
UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}
export ASAN_OPTIONS UBSAN_OPTIONS
if configure "$sanitized" -Dbuildtype=plain -Doptimization=1 -Db_ndebug=false -Db_sanitize=address,undefined -Db_lundef=false \
    -Dcpp_args="-g1 -fno-sanitize=null,vptr" -Dc_args=-g1; then
    run_tests "$sanitized" --suite unit --suite golden --suite abi --timeout-multiplier 8
fi

# What these scripts count themselves is counted again, with the rest, from their logs.
say "6 of 8: 64-bit ARM (in $aarch64, emulated)"
sh "$here/test_aarch64.sh" "$aarch64" || status=1
set -- "$@" "$aarch64/aarch64.json"

if [ "$(uname -m)" = x86_64 ]; then
    say "7 of 8: older x86 CPUs (emulated)"
    sh "$here/test_old_cpus.sh" "$plain" || status=1
    set -- "$@" "$plain/old-cpus.json"
fi

say "8 of 8: the libraries whose formats are written (in $source/build-references)"
sh "$here/test_references.sh" "$plain" "$source/build-references" || status=1
set -- "$@" "$plain/references.json"

say "result"
python3 "$here/count_tests.py" "$plain" "$sanitized" "$@" || status=1
exit $status
