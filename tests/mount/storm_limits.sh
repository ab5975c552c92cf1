# Little memory and few threads: a daemon in control groups of its own. Requests are answered or
# fail, none hangs; and if the kernel kills the daemon, nobody hangs either.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/canary.sh"

# group CONTROLLER: make a control group below that of this test; its folder is in $group
group() {
	_under=$(awk -F: -v "c=$1" '("," $2 ",") ~ "," c "," { print $3 }' /proc/self/cgroup)
	_root=$(awk -v "c=$1" '$3 == "cgroup" && ("," $4 ",") ~ "," c "," { print $2 }' \
		/proc/mounts)
	if [ -z "$_under" ] || [ -z "$_root" ]; then
		_under=$(sed -n 's/^0:://p' /proc/self/cgroup)
		_root=$(awk '$3 == "cgroup2" { print $2 }' /proc/mounts | head -n 1)
	fi
	group=$_root$_under/vasfs-test.$$
	mkdir "$group" 2>/dev/null || return 1
	groups="$groups $group"
}
# bound VALUE FILE...: write VALUE to the first of the FILES that the group has
bound() {
	_value=$1
	shift
	for _file; do
		[ ! -e "$group/$_file" ] || echo "$_value" 2>/dev/null >"$group/$_file" && return
	done
	return 1
}
enter() {
	daemon_pid >"$group/cgroup.procs"
}
remove_groups() {
	for _group in $groups; do
		eventually 20 rmdir "$_group" 2>/dev/null
	done
	groups=
}
groups=
# The end, however it comes: a group can go when nobody is in it.
limits_end() {
	[ -z "$groups" ] || [ -e "$T/daemon.end" ] || kill -9 "$(daemon_pid)"
	remove_groups
	_cleanup
}
trap limits_end EXIT
# try_group DESCRIPTION CONTROLLER VALUE FILE...: false if there can be no such group
try_group() {
	_what=$1 _controller=$2
	shift 2
	if is_root && group "$_controller" && bound "$@"; then
		return
	fi
	skip "no control group for $_controller can be made" "$_what"
	remove_groups
	return 1
}
# text COMMAND...: what the program says, or "hangs"
text() {
	quickly "$@" 2>&1
	[ $? -ne 124 ] || echo hangs
}
# as_them COMMAND...: the same as another user
as_them() {
	as_other timeout 60 "$@" 2>&1
	[ $? -ne 124 ] || echo hangs
}

# --- Few threads ------------------------------------------------------------------------------

threads() {
	sed -n 's/^Threads:[^0-9]*//p' "/proc/$(daemon_pid)/status"
}
if try_group 'few threads' pids 8 pids.max; then
	chmod 755 "$T"
	# shellcheck disable=SC2086 # words
	start_mount $STORM_MACHINE
	canary_start
	enter
	clients=$(fewer 200 40)
	"$STORM" mix "$M" 1 "$clients" 4 >"$T/mine" 2>&1
	is "$? $(cat "$T/mine")" '0 ' "$clients clients of a daemon of few threads"
	like "$(threads)" '^[0-9]+$' "it has $(threads) threads"
	canary_check 'few threads'
	truncate -s 4K "$T/theirs"
	chown "$OTHER" "$T/theirs"
	pid=$(as_them "$VASCTL" "$M" spawn)
	like "$(as_them "$VASCTL" "$M/$pid" mmap 0 4K rw- shared "$T/theirs")" \
		'^0x|^error: mmap: (EAGAIN|ENOMEM): ' 'a file opened as another user'
	like "$(as_them "$VASCTL" "$M" exec /bin/true)" \
		'^[0-9]+$|^error: exec: (EAGAIN|ENOMEM): ' 'exec as another user'
	is "$(text "$STORM" interrupt "$M" 5 3)" '' 'clients that are killed are gone'
	canary_check 'few threads, killed clients'
	stop_mount
	remove_groups
fi

# --- Little memory ----------------------------------------------------------------------------

# The daemon gets 24 MiB besides what it has. The limit is set from outside: what it has is charged
# to the group that it was started in, or to this one, by the version of control groups.
if try_group 'little memory' memory $(((24 << 20) + $(fewer 8 128) * (1 << 20))) \
	memory.limit_in_bytes memory.max; then
	# Where the host swaps, that is no memory.
	bound 0 memory.swap.max
	start_mount -o allow_other,ram=256M,swapsize=0
	pid=$(ctl "$M" spawn)
	a=$(ctl "$M/$pid" mmap 0x10000000 200M rw- private,anon,fixed)
	truncate -s 4K "$T/file"
	b=$(ctl "$M/$pid" mmap 0 4K rw- shared "$T/file")
	poke "$pid" "$b" synced >/dev/null
	answers 0 'msync' "$M/$pid" msync "$b" 4K sync
	enter
	# Memory that nobody stores to takes none from the host, so store to it.
	like "$(yes | text dd of="$M/$pid/mem" bs=1M seek=$((a >> 20)) count=200 iflag=fullblock \
		conv=notrunc)" 'connection abort|endpoint is not connected' \
		'more than the group allows: who asks for it gets an error'
	is "$("$TOOL" reap "$T/daemon")" 'signal 9' 'the kernel kills the daemon'
	like "$(text cat "$M/$pid/maps")" 'endpoint is not connected' 'others see ENOTCONN'
	like "$(text ls "$M")" 'Transport endpoint is not connected' 'so does ls'
	is "$(cat "$T/file")" synced 'what was synced is in its file'
	ok 'the dead mount can be unmounted' quickly fusermount3 -u "$M"
	refused 'for good' mounted
	remove_groups
	start_mount
	answers 1 'a new daemon has the place' "$M" spawn
	stop_mount
fi
done_testing
