# lib.sh - what the examples share. Each has a machine of its own, which is unmounted when the
# example ends, however it ends.
#
#     . "$(dirname "$0")/lib.sh"
#     lesson "$@"                         # options, programs
#     start_machine
#     say 'What comes next, and why.'
#     ask 'What will happen?'             # with -p, the answer waits for Enter
#     show 'vasctl . spawn'               # the command, then what it prints
#
# Nothing that is printed is wider than 80 columns.
# shellcheck shell=sh

examples=$(cd "$(dirname "$0")" && pwd) && top=$(dirname "$examples") || exit 1
work=
options=
pauses=      # yes: wait for Enter
first_step=yes
text='' command='' plain='' # how the terminal shows lines with # and $, and the rest

# --- The start --------------------------------------------------------------------------------

# lesson ARG...: read the options of an example, and find the programs
lesson() {
	while getopts hp letter; do
		case $letter in
		p) pauses=yes ;;
		h) usage && exit ;;
		*) usage >&2 && exit 2 ;;
		esac
	done
	if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ] && [ -z "${NO_COLOR:-}" ]; then
		text=$(printf '\033[32m') command=$(printf '\033[1m') plain=$(printf '\033[0m')
	fi
	find_programs
	make_work
}

# The head of the example says what it is about.
usage() {
	echo "usage: $0 [-p]"
	echo '  -p  wait for Enter between the steps; q and Enter ends'
	sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
}

# Put vasfs, vasctl and vasfs-replay in the path: those that $VASFS names, else those of this source tree, which
# are built if need be, else those installed.
find_programs() {
	if [ -n "${VASFS:-}" ]; then
		# In a tree where vasfs was built, vasfs-replay is beside its folder.
		PATH=$(dirname "$VASFS"):$(dirname "$VASFS")/../replay:$PATH
	elif [ -f "$top/tests/setup.sh" ]; then
		# shellcheck source-path=SCRIPTDIR source=../tests/setup.sh
		. "$top/tests/setup.sh"
		# shellcheck disable=SC2119 # no further packages
		install_packages && build_programs "$top/build" || exit 1
		PATH=$top/build/fs:$top/build/replay:$PATH
	elif [ -x "$top/../../../bin/vasfs" ]; then
		PATH=$(cd "$top/../../../bin" && pwd):$PATH
	fi
	if ! command -v vasfs >/dev/null; then
		echo "$0: there is no vasfs in the path" >&2
		exit 1
	fi
}

# Make $work, a folder for the files of the example. It goes when the example ends.
make_work() {
	trap clean_up EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 141' PIPE
	trap 'exit 143' TERM
	work=$(mktemp -d "${TMPDIR:-/tmp}/vasfs-example.XXXXXX") || exit 1
}

clean_up() {
	trap - EXIT
	trap '' HUP INT PIPE TERM
	stop_machine
	[ -z "$work" ] || rm -rf --one-file-system "$work"
}

# Mount a new machine on $work/machine and go there. $options is what vasfs takes after -o. The
# clock of the machine moves only with commands, so that everybody sees the same numbers.
start_machine() {
	[ -n "$work" ] || make_work
	mkdir "$work/machine" &&
		vasfs -o "clock=0${options:+,$options}" "$work/machine" &&
		cd "$work/machine" || exit 1
}

stop_machine() {
	cd /
	if grep -q " $work/machine " /proc/self/mountinfo; then
		fusermount3 -u "$work/machine" || fusermount3 -u -z "$work/machine"
	fi
	[ ! -d "$work/machine" ] || rmdir "$work/machine"
}

# Put the program tiny and its source into $work. meson builds it: examples/meson.build.
copy_tiny() {
	bin=$(dirname "$(command -v vasfs)")
	for folder in "$bin/../examples" "$bin/../libexec/vasfs"; do
		if [ -x "$folder/tiny" ]; then
			cp "$folder/tiny" "$examples/tiny.c" "$work"
			return
		fi
	done
	echo "$0: the program tiny is missing" >&2
	exit 1
}

# --- Steps ------------------------------------------------------------------------------------

# say TEXT...: explain. Lines are filled up to 76 columns. A TEXT that begins with a blank keeps
# its line. Each say begins a step.
say() {
	[ -n "$first_step" ] || wait_for_enter
	first_step=
	printf '\n'
	printf '%s\n' "$@" | awk -v "text=$text" -v "plain=$plain" '
		function out() {
			if (line != "")
				print text "#" line plain
			line = ""
		}
		/^ / { out(); line = " " $0; out(); next }
		{
			for (i = 1; i <= NF; i++) {
				if (length(line) + length($i) > 74)
					out()
				line = line " " $i
			}
		}
		END { out() }'
}

# ask TEXT...: a question, or what to expect. The reader thinks first.
ask() {
	say "$@"
	wait_for_enter
}

# With -p, wait for Enter. The end of the input ends the waiting, q ends the example.
wait_for_enter() {
	[ -n "$pauses" ] || return 0
	[ ! -t 1 ] || printf '\n%s' "${text}[Enter]$plain "
	key=
	read -r key || pauses=
	[ "$key" != q ] || exit 0
	# Take the line of the prompt away again, and the blank one before it.
	[ -z "$plain" ] || [ -z "$pauses" ] || printf '\033[A\033[2K\033[A'
}

# show COMMAND: print the command as one would type it, then what it prints, errors too
show() {
	printf '\n%s\n' "$command\$ $1$plain"
	eval "$1" 2>&1 </dev/null | wrap
}

# put PID ADDRESS TEXT: show how the process writes TEXT at ADDRESS
put() {
	show "vasctl $1 poke $2 '$3'"
}

# Break lines of more than 80 columns at a blank. What goes on is indented by six.
wrap() {
	expand | awk '{
		line = $0
		while (length(line) > 80) {
			for (i = 81; i > 20 && substr(line, i, 1) != " "; i--)
				;
			if (i == 20)
				break
			print substr(line, 1, i - 1)
			line = "      " substr(line, i + 1)
		}
		print line
	}'
}

# map PID: show its map, without offsets, devices and inodes
map() {
	show "awk '{ print \$1, \$2, \$6 }' $1/maps"
}

# entries ADDRESS [FILE...]: show the last-level entry for it in each process, or in each FILE
entries() {
	where=$1
	shift
	show "grep '^$(va "$where") PTE' ${*:-*/pagetable}"
}

# va ADDRESS: the address as pagetable prints it
va() {
	printf '%016x' "$(($1))"
}

# plus ADDRESS NUMBER
plus() {
	printf '0x%x' "$(($1 + $2))"
}
