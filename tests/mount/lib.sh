# lib.sh - the library of the mount tests: it prints results as TAP, mounts one file system at a
# time, and leaves nothing behind. Sourced by each file of mount/, under dash and bash:
#
#     . "$(dirname "$0")/lib.sh"
#     # start a daemon on $M; returns when it answers
#     start_mount -o ram=16M
#     # vasctl "$M" spawn demo prints 1
#     answers 1 'the first pid is 1' "$M" spawn demo
#     fails EINVAL 'a length of zero' "$M/1" mmap 0 0 rw- private,anon
#     # the text, the expected text, the description
#     is "$(cat "$M/1/comm")" demo 'comm is the name'
#     # unmount; the daemon must exit 0
#     stop_mount
#     done_testing
#
# $T is the test's own folder. $VASFS, $VASCTL and $TOOL come from the environment (see
# meson.build). Variables that start with _ belong to the library.
# shellcheck shell=sh

: "${VASFS:?}" "${VASCTL:?}" "${TOOL:?}"
T=$(mktemp -d "${TMPDIR:-/tmp}/vasfs-test.XXXXXX") || exit 1
M=$T/mnt
_count=0 _failed=0 _finished=
# Other users must reach files in it.
chmod 711 "$T"
mkdir "$M"
# The sanitizers' reports of vasctl, and of the daemon, which has no terminal, go to
# $T/sanitizer.PID.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:log_path=$T/sanitizer"
export LSAN_OPTIONS="${LSAN_OPTIONS:-}:log_path=$T/sanitizer"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:log_path=$T/sanitizer"
export TSAN_OPTIONS="${TSAN_OPTIONS:-}:log_path=$T/sanitizer"
cd "$T" || exit 1

# --- Results ----------------------------------------------------------------------------------

_pass() {
	_count=$((_count + 1))
	printf 'ok %d - %s\n' "$_count" "$1"
}

