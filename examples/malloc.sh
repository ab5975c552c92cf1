#!/bin/sh
# malloc.sh - what malloc and free do to a process: much is asked for, little is touched.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"
start_machine

# memory: how much is promised, and how much is there
memory() {
	show "grep -E '^Vm(Size|RSS|Data)' 1/status"
}

say 'malloc(3) is a function of the C library.' \
	'It gets memory from the kernel in two ways: small pieces from the heap, which brk(2)' \
	'makes longer, and pieces from 128 KiB on by mmap(2).' \
	'Here we do what it does.'
show 'vasctl . spawn'
show 'vasctl 1 brk 0'

ask 'malloc(100) of a new process: the heap grows by 132 KiB, not by 100 bytes.' \
	'So the next calls need no system call.' \
	'How much memory does it take?'
heap=$(vasctl 1 brk 0)
show 'vasctl 1 sbrk 132K'
show "awk '/heap/ { print \$1, \$2, \$6 }' 1/maps"
memory
say 'None: the heap is a promise.' \
	'malloc writes the size of the piece in front of it (112, and a bit), and that is the first' \
	'touch.'
show "vasctl 1 poke $(plus "$heap" 8) u64:113"
memory
say 'One page of zeros: demand-zero (do_anonymous_page).' \
	'The other 32 pages of the heap take nothing.'

ask 'Now p = malloc(1 GiB).' \
	'The machine has 256 MiB, and 512 MiB of swap.'
show "grep -E '^(MemTotal|SwapTotal)' meminfo"
show 'vasctl 1 mmap 0 1G rw- private,anon'
say 'That is more than RAM and swap together, and malloc returns NULL.' \
	'See overcommit.sh.' \
	'With 512 MiB it works, in no time.'
show 'vasctl 1 mmap 0x40000000 512M rw- private,anon'
memory

ask 'The program stores one byte to every 64th of the 131072 pages.' \
	'A program does that with a hash table that is too large.'
show 'i=0; while [ $i -lt 2048 ]; do
    echo access w $((0x40000000 + i * 64 * 4096)); i=$((i + 1))
  done | vasctl 1 | tail -n 1'
show "grep -E '^Vm(Size|RSS|PTE)' 1/status"
say 'VmSize is what was asked for, VmRSS what is there.' \
	'A page that was never touched costs nothing but its place in the page tables (VmPTE), and' \
	'often not even that.' \
	'So top shows both: VIRT and RES.'

ask 'And reading what was never written?'
show 'vasctl 1 access r 0x40001000'
memory
say 'All such reads find the same frame, the zero page.' \
	'So calloc(3) does not clear memory that comes fresh from mmap: it is zero.'

ask 'free(p): what was mapped goes back at once.' \
	'A piece of the heap goes to a list of malloc, and stays with the process.'
show 'vasctl 1 munmap 0x40000000 512M'
memory
show "vasctl 1 access w $heap 128K | tail -n 1"
memory
say 'A heap can only be cut at its upper end.' \
	'One small piece up there that is in use keeps all that lies below, however much of it is' \
	'free.' \
	'If the end is free, malloc cuts it (M_TRIM_THRESHOLD in mallopt(3)).'
show 'vasctl 1 sbrk -64K'
memory
say 'Inside the heap, malloc_trim(3) gives back whole pages with madvise: see madvise.sh.'
show "vasctl 1 madvise $heap 32K dontneed"
memory
