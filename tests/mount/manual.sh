# The manual names every command, every file and every option.
. "$(dirname "$0")/lib.sh"
: "${MANUAL:?}"

# page NAME.SECTION: its text, a word's formatting removed
page() {
	man --nh -l "$MANUAL/$1" 2>"$T/complaints" | col -bx
}

if ! ls "$MANUAL"/*.8 >/dev/null 2>&1; then
	skip 'scdoc is not installed' 'the manual'
	done_testing
fi
for file in "$MANUAL"/*.[0-9]; do
	name=${file##*/}
	isnt "$(page "$name" | wc -l)" 0 "$name: a page"
	is "$(cat "$T/complaints")" '' "$name: man has nothing to complain of"
done

# named WORD... in TEXT: which of the words, one a line on standard input, TEXT does not name
missing_in() {
	while read -r word; do
		grep -qw -e "$word" "$1" || echo "$word"
	done
}
page vasfs-ctl.5 >"$T/ctl"
page vasfs-files.5 >"$T/files"
page vasfs.8 >"$T/vasfs"
"$VASFS" -h >"$T/help" 2>&1
start_mount
pid=$(ctl "$M" spawn demo)
is "$(ctl --list "$M" | missing_in "$T/ctl")" '' 'every command to the machine is named'
is "$(ctl --list "$M/$pid" | missing_in "$T/ctl")" '' 'every command to a process is named'
is "$(sed -n 's/^    -o \([a-z_]*\).*(.*/\1/p' "$T/help" | missing_in "$T/vasfs")" '' \
	'every option is named'
is "$(ls "$M" "$M/$pid" "$M/sys/vm" | grep '^[A-Za-z_]*$' | missing_in "$T/files")" '' \
	'every file is named'
is "$(grep -o '^Sim[A-Za-z0-9]*' "$M/$pid/status" | missing_in "$T/files")" '' \
	'every line of status that is ours is named'
stop_mount
done_testing
