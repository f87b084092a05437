#!/bin/sh
# install_clients.sh FOLDER: the clients that tests/daemon/clients runs against quantd, at the versions that
# clients_python.txt and clients_node.txt name: FOLDER/python becomes a virtual environment, and
# FOLDER/node_modules holds those of Node.js. Asks the network for nothing when both are there already.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)

# is_made LIST: the folder was made from the list as it is now.
is_made() {
    cmp -s "$here/$1" "$folder/$1"
}

if ! is_made clients_python.txt; then
    rm -rf "$folder/python"
    python3 -m venv "$folder/python"
    "$folder/python/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/clients_python.txt"
    cp "$here/clients_python.txt" "$folder"
fi

if ! command -v npm >/dev/null; then
    echo "libquant: there is no npm, so the clients of Node.js are left out" >&2
elif ! is_made clients_node.txt; then
    rm -rf "$folder/node_modules"
    # shellcheck disable=SC2046 # The names are words.
    npm install --silent --no-save --no-audit --no-fund --prefix "$folder" $(cat "$here/clients_node.txt")
    cp "$here/clients_node.txt" "$folder"
fi
echo "The clients are in $folder."
