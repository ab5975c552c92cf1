# The labs: a right solution is accepted. Wrong ones, and one made for another name, are refused,
# and what check prints then does not hold the answers.
. "$(dirname "$0")/lib.sh"
labs=$(cd "$(dirname "$0")/../../examples/labs" && pwd)
shell=$(readlink "/proc/$$/exe")
unset VASFS_NAME

# --- The student ------------------------------------------------------------------------------

# bob and ada are right, cyd copies from bob. A name is any text.
ada='Ada L. "x" $HOME \* ünï'

task() {
	"$shell" "$labs/task" -n "$@"
}

# given N NAME [AS]: set $given to the task of NAME, under the tag of AS; $tag
given() {
	given=$(task "$2" "$1")
	tag=$(tag_in "$1" "$given")
	if [ $# -gt 2 ]; then
		given_as=$(tag_in "$1" "$(task "$3" "$1")")
		given=$(printf '%s\n' "$given" | sed "s/$tag/$given_as/g")
		tag=$given_as
	fi
}

# tag_in N TASK
tag_in() {
	printf '%s\n' "$2" | grep -o "lab$1_[0-9a-f]*" | head -n 1
}

# numbers_after WORD: the numbers in the line that begins with WORD
numbers_after() {
	printf '%s\n' "$given" | sed -n "s/^$1//p" | tr -c '0-9\n' ' ' | tr -s ' ' |
		sed 's/^ *//; s/ *$//'
}

# nth N WORD...
nth() {
	shift "$1"
	printf '%s\n' "$1"
}

# spawned LENGTH: a process of the student with an area of so many pages: $pid, $start
spawned() {
	pid=$(ctl "$M" spawn "$tag")
	start=$(ctl "$M/$pid" mmap 0 $(($1 * 4096)) rw- private,anon)
}

# touch_pages PID ACCESS FIRST LAST
touch_pages() {
	ctl "$M/$1" access "$2" "$(plus "$start" $(($3 * 4096)))" $((($4 - $3 + 1) * 4096)) \
		>/dev/null
}

# store PID ADDRESS TEXT
store() {
	ctl "$M/$1" poke "$2" "$3" >/dev/null
}

# --- The checks ---------------------------------------------------------------------------------

# run_check NAME N ANSWER...: set $output and $status
run_check() {
	check_name=$1 check_lab=$2
	shift 2
	output=$("$shell" "$labs/check" -n "$check_name" "$check_lab" "$M" "$@" 2>&1)
	status=$?
}

# accepts DESCRIPTION NAME N ANSWER...
accepts() {
	accepts_what=$1
	shift
	run_check "$@"
	is "$status $(printf '%s\n' "$output" | grep -c '^does not hold')" '0 0' "$accepts_what"
	[ "$status" -eq 0 ] || printf '%s\n' "$output" | sed 's/^/# /'
}

# refuses DESCRIPTION PATTERN NAME N ANSWER...: a point that matches does not hold
refuses() {
	refuses_what=$1 refuses_pattern=$2
	shift 2
	run_check "$@"
	is "$status" 1 "$refuses_what"
	like "$output" "^does not hold: .*($refuses_pattern)" 'and check says what does not hold'
	is "$(printf '%s\n' "$output" | awk 'length > 80')" '' 'in lines of a terminal'
}

# keeps_secret ANSWER...: the last check printed none of them. One of two digits may stand in a
# point that holds: `child 2`.
keeps_secret() {
	for secret in "$@"; do
		case $secret in
		???*) printf '%s\n' "$output" ;;
		*) printf '%s\n' "$output" | grep -v -e '^holds: ' -e '^Lab ' ;;
		esac | grep -Fwe "$secret"
	done >"$T/secrets"
	is "$(cat "$T/secrets")" '' 'and the answer is not in what it prints'
}

