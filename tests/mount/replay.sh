# Traces: PID/replay, and reset in the ctl of a process.
. "$(dirname "$0")/fuse_for_all.sh"
. "$(dirname "$0")/lib.sh"

NL='
'

# count KEY: its value in the replay file of process 1
count() {
	sed -n "s/^$1 //p" "$M/1/replay"
}
# faults: minor and major together
faults() {
	echo $(($(count faults_minor) + $(count faults_major)))
}
# frames N POLICY: a mount with so many frames and one process
frames() {
	start_mount -o "ram=$(($1 * 4))K,swapsize=256M,policy=$2"
	ctl "$M" spawn >/dev/null
	ctl "$M/1" reset >/dev/null
}

# --- Belady's string --------------------------------------------------------------------------

belady='1 2 3 4 1 2 5 1 2 3 4 5'
frames 3 fifo
is "$(cat "$M/1/replay")" 'references 0
pages_touched 0
hits 0
faults_minor 0
faults_major 0
evictions_clean 0
evictions_dirty 0
tlb_hits 0
tlb_misses 0
lines_passed_over 0' 'nothing was replayed yet'
ok 'a list of pages' sh -c "echo $belady >'$M/1/replay'"
first=$(cat "$M/1/replay")
is "$(faults)" 9 'fifo with 3 frames: 9 faults'
is "$(count references) $(count pages_touched) $(count hits)" '12 12 3' 'and 3 hits'
is "$(count faults_minor) $(count faults_major)" '5 4' 'five pages were new'
is "$(count evictions_clean) $(count evictions_dirty)" '6 0' 'six pages went'
is "$(count tlb_hits) $(count tlb_misses)" '3 9' 'the TLB is counted'
like "$(cat "$M/1/maps")" '^0+-[0-9a-f]+ rw-s ' 'the area begins at 0'
answers 0 'reset' "$M/1" reset
is "$(faults) $(count references)" '0 0' 'the counts are 0'
like "$(cat "$M/meminfo")" '^Shmem: +0 kB$' 'no page is left'
like "$(cat "$M/1/status")" '^SimTlbMisses:	0$' 'and the TLB begins with 0'
ok 'the same again' sh -c "echo $belady >'$M/1/replay'"
is "$(cat "$M/1/replay")" "$first" 'gives the same numbers'
stop_mount
frames 4 fifo
echo "$belady" >"$M/1/replay"
is "$(faults)" 10 'with 4 frames: 10'
like "$(tail -n 1 "$M/1/faults")" ' r 0+5000 major ' 'the last one is of page 5'
stop_mount

# --- Streams ----------------------------------------------------------------------------------

frames 16 lru
{
	printf 'r 0x10'
	printf '00\nw 0x2ffc 8\n'
	printf '# a comment\n'
	printf 'x 0x1000'
} >"$M/1/replay"
is "$(count references) $(count pages_touched)" '3 4' 'cut lines join, the last needs no newline'
is "$(count lines_passed_over)" 1 'what is passed over is counted'
like "$(cat "$M/1/maps")" '^0+-[0-9a-f]+ rwxs ' 'what executes has the right to'
ctl "$M/1" reset >/dev/null
# As `valgrind --log-fd=9 ... 9>replay` writes it: line by line.
sh -c 'i=0
	exec 9>"$1"
	echo "==1== Lackey" >&9
	while [ $i -lt 200 ]; do
		echo "I  0401000,3" >&9
		echo " L 1ffefff$((100 + i)),8" >&9
		i=$((i + 1))
	done
	echo "==1==" >&9' sh "$M/1/replay"
is "$(count references) $(count lines_passed_over)" '400 2' 'lackey, line by line'
is "$(faults)" 2 'two pages'
ctl "$M/1" reset >/dev/null
seq 1 500 | sed 's/.*/r 0x&000/' | dd of="$M/1/replay" bs=7 2>/dev/null
is "$(count references)" 500 'in pieces of 7 bytes'
ctl "$M/1" reset >/dev/null
seq 1 50000 | sed 's/.*/r 0x&000/' | cat >"$M/1/replay"
is "$(faults)" 50000 'in large pieces: a fault each'
exec 8<>"$M/1/replay"
echo 'r 0x1' >&8
like "$(cat <&8)" '^references 50001$' 'the writer can read'
like "$(cat <&8)" '^references 50001$' 'again and again'
exec 8>&-

# --- What is wrong ----------------------------------------------------------------------------

ctl "$M/1" reset >/dev/null
is "$("$TOOL" write "$M/1/replay" "r 0x1000${NL}w 0x2000${NL}bogus${NL}r 0x3000${NL}")" EINVAL \
	'a line that is no reference'
is "$(count references)" 2 'what came before is done'
like "$(cat "$M/1/replay")" '^error line 3: ' 'and the text says which line'
echo 'r 0x1000' >"$M/1/replay"
unlike "$(cat "$M/1/replay")" '^error' 'until the next trace'
is "$("$TOOL" write "$M/1/replay" "r 0x1000${NL}r 0xffffffffffff0000${NL}")" EINVAL \
	'an address of the kernel'
like "$(cat "$M/1/replay")" '^error line 2: ' 'is an error in its line'
answers 0 'reset' "$M/1" reset
unlike "$(cat "$M/1/replay")" '^error' 'forgets that, too'
a=$(ctl "$M/1" mmap 0 4K r-- private,anon)
is "$("$TOOL" write "$M/1/replay" "r ${a}${NL}w ${a}${NL}")" EACCES \
	'an area of the process denies what it denies'
like "$(cat "$M/1/replay")" '^error line 2: Permission denied$' 'in its line'
is "$("$TOOL" write "$M/1/replay" "r 0x1000${NL}r" | tail -n 1)" EINVAL \
	'a trace that ends in half a line: close says so'
like "$(cat "$M/1/replay")" '^error line 2: ' 'its line as well'

# --- Who may ----------------------------------------------------------------------------------

if is_root; then
	is "$(as_other "$TOOL" write "$M/1/replay" 'r 0')" EACCES 'others may not write'
	is "$(as_other "$TOOL" open "$M/1/replay" r)" EACCES 'nor read'
else
	skip 'needs root' 'who may'
fi
stop_mount

# As many pages as there are frames and slots, and one more.
start_mount -o ram=16K,swapsize=16K
ctl "$M" spawn >/dev/null
is "$("$TOOL" write "$M/1/replay" "1 2 3 4 5 6 7 8 9 10${NL}")" ENOMEM 'memory is full'
like "$(cat "$M/1/replay")" '^error line 1: physical memory is used up' 'it says why'
exec 8>"$M/1/replay"
ctl "$M/1" exit >/dev/null
refused 'the process has ended' sh -c 'echo r 0x1000 >&8'
exec 8>&- || :
stop_mount
done_testing
