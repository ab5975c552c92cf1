#!/bin/sh
# thrash.sh - the same work on machines with less and less memory: first few faults, then a few
# more, then almost nothing but faults.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"

pages=64      # the pages of the process
accesses=1000 # how often it writes to one of them
hot=16        # its working set: 19 in 20 accesses go to these pages

# work START: print the accesses, as commands. Every 20th goes to the next page of the others, in
# turn. The rest jump about in the working set. The numbers are random enough, and the same with
# every awk.
work() {
	awk -v start="$(($1))" -v pages=$pages -v accesses=$accesses -v hot=$hot 'BEGIN {
		for (i = 0; i < accesses; i++) {
			if (i % 20 == 19)
				page = hot + int(i / 20) % (pages - hot)
			else
				page = int(number / 65536 * hot)
			number = (number * 1229 + 1) % 65536
			printf "access w %.0f\n", start + page * 4096
		}
	}'
}

# machine POLICY FRAMES: do the work there; print its faults and the pages read from swap
machine() {
	options=ram=$(($2 * 4))K,policy=$1,swapsize=1M
	start_machine
	vasctl . spawn >/dev/null
	work "$(vasctl 1 mmap 0 $((pages * 4096)) rw- private,anon,noreserve)" |
		vasctl 1 | grep -Evc ' hit '
	sed -n 's/^pswpin //p' vmstat
	stop_machine
}

say "A process has $pages pages and writes $accesses times." \
	"19 in 20 writes go to the same $hot pages, its working set." \
	"The others go to the other $((pages - hot)) pages, to one after the other." \
	'The rate is the share of writes whose page was not in memory.'
for policy in lru fifo; do
	[ $policy = lru ] || ask 'Does FIFO keep the working set as well as LRU?'
	printf '\n%s\n%8s %8s %8s %6s\n' "policy $policy" frames faults swap-ins rate
	for frames in 64 48 32 24 20 16 12 8 4 2 1; do
		machine $policy $frames | {
			read -r faults
			read -r swap_ins
			rate=$((faults * 100 / accesses))
			printf '%8d %8d %8d %5d%% ' $frames "$faults" "$swap_ins" $rate
			awk -v rate=$rate 'BEGIN {
				for (i = 0; i < rate; i += 2.5)
					printf "#"
				print ""
			}'
		}
	done
done

say "With room for all $pages pages, each page faults once, when it is first used." \
	'Memory can be taken away at little cost until just the working set fits. LRU' \
	'knows what was used last and keeps that set better than FIFO. With less memory' \
	'than that, each page that comes in pushes out one that is needed soon. In the' \
	'end nearly every access waits for the disk: the machine is thrashing.'
