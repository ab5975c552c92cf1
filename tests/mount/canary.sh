# canary.sh - what a storm must leave alone; source it after lib.sh, which the storms' tests need
# root for. The canary is memory of a process of root that does not fit into RAM, so that a part of
# it is in swap, and a page of a host file that is stored to before each storm.
#
#     start_mount $STORM_MACHINE
#     canary_start
#     ... a storm ...
#     canary_goes_on NAME     amid a storm: everything is whole, and the machine answers
#     canary_check NAME       after it: the same, all other processes can be ended, and sync works
#     stop_mount
# shellcheck shell=sh

# shellcheck disable=SC2034 # for those who source this
STORM_MACHINE='-o allow_other,ram=16M,swapsize=256M'
CANARY_MIB=24
CANARY_AT=0x10000000

# quickly COMMAND...: COMMAND succeeds within a time that only a hang exceeds
quickly() {
	timeout -k 1 60 "$@"
}
canary_memory() {
	quickly dd if="$M/$canary/mem" bs=1M skip=$((CANARY_AT >> 20)) count=$CANARY_MIB \
		2>/dev/null | cksum
}
# Store a new text into the page of the file. It is dirty from now on.
canary_store() {
	canary_text="canary $_count"
	"$TOOL" pwrite "$M/$canary/mem" "$canary_page" "$canary_text" >/dev/null
}
canary_start() {
	canary=$(ctl "$M" spawn canary)
	ctl "$M/$canary" mmap $CANARY_AT ${CANARY_MIB}M rw- private,anon,fixed >/dev/null
	yes 'the canary is whole' | head -c ${CANARY_MIB}M |
		dd of="$M/$canary/mem" bs=1M seek=$((CANARY_AT >> 20)) iflag=fullblock \
			conv=notrunc 2>/dev/null
	truncate -s 4K "$T/canary"
	canary_page=$(ctl "$M/$canary" mmap 0 4K rw- shared "$T/canary")
	canary_sum=$(yes 'the canary is whole' | head -c ${CANARY_MIB}M | cksum)
	isnt "$(sed -n 's/^VmSwap:[^0-9]*\([0-9]*\) kB/\1/p' "$M/$canary/status")" 0 \
		'a part of the canary is in swap'
	canary_store
}
# End all processes but the canary: those of a client that was killed are still there.
canary_alone() {
	for _dir in "$M"/[0-9]*; do
		[ "${_dir##*/}" = "$canary" ] || echo "kill ${_dir##*/} KILL"
	done | quickly "$VASCTL" "$M"
}
# canary_goes_on NAME: nothing is lost, and others are served, although some files do not answer
canary_goes_on() {
	ok "$1: ls" quickly ls "$M"
	ok "$1: ls -l" quickly ls -l "$M"
	ok "$1: spawn" quickly "$VASCTL" "$M" spawn passing
	ok "$1: status" quickly cat "$M/$canary/status"
	is "$(canary_memory)" "$canary_sum" "$1: the memory of root is whole"
	is "$(quickly "$TOOL" pread "$M/$canary/mem" "$canary_page" ${#canary_text})" \
		"$(hex "$canary_text")" "$1: so is the page of the file"
	is "$(quickly "$VASCTL" "$M/$canary" msync "$canary_page" 4K sync 2>&1)" 0 "$1: msync"
	is "$(tr -d '\0' <"$T/canary")" "$canary_text" "$1: the page is in the file"
	ok "$1: the daemon lives" kill -0 "$(daemon_pid)"
	canary_store
}
canary_check() {
	canary_goes_on "$1"
	ok "$1: the processes that are left can be ended" canary_alone
	is "$(quickly "$VASCTL" "$M" sync 2>&1)" 0 "$1: sync"
}
