#!/bin/sh
# bench_replay.sh - how many references a second are replayed: the trace of ls at 64 frames, and a
# Zipf stream of 1 million pages of which a quarter faults; beside them a loop over dense arrays
# that does as little as can be done, a script as courses use it, and cachesim of libCacheSim where
# it is installed. Each figure is the median of ROUNDS (5); all sides run in each round.
#
#     VASFS=fs/vasfs VASCTL=fs/vasctl REPLAY=replay/vasfs-replay \
#             BENCH_TRACE=tests/bench/bench_trace bench_replay.sh [WORD]
#
# WORD: `replay` or nothing; with another word nothing runs.

: "${VASFS:?}" "${VASCTL:?}" "${REPLAY:?}" "${BENCH_TRACE:?}"
case replay in
*"${1:-}"*) ;;
*) exit 0 ;;
esac
top=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
rounds=${ROUNDS:-5}
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

# The trace of ls, 20 times: 9.5 million references. Zipf: as many as COUNT (10 million).
for _time in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	xz -dc "$top/examples/ls.lackey.xz" || exit 1
done >"$work/ls"
many=$((20 * 474068))
count=${COUNT:-10000000}
"$BENCH_TRACE" zipf "$count" 1000000 >"$work/zipf" || exit 1

# speed NAME REFERENCES COMMAND: append millions of references a second to $work/NAME.speed
speed() {
	_begin=$(date +%s%N)
	sh -c "$3" >"$work/out" 2>&1 || return
	echo "$(date +%s%N) $_begin $2" | awk '{ printf "%.2f\n", $3 * 1000 / ($1 - $2) }' \
		>>"$work/$1.speed"
}
in_mount() {
	"$VASFS" -o ram=256K,policy=clock,swapsize=4M "$work/mount" || exit 1
	"$VASCTL" "$work/mount" spawn >"$work/out"
	speed mount "$many" "cat '$work/ls' >'$work/mount/1/replay'"
	fusermount3 -u "$work/mount"
}
cat >"$work/script.py" <<'PY'
import sys
frames, memory, faults = 64, [], 0
for line in sys.stdin:
    page = int(line)
    if page in memory:
        memory.remove(page)
    else:
        faults += 1
        if len(memory) == frames:
            memory.pop(0)
    memory.append(page)
print(faults)
PY
head -n 200000 "$work/zipf" >"$work/part"

for _round in $(seq "$rounds"); do
	speed ls "$many" "'$REPLAY' --jobs 1 --policy clock --frames 64 '$work/ls'"
	in_mount
	for policy in lru clock; do
		speed zipf-$policy "$count" \
			"'$REPLAY' --jobs 1 --policy $policy --frames 76327 '$work/zipf'"
	done
	speed curve "$many" "'$REPLAY' --jobs 1 --curve --policy lru --frames 64 '$work/ls'"
	speed curve-zipf "$count" "'$REPLAY' --jobs 1 --curve --policy lru --frames 64 '$work/zipf'"
	"$BENCH_TRACE" loop 76327 <"$work/zipf" | cut -d ' ' -f 1 >>"$work/loop.speed"
	if command -v python3 >/dev/null; then
		speed script 200000 "python3 '$work/script.py' <'$work/part'"
	fi
	if command -v cachesim >/dev/null; then
		speed cachesim "$count" \
			"cachesim '$work/zipf' txt clock 76327 --ignore-obj-size 1"
	fi
done

# median NAME
median() {
	sort -g "$work/$1.speed" |
		awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}
# line NAME LABEL GOAL [NAME]: GOAL: millions a second; or, with a second NAME, the ratio to it
line() {
	[ -e "$work/$1.speed" ] || return 0
	_other=1
	[ $# -lt 4 ] || _other=$(median "$4")
	awk -v "label=$2" -v "goal=$3" -v "value=$(median "$1")" -v "other=$_other" 'BEGIN {
		wanted = goal == "-" ? "" : sprintf("(goal >= %s)", goal)
		result = goal == "-" ? "" : value / other >= goal ? "ok" : "MISS"
		ratio = other == 1 ? "" : sprintf("ratio %.3f", value / other)
		printf "  %-44s %8.2f M/s %13s %-14s %s\n", label, value, ratio, wanted, result
	}'
}
printf '\nReplay: references a second, with reading the text of the trace\n'
line ls 'vasfs-replay, ls, 64 frames' 20
line zipf-lru 'vasfs-replay, Zipf, 76327 frames, lru' 10
line zipf-clock 'vasfs-replay, Zipf, 76327 frames, clock' 10
line curve 'vasfs-replay --curve, ls' 10
line curve-zipf 'vasfs-replay --curve, Zipf' 10
line mount 'PID/replay in a mount, ls, 64 frames' 0.5 ls
line loop 'a loop over dense arrays, Zipf, no text' -
line script 'a script in Python, LRU, 64 frames' -
line cachesim 'cachesim, Zipf, 76327 frames' -
