# Which page goes next, and who had to go: queue, sys/vm/policies, frames, and the lines of
# evictions in faults and events.
. "$(dirname "$0")/fuse_for_all.sh"
. "$(dirname "$0")/lib.sh"

# column N FILE: that column without the header and the hand
column() {
	sed -e 1d -e '/^hand$/d' "$2" | awk -v n="$1" '{ print $n }' | tr '\n' ' '
}
# next: the address of the page that goes next
next() {
	sed -e 1d -e '/^hand$/d' "$M/queue" | awk 'NR == 1 { print $4 }'
}
# pages ADDR...: these addresses as queue shows them
pages() {
	for page; do
		printf '%s ' "$(va "$page")"
	done
}

# --- The policies -----------------------------------------------------------------------------

start_mount -o ram=32K,swapsize=64K
like "$(cat "$M/sys/vm/policies")" '^clock +[a-z]' 'policies says what there is'
is "$(cat "$M/sys/vm/policies" | awk 'length > 79')" '' 'in 80 columns'
for policy in $(awk '{ print $1 }' "$M/sys/vm/policies"); do
	ok "$policy can be set" sh -c "echo $policy >'$M/sys/vm/policy'"
	is "$(cat "$M/sys/vm/policy")" "$policy" 'and is'
	like "$("$VASFS" -h)" "policy=NAME.*\\b$policy\\b" 'help names it'
done
like "$("$VASFS" -o policy=none "$M" 2>&1)" 'clock, lru, fifo, random' 'an unknown one: a list'
is "$("$TOOL" write "$M/sys/vm/policies" x)" EACCES 'policies is not written'
stop_mount

# --- The queue --------------------------------------------------------------------------------

start_mount -o ram=16K,swapsize=64K,policy=fifo
ctl "$M" spawn >/dev/null
is "$(cat "$M/queue")" 'POS FRAME PID VA BITS LIST' 'an empty queue is a header'
is "$(cat "$M/frames")" "PFN KIND USERS STATE NOTES
0x1-0x4 free" 'and all frames are free'
a=$(ctl "$M/1" mmap 0 64K rw- private,anon,noreserve)
p1=$(plus "$a" 4096) p2=$(plus "$a" 8192) p3=$(plus "$a" 12288)
for page in "$a" "$p1" "$p2"; do
	poke 1 "$page" x >/dev/null
done
is "$(column 4 "$M/queue")" "$(pages "$a" "$p1" "$p2")" 'fifo: the oldest first'
is "$(column 1 "$M/queue")" '1 2 3 ' 'with positions'
is "$(column 3 "$M/queue")" '1 1 1 ' 'and pids'
is "$(column 5 "$M/queue")" 'D D D ' 'they must be written'
is "$(column 6 "$M/queue")" 'fifo fifo fifo ' 'one list'
like "$(cat "$M/frames")" '^0x4-0x4 free$' 'one frame is free'
is "$(column 2 "$M/queue")" "$(for page in "$a" "$p1" "$p2"; do
	printf '%s ' "$(note pfn "$(entry 1 "$page" PTE)")"
done)" 'and frames'
ctl "$M/1" mlock "$a" 4K >/dev/null
is "$(column 5 "$M/queue")" 'DL D D ' 'a locked page'
ctl "$M/1" munlock "$a" 4K >/dev/null
echo lru >"$M/sys/vm/policy"
peek 1 "$a" 1 >/dev/null
is "$(column 4 "$M/queue")" "$(pages "$p1" "$p2" "$a")" 'lru: the one used goes last'
poke 1 "$p3" x >/dev/null
isnt "$(grep -c free "$M/frames")" 1 'no frame is free'

# --- Who had to go ----------------------------------------------------------------------------

cat "$M/events" >"$T/events" &
reader=$!
eventually 60 sh -c "echo 'access r $a' >'$M/1/ctl'; [ -e '$T/events' ]"
victim=$(next)
is "$victim" "$(va "$p1")" 'the queue says which'
frame=$(note pfn "$(entry 1 "$p1" PTE)")
new=$(plus "$a" 16384)
line=$(ctl "$M/1" access w "$new")
like "$line" " frame=$frame evicted=1:$victim tlb=" 'the fault names it, and has its frame'
is "$(note frame "$line")" "$frame" 'which was that of the page'
like "$(tail -n 2 "$M/1/faults" | head -n 1)" \
	"^[0-9]+ [0-9.]+ 1 - $victim evict swap-out frame=$frame slot=[0-9]+ users=1 for=1:$(va "$new")\$" \
	'the page that went has a line before it'
