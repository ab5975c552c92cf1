#!/bin/sh
# fuzz.sh - run a fuzzer for a while, and show the input that it fails with.
#
#     fuzz.sh BUILD/tests/fuzz/fuzz_NAME       for FUZZ_SECONDS, or 30; meanwhile see FUZZER.log
#
# What it finds on its way is kept in FUZZER.found, where the next run goes on. So is an input that
# fails: it is tried again.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
fuzzer=$1 name=${1##*/fuzz_} seconds=${FUZZ_SECONDS:-30}
found=$fuzzer.found log=$fuzzer.log

# The limits of one input's time, and of all, are for hangs, not for slow machines. Entropic
# scheduling spends more time on its books than on inputs here.
mkdir -p "$found" || exit 1
timeout -k 10 $((seconds + 300)) "$fuzzer" -max_total_time="$seconds" -seed=1 -timeout=60 \
	-rss_limit_mb=2048 -max_len=8192 \
	-entropic=0 -print_final_stats=1 -dict="$here/$name.dict" -artifact_prefix="$found/" \
	"$found" "$here/corpus/$name" \
	>"$log" 2>&1
result=$?
cat "$log"
sed -n 's/.*Test unit written to //p' "$log" | while read -r input; do
	printf '\n# Again: %s %s\n' "$fuzzer" "$input"
	printf '# Once it is mended: cp %s %s/WHAT-WAS-WRONG\n' "$input" "$here/corpus/$name"
	printf '# The input, in base64:\n'
	base64 "$input"
done
exit $result
