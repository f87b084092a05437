#!/bin/sh
# install_packages.sh [LIST]: install what packages.txt, or another list, names and this Debian
# machine lacks. Asks the network for nothing when all is there. A name may end in the
# architecture it is for (libfmt-dev:arm64).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
list=${1:-"$here/packages.txt"}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v dpkg-query >/dev/null; then
    echo "libquant: this is no Debian machine; install what stands for these packages there:" >&2
    paste -s -d ' ' "$list" >&2
    exit 0
fi

missing=
while read -r package; do
    is_installed "$package" || missing="$missing $package"
done <"$list"
if [ -z "$missing" ]; then
    echo "All packages are installed."
    exit 0
fi

echo "Installing:$missing"
as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "libquant: these packages are missing, and there is no sudo to install them with:$missing" >&2
        exit 1
    fi
    as_root=sudo
fi
for package in $missing; do
    case $package in
        *:*) $as_root dpkg --add-architecture "${package#*:}" ;;
    esac
done
# A list of packages that is out of date is the commonest reason for a failure, a
# mirror that is unreachable for a part of it is no reason.
$as_root apt-get update -qq || echo "libquant: apt-get update failed; trying with the lists there are" >&2
# shellcheck disable=SC2086 # The names are words.
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
