#!/bin/sh
# run.sh - installs missing packages, builds, and runs the tests. The last line counts the test
# cases: N passed, M failed.
#
#     tests/run.sh         the plain build
#     tests/run.sh --all   also the builds with AddressSanitizer and UndefinedBehaviorSanitizer, and
#                          with ThreadSanitizer; the coverage of vm/; and the fuzzers, each for
#                          FUZZ_SECONDS (30)
#     tests/run.sh [plain] [asan] [tsan] [coverage] [fuzz] [-- MESON-TEST-ARGUMENT...]
#                          for example: tests/run.sh asan -- ctl-dash
#
# Exits 0 if something ran and nothing failed. The log of a build is FOLDER/meson-logs/testlog.txt.

set -u
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
# shellcheck source-path=SCRIPTDIR source=setup.sh
. "$top/tests/setup.sh"

# If the tests are interrupted, some cannot clean up. Remove their mounts and daemons.
TMPDIR=$(mktemp -d /tmp/vasfs-run.XXXXXX) && chmod 711 "$TMPDIR" || exit 1
export TMPDIR
sweep() {
	trap - EXIT
	for state in "$TMPDIR"/*/*.pid; do
		if [ -e "$state" ] && [ ! -e "${state%.pid}.end" ]; then
			kill -9 "$(cat "$state")" 2>/dev/null
		fi
	done
	awk -v base="$TMPDIR/" '{ gsub(/\\040/, " ", $5) } index($5, base) == 1 { print $5 }' \
		/proc/self/mountinfo |
		while read -r mount; do
			fusermount3 -u -z "$mount"
		done
	rm -rf --one-file-system "$TMPDIR"
}
trap sweep EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# For each build: its folder, its meson options, its compiler, the additional packages it needs, and
# the arguments of meson test.
folder_of() {
	case $1 in
	plain) echo "$top/build" ;;
	*) echo "$top/build/$1" ;;
	esac
}
options_of() {
	case $1 in
	asan) echo '-Db_sanitize=address,undefined -Doptimization=1' ;;
	tsan) echo '-Db_sanitize=thread -Doptimization=1' ;;
	coverage) echo '-Db_coverage=true -Doptimization=0' ;;
	fuzz) echo '-Db_sanitize=address,undefined -Doptimization=1 -Db_lundef=false' ;;
	esac
}
compiler_of() {
	case $1 in
	fuzz) echo clang ;;
	*) echo "${CC:-cc}" ;;
	esac
}
packages_of() {
	case $1 in
	coverage) echo gcovr ;;
	fuzz) echo 'clang libclang-rt-dev' ;;
	esac
}
arguments_of() {
	case $1 in
	coverage) echo '--suite coverage --verbose' ;;
	fuzz) echo '--suite fuzz' ;;
	esac
}

# test_build NAME [MESON-TEST-ARGUMENT...]: build, run, append the case counts to $TMPDIR/counts
test_build() {
	name=$1 folder=$(folder_of "$1")
	shift
	# ThreadSanitizer cannot start if addresses are randomised over a wide range.
	fixed=
	if [ "$name" = tsan ] && setarch -R true 2>/dev/null; then
		fixed='setarch -R'
	fi
	rm -f "$folder/meson-logs/testlog.json"
	# shellcheck disable=SC2046 # a list of words
	[ $# -gt 0 ] || set -- $(arguments_of "$name")
	# shellcheck disable=SC2046 # a list of words
	if (CC=$(compiler_of "$name") && export CC && build "$folder" $(options_of "$name")); then
		patience=4
		[ "$name" != plain ] || patience=1
		$fixed meson test -C "$folder" --no-rebuild --print-errorlogs \
			--num-processes "$(nproc)" --timeout-multiplier "$patience" "$@" >&2
		log=$folder/meson-logs/testlog.json
		awk -f "$top/tests/count.awk" "$log" >>"$TMPDIR/counts" ||
			echo 'BROKEN 1' >>"$TMPDIR/counts"
	else
		echo 'BROKEN 1' >>"$TMPDIR/counts"
	fi
	echo "$name is done; so far: $(sum)" >&2
}

# The counts so far as one line.
sum() {
	awk '{ n[$1] += $2 }
		END {
			printf "%d passed, %d failed", n["PASSED"], n["FAILED"] + n["BROKEN"]
			if (n["SKIPPED"]) printf ", %d skipped", n["SKIPPED"]
			print ""
		}' "$TMPDIR/counts"
}

builds=
while [ $# -gt 0 ]; do
	case $1 in
	--all) builds='plain asan tsan coverage fuzz' ;;
	plain | asan | tsan | coverage | fuzz) builds="$builds $1" ;;
	--) shift && break ;;
	*) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
	esac
	shift
done

builds=${builds:-plain}
# shellcheck disable=SC2046 # a list of words
install_packages $(for name in $builds; do packages_of "$name"; done) || exit 1
: >"$TMPDIR/counts"
for name in $builds; do
	test_build "$name" "$@"
done
sum
grep -q '^PASSED [1-9]' "$TMPDIR/counts" && ! grep -Eq '^(FAILED|BROKEN) [1-9]' "$TMPDIR/counts"
