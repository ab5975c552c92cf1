# run_lib.sh - what the tests of running programs share; source it after lib.sh. Without a virtual
# CPU it skips the test.
#
#     run_mount -o ram=64M           start_mount, and skip the test if nothing can run
#     native [ARG...]                run a program on the host: $T/native.out, $T/native.status
#     inside [ARG...]                the same on the mount: $T/inside.out, $T/inside.status
#     same DESCRIPTION [ARG...]      both; output and status must be equal
#
# $stdin is the file that is standard input. Both run by way of env, so that the environment is the
# same, and both have a time limit.
# shellcheck shell=sh

: "${PROGRAMS:?}"
stdin=/dev/null
env_words="env -i PATH=$PATH LC_ALL=C HOME=/ TMPDIR=$T"

# The daemon counts afresh whatever it has counted, when it ends; its exit status says whether it is
# right.
export VASFS_CHECK=1

run_mount() {
	start_mount "$@"
	if ! _got=$(timeout 60 "$VASCTL" "$M" run /bin/true 2>&1); then
		case $_got in
		*ENODEV* | *EACCES* | *ENOTSUP*)
			stop_mount
			skip "$(printf '%s' "$_got" | head -n 1 | tr '#' ' ')" 'programs run'
			done_testing
			;;
		*) _fail 'true runs' "$_got" ;;
		esac
	fi
}

native() {
	# shellcheck disable=SC2086 # words
	timeout -k 1 60 setarch -R $env_words "$@" <"$stdin" >"$T/native.out" 2>&1
	echo $? >"$T/native.status"
}

inside() {
	# shellcheck disable=SC2086 # words
	timeout -k 1 "${patience:-100}" "$VASCTL" "$M" run $env_words "$@" \
		<"$stdin" >"$T/inside.out" 2>&1
	echo $? >"$T/inside.status"
}

# compare DESCRIPTION: what `native` and `inside` left
compare() {
	if ! cmp -s "$T/native.status" "$T/inside.status"; then
		_fail "$1" "status $(cat "$T/inside.status") instead of $(cat "$T/native.status")
$(diff -a "$T/native.out" "$T/inside.out" | head -n 20)"
	elif ! cmp -s "$T/native.out" "$T/inside.out"; then
		_fail "$1" "$(diff -a "$T/native.out" "$T/inside.out" | head -n 40)"
	else
		_pass "$1"
	fi
}

same() {
	_what=$1
	shift
	native "$@"
	inside "$@"
	compare "$_what"
}
