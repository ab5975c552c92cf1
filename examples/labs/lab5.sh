# lab5.sh - shared or private
# shellcheck shell=sh disable=SC2154

# The private mapping writes own in page `cut`. The shared one writes seen in page `common`, and
# hidden in page `cut`, too. Two more areas, of different lengths, are there before the fork.
numbers() {
	draw 4 8
	file_pages=$drawn
	draw 1 4000
	file_size=$((file_pages * 4096 - 4096 + drawn))
	draw 0 $((file_pages - 2))
	cut=$drawn
	draw 1 $((file_pages - 2))
	common=$(((cut + drawn) % (file_pages - 1)))
	draw 16 2000
	own_at=$((cut * 4096 + drawn))
	draw 16 4000
	seen_at=$((common * 4096 + drawn))
	draw 2100 4000
	hidden_at=$((cut * 4096 + drawn))
	draw 9 20
	shared_pages=$drawn
	draw 21 32
	private_pages=$drawn
	draw 0 $(((shared_pages - 1) * 4096))
	shared_at=$((drawn / 16 * 16))
	draw 0 $(((private_pages - 1) * 4096))
	private_at=$((drawn / 16 * 16))
	for text in own seen hidden parent child; do
		draw_text
		eval "$text=\$drawn"
	done
}

answers() {
	echo 'FILE'
}

show_task() {
	cat <<-END
		Process: $tag
		FILE:    $file_size bytes. Make it with
		             yes $tag | head -c $file_size >FILE
		P, S:    all of FILE, mapped private and mapped shared, both rw-
		1. Through P, store $own at offset $own_at.
		2. Through S, store $seen at offset $seen_at.
		3. Through S, store $hidden at offset $hidden_at. Then msync S.
		4. Read 8 bytes at the offsets of 2 and 3 through P.
		A, B:    anonymous, rw-. A: shared, $shared_pages pages.
		         B: private, $private_pages pages.
		5. Fork. The parent stores $parent in A at offset $shared_at.
		6. The child stores $child in B at offset $private_at.
		7. Each of the two reads 8 bytes where the other has stored.
	END
}

# file_area PERM: set $start to the first address of a mapping of all of FILE with these rights
file_area() {
	start=$(
		while IFS=' -' read -r area_start area_end area_rest; do
			case $area_rest in
			"$1 00000000 "*" $path")
				[ $((0x$area_end - 0x$area_start)) -eq $((file_pages * 4096)) ] ||
					continue
				printf '0x%s\n' "$area_start"
				break
				;;
			esac
		done <"$mount/$pid/maps"
	)
	[ -n "$start" ]
}

# shared_area: the same for A
shared_area() {
	start=$(
		while IFS=' -' read -r area_start area_end area_rest; do
			case $area_rest in
			'rw-s 00000000 '*'/dev/zero (deleted)')
				[ $((0x$area_end - 0x$area_start)) -eq $((shared_pages * 4096)) ] ||
					continue
				printf '0x%s\n' "$area_start"
				break
				;;
			esac
		done <"$mount/$pid/maps"
	)
	[ -n "$start" ]
}

# file_bytes OFFSET LENGTH: in hex
file_bytes() {
	od -A n -v -t x1 -j "$1" -N "$2" "$path" 2>/dev/null | tr -d ' \n'
}

# original_bytes OFFSET LENGTH: of the file as it was made
original_bytes() {
	yes "$tag" 2>/dev/null | head -c $(($1 + $2)) | tail -c "$2" |
		od -A n -v -t x1 | tr -d ' \n'
}

file_has() {
	[ "$(file_bytes "$1" ${#2})" = "$(hex "$2")" ]
}

file_is_made() {
	[ -f "$file" ] && path=$(readlink -f "$file") &&
		[ "$(wc -c <"$path" | tr -d ' ')" = "$file_size" ]
}

one_child() {
	child_pid=$(children_of "$pid")
	[ -n "$child_pid" ] && [ "$(printf '%s\n' "$child_pid" | wc -l)" -eq 1 ]
}

same_frame() {
	frame=$(page_of "$1" "$2")
	[ -n "$frame" ] && [ "${frame%% *}" = page ] && [ "$frame" = "$(page_of "$3" "$4")" ]
}

# in_memory_without PID ADDRESS TEXT: the page is there and has something else at ADDRESS
in_memory_without() {
	[ -n "$(bytes "$1" "$2" 8)" ] && ! has_text "$@"
}

has_original() {
	[ "$(bytes "$pid" $(($1 + $2)) 8)" = "$(original_bytes "$2" 8)" ]
}

check_lab() {
	need_process
	file=${1:-}
	need "FILE is a file of $file_size bytes" \
		'check takes the name of the file after MOUNT; ls -l FILE' file_is_made
	need 'P is there: a private mapping of all of FILE, rw-' \
		'maps: the fourth letter of the rights' file_area rw-p
	private_start=$start
	need 'S is there: a shared mapping of all of FILE, rw-' \
		'maps: the fourth letter of the rights' file_area rw-s
	point 'step 1: P has its text' 'peek P+OFFSET 8' \
		has_text "$pid" $((private_start + own_at)) "$own"
	point 'step 1: FILE does not have it' 'was it stored through S?' \
		[ "$(file_bytes "$own_at" 8)" = "$(original_bytes "$own_at" 8)" ]
	point 'step 2: S and P have the text' \
		'peek through both; a page that nobody has written is one page' \
		has_text "$pid" $((private_start + seen_at)) "$seen"
	point 'step 2: S and P have the page in one frame' \
		'pagetable: pfn= of both' \
		same_frame "$pid" $((private_start + seen_at)) "$pid" $((start + seen_at))
	point 'step 3: S has its text' 'peek S+OFFSET 8' \
		has_text "$pid" $((start + hidden_at)) "$hidden"
	point 'step 3: P does not have it' \
		'the order of 1 and 3 matters. Why? Begin again with a new FILE' \
		has_original "$private_start" "$hidden_at"
	point 'step 2: FILE has the text' 'msync ADDRESS LENGTH sync; hexdump -C FILE' \
		file_has "$seen_at" "$seen"
	point 'step 3: FILE has the text' 'msync comes after the store; hexdump -C FILE' \
		file_has "$hidden_at" "$hidden"

	need 'A is there: shared, anonymous, of the right length' \
		'maps: the rights; anonymous and shared shows as /dev/zero' shared_area
	shared_start=$start
	need 'B is there: private, anonymous, of the right length' \
		'maps: the end minus the start' find_area "$pid" "$private_pages" rw-p
	need 'the process has one child' 'PPid in status' one_child
	point 'step 5: the parent has its text in A' 'peek A+OFFSET 8' \
		has_text "$pid" $((shared_start + shared_at)) "$parent"
	point 'step 7: the child finds it there' \
		'the child has to read it; did you map A before you forked?' \
		has_text "$child_pid" $((shared_start + shared_at)) "$parent"
	point 'step 6: the child has its text in B' 'peek B+OFFSET 8' \
		has_text "$child_pid" $((start + private_at)) "$child"
	point 'step 7: the parent does not find it there' \
		'the parent has to read there, and not to write it' \
		in_memory_without "$pid" $((start + private_at)) "$child"
}