# wrong_each NAME N WORDS ANSWER...: each answer, called by one of the WORDS, is refused if it is
# wrong by one
wrong_each() {
	wrong_name=$1 wrong_lab=$2 wrong_words=$3 wrong_at=0
	shift 3
	for wrong_word in $wrong_words; do
		wrong_at=$((wrong_at + 1)) wrong_i=0 wrong_list=
		for wrong_answer in "$@"; do
			wrong_i=$((wrong_i + 1))
			if [ $wrong_i -eq $wrong_at ]; then
				wrong_secret=$wrong_answer
				wrong_answer=$((wrong_answer + 1))
			fi
			wrong_list="$wrong_list $wrong_answer"
		done
		# shellcheck disable=SC2086
		refuses "lab $wrong_lab: a wrong $wrong_word" "the answer $wrong_word\$" \
			"$wrong_name" "$wrong_lab" $wrong_list
		keeps_secret "$wrong_secret"
	done
}

# --- 1: find the stack --------------------------------------------------------------------------

# solve1 NAME [AS]: set $answers
solve1() {
	given 1 "$@"
	words=$(printf '%s\n' "$given" | sed -n 's/^    //p' | head -n 1)
	# shellcheck disable=SC2086
	pid=$(ctl "$M" exec /bin/ls $words)
	word=$(printf '%s\n' "$given" | sed -n 's/.*the word \([a-z]*\) begins.*/\1/p')
	for what in Near Far; do
		line=$(printf '%s\n' "$given" | grep "^$what")
		below=$(nth 2 $line)
		store "$pid" "sp-$below" "${line##* }"
	done
	ctl "$M/$pid" access r "sp-$(nth 1 $(numbers_after Beyond))" >/dev/null 2>&1
	stack=$(grep -F '[stack]' "$M/$pid/maps" | cut -d ' ' -f 1)
	top=0x${stack#*-}
	at=$(dd if="$M/$pid/mem" bs=4096 skip=$((top / 4096 - 2)) count=2 2>/dev/null |
		grep -abo "$word" | head -n 1)
	answers="$(plus "$top" $((${at%%:*} - 8192))) $(((top - 0x${stack%-*}) / 1024))"
}

start_mount
for student in bob "$ada"; do
	solve1 "$student"
	accepts "lab 1: a right solution ($student)" "$student" 1 $answers
done
wrong_each "$ada" 1 'ADDRESS KIB' $answers
right=$pid
refuses 'lab 1: the machine of somebody else' 'your words' cyd 1 $answers
solve1 bob cyd
refuses 'lab 1: a copy under another name' 'your words' cyd 1 $answers
ctl "$M/$right" poke sp-1 X >/dev/null
given 1 "$ada"
ctl "$M/$right" poke "sp-$(nth 1 $(numbers_after Near))" X >/dev/null
refuses 'lab 1: another text' 'near: ' "$ada" 1 $answers
stop_mount

# --- 2: lazy allocation -------------------------------------------------------------------------

solve2() {
	given 2 "$@"
	spawned "$(nth 1 $(numbers_after Area))"
	touch_pages "$pid" r $(numbers_after Read)
	touch_pages "$pid" w $(numbers_after Write)
	line=$(printf '%s\n' "$given" | grep '^Text')
	set -- $line
	store "$pid" "$(plus "$start" $(($6 * 4096 + $9)))" "$3"
	zero=$(grep -c ' PTE .* zero' "$M/$pid/pagetable")
	answers="$(($(grep -c ' PTE ' "$M/$pid/pagetable") - zero)) $zero"
	answers="$answers $(sed -n 's/^SimFaultsMinor:[^0-9]*//p' "$M/$pid/status")"
}

start_mount
for student in bob "$ada"; do
	solve2 "$student"
	accepts "lab 2: a right solution ($student)" "$student" 2 $answers
done
wrong_each "$ada" 2 'FRAMES ZERO FAULTS' $answers
touch_pages "$pid" r 0 0
refuses 'lab 2: a page too many' 'no other page' "$ada" 2 $answers
refuses 'lab 2: the machine of somebody else' 'a process called' cyd 2 $answers
solve2 bob cyd
refuses 'lab 2: a copy under another name' 'an area of' cyd 2 $answers
given 2 bob
spawned "$(nth 1 $(numbers_after Area))"
touch_pages "$pid" w $(numbers_after Write)
touch_pages "$pid" r $(numbers_after Read)
refuses 'lab 2: written before it was read' 'read before they were written' bob 2 $answers
stop_mount

# --- 3: translate by hand -----------------------------------------------------------------------

solve3() {
	given 3 "$@"
	spawned "$(numbers_after Before:)"
	touch_pages "$pid" w 0 $(($(numbers_after Before:) - 1))
	line=$(printf '%s\n' "$given" | grep '^First')
	address=${line##* }
	ctl "$M/$pid" mmap $((address / 4096 * 4096)) 4K rw- private,anon,fixed >/dev/null
	set -- $line
	store "$pid" "$address" "${10}"
	answers=$(ctl "$M/$pid" walk "$address" | sed -n 's/^P[GUMT][DE]\[\([0-9]*\)\].*/\1/p')
	answers="$answers $((address % 4096))"
	physical=$(ctl "$M/$pid" translate "$address")
	answers="$answers $(nth 3 $physical)"
	tables=$(grep -c ' table ' "$M/$pid/pagetable")
	set -- $(numbers_after 'Second:  PGD')
	address=$(printf '0x%x' $((($1 << 39) + ($2 << 30) + ($3 << 21) + ($4 << 12))))
	ctl "$M/$pid" mmap "$address" 4K rw- private,anon,fixed >/dev/null
	store "$pid" "$(plus "$address" "$5")" "$(printf '%s\n' "$given" |
		sed -n 's/.*that page and store \([0-9a-f]*\) there/\1/p')"
	answers="$answers $(($(grep -c ' table ' "$M/$pid/pagetable") - tables))"
}

start_mount
for student in bob "$ada" dan fay eve; do
	solve3 "$student"
	accepts "lab 3: a right solution ($student)" "$student" 3 $answers
done
wrong_each eve 3 'PGD PUD PMD PTE OFFSET PHYS TABLES' $answers
refuses 'lab 3: no answers' 'the answer PGD' eve 3
like "$output" 'it is missing' 'and check says so'
refuses 'lab 3: answers that are no numbers' 'the answer PGD' \
	eve 3 "x[\$(touch $T/run)]" '*' '' 08x - +1 0x
refused 'no answer is run' test -e "$T/run"
refuses 'lab 3: the machine of somebody else' 'a process called' cyd 3 $answers
solve3 bob cyd
refuses 'lab 3: a copy under another name' 'the first text' cyd 3 $answers
like "$output" '^does not hold: the answer PUD' 'with the answers of another address'
stop_mount

# --- 4: count copy-on-write ---------------------------------------------------------------------

solve4() {
	given 4 "$@"
	count=$(nth 1 $(numbers_after Area))
	spawned "$count"
	touch_pages "$pid" w 0 $((count - 1))
	child1=$(ctl "$M/$pid" fork)
	child2=$(ctl "$M/$pid" fork)
	printf '%s\n' "$given" | sed -n 's/^[3-9]\. \(.*\) writes to pages/\1/p' |
		while read -r who which from _ to; do
			case "$who $which" in
			'Child 1') touch_pages "$child1" w "$from" "${to%.}" ;;
			'Child 2') touch_pages "$child2" w "$from" "${to%.}" ;;
			*) touch_pages "$pid" w "$from" "${to%.}" ;;
			esac
		done
	set -- "$M/$pid" "$M/$child1" "$M/$child2"
	answers=$(cat "$1/faults" "$2/faults" "$3/faults" | grep -c ' cow-copy ')
	answers="$answers $(cat "$1/faults" "$2/faults" "$3/faults" | grep -c ' cow-reuse ')"
	answers="$answers $(cat "$1/pagetable" "$2/pagetable" "$3/pagetable" | grep ' PTE ' |
		grep -o 'pfn=0x[0-9a-f]*' | sort -u | wc -l)"
}

