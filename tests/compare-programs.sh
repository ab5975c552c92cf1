#!/bin/sh
# compare-programs.sh - exec of whole folders of programs against the kernel, at their first
# instruction, and against ld.so, at their entry point. It prints each program that differs, and
# counts.
#
#     tests/compare-programs.sh [-o] [-v] [FOLDER-OR-PROGRAM...]      (default: /usr/bin)
#
#     -o    in an overlayfs over the root file system, as in a container; needs root
#     -v    print what differs
#
# Needs a build in build/. It starts each program, but stops it before its first own instruction.
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
tool=${COMPARE_PROGRAMS:-$top/build/tests/compare_programs}
overlay='' verbose=''
while getopts ov option; do
	case $option in
	o) overlay=1 ;;
	v) verbose=-v ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- /usr/bin
[ -x "$tool" ] || ninja -C "$top/build" tests/compare_programs >/dev/null || exit 1
if [ -z "$overlay" ]; then
	# shellcheck disable=SC2086 # one word or none
	exec "$tool" $verbose "$@"
fi

# The mounts are gone with the namespace, the folder with the trap.
folder=$(mktemp -d "${TMPDIR:-/tmp}/compare-programs.XXXXXX") || exit 1
trap 'rmdir "$folder"' EXIT
export folder tool verbose
# shellcheck disable=SC2016 # for the inner shell
unshare -m --propagation private sh -c '
	mount -t tmpfs none "$folder" && mkdir "$folder/upper" "$folder/work" "$folder/root" &&
	mount -t overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" none \
		"$folder/root" &&
	mount --rbind /proc "$folder/root/proc" && mount --rbind /dev "$folder/root/dev" || exit 77
	chroot "$folder/root" "$tool" $verbose "$@"' sh "$@"
