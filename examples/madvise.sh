#!/bin/sh
# madvise.sh - what a program knows of its memory, and tells the kernel.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"
options=ram=1M,swapsize=1M
start_machine

# memory: what is where
memory() {
	show "grep -E '^Vm(RSS|Swap)' 1/status"
}

say 'A process has 16 pages with data.'
show 'vasctl . spawn'
show 'vasctl 1 mmap 0x10000000 64K rw- private,anon'
show 'vasctl 1 access w 0x10000000 64K | tail -n 1'
show "vasctl 1 poke 0x10000000 'important'"
memory

ask 'dontneed: I do not need what is in there.' \
	'The area stays. What does one read afterwards?'
show 'vasctl 1 madvise 0x10000000 64K dontneed'
memory
show 'vasctl 1 peek 0x10000000 16'
say 'The frames are free at once, and the data is gone (madvise_dontneed_single_vma).' \
	'The next access gets zeros.' \
	'malloc gives memory back like this, and keeps the addresses.' \
	'Strictly speaking this is no advice: it changes what the program reads.'

ask 'free: I do not need it, but there is no hurry.'
show 'vasctl 1 access w 0x10000000 64K | tail -n 1'
show "vasctl 1 poke 0x10000000 'first'; vasctl 1 poke 0x10001000 'second'"
show 'vasctl 1 madvise 0x10000000 64K free'
memory
show 'vasctl 1 peek 0x10001000 16'
say 'All is still there.' \
	'The pages have lost their dirty bit, no more.' \
	'Whoever needs a frame may take one, without writing it to swap.' \
	'If the process writes to a page before, the kernel sees the dirty bit and keeps it' \
	'(MADV_FREE, madvise_free_pte_range).'
ask 'It writes to the first page. Then memory is short.'
show "vasctl 1 poke 0x10000000 'FIRST'"
show 'vasctl . reclaim 64'
show 'tail -n 2 1/faults'
memory
show 'vasctl 1 peek 0x10000000 16; vasctl 1 peek 0x10001000 16'
say 'The page that was written again went to swap and came back.' \
	'The other one was dropped: lazy-free.' \
	'This is cheaper than dontneed where memory is used again soon: no fault, no zeros.'

ask 'pageout: I shall not use this for a long time. But keep it.'
show 'vasctl 1 access w 0x10000000 64K | tail -n 1'
show 'vasctl 1 madvise 0x10000000 64K pageout'
memory
say 'Out to swap at once, while there is time.' \
	'cold is the milder word: the pages are the first to go when memory is short.'

ask 'willneed: I shall need it soon.' \
	'Is it mapped then?'
show 'vasctl 1 madvise 0x10000000 32K willneed'
memory
show 'vasctl 1 access r 0x10000000'
show 'vasctl 1 access r 0x10008000'
say 'It was brought in, but no page was mapped.' \
	'The access to the first page is a minor fault (swap-cache).' \
	'The page at 0x10008000 was not asked for, and the process has to wait: major.' \
	'With willneed the disk works while the program does something else.'

ask 'For a file it is the same.' \
	'And dontneed in a private mapping of a file?'
printf 'as it is in the file\n' >"${work:?}/file"
show 'vasctl 1 mmap 0x20000000 4K rw- private ../file'
show 'vasctl 1 madvise 0x20000000 4K willneed'
show "vasctl 1 poke 0x20000000 'MY OWN'; vasctl 1 peek 0x20000000 16"
show 'vasctl 1 madvise 0x20000000 4K dontneed; vasctl 1 peek 0x20000000 16'
say 'The copy goes, and the file shows again.'

ask 'wipeonfork: a secret that no child shall have.'
show 'vasctl 1 mmap 0x30000000 4K rw- private,anon'
show "vasctl 1 poke 0x30000000 'seed of random'"
show 'vasctl 1 madvise 0x30000000 4K wipeonfork; vasctl 1 fork'
show 'vasctl 1 peek 0x30000000 16; vasctl 2 peek 0x30000000 16'
say 'The child has the area, full of zeros.' \
	'Else parent and child would draw the same random numbers.'

ask 'guard_install (since Linux 6.13): a page that must not be touched.'
show 'vasctl 1 madvise 0x10004000 4K guard_install'
show 'vasctl 1 access w 0x10004000'
show "grep ^10000000 1/maps; grep '^$(va 0x10004000) PTE' 1/pagetable"
say 'It is a mark in the entry of the page table.' \
	'mprotect would split the area in three.' \
	'With thousands of stacks of threads, that counts: each area costs memory of the kernel,' \
	'and there are at most max_map_count of them.'
