#!/bin/sh
# build_llama_cpp.sh FOLDER: build the programs of llama.cpp that ours are compared with,
# unmodified, from the source that the Python package llama-cpp-python brings. They are
# then in FOLDER/build/bin. Needs pip, cmake and ninja, and a quarter of an hour on two cores.
set -eu
version=0.3.36
if [ $# -ne 1 ]; then
    echo "usage: $0 FOLDER" >&2
    exit 2
fi
mkdir -p "$1"
cd "$1"
if [ ! -d source ]; then
    # The package's metadata cannot be made without building it; the archive is there all the same.
    pip download --no-deps --no-binary llama-cpp-python "llama-cpp-python==$version" || true
    mkdir source.part
    tar -xzf "llama_cpp_python-$version.tar.gz" -C source.part --strip-components=1
    mv source.part source
fi
# AMX kernels of it compute some products in lower precision, so that losses would differ by machine.
cmake -S source/vendor/llama.cpp -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON \
    -DGGML_AMX_TILE=OFF -DGGML_AMX_INT8=OFF -DGGML_AMX_BF16=OFF -DLLAMA_CURL=OFF \
    -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=ON
ninja -C build llama-quantize llama-imatrix llama-perplexity llama-bench llama-server
