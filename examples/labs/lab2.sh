# lab2.sh - lazy allocation
# shellcheck shell=sh disable=SC2154

# Of `length` pages, `reads` are read from page `first` on. Then `writes` are written from page
# `second` on; both are `both` pages.
numbers() {
	draw 30 70
	length=$drawn
	draw 5 9
	reads=$drawn
	draw 2 4
	both=$drawn
	draw 6 12
	writes=$drawn
	draw 1 $((length - reads - writes - 1))
	first=$drawn second=$((first + reads - both))
	draw 1 $((writes - 1))
	text_page=$((second + drawn))
	draw 100 4000
	text_offset=$drawn
	draw_text
	text=$drawn
}

answers() {
	echo 'FRAMES ZERO FAULTS'
}

show_task() {
	cat <<-END
		Process: $tag
		Area:    $length pages, rw-, private,anonymous (pages are counted from 0)
		Read:    pages $first to $((first + reads - 1))
		Write:   then pages $second to $((second + writes - 1))
		Text:    last, $text into page $text_page at offset $text_offset
		FRAMES:  how many of your pages have a frame of their own in the end
		ZERO:    how many show the zero page in the end
		FAULTS:  how many page faults the process takes for all this
	END
}

# pages_are KIND FIRST COUNT: exactly these pages of the area are of that kind
pages_are() {
	[ "$(printf '%s\n' "$state" | awk -v kind="$1" '$2 == kind { print $1 }' | sort -n)" = \
		"$(seq "$2" $(($2 + $3 - 1)))" ]
}

# fault_count KIND COUNT
fault_count() {
	[ "$(printf '%s\n' "$story" | grep -c " $1\$")" -eq "$2" ]
}

none_after() {
	[ -z "$(printf '%s\n' "$state" | awk -v first="$first" -v last=$((second + writes - 1)) \
		'NF && ($1 < first || $1 > last)')" ]
}

check_lab() {
	need_process
	need "it has an area of $length pages, private, anonymous, rw-" \
		'maps: the end minus the start; K are 1024 bytes, a page 4096' \
		find_area "$pid" "$length" rw-p
	state=$(pages "$pid" "$start" "$length")
	story=$(faults_of "$pid" "$start" "$length")
	point 'the pages that were only read show the zero page' \
		'pagetable: the note zero; access r ADDRESS LENGTH' \
		pages_are zero "$first" $((reads - both))
	point 'the pages that were written have frames, and no others' \
		'pagetable: the lines PTE with pfn= and without zero' \
		pages_are page "$second" "$writes"
	point 'no other page was touched' \
		'pagetable: index of each PTE; the first page of the area is page 0' none_after
	point 'the right pages were read before they were written' \
		'faults: each read of a page that nobody touched is a zero-page' \
		fault_count zero-page "$reads"
	point 'each page was written by one fault' \
		'faults: demand-zero' fault_count demand-zero "$writes"
	point "page $text_page has the text $text at offset $text_offset" \
		'poke START+N TEXT, N = page * 4096 + offset' \
		has_text "$pid" $((start + text_page * 4096 + text_offset)) "$text"
	answer FRAMES "${1:-}" "$writes" 'which accesses need a page of their own?'
	answer ZERO "${2:-}" $((reads - both)) 'what becomes of the zero page when one writes?'
	answer FAULTS "${3:-}" $((reads + writes)) \
		'the lines in faults; a page that is read and then written has how many?'
}
