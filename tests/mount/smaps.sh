# What is in memory: smaps, smaps_rollup, pagemap, clear_refs, kpagecount, kpageflags.
. "${0%/*}/lib.sh"

# field FILE KEY [ADDRESS]: the kB after KEY, for the area at ADDRESS or summed over all areas
field() {
	if [ $# -gt 2 ]; then
		sed -n "/^$(printf '%08x' "$(($3))")-/,/^VmFlags/p" "$M/$1"
	else
		cat "$M/$1"
	fi | awk -v key="$2:" '$1 == key { sum += $2 } END { print sum + 0 }'
}
# fields ADDRESS KEY...: the kB after each KEY for the area at ADDRESS of process 1
fields() {
	_address=$1 _values=
	shift
	for _key; do
		_values="$_values $(field 1/smaps "$_key" "$_address")"
	done
	echo "${_values# }"
}
# word FILE NUMBER: that word of the file, in hex
word() {
	dd if="$M/$1" bs=8 skip="$(($2))" count=1 2>/dev/null | od -An -v -tx8 | tr -d ' '
}
# map PID ADDRESS: the page's word in pagemap
map() {
	word "$1/pagemap" $(($2 >> 12))
}
# bit WORD NUMBER: that bit; dash can only count to 2^63
bit() {
	if [ "$2" -ge 32 ]; then
		echo $((0x${1%????????} >> $2 - 32 & 1))
	else
		echo $((0x${1#????????} >> $2 & 1))
	fi
}
# low WORD: bits 0 to 54
low() {
	echo $(((0x${1%????????} & 0x7fffff) << 32 | 0x${1#????????}))
}

# --- smaps ------------------------------------------------------------------------------------

start_mount -o ram=64M
ctl "$M" exec /bin/ls >/dev/null
keys() {
	sed -n '2,/^VmFlags/s/:.*//p' "$1"
}
is "$(keys "$M/1/smaps")" "$(keys /proc/self/smaps | grep -v ProtectionKey)" \
	'smaps has the keys of the host'
is "$(sed 's/:.*//' "$M/1/smaps_rollup" | sed 1d)" \
	"$(sed 's/:.*//' /proc/self/smaps_rollup | sed 1d)" 'smaps_rollup too'
is "$(grep -c '^VmFlags' "$M/1/smaps")" "$(wc -l <"$M/1/maps")" 'every area is there'
ok 'with its line of maps' sh -c "grep '^[0-9a-f]*-' '$M/1/smaps' | cmp - '$M/1/maps'"
like "$(cat "$M/1/smaps")" '^Rss:                   0 kB$' 'values stand where the host has them'
like "$(cat "$M/1/smaps")" '^VmFlags: rd ex mr mw me ' 'so do flags'
like "$(head -n 1 "$M/1/smaps_rollup")" \
	'^555555554000-7ffffffff000 ---p 00000000 00:00 0                          \[rollup\]$' \
	'smaps_rollup covers all'

a=$(ctl "$M/1" mmap 0 64K rw- private,anon)
ctl "$M/1" access w "$a" 32K >/dev/null
ctl "$M/1" access r "$(plus "$a" 32768)" 8K >/dev/null
is "$(fields "$a" Rss Pss Private_Dirty Anonymous)" '32 32 32 32' \
	'written pages count, the zero page does not'
child=$(ctl "$M/1" fork)
is "$(fields "$a" Rss Pss Shared_Dirty Private_Dirty)" '32 16 32 0' 'after a fork each has half'
ctl "$M/$child" access w "$a" >/dev/null
is "$(fields "$a" Pss Private_Dirty) $(field "$child/smaps" Pss "$a")" '18 4 18' \
	'a page copied is whole again for both'
third=$(ctl "$M/1" fork)
is "$(field 1/smaps Pss "$a")" $(((4096 / 2 + 7 * 4096 / 3) / 1024)) 'of three a third'
ctl "$M/$third" exit >/dev/null

head -c 40960 /dev/zero >"$T/file"
f=$(ctl "$M/1" mmap 0 40K rw- shared "$T/file")
ctl "$M/1" access r "$f" 40K >/dev/null
ctl "$M/1" access w "$f" 8K >/dev/null
is "$(fields "$f" Private_Clean Private_Dirty Anonymous)" '32 8 0' \
	'pages of a file are clean until they are written'
like "$(sed -n "/^$(printf '%08x' "$((f))")-/,/^VmFlags/p" "$M/1/smaps")" \
	'^VmFlags: rd wr sh mr mw me ms ' 'shared shows'
for key in Rss Shared_Clean Shared_Dirty Private_Clean Private_Dirty Referenced Anonymous Swap; do
	is "$(field 1/smaps_rollup $key)" "$(field 1/smaps $key)" "smaps_rollup adds up $key"
done
is "$(field 1/smaps Rss)" "$(sed -n 's/^VmRSS:\t *\([0-9]*\) kB/\1/p' "$M/1/status")" \
	'and VmRSS is the sum'
# The shares of all processes add up to what is in memory. Rounding may cost up to 1 kB for each
# area.
sum=$(($(field 1/smaps_rollup Pss) + $(field "$child/smaps_rollup" Pss)))
frames=$(awk '$3 ~ /^[1-9]/' "$M/frames" | wc -l)
is $((frames * 4 - sum >= 0 && frames * 4 - sum <= 2)) 1 \
	"the shares of all ($sum kB) are the frames mapped ($frames)"
stop_mount

# --- With swap --------------------------------------------------------------------------------

start_mount -o ram=64K,policy=lru,swapsize=512K
ctl "$M" spawn >/dev/null
a=$(ctl "$M/1" mmap 0 64K rw- private,anon)
ctl "$M/1" access w "$a" 64K >/dev/null
child=$(ctl "$M/1" fork)
ctl "$M" reclaim 8 >/dev/null
is "$(fields "$a" Rss Swap SwapPss)" '32 32 16' 'swap is shared too'
is "$(field 1/smaps_rollup SwapPss)" 16 'in the rollup as well'
ctl "$M/$child" exit >/dev/null
is "$(field 1/smaps SwapPss "$a")" 32 'until there is one process left'

# --- pagemap ----------------------------------------------------------------------------------

z=$(ctl "$M/1" mmap 0 16K rw- private,anon,noreserve)
ctl "$M/1" access r "$z" >/dev/null
wrong=
for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
	va=$(plus "$a" $((i * 4096)))
	w=$(map 1 "$va") line=$(entry 1 "$va" PTE)
	case $line in
	*' swap '*)
		[ "$(bit "$w" 62)$(bit "$w" 63)" = 10 ] &&
			[ $(($(low "$w") >> 5)) -eq "$(note slot "$line")" ]
		;;
	*' page '*)
		[ "$(bit "$w" 62)$(bit "$w" 63)" = 01 ] &&
			[ "$(low "$w")" -eq $(($(note pfn "$line"))) ]
		;;
	*) false ;;
	esac || wrong="$wrong $va: $w: $line"
done
is "$wrong" '' 'pagemap agrees with pagetable, for pages in memory and in swap'
w=$(map 1 "$(plus "$z" 4096)")
is "$(bit "$w" 62)$(bit "$w" 63)$(low "$w")" 000 'an untouched page is neither'
is "$(bit "$(map 1 "$a")" 61)" 0 'anonymous pages have no bit 61'
is "$(map 1 0x1000)" 0000000000000000 'nothing is mapped where nothing is'
is "$("$TOOL" pread "$M/1/pagemap" 4 8)" EINVAL 'offsets are multiples of 8'
is "$("$TOOL" pread "$M/1/pagemap" 8 4)" EINVAL 'so are lengths'
is "$("$TOOL" pread "$M/1/pagemap" $((0x7ffffffff000 >> 9)) 8)" '' 'it ends where user space does'
is "$("$TOOL" pread "$M/1/pagemap" $(((0x7ffffffff000 >> 9) - 8)) 64 | wc -c)" 17 \
	'with the last page'

# --- clear_refs -------------------------------------------------------------------------------

ctl "$M/1" access r "$a" 32K >/dev/null
isnt "$(field 1/smaps Referenced "$a")" 0 'pages were referenced'
echo 1 >"$M/1/clear_refs"
is "$(field 1/smaps Referenced "$a")" 0 'clear_refs 1 forgets that'
unlike "$(entry 1 "$(plus "$a" 28672)" PTE)" 'flags=[A-Z|]*\|A[|]' 'in the entries too'
page=$(grep -v ' zero' "$M/1/pagetable" |
	sed -n 's/^\([0-9a-f]*\) PTE .* page .*/0x\1/p' | head -n 1)
ctl "$M/1" access r "$page" >/dev/null
is "$(field 1/smaps Referenced)" 4 'until a page is used again'
is "$(bit "$(map 1 "$page")" 55)" 1 'a page is soft-dirty at first'
echo 4 >"$M/1/clear_refs"
is "$(bit "$(map 1 "$page")" 55)" 0 'clear_refs 4 clears that'
ctl "$M/1" access r "$page" >/dev/null
is "$(bit "$(map 1 "$page")" 55)" 0 'a read leaves it so'
ctl "$M/1" access w "$page" >/dev/null
is "$(bit "$(map 1 "$page")" 55)" 1 'a write sets it'
ok 'clear_refs 5' sh -c "echo 5 >'$M/1/clear_refs'"
like "$(cat "$M/1/status")" "^VmHWM:	$(sed -n 's/^VmRSS:\t//p' "$M/1/status")\$" \
	'sets VmHWM back'

# --- kpagecount, kpageflags -------------------------------------------------------------------

# flags PFN: the numbers of the bits that are set in kpageflags
flags() {
	_word=$((0x$(word kpageflags "$1"))) _bit=0
	while [ $_bit -lt 40 ]; do
		[ $((_word >> _bit & 1)) -eq 0 ] || printf '%d ' $_bit
		_bit=$((_bit + 1))
	done
}
# frame_at PID ADDRESS
frame_at() {
	echo $(($(note pfn "$(entry "$1" "$2" PTE)")))
}
words=$(($(stat -c %s "$M/physmem") / 4096))
is "$("$TOOL" pread "$M/kpagecount" 0 65536 | wc -c)" $((16 * words + 1)) \
	'kpagecount has a word for each physical page'
is "$("$TOOL" pread "$M/kpageflags" 0 65536 | wc -c)" $((16 * words + 1)) 'kpageflags as well'
ram=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' "$M/meminfo") / 4))
is "$(flags 0)" '32 ' 'frame 0 is reserved'
is "$(flags $((ram + 1)))" '24 ' 'the zero page follows the frames'
is "$(flags "$(($(sed -n 's/^SimCr3:.//p' "$M/1/status") / 4096))")" '26 ' 'and page tables'
free=$(ctl "$M/1" mmap 0 12K rw- private,anon)
poke 1 "$free" x >/dev/null
is "$(flags "$(frame_at 1 "$free")")" '3 4 5 11 12 14 ' \
	'a page that was touched: uptodate, dirty, lru, mmap, anon, swapbacked; not referenced'
ctl "$M/1" madvise "$free" 4K free >/dev/null
is "$(flags "$(frame_at 1 "$free")")" '3 5 11 12 ' 'after MADV_FREE neither dirty nor swapbacked'
is "$(sed -n 's/^LazyFree: *//p' "$M/1/smaps_rollup")" '4 kB' 'smaps_rollup adds LazyFree up'
locked=$(plus "$free" 8192)
ctl "$M/1" mlock "$locked" 4K >/dev/null
like "$(flags "$(frame_at 1 "$locked")")" ' 18 33 $' 'a locked page is unevictable and mlocked'
ctl "$M/1" munmap "$free" 12K >/dev/null
is "$("$TOOL" pread "$M/kpagecount" 12 8)" EINVAL 'with the rules of pagemap'
page=$(sed -n 's/^\([0-9a-f]*\) PTE .* page .*flags=.*D.*/0x\1/p' "$M/1/pagetable" | head -n 1)
pfn=$(($(note pfn "$(entry 1 "$page" PTE)")))
is "$(word kpagecount $pfn)" 0000000000000001 'a page of one process is mapped once'
ctl "$M/1" fork >/dev/null
is "$(word kpagecount $pfn)" 0000000000000002 'after a fork twice'
is "$(bit "$(map 1 "$page")" 56)" 0 'pagemap says that it is not exclusive'
w=$(word kpageflags $pfn)
is "$(bit "$w" 12)$(bit "$w" 11)$(bit "$w" 14)" 111 'its flags: anonymous, mapped, backed by swap'
wrong=
while read -r pfn kind users _; do
	case $kind in KIND | free) continue ;; esac
	[ $((0x$(word kpagecount "$pfn"))) -eq "$users" ] || wrong="$wrong $pfn"
done <"$M/frames"
is "$wrong" '' 'kpagecount agrees with frames'
stop_mount
done_testing
