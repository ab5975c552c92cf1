# The same program makes the same faults in every run, and gives what it gives on the host, however
# little memory there is and whatever else happens on the machine.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/run_lib.sh"
env_words="env -i LC_ALL=C"
steps=$(fewer 3000 600)

# --- Twice ------------------------------------------------------------------------------------

# stutter: stop the daemon now and then, for longer than a slice, until $T/still is there
stutter() {
	while [ ! -e "$T/still" ]; do
		kill -STOP "$(daemon_pid)"
		sleep 0.07
		kill -CONT "$(daemon_pid)"
		sleep 0.01
	done
}

# faults_of FILE COMMAND...: run it on a new machine; FILE gets its faults, FILE.calls its calls
faults_of() {
	_file=$1
	shift
	start_mount -o "clock=0,ram=${ram:-64M},swapsize=64M"
	pid=$(ctl "$M" spawn twice)
	ctl "$M/$pid" exec -k "$@" >/dev/null
	# The process is there, for one who looks, until somebody reads how it ended.
	stutterer=
	if [ -n "$stutters" ]; then
		stutter &
		stutterer=$!
	fi
	ctl "$M/$pid" run >/dev/null
	timeout 60 cat "$M/$pid/console" >"$_file.out"
	: >"$T/still"
	[ -z "$stutterer" ] || wait "$stutterer"
	rm "$T/still"
	cat "$M/$pid/faults" >"$_file"
	cat "$M/$pid/calls" >"$_file.calls"
	timeout 60 cat "$M/$pid/wait" >>"$_file.out"
	stop_mount
}
# twice COMMAND...
twice() {
	stutters=
	faults_of "$T/first" "$@"
	# A busy host is one that has no time for the daemon now and then.
	stutters=yes
	faults_of "$T/second" "$@"
	isnt "$(wc -l <"$T/first")" 0 "$*: there are faults"
	ok "$*: the same output" diff "$T/first.out" "$T/second.out"
	ok "$*: the same faults" diff "$T/first" "$T/second"
	ok "$*: the same system calls" diff "$T/first.calls" "$T/second.calls"
}

run_mount
stop_mount
seq 1 5000 >"$T/numbers"
twice /bin/ls /
twice /usr/bin/sort -r "$T/numbers"
twice "$PROGRAMS/processes"
ram=1M
twice /usr/bin/sort -r "$T/numbers"
twice "$PROGRAMS/instructions" rep

# --- As on the host ---------------------------------------------------------------------------

run_mount -o ram=64M
for name in instructions signals processes filecalls; do
	for program in "$name" "${name}_static"; do
		same "$program" "$PROGRAMS/$program"
	done
done
for seed in 1 2 3; do
	same "torture $seed" "$PROGRAMS/torture" $seed "$steps" "$T"
	same "torture $seed, static" "$PROGRAMS/torture_static" $seed "$steps" "$T"
done
stop_mount

# --- With little memory -----------------------------------------------------------------------

policies=$(start_mount && cut -d ' ' -f 1 "$M/sys/vm/policies")
fusermount3 -u "$M"
"$TOOL" reap "$T/daemon" >/dev/null
seed=10
for policy in $policies; do
	option=fork=$([ $((seed % 2)) = 0 ] && echo share || echo copy)
	start_mount -o "ram=1M,swapsize=64M,policy=$policy,$option"
	same "torture $seed, 1 MiB, $policy, $option" "$PROGRAMS/torture" $seed "$steps" "$T"
	stop_mount
	seed=$((seed + 1))
done

# --- While others are at work -----------------------------------------------------------------

# disturb: look and take away, all the time, until $T/stop is there
disturb() {
	while [ ! -e "$T/stop" ]; do
		ctl "$M" reclaim 50
		echo 3 >"$M/sys/vm/drop_caches"
		for _dir in "$M"/[0-9]*; do
			echo 1 >"$_dir/clear_refs"
			echo 4 >"$_dir/clear_refs"
			cat "$_dir/smaps" "$_dir/pagetable"
			od -An -tx8 -N 4096 "$_dir/pagemap"
		done
		cat "$M/frames" "$M/queue"
		ctl "$M" sync
	done >/dev/null 2>&1
}
start_mount -o ram=2M,swapsize=64M
disturb &
disturber=$!
for seed in 21 22 23; do
	same "torture $seed among others" "$PROGRAMS/torture" $seed "$((steps / 2))" "$T"
done
same 'processes among others' "$PROGRAMS/processes"
: >"$T/stop"
wait $disturber
stop_mount
done_testing
