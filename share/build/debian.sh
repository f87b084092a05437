#!/bin/sh
# debian.sh FOLDER: build the Debian packages of what is committed in FOLDER, which must not be there yet, and have
# tests/install/test_debian.py look at them and try what they install. DEB_BUILD_OPTIONS=nocheck leaves out the tests of the build, which compile
# longer than all else. packages.txt and packages_debian.txt say what that needs.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
mkdir "$1"
out=$(cd "$1" && pwd)
# A compiler cache is used where there is one: the user's, since the build gets a home of its own.
if [ -d /usr/lib/ccache ]; then
    PATH=/usr/lib/ccache:$PATH
    CCACHE_DIR=${CCACHE_DIR:-$(ccache --get-config cache_dir)}
    export PATH CCACHE_DIR
fi
tree="$out/libquant-$(sh "$here/version.sh" "$source/include/quant/version.h")"
mkdir "$tree"
GIT_INDEX_FILE="$out/index"
export GIT_INDEX_FILE
git -C "$source" read-tree HEAD
git -C "$source" add --all
git -C "$source" archive "$(git -C "$source" write-tree)" | tar -x -C "$tree"
rm "$GIT_INDEX_FILE"
unset GIT_INDEX_FILE
cd "$tree"
dpkg-buildpackage --build=full --unsigned-source --unsigned-changes
python3 "$source/tests/install/test_debian.py" "$out" "$source"
