# A backing file that hangs blocks only those who touch it. The file is in a second mount, whose
# daemon is stopped.
. "$(dirname "$0")/backing.sh"
. "$(dirname "$0")/lib.sh"

# waits PID: the process is blocked in the system call pread64
waits() {
	in_call "$1" 17
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
ctl "$backing" exec /bin/ls >/dev/null
start_mount
for _ in 1 2; do
	ctl "$M" spawn >/dev/null
done
loaded=$(ctl "$M" load "$backing/$(ls "$backing" | grep '^[0-9]' | tail -n 1)/core")
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
ok 'ls of a process whose core file hangs' quickly ls -lR "$M/$loaded"
ok 'and its maps' quickly cat "$M/$loaded/maps"

wake_backing
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
wake_backing
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
