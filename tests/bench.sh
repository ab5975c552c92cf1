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
install_packages && build "$folder" --buildtype=release -Db_ndebug=true || exit 1
VASFS=$folder/fs/vasfs VASCTL=$folder/fs/vasctl
BENCH_SERVER=$folder/tests/bench/bench_server STORM=$folder/tests/storm
RUN_COSTS=$folder/tests/programs/costs REPLAY=$folder/replay/vasfs-replay
BENCH_TRACE=$folder/tests/bench/bench_trace
export VASFS VASCTL BENCH_SERVER STORM RUN_COSTS REPLAY BENCH_TRACE
for name in engine scale mount; do
	"$folder/tests/bench/bench_$name" "$@" || exit
done
"$top/tests/bench/bench_latency.sh" "$@"
"$top/tests/bench/bench_run.sh" "$@"
"$top/tests/bench/bench_replay.sh" "$@"
