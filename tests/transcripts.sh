#!/bin/sh
# transcripts.sh - what README.md and the examples print is what is written down: the session in
# README.md, and transcripts/NAME.txt for examples/NAME.sh.
#
#     tests/transcripts.sh [NAME...]             compare; NAME is README, tour, cow ...; all
#     tests/transcripts.sh --update [NAME...]    write down what they print now
#
# It also fails if an example prints a line of more than 80 columns. The examples are run by the
# shell that runs this script, with the programs of build/, or those that $VASFS names.
set -u
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
shell=$(readlink "/proc/$$/exe")
VASFS=${VASFS:-$top/build/fs/vasfs}
export VASFS

scratch=$(mktemp -d "${TMPDIR:-/tmp}/vasfs-transcripts.XXXXXX") || exit 1
clean_up() {
	trap - EXIT
	cd /
	if grep -q " $scratch/m " /proc/self/mountinfo; then
		fusermount3 -u -z "$scratch/m"
	fi
	rm -rf --one-file-system "$scratch"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- What depends on the host ---------------------------------------------------------------

# The folder of an example has a new name each time, and others where $TMPDIR is set.
mask_folder() {
	sed 's,/[^ :+]*/vasfs-example\.[A-Za-z0-9]*,WORK,g'
}

# So do files in it: inode numbers.
mask_inode() {
	sed -E 's/ [0-9a-f]+:[0-9a-f]+ [0-9]+ +/ DEVICE INODE /'
}

# The length of that name decides where a line is broken. A line that goes on is indented by six.
join_lines() {
	awk '
		/^      [^ ]/ && NR > 1 { line = line substr($0, 6); next }
		NR > 1 { print line }
		{ line = $0 }
		END { print line }'
}

# How many areas the kernel has in a process, and how large they are, depends on its version.
mask_kernel() {
	sed '/ \[v[a-z_]*\]$/d'
}

# Versions of ls and the C library differ in size, and so do addresses. There may be other
# libraries.
mask_libraries() {
	sed -E \
		-e '/\/lib[^ ]*\/(libc\.so|ld-linux)/!{/\/lib[^ ]*\.so/d}' \
		-e '/\/(ls|lib[^ ]*)( |\+|$)/{
			s/\/[^ ]*\/(ls|libc\.so\.6|ld-linux)/\1/g
			s/([ =:+-]|^)(0x)?[0-9a-f]{4,}/\1N/g
			s/(frame=)[^ ]*/\1N/
		}'
}

# In README.md the clock is the real one. How many frames ls has, and so their numbers, depends on
# its size.
mask_readme() {
	sed -E \
		-e 's/^[0-9]+ [0-9]+\.[0-9]{6} /SEQ TIME /' \
		-e 's/frame=0x[0-9a-f]+|-> 0x[0-9a-f]+/FRAME/g' \
		-e 's/from=0x[0-9a-f]+/FROM/g' \
		-e 's/=0x[0-9a-f]{16}/=ENTRY/g' \
		-e 's/ +$//'
}

# What replay.sh records afresh is another trace on each host.
mask_recorded() {
	sed '/^# Now a trace of your own/,$d'
}

# mask NAME
mask() {
	if [ "$1" = README ]; then
		mask_inode | mask_libraries | mask_readme
	else
		mask_folder | mask_inode | join_lines | mask_kernel | mask_libraries | mask_recorded
	fi
}

# --- README.md ------------------------------------------------------------------------------

# The session is the first block of code that begins with a prompt.
readme_session() {
	awk '/^    \$ / { inside = 1 } inside && !/^    / { exit } inside { print substr($0, 5) }' \
		"$top/README.md"
}

# Run the commands of the session in one shell; print each, and what it prints.
run_readme() {
	PATH=$(dirname "$VASFS"):$PATH
	cd "$scratch" || exit 1
	readme_session | grep '^\$ ' >commands
	while read -r line <&3; do
		printf '%s\n' "$line"
		eval "${line#\$ }" 2>&1
	done 3<commands
}

update_readme() {
	awk -v "session=$1" '
		/^    \$ / && !done {
			while ((getline line < session) > 0)
				print "    " line
			inside = done = 1
		}
		!/^    / { inside = 0 }
		!inside { print }' "$top/README.md" | sed 's/ *$//' >"$scratch/README" &&
		cat "$scratch/README" >"$top/README.md"
}

# --- Each of them ---------------------------------------------------------------------------

# run NAME: print what it prints
run() {
	if [ "$1" = README ]; then
		(run_readme)
	else
		"$shell" "$top/examples/$1.sh" 2>&1 </dev/null
	fi
}

# written NAME: what is written down
written() {
	if [ "$1" = README ]; then
		readme_session
	elif [ -e "$top/tests/transcripts/$1.txt" ]; then
		cat "$top/tests/transcripts/$1.txt"
	fi
}

# compare NAME: the differences; fails if there are any
compare() {
	written "$1" | mask "$1" >"$scratch/wanted"
	mask "$1" <"$scratch/got" | diff -u "$scratch/wanted" -
}

# narrow NAME: fails if a line is too wide
narrow() {
	[ "$1" = README ] ||
		! mask_folder <"$scratch/got" | awk 'length($0) > 80 { print "too wide: " $0 }' | grep .
}

update=
if [ "${1:-}" = --update ]; then
	update=yes
	shift
fi
if [ $# -eq 0 ]; then
	set -- README
	for example in "$top"/examples/*.sh; do
		name=$(basename "$example" .sh)
		# lib is no example, and mmapcopy prints a file.
		[ "$name" = lib ] || [ "$name" = mmapcopy ] || set -- "$@" "$name"
	done
fi
failed=0
for name in "$@"; do
	if ! run "$name" >"$scratch/got"; then
		cat "$scratch/got"
		echo "$name does not end well"
		failed=1
		continue
	fi
	narrow "$name" || failed=1
	compare "$name" >"$scratch/differences" && continue
	if [ -z "$update" ]; then
		echo "$name prints something else than is written down:"
		cat "$scratch/differences"
		failed=1
	elif [ "$name" = README ]; then
		update_readme "$scratch/got"
	else
		cp "$scratch/got" "$top/tests/transcripts/$name.txt"
	fi
done
exit $failed
