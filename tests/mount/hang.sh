# A backing file that hangs blocks only those who touch it. The file is in a second mount, whose
# daemon is stopped.
. "$(dirname "$0")/lib.sh"
# The hang leaves threads behind. That is not a leak, because they end with the process.
here=$(cd "$OLDPWD" && cd "$(dirname "$0")" && pwd)
TSAN_OPTIONS="${TSAN_OPTIONS:-}:report_thread_leaks=0:suppressions=$here/hang.supp"
export TSAN_OPTIONS
backing=$T/backing
mkdir "$backing"
start_backing() {
	"$TOOL" daemon "$T/backing-daemon" "$VASFS" "$backing" || exit 1
	"$VASCTL" "$backing" spawn >/dev/null
	"$VASCTL" "$backing/1" mmap 0x10000000 16K rw- private,anon,fixed >/dev/null
	"$TOOL" pwrite "$backing/1/mem" 0x10000000 'page one' >/dev/null
	"$TOOL" pwrite "$backing/1/mem" 0x10001000 'page two' >/dev/null
}
stop_backing() {
	kill -CONT "$(cat "$T/backing-daemon.pid")"
	fusermount3 -u -z "$backing"
	"$TOOL" reap "$T/backing-daemon"
}
# Stop the daemon of the file, and wait until none of its threads runs. If one of them had already
# taken a request, the kernel could not give the request up, whatever our daemon does.
hang_backing() {
	kill -STOP "$(cat "$T/backing-daemon.pid")"
	eventually 10 backing_stopped
}
backing_stopped() {
	! cut -d ' ' -f 3 "/proc/$(cat "$T/backing-daemon.pid")/task"/*/stat | grep -qv T
}
# quickly COMMAND...: COMMAND succeeds within a time that only a hang exceeds
quickly() {
	timeout 20 "$@"
}

# waits PID: the process is blocked in the system call pread64
waits() {
	case $(cat "/proc/$1/syscall" 2>/dev/null) in
	'17 '*) ;;
	*) return 1 ;;
	esac
}
# read_hanging COUNT ADDR: start COUNT readers of memory that hangs; $readers has their pids
read_hanging() {
	readers=
	for n in $(seq "$1"); do
		"$TOOL" pread "$M/1/mem" "$2" 8 >"$T/read.$n" 2>&1 &
		readers="$readers $!"
	done
	for reader in $readers; do
		eventually 20 waits "$reader"
	done
}
all_wait() {
	for reader in $readers; do
		waits "$reader" || return 1
	done
}

start_backing
start_mount
for _ in 1 2; do
	ctl "$M" spawn >/dev/null
done
a=$(ctl "$M/1" mmap 0 16K r-- private "$backing/1/mem" 0x10000000)
is "$(peek 1 "$a" 8)" "$(hex 'page one')" "a file of another machine's mount can be mapped"

hang_backing
read_hanging 32 "$(plus "$a" 4096)"
ok '32 readers of the file that hangs wait' all_wait
ok 'ls goes on' quickly ls -l "$M"
ok 'another process is made' quickly "$VASCTL" "$M" spawn
b=$(quickly "$VASCTL" "$M/2" mmap 0 16K rw- private,anon)
is "$(quickly "$TOOL" pwrite "$M/2/mem" "$b" mine)" 4 'another process writes its memory'
is "$(quickly "$TOOL" pread "$M/2/mem" "$b" 4)" "$(hex mine)" 'and reads it'
ok 'another process forks' quickly "$VASCTL" "$M/2" fork
ok 'another program is run' quickly "$VASCTL" "$M" exec /bin/true
for file in maps status stat pagetable faults; do
	ok "$file of the one that waits can be read" quickly cat "$M/1/$file"
done
for file in frames objects meminfo vmstat; do
	ok "$file can be read" quickly cat "$M/$file"
done
ok 'sync goes on' quickly "$VASCTL" "$M" sync

kill -CONT "$(cat "$T/backing-daemon.pid")"
# shellcheck disable=SC2086 # a list
wait $readers
is "$(cat "$T"/read.* | sort | uniq -c | tr -s ' ')" " 32 $(hex 'page two')" \
	'when the file answers again, all readers have their bytes'

hang_backing
read_hanging 32 "$(plus "$a" 8192)"
kill -TERM "$(daemon_pid)"
is "$(quickly "$TOOL" reap "$T/daemon")" 'exit 0' 'SIGTERM ends the daemon while 32 readers wait'
# shellcheck disable=SC2086 # a list
wait $readers
refused 'none of which gets anything' grep -qxE '[0-9a-f]{16}' "$T"/read.*
refused 'nothing is mounted' mounted

# A store to that file that cannot reach it any more.
kill -CONT "$(cat "$T/backing-daemon.pid")"
start_mount
ctl "$M" spawn >/dev/null
a=$(ctl "$M/1" mmap 0 4K rw- shared "$backing/1/mem" 0x10000000)
is "$(peek 1 "$a" 8)" "$(hex 'page one')" 'the file is mapped shared'
hang_backing
is "$(quickly "$TOOL" pwrite "$M/1/mem" "$a" lost)" 4 'a store to its page needs no file'
kill -TERM "$(daemon_pid)"
is "$(quickly "$TOOL" reap "$T/daemon")" 'exit 1' 'SIGTERM: exit 1 if a store cannot reach its file'
is "$(stop_backing)" 'exit 0' 'the machine with the file goes on'
done_testing
