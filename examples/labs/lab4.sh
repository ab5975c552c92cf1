# lab4.sh - count copy-on-write
# shellcheck shell=sh disable=SC2154

# Process 0 is the parent, 1 and 2 are its children. A write is WHO FIRST LAST.
numbers() {
	while
		draw 8 14
		count=$drawn writes=
		for who in 1 2 0 1; do
			draw 0 $((count - 4))
			from=$drawn
			draw 2 4
			to=$((from + drawn - 1))
			writes="$writes$who $from $to
"
		done
		story_of_writes
		[ "$copies" -lt 6 ] || [ "$reuses" -lt 2 ]
	do :; done
}

# story_of_writes: set $wanted to WHO PAGE KIND of each fault, $copies, $reuses, and $used, the
# frames at the end. users[p] processes still have the page's first frame.
story_of_writes() {
	wanted=$(printf '%s' "$writes" | awk -v count="$count" '
		BEGIN {
			for (p = 0; p < count; p++)
				users[p] = 3
		}
		{
			for (p = $2; p <= $3; p++) {
				if (done[$1, p])
					continue
				done[$1, p] = 1
				print $1, p, (users[p] > 1 ? "cow-copy" : "cow-reuse")
				users[p]--
			}
		}')
	copies=$(printf '%s\n' "$wanted" | grep -c cow-copy)
	reuses=$(printf '%s\n' "$wanted" | grep -c cow-reuse)
	used=$((count + copies))
}

answers() {
	echo 'COPIES REUSES FRAMES'
}

show_task() {
	cat <<-END
		Process: $tag
		Area:    $count pages, rw-, private,anonymous (pages are counted from 0)
		1. The process writes to all of its pages.
		2. It forks twice: child 1, then child 2.
	END
	step=3
	printf '%s' "$writes" | while read -r who from to; do
		case $who in 0) who='The parent' ;; *) who="Child $who" ;; esac
		echo "$step. $who writes to pages $from to $to."
		step=$((step + 1))
	done
	cat <<-END
		COPIES:  how many pages are copied, in all three processes
		REUSES:  how many writes fault but need no copy, after the fork
		FRAMES:  how many frames hold pages of the area in the end
	END
}

two_children() {
	# shellcheck disable=SC2046
	set -- $(children_of "$pid")
	child1=${1:-} child2=${2:-}
	[ $# -eq 2 ]
}

# did WHO PID: the process took the faults that are wanted, in that order
did() {
	[ "$(faults_of "$2" "$start" "$count" | awk '$4 != "demand-zero" { print $1, $4 }')" = \
		"$(printf '%s\n' "$wanted" | awk -v who="$1" '$1 == who { print $2, $3 }')" ]
}

# first_frames: the parent wrote to each page once before the fork
first_frames() {
	[ "$(faults_of "$pid" "$start" "$count" |
		awk '$4 == "demand-zero" { print $1 }' | sort -n)" = \
		"$(seq 0 $((count - 1)))" ]
}

frames_used() {
	for frames_pid in "$pid" "$child1" "$child2"; do
		pages "$frames_pid" "$start" "$count"
	done | awk '$2 == "page" && !seen[$3]++ { n++ } END { print n + 0 }'
}

check_lab() {
	need_process
	need "it has an area of $count pages, private, anonymous, rw-" \
		'maps: the end minus the start, divided by 4096' find_area "$pid" "$count" rw-p
	point 'it wrote to each page before the fork' \
		'faults: one demand-zero a page' first_frames
	need 'it has two children' \
		'vasctl MOUNT/PID fork; PPid in status; all must live' two_children
	hint='faults: VA and KIND. Wrong pages or order? Begin again with spawn'
	point 'child 1 wrote to its pages in the right order' "$hint" did 1 "$child1"
	point 'child 2 wrote to its pages in the right order' "$hint" did 2 "$child2"
	point 'the parent wrote to its pages in the right order' "$hint" did 0 "$pid"
	point 'nothing else was written in these three' \
		'pagetable of all three: pfn=, users=, cow' [ "$(frames_used)" -eq "$used" ]
	answer COPIES "${1:-}" "$copies" \
		'for each page: who still uses the frame when somebody writes?'
	answer REUSES "${2:-}" "$reuses" 'who is the last user of a frame needs no copy'
	answer FRAMES "${3:-}" "$used" 'each copy takes a frame; does a reuse give one back?'
}