# _fail DESCRIPTION [LINES]: print LINES below it
_fail() {
	_count=$((_count + 1)) _failed=$((_failed + 1))
	printf 'not ok %d - %s\n' "$_count" "$1"
	[ $# -lt 2 ] || printf '%s\n' "$2" | head -n 60 | tr -d '\000' | sed 's/^/#   /'
}

# ok DESCRIPTION COMMAND...: COMMAND succeeds
ok() {
	_what=$1
	shift
	if _got=$("$@" 2>&1); then
		_pass "$_what"
	else
		_fail "$_what" "$* ended with $?:
$_got"
	fi
}

# refused DESCRIPTION COMMAND...: COMMAND fails by its own exit, not by a signal
refused() {
	_what=$1
	shift
	_got=$("$@" 2>&1)
	_status=$?
	if [ $_status -gt 0 ] && [ $_status -lt 124 ]; then
		_pass "$_what"
	else
		_fail "$_what" "$* ended with $_status:
$_got"
	fi
}

# is GOT WANTED DESCRIPTION
is() {
	if [ "$1" = "$2" ]; then
		_pass "$3"
	else
		_fail "$3" "got:    $1
wanted: $2"
	fi
}

# isnt GOT UNWANTED DESCRIPTION
isnt() {
	if [ "$1" != "$2" ]; then
		_pass "$3"
	else
		_fail "$3" "got: $1"
	fi
}

# like GOT PATTERN DESCRIPTION: some line matches the extended regular expression
like() {
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then
		_pass "$3"
	else
		_fail "$3" "got: $1
no line matches: $2"
	fi
}

# unlike GOT PATTERN DESCRIPTION: no line matches
unlike() {
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then
		_fail "$3" "got: $1
a line matches: $2"
	else
		_pass "$3"
	fi
}

# skip REASON DESCRIPTION
skip() {
	_count=$((_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$_count" "$2" "$1"
}

done_testing() {
	printf '1..%d\n' "$_count"
	_finished=yes
	[ "$_failed" -eq 0 ]
	exit
}

# --- vasctl -----------------------------------------------------------------------------------

ctl() {
	"$VASCTL" "$@"
}

# answers RESULT DESCRIPTION DIR COMMAND [ARG...]
answers() {
	_want=$1 _what=$2
	shift 2
	_got=$("$VASCTL" "$@" 2>&1)
	_status=$?
	if [ $_status -eq 0 ] && [ "$_got" = "$_want" ]; then
		_pass "$_what"
	else
		_fail "$_what" "vasctl $* ended with $_status
got:    $_got
wanted: $_want"
	fi
}

# fails ERRNO DESCRIPTION DIR COMMAND [ARG...]: COMMAND prints nothing on standard output, and
# "error: COMMAND: ERRNO: ..." on standard error
fails() {
	_want=$1 _what=$2
	shift 2
	_got=$("$VASCTL" "$@" 2>"$T/stderr")
	_status=$?
	_text=$(cat "$T/stderr")
	# access prints lines for the pages before the failure.
	[ "$2" != access ] || _got=
	case $_status/$_got/$_text in
	"1//error: $2: $_want: "*) _pass "$_what" ;;
	*)
		_fail "$_what" "vasctl $* ended with $_status
wanted: $_want
output: $_got
error:  $_text"
		;;
	esac
}

# --- Memory, areas, faults --------------------------------------------------------------------

# plus ADDRESS NUMBER
plus() {
	printf '0x%x\n' $(($1 + $2))
}

# va ADDRESS: the address as pagetable, faults and access print it
va() {
	printf '%016x\n' "$(($1))"
}

# peek PID ADDRESS LENGTH: the bytes in hex, or errno's name
peek() {
	"$TOOL" pread "$M/$1/mem" "$2" "$3"
}

# poke PID ADDRESS TEXT: the number of bytes written, or errno's name
poke() {
	"$TOOL" pwrite "$M/$1/mem" "$2" "$3"
}

# hex TEXT
hex() {
	printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'
}

# area PID ADDRESS: the line of maps for the area that starts at ADDRESS
area() {
	grep "^$(printf '%08x' "$(($2))")-" "$M/$1/maps"
}

# range START END: the addresses as maps prints them
range() {
	printf '%08x-%08x\n' "$(($1))" "$(($2))"
}

# entry PID ADDRESS LEVEL: the line of pagetable for the entry of LEVEL that starts at ADDRESS
entry() {
	grep "^$(va "$2") $3 " "$M/$1/pagetable"
}

# note KEY LINE: the VALUE of KEY=VALUE in LINE
note() {
	printf '%s\n' "$2" | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# last_fault PID: "ACCESS VA OUTCOME KIND ..." of the last fault
last_fault() {
	tail -n 1 "$M/$1/faults" | cut -d ' ' -f 4-
}

# --- Mounts -----------------------------------------------------------------------------------

# Whether $M is mounted.
mounted() {
	grep -q " $M " /proc/self/mountinfo
}

# try_mount [OPTION...]: start a daemon on $M; the exit status is the daemon's
try_mount() {
	"$TOOL" daemon "$T/daemon" "$VASFS" "$@" "$M"
}

start_mount() {
	rm -f "$T/daemon.pid" "$T/daemon.end"
	if ! try_mount "$@"; then
		_fail 'the daemon starts'
		exit 1
	fi
}

# The daemon's pid.
daemon_pid() {
	cat "$T/daemon.pid"
}

# daemon_ended DESCRIPTION: wait for the daemon's end; it must exit 0
daemon_ended() {
	is "$("$TOOL" reap "$T/daemon")" 'exit 0' "$1"
	_sanitizer_check
}

stop_mount() {
	fusermount3 -u "$M" || fusermount3 -u -z "$M"
	daemon_ended 'the daemon exits 0 after fusermount3 -u'
}

_sanitizer_check() {
	for _report in "$T"/sanitizer.*; do
		[ -e "$_report" ] || continue
		_fail 'no sanitizer has anything to report' "$(cat "$_report")"
		rm -f "$_report"
	done
}

# fewer PLAIN SANITIZERS: the number for this build
fewer() {
	if grep -aq -e __asan_init -e __tsan_init "$VASFS"; then
		echo "$2"
	else
		echo "$1"
	fi
}
# as_other COMMAND...: run COMMAND as another user; needs root
OTHER=65534
as_other() {
	setpriv --reuid=$OTHER --regid=$OTHER --clear-groups "$@"
}

is_root() {
	[ "$(id -u)" -eq 0 ]
}

# eventually SECONDS COMMAND...: COMMAND succeeds within that time
eventually() {
	_tries=$(($1 * 20))
	shift
	while ! "$@"; do
		_tries=$((_tries - 1))
		[ $_tries -gt 0 ] || return 1
		sleep 0.05
	done
}

# --- The end, however it comes ----------------------------------------------------------------

_cleanup() {
	trap - EXIT
	trap '' HUP INT TERM
	for _state in "$T"/*.pid; do
		if [ -e "$_state" ] && [ ! -e "${_state%.pid}.end" ]; then
			kill -9 "$(cat "$_state")" 2>/dev/null
		fi
	done
	awk -v base="$T/" '{ gsub(/\\040/, " ", $5) } index($5, base) == 1 { print $5 }' \
		/proc/self/mountinfo |
		while read -r _mount; do
			fusermount3 -u -z "$_mount" 2>/dev/null || umount -l "$_mount"
		done
	_sanitizer_check
	cd /
	rm -rf --one-file-system "$T"
	if [ -z "$_finished" ]; then
		_fail 'the test ends where it should'
		printf '1..%d\n' "$_count"
		exit 1
	fi
}
trap _cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
