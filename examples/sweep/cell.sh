#!/bin/sh
# cell.sh - one cell of a sweep: the faults of one policy with one number of frames.
#
#     cell.sh RESULTS TRACE POLICY FRAMES
#
# The result is the file RESULTS/POLICY.FRAMES. It appears when it is complete. A cell that has one
# is not computed again, so a sweep that was interrupted can just be started again.
set -u
if [ $# -ne 4 ]; then
	sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
results=$1 trace=$2 policy=$3 frames=$4
PATH=$PATH:$(dirname "$0")/../../build/replay

[ ! -e "$results/$policy.$frames" ] || exit 0
part=$results/.$policy.$frames.$(hostname).$$
trap 'rm -f "$part"' EXIT
vasfs-replay --policy "$policy" --frames "$frames" --output csv "$trace" >"$part" &&
	mv "$part" "$results/$policy.$frames"
