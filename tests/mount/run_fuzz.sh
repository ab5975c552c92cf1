# Programs that do anything: random bytes as a program, random system calls, races on shared
# memory. The daemon lives, serves others, and nothing of others is touched. RUN_FUZZ_SECONDS is how
# long all of it takes (30 under sanitizers, else 12).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/canary.sh"
. "$(dirname "$0")/run_lib.sh"
if ! is_root; then
	skip 'needs root' 'programs that do anything'
	done_testing
fi
seconds=${RUN_FUZZ_SECONDS:-$(fewer 12 30)}
chmod 755 "$T"
# They run as another user, in a folder of that user: what they do to host files, they do there.
mkdir "$T/play"
chown $OTHER "$T/play"

# random_program SEED SIZE: an ELF program whose code is random bytes
random_program() {
	# The headers: an executable of x86-64 with one segment, which may be read, written, run.
	printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\76\0\1\0\0\0\170\0\100\0\0\0\0\0' >"$T/random"
	printf '\100\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\100\0\70\0\1\0\0\0\0\0\0\0' >>"$T/random"
	printf '\1\0\0\0\7\0\0\0\0\0\0\0\0\0\0\0\0\0\100\0\0\0\0\0\0\0\100\0\0\0\0\0' >>"$T/random"
	printf '\0\20\0\0\0\0\0\0\0\40\0\0\0\0\0\0\0\20\0\0\0\0\0\0' >>"$T/random"
	# Some of it is system calls: fuzz finds them rarely by itself.
	awk -v seed="$1" -v size="$2" 'BEGIN {
		srand(seed)
		for (i = 0; i < size; i++) {
			if (rand() < 0.05)
				printf "\\017\\005"
			else
				printf "\\%03o", int(rand() * 256)
		}
	}' | sed 's/%/%%/g' >"$T/random.text"
	printf "$(cat "$T/random.text")" >>"$T/random"
	chmod 755 "$T/random"
}

# as_player COMMAND...: inside, as the other user, for some seconds at most
as_player() {
	(cd "$T/play" && timeout -k 1 "$limit" setpriv --reuid=$OTHER --regid=$OTHER \
		--clear-groups "$VASCTL" "$M" run "$@") </dev/null >"$T/output" 2>&1
}
# end_all: what still runs is killed
end_all() {
	for _dir in "$M"/[0-9]*; do
		[ "${_dir##*/}" = "$canary" ] || echo "kill ${_dir##*/} KILL"
	done | while read -r _line; do
		# Another may have ended in between.
		echo "$_line" | quickly "$VASCTL" "$M" >/dev/null 2>&1
	done
}

run_mount -o allow_other
stop_mount
# shellcheck disable=SC2086 # words
start_mount $STORM_MACHINE
canary_start
# Each third of the time is for one kind.
limit=3
round=0
end=$(($(date +%s) + seconds / 3))
while [ "$(date +%s)" -lt "$end" ]; do
	round=$((round + 1))
	random_program $round 2000
	as_player "$T/random"
done
end_all
ok "$round programs of random bytes: the daemon lives" kill -0 "$(daemon_pid)"
canary_check 'random bytes'

round=0
end=$(($(date +%s) + seconds / 3))
while [ "$(date +%s)" -lt "$end" ]; do
	round=$((round + 1))
	as_player "$PROGRAMS/fuzzcalls" $round 2000 inside
done
end_all
ok "$round programs of random calls: the daemon lives" kill -0 "$(daemon_pid)"
canary_check 'random calls'

round=0
limit=10
end=$(($(date +%s) + seconds / 3))
while [ "$(date +%s)" -lt "$end" ]; do
	round=$((round + 1))
	as_player "$PROGRAMS/race" 3 "$(fewer 1000 200)"
done
end_all
ok "$round races: the daemon lives" kill -0 "$(daemon_pid)"
canary_check 'races'
is "$("$VASCTL" "$M" run /bin/echo still here 2>&1)" 'still here' 'others can run programs'
stop_mount
done_testing
