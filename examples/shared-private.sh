#!/bin/sh
# shared-private.sh - two processes map a file shared, a third maps it private: who sees whose
# stores, and when.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
find_programs
start_machine

printf 'original contents\n' >"${work:?}/file"
say 'Three processes map the same file: 1 and 2 shared, 3 private.'
show 'vasctl . spawn; vasctl . spawn; vasctl . spawn'
one=$(vasctl 1 mmap 0 4K rw- shared "$work/file")
two=$(vasctl 2 mmap 0 4K rw- shared "$work/file")
three=$(vasctl 3 mmap 0 4K rw- private "$work/file")
show 'grep -H file 1/maps 2/maps 3/maps'

say 'All three read the same frame. The first read fetches it from the disk' \
	'(major). The others find it in the page cache (minor).'
show "vasctl 1 peek $one 16; vasctl 2 peek $two 16; vasctl 3 peek $three 16"
show 'cat 1/faults 2/faults 3/faults'
show 'cat objects'

say 'Process 1 writes. The first write to a clean shared page is a fault, so that' \
	'the machine knows that this page must be written back to the file.'
put 1 "$one" 'changed  '
show 'tail -n 1 1/faults'
say 'Process 2 sees the change at once. So does process 3: it has not written yet,' \
	'so its page is still the one of the file.'
show "vasctl 2 peek $two 16; vasctl 3 peek $three 16"

say 'The file on the disk may still have the old contents. After msync it has the' \
	'new ones.'
show "vasctl 1 msync $one 4K sync"
show "cat $work/file"

say 'Process 3 writes, and gets a copy of the page for itself.'
put 3 "$three" 'MY COPY  '
show 'tail -n 1 3/faults'
show "vasctl 1 peek $one 16; vasctl 2 peek $two 16; vasctl 3 peek $three 16"

say 'What the others write from now on does not reach it. What it writes never' \
	'reaches the file.'
put 2 "$two" 'renewed  '
show "vasctl 1 peek $one 16; vasctl 2 peek $two 16; vasctl 3 peek $three 16"

say 'When the last shared mapping is gone, the file has all that was written' \
	'through shared mappings, without msync.'
show "vasctl 1 munmap $one 4K; vasctl . kill 2; vasctl . kill 3"
show "cat $work/file"
