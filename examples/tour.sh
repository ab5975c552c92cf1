#!/bin/sh
# tour.sh - the lecture on virtual memory, on a real program.
# In the source it first installs the packages that are missing and builds vasfs and vasctl.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
if [ -z "${VASFS:-}" ] && [ -e "${top:?}/tests/setup.sh" ]; then
	# shellcheck source-path=SCRIPTDIR source=../tests/setup.sh
	. "$top/tests/setup.sh"
	install_packages && build_programs "$top/build" || exit 1
fi
find_programs
start_machine

say 'This folder is a simulated machine. It has no process yet.'
show 'ls'

say 'Load a program into it. The answer is the pid of a process. The process is a' \
	'folder.'
show 'vasctl . exec /bin/ls'
show 'ls 1'

say 'This is its address space: text, data and bss of the program, the heap, shared' \
	'libraries, the stack. "setarch -R /bin/ls" has the same addresses on Linux.'
show 'cat 1/maps'

# --- Demand paging ----------------------------------------------------------------------------

start=$(head -n 1 1/maps | cut -d - -f 1)
say 'Areas are promises. Almost nothing of them is in memory yet, only what exec' \
	'itself wrote: the arguments on the stack, and zeros where bss begins in the' \
	'middle of a page. The process has not had a single fault.'
show "grep -E '^Vm(Size|RSS)' 1/status"
show 'cat 1/faults'
say 'Look at the first bytes of the program. Its ELF header should be there.'
show "hexdump -C -s 0x$start -n 64 1/mem"
say 'That read was an access by the process, and it faulted. The address is legal,' \
	'and reading is legal. So the page was read from the file, and the access was' \
	'tried again.'
show 'cat 1/faults'
say 'A second access finds the page in memory: a hit.'
show "vasctl 1 access r 0x$start"

# --- The walk ---------------------------------------------------------------------------------

address=$((0x$start))
pgd=$(va $((address >> 39 << 39)))
pud=$(va $((address >> 30 << 30)))
pmd=$(va $((address >> 21 << 21)))
say 'The fault left four page-table entries behind. The hardware walks them to find' \
	'the page. The columns are address, level, index, kind, and the entry in the' \
	'encoding of x86-64.'
show "grep -E '^($pgd PGD|$pud PUD|$pmd PMD|$(va $address) PTE)' 1/pagetable"
say 'This is the same walk for one address in the page.'
show "vasctl 1 translate $(printf '0x%x' $((address + 0x10)))"

# --- Fork and copy-on-write -------------------------------------------------------------------

heap=$(sed -n 's/^\([0-9a-f]*\)-.*\[heap\]$/0x\1/p' 1/maps)
say "Write something into the heap, at $heap, and fork."
put 1 "$heap" 'written by the parent'
show 'vasctl 1 fork'
say 'Both processes have the page. It is one frame (pfn) with two users, and a' \
	'write would copy it (cow).'
show "grep '^$(va "$heap") PTE' 1/pagetable 2/pagetable"
say 'The page tables below the top one are not copied either. Both processes use' \
	'the same ones. So fork took the right to write (RW) away in the top entries' \
	'only.'
table=$(va $((heap >> 39 << 39)))
show "grep '^$table PGD' 1/pagetable 2/pagetable"
say 'Now the child writes.'
put 2 "$heap" 'changed by the child!'
say 'That was a copy-on-write fault. The child got a frame of its own (frame=), a' \
	'copy of the one they shared (from=). It also got its own copies of the three' \
	'page tables on the way (tables=).'
show 'tail -n 1 2/faults'
show "grep '^$(va "$heap") PTE' 1/pagetable 2/pagetable"
show "hexdump -C -s $heap -n 32 1/mem"
show "hexdump -C -s $heap -n 32 2/mem"

# --- Files, shared and private ----------------------------------------------------------------

printf 'Dear diary, today I learned nothing.\n' >"${work:?}/diary"
say 'Map a file of the host twice: once shared, once private.'
show "cat $work/diary"
show "vasctl 1 mmap 0 4K rw- shared $work/diary"
shared=$(cat 1/ctl)
show "vasctl 1 mmap 0 4K rw- private $work/diary"
private=$(cat 1/ctl)
show "grep diary 1/maps"
say 'What the process writes through the private mapping is its own. The file does' \
	'not change.'
put 1 "$private" 'DEAR DIARY'
show 'vasctl . sync'
show "cat $work/diary"
say 'What it writes through the shared mapping changes the file. msync writes it to' \
	'the disk.'
put 1 "$shared" 'My friends'
show "vasctl 1 msync $shared 4K sync"
show "cat $work/diary"
say 'The private page was copied before that. It has kept what the process wrote' \
	'there, and does not see the change.'
show "hexdump -C -s $private -n 48 1/mem"

say 'That is the tour. "vasfs MOUNTPOINT" gives you a machine to play with. Start' \
	'with the README in it.'
