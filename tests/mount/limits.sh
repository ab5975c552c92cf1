# Limits of the host on the daemon: the call that meets one fails with its errno, the daemon lives,
# no data are lost, and all goes on when there is room again.
. "$(dirname "$0")/fuse_for_all.sh"
. "$(dirname "$0")/lib.sh"

# limit NAME SOFT: change a limit of the daemon
limit() {
	prlimit --pid "$(daemon_pid)" "--$1=$2:"
}
# q COMMAND...: COMMAND, within a time that only a hang exceeds
q() {
	timeout -k 1 20 "$@"
}
text() {
	q "$VASCTL" "$@" 2>&1
}

# --- The size of files ------------------------------------------------------------------------

truncate -s 1M "$T/file"
start_mount -o swapsize=0
ctl "$M" spawn >/dev/null
a=$(ctl "$M/1" mmap 0 1M rw- shared "$T/file")
limit fsize 65536
poke 1 "$a" near >/dev/null
poke 1 "$(plus "$a" 65536)" far >/dev/null
fails EFBIG 'msync of a page behind the limit' "$M/1" msync "$(plus "$a" 65536)" 4K sync
answers 0 'msync of one before it' "$M/1" msync "$a" 4K sync
is "$(head -c 4 "$T/file")" near 'which is in the file'
fails EFBIG 'sync' "$M" sync
like "$(text "$M" sync)" 'ulimit -f' 'says which limit'
limit fsize unlimited
answers 0 'sync when there is none' "$M" sync
is "$(tail -c +65537 "$T/file" | head -c 3)" far 'the other is in the file'
stop_mount
# shellcheck disable=SC3045 # dash has it
is "$(ulimit -f 1 && "$VASFS" "$M" 2>&1 | grep -o 'File too large')" 'File too large' \
	'no room for the swap file: a reason, not a signal'

# --- Descriptors ------------------------------------------------------------------------------

# shellcheck disable=SC2046 # none or two
start_mount $(! is_root || echo -o allow_other)
ctl "$M" spawn >/dev/null
a=$(ctl "$M/1" mmap 0 1M rw- shared "$T/file")
limit nofile 4
fails EMFILE 'mmap of a file' "$M/1" mmap 0 4K r-- private /etc/passwd
fails EMFILE 'open' "$M/1" open /etc/passwd
fails EMFILE 'exec' "$M" exec /bin/ls
fails EMFILE 'of a relative path' "$M/1" open file
like "$(text "$M/1" open file)" 'ulimit -n' 'says which limit'
if is_root; then
	chmod 755 "$T"
	like "$(as_other "$VASCTL" "$M" exec /bin/ls 2>&1)" '^error: exec: EMFILE: ' 'another user'
fi
like "$({ echo 'brk 0' | cat >&3; } 2>&1 3>"$M/1/ctl")" 'Too many open files' \
	'another process, whose groups cannot be compared'
is "$(poke 1 "$a" more)" 4 'what is open goes on'
like "$(cat "$M/1/maps")" "$T/file" 'and has its name'
answers 0 'sync' "$M" sync
limit nofile 1024
ok 'when there are descriptors again, exec' q "$VASCTL" "$M" exec /bin/ls
stop_mount

# From three descriptors to enough: a start works, or it says what is wrong.
# The runtimes of sanitizers cannot do without.
few='4 5 6 7 8 9 10 12'
! grep -aq -e __asan_init -e __tsan_init "$VASFS" || few=
for n in $few; do
	rm -f "$T/daemon.pid" "$T/daemon.end"
	# shellcheck disable=SC3045
	if (ulimit -n $n && "$TOOL" daemon "$T/daemon" "$VASFS" "$M") 2>"$T/stderr"; then
		like "$(text "$M" exec /bin/ls)" 'EMFILE|^1$' "$n descriptors: it answers"
		stop_mount
	else
		like "$(cat "$T/stderr")" . "$n descriptors: refused, with a reason"
		refused "$n descriptors: nothing is mounted" mounted
	fi
done

# --- Stacks -----------------------------------------------------------------------------------

# shellcheck disable=SC3045
(ulimit -s 128 && start_mount)
ok 'a small stack: exec' q "$VASCTL" "$M" exec /bin/ls
q "$TOOL" poll "$M/events" 10000 >"$T/event" &
event_came() {
	ctl "$M" exec /bin/ls >/dev/null
	grep -q '^ready [0-9]' "$T/event"
}
ok 'events are made' eventually 60 event_came
wait
stop_mount

# --- Threads ----------------------------------------------------------------------------------

# Root is not subject to this limit.
if ! is_root || ! as_other test -w /dev/fuse; then
	skip 'needs root, and /dev/fuse for all' 'no threads'
	done_testing
fi
# The leak checker makes a thread.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
chmod 755 "$T"
mkdir "$T/mine"
chown $OTHER "$T/mine" "$T/file"
M=$T/mine
rm -f "$T/daemon" "$T/daemon.pid" "$T/daemon.end"
chown $OTHER "$T"
as_other "$TOOL" daemon "$T/daemon" "$VASFS" -o swapsize=0 "$M"
as_other "$VASCTL" "$M" spawn >/dev/null
a=$(as_other "$VASCTL" "$M/1" mmap 0 1M rw- shared "$T/file")
ok "a limit of one thread" as_other prlimit --pid "$(daemon_pid)" --nproc=1:
as_other "$TOOL" pwrite "$M/1/mem" "$a" synced >/dev/null
is "$(as_other timeout 20 "$VASCTL" "$M" sync)" 0 'no threads: sync'
is "$(head -c 6 "$T/file")" synced 'writes the pages'
as_other "$TOOL" pwrite "$M/1/mem" "$a" ending >/dev/null
kill -TERM "$(daemon_pid)"
daemon_ended 'no threads: SIGTERM'
refused 'and nothing is mounted' mounted
is "$(head -c 6 "$T/file")" ending 'so does the end'
# shellcheck disable=SC2016 # for the inner shell
like "$(as_other prlimit --nproc=1 "$VASFS" -f -o swapsize=0 "$M" 2>&1)" 'cannot start a thread' \
	'a start that can make none says so'
done_testing
