# Read by the scripts that test on CPUs this machine is not, in QEMU's user mode: a log of named
# checks, as count_tests.py reads it, and what is checked of a build on one CPU.

# start_log FILE: no checks yet.
start_log() {
    log=$1
    failed=0
    mkdir -p "$(dirname "$log")"
    : >"$log"
}

# check NAME COMMAND...: run it, show what it printed if it fails, note how it went.
check() {
    name=$1
    shift
    if "$@" >"$log.output" 2>&1; then
        result=OK
    else
        result=FAIL
        failed=1
        cat "$log.output"
    fi
    rm -f "$log.output"
    echo "$result  $name"
    printf '{"name": "%s", "result": "%s"}\n' "$name" "$result" >>"$log"
}

# doctor_names TIER QUANTCTL...: the doctor says that this tier is the best there is.
doctor_names() {
    tier=$1
    shift
    "$@" doctor | grep "tier  *$tier, the best there is"
}

# quantize_and_run QUANTCTL...: the small model, through all that a user would.
quantize_and_run() {
    home=$(mktemp -d)
    if QUANT_HOME="$home" "$@" quantize kjv-5m Q4_K_M --method round &&
        QUANT_HOME="$home" "$@" run kjv-5m:Q4_K_M "In the beginning" --max-tokens 24 --temp 0 >"$home/text"; then
        cat "$home/text"
        test -s "$home/text"
    else
        false
    fi
    went=$?
    rm -rf "$home"
    return $went
}

# check_cpu CPU TIER BUILD QEMU: on this CPU all kernels of the tier, which must be the best one
# there, are right, and the program works. Tests of the encodings' searches would take minutes;
# the golden blocks say whether bytes are the same.
check_cpu() {
    cpu=$1
    tier=$2
    build=$3
    emulator=$4
    export QUANT_TEST_TIER="$tier"
    check "kernels on $cpu ($tier)" "$emulator" -cpu "$cpu" "$build/tests/kernel/test_kernel"
    unset QUANT_TEST_TIER
    check "golden blocks on $cpu" "$emulator" -cpu "$cpu" "$build/tests/encoding/test_encoding_blocks"
    check "quantctl doctor on $cpu" doctor_names "$tier" "$emulator" -cpu "$cpu" "$build/cli/quantctl"
    check "quantctl quantize and run on $cpu" quantize_and_run "$emulator" -cpu "$cpu" "$build/cli/quantctl"
}
