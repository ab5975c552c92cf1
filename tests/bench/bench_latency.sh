#!/bin/sh
# bench_latency.sh - how long short requests take while ten clients have long work: `ls`, `ls -l`,
# reading status and maps of a process, and spawn. The goal is 100 ms for the longest, on a machine
# with two processors that has nothing else to do.
#
#     VASFS=fs/vasfs VASCTL=fs/vasctl STORM=tests/storm bench_latency.sh [WORD]
#
# WORD: only the work whose name contains it: idle, access, populate, write. ROUNDS is how often
# each request is made (200).

: "${VASFS:?}" "${VASCTL:?}" "${STORM:?}"
rounds=${ROUNDS:-200}
mount=$(mktemp -d /tmp/vasfs-bench.XXXXXX) || exit 1
work='' daemon=''
cleanup() {
	trap - EXIT
	[ -z "$work" ] || kill "$work" 2>/dev/null
	if [ -n "$daemon" ]; then
		kill "$daemon" 2>/dev/null
		wait "$daemon"
	fi
	rmdir "$mount"
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM

# until_ok COMMAND...: wait until it succeeds, a minute at most
until_ok() {
	_tries=600
	while ! "$@" 2>/dev/null; do
		_tries=$((_tries - 1))
		[ $_tries -gt 0 ] || exit 1
		sleep 0.1
	done
}

# measure MODE: a line for each kind of request
measure() {
	"$VASFS" -f -o ram=256M,swapsize=256M "$mount" &
	daemon=$!
	until_ok test -e "$mount/ctl"
	pid=$("$VASCTL" "$mount" exec /bin/ls)
	if [ "$1" != idle ]; then
		"$STORM" work "$mount" "$1" 10 >"$mount.work" &
		work=$!
		until_ok grep -q working "$mount.work"
	fi
	"$STORM" probe "$mount" "$pid" "$rounds" | awk -v "work=$1" '{
		printf "  %-46s %-44s (goal < 100 ms)     %s\n", $1 ", work: " work,
			$3 " ms  (median " $2 " ms)", $3 < 100 ? "ok" : "MISS"
	}'
	if [ -n "$work" ]; then
		kill "$work"
		wait "$work" 2>/dev/null
	fi
	kill "$daemon"
	wait "$daemon"
	work='' daemon=''
	rm -f "$mount.work"
}

printf '\nThe longest wait of short requests, while ten clients have long work\n'
for mode in idle access populate write; do
	case $mode in
	*"${1:-}"*) measure $mode ;;
	esac
done
