# lab3.sh - translate by hand
# shellcheck shell=sh disable=SC2154

# address is given; of the other one only the indices are. They share the first `common` indices.
# Before that, `before` other pages are written: the first frames of a machine are the same for all.
numbers() {
	draw 5 60
	before=$drawn
	draw 2 160
	pgd=$drawn
	draw 1 510
	pud=$drawn
	draw 1 510
	pmd=$drawn
	draw 1 500
	pte=$drawn
	draw 16 4000
	offset=$drawn
	address=$(address_of "$pgd" "$pud" "$pmd" "$pte" "$offset")
	draw 0 2
	common=$drawn
	draw 1 7
	pgd2=$((common > 0 ? pgd : pgd + drawn))
	draw 1 7
	pud2=$((common > 1 ? pud : (pud + drawn) % 512))
	pmd2=$(((pmd + drawn) % 512))
	draw 0 511
	pte2=$drawn
	draw 16 4000
	offset2=$drawn
	address2=$(address_of "$pgd2" "$pud2" "$pmd2" "$pte2" "$offset2")
	draw_text
	text=$drawn
	draw_text
	text2=$drawn
}

# address_of PGD PUD PMD PTE OFFSET
address_of() {
	printf '0x%x' $(($1 << 39 | $2 << 30 | $3 << 21 | $4 << 12 | $5))
}

answers() {
	echo 'PGD PUD PMD PTE OFFSET PHYS TABLES'
}

show_task() {
	cat <<-END
		Process: $tag
		Before:  map an area of $before pages anywhere, and write to all of them
		First:   map one page so that you can store $text at $address
		PGD PUD PMD PTE OFFSET: the parts of that address
		PHYS:    the physical address where the text is
		Second:  PGD $pgd2, PUD $pud2, PMD $pmd2, PTE $pte2, offset $offset2:
		         map that page and store $text2 there
		TABLES:  how many page tables the second store added
	END
}

# all_written: an area of so many pages has a frame for each
all_written() {
	find_area "$pid" "$before" rw-p &&
		[ "$(pages "$pid" "$start" "$before" | grep -c ' page ')" -eq "$before" ]
}

check_lab() {
	need_process
	point "an area of $before pages, private, anonymous, rw-, was written" \
		'mmap 0 LENGTH ...; access w ADDRESS LENGTH' all_written
	point 'the first text is at the address that you were given' \
		'maps; mmap PAGE 4K rw- private,anon,fixed; peek ADDRESS 8' \
		has_text "$pid" $((address)) "$text"
	answer PGD "${1:-}" "$pgd" 'bits 39 to 47 of the address'
	answer PUD "${2:-}" "$pud" 'bits 30 to 38'
	answer PMD "${3:-}" "$pmd" 'bits 21 to 29'
	answer PTE "${4:-}" "$pte" 'bits 12 to 20'
	answer OFFSET "${5:-}" "$offset" 'bits 0 to 11'
	frame=$(page_of "$pid" $((address)))
	case $frame in
	'page '*) answer PHYS "${6:-}" $((${frame#page } * 4096 + offset)) \
		'od in physmem, from SimCr3 down; bits 12 to 51 are the next table' ;;
	*) point 'the answer PHYS' 'the page must be in memory first' false ;;
	esac
	point 'the second text is where its indices lead' \
		'shift each index left by 39, 30, 21, 12 and add the offset' \
		has_text "$pid" $((address2)) "$text2"
	answer TABLES "${7:-}" $((3 - common)) \
		'which indices are equal? VmPTE in status before and after'
}
