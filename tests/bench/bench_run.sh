#!/bin/sh
# bench_run.sh - what programs cost that run inside, against the same on the host: plain user code,
# system calls, faults, fork; then whole programs. Each figure is the median of ROUNDS (5) pairs, of
# which each ran natively and inside one after the other.
#
#     VASFS=fs/vasfs VASCTL=fs/vasctl RUN_COSTS=tests/programs/costs bench_run.sh [WORD]
#
# WORD: only lines whose name contains it: user, call, fault, fork, hello, ls, python3, gcc.

: "${VASFS:?}" "${VASCTL:?}" "${RUN_COSTS:?}"
rounds=${ROUNDS:-5}
word=${1:-}
work=$(mktemp -d /tmp/vasfs-bench.XXXXXX) || exit 1
mkdir "$work/mount"
cleanup() {
	trap - EXIT
	if grep -q " $work/mount " /proc/self/mountinfo; then
		fusermount3 -u "$work/mount" || fusermount3 -u -z "$work/mount"
	fi
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM

"$VASFS" -o ram=1G "$work/mount" || exit 1
if ! "$VASCTL" "$work/mount" run /bin/true 2>"$work/why"; then
	printf '\nPrograms cannot run here: %s\n' "$(head -n 1 "$work/why")"
	exit 0
fi

# median FILE: of a column of numbers
median() {
	sort -g "$1" | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

# line NAME UNIT GOAL: print the medians of $work/native and $work/inside. GOAL: the ratio native /
# inside must not be below it; - for none.
line() {
	native=$(median "$work/native") inside=$(median "$work/inside")
	awk -v "name=$1" -v "unit=$2" -v "goal=$3" -v "native=$native" -v "inside=$inside" 'BEGIN {
		wanted = goal == "-" ? "" : sprintf("(goal >= %s)", goal)
		result = goal == "-" ? "" : native / inside >= goal ? "ok" : "MISS"
		printf "  %-28s native %10.3f %s   inside %10.3f %s   ratio %6.3f %-15s %s\n",
			name, native, unit, inside, unit, native / inside, wanted, result
	}'
}

# wants NAME: whether it is to be measured
wants() {
	case $1 in
	*"$word"*) ;;
	*) return 1 ;;
	esac
}

# cost NAME UNIT GOAL COUNT: what `costs NAME COUNT` prints
cost() {
	wants "$1" || return 0
	: >"$work/native"
	: >"$work/inside"
	for _round in $(seq "$rounds"); do
		"$RUN_COSTS" "$1" "$4" >>"$work/native"
		"$VASCTL" "$work/mount" run "$RUN_COSTS" "$1" "$4" >>"$work/inside"
	done
	line "$1" "$2" "$3"
}

# now: milliseconds
now() {
	date +%s%N | sed 's/.\{4\}$//' | awk '{ printf "%.2f\n", $1 / 100 }'
}
# program NAME COMMAND...: how long it takes from its start to its end
program() {
	_name=$1
	shift
	wants "$_name" && command -v "$1" >/dev/null || return 0
	: >"$work/native"
	: >"$work/inside"
	for _round in $(seq "$rounds"); do
		for _way in native inside; do
			_start=$(now)
			if [ $_way = native ]; then
				"$@" >/dev/null
			else
				"$VASCTL" "$work/mount" run "$@" >/dev/null
			fi || echo "$_name fails" >&2
			echo "$_start $(now)" | awk '{ print $2 - $1 }' >>"$work/$_way"
		done
	done
	line "$_name" ms -
}

printf '\nPrograms that run inside, against the same on the host (medians of %d)\n' "$rounds"
cost user ms 0.95 300000000
cost call us - 20000
cost fault us - 20000
cost fork us - 200
cat >"$work/hello.c" <<'END'
#include <stdio.h>
int main(void)
{
	puts("hello");
	return 0;
}
END
cc -O2 -o "$work/hello" "$work/hello.c"
cc -O2 -static -o "$work/hello-static" "$work/hello.c"
program 'hello, static' "$work/hello-static"
program 'hello, dynamic' "$work/hello"
program 'ls -l /' /bin/ls -l /
program 'python3 -c 1' /usr/bin/python3 -c 1
# gcc finds its assembler by PATH.
program 'gcc -O2 hello.c' /usr/bin/env PATH="$PATH" gcc -O2 -o "$work/hello" "$work/hello.c"
