#!/bin/sh
# belady.sh - page replacement on the reference strings of the textbooks. FIFO may have more faults
# with more memory.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"
start=0x10000000 # of the pages

# count POLICY FRAMES PAGE...: write to the pages in turn; print how often one was not in memory
count() {
	policy=$1 frames=$2
	shift 2
	options=ram=$((frames * 4))K,policy=$policy
	start_machine
	vasctl . spawn >/dev/null
	vasctl 1 mmap $start 32K rw- private,anon >/dev/null
	for page in "$@"; do
		printf 'access w 0x%x\n' $((start + page * 4096))
	done | vasctl 1 | grep -Ec ' (demand-zero|swap-in|swap-cache) '
	stop_machine
}

# table PAGE...: print the faults by policy and number of frames
table() {
	printf '\n%-8s' frames
	printf '%6d' 3 4 5
	printf '\n'
	for policy in fifo lru clock; do
		printf '%-8s' $policy
		for frames in 3 4 5; do
			printf '%6d' "$(count $policy $frames "$@")"
		done
		printf '\n'
	done
}

say 'This machine has three frames. A process writes to its pages in this order:' \
	'    1 2 3 4 1 2 5 1 2 3 4 5' \
	'Each line shows one access. The first three accesses take free frames. Then a' \
	'page has to go (evicted=) before another can come in. A page that went to swap' \
	'comes back as a swap-in.'
options=ram=12K,policy=fifo
start_machine
printf '\n'
vasctl . spawn >/dev/null
vasctl 1 mmap $start 32K rw- private,anon >/dev/null
for page in 1 2 3 4 1 2 5 1 2 3 4 5; do
	printf '%d  ' $page
	vasctl 1 access w $((start + page * 4096)) | sed 's/^0*//; s/ area=[^ ]*//; s/ tlb=.*//'
done
stop_machine

say 'The same accesses on other machines, and the number of faults.' \
	"FIFO has more faults with four frames than with three. This is Belady's anomaly. LRU cannot" \
	'have it: all that it keeps in three frames it also keeps in four.'
table 1 2 3 4 1 2 5 1 2 3 4 5

say 'Another order:' \
	'    7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1' \
	'CLOCK lies between the two. It is FIFO that gives a second chance to pages' \
	'that were used.'
table 7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1
