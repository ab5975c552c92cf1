#!/bin/sh
# join.sh - the results of a sweep as one: what `vasfs-replay --output csv` prints for the whole
# grid on one machine, byte for byte; or with -t the faults as a table.
#
#     join.sh [-t] RESULTS
#
# Exits 1 if cells are missing, and names them on standard error.
set -u
table=
[ "${1:-}" != -t ] || { table=yes && shift; }
if [ $# -ne 1 ] || [ ! -e "$1/grid" ]; then
	sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
results=$1

missing=$(while read -r policy frames; do
	[ -e "$results/$policy.$frames" ] || echo "$policy $frames"
done <"$results/grid")
if [ -n "$missing" ]; then
	printf 'missing:\n%s\n' "$missing" >&2
	exit 1
fi

# The first line of each file names the columns.
lines() {
	head=yes
	while read -r policy frames; do
		[ -z "$head" ] || sed -n 1p "$results/$policy.$frames"
		head=
		sed 1d "$results/$policy.$frames"
	done <"$results/grid"
}
if [ -z "$table" ]; then
	lines
	exit
fi
# As vasfs-replay has it: the columns are as wide as their widest number, two blanks apart. From the
# end of the line, for the name of the trace may have commas.
lines | awk -F , '
	NR == 1 { for (i = 1; i <= NF; i++) column[$i] = NF - i; next }
	{
		policy = $(NF - column["policy"])
		size = $(NF - column["frames"])
		faults = $(NF - column["faults"])
		if (!(policy in known)) { known[policy]; policies[++rows] = policy }
		if (!(size in width)) { sizes[++columns] = size; width[size] = length(size) }
		if (length(faults) > width[size]) width[size] = length(faults)
		if (length(policy) > first) first = length(policy)
		cell[policy, size] = faults
	}
	END {
		if (first < 6) first = 6
		printf "%-*s", first, "faults"
		for (j = 1; j <= columns; j++) printf "  %*s", width[sizes[j]], sizes[j]
		print ""
		for (i = 1; i <= rows; i++) {
			printf "%-*s", first, policies[i]
			for (j = 1; j <= columns; j++)
				printf "  %*s", width[sizes[j]], cell[policies[i], sizes[j]]
			print ""
		}
	}'
