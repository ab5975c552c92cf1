#!/bin/sh
# coverage.sh BUILD - runs the tests that need no mount in a build with -Db_coverage=true. The TAP
# result says whether at least 90 % of vm/ are covered.
#
# The mount tests are left out. A program that runs as another user cannot write its counts, and
# prints complaints where a test expects other text; a program that is killed leaves no counts.
# Random programs are left out too, because they take long and add nothing. The other builds show
# whether the tests pass. Asserts, and lines that cannot be reached, count like any other line.

set -u
build=$1
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
table=$build/meson-logs/vm-coverage.txt

find "$build" -name '*.gcda' -delete
meson test -C "$build" --no-suite mount --no-suite differential --no-suite coverage \
	--no-suite browser \
	--logbase covered --quiet --num-processes "$(nproc)" --timeout-multiplier 4 >&2
if gcovr --root "$top" --filter "$top/vm/" --fail-under-line 90 --output "$table" "$build/vm"; then
	verdict=ok
else
	verdict='not ok'
fi
cat "$table" >&2
echo 1..1
echo "$verdict 1 - vm/ is covered to at least 90 %"
