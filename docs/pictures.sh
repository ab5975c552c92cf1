#!/bin/sh
# pictures.sh - draw the pictures of README.md again: docs/map.svg and docs/pagetable.svg.
#
#     docs/pictures.sh          needs the programs in build/
#
# The machine has a clock of its own, so the same program draws the same bytes. Only the pages of
# the kernel in a process (vdso) depend on the host.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
PATH=$top/build/fs:$PATH
# The name of the folder is in the pictures.
scratch=/tmp/vasfs-pictures
mkdir "$scratch"
clean_up() {
	trap - EXIT
	cd /
	fusermount3 -u "$scratch/m" 2>/dev/null || true
	rm -rf --one-file-system "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$scratch/m"
cp "$top/build/examples/tiny" "$scratch/tiny"
seq 1 9000 >"$scratch/numbers.txt"

vasfs -o ram=1M -o clock=1000000000 "$scratch/m"
cd "$scratch/m"
run() {
	vasctl "$@" >/dev/null
}
run . exec "$scratch/tiny"
# A file, memory of its own, and memory to share; then all of it goes, and some comes back.
run 1 mmap 0x7ffff7f00000 40K r-- private,fixed "$scratch/numbers.txt"
run 1 mmap 0x7ffff7e00000 160K rw- private,anon,fixed
run 1 mmap 0x7ffff7c00000 32K rw- shared,anon,fixed
run 1 access w 0x7ffff7e00000 96K
run . reclaim 1000
run 1 access x main
run 1 access r greeting
run 1 access w counter
run 1 access w buffer
run 1 access r 0x7ffff7f02000 16K
run 1 access w 0x7ffff7e00000 64K
run 1 access r 0x7ffff7e18000 20K
run 1 madvise 0x7ffff7e1f000 4K guard_install
run 1 access w 0x7ffff7c00000 12K
# A child: what was its parent's is shared, or copied when one of them writes.
run 1 fork
run 1 access w 0x7ffff7e08000 16K
run 1 mmap 0x7ffff7d00000 24K rw- private,anon,fixed,locked
run 1 access w heap 8K
cat 1/map.svg >"$top/docs/map.svg"
cat 1/pagetable.svg >"$top/docs/pagetable.svg"
