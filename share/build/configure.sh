#!/bin/sh
# configure.sh BUILD [OPTION ...]: set a build folder up, or anew with other options.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
shift
if [ -f "$build/meson-private/coredata.dat" ]; then
    meson configure "$build" "$@"
else
    meson setup "$build" "$source" "$@"
fi
