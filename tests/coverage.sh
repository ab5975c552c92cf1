#!/bin/sh
# coverage.sh BUILD - run the tests that need no mount in a build with -Db_coverage=true.
# Prints TAP: is vm/ covered to 90 %?
#
# The tests of mounts are left out. There a program that runs as another user cannot write its
# counts, and its complaint stands where a test looks. A program that is killed leaves no counts.
# Random programs are left out, too: they take long and add nothing. Whether the tests pass is not
# asked here; the other builds do that. Asserts and what cannot happen count like any other line.

set -u
build=$1
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
table=$build/meson-logs/vm-coverage.txt

find "$build" -name '*.gcda' -delete
meson test -C "$build" --no-suite mount --no-suite differential --no-suite coverage \
	--logbase covered --quiet --num-processes "$(nproc)" --timeout-multiplier 4 >&2
if gcovr --root "$top" --filter "$top/vm/" --fail-under-line 90 --output "$table" "$build/vm"; then
	verdict=ok
else
	verdict='not ok'
fi
cat "$table" >&2
echo 1..1
echo "$verdict 1 - vm/ is covered to at least 90 %"
