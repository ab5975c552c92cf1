# lab7.sh - where thrashing begins
# shellcheck shell=sh disable=SC2154

numbers() {
	draw 1 1000000
	pattern_seed=$drawn
	draw 10 30
	hot=$drawn
}

answers() {
	echo 'KNEE FAULTS BELOW'
}

show_task() {
	cat <<-END
		Process:  $tag
		Area:     64 pages, rw-, private,anonymous
		Accesses: $accesses writes. task 7 START prints them as commands, for the area
		          that begins at START
		Machine:  policy=lru, swapsize=1M, and as few frames as possible, so that at
		          most $limit of the accesses fault
		KNEE:     that number of frames
		FAULTS:   the number of faults with KNEE frames
		BELOW:    the number of faults with one frame less
	END
}

accesses=1000 limit=100

# pattern: the pages that are accessed, in order
pattern() {
	awk -v seed="$pattern_seed" -v hot="$hot" -v n="$accesses" \
		-f "$labs/replace.awk" -f "$labs/pattern.awk"
}

# show_accesses START: print them as commands, and exit
show_accesses() {
	number "$1" || usage
	for page in $(pattern); do
		echo "access w $((value + page * 4096))"
	done
	exit 0
}

# on_paper FRAMES: set $events and $faults
on_paper() {
	# shellcheck disable=SC2046
	events=$(replace use old 1 "$1" $(pattern))
	faults=$(printf '%s\n' "$events" | grep -c load)
}

# find_knee: set $knee. LRU never has more faults with more memory, so halving finds it.
find_knee() {
	few=0 knee=64
	while [ $((knee - few)) -gt 1 ]; do
		middle=$(((few + knee) / 2))
		on_paper "$middle"
		if [ "$faults" -le "$limit" ]; then
			knee=$middle
		else
			few=$middle
		fi
	done
}

counted() {
	minor=$(status_of "$pid" SimFaultsMinor) major=$(status_of "$pid" SimFaultsMajor)
	[ $((minor + major)) -eq "$faults" ]
}

check_lab() {
	need 'the policy of the machine is lru' 'cat MOUNT/sys/vm/policy' \
		[ "$(cat "$mount/sys/vm/policy")" = lru ]
	need_process
	need 'it has an area of 64 pages, private, anonymous, rw-' \
		'mmap 0 256K rw- private,anon' find_area "$pid" 64 rw-p
	size=$(frames)
	on_paper "$size"
	point 'it made your accesses, all of them, once' \
		'task 7 START; a new process for each run; SimFaults in status' counted
	point 'and in the right order' 'faults keeps the last 512' same_events "$events" "$start" 64
	point "at most $limit of them were faults" \
		'it needs more memory' [ "$faults" -le "$limit" ]
	find_knee
	point 'and with one frame less more accesses fault' \
		'smaller or larger machines: is there one that is just enough?' \
		[ "$size" -eq "$knee" ]
	hint='SimFaultsMinor and SimFaultsMajor together, on that machine'
	answer KNEE "${1:-}" "$knee" 'halve the distance between too few frames and enough'
	on_paper "$knee"
	answer FAULTS "${2:-}" "$faults" "$hint"
	on_paper $((knee - 1))
	answer BELOW "${3:-}" "$faults" "$hint"
}
