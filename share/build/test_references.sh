#!/bin/sh
# test_references.sh BUILD FOLDER: that what quantctl of a build writes in other formats is what the formats' own libraries
# read, at the versions that references.txt names, in an environment that FOLDER becomes (6 GB). The last line is
#     N passed, N failed, N skipped
# and BUILD/references.json is the log of it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd)
mkdir -p "$2"
folder=$(cd "$2" && pwd)
rm -f "$build/references.json"

sh "$here/install_references.sh" "$folder"
rm -rf "$folder/made"
mkdir "$folder/made"
"$folder/python/bin/python" "$source/tests/references/check_references.py" "$build/cli/quantctl" \
    "$source/tests/data/model/llama-base" "$folder/made" "$build/references.json" || true
python3 "$here/count_tests.py" "$build/references.json"
