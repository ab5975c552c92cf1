#!/bin/sh
# sigbus.sh - a legal access to a mapped file that cannot be done.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lesson "$@"
start_machine

awk 'BEGIN { for (i = 0; i < 5000; i++) printf "x" }' >"${work:?}/file"
say 'A file has 5000 bytes: one page, and 904 bytes of a second.' \
	'A process maps three pages of it.' \
	'mmap does not complain.'
show 'wc -c ../file'
show 'vasctl . spawn'
show 'vasctl 1 mmap 0x10000000 12K rw- shared ../file'

ask 'What is behind the end of the file, in the second page?' \
	'The file ends at 0x10001388.'
show 'vasctl 1 peek 0x10001380 32'
say 'Zeros. A page is brought in as a whole, and what the file does not have is zero.' \
	'One can even write there. What comes of it?'
show "vasctl 1 poke 0x10001388 'lost words'"
show 'vasctl 1 msync 0x10000000 12K sync'
show 'wc -c ../file'
say 'It never gets into the file: a mapping cannot make a file longer.' \
	'See mmap(2), under NOTES.'

ask 'The third page has no byte of the file at all.' \
	'The area is there and has r. Is it zeros again?'
show 'vasctl 1 access r 0x10002000'
show 'tail -n 1 1/faults; tail -n 1 1/status'
say 'SIGBUS (7), BUS_ADRERR: the address and the access are legal, but there is nothing that' \
	'could be brought in (filemap_fault).' \
	'SIGSEGV would say that the program has no business there.'

ask 'The file was long enough when it was mapped.' \
	'Then somebody cuts it.' \
	'The process has used its second page before.'
show 'truncate -s 100 ../file'
show 'vasctl 1 msync 0x10000000 4K invalidate'
show 'vasctl 1 access r 0x10001000'
say 'The page was taken away from the process (unmap_mapping_range).' \
	'So a program that maps files of others must be ready for SIGBUS at any access.' \
	'That is the price of not calling read(2), which would just return less.' \
	'On Linux this happens within truncate. A machine of vasfs learns of what others do when' \
	'it looks at the file: within a second, or at once by msync with invalidate.'

ask 'The file grows again.'
show 'truncate -s 12K ../file'
show 'vasctl 1 msync 0x10000000 4K invalidate'
show 'vasctl 1 access r 0x10002000'
say 'There is something to bring in, so the access goes well.' \
	'What stood there is gone.'
show 'vasctl 1 peek 0x10001380 16'

ask 'Does a private mapping protect from that? It has a copy of its own.'
show 'vasctl 1 mmap 0x20000000 8K rw- private ../file'
show "vasctl 1 poke 0x20001000 'my copy'"
show 'truncate -s 100 ../file'
show 'vasctl 1 msync 0x20000000 8K invalidate'
show 'vasctl 1 peek 0x20001000 8'
say 'No: what lies beyond the end goes, private copies too.' \
	'Only anonymous memory is safe.' \
	'So a loader of programs that may be replaced must copy them, or keep others from writing' \
	'(ETXTBSY).'
