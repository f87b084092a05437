#!/bin/sh
# debian.sh FOLDER: build the Debian packages of what is committed in FOLDER, which must not be there yet, and have
# tests/install/test_debian.py look at them and try what they install. DEB_BUILD_OPTIONS=nocheck leaves out the tests
# of the build, which compile longer than all else. packages.txt and packages_debian.txt say what that needs.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
mkdir "$1"
out=$(cd "$1" && pwd)
# A compiler cache is used where there is one.
if [ -d /usr/lib/ccache ]; then
    PATH=/usr/lib/ccache:$PATH
    export PATH
fi
tree="$out/libquant-$(sh "$here/version.sh" "$source/include/quant/version.h")"
mkdir "$tree"
git -C "$source" archive HEAD | tar -x -C "$tree"
cd "$tree"
dpkg-buildpackage --build=full --unsigned-source --unsigned-changes
python3 "$source/tests/install/test_debian.py" "$out" "$source"