for options in fork=share fork=copy; do
	start_mount -o $options
	for student in bob "$ada"; do
		solve4 "$student"
		accepts "lab 4: a right solution ($student, $options)" "$student" 4 $answers
	done
	stop_mount
done
start_mount
solve4 "$ada"
wrong_each "$ada" 4 'COPIES REUSES FRAMES' $answers
refuses 'lab 4: the machine of somebody else' 'a process called' cyd 4 $answers
touch_pages "$child2" w 0 $((count - 1))
refuses 'lab 4: a child wrote too much' 'child 2' "$ada" 4 $answers
ctl "$M" kill "$child1" >/dev/null
refuses 'lab 4: a child has ended' 'two children' "$ada" 4 $answers
solve4 bob cyd
refuses 'lab 4: a copy under another name' 'an area of|child 1|the answer FRAMES' cyd 4 $answers
stop_mount

# --- 5: shared or private -----------------------------------------------------------------------

# at N: the offset in step N; text N: what is stored there
at() {
	printf '%s\n' "$given" | sed -n "s/^$1\. .* at offset \([0-9]*\)\..*/\1/p;
		s/^5\. Fork.* at offset \([0-9]*\)\..*/\1/;"
}
text() {
	printf '%s\n' "$given" | sed -n "s/^$1\. .*stores* \([0-9a-f]*\) .*/\1/p"
}

