# madvise, mincore, setrlimit: their words in ctl, and what the files of a process show afterwards.
. "${0%/*}/lib.sh"
start_mount -o ram=1M,swapsize=1M
ctl "$M" spawn >/dev/null
P=$M/1
a=0x30000000

# vmflags: the VmFlags of the area at $a
vmflags() {
	sed -n '/^30000000-/,/^VmFlags/s/^VmFlags: //p' "$P/smaps" | sed 's/ $//'
}

# --- Words ------------------------------------------------------------------------------------

answers $a 'memory to advise on' "$P" mmap $a 16K rw- private,anon,fixed
for advice in random sequential normal willneed dontneed dontneed_locked free dontfork dofork \
	wipeonfork keeponfork dontdump \
	dodump cold pageout populate_read populate_write guard_install guard_remove; do
	answers 0 "madvise $advice" "$P" madvise $a 16K $advice
done
fails EINVAL 'remove is for shared memory with a file' "$P" madvise $a 16K remove
fails EINVAL 'an unknown advice' "$P" madvise $a 16K hurry
fails EINVAL 'no advice' "$P" madvise $a 16K ''
fails EINVAL 'two pieces of advice' "$P" madvise $a 16K cold,free
fails EINVAL 'an address in a page' "$P" madvise 0x30000001 4K cold
answers 0 'a length of 0' "$P" madvise $a 0 cold
fails ENOMEM 'a hole' "$P" madvise $a 32K cold

# --- Contents ---------------------------------------------------------------------------------

poke 1 $a old >/dev/null
answers 1000 'mincore' "$P" mincore $a 16K
answers '' 'mincore of no length' "$P" mincore $a 0
answers 1 'of one byte' "$P" mincore $a 1
fails EINVAL 'at no page boundary' "$P" mincore 0x30000001 4K
fails ENOMEM 'of a hole' "$P" mincore $a 20K
fails ENOMEM 'beyond the address space' "$P" mincore $a 0x7ffffffff000
answers 0 'dontneed' "$P" madvise $a 16K dontneed
answers 0000 'gives the page back' "$P" mincore $a 16K
is "$(peek 1 $a 3)" 000000 'and what it held'

poke 1 $a kept >/dev/null
answers 0 'pageout' "$P" madvise $a 4K pageout
like "$(cat "$P/pagetable")" '^0000000030000000 PTE [0-9]+ swap ' 'the page is in swap'
answers 0 'and of no process that reads it here' "$P" mincore $a 4K
answers 0 'willneed' "$P" madvise $a 4K willneed
answers 1 'brings it back' "$P" mincore $a 4K
like "$(cat "$P/pagetable")" '^0000000030000000 PTE [0-9]+ swap ' 'but does not map it'
is "$(peek 1 $a 4)" "$(hex kept)" 'it is what it was'
answers 0 'free' "$P" madvise $a 4K free
like "$(cat "$P/smaps")" '^LazyFree: +4 kB' 'smaps tells of it'
ctl "$M" reclaim 1000 >/dev/null
is "$(peek 1 $a 4)" 00000000 'it went without swap'
is "$(sed -n 's/^VmSwap:[^0-9]*//p' "$P/status")" '0 kB' 'of which none is used'

# --- Fork -------------------------------------------------------------------------------------

poke 1 $a parent >/dev/null
poke 1 0x30001000 parent >/dev/null
ctl "$P" madvise $a 4K wipeonfork >/dev/null
ctl "$P" madvise 0x30001000 4K dontfork >/dev/null
child=$(ctl "$P" fork)
is "$(peek "$child" $a 6)" 000000000000 'wipeonfork: the child finds zeros'
is "$(peek "$child" 0x30001000 6)" EFAULT 'dontfork: the child finds nothing'
is "$(peek 1 $a 6)" "$(hex parent)" 'the parent keeps what it has'
ctl "$M" kill "$child" >/dev/null
# The area had guard pages before.
is "$(vmflags)" 'rd wr mr mw me gu ac wf sd' 'smaps shows the flag'
ctl "$P" madvise $a 16K keeponfork >/dev/null
ctl "$P" madvise $a 16K dofork >/dev/null
is "$(vmflags)" 'rd wr mr mw me gu ac sd' 'and that it is gone'

