# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the scripts share. Source it after `set -euo pipefail`; it defines ROOT, the source tree.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LC_ALL=C.UTF-8

say() { printf '== %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}
have() { command -v "$1" > /dev/null 2>&1; }

# need CMD...: end here unless these programs are installed.
need() {
	local c
	for c; do
		have "$c" || die "$c is missing: run scripts/setup --tests, or install it"
	done
}

# as_root CMD...: run it as root, through sudo where we are not.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif have sudo; then
		sudo "$@"
	else
		die "this needs root and there is no sudo; as root, run: $*"
	fi
}

# ensure_setup [scripts/setup options]: quick where nothing is missing.
ensure_setup() { "$ROOT/scripts/setup" "$@"; }

# logged FILE CMD...: output goes to FILE, and is shown if the command fails.
logged() {
	local log=$1
	shift
	"$@" > "$log" 2>&1 && return
	tail -n 60 "$log" >&2
	return 1
}

# ensure_build DIR [meson options]: DIR is set up with these options and built. Returns 1 if it can't be.
# A DIR that we set up is set up anew when the options change; one that somebody else set up is theirs,
# and built as it is.
ensure_build() {
	local dir=$1 stamp=$1/.options log=$1.log
	shift
	local options="CC=${CC:-cc} $*"
	if [ -e "$stamp" ] && [ "$(cat "$stamp")" != "$options" ]; then
		rm -rf "$dir"
	fi
	if [ ! -e "$dir/build.ninja" ]; then
		say "setting up $(basename "$dir")"
		logged "$log" meson setup "$dir" "$ROOT" "$@" || return 1
		printf '%s\n' "$options" > "$stamp"
	fi
	say "building $(basename "$dir")"
	logged "$log" meson compile -C "$dir" || return 1
}

# hugepages_take MIB: see to it that so much is free in hugepages of 2 MB, as far as we may, and set
# SHUNT_HUGEPAGES to how many pages are free. hugepages_return undoes it: call it from a trap.
hugepages_before=
hugepages_free() { awk '/^HugePages_Free/ { print $2 }' /proc/meminfo; }
hugepages_take() {
	local knob=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages want=$(($1 / 2)) missing
	SHUNT_HUGEPAGES=$(hugepages_free)
	missing=$((want - ${SHUNT_HUGEPAGES:-0}))
	if [ "$missing" -gt 0 ] && [ -w "$knob" ]; then
		hugepages_before=$(cat "$knob")
		if ! echo $((hugepages_before + missing)) 2> /dev/null > "$knob"; then
			hugepages_before=
		fi
		SHUNT_HUGEPAGES=$(hugepages_free)
	fi
	export SHUNT_HUGEPAGES=${SHUNT_HUGEPAGES:-0}
}
hugepages_return() {
	[ -z "$hugepages_before" ] || echo "$hugepages_before" \
		> /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
	hugepages_before=
}
