#!/bin/sh
# cells.sh - the cells of a grid, a line each: POLICY FRAMES. Write them to the file `grid` of the
# folder of the results: parallel.sh and slurm.sh work through it, and join.sh takes its order.
#
#     cells.sh POLICY,... FRAMES,...
#
# FRAMES may also be FIRST-LAST: from FIRST on each is twice the one before, up to LAST.
set -u
if [ $# -ne 2 ]; then
	sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
awk -v "policies=$1" -v "sizes=$2" 'BEGIN {
	number = split(sizes, part, ",")
	for (i = 1; i <= number; i++) {
		ends = split(part[i], end, "-")
		if (part[i] !~ /^[0-9]+(-[0-9]+)?$/ || end[1] < 1) {
			print "cells.sh: not a number of frames: " part[i] >"/dev/stderr"
			exit 2
		}
		for (size = end[1] + 0; size <= end[ends] + 0; size *= 2)
			frames[++count] = size
	}
	number = split(policies, policy, ",")
	for (i = 1; i <= number; i++)
		for (j = 1; j <= count; j++)
			print policy[i], frames[j]
}'