# --- Guard pages ------------------------------------------------------------------------------

answers 0 'guard_install' "$P" madvise $a 4K guard_install
like "$(cat "$P/pagetable")" '^0000000030000000 PTE [0-9]+ guard 0x[0-9a-f]{16} flags=GUARD$' \
	'pagetable shows the guard'
is "$(peek 1 $a 1)" EFAULT 'an access finds nothing'
like "$(tail -n 1 "$P/faults")" ' r 0000000030000000 fatal segv-maperr ' 'which is SEGV_MAPERR'
fails EFAULT 'nor can it be populated' "$P" madvise $a 4K populate_read
answers 0 'guard_remove' "$P" madvise $a 4K guard_remove
is "$(peek 1 $a 6)" 000000000000 'the page is new'

# --- Holes in files ---------------------------------------------------------------------------

tr '\0' A </dev/zero | head -c 12288 >"$T/file"
f=$(ctl "$P" mmap 0 12K rw- shared "$T/file")
poke 1 "$f" B >/dev/null
if ctl "$P" madvise "$(plus "$f" 4096)" 4K remove >/dev/null 2>&1; then
	is "$(peek 1 "$(plus "$f" 4096)" 1)" 00 'remove: zeros in memory'
	is "$(od -An -tx1 -j 4096 -N 1 "$T/file" | tr -d ' ')" 00 'and in the file'
	is "$(stat -c %s "$T/file")" 12288 'which is as long as it was'
else
	skip 'no holes in this file system' 'remove'
fi
ro=$(ctl "$P" mmap 0 4K r-- shared,rdonly "$T/file")
fails EACCES 'remove of a file opened read-only' "$P" madvise "$ro" 4K remove

# --- setrlimit --------------------------------------------------------------------------------

# limit NAME: the soft and the hard limit
limit() {
	sed -n "s/^$1  *\([^ ]*\)  *\([^ ]*\) .*/\1 \2/p" "$P/limits"
}
is "$(limit 'Max stack size')" '8388608 unlimited' 'the limits start as in Linux'
answers 0 'setrlimit' "$P" setrlimit stack 64K
is "$(limit 'Max stack size')" '65536 unlimited' 'changes SOFT alone'
answers 0 'with both' "$P" setrlimit data 1M 2M
is "$(limit 'Max data size')" '1048576 2097152' 'changes both'
answers 0 'as' "$P" setrlimit as 64M
is "$(limit 'Max address space')" '67108864 unlimited' 'is the address space'
fails ENOMEM 'it binds mmap' "$P" mmap 0 64M r-- private,anon
answers 0 'unlimited' "$P" setrlimit as unlimited
ok 'lets go' ctl "$P" mmap 0 64M r-- private,anon
answers 0 'memlock' "$P" setrlimit memlock 4K 8K
is "$(limit 'Max locked memory')" '4096 8192' 'is the memory that may be locked'
answers 0 'core' "$P" setrlimit core 0
is "$(limit 'Max core file size')" '0 unlimited' 'is kept'
fails EINVAL 'SOFT above HARD' "$P" setrlimit data 3M
fails EINVAL 'an unknown limit' "$P" setrlimit nofile 10
fails EINVAL 'a limit that is no number' "$P" setrlimit data much
if [ "$(id -u)" -eq 0 ]; then
	answers 0 'root raises HARD' "$P" setrlimit data 1M 4M
else
	fails EPERM 'HARD is not raised' "$P" setrlimit data 1M 4M
fi
child=$(ctl "$P" fork)
like "$(cat "$M/$child/limits")" '^Max stack size +65536 ' 'forks inherit them'

stop_mount
done_testing
