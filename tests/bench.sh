#!/bin/sh
# bench.sh - what vasfs costs: install what is missing, build for release, run the benchmarks, print a line a goal.
#
#     tests/bench.sh            all of them, some minutes
#     tests/bench.sh WORD       only the parts whose name contains WORD (see the end of each bench_*.c)
#
# The figures are ratios of what ran in the same minutes, but a machine that is busy with other things still blurs them.

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
