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
	'are fewer than 227, and how often was a page there already?'
show "awk '{ n[\$1] = \$2 } END {
      faults = n[\"faults_minor\"] + n[\"faults_major\"]
      print faults, \"faults,\", faults - 227, \"of them for want of memory\"
      print 100 * n[\"hits\"] / n[\"pages_touched\"] \" of 100 are hits\" }' 1/replay"
say 'That is locality: a program is busy with a few pages at a time. The TLB, which has 64' \
	'entries here, lives on it, too.' \
	'The other files of the machine show what the trace has left, for example which pages' \
	'would go next:'
show 'head -n 4 queue'
stop_machine

cd "$work" || exit 1
say 'Without a mount the same engine makes the whole table, from 4 to 256 frames. OPT knows' \
	'the future: it throws out what is needed again last. Nothing can have fewer faults.'
show 'vasfs-replay -p opt,lru,clock,clock0,sieve,fifo -n 4-256 ls.lackey.xz |
      head -n 8'

ask 'How much memory should ls have? Look for the knee: the size up to which more memory saves' \
	'much, and from which on it saves little. Where is it, in the row of lru?'
sizes=4,8,12,16,20,24,28,32,36,40,48,56,64,96,128
show "vasfs-replay --curve -p lru -o csv \\
      -n $sizes ls.lackey.xz |
      awk -F , '\$2 == \"lru\" && (\$3 % 4 == 0 && \$3 <= 40 || \$3 % 32 == 0) {
          printf \"%4d frames %6d faults  \", \$3, \$6
          for (n = \$6; n > 0; n -= 800) printf \"#\"; print \"\" }'"
say 'At about 32 frames. With half of it, ls has four times the faults; with twice as much, it saves' \
	'1559 of 474476 accesses. That is its working set, 128 KiB of the 908 that it touches.' \
	'--curve counts every size in one pass, since what LRU keeps in N frames it also keeps in' \
	'N + 1. So its curve never rises.'

ask 'In this table LRU beats CLOCK at each size. CLOCK is an approximation, and needs much less' \
	'work at each access. Does LRU always win? Look between 16 and 32 frames.'
show 'vasfs-replay -p opt,lru,clock,clock0,sieve,s3fifo \
      -n 18,20,22,24,25,26,28,30 ls.lackey.xz | head -n 8'
say 'Here it does not. With 24 to 28 frames clock0, the clock whose bit is clear at load, has' \
	'fewer faults than LRU, and SIEVE and S3-FIFO have far fewer. The loader goes through' \
	'tables of symbols again and again, and they do not fit: in a loop the page that was not' \
	'used for the longest time is the one that comes next. LRU throws out just that one.' \
	'The others let new pages go soon, and so keep a part of the loop.'

say 'The smallest such loop: five pages, four frames. MRU is made for it.'
show 'for i in 1 2 3 4 5 6 7 8; do echo 1 2 3 4 5; done |
      vasfs-replay -p opt,mru,lru,clock,clock0,sieve -n 3,4,5 - | head -n 8'
say 'And with 64 frames, in the big table? There LRU is the best of all that do not know the' \
	'future: the loops fit, and what was used last is what will be used next. No policy is' \
	'best for all programs and sizes. docs/replacement.md has the rules of each of them.'

say 'Now a trace of your own. This records ls afresh, straight into a machine:'
if command -v valgrind >/dev/null; then
	record="valgrind --tool=lackey --trace-mem=yes --log-fd=9 ls / \\
      9>1/replay >/dev/null"
else
	say 'valgrind is not installed here, so it is the recorded trace again.'
	record="xzcat $work/ls.lackey.xz >1/replay"
fi
options=ram=256K,policy=lru,swapsize=16M
start_machine
vasctl . spawn >/dev/null
show "$record; cat 1/replay"
stop_machine
