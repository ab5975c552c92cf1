#!/bin/sh
# bench.sh - what vasfs costs: installs missing packages, builds for release, runs the benchmarks,
# and prints one line for each goal.
#
#     tests/bench.sh            all benchmarks, some minutes
#     tests/bench.sh WORD       only the parts whose name contains WORD (see the end of each
#                               bench_*.c)
#
# The figures are ratios of measurements made in the same minutes. A machine that is busy with other
# things still blurs them.

set -u
top=$(cd "${0%/*}/.." && pwd) || exit 1
# shellcheck source-path=SCRIPTDIR source=setup.sh
. "$top/tests/setup.sh"

folder=$top/build/release
install_packages && build "$folder" --buildtype=release -Db_ndebug=true || exit 1
VASFS=$folder/fs/vasfs BENCH_SERVER=$folder/tests/bench/bench_server
export VASFS BENCH_SERVER
for name in engine scale mount; do
	"$folder/tests/bench/bench_$name" "$@" || exit
done
