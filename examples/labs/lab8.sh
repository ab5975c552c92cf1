# lab8.sh - write a policy in 12 lines
# shellcheck shell=sh disable=SC2154

# The rule: the k-th page from `end`, where `order` puts pages at the new end.
numbers() {
	draw 0 1
	[ "$drawn" -eq 0 ] && order=load || order=use
	draw 0 1
	[ "$drawn" -eq 0 ] && end=old || end=new
	draw 2 4
	k=$drawn
	draw 1 1000000
	string=$(awk -v seed="$drawn" -v order="$order" -v end="$end" -v k="$k" \
		-f "$labs/replace.awk" -f "$labs/distinct.awk")
}

answers() {
	:
}

show_task() {
	case $k in 2) nth=second ;; 3) nth=third ;; 4) nth=fourth ;; esac
	case $order in
	load) in_order='in which they were loaded; being used changes nothing' ;;
	use) in_order='in which they were last used' ;;
	esac
	case $end in old) from=oldest ;; new) from=newest ;; esac
	cat <<-END
		Policy:  $tag, built into vasfs
		Rule:    the pages in memory stand in the order
		         $in_order.
		         Count from the $from one: the $nth has to go.
		Machine: ram=32K,swapsize=1M,policy=$tag
		Process: $tag
		Area:    13 pages, rw-, private,anonymous: pages 0 to 12
		String:  write to these pages, in this order:
	END
	printf '%s\n' "$string" | fold -s -w 60 | sed 's/^/         /; s/ *$//'
}

# evicted: the pages that went, in order
evicted() {
	sed -n 's/^evict //p'
}

# loads_are_right: the first accesses were those of the string: until memory is full
loads_are_right() {
	[ "$(printf '%s\n' "$got" | sed '/evict/,$d')" = \
		"$(printf '%s\n' "$events" | sed '/evict/,$d')" ]
}

# first_difference: the number of the first eviction that is not the rule's; 0 if there is none
first_difference() {
	position=0
	for victim in $(printf '%s\n' "$got" | evicted); do
		position=$((position + 1))
		wanted=$(printf '%s\n' "$events" | evicted | sed -n "${position}p")
		if [ "$victim" != "$wanted" ]; then
			echo "$position"
			return
		fi
	done
	echo 0
}

check_lab() {
	need "the policy of the machine is $tag" \
		'vasfs -o policy=...; .name in your file; cat sys/vm/policy' \
		[ "$(cat "$mount/sys/vm/policy")" = "$tag" ]
	need 'the machine has 8 frames' 'ram=32K' [ "$(frames)" -eq 8 ]
	need_process
	need 'it has an area of 13 pages, private, anonymous, rw-' \
		'mmap START 52K rw- private,anonymous,fixed' find_area "$pid" 13 rw-p
	# shellcheck disable=SC2086
	events=$(replace "$order" "$end" "$k" 8 $string)
	got=$(happened "$start" 13)
	point 'it began with the accesses of your string' \
		'faults: page N is at START + N * 4096' loads_are_right
	wrong=$(first_difference)
	hint='for= names the page that came in'
	[ "$wrong" -eq 0 ] || hint="eviction $wrong in faults; $hint"
	point 'each page that went is the one that the rule takes' "$hint" [ "$wrong" -eq 0 ]
	point 'the machine did all accesses of the string, and no others' \
		'a new process after each try; evict lines and faults' [ "$got" = "$events" ]
}
