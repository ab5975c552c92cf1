#!/bin/sh
# cells.sh - the cells of a grid, a line each: POLICY FRAMES. Write them to the file `grid` of the
# folder of the results: parallel.sh and slurm.sh work through it, and join.sh takes its order.
#
#     cells.sh POLICY,... FRAMES,...
#
# FRAMES may also be FIRST-LAST, as in vasfs-replay: FIRST, its double, ... and LAST.
set -u
if [ $# -ne 2 ]; then
	sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
case $2 in
'' | *[!0-9,-]* | 0* | *[,-]0*)
	echo "cells.sh: not numbers of frames: $2" >&2
	exit 2
	;;
esac
sizes=$(awk -v "sizes=$2" 'BEGIN {
	for (i = split(sizes, part, ","); i > 0; i--) {
		last = split(part[i], end, "-")
		for (size = end[1] + 0; size < end[last] + 0; size *= 2)
			print size
		print end[last]
	}
}' | sort -nu)
for policy in $(echo "$1" | tr , ' '); do
	for size in $sizes; do
		echo "$policy $size"
	done
done
