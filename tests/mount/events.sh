# events: the faults of all processes as they happen, for many readers.
. "${0%/*}/lib.sh"
start_mount -o max_threads=4
for _ in 1 2; do
	ctl "$M" spawn >/dev/null
done
a=$(ctl "$M/1" mmap 0 128M rw- private,anon)
b=$(ctl "$M/2" mmap 0 128M rw- private,anon)
pages=0
# fault [COUNT]: make process 1 take this many faults
fault() {
	ctl "$M/1" access w "$(plus "$a" $((pages * 4096)))" $((${1:-1} * 4096)) >/dev/null
	pages=$((pages + ${1:-1}))
}
# has_lines FILE COUNT: FILE has at least COUNT lines
has_lines() {
	[ "$(wc -l <"$1")" -ge "$2" ]
}
# opened PID: the process has events open
opened() {
	ls -l "/proc/$1/fd" 2>/dev/null | grep -q "$M/events"
}
# waits PID: the process waits for the daemon's answer
waits() {
	[ "$(cut -d ' ' -f 3 "/proc/$1/stat")" = S ]
}

# --- What comes -------------------------------------------------------------------------------

fault
cat "$M/events" >"$T/out" &
reader=$!
eventually 60 opened $reader
ctl "$M/2" access w "$b" >/dev/null
fault
fails EFAULT 'a fault that is fatal' "$M/2" access r 0x1000
eventually 60 has_lines "$T/out" 3
is "$(cut -d ' ' -f 3-7 "$T/out")" "2 w $(va "$b") minor demand-zero
1 w $(va "$(plus "$a" 4096)") minor demand-zero
2 r 0000000000001000 fatal segv-maperr" 'a reader gets the faults of all processes since it opened'
is "$(cat "$T/out")" "$(cat "$M/1/faults" "$M/2/faults" | sort -n | tail -n 3)" \
	'in the words of faults'
is "$(wc -l <"$T/out")" 3 'and waits for more'
fault 3
eventually 60 has_lines "$T/out" 6
is "$(wc -l <"$T/out")" 6 'which come'
kill -INT $reader 2>/dev/null
kill $reader
wait $reader
ok 'while it waited others were served' ls "$M/1"

# --- Being interrupted, and poll --------------------------------------------------------------

timeout -s INT 1 cat "$M/events" >"$T/out"
is $? 124 'Ctrl-C ends a reader that waits'
timeout -s KILL 1 cat "$M/events" >"$T/out"
is $? 137 'and SIGKILL does'
like "$("$TOOL" poll "$M/events" 300)" '^timeout EAGAIN$' \
	'poll times out where nothing comes; a read then does not wait'
"$TOOL" poll "$M/events" 10000 >"$T/out" &
poller=$!
eventually 60 opened $poller
eventually 60 waits $poller
fault
wait $poller
like "$(cat "$T/out")" "^ready [0-9]+ [0-9.]+ 1 w $(va "$(plus "$a" $((pages * 4096 - 4096)))") " \
	'poll sees what comes'
is "$("$TOOL" poll "$M/1/maps" 0 | cut -d ' ' -f 1)" ready 'all other files are always ready'

# --- Many readers -----------------------------------------------------------------------------

i=0 pids=
mkdir "$T/many"
while [ $i -lt 200 ]; do
	timeout 60 cat "$M/events" >"$T/many/$i" &
	pids="$pids $!"
	i=$((i + 1))
done
all_wait() {
	[ "$(cat /proc/[0-9]*/stat 2>/dev/null | grep -c "^[0-9]* (cat) [SD]")" -ge 200 ]
}
eventually 20 all_wait
ok 'while 200 readers wait, with four threads, others are served' timeout 5 cat "$M/1/maps"
answers 0 'so are commands' "$M" sync
fault 5
got_all() {
	for _file in "$T"/many/*; do
		has_lines "$_file" 5 || return 1
	done
}
ok 'all 200 get what comes' eventually 20 got_all
is "$(cat "$T"/many/* | sort -u | wc -l)" 5 'the same'
# shellcheck disable=SC2086 # a list
kill $pids
wait
ok 'and all of them can be stopped' timeout 5 cat "$M/1/maps"

# --- A slow reader ----------------------------------------------------------------------------

# has_newest FILE: FILE has the newest fault
has_newest() {
	[ "$(tail -n 1 "$1")" = "$(tail -n 1 "$M/1/faults")" ]
}
exec 4<"$M/events"
cat "$M/events" >"$T/quick" &
quick=$!
eventually 60 opened $quick
fault 20000
# By then all lines have been made.
ok 'a reader that waits gets the newest' eventually 20 has_newest "$T/quick"
kill $quick
cat <&4 >"$T/out" &
reader=$!
exec 4<&-
ok 'one that comes late gets the newest too' eventually 20 has_newest "$T/out"
kill $reader
wait $quick $reader
# On a busy machine the thread that makes the lines may fall behind too, so there may be several
# gaps.
like "$(cat "$T/out")" '^# [0-9]+ events lost$' \
	'a reader that is too slow is told how many events it lost'
lost=$(awk '/^# [0-9]+ events lost$/ { n += $2 } END { print n + 0 }' "$T/out")
is $((lost + $(grep -c '^[0-9]' "$T/out"))) 20000 'which are those that it did not get'
ok 'in order' sh -c "grep '^[0-9]' '$T/out' | cut -d ' ' -f 1 | sort -nc"

# Small reads split lines, but lose nothing.
dd if="$M/events" bs=7 count=40 iflag=fullblock 2>/dev/null >"$T/out" &
reader=$!
eventually 60 opened $reader
fault 10
wait $reader
tail -n 10 "$M/1/faults" | head -c 280 >"$T/wanted"
ok 'small reads get whole text' cmp "$T/wanted" "$T/out"

# --- The end ----------------------------------------------------------------------------------

cat "$M/events" >"$T/out" &
one=$!
cat "$M/events" >"$T/out2" &
two=$!
eventually 60 opened $one
eventually 60 opened $two
fault
eventually 60 has_lines "$T/out" 1
eventually 60 has_lines "$T/out2" 1
eventually 60 waits $one
eventually 60 waits $two
cat "$M/1/maps" >/dev/null # which comes after their reads: the daemon has them
kill -TERM "$(daemon_pid)"
daemon_ended 'SIGTERM does not wait for readers of events: exit 0'
wait $one
is $? 0 'they find the end of the file'
wait $two
is $? 0 'each of them'
refused 'and nothing is mounted' mounted
done_testing
