#!/bin/sh
# From a fresh Debian machine to a quantized model that is measured and talks:
# installs the packages, builds, and does the main job on the model that ships here.
# May be run again at any time. Nothing is installed beside the packages; the catalog
# goes to $QUANT_HOME, by default into the build folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
build="$source/build-release"
QUANT_SHARE="$source/share"
QUANT_HOME=${QUANT_HOME:-"$build/home"}
export QUANT_SHARE QUANT_HOME

say() {
    printf '\n==> %s\n' "$*"
}

quantctl() {
    printf '\n$ quantctl'
    for word; do
        case $word in
            *' '*) printf ' "%s"' "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$build/cli/quantctl" "$@"
}

say "1 of 3: packages"
sh "$here/install_packages.sh"

say "2 of 3: build (release, in $build)"
sh "$here/configure.sh" "$build" -Dbuildtype=release -Dtests=false
ninja -C "$build"

say "3 of 3: quantize, measure and run kjv-5m"
quantctl quantize kjv-5m Q4_K_M
quantctl eval kjv-5m:Q4_K_M
quantctl list
quantctl show kjv-5m:Q4_K_M
quantctl run kjv-5m:Q4_K_M "In the beginning" --max-tokens 64

cat <<END

==> Done. To go on in this shell:
    export QUANT_SHARE="$QUANT_SHARE" QUANT_HOME="$QUANT_HOME" PATH="$build/cli:$build/daemon:\$PATH"
    quantctl --help
To install instead: meson install -C "$build"
END
