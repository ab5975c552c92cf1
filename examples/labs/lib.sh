# lib.sh - what task and check share: whose numbers they are, how the machine is read, and how a
# point is reported. Sourced by both, before labN.sh.
#
# A lab is a file labN.sh with four functions:
#
#     numbers        set the student's numbers, by draw
#     show_task      print them
#     check_lab      look at the machine; $@ are the answers
#     answers        print what answers the lab wants, in one line
#
# Nothing that is printed by check_lab may hold what the student has to find.
# shellcheck shell=sh disable=SC2154

# Letters and numbers mean the same whatever the student's language.
LC_ALL=C
export LC_ALL

points=0 held=0

# --- Numbers ------------------------------------------------------------------------------------

# begin_numbers NAME N: the draws that follow, and $tag, depend on both.
begin_numbers() {
	seed=$(printf '%s, lab %s' "$1" "$2" | cksum)
	seed=${seed%% *}
	[ -n "$seed" ] || exit 2
	draw 0 65535
	tag=$(printf 'lab%d_%04x' "$2" "$drawn")
}

# draw LOW HIGH: set $drawn to one of these. replace.awk has the same generator.
draw() {
	seed=$(((seed * 69069 + 12345) & 0xffffffff))
	drawn=$(($1 + (seed >> 8) % ($2 - $1 + 1)))
}

# draw_text: set $drawn to eight hex digits
draw_text() {
	draw 0 65535
	drawn_high=$drawn
	draw 0 65535
	drawn=$(printf '%04x%04x' "$drawn_high" "$drawn")
}

# --- Points -------------------------------------------------------------------------------------

# point TEXT HINT COMMAND...: the point TEXT holds if COMMAND succeeds
point() {
	point_text=$1 point_hint=$2
	shift 2
	points=$((points + 1))
	if "$@"; then
		held=$((held + 1))
		printf 'holds: %s\n' "$point_text"
	else
		printf 'does not hold: %s\n    see: %s\n' "$point_text" "$point_hint"
		false
	fi
}

# need TEXT HINT COMMAND...: the same, and nothing else can be checked if it does not hold
need() {
	point "$@" || finish
}

# finish: say how many points hold, and exit. The status says whether all do.
finish() {
	if [ "$held" -eq "$points" ] && [ "$points" -gt 0 ]; then
		echo "All $points points of lab $lab hold."
		exit 0
	fi
	echo "Lab $lab is not done yet."
	exit 1
}

# number TEXT: set $value to the number TEXT, decimal or 0x hex; false if it is none
number() {
	case $1 in
	0x* | 0X*)
		number_digits=${1#0[xX]}
		case $number_digits in '' | *[!0-9a-fA-F]* | ????????????????*) return 1 ;; esac
		;;
	*)
		number_digits=$1
		case $1 in '' | *[!0-9]* | ??????????????????*) return 1 ;; esac
		;;
	esac
	while [ "${number_digits#0}" != "$number_digits" ] && [ "$number_digits" != 0 ]; do
		number_digits=${number_digits#0}
	done
	case $1 in
	0[xX]*) value=$((0x$number_digits)) ;;
	*) value=$number_digits ;;
	esac
}

# equals ANSWER NUMBER
equals() {
	number "$1" && [ "$value" -eq "$2" ]
}

# answer WORD ANSWER NUMBER HINT: the point that the ANSWER called WORD is NUMBER
answer() {
	if [ -z "$2" ]; then
		point "the answer $1" "it is missing; check takes it after MOUNT" false
	elif ! number "$2"; then
		point "the answer $1" "it is no number; write 26 or 0x1a" false
	else
		point "the answer $1" "$4" equals "$2" "$3"
	fi
}

# --- The machine --------------------------------------------------------------------------------

is_machine() {
	[ -r "$mount/sys/vm/policy" ] && [ -r "$mount/meminfo" ] && [ -e "$mount/ctl" ]
}

need_machine() {
	need 'MOUNT is a machine of vasfs that runs' \
		'the folder where you mounted vasfs; is it still mounted?' is_machine
}

# status_of PID KEY: the first word after KEY in its status
status_of() {
	awk -v key="$2:" '$1 == key { print $2; exit }' "$mount/$1/status" 2>/dev/null
}

# comm_of PID
comm_of() {
	cat "$mount/$1/comm" 2>/dev/null
}

# pids: those of all processes, the newest first
pids() {
	for pids_dir in "$mount"/[1-9]*; do
		[ -d "$pids_dir" ] && printf '%s\n' "${pids_dir##*/}"
	done | sort -rn
}

