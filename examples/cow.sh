#!/bin/sh
# cow.sh - fork and copy-on-write: which writes copy a page, and which do not.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
find_programs
start_machine

# entries ADDRESS: shows the last-level entry in each process
entries() {
	show "grep '^$(va "$1") PTE' */pagetable"
}

say 'A process writes into two pages.'
show 'vasctl . spawn demo'
page1=$(vasctl 1 mmap 0 8K rw- private,anon)
page2=$(printf '0x%x' $((page1 + 4096)))
put 1 "$page1" 'first page'
put 1 "$page2" 'second page'
say 'Each write took a cleared frame: demand-zero.'
show 'cat 1/faults'

say 'It forks. Nothing is copied: the two processes share their page tables, and through them the frames.'
show 'vasctl 1 fork'
entries "$page1"
entries "$page2"
show "grep -E '^(AnonPages|PageTables)' meminfo"

say 'The child writes into the first page. The page is still used by two, so the child gets a copy,' \
	'after a copy of the page table to put it into: tables= counts those.'
put 2 "$page1" 'CHILD PAGE'
show 'tail -n 1 2/faults'
entries "$page1"

say 'The parent writes into the same page. Nobody else uses its frame any more, so there is nothing to copy:' \
	'the entry becomes writable, and that is all.'
put 1 "$page1" 'parent page'
show 'tail -n 1 1/faults'
entries "$page1"

say 'From now on neither takes a fault there.'
show "vasctl 1 access w $page1"
show "vasctl 2 access w $page1"
say 'The second page was not written and is shared as before.'
entries "$page2"
show "grep -E '^(AnonPages|PageTables)' meminfo"

say 'When the parent is gone, the child is alone with it: its write needs no copy either.'
show 'vasctl . kill 1'
put 2 "$page2" 'all mine'
show 'tail -n 1 2/faults'
