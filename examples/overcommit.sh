#!/bin/sh
# overcommit.sh - more memory is promised than there is, and what happens when all is wanted.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"
options=ram=256K,swapsize=128K
start_machine

say 'This machine has 64 frames (256 KiB) and a swap file of 128 KiB: 384 KiB.' \
	'mmap promises memory, and takes none.' \
	'So how much may be promised?'
show 'cat sys/vm/overcommit_memory'
show "grep -E '^(Mem|Swap)Total|^Commit' meminfo"
show 'vasctl . spawn'

ask 'Mode 0 is the usual one.' \
	'A process asks for 1 MiB, then for 300 KiB, and again for 300 KiB.'
show 'vasctl 1 mmap 0 1M rw- private,anon'
show 'vasctl 1 mmap 0x10000000 300K rw- private,anon'
show 'vasctl 1 mmap 0x20000000 300K rw- private,anon'
say 'Only a request that could not be kept even in an empty machine is refused.' \
	'All others are granted, whatever was promised before (__vm_enough_memory).' \
	'Committed_AS is the sum of the promises, with the stack of 132 KiB.'
show 'grep Commit meminfo'

ask 'Mode 2 keeps the sum below a limit: swap, and a share of RAM.'
show 'echo 2 > sys/vm/overcommit_memory; echo 80 > sys/vm/overcommit_ratio'
show 'grep Commit meminfo'
show 'vasctl 1 mmap 0 16K rw- private,anon'
show 'vasctl 1 munmap 0x20000000 300K; vasctl 1 munmap 0x10000000 300K'
show 'vasctl 1 mmap 0x10000000 160K rw- private,anon'
say 'Whoever gets a promise in mode 2 can rely on it.' \
	'The price: a large process cannot fork, although the child would touch little.'
show 'vasctl 1 fork'

ask 'Mode 1 refuses nothing.' \
	'A sparse array of 1 TiB is fine, if only little of it is used.'
show 'echo 1 > sys/vm/overcommit_memory'
show 'vasctl 1 mmap 0x100000000 1T rw- private,anon'
show 'vasctl 1 access w 0x180000000'
show "grep -E '^Vm(Size|RSS)' 1/status"

say 'Then the day comes when the promises are to be kept.' \
	'Three processes write to their memory.' \
	'96 pages fit into RAM and swap: 384 KiB.'
show 'vasctl . spawn; vasctl . spawn'
for pid in 1 2 3; do
	vasctl $pid mmap 0x40000000 256K rw- private,anon >/dev/null
done
show 'vasctl 1 access w 0x40000000 80K | tail -n 1'
show 'vasctl 2 access w 0x40000000 200K | tail -n 1'
ask 'The third wants 40 pages, 160 KiB.'
show 'vasctl 3 access w 0x40000000 160K | tail -n 1'
show 'grep -E "^(MemFree|SwapFree)" meminfo'
say 'Out of memory.' \
	'No call has failed: the process stored to memory that it had been given.' \
	'This machine lets the access fail, because one can look at it then.'

ask 'Linux kills a process to keep the others going (out_of_memory).' \
	'Which one? Here are the pages of each, in memory and in swap.'
show 'grep -H -E "^Vm(RSS|Swap)" [123]/status'
show 'echo kill > sys/vm/oom'
show 'vasctl 3 access w 0x40000000 160K | tail -n 1'
show 'ls -d [123]'
say 'Process 2 had the most, so its end frees the most (oom_badness).' \
	'It was not the one that asked.' \
	'Process 3 has its memory now.' \
	'On Linux one can make a process more or less likely: /proc/PID/oom_score_adj.'
show "grep -E '^(MemFree|SwapFree)' meminfo"
show 'grep oom vmstat'
