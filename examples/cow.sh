#!/bin/sh
# cow.sh - fork and copy-on-write: which writes copy a page, and which do not.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"
start_machine

say 'A process writes into two pages.'
show 'vasctl . spawn demo'
page1=0x10000000 page2=0x10001000
show "vasctl 1 mmap $page1 8K rw- private,anon"
put 1 $page1 'first page'
put 1 $page2 'second page'
say 'Each write got a new frame full of zeros: demand-zero.'
show 'cat 1/faults'

say 'It forks. Nothing is copied. The two processes share their page tables, and' \
	'through them the frames.'
show 'vasctl 1 fork'
entries $page1
entries $page2
say 'The entries still say writable (RW). Fork took that right away further up, in' \
	'the entry of the top table.'
show "grep '^$(va $((page1 >> 39 << 39))) PGD' */pagetable"
show "grep -E '^(AnonPages|PageTables)' meminfo"

ask 'The child writes into the first page.'
put 2 $page1 'CHILD PAGE'
say 'Two processes use the page, so the child gets a copy of it: cow-copy (wp_page_copy).' \
	'It first gets copies of the page tables, to put the new page into. tables= counts them.'
entries $page1

ask 'The parent writes into the same page.' \
	'Is there a second copy?'
put 1 $page1 'parent page'
say 'Nobody else uses its frame any more, so nothing is copied: cow-reuse (wp_page_reuse).' \
	'The entry becomes writable, and that is all.'
entries $page1

say 'From now on neither process faults there.'
show "vasctl 1 access w $page1"
show "vasctl 2 access w $page1"
say 'Nobody wrote to the second page. It is shared as before.'
entries $page2
show "grep -E '^(AnonPages|PageTables)' meminfo"

say 'When the parent is gone, the child is the only user of that page. Its write' \
	'needs no copy either.'
show 'vasctl . kill 1'
put 2 $page2 'all mine'
