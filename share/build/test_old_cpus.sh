#!/bin/sh
# test_old_cpus.sh BUILD: that a build with tests, made on any x86 machine, runs on x86 CPUs that lack
# what this one has: in QEMU's user mode, which stops a program at an instruction that the CPU does
# not know. The last line is
#     N passed, N failed, N skipped
# and BUILD/old-cpus.json is the log of it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
build=$1
. "$here/emulated.sh"

QUANT_SHARE="$source/share"
QUANT_TEST_DATA="$source/tests/data"
export QUANT_SHARE QUANT_TEST_DATA

start_log "$build/old-cpus.json"
check "packages" sh "$here/install_packages.sh" "$here/packages_emulated.txt"
check_cpu qemu64 scalar "$build" qemu-x86_64 # What every 64-bit CPU has, and no more.
# QEMU 7.2 reads all 32 bytes of VMASKMOVPS; CPUs, and so the tests on this one, only what the mask has.
export QUANT_TEST_READABLE_GUARDS=1
check_cpu Haswell avx2 "$build" qemu-x86_64
python3 "$here/count_tests.py" "$log"
