# Storms of clients: a thousand at once, long work, files that are never closed, and clients that
# are killed at random moments. Afterwards all of root's data are whole, and the machine answers.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/canary.sh"
if ! is_root; then
	skip 'needs root' 'storms of two users'
	done_testing
fi
# The user runs the programs.
chmod 755 "$T"
# memory: of the daemon, in MiB
memory() {
	awk '/^VmRSS:/ { print int($2 / 1024) }' "/proc/$(daemon_pid)/status"
}
# hold NAME COMMAND...: a user runs COMMAND, which holds what it can until release; what it printed
# is in $T/NAME
hold() {
	_name=$1
	shift
	mkfifo "$T/$_name.end"
	as_other "$@" <"$T/$_name.end" >"$T/$_name" &
	exec 9>"$T/$_name.end"
	eventually 60 test -s "$T/$_name"
}
release() {
	exec 9>&-
	wait
}

# shellcheck disable=SC2086 # words
start_mount $STORM_MACHINE
canary_start

# --- A thousand clients -----------------------------------------------------------------------

clients=$(fewer 500 100)
"$STORM" mix "$M" 1 "$clients" 8 >"$T/mine" 2>&1 &
mine=$!
as_other "$STORM" mix "$M" 2 "$clients" 8 >"$T/theirs" 2>&1 &
theirs=$!
wait $mine
is "$? $(cat "$T/mine")" '0 ' "$clients clients of root do everything at once"
wait $theirs
is "$? $(cat "$T/theirs")" '0 ' "and as many of another user"
canary_check 'a thousand clients'

# --- Long work --------------------------------------------------------------------------------

for mode in access populate write; do
	: >"$T/work.$mode"
	as_other "$STORM" work "$M" $mode 10 >"$T/work.$mode" 2>&1 &
	work=$!
	eventually 60 grep -q working "$T/work.$mode"
	# A process of root looks at others, and at itself.
	quickly "$STORM" probe "$M" "$canary" "$(fewer 30 5)" >"$T/probe"
	is "$?" 0 "while ten clients have long work ($mode), others are served"
	sed 's/\([^ ]*\) \([^ ]*\) \(.*\)/# \1: median \2 ms, longest \3 ms/' "$T/probe"
	kill $work
	wait $work 2>/dev/null
	is "$(cat "$T/work.$mode")" working "$mode: nothing failed"
	canary_check "$mode"
done

# --- Who never closes -------------------------------------------------------------------------

# held NAME DESCRIPTION: what hold NAME began is checked, and ended
held() {
	like "$(cat "$T/$1")" '^[0-9]+ ENOMEM$' "$2 that nobody closes"
	_now=$(memory)
	echo "# held: $(cat "$T/$1"), memory of the daemon: $before MiB before, $_now after"
	# The runtimes of sanitizers keep what was freed.
	[ "$(fewer plain slow)" = slow ] ||
		ok "$2: they cost no 200 MiB" [ "$_now" -lt $((before + 200)) ]
	canary_check "while a user holds $1"
	release
}
many=150000
before=$(memory)
hold texts "$STORM" hold "$many" "$M/README" "$M/meminfo" "$M/$canary/status" "$M/objects"
held texts 'files'
# There are so many of these that sanitizers take too long.
if [ "$(fewer plain slow)" = plain ]; then
	hold directories "$STORM" hold "$many" "$M" "$M/$canary" "$M/sys/vm"
	held directories 'directories'
	hold events "$STORM" hold-only "$many" "$M/events"
	held events 'files of events'
fi
hold lines "$STORM" lines "$many" "$M/ctl"
held lines 'lines without an end'
canary_check 'when they are gone'

# --- Killed clients ---------------------------------------------------------------------------

is "$("$STORM" interrupt "$M" 3 "$(fewer 6 3)" 2>&1)" '' 'clients that are killed are gone'
canary_check 'interrupted clients'
is "$(as_other "$STORM" interrupt "$M" 4 "$(fewer 6 3)" 2>&1)" '' 'those of another user, too'
canary_check 'interrupted clients of another user'
stop_mount
done_testing
