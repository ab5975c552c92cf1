#!/bin/sh
# shared-private.sh - two processes map a file shared, a third maps it private: who sees whose
# stores, and when.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"
start_machine

# read_all: what each of the three reads
read_all() {
	show "for p in 1 2 3; do vasctl \$p peek $page 16; done"
}

printf 'original contents\n' >"${work:?}/file"
say 'Three processes map the same file: 1 and 2 shared, 3 private.'
show 'vasctl . spawn; vasctl . spawn; vasctl . spawn'
page=0x10000000
show "for p in 1 2; do vasctl \$p mmap $page 4K rw- shared ../file; done"
show "vasctl 3 mmap $page 4K rw- private ../file"
show "grep -h file [123]/maps | awk '{ print \$1, \$2, \$6 }'"

say 'All three read the same frame. The first read fetches it from the disk' \
	'(major). The others find it in the page cache (minor).'
read_all
show 'cat 1/faults 2/faults 3/faults'
show 'cat objects'

say 'Process 1 writes: write-notify. The first write to a clean shared page is a fault, so that' \
	'the machine knows that this page must be written back to the file.'
put 1 $page 'changed  '
say 'Process 2 sees the change at once. So does process 3: it has not written yet,' \
	'so its page is still the one of the file.'
read_all

say 'The file on the disk may still have the old contents. After msync it has the' \
	'new ones.'
show "vasctl 1 msync $page 4K sync"
show "cat ../file"

say 'Process 3 writes, and gets a copy of the page for itself.'
put 3 $page 'MY COPY  '
read_all

say 'What the others write from now on does not reach it. What it writes never' \
	'reaches the file.'
put 2 $page 'renewed  '
read_all

say 'When the last shared mapping is gone, the file has all that was written' \
	'through shared mappings, without msync.'
put 1 $page 'the end  '
show "vasctl 1 munmap $page 4K; vasctl . kill 2; vasctl . kill 3"
show "cat ../file"
