#!/bin/sh
# slurm.sh - all cells of RESULTS/grid as an array of jobs of Slurm.
#
#     slurm.sh RESULTS TRACE [OPTION OF SBATCH...]     submit; --wait: and wait for the end
#
# RESULTS, TRACE and vasfs have the same names on all nodes. Slurm starts this script again for each
# cell, with the number of a line of the grid in SLURM_ARRAY_TASK_ID, and one processor.
#
#SBATCH --job-name=vasfs-sweep --ntasks=1 --cpus-per-task=1
set -u
if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
	# Slurm runs a copy of this file, so $0 does not say where cell.sh is: $3 does.
	# shellcheck disable=SC2046 # two words
	exec "$3/cell.sh" "$1" "$2" $(sed -n "${SLURM_ARRAY_TASK_ID}p" "$1/grid")
fi
if [ $# -lt 2 ] || [ ! -e "$1/grid" ]; then
	sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
results=$(realpath "$1") trace=$(realpath "$2") here=$(realpath "$(dirname "$0")") || exit 1
shift 2
exec sbatch --array="1-$(wc -l <"$results/grid")" --output="$results/.slurm.%a" "$@" \
	"$here/slurm.sh" "$results" "$trace" "$here"
