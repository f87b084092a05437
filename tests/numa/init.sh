#!/bin/busybox sh
# What the virtual machine of test_numa_vm.sh runs instead of a system: the tests that need several
# memory nodes, and the command line under each policy, whose output must be that of "off".
# Each result is a line "RESULT ok|failed NAME".
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp QUANT_HOME=/tmp/catalog LD_LIBRARY_PATH=/lib
mkdir -p /proc /sys /dev /tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2> /dev/null
mkdir -p /sys/fs/cgroup

result() { # NAME STATUS
    if [ "$2" = 0 ]; then echo "RESULT ok $1"; else echo "RESULT failed $1"; fi
}

# same NAME COMMAND...: its output under each policy is that under "off", but for the time it took.
same() {
    name=$1
    shift
    "$@" --numa off > /tmp/off.out 2> /tmp/off.err && [ -s /tmp/off.out ]
    result "$name off" $?
    cat /tmp/off.out /tmp/off.err
    grep -v '"seconds"' /tmp/off.out > /tmp/off.same
    for policy in auto shard mirror node=0 node=1; do
        "$@" --numa $policy > /tmp/policy.out 2> /tmp/policy.err &&
            grep -v '"seconds"' /tmp/policy.out | cmp -s /tmp/off.same -
        result "$name $policy" $?
    done
}

# pages PID NODE: how many of a process's are on that node, in memory that is bound to it.
pages() {
    awk -v node="$2" '$0 ~ (" (prefer|bind)[^:]*:" node " ") {
        for (i = 3; i <= NF; i++) if ($i ~ ("^N" node "=")) { split($i, part, "="); sum += part[2] } }
        END { print sum + 0 }' "/proc/$1/numa_maps" 2> /dev/null || echo 0
}

# placed POLICY LEAST0 MOST0 LEAST1 MOST1: per cent of the model's panels, while generating.
placed() {
    quantctl run /model.gguf "In the beginning" --raw --max-tokens 4000 --numa "$1" > /dev/null 2>&1 &
    pid=$!
    # Until two looks at it find the same.
    last=-1 now=-2
    for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        last=$now
        sleep 1
        now=$(($(pages $pid 0) + $(pages $pid 1)))
        [ "$now" -gt 0 ] && [ "$now" = "$last" ] && break
    done
    on0=$(pages $pid 0) on1=$(pages $pid 1)
    grep -E ' (prefer|bind)' /proc/$pid/numa_maps 2> /dev/null | head -n 4
    echo "$1: $on0 bound pages on node 0, $on1 on node 1"
    kill $pid 2> /dev/null
    [ "$now" -gt 0 ] && [ $((on0 * 100)) -ge $(($2 * now)) ] && [ $((on0 * 100)) -le $(($3 * now)) ] &&
        [ $((on1 * 100)) -ge $(($4 * now)) ] && [ $((on1 * 100)) -le $(($5 * now)) ]
    result "placed $1" $?
}

test_machine
result "tests of the machine room" $?
export QUANT_ISA=scalar # Which has panels as a definition; the emulated CPU has no tier that has others.
test_kernel "[forced]"
result "tests of kernels" $?
same run quantctl run /model.gguf "In the beginning" --raw --temp 0 --max-tokens 24
same eval quantctl eval /model.gguf --text /text.txt --chunks 1 --ctx 64 --no-bench --json
for policy in off auto shard mirror node=1; do
    QUANT_NUMA=$policy quantctl logits /model.gguf --tokens 1,20,300,4,5 --out /tmp/logits.$policy &&
        cmp -s /tmp/logits.off /tmp/logits.$policy
    result "logits $policy" $?
done
placed shard 40 60 40 60
placed mirror 45 55 45 55
placed node=1 0 0 100 100
quantctl run /model.gguf x --numa node=2 > /tmp/out 2>&1
grep -q "2 memory nodes" /tmp/out
result "a node that is not there" $?
quantctl doctor | grep -A1 workers
quantctl doctor | grep -q "shard; node 0: 2 cores, 2 workers"
result doctor $?
echo "RESULT end"
poweroff -f