# solve5 FILE ORDER NAME [AS]: steps 1 to 3 in this order
solve5() {
	file=$1 order=$2
	shift 2
	given 5 "$@"
	size=$(nth 1 $(numbers_after FILE:))
	yes "$tag" | head -c "$size" >"$file"
	pid=$(ctl "$M" spawn "$tag")
	private=$(ctl "$M/$pid" mmap 0 "$size" rw- private "$file")
	shared=$(ctl "$M/$pid" mmap 0 "$size" rw- shared "$file")
	for step in $order; do
		case $step in
		1) store "$pid" "$(plus "$private" "$(at 1)")" "$(text 1)" ;;
		*) store "$pid" "$(plus "$shared" "$(at $step)")" "$(text $step)" ;;
		esac
	done
	ctl "$M/$pid" msync "$shared" "$size" sync >/dev/null
	ctl "$M/$pid" peek "$(plus "$private" "$(at 2)")" 8 >/dev/null
	ctl "$M/$pid" peek "$(plus "$private" "$(at 3)")" 8 >/dev/null
	set -- $(numbers_after 'A, B:') $(numbers_after ' *B: private')
	a=$(ctl "$M/$pid" mmap 0 $(($1 * 4096)) rw- "${kind_of_a:-shared},anon")
	b=$(ctl "$M/$pid" mmap 0 $(($2 * 4096)) rw- private,anon)
	child=$(ctl "$M/$pid" fork)
	store "$pid" "$(plus "$a" "$(at 5)")" "$(text 5)"
	store "$child" "$(plus "$b" "$(at 6)")" "$(text 6)"
	ctl "$M/$child" peek "$(plus "$a" "$(at 5)")" 8 >/dev/null
	ctl "$M/$pid" peek "$(plus "$b" "$(at 6)")" 8 >/dev/null
}

start_mount
for student in bob "$ada"; do
	solve5 "$T/a file" '1 2 3' "$student"
	accepts "lab 5: a right solution ($student)" "$student" 5 "$T/a file"
done
cp "$T/a file" "$T/other"
refuses 'lab 5: another file' 'P is there' "$ada" 5 "$T/other"
refuses 'lab 5: no file' 'FILE is a file' "$ada" 5
ctl "$M/$pid" poke "$(plus "$b" "$(at 6)")" "$(text 6)" >/dev/null
refuses 'lab 5: the parent has written what the child did' 'parent does not find' \
	"$ada" 5 "$T/a file"
