#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# FTP and TFTP behind a VIP, over net_af_packet: curl against real servers, which announce their own addresses. Every
# mode of FTP, files both ways, compared; several in one session, so that the numbers of the control connection move
# further with each.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

smoke_init curl ethtool taskset in.tftpd vsftpd "$PYTHON"
"$PYTHON" -c 'import pyftpdlib' 2> /dev/null || skip "pyftpdlib is missing (scripts/setup --tests)"
topology

VIP4B=192.0.2.211 # a longer text than the backend's address, and a server of another kind
FILES=4

# ---- servers ---------------------------------------------------------------------------------------

chmod 755 "$WORK"
mkdir -m 777 "$WORK/ftp" "$WORK/ftp/pub" "$WORK/tftp"
chmod 755 "$WORK/ftp" # vsftpd refuses a root that its users can write to
for ((i = 1; i <= FILES; i++)); do
	head -c $((i * 300001)) /dev/urandom > "$WORK/ftp/pub/file$i"
done
cp "$WORK/ftp/pub/file1" "$WORK/tftp/file1"
chmod 644 "$WORK"/ftp/pub/file? "$WORK"/tftp/file?

cat > "$WORK/vsftpd.conf" << END
background=NO
listen=YES
anonymous_enable=YES
local_enable=NO
write_enable=YES
anon_root=$WORK/ftp
anon_upload_enable=YES
anon_umask=022
no_anon_password=YES
connect_from_port_20=YES
ftp_data_port=20
ftp_username=ftp
nopriv_user=nobody
secure_chroot_dir=$WORK/empty
isolate=NO
isolate_network=NO
seccomp_sandbox=NO
END
mkdir "$WORK/empty"
chown root "$WORK/vsftpd.conf"

spawn ftp4 b1 "$PYTHON" -m pyftpdlib -i "${B4[1]}" -p 21 -w -d "$WORK/ftp"
spawn ftp6 b1 "$PYTHON" -m pyftpdlib -i "${B6[1]}" -p 21 -w -d "$WORK/ftp"
spawn vsftpd b2 vsftpd "$WORK/vsftpd.conf"
spawn tftpd b1 in.tftpd --foreground --create --user root --secure --address '[::]:69' "$WORK/tftp"
wait_for 10 "FTP server on b1" listens b1 t 21
wait_for 10 "FTP server on b2" listens b2 t 21
wait_for 10 "TFTP server on b1" listens b1 u 69

# ---- shunt -----------------------------------------------------------------------------------------

configure 1
jq --argjson services "[
	$(service ftp "$VIP4" tcp 21 "$(backends 21 1)"),
	$(service vsftpd "$VIP4B" tcp 21 "$(backends 21 2)"),
	$(service ftp6 "$VIP6" tcp 21 "$(backends6 21 1)"),
	$(service tftp "$VIP4" udp 69 "$(backends 69 1)"),
	$(service tftp6 "$VIP6" udp 69 "$(backends6 69 1)")]" \
	'.services = $services | .conntrack = {"rules": [
		{"protocol": "tcp", "destination-port": 21, "helper": "ftp"},
		{"protocol": "udp", "destination-port": 69, "helper": "tftp"}]}' "$WORK/shunt.json" > "$WORK/helpers.json"
mv "$WORK/helpers.json" "$WORK/shunt.json"
start_shunt shunt 2

# ---- transfers -------------------------------------------------------------------------------------

# client_curl OPTIONS...
client_curl() {
	in_ns client timeout 60 curl -gsS --no-progress-meter "$@" > "$WORK/curl.log" 2>&1 ||
		fail "curl $*: $(tail -n 3 "$WORK/curl.log")"
}

n=0
# mode NAME HOST OPTIONS...: every file in one session, and one the other way.
mode() {
	local name=$1 host=$2 args=() i
	shift 2
	n=$((n + 1))
	for ((i = 1; i <= FILES; i++)); do
		args+=("ftp://$host/pub/file$i" -o "$WORK/got$i")
	done
	rm -f "$WORK"/got?
	client_curl "$@" "${args[@]}"
	for ((i = 1; i <= FILES; i++)); do
		cmp "$WORK/ftp/pub/file$i" "$WORK/got$i" || fail "$name: file$i is not what the server has"
	done
	client_curl "$@" -T "$WORK/ftp/pub/file2" "ftp://$host/pub/up$n"
	cmp "$WORK/ftp/pub/file2" "$WORK/ftp/pub/up$n" || fail "$name: the server has not what was sent"
	say "$name: $FILES files from $host in one session, one to it, as they were"
}

# The address in the answer to PASV is used only with --no-ftp-skip-pasv-ip.
for host in "$VIP4" "$VIP4B"; do
	mode PASV "$host" --disable-epsv --no-ftp-skip-pasv-ip
	mode EPSV "$host"
	mode PORT "$host" -P - --disable-eprt
	mode EPRT "$host" -P -
done
mode EPSV "[$VIP6]"
mode EPRT "[$VIP6]" -P -

# Interactive, from TFTP's own ports.
for host in "$VIP4" "[$VIP6]"; do
	rm -f "$WORK/got"
	client_curl -o "$WORK/got" "tftp://$host/file1"
	cmp "$WORK/tftp/file1" "$WORK/got" || fail "TFTP: not what the server has"
	n=$((n + 1))
	client_curl -T "$WORK/ftp/pub/file1" "tftp://$host/up$n"
	cmp "$WORK/ftp/pub/file1" "$WORK/tftp/up$n" || fail "TFTP: the server has not what was sent"
	say "TFTP: a file from $host, and one to it, as they were"
done

# ---- what was not announced stays out -----------------------------------------------------------------

! in_ns client timeout 5 nc -z -w 2 "$VIP4" 50000 2> /dev/null || fail "a port that nobody announced is open"

check_counters
ask show stats > "$WORK/stats"
jq -e '.states.related.packets >= 50' "$WORK/stats" > /dev/null ||
	fail "fewer related packets than transfers: $(jq -c .states "$WORK/stats")"
drops=$(ask show drops | jq -c '[.drops[] | select(.reason | startswith("alg") or startswith("ct_")) | {(.reason): .packets}]')
[ "$drops" = '[]' ] || fail "dropped, though nothing was wrong: $drops"
say "related: $(jq -c .states.related "$WORK/stats")"
stop_shunt quit
