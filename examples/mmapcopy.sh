#!/bin/sh
# mmapcopy.sh FILE - the mmapcopy of the lecture: map a file, write the area to standard output.
# To check it:
#
#     examples/mmapcopy.sh FILE | cmp - FILE
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

if [ $# -ne 1 ] || [ ! -f "$1" ] || [ ! -r "$1" ]; then
	echo "usage: $0 FILE: a regular file that can be read" >&2
	exit 1
fi
file=$(readlink -f "$1")
size=$(stat -c %s "$file")
# A mapping cannot be empty: mmap fails with EINVAL, in C too.
[ "$size" -gt 0 ] || exit 0

find_programs
start_machine
pid=$(vasctl . spawn mmapcopy) &&
	area=$(vasctl "$pid" mmap 0 "$size" r-- private "$file") || exit 1
# This is write(1, area, size). The area ends in whole pages, the file does not.
dd "if=$pid/mem" bs=64K iflag=skip_bytes,count_bytes "skip=$((area))" "count=$size" status=none
