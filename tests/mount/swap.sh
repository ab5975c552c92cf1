# Memory pressure: replacement, swap, locked memory, out of memory.
. "${0%/*}/lib.sh"

# count_faults PID PAGES ADDRESS: write to the pages in this order, and count how many were not in
# memory
count_faults() {
	for _page in $2; do
		echo "access w $(plus "$3" $((_page * 4096)))"
	done | ctl "$M/$1" | grep -Ec ' (demand-zero|swap-in|swap-cache) '
}
# vmstat KEY: the value of KEY in vmstat
vmstat() {
	sed -n "s/^$1 //p" "$M/vmstat"
}
# kb KEY: the value of KEY in meminfo
kb() {
	sed -n "s/^$1: *\([0-9]*\) kB/\1/p" "$M/meminfo"
}
# fill PID ADDRESS PAGES: write its number into each page
fill() {
	_i=0
	while [ $_i -lt "$3" ]; do
		poke "$1" "$(plus "$2" $((_i * 4096)))" "page $_i" >/dev/null
		_i=$((_i + 1))
	done
}
# filled PID ADDRESS PAGES: "yes" if all pages still have their numbers, else the first that has not
filled() {
	_i=0
	while [ $_i -lt "$3" ]; do
		_text="page $_i"
		_found=$(peek "$1" "$(plus "$2" $((_i * 4096)))" ${#_text})
		if [ "$_found" != "$(hex "$_text")" ]; then
			echo "page $_i is lost"
			return
		fi
		_i=$((_i + 1))
	done
	echo yes
}

# --- The strings of the textbooks -------------------------------------------------------------

belady='1 2 3 4 1 2 5 1 2 3 4 5'
long='7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1'
# string POLICY FRAMES PAGES WANTED: the reference string PAGES causes WANTED faults
string() {
	start_mount -o "ram=$(($2 * 4))K,policy=$1"
	ctl "$M" spawn >/dev/null
	is "$(count_faults 1 "$3" "$(ctl "$M/1" mmap 0 32K rw- private,anon)")" "$4" \
		"$1 with $2 frames: $4 faults of $3"
	stop_mount
}
string fifo 3 "$belady" 9
string fifo 4 "$belady" 10
string lru 3 "$belady" 10
string lru 4 "$belady" 8
string clock 3 "$belady" 9
string clock 4 "$belady" 10
string fifo 3 "$long" 15
string lru 3 "$long" 12
string clock 3 "$long" 14

# --- A page goes out and comes back -----------------------------------------------------------

start_mount -o ram=16K,swapsize=256K,policy=fifo
ctl "$M" spawn >/dev/null
a=$(ctl "$M/1" mmap 0 40K rw- private,anon)
like "$(cat "$M/swaps")" '	256	*0	*-2$' \
	'swaps shows an empty swap file of the size given'
is "$(head -n 1 "$M/swaps" | tr -s '\t')" "$(head -n 1 /proc/swaps | tr -s '\t')" \
	'with the header of /proc/swaps'
is "$(kb SwapTotal) $(kb SwapFree)" '256 256' 'and so does meminfo'
fill 1 "$a" 10
is "$(kb SwapFree)" 232 'ten pages in four frames: six are in swap'
like "$(cat "$M/swaps")" '	256	*24	*-2$' 'as swaps says'
like "$(cat "$M/1/status")" '^VmSwap:	      24 kB$' 'and status'
is "$(vmstat pswpout)" 6 'six pages were written'
line=$(entry 1 "$a" PTE)
like "$line" '^[0-9a-f]{16} PTE [0-9]+ swap 0x[0-9a-f]{16} slot=[0-9]+$' \
	'pagetable shows the entry of the first page'
slot=$(note slot "$line")
line=$(ctl "$M/1" access r "$a")
like "$line" "^$(va "$a") major swap-in area=" 'a read brings it back: a major fault'
is "$(note slot "$line")" "$slot" 'from its slot'
like "$line" ' evicted=[0-9]+:[0-9a-f]{16} tlb=' 'in place of another'
is "$(last_fault 1)" "r ${line% tlb=miss}" 'which faults tells too'
is "$(vmstat pswpin)" 1 'one page was read'
is "$(filled 1 "$a" 10)" yes 'every page comes back as it was'
is "$("$TOOL" pread "$M/1/mem" "$a" 40960 | wc -c)" 81921 'a read larger than memory gets all of it'
is "$("$TOOL" fill "$M/1/mem" "$a" 40960 65)" 40960 'a write as well'
is "$("$TOOL" pread "$M/1/mem" "$a" 40960 | sed 's/41//g')" '' 'and each byte of it'
fill 1 "$a" 10

# Pages that are shared by fork.
child=$(ctl "$M/1" fork)
is "$(filled "$child" "$a" 10)" yes 'a child finds what is in swap'
poke "$child" "$a" 'CHILD!' >/dev/null
is "$(peek 1 "$a" 6)" "$(hex 'page 0')" 'what it then writes is its own'
is "$(filled 1 "$a" 10)" yes "and leaves the parent's"
ctl "$M/$child" exit >/dev/null

# Shared anonymous memory.
s=$(ctl "$M/1" mmap 0 24K rw- shared,anon)
fill 1 "$s" 6
child=$(ctl "$M/1" fork)
is "$(filled "$child" "$s" 6)" yes 'shared anonymous memory goes through swap'
poke "$child" "$s" 'SHARED' >/dev/null
ctl "$M/1" access w "$a" 40K >/dev/null
is "$(peek 1 "$s" 6)" "$(hex SHARED)" 'and stays shared'
ctl "$M/$child" exit >/dev/null

# Files.
head -c 16384 /dev/zero | tr '\0' f >"$T/file"
f=$(ctl "$M/1" mmap 0 16K rw- shared "$T/file")
poke 1 "$(plus "$f" 4096)" store >/dev/null
ctl "$M/1" access w "$a" 40K >/dev/null
is "$(dd if="$T/file" bs=4096 skip=1 count=1 2>/dev/null | head -c 6)" storef \
	'an evicted dirty file page is in the file'
is "$(peek 1 "$(plus "$f" 4096)" 6)" "$(hex storef)" 'from where it comes back'
like "$(last_fault 1)" ' major file-read ' 'by a read of the file'
ctl "$M/1" munmap "$f" 16K >/dev/null

# --- reclaim, swapoff -------------------------------------------------------------------------

ctl "$M/1" munmap "$s" 24K >/dev/null
ctl "$M/1" access w "$a" 40K >/dev/null
is "$(ctl "$M" reclaim 2)" 2 'reclaim answers how many pages it evicted'
is "$(kb MemFree)" 8 'which are free then'
is "$(ctl "$M" reclaim 100)" 2 'it cannot evict more than there are'
fill 1 "$a" 10
fails ENOMEM 'swapoff without room' "$M" swapoff
like "$(cat "$M/swaps")" '	256	*24	' 'leaves swap as it was'
is "$(filled 1 "$a" 10)" yes 'and all pages'
ctl "$M/1" munmap "$(plus "$a" 12288)" 28K >/dev/null
answers 0 'with room it succeeds' "$M" swapoff
is "$(wc -l <"$M/swaps")" 1 'then there is no swap'
is "$(kb SwapTotal) $(kb SwapFree)" '0 0' 'in meminfo neither'
is "$(filled 1 "$a" 3)" yes 'what was in it is in memory'
unlike "$(cat "$M/1/pagetable")" ' swap ' 'as pagetable shows'
fails EINVAL 'swapoff once more' "$M" swapoff
stop_mount

# --- mlock ------------------------------------------------------------------------------------

start_mount -o ram=32K,policy=lru
ctl "$M" spawn >/dev/null
a=$(ctl "$M/1" mmap 0 40K rw- private,anon)
answers 0 'mlock' "$M/1" mlock "$a" 8K
is "$(grep -Ec "^($(va "$a")|$(va "$(plus "$a" 4096)")) PTE .* page " "$M/1/pagetable")" 2 \
	'loads the pages'
like "$(cat "$M/1/status")" '^VmLck:	       8 kB$' 'status counts them'
is "$(kb Mlocked) $(kb Unevictable)" '8 8' 'and meminfo'
fill 1 "$a" 10
like "$(entry 1 "$a" PTE)" ' page ' 'they stay while others go'
is "$(grep -c ' PTE .* swap ' "$M/1/pagetable")" 2 'which are in swap'
ctl "$M" reclaim 100 >/dev/null
like "$(entry 1 "$a" PTE)" ' page ' 'reclaim leaves them too'
is "$(sed -n '/^Locked: *8 kB/p' "$M/1/smaps" | wc -l)" 1 'smaps says what is locked'
answers 0 'munlock' "$M/1" munlock "$a" 8K
ctl "$M" reclaim 100 >/dev/null
like "$(entry 1 "$a" PTE)" ' swap ' 'after munlock they can go'
answers 0 'mlock2 onfault' "$M/1" mlock2 "$a" 40K onfault
is "$(grep -c ' PTE .* page ' "$M/1/pagetable")" 0 'loads nothing'
ctl "$M/1" access r "$a" >/dev/null
ctl "$M" reclaim 100 >/dev/null
is "$(grep -c ' PTE .* page ' "$M/1/pagetable")" 1 'but keeps what is loaded'
answers 0 'munlockall' "$M/1" munlockall
is "$(kb Mlocked)" 0 'unlocks all'
fails EINVAL 'mlock2 of another word' "$M/1" mlock2 "$a" 4K now
fails EINVAL 'mlockall onfault alone' "$M/1" mlockall onfault
fails ENOMEM 'mlock of a hole' "$M/1" mlock 0x1000 4K
stop_mount

# --- Out of memory ----------------------------------------------------------------------------

start_mount -o ram=16K,swapsize=8K
ctl "$M" spawn >/dev/null
echo 1 >"$M/sys/vm/overcommit_memory"
a=$(ctl "$M/1" mmap 0 64K rw- private,anon)
fails ENOMEM 'more than memory and swap' "$M/1" access w "$a" 64K
like "$(last_fault 1)" "^w $(va "$(plus "$a" 24576)") fatal oom " \
	'is a fatal fault of the seventh page'
is "$(poke 1 "$(plus "$a" 24576)" x)" ENOMEM 'a write to mem fails as well'
ok 'the process lives' test -d "$M/1"
is "$(peek 1 "$(plus "$a" 20480)" 1)" 00 'what it has it keeps'
ctl "$M/1" munmap "$a" 8K >/dev/null
is "$(poke 1 "$(plus "$a" 24576)" x)" 1 'with room again it goes on'
is "$(vmstat oom_kill)" 0 'nothing was killed'
stop_mount

start_mount -o ram=32K,swapsize=8K,oom=kill
echo 1 >"$M/sys/vm/overcommit_memory"
ctl "$M" spawn small >/dev/null
ctl "$M" spawn large >/dev/null
a=$(ctl "$M/1" mmap 0 64K rw- private,anon)
b=$(ctl "$M/2" mmap 0 64K rw- private,anon)
ctl "$M/1" access w "$a" 8K >/dev/null
ctl "$M/2" access w "$b" 24K >/dev/null
cat "$M/events" >"$T/events" &
reader=$!
eventually 60 sh -c "ls -l /proc/$reader/fd | grep -q '$M/events'"
ok 'oom=kill: an access goes on' ctl "$M/1" access w "$a" 24K
ok 'because the largest process was killed' test ! -e "$M/2"
ok 'and not its own' test -d "$M/1"
is "$(vmstat oom_kill)" 1 'vmstat counts it'
eventually 60 grep -q ' fatal oom' "$T/events"
like "$(cat "$T/events")" '^[0-9]+ [0-9.]+ 2 [rwx] 0000000000000000 fatal oom' 'events says so'
kill $reader
wait
stop_mount

# --- Overcommit -------------------------------------------------------------------------------

start_mount -o ram=64K,swapsize=32K
ctl "$M" spawn >/dev/null
limit=$(kb CommitLimit)
is "$limit" $((64 / 2 + 32)) 'CommitLimit is swap and half of memory'
ok 'by default a mapping larger than free memory is given' ctl "$M/1" mmap 0 90K rw- private,anon
fails ENOMEM 'one larger than memory and swap is not' "$M/1" mmap 0 128K rw- private,anon
ok 'unless nothing is reserved for it' ctl "$M/1" mmap 0 128K rw- private,anon,noreserve
echo 1 >"$M/sys/vm/overcommit_memory"
ok 'overcommit_memory 1 gives all' ctl "$M/1" mmap 0 1G rw- private,anon
stop_mount
start_mount -o ram=1M,swapsize=0
is "$(kb CommitLimit)" 512 'without swap CommitLimit is half of memory'
is "$(wc -l <"$M/swaps")" 1 'swaps is empty'
echo 2 >"$M/sys/vm/overcommit_memory"
ctl "$M" spawn >/dev/null
used=$(kb Committed_AS)
a=$(ctl "$M/1" mmap 0 64K rw- private,anon)
is "$(kb Committed_AS)" $((used + 64)) 'Committed_AS counts private writable memory'
ctl "$M/1" mmap 0 64K r-- private,anon >/dev/null
is "$(kb Committed_AS)" $((used + 64)) 'not what is only read'
fails ENOMEM 'overcommit_memory 2: not beyond CommitLimit' "$M/1" mmap 0 512K rw- private,anon
ctl "$M/1" munmap "$a" 64K >/dev/null
is "$(kb Committed_AS)" "$used" 'munmap gives back'
echo 100 >"$M/sys/vm/overcommit_ratio"
is "$(kb CommitLimit)" 1024 'overcommit_ratio raises it'
ok 'then there is room' ctl "$M/1" mmap 0 512K rw- private,anon
stop_mount

# --- The swap file ----------------------------------------------------------------------------

mkdir "$T/place"
cd "$T/place" || exit 1
start_mount -o ram=64K,swap=file,swapsize=100K
cd "$T" || exit 1
is "$(stat -c '%a %s' "$T/place/file")" '600 106496' 'a swap file is made: its slots and a page'
is "$(($(stat -c '%b * %B' "$T/place/file") >= 106496))" 1 'reserved on the disk'
like "$(cat "$M/swaps")" "^$T/place/file .*file	*100	" 'swaps names it'
refused 'two machines do not share one' "$VASFS" -o "ram=64K,swap=$T/place/file" "$T/place"
stop_mount
ok 'it stays at the end' test -f "$T/place/file"
start_mount -o "ram=64K,swap=$T/place/file,swapsize=40K"
is "$(stat -c %s "$T/place/file")" $((45056)) 'and can be used again, with another size'
stop_mount
# no_start PATTERN DESCRIPTION OPTIONS: the daemon does not start with these options
no_start() {
	if try_mount -o "$3" 2>"$T/stderr"; then
		ok "$2: is refused" false
		stop_mount
	else
		like "$(cat "$T/stderr")" "$1" "$2: is refused with the reason"
	fi
	rm -f "$T/daemon.pid" "$T/daemon.end"
}
echo 'something else' >"$T/other"
no_start 'neither empty nor' 'a file of other contents' "swap=$T/other"
is "$(cat "$T/other")" 'something else' 'and left as it was'
head -c 8192 /dev/zero >"$T/zeros"
no_start 'neither empty nor' 'a file of zeros' "swap=$T/zeros"
mkfifo "$T/pipe"
no_start 'not a regular file' 'a FIFO' "swap=$T/pipe"
no_start 'cannot be opened' 'a directory' "swap=$T/place"
no_start 'cannot be opened' 'a missing directory' "swap=$T/none/file"
no_start 'cannot reserve' 'more than the disk has' "swap=$T/huge,swapsize=1000T"
ok 'which leaves no file' test ! -e "$T/huge"
no_start 'swapsize' 'a size that is none' 'swapsize=much'
no_start 'clock, lru, fifo, random' 'an unknown policy' 'policy=best'
for tlb in 4 4x x4 0x0 3x4x5 axb; do
	no_start 'SETSxWAYS' "tlb=$tlb" "tlb=$tlb"
done
no_start 'fail or kill' 'oom=maybe' 'oom=maybe'
: >"$T/empty"
no_start 'others have rights' 'an empty file that others may read' "swap=$T/empty"
chmod 620 "$T/empty"
no_start 'others have rights' 'or write' "swap=$T/empty"
chmod 600 "$T/empty"
ln -s empty "$T/link"
no_start 'symbolic link' 'a link to an empty file' "swap=$T/link"
ln "$T/empty" "$T/second"
no_start 'another name' 'a file with two names' "swap=$T/second"
rm "$T/second"
if is_root; then
	chown "$OTHER" "$T/empty"
	no_start 'another user' "another user's file" "swap=$T/empty"
	chown 0 "$T/empty"
else
	skip 'needs root' "another user's file: is refused with the reason"
fi
is "$(stat -c %s "$T/empty")" 0 'and none of them is filled'
start_mount -o "ram=64K,swap=$T/empty"
is "$(stat -c %s "$T/empty")" 135168 'an empty file is taken; swap is twice ram'
stop_mount
TMPDIR=$T/place
export TMPDIR
start_mount -o ram=64K
like "$(cat "$M/swaps")" "^$T/place/.*deleted" 'without a name it has none, in TMPDIR'
is "$(ls "$T/place")" file 'and is not to be seen'
stop_mount
done_testing
