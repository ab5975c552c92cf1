#!/bin/sh
# parallel.sh - all cells of RESULTS/grid by GNU parallel, on this machine or on several.
#
#     parallel.sh RESULTS TRACE [ARGUMENT OF PARALLEL...]
#
#     parallel.sh r ls.lackey.xz                             # as many at a time as processors here
#     parallel.sh r ls.lackey.xz --sshlogin :,ann@one,4/two  # here, and on two others by ssh
#
# RESULTS, TRACE and vasfs have the same names on all machines, for example on a network file
# system. vasfs-replay is in the path there, or built where this script is. With --sshlogin each
# machine takes a new cell when it has finished one.
set -u
if [ $# -lt 2 ] || [ ! -e "$1/grid" ]; then
	sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
results=$(realpath "$1") trace=$(realpath "$2") here=$(realpath "$(dirname "$0")") || exit 1
shift 2
exec parallel --will-cite --colsep ' ' "$@" --halt soon,fail=1 -a "$results/grid" \
	"$here/cell.sh" "$results" "$trace" '{1}' '{2}'
