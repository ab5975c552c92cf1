#!/bin/sh
# protection.sh - what the rights of an area forbid: writing to text, executing data, and more.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"
start_machine
copy_tiny

say 'Each area has rights: r, w, x.' \
	'Each page-table entry has bits for them: RW allows writing, NX forbids executing.' \
	'This program has one area of each kind.'
show 'vasctl . exec ../tiny'
show "head -n 5 1/maps | awk '{ print \$1, \$2, \$6 }'"

ask 'The program writes to its own text, to the function main.' \
	'A fault in a pointer could do that.' \
	'What stops it?'
show 'vasctl 1 access w main'
show 'tail -n 1 1/faults; tail -n 1 1/status'
say 'The area has no w, so the fault is fatal.' \
	'On Linux the process gets SIGSEGV (11) with the code SEGV_ACCERR: there is an area, but' \
	'it does not allow this (bad_area_access_error).' \
	'Here nothing runs that could get a signal, so it stands in status.' \
	'The constant is protected in the same way.'
show 'vasctl 1 poke greeting X'

ask 'Now somebody has put machine code into a buffer, and the program jumps there.' \
	'c3 is the instruction ret.'
show 'vasctl 1 poke buffer hex:c3'
show 'vasctl 1 access x buffer'
say 'The area has no x.' \
	'The processor knows from the bit NX of the entry.' \
	'So whoever can write into the memory of a program can still not run what he wrote.' \
	'The same is true of the stack.'
show 'vasctl 1 walk buffer'
show 'vasctl 1 access x sp'

ask 'What if nothing is there at all?' \
	'This is the null pointer.'
show 'vasctl 1 access r 0'
say 'This is SEGV_MAPERR: no area.' \
	'Nothing can be mapped there by a program: see mmap_min_addr.' \
	'Addresses of the kernel look the same from here (bad_area_nosemaphore).'
show 'vasctl 1 access r 0xffff888000000000'

say 'Rights can be changed: mprotect(2).' \
	'A compiler in a program (JIT) writes code first, and makes it executable then.'
show 'vasctl 1 mmap 0x10000000 4K rw- private,anon'
show 'vasctl 1 poke 0x10000000 hex:b82a000000c3'
show 'vasctl 1 mprotect 0x10000000 4K r-x'
show 'vasctl 1 access x 0x10000000'
show 'vasctl 1 access w 0x10000000'

ask 'Can even text be made writable?' \
	'It is a private mapping of a file, so the file is safe.'
show 'vasctl 1 mprotect main 4K rwx'
show 'vasctl 1 poke main hex:c3'
show 'cmp ../tiny 1/exe && echo the file is as it was'
say 'Yes: debuggers set breakpoints like that.' \
	'The write got a copy of the page (cow-copy).' \
	'Other processes that run this file keep the text as it was.' \
	'Only this area has changed.'
show "head -n 5 1/maps | awk '{ print \$1, \$2, \$6 }'"

ask 'A shared mapping of a file that was opened for reading only: can that become writable?'
printf 'read me\n' >"${work:?}/note"
show 'vasctl 1 mmap 0x20000000 4K r-- shared,rdonly ../note'
show 'vasctl 1 mprotect 0x20000000 4K rw-'
say 'No: EACCES, or one could change the file without having opened it for writing.' \
	'See mprotect(2).'

ask 'Last, an area with no rights at all (PROT_NONE).' \
	'What is it good for?'
show 'vasctl 1 mprotect 0x10000000 4K ---'
show 'vasctl 1 access r 0x10000000'
show 'vasctl 1 walk 0x10000000'
say 'The page is still there, but only for the kernel: the entry has lost US.' \
	'Such a page beside a stack or a buffer catches what runs over.' \
	'With r-- it can be read again, and nothing is lost.'
show 'vasctl 1 mprotect 0x10000000 4K r--; vasctl 1 peek 0x10000000 6'
