#!/bin/sh
# test_aarch64.sh [BUILD]: build for 64-bit ARM with Debian's cross compiler, and check the tiers in
# QEMU's user mode: on a CPU without SDOT, on one with it, and on one that has everything. The last line is
#     N passed, N failed, N skipped
# and BUILD/aarch64.json is the log of it. What cannot be installed or built is a failure.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
build=${1:-"$source/build-aarch64"}
. "$here/emulated.sh"

QUANT_SHARE="$source/share"
QUANT_TEST_DATA="$source/tests/data"
export QUANT_SHARE QUANT_TEST_DATA

prepare() {
    sh "$here/install_packages.sh" &&
        sh "$here/install_packages.sh" "$here/packages_emulated.txt" &&
        { [ -f "$build/meson-private/coredata.dat" ] ||
            meson setup "$build" "$source" --cross-file "$here/cross/aarch64.ini"; } &&
        meson configure "$build" -Dwerror=true -Dbuildtype=release -Db_ndebug=false -Dman=false -Dunity=on -Dunity_size=6 &&
        ninja -C "$build" tests/kernel/test_kernel tests/machine/test_machine tests/encoding/test_encoding_blocks cli/quantctl
}

start_log "$build/aarch64.json"
check "build" prepare
if [ "$failed" = 0 ]; then
    check_cpu cortex-a72 neon "$build" qemu-aarch64
    check_cpu neoverse-n1 neondotprod "$build" qemu-aarch64
    check_cpu max neoni8mm "$build" qemu-aarch64
    check "machine" qemu-aarch64 "$build/tests/machine/test_machine"
fi
python3 "$here/count_tests.py" "$log"
