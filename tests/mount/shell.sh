# vasfs-shell: a command that sees the mount as /proc, as root and as another user.
. "$(dirname "$0")/lib.sh"
: "${VASFS_SHELL:?}"
# The other user must be able to run it, wherever the source is.
cp "$VASFS_SHELL" "$T"
VASFS_SHELL=$T/vasfs-shell

start_mount -o allow_other
pid=$(ctl "$M" exec /bin/ls)

# inside HOW...: what holds for all of them; HOW runs a command as some user
inside() {
	who=$1
	shift
	like "$("$@" "$VASFS_SHELL" "$M" ps -e)" "^ *$pid .* ls\$" "$who: ps finds the process"
	is "$("$@" "$VASFS_SHELL" "$M" ps -e --no-headers | wc -l)" 1 "$who: and no other"
	is "$("$@" "$VASFS_SHELL" "$M" id -u)" "$("$@" id -u)" "$who: the user is the same"
	is "$("$@" "$VASFS_SHELL" "$M" sh -c 'exit 7'; echo $?)" 7 "$who: the command's status"
	is "$("$@" "$VASFS_SHELL" "$M" sh -c '[ $$ -gt 5000 ] && echo far')" far \
		"$who: its pid is far from the machine's"
	is "$("$@" "$VASFS_SHELL" "$M" sh -c "kill -9 $pid; kill -9 1; echo here")" here \
		"$who: a signal to the pid of a process of the machine hits nobody"
	is "$(echo text | "$@" "$VASFS_SHELL" "$M" cat)" text "$who: standard input is passed on"
	ok "$who: the host's /proc is what it was" test -e /proc/sys/kernel/random/uuid
}
inside root env
inside 'another user' as_other
is "$(cat "$M/$pid/comm")" ls 'the process lives'
like "$(as_other "$VASFS_SHELL" "$M" \
	grep CapEff /proc/self/status)" '0000000000000000' 'another user has no capability'

is "$("$VASFS_SHELL" "$T" true 2>&1; echo $?)" "vasfs-shell: $T is no mount of vasfs
125" 'a folder that is no mount'
is "$("$VASFS_SHELL" "$T/none" true 2>&1; echo $?)" \
	"vasfs-shell: $T/none is no folder that can be entered
125" 'a folder that is not there'
is "$("$VASFS_SHELL" 2>/dev/null; echo $?)" 2 'no arguments'
is "$("$VASFS_SHELL" --help 2>&1 >/dev/full | grep -c folder)" 0 'help that cannot be written'
is "$("$VASFS_SHELL" "$M" no-such-command 2>/dev/null; echo $?)" 127 'no such command'
stop_mount
done_testing
