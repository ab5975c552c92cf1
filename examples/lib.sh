# lib.sh - what the examples share: a machine of their own, which goes when they end, however they end.
# shellcheck shell=sh

top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
work=
options=

# Where vasfs and vasctl are: as $VASFS says, as built here, or as installed.
find_programs() {
	if [ -n "${VASFS:-}" ]; then
		PATH=$(dirname "$VASFS"):$PATH
	elif [ -x "$top/build/fs/vasfs" ]; then
		PATH=$top/build/fs:$PATH
	elif ! command -v vasfs >/dev/null; then
		echo "$0: there is no vasfs yet: examples/tour.sh builds it" >&2
		exit 1
	fi
}

# Mount a new machine with $options, as vasfs takes them after -o, and go there; $work is a folder for the files of the example.
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

# say LINE...: what is shown next, and why it is so
say() {
	printf '\n'
	printf '# %s\n' "$@"
}

# show COMMAND: the command as one would type it, then what it prints
show() {
	printf '\n$ %s\n' "$1"
	eval "$1"
}

# put PID ADDRESS TEXT: shows how the process writes TEXT at ADDRESS, the start of a page
put() {
	show "printf '$3' | dd of=$1/mem bs=4096 seek=\$(($2 / 4096)) conv=notrunc status=none"
}

# va ADDRESS: as pagetable writes it
va() {
	printf '%016x' "$(($1))"
}
