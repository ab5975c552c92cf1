# begin.sh - how task and check begin: read `[-n NAME] N`, load lab N, and make the numbers of
# NAME. The other arguments are left in $@.
# shellcheck shell=sh disable=SC2016,SC2154

usage() {
	{
		echo 'usage: task [-n NAME] N                    print your numbers for lab N'
		echo '       task [-n NAME] 7 ADDRESS            print the accesses of lab 7'
		echo '       check [-n NAME] N MOUNT [ANSWER...] say what holds'
		echo 'N is 1 to 8. NAME is you: else $VASFS_NAME, else your login name.'
	} >&2
	exit 2
}

name=${VASFS_NAME:-}
case ${1:-} in
-n)
	name=${2:-}
	[ -n "$name" ] || usage
	shift 2
	;;
-n?*)
	name=${1#-n}
	shift
	;;
esac
[ -n "$name" ] || name=$(id -un) || exit 2
case ${1:-} in
[1-8]) lab=$1 ;;
*) usage ;;
esac
shift

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$labs/lib.sh"
# shellcheck source=/dev/null
. "$labs/lab$lab.sh"
begin_numbers "$name" "$lab"
numbers
