# What a program has mapped when it ends is what it would have on the host, without randomised
# addresses: maps line by line, and in smaps the anonymous memory of each area. Where an area has
# no file, so that the kernel reads nothing around a fault, also its resident memory.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/run_lib.sh"
look=$PROGRAMS/maps_at_exit
echo 'some text' >"$T/text"
echo 'print(sum(range(1000)))' >"$T/program.py"
env_words="env -i LC_ALL=C"
if command -v musl-gcc >/dev/null; then
	echo 'int main(void) { return 0; }' >"$T/musl.c"
	musl-gcc -o "$T/musl" "$T/musl.c"
fi

# at_exit PROGRAM [ARG...]: run it inside up to exit_group; its pid is in $pid
at_exit() {
	pid=$(ctl "$M" spawn maps)
	ctl "$M/$pid" setenv LC_ALL C >/dev/null
	ctl "$M/$pid" exec -k "$@" >/dev/null &&
		ctl "$M/$pid" until call:exit_group >/dev/null &&
		timeout 60 cat "$M/$pid/wait" >"$T/wait"
	like "$(cat "$T/wait")" '^until ' "$1 comes to its end"
}

# lines: maps without what cannot be equal: [vsyscall], and the numbers of shared anonymous memory
lines() {
	grep -v -F '[vsyscall]' | sed 's|00:01 [0-9]* *\(/dev/zero\)|00:01 N \1|'
}

# check_maps PROGRAM [ARG...]
check_maps() {
	[ -x "$1" ] || return 0
	at_exit "$@"
	# shellcheck disable=SC2086 # words
	$env_words "$look" maps "$@" 2>"$T/errors" | lines >"$T/wanted"
	lines <"$M/$pid/maps" >"$T/got"
	ok "maps of $*" diff -u "$T/wanted" "$T/got"
}

# check PROGRAM [ARG...]
check() {
	[ -x "$1" ] || return 0
	check_maps "$@"
	# shellcheck disable=SC2086 # words
	$env_words "$look" smaps "$@" 2>"$T/errors" >"$T/wanted"
	"$look" filter <"$M/$pid/smaps" >"$T/got"
	ok "smaps of $*" diff -u "$T/wanted" "$T/got"
	ctl "$M/$pid" kill KILL >/dev/null
}

run_mount -o ram=256M
check /bin/true
check /bin/echo some words
check /bin/cat "$T/text"
check /bin/ls -l /etc/hostname
check /usr/bin/sort "$T/text"
check /bin/grep text "$T/text"
check /bin/sed s/some/other/ "$T/text"
check /usr/bin/mawk '{ print $1 }' "$T/text"
# It looks at /proc/filesystems, which is not there inside.
check_maps /usr/bin/find "$T/text"
check /usr/bin/sha256sum "$T/text"
check /usr/bin/perl -e 'print join(",", map { $_ * 2 } 1..100), "\n"'
check /usr/bin/python3 -S "$T/program.py"
check /bin/bash -c 'x=1; for i in 1 2 3; do x=$((x * 2)); done; echo $x'
check /bin/dash -c 'echo $((1 + 2))'
check /bin/busybox echo busybox
check "$T/musl"
check "$PROGRAMS/torture_static" 0 0 "$T"
stop_mount
done_testing
