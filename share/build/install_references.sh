#!/bin/sh
# install_references.sh FOLDER: the libraries whose formats we write, at the versions that references.txt names:
# FOLDER/python becomes a virtual environment (6 GB). Asks the network for nothing when it is there already.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cmp -s "$here/references.txt" "$folder/references.txt" && exit 0
rm -rf "$folder/python"
python3 -m venv "$folder/python"
"$folder/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir -r "$here/references.txt"
cp "$here/references.txt" "$folder"
