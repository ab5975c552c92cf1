#!/bin/sh
# fuzz.sh - run a fuzzer for a while, and print the input on which it fails.
#
#     fuzz.sh BUILD/tests/fuzz/fuzz_NAME       for FUZZ_SECONDS, or 30; progress is in FUZZER.log
#
# New inputs are kept in FUZZER.found, and the next run continues with them. An input that fails is
# kept there too, so it is tried again.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
fuzzer=$1 name=${1##*/fuzz_} seconds=${FUZZ_SECONDS:-30}
found=$fuzzer.found log=$fuzzer.log

# The limits on the time of one input and of the whole run are meant for hangs, not for slow
# machines. Entropic scheduling is off, because here it costs more time than the inputs themselves.
mkdir -p "$found" || exit 1
timeout -k 10 $((seconds + 300)) "$fuzzer" -max_total_time="$seconds" -seed=1 -timeout=60 \
	-rss_limit_mb=2048 -max_len=8192 -entropic=0 -print_final_stats=1 \
	-dict="$here/$name.dict" -artifact_prefix="$found/" "$found" "$here/corpus/$name" \
	>"$log" 2>&1
result=$?
cat "$log"
sed -n 's/.*Test unit written to //p' "$log" | while read -r input; do
	printf '\n# To repeat it: %s %s\n' "$fuzzer" "$input"
	printf '# When it is fixed: cp %s %s/WHAT-WAS-WRONG\n' "$input" "$here/corpus/$name"
	printf '# The input, in base64:\n'
	base64 "$input"
done
# libFuzzer ends with 77 when an input fails. For meson that would be a skipped test.
[ $result -eq 0 ]
