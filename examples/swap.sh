#!/bin/sh
# swap.sh - a page goes out to the swap file and comes back.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"
options=ram=16K,swapsize=256K,policy=fifo
start_machine

say 'A machine with four frames, and a swap file.'
show "awk '{ print \$1, \$3, \$4 }' swaps"
show 'vasctl . spawn demo'
page=0x10000000
show "vasctl 1 mmap $page 20K rw- private,anon"
put 1 $page 'here I am'
say 'The first page of the process is in a frame:'
entries $page 1/pagetable

say 'It writes to four more pages. For the last there is no free frame, so the' \
	'oldest page has to go. evicted= says whose page that was, as PID:VA.'
show "vasctl 1 access w $(plus $page 4096) 16K"

say 'The first page is now in the swap file. Its page-table entry is not present.' \
	'The processor ignores the rest of such an entry, so it can hold the number of' \
	'the swap slot.'
entries $page 1/pagetable
show "awk '{ print \$1, \$3, \$4 }' swaps"
show "grep -E '^(VmRSS|VmSwap)' 1/status"

ask 'The process reads the page.' \
	'What must happen first?'
show "vasctl 1 peek $page 16"
show 'tail -n 2 1/faults'
say 'That is a major fault, because the process waits for the disk (do_swap_page).' \
	'Another page went out to make room: it has a line of its own, with for= and evict.'
entries $page 1/pagetable
show "grep -E '^(pswpin|pswpout)' vmstat"

say 'Fork shares the pages in swap, too. Both processes have the same slots.'
show 'vasctl 1 fork'
show "grep ' swap ' */pagetable"

ask 'mlock brings a page in and keeps it in memory.' \
	'reclaim evicts as many pages as it can.'
show "vasctl 1 mlock $page 4K"
show 'vasctl . reclaim 4'
entries $page 1/pagetable

say 'Swap can be turned off only if memory has room for what is in it. It has no' \
	'room now.'
show 'vasctl . swapoff'
say 'End one process and unmap three pages of the other. Now there is room.'
show 'vasctl 2 exit'
show "vasctl 1 munmap $(plus $page 8192) 12K"
show 'vasctl . swapoff'
show "awk '{ print \$1, \$3, \$4 }' swaps"
