# lab1.sh - find the stack
# shellcheck shell=sh disable=SC2154

# The words are an argument list in an order of the student's own. Below the stack pointer, near is
# in the area of the stack already, far is where it has to grow to, and beyond where it cannot.
numbers() {
	words=$tag rest='ash birch chestnut elm hawthorn oak rowan' left=7
	while [ "$left" -gt 0 ]; do
		draw 1 "$left"
		taken=$(printf '%s\n' "$rest" | cut -d ' ' -f "$drawn")
		words="$words $taken"
		rest=$(printf '%s\n' "$rest" | tr ' ' '\n' | grep -vx "$taken" | tr '\n' ' ')
		left=$((left - 1))
	done
	draw 3 7
	nth=$drawn word=$(printf '%s\n' "$words" | cut -d ' ' -f "$nth")
	draw 20000 100000
	near=$drawn
	draw 400000 6000000
	far=$drawn
	draw 9000000 20000000
	beyond=$drawn
	draw_text
	near_text=$drawn
	draw_text
	far_text=$drawn
}

answers() {
	echo 'ADDRESS KIB'
}

show_task() {
	cat <<-END
		Arguments of ls:
		    $words
		ADDRESS: where the word $word begins on the stack
		Near:    $near bytes below SimSp, text $near_text
		Far:     $far bytes below SimSp, text $far_text
		Beyond:  $beyond bytes below SimSp
		KIB:     the size of the stack's area, in KiB, after you have stored far
	END
}

# find_ls: set $pid to the newest process with the right arguments
find_ls() {
	for pid in $(pids); do
		arguments=$(tr '\0' '\n' 2>/dev/null <"$mount/$pid/cmdline" | sed 1d | tr '\n' ' ')
		[ "$arguments" != "$words " ] || return 0
	done
	false
}

# word_address: set $address to what argv[NTH] points to: it stands after argc and argv[0]
word_address() {
	pointer=$(bytes "$pid" $((sp + 8 + 8 * nth)) 8)
	[ -n "$pointer" ] && address=$(printf '%s\n' "$pointer" | sed 's/../& /g' |
		awk '{ for (i = 8; i >= 1; i--) printf "%s", $i }') && address=$((0x$address))
}

# stack_size: the bytes of its area
stack_size() {
	set -- "$(awk '$NF == "[stack]" { sub("-", " 0x", $1); print "0x" $1 }' "$mount/$pid/maps")"
	echo $((${1#* } - ${1% *}))
}

# faulted_at ADDRESS KIND: there was such a fault
faulted_at() {
	grep -q " $(printf '%016x' "$1") [a-z]* $2\( \|\$\)" "$mount/$pid/faults"
}

check_lab() {
	need 'a process runs ls with your words as arguments' \
		'vasctl MOUNT exec /bin/ls ...; cat PID/cmdline' find_ls
	sp=$(($(status_of "$pid" SimSp)))
	need 'the stack still has the pointers to the arguments' \
		'exec again: something was written over argv' word_address
	answer ADDRESS "${1:-}" "$address" \
		'hexdump -C -s START -n LENGTH PID/mem on the last page of the stack'
	point "near: $near_text is $near bytes below SimSp" \
		'sp - N is an address for poke; is the text all there?' \
		has_text "$pid" $((sp - near)) "$near_text"
	point "far: $far_text is $far bytes below SimSp" \
		'the same as near; what does maps say before and after?' \
		has_text "$pid" $((sp - far)) "$far_text"
	point 'far: the stack grew for it' \
		'tail -n 1 PID/faults just after the poke: KIND' \
		faulted_at $((sp - far)) stack-grow
	answer KIB "${2:-}" $(($(stack_size) / 1024)) \
		'the two addresses of [stack] in maps: subtract, divide by 1024'
	point "beyond: an access $beyond bytes below SimSp was refused" \
		'vasctl MOUNT/PID access r ADDRESS; tail PID/faults' \
		faulted_at $((sp - beyond)) segv-maperr
}
