#!/bin/sh
# run.sh - real programs on these page tables: a copy by mmap, fork and copy-on-write by two
# processes, an array that does not fit into memory, and a handler that repairs faults.
. "$(dirname "$0")/lib.sh"
lesson "$@"

# compile NAME: the program $work/NAME from run/NAME.c
compile() {
	cp "$examples/run/$1.c" "$work" && cc -O1 -static -o "$work/$1" "$work/$1.c" || exit 1
}
for name in mmapcopy cow matrix grow; do
	compile $name
done
options=ram=1M,swapsize=16M,fork=copy
start_machine
if ! vasctl . run /bin/true 2>"$work/why"; then
	cat "$work/why"
	exit 0
fi

say 'This program maps a file and writes the mapping to standard output:'
show "cat $work/mmapcopy.c"

say 'It is compiled for this very computer. A virtual CPU runs it; its memory is what' \
	'the machine here has: a MiB. What it writes comes out here.'
seq 1 4000 >"$work/numbers"
show "vasctl . run $work/mmapcopy $work/numbers | tail -n 2"

say 'Started by a command to the machine it runs by itself, and stays until somebody' \
	'has read how it ended. Each page of the file was a fault of the write.'
echo "run $work/mmapcopy $work/numbers" >ctl
pid=$(cat ctl)
show "cmp $work/numbers $pid/console && echo equal"
show "grep ' 000000001' $pid/faults | cut -d ' ' -f 4-7"
show "cat $pid/wait"

say 'Two processes. The parent has written to a page and forked.'
echo "run $work/cow" >ctl
pid=$(cat ctl)
child=$((pid + 1))
show "sed -u 1q $pid/console"
until [ -e "$child/pagetable" ]; do :; done
say 'Parent and child share its frame, and neither may write to it:'
show "grep '^0000000010000000 PTE' */pagetable | sed 's/0.*flags/flags/'"
# While it is open, its standard input does not end.
exec 4>"$pid/console"
say 'Now the child stores. It faults, and gets a copy.'
echo >&4
show "sed -u 1q $pid/console"
show "grep 0000000010000000 $child/faults | cut -d ' ' -f 4-7"
show "grep '^0000000010000000 PTE' */pagetable | sed 's/0.*flags/flags/'"
echo >&4
show "sed -u 1q $pid/console"
show "cat $pid/wait"
exec 4>&-

say 'An array of 2 MiB, which is twice what the machine has. First by row: each page' \
	'is used up before the next one is needed.'
show "vasctl . run $work/matrix row"
show "awk '/^pswpin/ { print int(\$2 / 1000 + 0.5), \"thousand\" }' vmstat"
ask 'What if the same sum is made column by column?'
show "vasctl . run $work/matrix column"
show "awk '/^pswpin/ { print int(\$2 / 1000 + 0.5), \"thousand\" }' vmstat"
say 'Each page is needed eight times, and each time it had to go before. That is' \
	'thrashing: the program spends its time on swap.'

say 'A program may repair its own faults. Its memory is there, but no page of it may' \
	'be accessed. The handler of SIGSEGV gives it one page after the other:'
show "grep -A 7 'static void on_fault' $work/grow.c"
echo "run $work/grow" >ctl
pid=$(cat ctl)
show "sed -u 1q $pid/console"
show "grep ' 00000000100' $pid/faults | cut -d ' ' -f 4-7"
show "cat $pid/wait"
