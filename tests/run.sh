#!/bin/sh
# run.sh - install what is missing, build, run the tests.
#
#     tests/run.sh                   run the tests in the plain build
#     tests/run.sh --all             run all of these builds, one after the other
#     tests/run.sh [BUILD...] [-- MESON-TEST-ARGUMENT...]
#                                    run some of them: tests/run.sh asan -- ctl-dash
#
#     plain       the tests
#     asan        the tests under AddressSanitizer with UndefinedBehaviorSanitizer
#     tsan        the tests under ThreadSanitizer
#     coverage    how much of vm/ the tests cover
#     fuzz        the fuzzers, each for FUZZ_SECONDS (30)
#     browser     the pages in a real browser, in the plain build; screenshots: build/screenshots/
#
# The last line counts the cases that ran: N passed, M failed. Exits 0 if something ran and nothing
# failed. The log of a build is FOLDER/meson-logs/testlog.txt, that of browser browserlog.txt.

set -u
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
# shellcheck source-path=SCRIPTDIR source=setup.sh
. "$top/tests/setup.sh"

# If the run is stopped, the tests cannot clean up. Then sweep ends their daemons and mounts.
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
		/proc/self/mountinfo | while read -r mount; do
		fusermount3 -u -z "$mount"
	done
	rm -rf --one-file-system "$TMPDIR"
}
trap sweep EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# What a build needs: its folder, options of meson, compiler, further packages, the arguments of
# meson test, and the name of its log.
folder_of() {
	case $1 in
	plain | browser) echo "$top/build" ;;
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
	browser) echo 'chromium chromium-driver fonts-dejavu-core python3' ;;
	*)
		# Tools that read files in ways of their own, for sizes.sh.
		echo 'busybox-static pv python3 rsync rust-coreutils tar'
		# Readers and writers of core files, for core.sh.
		echo 'elfutils file gdb'
		# Programs that run inside, for run_programs.sh and run_maps.sh.
		echo 'bash dash findutils gzip mawk musl-tools perl procps'
		# Loaders and file systems, for exec_kinds.sh and exec_filesystems.sh.
		echo 'btrfs-progs e2fsprogs erofs-utils klibc-utils libcap2-bin squashfs-tools'
		# What says whether the pictures are well-formed; how traces are compressed.
		echo 'libxml2-utils xz-utils zstd'
		;;
	esac
	[ "$1" = plain ] || return 0
	# What the sanitizers have nothing to do with: tools that look at processes, for tools.sh,
	# a sweep over machines, for sweep.sh, and the manual.
	echo 'atop htop lsof numactl procps psmisc python3-psutil smem sysstat tmux util-linux'
	echo 'munge parallel slurm-client slurmctld slurmd'
	echo 'man-db scdoc'
}
arguments_of() {
	case $1 in
	coverage) echo '--suite coverage --verbose' ;;
	fuzz) echo '--suite fuzz' ;;
	browser) echo '--suite browser' ;;
	*) echo '--no-suite browser' ;;
	esac
}
log_of() {
	case $1 in
	browser) echo browserlog ;;
	*) echo testlog ;;
	esac
}

# test_build NAME [MESON-TEST-ARGUMENT...]: build, run, append the case counts to $TMPDIR/counts
test_build() {
	name=$1 folder=$(folder_of "$1") log=$(log_of "$1")
	shift
	# The sanitizers are slow.
	patience=4
	case $name in plain | browser) patience=1 ;; esac
	# ThreadSanitizer cannot start if addresses are randomised widely.
	fixed=
	if [ "$name" = tsan ] && setarch -R true 2>/dev/null; then
		fixed='setarch -R'
	fi
	rm -f "$folder/meson-logs/$log.json"
	# shellcheck disable=SC2046 # a list of words
	[ $# -gt 0 ] || set -- $(arguments_of "$name")
	# shellcheck disable=SC2046 # a list of words
	if (CC=$(compiler_of "$name") && export CC && build "$folder" $(options_of "$name")); then
		$fixed meson test -C "$folder" --no-rebuild --print-errorlogs \
			--num-processes "$(nproc)" --timeout-multiplier $patience \
			--logbase "$log" "$@" >&2
		awk -f "$top/tests/count.awk" "$folder/meson-logs/$log.json" \
			>>"$TMPDIR/counts" ||
			echo 'BROKEN 1' >>"$TMPDIR/counts"
		awk -v label="$name" -f "$top/tests/failures.awk" \
			"$folder/meson-logs/$log.json" >>"$TMPDIR/failures"
	else
		echo 'BROKEN 1' >>"$TMPDIR/counts"
		echo "$name: could not be built" >>"$TMPDIR/failures"
	fi
	echo "$name is done; so far: $(sum)" >&2
}

# Print the line that counts everything so far.
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
	--all) builds='plain asan tsan coverage fuzz browser' ;;
	plain | asan | tsan | coverage | fuzz | browser) builds="$builds $1" ;;
	--) shift && break ;;
	*) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
	esac
	shift
done

builds=${builds:-plain}
# shellcheck disable=SC2046 # a list of words
install_packages $(for name in $builds; do packages_of "$name"; done) || exit 1
: >"$TMPDIR/counts"
: >"$TMPDIR/failures"
for name in $builds; do
	test_build "$name" "$@"
done
# All that failed once more, at the end, where it is found.
cat "$TMPDIR/failures" >&2
sum
grep -q '^PASSED [1-9]' "$TMPDIR/counts" && ! grep -Eq '^(FAILED|BROKEN) [1-9]' "$TMPDIR/counts"