# children_of PID: the oldest first
children_of() {
	for children_pid in $(pids); do
		[ "$(status_of "$children_pid" PPid)" = "$1" ] && printf '%s\n' "$children_pid"
	done | sort -n
}

# find_process: set $pid to the newest process called $tag that no other such process has forked
find_process() {
	for pid in $(pids); do
		[ "$(comm_of "$pid")" = "$tag" ] || continue
		[ "$(comm_of "$(status_of "$pid" PPid)")" = "$tag" ] || return 0
	done
	false
}

need_process() {
	need "a process called $tag lives" \
		'cat */comm in the mount; the command spawn NAME; did it end?' find_process
}

# frames: the number of frames of the machine
frames() {
	awk '$1 == "MemTotal:" { print int($2 / 4) }' "$mount/meminfo"
}

# find_area PID PAGES PERM: set $start to the first address of the first area that has no name, so
# many pages and these rights
find_area() {
	start=$(
		while IFS=' -' read -r area_start area_end area_rest; do
			[ $((0x$area_end - 0x$area_start)) -eq $(($2 * 4096)) ] || continue
			[ "$area_rest" = "$3 00000000 00:00 0" ] || continue
			printf '0x%s\n' "$area_start"
			break
		done <"$mount/$1/maps"
	)
	[ -n "$start" ]
}

# pages PID START COUNT: for each page that has an entry: its index, the entry's kind (page, zero,
# swap), its frame or slot
pages() {
	awk -v start="$(printf '%016x' "$(($2))")" -v count="$3" "$awk_hex"'
		$2 == "PTE" {
			page = (hex($1) - hex(start)) / 4096
			if (page < 0 || page >= count)
				next
			split($6, note, "=")
			print page, / zero( |$)/ ? "zero" : $4, note[2]
		}' "$mount/$1/pagetable"
}

# page_of PID ADDRESS: the kind of its entry and its frame or slot; nothing if there is none
page_of() {
	pages "$1" $(($2 / 4096 * 4096)) 1 | cut -d ' ' -f 2-
}

# faults_of PID START COUNT: for each fault in these pages: index, access, outcome, kind
faults_of() {
	awk -v start="$(printf '%016x' "$(($2))")" -v count="$3" "$awk_hex"'
		{
			page = int((hex($5) - hex(start)) / 4096)
			if (hex($5) >= hex(start) && page < count)
				print page, $4, $6, $7
		}' "$mount/$1/faults"
}

# bytes PID ADDRESS LENGTH: in hex; nothing if a page is not in memory. A page that is in memory is
# not changed by that.
bytes() {
	bytes_first=$(($2 / 4096)) bytes_last=$((($2 + $3 - 1) / 4096))
	[ "$(pages "$1" $((bytes_first * 4096)) $((bytes_last - bytes_first + 1)) |
		grep -c -e page -e zero)" -eq $((bytes_last - bytes_first + 1)) ] || return
	dd if="$mount/$1/mem" bs=4096 skip="$bytes_first" \
		count=$((bytes_last - bytes_first + 1)) 2>/dev/null |
		od -A n -v -t x1 -j $(($2 % 4096)) -N "$3" | tr -d ' \n'
}

# hex TEXT
hex() {
	printf '%s' "$1" | od -A n -v -t x1 | tr -d ' \n'
}

# has_text PID ADDRESS TEXT: the process has TEXT there
has_text() {
	[ "$(bytes "$1" "$2" ${#3})" = "$(hex "$3")" ]
}

# A function for awk: the value of hex digits.
# shellcheck disable=SC2034
awk_hex='function hex(digits,  i, n) {
	for (i = 1; i <= length(digits); i++)
		n = n * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
	return n + 0
}'

# --- Page replacement: labs 6 to 8 --------------------------------------------------------------

# replace ORDER END K FRAMES PAGE...: what a machine does that accesses the pages in turn, as lines
# `load PAGE` and `evict PAGE`. ORDER `load` or `use`: what puts a page at the new end of the list.
# The page that goes is the K-th from END, `old` or `new`.
replace() {
	replace_rule="$1 $2 $3 $4"
	shift 4
	printf '%s\n' "$replace_rule" "$*" | awk -f "$labs/replace.awk" -f "$labs/events.awk"
}

# happened START COUNT: the same lines, as the machine did it
happened() {
	faults_of "$pid" "$1" "$2" | awk '{ print ($3 == "evict" ? "evict" : "load"), $1 }'
}

# same_events WANTED START COUNT: the machine did that, and nothing else, in these pages. The file
# faults keeps the last 512 lines.
same_events() {
	same_got=$(happened "$2" "$3")
	[ "$same_got" = "$(printf '%s\n' "$1" | tail -n 512)" ]
}
