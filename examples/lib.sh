# lib.sh - what the examples share: each has a machine of its own, which is unmounted when the
# example ends, however it ends.
# shellcheck shell=sh

top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
work=
options=

# Put vasfs and vasctl in the path: those that $VASFS names, else those built here, else those
# installed.
find_programs() {
	if [ -n "${VASFS:-}" ]; then
		PATH=$(dirname "$VASFS"):$PATH
	elif [ -x "$top/build/fs/vasfs" ]; then
		PATH=$top/build/fs:$PATH
	elif ! command -v vasfs >/dev/null; then
		echo "$0: vasfs is not built yet; run examples/tour.sh, which builds it" >&2
		exit 1
	fi
}

# Mount a new machine and go there. $options is what vasfs takes after -o. $work becomes a folder
# for the files of the example.
start_machine() {
	trap stop_machine EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 141' PIPE
	trap 'exit 143' TERM
	work=$(mktemp -d "${TMPDIR:-/tmp}/vasfs-example.XXXXXX") && mkdir "$work/machine" &&
		vasfs ${options:+-o "$options"} "$work/machine" && cd "$work/machine" || exit 1
}

stop_machine() {
	trap - EXIT
	trap '' HUP INT PIPE TERM
	cd /
	if grep -q " $work/machine " /proc/self/mountinfo; then
		fusermount3 -u "$work/machine" || fusermount3 -u -z "$work/machine"
	fi
	[ -z "$work" ] || rm -rf --one-file-system "$work"
}

# say LINE...: explain what comes next, in lines of at most 78 columns
say() {
	printf '\n'
	printf '# %s\n' "$@"
}

# show COMMAND: print the command as one would type it, then what it prints, errors too
show() {
	printf '\n$ %s\n' "$1"
	eval "$1" 2>&1
}

# put PID ADDRESS TEXT: show how the process writes TEXT at ADDRESS
put() {
	show "vasctl $1 poke $2 '$3'"
}

# va ADDRESS: the address as pagetable prints it
va() {
	printf '%016x' "$(($1))"
}
