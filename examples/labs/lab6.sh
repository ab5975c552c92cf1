# lab6.sh - Belady and LRU by hand
# shellcheck shell=sh disable=SC2154

numbers() {
	draw 1 1000000
	string=$(awk -v seed="$drawn" -f "$labs/replace.awk" -f "$labs/belady.awk")
}

answers() {
	echo 'F3 F4 L3 L4 FV LV'
}

show_task() {
	cat <<-END
		Process: $tag
		Area:    10 pages, rw-, private,anonymous: pages 0 to 9
		String:  $string
		F3, F4:  page faults with FIFO and 3 frames, 4 frames
		L3, L4:  page faults with LRU and 3 frames, 4 frames
		FV, LV:  the pages that have to go, in order, as one word of digits: with
		         FIFO and 3 frames, with LRU and 3 frames
		Machine: any of these four, with swapsize=1M
	END
}

# on_paper POLICY FRAMES: set $events, and what the table must say: $faults, $victims
on_paper() {
	case $1 in
	fifo) paper_order=load ;;
	*) paper_order=use ;;
	esac
	# shellcheck disable=SC2086
	events=$(replace $paper_order old 1 "$2" $string)
	faults=$(printf '%s\n' "$events" | grep -c load)
	victims=$(printf '%s\n' "$events" | sed -n 's/^evict //p' | tr -d '\n')
}

# word_answer NAME ANSWER WORD HINT
word_answer() {
	if [ -z "$2" ]; then
		point "the answer $1" 'it is missing; check takes it after MOUNT' false
	else
		point "the answer $1" "$4" [ "$2" = "$3" ]
	fi
}

known_machine() {
	case $policy/$size in fifo/[34] | lru/[34]) ;; *) false ;; esac
}

check_lab() {
	policy=$(cat "$mount/sys/vm/policy") size=$(frames)
	need 'the machine has 3 or 4 frames, and policy fifo or lru' \
		'vasfs -o ram=12K,policy=fifo,swapsize=1M MOUNT' known_machine
	need_process
	need 'it has an area of 10 pages, private, anonymous, rw-' \
		'mmap START 40K rw- private,anonymous,fixed' find_area "$pid" 10 rw-p
	on_paper "$policy" "$size"
	point "with $policy and $size frames it has accessed your string, once" \
		'faults: the VA in order. page N is at START + N * 4096' \
		same_events "$events" "$start" 10
	table='your table: one column an access; count the marks'
	on_paper fifo 3
	answer F3 "${1:-}" "$faults" "$table"
	fifo_victims=$victims
	on_paper fifo 4
	answer F4 "${2:-}" "$faults" "$table"
	on_paper lru 3
	answer L3 "${3:-}" "$faults" "$table"
	lru_victims=$victims
	on_paper lru 4
	answer L4 "${4:-}" "$faults" "$table"
	word_answer FV "${5:-}" "$fifo_victims" 'evict lines in faults of that machine, VA by VA'
	word_answer LV "${6:-}" "$lru_victims" 'evict lines in faults of that machine, VA by VA'
}
