# A storm of readers: a thousand read events, every second one is stopped, and the faults go on.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/canary.sh"
if ! is_root; then
	skip 'needs root' 'a storm of readers'
	done_testing
fi
chmod 755 "$T"
readers=$(fewer 1000 200)

# faults COUNT: as many faults of a process of root, which need no memory
faults() {
	quickly "$VASCTL" "$M/$busy" access r "$(plus "$area" $((taken * 4096)))" $(($1 * 4096)) \
		>/dev/null
	taken=$((taken + $1))
}
# say COMMAND: give the readers a command; the answer is in $answer
say() {
	echo "$1" >&8
	IFS= read -r answer <&7
}
# memory: of the daemon, in MiB
memory() {
	awk '/^VmRSS:/ { print int($2 / 1024) }' "/proc/$(daemon_pid)/status"
}

# shellcheck disable=SC2086 # words
start_mount $STORM_MACHINE
canary_start
mkfifo "$T/commands" "$T/answers"
# start_readers: its events are counted from 0
start_readers() {
	busy=$(ctl "$M" spawn busy)
	area=$(ctl "$M/$busy" mmap 0 512M rw- private,anon,noreserve)
	taken=0
	"$@" "$STORM" readers "$M/events" "$readers" <"$T/commands" >"$T/answers" 2>&1 &
	client=$!
	exec 8>"$T/commands" 7<"$T/answers"
	IFS= read -r answer <&7
	is "$answer" "$readers readers" "$readers readers of events"
}
end_readers() {
	exec 8>&- 7<&-
	wait $client
}
all=$readers half=$((readers / 2))

# others_served DESCRIPTION: what the canary's check does, without a fault
others_served() {
	ok "$1: ls" quickly ls -l "$M"
	ok "$1: spawn" quickly "$VASCTL" "$M" spawn passing
	ok "$1: status" quickly cat "$M/$canary/status"
}
# More than the daemon keeps for those who are slow: 16384 events.
much=$(fewer 40000 20000)

# --- Stopped, and then they go on -------------------------------------------------------------

start_readers
faults 100
say 'all 100'
is "$answer" "$all readers have 100 events" 'all get what comes'
before=$(memory)
say stop
faults 100
say 'running 200'
is "$answer" "$half readers have 200 events" 'when half of them are stopped, the others go on'
faults "$much"
say "running $((much + 200))"
is "$answer" "$half readers have $((much + 200)) events" 'however much the stopped do not read'
others_served 'while readers are stopped'
after=$(memory)
echo "# memory of the daemon: $before MiB before, $after MiB after"
# What was not read may take 64 MiB. On a busy host requests find no idle thread, so that there
# are more of them; each of the 256 that there may be has a buffer of 1 MiB. The runtimes of
# sanitizers keep what was freed.
[ "$(fewer plain slow)" = slow ] ||
	ok 'this costs no more than it may' [ "$after" -lt $((before + 64 + 256)) ]
say continue
faults 100
say "all $((much + 300))"
is "$answer" "$all readers have $((much + 300)) events" \
	'those who were stopped get all events, or are told how many they lost'
say wrong
is "$answer" 0 'all lines are whole'
end_readers
canary_check 'when the readers are gone'

# --- Stopped, and then they are killed --------------------------------------------------------

start_readers as_other
faults 100
say 'all 100'
is "$answer" "$all readers have 100 events" 'another user gets events, too'
say stop
faults "$much"
say kill
is "$answer" killed 'those who are stopped can be killed'
others_served 'when they are killed'
faults 100
say "running $((much + 200))"
is "$answer" "$half readers have $((much + 200)) events" 'the others go on'
say wrong
is "$answer" 0 'all lines are whole'
end_readers
canary_check 'when these readers are gone'
stop_mount
done_testing
