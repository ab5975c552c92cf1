#!/bin/sh
# shared-private.sh - one file, mapped shared by two processes and private by a third: who sees whose stores, and when.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
find_programs
start_machine

# text PID ADDRESS: what the process reads there
text() {
	dd "if=$1/mem" bs=4096 skip=$(($2 / 4096)) count=1 status=none | head -n 1 | tr -d '\000'
}

printf 'original contents\n' >"${work:?}/file"
# shellcheck disable=SC2016 # as one would type it
say 'Below, text PID ADDRESS is: dd if=PID/mem bs=4096 skip=$((ADDRESS / 4096)) count=1 | head -n 1'
say 'Three processes map the same file: 1 and 2 shared, 3 private.'
show 'vasctl . spawn; vasctl . spawn; vasctl . spawn'
one=$(vasctl 1 mmap 0 4K rw- shared "$work/file")
two=$(vasctl 2 mmap 0 4K rw- shared "$work/file")
three=$(vasctl 3 mmap 0 4K rw- private "$work/file")
show 'grep -H file 1/maps 2/maps 3/maps'

say 'All read the same frame: the first read fetches it from the disk (major),' \
	'the others find it in the page cache (minor).'
show "text 1 $one; text 2 $two; text 3 $three"
show 'cat 1/faults 2/faults 3/faults'
show 'cat objects'

say 'Process 1 writes. The first write to a clean shared page is noticed, so that the page can be written back.'
put 1 "$one" 'changed  '
show 'tail -n 1 1/faults'
say 'Process 2 sees it at once, and process 3 as well, for it has not written: its page is still that of the file.'
show "text 2 $two; text 3 $three"

say 'The file on the disk may still have the old contents: msync is the promise.'
show "vasctl 1 msync $one 4K sync"
show "cat $work/file"

say 'Process 3 writes, gets a copy, and is on its own from there.'
put 3 "$three" 'MY COPY  '
show 'tail -n 1 3/faults'
show "text 1 $one; text 2 $two; text 3 $three"

say 'Later stores of the others do not reach it, and its own never reach the file.'
put 2 "$two" 'renewed  '
show "text 1 $one; text 2 $two; text 3 $three"

say 'When the last shared mapping is gone, the file has every store, without msync.'
show "vasctl 1 munmap $one 4K; vasctl . kill 2; vasctl . kill 3"
show "cat $work/file"
