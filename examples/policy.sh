#!/bin/sh
# policy.sh - a page replacement policy of one's own: twelve lines of C, built into a copy of vasfs
# and compared with the others. Without a source tree it only shows how.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"

can_build=yes
for tool in meson ninja cc; do
	command -v $tool >/dev/null || can_build=
done
[ -f "$top/vm/policy/policy.c" ] || can_build=

# build_step COMMAND: show it, and run it if there is something to build
build_step() {
	if [ -n "$can_build" ]; then
		show "$1"
	else
		printf '\n%s\n' "$command\$ $1$plain"
	fi
}

# count POLICY PAGE...: how often a page was not in memory, in a machine with four frames
count() {
	options=ram=16K,policy=$1
	shift
	start_machine
	vasctl . spawn >/dev/null
	for page in "$@"; do
		printf 'access w 0x%x\n' $((0x10000000 + page * 4096))
	done | {
		echo mmap 0x10000000 24K rw- private,anon
		cat
	} | vasctl 1 | grep -Ec ' (demand-zero|swap-in|swap-cache) '
	stop_machine
}

# table PAGE...: the faults of each policy
table() {
	printf '\n%-8s %6s\n' policy faults
	for policy in $policies; do
		printf '%-8s %6d\n' "$policy" "$(count "$policy" "$@")"
	done
}

cd "${work:?}" || exit 1
cat >mine.c <<'C'
/* mine.c - evict the page that was used last. */
#include "vm/memory/frame.h"
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

static vm_pfn choose(struct vm_machine *machine)
{
	vm_pfn pfn = machine->newest;

	while (pfn != VM_PFN_NONE && !evictable_locked(machine, pfn))
		pfn = machine->order[pfn].older;
	return pfn;
}

const struct vm_policy policy_mine = {
	.name = "mine",
	.about = "the page that was used last",
	.used = frame_renew_locked,
	.choose = choose,
};
C
policies='lru fifo clock'
loop='0 1 2 3 4 0 1 2 3 4 0 1 2 3 4 0 1 2 3 4'

say 'A program goes through five pages, again and again.' \
	'The machine has four frames.' \
	'So each round could do with one fault or two.' \
	'How many are there in four rounds, 20 accesses?'
# shellcheck disable=SC2086 # a list of words
table $loop
say 'Each access is a fault.' \
	'LRU throws out the page that was not used for the longest time.' \
	'In a loop this is the page that comes next.'

ask 'In a loop one should throw out the page that was used last: it comes back last.' \
	'This is called MRU.' \
	'How much must one write for that?'
show 'cat mine.c'
say 'A policy is a table of functions: see vm/policy/policy.h.' \
	'The engine keeps the pages in a list, from the oldest to the newest.' \
	'used is called at each access. frame_renew_locked moves the page to the newest end, as in' \
	'LRU.' \
	'choose is called when no frame is free. It looks from the newest end for a page that may' \
	'go: not locked, not just being read.'

say 'Put the file into a copy of the source tree, and its name into three others.'
if [ -n "$can_build" ]; then
	mkdir tree
	for part in completion docs examples fs meson.build replay system tests trace util vm; do
		cp -R "$top/$part" tree
	done
	cd tree || exit 1
fi
build_step 'cp ../mine.c vm/policy'
build_step "sed -i \"/policy.lru.c/a 'policy/mine.c',\" vm/meson.build"
build_step "sed -i 's/policy_lru/&, policy_mine/' vm/policy/policy.h"
build_step "sed -i 's/&policy_lru/&, \\&policy_mine/' vm/policy/policy.c"
say 'Build it. This takes some seconds.'
build_step 'meson setup build -Doptimization=0 -Ddebug=false > log'
build_step 'ninja -C build --quiet fs/vasfs fs/vasctl'
if [ -z "$can_build" ]; then
	say 'There is no source tree here, or no meson, ninja or C compiler.' \
		'So nothing was built.' \
		'The policy mine would have 8 faults in the loop.' \
		'Run this example in a source tree to see it.'
	exit 0
fi
PATH=$work/tree/build/fs:$PATH

say 'It is one of the policies now.' \
	'One can also choose it while the machine runs.'
options=
start_machine
show 'cat sys/vm/policies'
show 'echo mine > sys/vm/policy; cat sys/vm/policy'
stop_machine

ask 'The same loop, with all four.'
policies="$policies mine"
# shellcheck disable=SC2086
table $loop
say 'Five pages must come in once. Of the rest, most are hits.'

ask 'Is it better then?' \
	'Another program uses four pages, and then two others, again and again.'
table 0 1 2 3 4 5 4 5 4 5 4 5 4 5 4 5 4 5 4 5
say 'It is much worse: it keeps old pages that nobody needs, and throws out those in use.' \
	'No policy is best for all programs.' \
	'The best one knows what comes next, and only theory has that (Belady).' \
	'Linux starts from LRU, with two lists, so that a long loop does not throw out what is used' \
	'often: see mm/workingset.c.'
