#!/bin/sh
# tlb.sh - how far the TLB reaches, and when it must forget.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"
options=tlb=16x4
start_machine

# rounds PAGES STRIDE: in a new process, access that many pages twice, each STRIDE pages after the
# one before; print the hits of the second round
rounds() {
	pid=$(vasctl . spawn)
	vasctl "$pid" mmap 0x10000000 16M rw- private,anon >/dev/null
	for _ in 1 2; do
		before=$(sed -n 's/^hits //p' "$pid/tlb")
		page=0
		while [ $page -lt "$1" ]; do
			printf 'access w 0x%x\n' $((0x10000000 + page * $2 * 4096))
			page=$((page + 1))
		done | vasctl "$pid" >/dev/null
	done
	echo $(($(sed -n 's/^hits //p' "$pid/tlb") - before))
	vasctl . kill "$pid" >/dev/null
}

say 'A walk through the page tables is four accesses to memory.' \
	'So the processor remembers what it found, in the TLB.' \
	'This one has 16 sets of 4 ways: 64 entries.' \
	'The last four bits of the page number choose the set.'
show 'vasctl . spawn'
show 'vasctl 1 mmap 0x10000000 1M rw- private,anon'
show 'vasctl 1 access w 0x10000000 12K'
ask 'Once more the same three pages.'
show 'vasctl 1 access w 0x10000000 12K'
show 'cat 1/tlb'
say 'Three pages, three misses, three hits.' \
	'Each page has a set of its own.' \
	'w is the right to write, d says that the page is marked as dirty already.'

ask 'A process goes through an array twice, page by page.' \
	'How many of the accesses in the second round hit?' \
	'64 entries of 4 KiB reach 256 KiB.'
printf '\n%8s %10s %6s\n' pages KiB hits
for pages in 16 32 48 64 68 72 80 128; do
	printf '%8d %10d %6d\n' $pages $((pages * 4)) "$(rounds $pages 1)"
done
say 'Up to the reach, all of them.' \
	'With 80 pages none: each set has five pages for four ways, and drops the one that was' \
	'used longest ago, which is the one needed next.' \
	'In between, some sets have five pages, and others four.'

ask 'Now only 16 pages, but at a distance.' \
	'There is room for 64. Do they all hit?'
printf '\n%8s %10s %6s\n' distance sets hits
for stride in 1 2 4 8 16; do
	sets=$((16 / stride))
	printf '%8d %10d %6d\n' $stride $sets "$(rounds 16 $stride)"
done
say 'Pages at a distance of 16 all fall into one set.' \
	'The other sets are empty and do not help.' \
	'A column of a matrix whose rows are 64 KiB long is such a pattern.' \
	'Remedies are a longer row, more ways, or larger pages: with 2 MiB the 64 entries reach' \
	'128 MiB.'

ask 'A TLB is a copy of the page table, and nobody keeps it up to date.' \
	'What if the right to write is taken away?'
show 'vasctl 1 mprotect 0x10000000 4K r--'
show 'cat 1/tlb'
show 'vasctl 1 access w 0x10000000'
say 'The kernel must flush the entry before mprotect returns (flush_tlb_range), or the process' \
	'could go on writing.' \
	'On a machine with many processors it must ask all that run this process: TLB shootdown.'

ask 'Which entries must go at a fork?'
show 'vasctl 1 access r 0x10000000 12K'
show 'vasctl 1 fork'
show 'cat 1/tlb'
show 'vasctl 1 access w 0x10001000'
say 'The parent must not write any more without a fault.' \
	'So its entries with w go (flush_tlb_mm in dup_mmap).' \
	'The child starts with an empty TLB of its own.'