solve5 "$T/late" '3 2 1' bob
refuses 'lab 5: the steps in another order' 'step 3: P does not' bob 5 "$T/late"
kind_of_a=private solve5 "$T/private" '1 2 3' bob
kind_of_a=
refuses 'lab 5: A is private' 'A is there' bob 5 "$T/private"
refuses 'lab 5: the machine of somebody else' 'a process called' cyd 5 "$T/a file"
solve5 "$T/copy" '1 2 3' bob cyd
refuses 'lab 5: a copy under another name' 'FILE is a file' cyd 5 "$T/copy"
stop_mount

# --- 6: Belady and LRU by hand ------------------------------------------------------------------

# run6 POLICY FRAMES: mount that machine and run the string on it; $faults and $victims
run6() {
	start_mount -o "ram=$(($2 * 4))K,policy=$1,swapsize=1M"
	spawned 10
	for page in $(numbers_after String:); do
		echo "access w $((start + page * 4096))"
	done | ctl "$M/$pid" >/dev/null
	faults=$(grep -vc ' evict ' "$M/$pid/faults")
	victims=$(awk -v start="${start#0x}" '$6 == "evict" { print $5 }' "$M/$pid/faults" |
		while read -r address; do
			printf %d $(((0x$address - start) / 4096))
		done)
}

# table6: set $answers, from four machines
table6() {
	answers= words6=
	for machine in 'fifo 3' 'fifo 4' 'lru 3' 'lru 4'; do
		run6 $machine
		stop_mount
		answers="$answers $faults"
		case $machine in *3) words6="$words6 $victims" ;; esac
	done
	answers="$answers$words6"
}

given 6 "$ada"
table6
isnt "$(nth 1 $answers)" "$(nth 2 $answers)" 'lab 6: FIFO has the anomaly'
for machine in 'fifo 3' 'lru 4'; do
	run6 $machine
	accepts "lab 6: a right table, on $machine" "$ada" 6 $answers
	if [ "$machine" = 'fifo 3' ]; then
		wrong_each "$ada" 6 'F3 F4 L3 L4 FV LV' $answers
		refuses 'lab 6: the machine of somebody else' 'a process called' cyd 6 $answers
	fi
	touch_pages "$pid" w 0 9
	refuses "lab 6: more accesses than the string, on $machine" 'your string' \
		"$ada" 6 $answers
	stop_mount
done
given 6 bob cyd
run6 fifo 4
refuses 'lab 6: a copy under another name' 'your string' cyd 6 $answers
stop_mount
start_mount -o ram=20K,policy=fifo
refuses 'lab 6: another machine' '3 or 4 frames' bob 6 $answers
stop_mount

# --- 7: where thrashing begins ------------------------------------------------------------------

# run7 NAME FRAMES [AS]
run7() {
	start_mount -o "ram=$(($2 * 4))K,policy=lru,swapsize=1M"
	given 7 "$1" ${3+"$3"}
	spawned 64
	task "$1" 7 "$start" | ctl "$M/$pid" >"$T/accesses"
	faults=$(grep -vc ' hit ' "$T/accesses")
}

few=8 knee=40
while [ $((knee - few)) -gt 1 ]; do
	middle=$(((few + knee) / 2))
	run7 bob $middle
	stop_mount
	if [ "$faults" -le 100 ]; then
		knee=$middle enough=$faults
	else
		few=$middle below=$faults
	fi
done
answers="$knee $enough $below"
run7 bob "$knee"
accepts 'lab 7: a right solution' bob 7 $answers
wrong_each bob 7 'KNEE FAULTS BELOW' $answers
refuses 'lab 7: the machine of somebody else' 'a process called' cyd 7 $answers
touch_pages "$pid" w 0 63
refuses 'lab 7: more accesses' 'all of them, once' bob 7 $answers
stop_mount
run7 bob $((knee + 1))
refuses 'lab 7: more memory than needed' 'with one frame less' bob 7 "$((knee + 1))" $enough $below
keeps_secret "$knee"
stop_mount
run7 bob $((knee - 1))
refuses 'lab 7: less memory than needed' 'were faults' bob 7 $answers
stop_mount
run7 bob "$knee" cyd
refuses 'lab 7: a copy under another name' 'all of them, once' cyd 7 $answers
stop_mount

