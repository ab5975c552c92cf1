# PID/pagetable: the entries that an x86-64 processor would walk.
. "$(dirname "$0")/lib.sh"
start_mount
ctl "$M" spawn >/dev/null
lower() {
	grep '^0' "$M/$1/pagetable"
}
# has FLAG LINE: flags= in LINE has FLAG
has() {
	case "|$(note flags "$2")|" in
	*"|$1|"*) echo yes ;;
	*) echo no ;;
	esac
}

is "$(lower 1)" '' 'a new process has no entry of its own'
a=$(ctl "$M/1" mmap 0 16K rw- private,anon)
is "$(lower 1)" '' 'nor has mmap made one'
is "$a" 0x7ffff7ffb000 'the area starts where it should'

poke 1 "$a" x >/dev/null
is "$(lower 1 | cut -d ' ' -f 1-4)" '00007f8000000000 PGD 255 table
00007fffc0000000 PUD 511 table
00007ffff7e00000 PMD 447 table
00007ffff7ffb000 PTE 507 page' 'a touched page has four entries: address, level, index, kind'
columns='^[0-9a-f]{16} (PGD|PUD|PMD|PTE) [0-9]+ (table|page) 0x[0-9a-f]{16}( [a-z]+(=[^ ]+)?)*$'
is "$(lower 1 | grep -Evc "$columns")" 0 'each line has its raw entry and its notes'

pte=$(entry 1 "$a" PTE)
raw=$(printf '%s\n' "$pte" | cut -d ' ' -f 5)
like "$raw" '^0x[89a-f].............67$' \
	'present, writable, user, accessed, dirty and no-execute, in their hardware places'
for flag in P RW US A D NX; do
	is "$(has $flag "$pte")" yes "flags= names $flag"
done
for flag in PWT PCD PS G; do
	is "$(has $flag "$pte")" no "flags= does not name $flag"
done
is "$(note pfn "$pte")" "$(printf '0x%x' $((0x$(printf '%s' "$raw" | cut -c 6-15))))" \
	'pfn= is bits 12 to 51 of the entry'
pmd=$(entry 1 0x7ffff7e00000 PMD)
is "$(has NX "$pmd")" no 'a table does not forbid execution'
is "$(has RW "$pmd")$(has US "$pmd")$(has P "$pmd")" yesyesyes 'and lets a user read and write'

# --- Rights and bits --------------------------------------------------------------------------

second=$(plus "$a" 4096)
peek 1 "$second" 1 >/dev/null
pte=$(entry 1 "$second" PTE)
like "$pte" ' zero( |$)' 'a page that was only read is the zero page'
is "$(has RW "$pte")$(has D "$pte")$(has A "$pte")" nonoyes 'read-only, clean and accessed'
poke 1 "$second" y >/dev/null
pte=$(entry 1 "$second" PTE)
unlike "$pte" ' zero( |$)' 'a write gives it a frame'
is "$(has RW "$pte")$(has D "$pte")" yesyes 'writable and dirty'
isnt "$(note pfn "$pte")" "$(note pfn "$(entry 1 "$a" PTE)")" 'of its own'

ctl "$M/1" mprotect "$a" 4K r-- >/dev/null
is "$(has RW "$(entry 1 "$a" PTE)")" no 'mprotect takes the right to write away'
ctl "$M/1" mprotect "$a" 4K r-x >/dev/null
peek 1 "$a" 1 >/dev/null
is "$(has NX "$(entry 1 "$a" PTE)")" no 'an executable page is not NX'
is "$(has RW "$(entry 1 "$a" PTE)")" no 'and read-only'

ctl "$M/1" munmap "$a" 8K >/dev/null
is "$(entry 1 "$a" PTE)$(entry 1 "$second" PTE)" '' 'munmap takes the entries away'

# --- Tables -----------------------------------------------------------------------------------

pte_kb=$(sed -n 's/^VmPTE:\t *//p' "$M/1/status")
ctl "$M/1" mmap 0x100000000000 4K rw- private,anon,fixed >/dev/null
poke 1 0x100000000000 z >/dev/null
for level in PGD PUD PMD; do
	like "$(entry 1 0x100000000000 $level)" " table " \
		"a page far away has a $level entry of its own"
done
is "$(entry 1 0x100000000000 PGD | cut -d ' ' -f 3)" 32 'PGD index'
is "$(entry 1 0x100000000000 PUD | cut -d ' ' -f 3)" 0 'PUD index'
isnt "$(sed -n 's/^VmPTE:\t *//p' "$M/1/status")" "$pte_kb" 'VmPTE counts them'
ram_frames=$((256 * 1024 / 4))
ok 'tables have frame numbers above those of RAM' \
	test "$(($(note pfn "$(entry 1 0x100000000000 PGD)")))" -ge $ram_frames
pfn=$(note pfn "$(entry 1 0x100000000000 PTE)")
ok 'pages have numbers below' test $((pfn)) -lt $ram_frames

# --- The kernel's half ------------------------------------------------------------------------

ctl "$M" spawn >/dev/null
grep '^f' "$M/1/pagetable" | cut -d ' ' -f 1-5 >"$T/kernel1"
grep '^f' "$M/2/pagetable" | cut -d ' ' -f 1-5 >"$T/kernel2"
ok 'the upper half has entries' test -s "$T/kernel1"
ok 'the same in every process' cmp "$T/kernel1" "$T/kernel2"
wrong=
grep '^f' "$M/1/pagetable" >"$T/kernel"
while read -r line; do
	[ "$(has US "$line")" = no ] || wrong=$line
done <"$T/kernel"
is "$wrong" '' "none is a user's"
kernel_page=$(awk '/^f/ && ($4 == "page" || $4 == "huge") { print $1; exit }' "$M/1/pagetable")
fails EFAULT 'an access to it is SEGV_MAPERR' "$M/1" access r "0x${kernel_page:-ffff888000000000}"
like "$(last_fault 1)" ' fatal segv-maperr' 'as faults says'

stop_mount
done_testing
