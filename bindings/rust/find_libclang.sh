#!/bin/sh
# Whether there is a libclang where bindgen looks for one: exit 0, and its path on stdout.
set -eu
folders="${LIBCLANG_PATH:-}"
if command -v "${LLVM_CONFIG_PATH:-llvm-config}" >/dev/null 2>&1; then
    folders="$folders $("${LLVM_CONFIG_PATH:-llvm-config}" --libdir)"
fi
for folder in $folders /usr/lib/llvm-*/lib /usr/lib /usr/lib64 /usr/lib/*-linux-gnu /usr/local/lib /usr/local/lib64; do
    for file in "$folder"/libclang.so "$folder"/libclang-*.so "$folder"/libclang.so.* "$folder"/libclang-*.so.*; do
        if [ -e "$file" ]; then
            echo "$file"
            exit 0
        fi
    done
done
exit 1
