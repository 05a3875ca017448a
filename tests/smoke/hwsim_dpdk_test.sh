#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# DPDK's own tests of what takes any port, as Debian ships them (dpdk-test), on net_hwsim: forwarding through a wire that
# loops back, and event adapters by polling and by receive interrupts.
set -euo pipefail
. "$(dirname "$0")/hwsim_lib.sh"

# run NAME DEVARGS MB [COMMANDS]: test NAME, typed behind these; output in $WORK/NAME.log.
run() {
	local name=$1 start
	start=$(now_ms)
	eal "$2" "$3" 2
	printf '%b%s\nquit\n' "${4:-}" "$name" |
		timeout 150 dpdk-test "${EAL_OPTIONS[@]}" > "$WORK/$name.log" 2>&1 || fail "$name$2"
	grep -q '^Test OK' "$WORK/$name.log" || fail "$name$2 does not say that it is well"
	! grep -qE 'Tests (Failed|Skipped|Unsupported) *: *[1-9]' "$WORK/$name.log" || fail "$name$2: not all of it ran"
	say "$name on net_hwsim0$2: $(summary "$name"), $(($(now_ms) - start)) ms"
}

summary() {
	sed -nE 's/.*Tests Passed *: *([0-9]+).*/\1 tests/p; s/^Result: *([0-9].*)/\1/p; s/^([0-9]+ packets?,? .*)/\1/p' \
		"$WORK/$1.log" | paste -sd' '
}

# Without a clock: until two seconds' worth of the link's rate has come, and a 25G link is the shortest. In time: a burst
# that waits on the card. (The third way, to poll before the burst leaves, gives up after 10,000 polls: where an lcore
# has no CPU of its own that is a race.)
forwarding() {
	run pmd_perf_autotest ",profile=$PROFILES/25g.json" 512
	grep -q '^[0-9]* packet, 0 drop' "$WORK/pmd_perf_autotest.log" || fail "packets were lost"
	for clock in tsc virtual; do
		run pmd_perf_autotest ",profile=$PROFILES/cx5.json,clock=$clock" 512 'set_rxtx_sc poll_after_xmit\n'
		grep -q '^0 packets lost' "$WORK/pmd_perf_autotest.log" || fail "packets were lost"
	done
}

# 524,288 buffers, says the test.
adapters() {
	local clock
	[ "$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)" -ge 4096 ] ||
		skip "event adapters want 4 GB of memory"
	for clock in off tsc; do
		run event_eth_rx_adapter_autotest ",clock=$clock" 3072
		run event_eth_rx_intr_adapter_autotest ",clock=$clock" 3072
	done
}

hwsim_init dpdk-test
case ${1:-} in
forwarding | adapters) "$1" ;;
*) fail "usage: hwsim_dpdk_test.sh forwarding|adapters" ;;
esac
