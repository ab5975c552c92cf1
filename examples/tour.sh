#!/bin/sh
# tour.sh - the lecture on virtual memory: first on a program whose map fits a screen, then on
# /bin/ls with its libraries. In a source tree it first installs the packages that are missing and
# builds vasfs and vasctl, as all examples do.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"
start_machine
copy_tiny

say 'This folder is a simulated machine.' \
	'It has no process yet.'
show 'ls -C'

say 'Here is a small program.' \
	'It has text (the functions), a constant, a variable with a value (data), and one' \
	'without (bss).'
show 'sed -n 2,4p ../tiny.c; grep -A 4 main.void ../tiny.c'

say 'Load it into the machine.' \
	'The answer is the pid of a process.' \
	'The process is a folder.'
show 'vasctl . exec ../tiny'
show 'ls -C 1'

say 'This is its address space.' \
	'The columns are addresses, rights, and what is there.' \
	'The first four areas come from the file: its headers, text (x), constants, and data (w).' \
	'Then come bss, which is in no file, and the heap.' \
	'Far above are pages of the kernel and the stack.' \
	'On Linux, the same program has the same map: setarch -R gives it these addresses.'
map 1

say 'A symbol is an address.' \
	'The last word says where its page is now.'
show 'vasctl 1 where main'
show 'vasctl 1 where greeting'
show 'vasctl 1 where counter'
show 'vasctl 1 where buffer'

# --- Demand paging ----------------------------------------------------------------------------

say 'Areas are promises.' \
	'Little of them is in memory: only what exec itself wrote.' \
	'These are the arguments on the stack, and the page of counter, because the rest of that' \
	'page belongs to bss and had to be cleared.' \
	'The process has not had a single fault, so the last command prints nothing.'
show "grep -E '^Vm(Size|RSS)' 1/status"
show 'cat 1/faults'

ask 'Let the process read its constant.' \
	'No page table entry leads there yet.' \
	'What will happen?'
show 'vasctl 1 peek greeting 32'
show 'cat 1/faults'
say 'The read faulted.' \
	'The address is legal: it lies in the area that is named.' \
	'Reading is legal: the area has r.' \
	'So the kernel mapped the page, and the processor tried again.' \
	'The fault is minor, because this page of the file was in memory already: exec had read it' \
	'to make the page of counter from it.' \
	'Each line has a number, which counts for the whole machine.' \
	'The first is 3, because exec used 1 and 2 before the program began.' \
	'Linux does this in do_read_fault.'

ask 'Now fetch the first instruction of main.' \
	'Nobody has read this page of the file.'
show 'vasctl 1 access x main'
say 'It is a major fault: the process waits for the disk.' \
	'Once more the same access, and there is nothing left to do.' \
	'It is a hit, and the TLB knows the way.'
show 'vasctl 1 access x main'

# --- The walk ---------------------------------------------------------------------------------

say 'The fault left four page-table entries behind.' \
	'The hardware walks through them to find the page.' \
	'Nine bits of the address choose the entry in each table, twelve the byte in the page.'
show 'vasctl 1 walk main'
say 'US means that programs may go there, RW that they may write, NX that they may not execute.' \
	'The page of main has neither RW nor NX, so its rights are r-x.' \
	'The page of counter has both.'
show 'vasctl 1 walk counter'

# --- Anonymous memory -------------------------------------------------------------------------

ask 'bss is in no file.' \
	'What does one find when one reads it, and what happens at the first write?'
show 'vasctl 1 peek buffer 16'
show "vasctl 1 poke buffer 'written by the parent'"
show 'tail -n 2 1/faults'
say 'Reading needs no memory.' \
	'All read the same page of zeros, the zero page.' \
	'The first write gets a frame of its own, full of zeros.' \
	'Linux does both in do_anonymous_page.'

# --- Fork and copy-on-write -------------------------------------------------------------------

buffer=0x$(vasctl 1 where buffer | cut -d - -f 1)
say 'Fork the process.' \
	'The child has the same memory.'
show 'vasctl 1 fork'
entries "$buffer" 1/pagetable 2/pagetable
say 'It is one frame (pfn) with two users, and a write would copy it (cow).' \
	'The page tables below the top one are not copied either.' \
	'Both processes use the same ones, and fork took the right to write (RW) away in the top' \
	'entries only.' \
	'Linux copies the tables, and takes RW away in the last entries (copy_present_ptes).' \
	'vasfs -o fork=copy does it that way.'
show "grep '^$(va $((buffer >> 39 << 39))) PGD' 1/pagetable 2/pagetable"

ask 'Now the child writes.' \
	'What does the parent see?'
show "vasctl 2 poke buffer 'changed by the child!'"
show 'vasctl 1 peek buffer 32; vasctl 2 peek buffer 32'
say 'That was a copy-on-write fault (do_wp_page).' \
	'The child got a frame of its own (frame=), a copy of the one they shared (from=).' \
	'It also got its own copies of the three page tables on the way (tables=).'
entries "$buffer" 1/pagetable 2/pagetable

# --- Files, shared and private ----------------------------------------------------------------

printf 'Dear diary, today I learned nothing.\n' >"${work:?}/diary"
say 'Map a file of the host twice: once shared, once private.'
show 'vasctl 1 mmap 0 4K rw- shared ../diary'
shared=$(cat 1/ctl)
show 'vasctl 1 mmap 0 4K rw- private ../diary'
private=$(cat 1/ctl)
show "grep diary 1/maps | awk '{ print \$1, \$2, \$6 }'"
ask 'What the process writes through the private mapping is its own.' \
	'What it writes through the shared one changes the file.' \
	'Is that so?'
put 1 "$private" 'DEAR DIARY'
show 'vasctl . sync; cat ../diary'
put 1 "$shared" 'My friends'
show 'vasctl . sync; cat ../diary'
say 'The private page was copied before the second write.' \
	'It has kept what the process wrote there.'
show "vasctl 1 peek $private 48"

# --- Libraries --------------------------------------------------------------------------------

say 'A real program uses libraries.' \
	'This is ls.'
show 'vasctl . exec /bin/ls'
show "grep /ls 3/maps | awk '{ print \$1, \$2, \$6 }'"
say 'It lies at other addresses than tiny: it is position-independent.' \
	'Without setarch -R, Linux moves it to a random place each time.' \
	'Each library has areas like those of the program.' \
	'These are the texts (r-x) of all of them.'
show "grep r-xp 3/maps | awk '{ print \$1, \$6 }'"

ask 'A second ls calls malloc, after the first has done so.' \
	'Is the text of the library read twice?'
show 'vasctl 3 access x libc.so.6:malloc'
show 'vasctl . exec /bin/ls'
show 'vasctl 4 access x libc.so.6:malloc'
say 'The second finds the page in memory: page-cache, a minor fault.' \
	'Both have the same frame.' \
	'That is why libraries are shared.'

say 'That is the tour.' \
	'"vasfs MOUNTPOINT" gives you a machine to play with.' \
	'Start with the README in it.' \
	'The other examples go on from here: protection.sh, stack.sh, malloc.sh, cow.sh,' \
	'shared-private.sh, sigbus.sh, madvise.sh, tlb.sh, swap.sh, overcommit.sh, belady.sh,' \
	'thrash.sh, policy.sh.'