like "$(cat "$M/1/status")" '^SimEvicted:	1$' 'status counts it'
went() {
	grep -q " - $victim evict swap-out .* for=1:$(va "$new")\$" "$T/events"
}
ok 'events has it, too' eventually 60 went
kill "$reader"
wait "$reader" 2>/dev/null
ctl "$M" reclaim 1 >/dev/null
unlike "$(tail -n 1 "$M/1/faults")" ' for=' 'with reclaim nobody needs the frame'
like "$(tail -n 1 "$M/1/faults")" ' - [0-9a-f]+ evict swap-out ' 'but it is a line'
stop_mount

# --- The hand ---------------------------------------------------------------------------------

start_mount -o ram=12K,swapsize=64K,policy=clock
ctl "$M" spawn >/dev/null
a=$(ctl "$M/1" mmap 0 64K rw- private,anon,noreserve)
for page in 0 1 2; do
	poke 1 "$(plus "$a" $((page * 4096)))" x >/dev/null
done
is "$(sed -n 2p "$M/queue")" hand 'clock: the hand comes first'
is "$(column 5 "$M/queue")" 'RD RD RD ' 'all were used'
poke 1 "$(plus "$a" 12288)" x >/dev/null
is "$(column 5 "$M/queue")" 'D D RD ' 'the hand has cleared the bits of those it passed'
is "$(next)" "$(va "$(plus "$a" 4096)")" 'and stands after the one that went'
stop_mount

# --- Lists and ghosts -------------------------------------------------------------------------

# lists: the lists in the queue, in their order, and how many places each has
lists() {
	sed -e 1d -e '/^hand$/d' "$M/queue" | cut -d ' ' -f 6 | uniq -c | awk '{ print $2 "=" $1 }' |
		tr '\n' ' '
}

start_mount -o ram=32K,swapsize=1M,policy=2q
ctl "$M" spawn >/dev/null
a=$(ctl "$M/1" mmap 0 128K rw- private,anon,noreserve)
touch_pages() {
	for page; do
		echo "access w $(plus "$a" $((page * 4096)))"
	done | "$VASCTL" "$M/1" >/dev/null
}
touch_pages 0 1 2 3 4 5 6 7 8 9 0
is "$(lists)" 'A1in=7 Am=1 A1out=2 ' '2q: a page that came back is in Am, others have ghosts'
is "$(awk '$6 == "A1out" { print $2, $3, $4, $5 }' "$M/queue" | sort -u)" '- - - -' \
	'a ghost has no frame'
is "$(next)" "$(va "$(plus "$a" $((3 * 4096)))")" 'the oldest of A1in goes next'
ctl "$M/1" madvise "$(plus "$a" $((5 * 4096)))" 4K cold >/dev/null
is "$(lists)" 'cold=1 A1in=6 Am=1 A1out=2 ' 'a page that was named cold goes before all'
ctl "$M/1" munmap "$a" 128K >/dev/null
is "$(lists)" '' 'pages that are no more have no ghosts'
a=$(ctl "$M/1" mmap 0 128K rw- private,anon,noreserve)
for policy in $(awk '{ print $1 }' "$M/sys/vm/policies"); do
	echo "$policy" >"$M/sys/vm/policy"
	touch_pages 0 1 2 3 4 5 6 7 8 9 10 0 1 11 12 0 1 2 3 13 14 15
	is "$(sed -e 1d "$M/queue" | grep -c ' 0x')" 8 "$policy: each frame is in the queue"
	case $policy in clock | clock0 | sieve) hands=1 ;; *) hands=0 ;; esac
	is "$(grep -c '^hand$' "$M/queue")" $hands "$policy: $hands hands"
done
echo 4 >"$M/sys/vm/local_frames"
echo lru >"$M/sys/vm/policy"
ctl "$M/1" munmap "$a" 128K >/dev/null
a=$(ctl "$M/1" mmap 0 128K rw- private,anon,noreserve)
touch_pages 0 1 2 3 0 4
is "$(column 4 "$M/queue")" "$(pages "$(plus "$a" 8192)" "$(plus "$a" 12288)" "$a" \
	"$(plus "$a" 16384)")" 'local_frames: the fifth page costs the process its own oldest one'
line=$(ctl "$M/1" access w "$(plus "$a" 20480)")
like "$line" " evicted=1:$(va "$(plus "$a" 8192)") tlb=" 'and the fault says so'
stop_mount

