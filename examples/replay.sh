#!/bin/sh
# replay.sh - a real program's trace through the whole machine: hits and faults, how much memory is
# enough, and where LRU beats CLOCK and where it does not. The trace is that of `ls` in an empty
# folder, recorded by valgrind; where valgrind is installed, the last step records one afresh.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"
cp "$examples/ls.lackey.xz" "${work:?}" || exit 1

say 'valgrind --tool=lackey --trace-mem=yes prints what a program does with memory, a line a' \
	'reference: I fetches an instruction, L loads, S stores, M does both. Then come the' \
	'address and the number of bytes. This was ls in an empty folder:'
cd "$work" || exit 1
show 'xzcat ls.lackey.xz | sed -n 6,12p'
show "xzcat ls.lackey.xz | grep -c '^[I ]'"

ask 'Half a million references. How many pages are they in? ls itself has 150 KB, the C' \
	'library 2 MB.'
show "xzcat ls.lackey.xz | awk '/^[I ]/ { p[substr(\$2, 1, index(\$2, \",\") - 4)] }
      END { print length(p) }'"

say 'So 227 frames would be enough for ever. This machine has 64, a quarter of a megabyte.' \
	'A process replays the trace: what is written to its file replay is done by it,' \
	'reference by reference, with areas, page tables, TLB, swap.'
options=ram=256K,policy=lru,swapsize=2M
start_machine
show 'vasctl . spawn'
show "xzcat $work/ls.lackey.xz > 1/replay; cat 1/replay"
ask 'Each of the 227 pages had to come once. How many faults were there because 64 frames' \
	'are fewer than 227, and how often did memory serve at once?'
show "awk '{ n[\$1] = \$2 } END {
      faults = n[\"minor\"] + n[\"major\"]
      print faults, \"faults,\", faults - 227, \"of them for want of memory\"
      print 100 * n[\"hits\"] / n[\"pages\"] \" of 100 are hits\" }' 1/replay"
say 'That is locality: a program is busy with a few pages at a time. All the files of the' \
	'process show what the trace has left, for example the next pages to go:'
show 'head -n 4 queue'
stop_machine

cd "$work" || exit 1
say 'Without a mount the same engine makes the whole table. OPT knows the future: it throws' \
	'out what is needed again last. Nothing can have fewer faults.'
show 'vasfs-replay --policy opt,lru,clock,clock0,fifo --frames 4-256 ls.lackey.xz'
