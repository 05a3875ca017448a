# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What tests of other people's programs on net_hwsim share: the driver as a plugin, and the EAL options that run
# anywhere. Source it after `set -euo pipefail`; it sources lib.sh. Nothing is left behind.

# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

: "${SHUNT_BUILD_DIR:=$HERE/../../build}"
: "${SHUNT_SOURCE_DIR:=$HERE/../..}"
PLUGIN=librte_net_hwsim.so
PROFILES=$SHUNT_SOURCE_DIR/config/hwsim

# hwsim_init CMD...: skip unless there is a plugin that these programs can load; make the work directory.
hwsim_init() {
	local cmd plugin=$SHUNT_BUILD_DIR/src/$PLUGIN
	for cmd in jq "$@"; do
		command -v "$cmd" > /dev/null || skip "$cmd is missing (scripts/setup --tests)"
	done
	[ -e "$plugin" ] || skip "no $plugin: built without DPDK's driver headers (scripts/setup)"
	! ldd "$plugin" | grep -qE 'lib(asan|ubsan|tsan)' ||
		skip "the plugin is built with sanitizers: programs without them cannot load it"
	# EAL refuses a plugin by its path where somebody else can write to a folder of it; by its name it does not ask.
	export LD_LIBRARY_PATH=$SHUNT_BUILD_DIR/src${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
	WORK=$(mktemp -d /tmp/shunt-smoke.XXXXXX)
	trap finish EXIT
	trap 'exit 130' INT TERM
}

# eal DEVARGS MB LCORES: the options, in EAL_OPTIONS.
eal() {
	EAL_OPTIONS=(--lcores "$(lcores "$3")" --no-shconf --file-prefix "$PREFIX" --no-huge -m "$2" --no-pci --no-telemetry
		-d "$PLUGIN" --vdev "net_hwsim0$1")
}

# xstat PORT NAME: one number of the extended statistics of a port of the program that runs as $PREFIX, by telemetry.
xstat() {
	"$PYTHON" - "/var/run/dpdk/$PREFIX/dpdk_telemetry.v2" "$1" "$2" << 'END'
import json, socket, sys
path, port, name = sys.argv[1:]
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(path)
s.recv(1024)
s.send(f"/ethdev/xstats,{port}".encode())
print(json.loads(s.recv(1 << 16))["/ethdev/xstats"][name])
END
}

# equal WHAT A B
equal() { [ "$2" -eq "$3" ] || fail "$1: $2, not $3"; }
