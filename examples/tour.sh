#!/bin/sh
# tour.sh - the lecture on virtual memory, on a real program. Installs what is missing and builds vasfs first.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
if [ -z "${VASFS:-}" ]; then
	# shellcheck source-path=SCRIPTDIR source=../tests/setup.sh
	. "${top:?}/tests/setup.sh"
	install_packages && build_programs "$top/build" || exit 1
fi
find_programs
start_machine

say 'This folder is a simulated machine. It has no process yet.'
show 'ls'

say 'Run a program on it. The answer is the pid; the process is a folder.'
show 'vasctl . exec /bin/ls'
show 'ls 1'

say 'Its address space: text, data and bss of the program, heap, shared libraries, stack.' \
	'These are the addresses that "setarch -R /bin/ls" has on Linux.'
show 'cat 1/maps'

# --- Demand paging ----------------------------------------------------------------------------

start=$(head -n 1 1/maps | cut -d - -f 1)
say 'Areas are promises: almost nothing of them is there yet. What is, exec wrote itself: the stack with the arguments,' \
	'and the zeros where bss begins in the middle of a page. The process has not had a single fault.'
show "grep -E '^Vm(Size|RSS)' 1/status"
show 'cat 1/faults'
say 'Look at the first bytes of the program, where its ELF header should be.'
show "hexdump -C -s 0x$start -n 64 1/mem"
say 'That read was an access by the process. It faulted: the address is legal, reading is legal,' \
	'so the page was read from the file, and the access was tried again.'
show 'cat 1/faults'
say 'The second access hits.'
show "vasctl 1 access r 0x$start"

# --- The walk ---------------------------------------------------------------------------------

address=$((0x$start))
pgd=$(va $((address >> 39 << 39))) pud=$(va $((address >> 30 << 30))) pmd=$(va $((address >> 21 << 21)))
say 'What the fault left behind: the four entries that the hardware walks to find that page.' \
	'The columns: address, level, index, kind, and the entry in the encoding of x86-64.'
show "grep -E '^($pgd PGD|$pud PUD|$pmd PMD|$(va $address) PTE)' 1/pagetable"
say 'The same walk for one address in the page.'
show "vasctl 1 translate $(printf '0x%x' $((address + 0x10)))"

# --- Fork and copy-on-write -------------------------------------------------------------------

heap=$(sed -n 's/^\([0-9a-f]*\)-.*\[heap\]$/0x\1/p' 1/maps)
say "Write something into the heap, at $heap, and fork."
put 1 "$heap" 'written by the parent'
show 'vasctl 1 fork'
say 'Both processes have the page: the same frame (pfn), used twice, and a write would copy (cow).'
show "grep '^$(va "$heap") PTE' 1/pagetable 2/pagetable"
say 'The page table above it is not copied either: two processes use one.'
table=$(va $((heap >> 21 << 21)))
show "grep '^$table PMD' 1/pagetable 2/pagetable"
say 'Now the child writes.'
put 2 "$heap" 'changed by the child!'
say 'That was a copy-on-write fault: the child got a frame of its own, copied from the one they shared.'
show 'tail -n 1 2/faults'
show "grep '^$(va "$heap") PTE' 1/pagetable 2/pagetable"
show "hexdump -C -s $heap -n 32 1/mem"
show "hexdump -C -s $heap -n 32 2/mem"

# --- Files, shared and private ----------------------------------------------------------------

printf 'Dear diary, today I learned nothing.\n' >"${work:?}/diary"
say 'A file of the host, mapped twice: shared, and private.'
show "cat $work/diary"
show "vasctl 1 mmap 0 4K rw- shared $work/diary"
shared=$(cat 1/ctl)
show "vasctl 1 mmap 0 4K rw- private $work/diary"
private=$(cat 1/ctl)
show "grep diary 1/maps"
say 'What the process writes through the private mapping is its own: the file does not change.'
put 1 "$private" 'DEAR DIARY'
show 'vasctl . sync'
show "cat $work/diary"
say 'What it writes through the shared mapping is the file. msync puts it on the disk.'
put 1 "$shared" 'My friends'
show "vasctl 1 msync $shared 4K sync"
show "cat $work/diary"
say 'The private page was copied before, so it has kept what the process wrote there.'
show "hexdump -C -s $private -n 48 1/mem"

say 'That is the tour. vasfs MOUNTPOINT gives you a machine to play with: start with its README.'