# --- 8: write a policy --------------------------------------------------------------------------

# run8 NAME [AS]: with the policy that is called as the tag
run8() {
	given 8 "$@"
	start_mount -o "ram=32K,policy=$tag,swapsize=1M"
	spawned 13
	for page in $(printf '%s\n' "$given" | sed '1,/^String/d; /^Check/d'); do
		echo "access w $((start + page * 4096))"
	done | ctl "$M/$pid" >/dev/null
}

plain_vasfs=$VASFS VASFS=$LAB_VASFS
given 8 bob
is "$tag" lab8_4b83 'lab 8: the tag of bob is that of his policy'
run8 bob
accepts 'lab 8: a right solution' bob 8
refuses 'lab 8: the machine of somebody else' 'the policy of the machine' cyd 8
touch_pages "$pid" w 0 12
refuses 'lab 8: more accesses than the string' 'and no others' bob 8
ctl "$M" kill "$pid" >/dev/null
refuses 'lab 8: the process has ended' 'a process called' bob 8
stop_mount
run8 dan
refuses 'lab 8: a wrong policy' 'each page that went' dan 8
like "$output" 'eviction [0-9]+ in faults' 'and check says where to look'
stop_mount
run8 bob cyd
refuses "lab 8: bob's policy and string under another name" 'it began with|each page' cyd 8
stop_mount
run8 cyd
refuses "lab 8: bob's policy under another name" 'each page that went' cyd 8
stop_mount
VASFS=$plain_vasfs
start_mount -o ram=32K,policy=lru,swapsize=1M
refuses 'lab 8: a policy that was there' 'the policy of the machine' bob 8
stop_mount

# --- Around them --------------------------------------------------------------------------------

mkdir "$T/-a folder"
is "$(cd "$T" && "$shell" "$labs/check" -nbob 2 '-a folder' 2>&1 | head -n 1)" \
	'does not hold: MOUNT is a machine of vasfs that runs' 'the folder may have any name'
start_mount
solve2 bob
is "$(cd "$T" && "$shell" "$labs/check" -nbob 2 mnt $answers | tail -n 1)" \
	'All 12 points of lab 2 hold.' 'and a relative one'
stop_mount
for lab in 1 2 3 4 5 6 7 8; do
	refuses "lab $lab: a folder that is no machine" 'is a machine' bob $lab
	is "$(for student in bob cyd "$ada" "a" ''; do
		VASFS_NAME=$student "$shell" "$labs/task" $lab
	done | awk 'length > 80')" '' "lab $lab: the task fits a terminal"
	isnt "$(task bob $lab)" "$(task cyd $lab)" 'and has numbers of its own'
	wanted=$(task bob $lab | sed -n 's/^Check with: check . MOUNT//p')
	ok 'and asks for the answers that the sheet names' \
		grep -qx "    \$LABS/check $lab m$wanted" "$labs/../../docs/labs/$lab"-*.md
done
is "$(VASFS_NAME=bob "$shell" "$labs/task" 3)" "$(task bob 3)" 'VASFS_NAME is the name'
is "$("$shell" "$labs/task" 3)" "$(task "$(id -un)" 3)" 'without it the login name is'
is "$(env LC_ALL=de_DE.UTF-8 "$shell" "$labs/task" -n bob 6 2>/dev/null)" "$(task bob 6)" \
	'the language changes nothing'
for wrong in '' 0 9 '1 2 3' '-n' '-n bob' x; do
	# shellcheck disable=SC2086
	"$shell" "$labs/task" $wrong >/dev/null 2>&1
	is $? 2 "task refuses the arguments '$wrong'"
done
"$shell" "$labs/check" 1 >/dev/null 2>&1
is $? 2 'check refuses to be without a mount'
done_testing