# --- Active and inactive ----------------------------------------------------------------------

start_mount -o ram=256K,policy=linux
ctl "$M" spawn >/dev/null
head -c 65536 /dev/zero >"$T/pages"
a=$(ctl "$M/1" mmap 0 400K rw- private,anon)
# Pages of programs become active at once.
f=$(ctl "$M/1" mmap 0 64K r-x private "$T/pages")
ctl "$M/1" access w "$a" 400K >/dev/null
for _ in 1 2 3 4 5; do
	ctl "$M/1" access r "$a" 100K >/dev/null
	ctl "$M/1" access x "$f" 32K >/dev/null
	ctl "$M" reclaim 8 >/dev/null
done
# in_list NAME: KiB of the frames that are in that list
in_list() {
	awk -v list="$1" '$6 == list { n += 4 } END { print n + 0 }' "$M/queue"
}
# of_meminfo NAME, of_file FILE NAME: KiB
of_meminfo() {
	awk -v key="$1:" '$1 == key { print $2 }' "$M/meminfo"
}
of_file() {
	awk -v key="$2" '$1 == key { print $2 * 4 }' "$M/$1"
}
for kind in anon file; do
	for list in Active Inactive; do
		name=$(printf '%s-%s' "$list" "$kind" | tr AI ai)
		is "$(of_meminfo "$list($kind)")" "$(in_list "$name")" "meminfo: $list($kind)"
		for file in vmstat zoneinfo; do
			is "$(of_file $file "nr_${name%-*}_$kind")" \
				"$(in_list "$name")" "$file, too"
		done
	done
done
ok 'anonymous pages are active' test "$(in_list active-anon)" -gt 0
ok 'and pages of files' test "$(in_list active-file)" -gt 0
is "$(of_meminfo Active)" "$(($(in_list active-anon) + $(in_list active-file)))" 'and their sum'
echo clock >"$M/sys/vm/policy"
is "$(of_meminfo Active)" 0 'other policies have no active pages'
stop_mount

# --- Files, and other users -------------------------------------------------------------------

# shellcheck disable=SC2046 # none or two
start_mount $(! is_root || echo -o allow_other) -o ram=16K,swapsize=0,policy=fifo
ctl "$M" spawn >/dev/null
head -c 8192 /dev/zero >"$T/file"
f=$(ctl "$M/1" mmap 0 8K rw- shared "$T/file")
peek 1 "$f" 1 >/dev/null
poke 1 "$(plus "$f" 4096)" x >/dev/null
is "$(column 5 "$M/queue")" '- D ' 'a clean page of a file and a dirty one'
ctl "$M" reclaim 1 >/dev/null
like "$(tail -n 1 "$M/1/faults")" \
	" - $(va "$f") evict drop frame=0x[0-9a-f]+ file=$T/file offset=0x0 users=1\$" \
	'the clean one is dropped'
ctl "$M" reclaim 1 >/dev/null
like "$(tail -n 1 "$M/1/faults")" " evict write-back .* file=$T/file offset=0x1000 users=1\$" \
	'the dirty one is written'
is "$(tail -c +4097 "$T/file" | head -c 1)" x 'which is in the file'
ctl "$M/1" madvise "$f" 8K populate_read >/dev/null
ctl "$M/1" mmap 0 8K r-- private "$T/file" >/dev/null
ctl "$M/1" munmap "$f" 8K >/dev/null
a=$(ctl "$M/1" mmap 0 16K rw- private,anon)
for page in 0 1 2; do
	line=$(ctl "$M/1" access w "$(plus "$a" $((page * 4096)))")
done
like "$line" " evicted=$T/file\\+0x0 tlb=" 'a page that nobody maps is named by its file'
is "$(sed 1d "$M/queue" | awk '$3 == "-" { print $4, $5 }')" '- -' 'in the queue it has no address'
if is_root; then
	like "$(as_other cat "$M/queue")" '^[0-9]+ 0x[0-9a-f]+ 1 - D fifo$' \
		'others see no addresses of our pages'
	as_other "$VASCTL" "$M" spawn >/dev/null
	b=$(as_other "$VASCTL" "$M/2" mmap 0 4K rw- private,anon)
	as_other "$VASCTL" "$M/2" access w "$b" >/dev/null
	unlike "$(as_other cat "$M/2/faults")" " evicted=$T|evicted=1:[0-9a-f]" \
		'nor whose page went for theirs'
fi
stop_mount
done_testing
