#!/bin/sh
# test_numa_vm.sh BUILD [KERNEL]: boots a virtual machine with two memory nodes and two cores
# each, emulated in software, and runs in it what only such a machine can test: placement
# on nodes, and that results do not depend on it. Takes some minutes. The last line is
#     N passed, N failed
# Needs qemu-system-x86, busybox-static and cpio (Debian's names), and a kernel: without KERNEL (a
# vmlinuz) Debian's for clouds is fetched with apt-get and unpacked in a temporary folder, not installed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd)
kernel=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root="$work/root"

fetch_kernel() {
    cd "$work"
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: *\(linux-image-.*\)/\1/p' | head -n 1)
    apt-get download "$package" > /dev/null
    dpkg -x linux-image-*.deb unpacked
    kernel=$(ls "$work"/unpacked/boot/vmlinuz-*)
    cd "$source"
}

# A program and the libraries that it is linked with: the loader under its own path, all others in /lib.
add_program() {
    cp "$1" "$root/bin/"
    ldd "$1" | grep -o '/[^ ]*' | while read -r library; do
        case $library in
        */ld-*) mkdir -p "$root$(dirname "$library")" && cp -Lu "$library" "$root$library" ;;
        *) cp -Lu "$library" "$root/lib/" ;;
        esac
    done
}

for tool in qemu-system-x86_64 busybox cpio; do
    command -v $tool > /dev/null || { echo "$tool is not installed (qemu-system-x86, busybox-static, cpio)"; exit 2; }
done
[ -n "$kernel" ] || fetch_kernel

mkdir -p "$root/bin" "$root/lib"
cp "$(command -v busybox)" "$root/bin/"
for program in cli/quantctl tests/machine/test_machine tests/kernel/test_kernel; do add_program "$build/$program"; done
QUANT_HOME="$work/home" QUANT_SHARE="$source/share" "$build/cli/quantctl" quantize "$source/share/models/kjv-5m" Q8_0 \
    --method round --no-eval --output "$root/model.gguf" > /dev/null
head -c 20000 "$source/share/calibration/general.txt" > "$root/text.txt"
cp "$here/init.sh" "$root/init"
chmod 755 "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) > "$work/initrd"

timeout 900 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 4,sockets=2,cores=2 -m 2G \
    -object memory-backend-ram,id=m0,size=1G -object memory-backend-ram,id=m1,size=1G \
    -numa node,nodeid=0,cpus=0-1,memdev=m0 -numa node,nodeid=1,cpus=2-3,memdev=m1 \
    -kernel "$kernel" -initrd "$work/initrd" -append "console=ttyS0 quiet panic=-1" \
    -nographic -monitor none -no-reboot < /dev/null | stdbuf -oL tr -d '\r' | tee "$work/console" || true

passed=$(grep -c '^RESULT ok' "$work/console" || true)
failed=$(grep -c '^RESULT failed' "$work/console" || true)
grep -q '^RESULT end' "$work/console" || { echo "the machine did not come to its end"; failed=$((failed + 1)); }
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
