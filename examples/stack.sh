#!/bin/sh
# stack.sh - the stack grows by itself, down to its limit.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"
start_machine
copy_tiny

# stack: show its area
stack() {
	show "awk '/stack/ { print \$1, \$2, \$6 }' $1/maps; grep VmStk $1/status"
}

say 'A program starts with a stack of 132 KiB.' \
	'The arguments lie at its upper end, and the stack pointer (sp) just below them.'
show 'vasctl . exec ../tiny'
stack 1
show 'vasctl 1 where sp'

ask 'A function has an array of 100 KiB.' \
	'Its first store goes 100 KiB below the stack pointer.'
show 'vasctl 1 access w stack+8K'
say 'That is inside the area: an ordinary fault for a page of zeros (demand-zero).'
stack 1

ask 'Now recursion: 1 MiB further down, far below the area.' \
	'Nobody has called mmap. Is this a wild pointer?'
show 'vasctl 1 access w stack-1M'
stack 1
say 'The kernel cannot tell a deep stack from a wild pointer.' \
	'The area is marked growsdown (gd in smaps), so it grows to the page that was touched:' \
	'stack-grow, then what the page needs.' \
	'Linux does that in expand_stack.' \
	'All that lies between is in the area now, but takes no memory.'
show 'grep VmRSS 1/status'

ask 'How far does this go?' \
	'The limit is 8 MiB, as ulimit -s says on most machines.'
show 'grep -i stack 1/limits'
show 'vasctl 1 access w 0x7fffff801000'
show 'vasctl 1 access w 0x7fffff7fe000'
say 'Down to the limit the stack grows, beyond it the process dies of SIGSEGV.' \
	'So an endless recursion ends, and does not eat all memory (acct_stack_growth).' \
	'The limit is looked at only when the stack grows. A lower one takes nothing away.'
show 'vasctl . exec ../tiny'
show 'vasctl 2 setrlimit stack 256K'
show 'vasctl 2 access w sp-200K'
show 'vasctl 2 access w sp-300K'

say 'A second thing stops a stack: its neighbour.' \
	'The program maps a page 2 MiB below the end of the stack.'
show 'vasctl . exec ../tiny'
show 'vasctl 3 mmap 0x7fffffe00000 4K rw- private,anon'
ask 'The stack comes as near as 64 KiB.' \
	'The limit of 8 MiB is far away.'
show 'vasctl 3 access w 0x7fffffe11000'
show 'vasctl 3 access w 0x7ffffff01000'
say 'Between a stack and what lies below it, 1 MiB stays free: stack_guard_gap.' \
	'Else a function with a large array could jump over a gap of one page, into foreign' \
	'memory, without any fault.' \
	'That attack had a name in 2017: Stack Clash.'

say 'Stacks of threads are no such areas.' \
	'pthread_create(3) maps 8 MiB, with a page without rights below.' \
	'They do not grow: the first page beyond is a fault.'
show 'vasctl 3 mmap 0x20000000 8196K --- private,anon,stack'
show 'vasctl 3 mprotect 0x20001000 8M rw-'
show 'vasctl 3 access w 0x20001000'
show 'vasctl 3 access w 0x20000ff8'
