#!/bin/sh
# bench.sh - measure what vasfs costs: install what is missing, build for release, run the
# benchmarks. Each goal gets one line.
#
#     tests/bench.sh            run all of them; this takes some minutes
#     tests/bench.sh WORD       run those whose name contains WORD (names stand at the end of each
#                               tests/bench/bench_*.c, and at the top of each bench_*.sh)
#
# Each figure but those of latency is a ratio of two things that ran in the same minutes. A machine
# that is busy with other things blurs it all the same.

set -u
top=$(cd "${0%/*}/.." && pwd) || exit 1
# shellcheck source-path=SCRIPTDIR source=setup.sh
. "$top/tests/setup.sh"

folder=$top/build/release
# The program as a whole is optimised, which takes its time for each program: only those that run.
install_packages || exit 1
[ -f "$folder/build.ninja" ] || meson setup "$folder" "$top" >&2 || exit 1
meson configure "$folder" --buildtype=release -Db_ndebug=true -Db_lto=true >&2 || exit 1
ninja -C "$folder" --quiet fs/vasfs fs/vasctl replay/vasfs-replay tests/storm \
	tests/programs/costs tests/bench/bench_engine tests/bench/bench_mount \
	tests/bench/bench_replay tests/bench/bench_scale tests/bench/bench_server \
	tests/bench/bench_trace >&2 || exit 1
VASFS=$folder/fs/vasfs VASCTL=$folder/fs/vasctl
BENCH_SERVER=$folder/tests/bench/bench_server STORM=$folder/tests/storm
RUN_COSTS=$folder/tests/programs/costs REPLAY=$folder/replay/vasfs-replay
BENCH_TRACE=$folder/tests/bench/bench_trace
export VASFS VASCTL BENCH_SERVER STORM RUN_COSTS REPLAY BENCH_TRACE
for name in engine scale mount replay; do
	"$folder/tests/bench/bench_$name" "$@" || exit
done
"$top/tests/bench/bench_latency.sh" "$@"
"$top/tests/bench/bench_run.sh" "$@"
"$top/tests/bench/bench_replay.sh" "$@"
