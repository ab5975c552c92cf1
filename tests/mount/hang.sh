# A backing file that hangs holds up those who touch it and nobody else. The file lies in a second mount, whose daemon is stopped.
. "$(dirname "$0")/../lib.sh"
# It leaves threads behind, which is no leak: they end with the process.
TSAN_OPTIONS="${TSAN_OPTIONS:-}:report_thread_leaks=0:suppressions=$(cd "$OLDPWD" && cd "$(dirname "$0")" && pwd)/hang.supp"
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
# Stop the daemon of the file, and wait until none of its threads runs: a request that one of them had taken could not be
# given up by the kernel, whatever ours does.
hang_backing() {
	kill -STOP "$(cat "$T/backing-daemon.pid")"
	eventually 10 backing_stopped
}
backing_stopped() {
	! cut -d ' ' -f 3 "/proc/$(cat "$T/backing-daemon.pid")/task"/*/stat | grep -qv T
}
# quickly COMMAND...: within a time that only a hang exceeds
quickly() {
	timeout 20 "$@"
}

start_backing
start_mount
for _ in 1 2; do
	ctl "$M" spawn >/dev/null
done
a=$(ctl "$M/1" mmap 0 16K r-- private "$backing/1/mem" 0x10000000)
is "$(peek 1 "$a" 8)" "$(hex 'page one')" "a file of another machine's mount can be mapped"

hang_backing
"$TOOL" pread "$M/1/mem" "$(plus "$a" 4096)" 8 >"$T/read" 2>&1 &
reader=$!
sleep 0.3
ok 'a reader of the file that hangs waits' kill -0 $reader
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
wait $reader
is "$(cat "$T/read")" "$(hex 'page two')" 'when the file answers again, the reader has its bytes'

hang_backing
"$TOOL" pread "$M/1/mem" "$(plus "$a" 8192)" 8 >"$T/read" 2>&1 &
reader=$!
sleep 0.3
kill -TERM "$(daemon_pid)"
is "$(quickly "$TOOL" reap "$T/daemon")" 'exit 0' 'SIGTERM ends the daemon while a reader waits'
wait $reader
isnt "$(cat "$T/read")" "$(hex '')" 'which ends the wait too'
refused 'nothing is mounted' mounted
is "$(stop_backing)" 'exit 0' 'the machine with the file goes on'
done_testing
