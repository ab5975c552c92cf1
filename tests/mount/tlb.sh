# The simulated TLB: its contents, and that no entry is ever stale.
. "${0%/*}/lib.sh"

# tlb ACCESS ADDRESS: prints hit or miss
tlb() {
	note tlb "$(ctl "$M/1" access "$1" "$2")"
}
# count KEY: the value of KEY in tlb
count() {
	sed -n "s/^$1 //p" "$M/1/tlb"
}
# cached ADDRESS: the line for ADDRESS in tlb
cached() {
	grep "^[0-9]* [0-9]* $(va "$1") " "$M/1/tlb"
}

start_mount
ctl "$M" spawn >/dev/null
is "$(cat "$M/1/tlb")" 'SET WAY VA PFN FLAGS
geometry 16x4
hits 0
misses 0
flushes 0' 'a TLB of 16 sets with 4 ways, empty'
a=$(ctl "$M/1" mmap 0 1M rw- private,anon)
is "$(tlb w "$a")" miss 'the first access misses'
is "$(tlb w "$a")" hit 'the second hits'
is "$(tlb r "$(plus "$a" 100)")" hit 'a read as well'
is "$(count hits)" 2 'hits are counted'
like "$(cat "$M/1/status")" '^SimTlbHits:	2$' 'in status too'
like "$(cat "$M/1/status")" "^SimTlbMisses:	$(count misses)\$" 'with the misses'
line=$(cached "$a")
like "$line" "^$((a >> 12 & 15)) [0-3] $(va "$a") pfn=0x[0-9a-f]+ w-d\$" \
	'the entry: set, way, address, frame, rights'
is "$(note pfn "$line")" "$(note pfn "$(entry 1 "$a" PTE)")" 'as the page table has it'

# A fifth page of the set replaces the one that was used longest ago.
for i in 1 2 3; do
	tlb w "$(plus "$a" $((i * 65536)))" >/dev/null
done
tlb r "$a" >/dev/null
tlb w "$(plus "$a" 262144)" >/dev/null
is "$(tlb r "$a")" hit 'four ways: the one used last stays'
is "$(tlb r "$(plus "$a" 65536)")" miss 'the one used longest ago went'

# --- Never stale ------------------------------------------------------------------------------

flushes=$(count flushes)
ctl "$M/1" mprotect "$a" 4K r-- >/dev/null
is "$(cached "$a")" '' 'mprotect flushes'
is "$(($(count flushes) > flushes))" 1 'which is counted'
fails EACCES 'a store is refused after mprotect' "$M/1" access w "$a"
ctl "$M/1" mprotect "$a" 4K rw- >/dev/null
tlb w "$a" >/dev/null
ctl "$M/1" munmap "$a" 4K >/dev/null
fails EFAULT 'munmap flushes' "$M/1" access r "$a"
ctl "$M/1" mmap "$a" 4K rw- private,anon,fixed >/dev/null
poke 1 "$a" old >/dev/null
ctl "$M/1" mmap "$a" 4K rw- private,anon,fixed >/dev/null
is "$(peek 1 "$a" 3)" 000000 'a mapping in place of another'
poke 1 "$a" parent >/dev/null
is "$(tlb w "$a")" hit 'before a fork a store hits'
ctl "$M/1" fork >/dev/null
poke 1 "$a" PARENT >/dev/null
is "$(peek 2 "$a" 6)" "$(hex parent)" 'after it the store does not reach the child'
poke 2 "$a" CHILD. >/dev/null
is "$(peek 1 "$a" 6)" "$(hex PARENT)" "nor the child's the parent"
tlb r "$a" >/dev/null
ctl "$M" reclaim 100000 >/dev/null
is "$(sed 1,5d "$M/1/tlb")" '' 'eviction flushes'
is "$(peek 1 "$a" 6)" "$(hex PARENT)" 'and the page comes back'
b=$(ctl "$M/1" mremap "$a" 4K 4K maymove,fixed 0x20000000)
fails EFAULT 'mremap flushes' "$M/1" access r "$a"
is "$(peek 1 "$b" 6)" "$(hex PARENT)" 'what it moved is found'
tlb r "$b" >/dev/null
echo 1 >"$M/1/clear_refs"
is "$(cached "$b")" '' 'clearing accessed bits flushes, so that they are set again'
ctl "$M/1" access r "$b" >/dev/null
like "$(entry 1 "$b" PTE)" '[|=]A[| ]|[|=]A$' 'by the next access'
head -c 8192 /dev/zero >"$T/file"
f=$(ctl "$M/1" mmap 0 8K rw- shared "$T/file")
tlb w "$f" >/dev/null
ctl "$M/1" msync "$f" 8K sync >/dev/null
like "$(ctl "$M/1" access w "$f")" 'minor write-notify' 'after write-back a store is noticed again'
# Each page that is accessed counts once, whatever had to be done for it.
all() {
	echo $(($(count hits) + $(count misses)))
}
before=$(all)
b=$(ctl "$M/1" mmap 0 64K rw- private,anon)
ctl "$M/1" access w "$b" 16K >/dev/null
is $(($(all) - before)) 4 'four accesses, with a fault each'
ctl "$M/1" access w "$b" 16K >/dev/null
is $(($(all) - before)) 8 'four that hit'
"$TOOL" fill "$M/1/mem" "$(plus "$b" 16384)" 16384 65 >/dev/null
is $(($(all) - before)) 12 'a write of four pages with faults'
"$TOOL" pread "$M/1/mem" "$(plus "$b" 8192)" 40960 >/dev/null
is $(($(all) - before)) 22 'a read of ten, of which four fault'
ctl "$M/1" access r 0x5000 >/dev/null 2>&1
is $(($(all) - before)) 23 'a fatal one counts, too'
ctl "$M/1" access r 0x5000 >/dev/null 2>&1
is $(($(all) - before)) 24 'each time'
child=$(ctl "$M/1" fork)
ctl "$M/1" access w "$b" 8K >/dev/null
is $(($(all) - before)) 26 'two that copy'
ctl "$M/$child" exit >/dev/null
ctl "$M/1" exec /bin/ls >/dev/null
is "$(sed 1,5d "$M/1/tlb")" '' 'exec starts with an empty one'
stop_mount

# --- Geometry ---------------------------------------------------------------------------------

start_mount -o tlb=0
ctl "$M" spawn >/dev/null
a=$(ctl "$M/1" mmap 0 8K rw- private,anon)
is "$(tlb w "$a")" miss 'without a TLB'
is "$(tlb w "$a")" miss 'every access walks'
is "$(cat "$M/1/tlb")" 'SET WAY VA PFN FLAGS
geometry 0x0
hits 0
misses 0
flushes 0' 'and nothing is counted'
stop_mount
start_mount -o tlb=1x2
ctl "$M" spawn >/dev/null
a=$(ctl "$M/1" mmap 0 16K rw- private,anon)
ctl "$M/1" access w "$a" 12K >/dev/null
is "$(sed -n 2p "$M/1/tlb")" 'geometry 1x2' 'a set of two ways'
is "$(sed 1,5d "$M/1/tlb" | wc -l)" 2 'holds two pages'
is "$(tlb r "$(plus "$a" 8192)")" hit 'the last'
is "$(tlb r "$a")" miss 'and not the first'
stop_mount
done_testing
