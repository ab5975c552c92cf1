# fork: what is shared, what is copied and when, and what pagetable and faults show.
. "$(dirname "$0")/lib.sh"
start_mount
ctl "$M" spawn parent >/dev/null
a=$(ctl "$M/1" mmap 0 16K rw- private,anon)
pmd=$((a >> 21 << 21)) pud=$(va $((a >> 30 << 30))) pgd=$(va $((a >> 39 << 39)))
poke 1 "$a" 'before the fork' >/dev/null
poke 1 "$(plus "$a" 4096)" 'another page' >/dev/null
parent_faults=$(wc -l <"$M/1/faults")

answers 2 'fork answers the pid of the child' "$M/1" fork
is "$(cat "$M/2/comm")" parent 'the child has the name'
is "$(cat "$M/2/maps")" "$(cat "$M/1/maps")" 'the areas'
like "$(cat "$M/2/status")" '^PPid:.1$' 'and the parent'
is "$(peek 2 "$a" 15)" "$(hex 'before the fork')" 'the contents are there'
is "$(wc -l <"$M/1/faults")" "$parent_faults" 'reading them took the parent no fault'

# --- Before a write ---------------------------------------------------------------------------

for pid in 1 2; do
	is "$(note users "$(entry $pid "$pmd" PMD)")" 2 \
		"the page table is shared: users=2 in process $pid"
	above="^($pgd PGD|$pud PUD|$(va "$pmd") PMD) "
	ok 'and write-protected at some level above' \
		sh -c "grep -E '$above' '$M/$pid/pagetable' | grep -qv 'RW'"
	like "$(entry $pid "$a" PTE)" ' cow( |$)' 'a write would copy'
done
is "$(entry 1 "$a" PTE)" "$(entry 2 "$a" PTE)" 'it is the same entry'
frame=$(note pfn "$(entry 1 "$a" PTE)")

# --- The first write --------------------------------------------------------------------------

poke 2 "$a" 'by the child...' >/dev/null
is "$(peek 2 "$a" 15)" "$(hex 'by the child...')" 'the child has what it wrote'
is "$(peek 1 "$a" 15)" "$(hex 'before the fork')" 'the parent has what it had'
fault=$(last_fault 2)
like "$fault" "^w $(va "$a") minor cow-copy( |\$)" 'the write was a copy-on-write fault'
is "$(note from "$fault")" "$frame" 'that copied the shared frame'
is "$(note frame "$fault")" "$(note pfn "$(entry 2 "$a" PTE)")" 'to the one that it has now'
ok 'and the page table before it' test "$(note tables "$fault")" -ge 1
isnt "$(note pfn "$(entry 2 "$a" PTE)")" "$frame" 'the child has a frame of its own'
is "$(note pfn "$(entry 1 "$a" PTE)")" "$frame" 'the parent keeps its frame'
unlike "$(entry 2 "$a" PTE)" ' cow( |$)' 'a write would no longer copy'
case $(note users "$(entry 1 "$pmd" PMD)")/$(note users "$(entry 2 "$pmd" PMD)") in
1/1 | /) ok 'the tables are no longer shared' true ;;
*) ok 'the tables are no longer shared' false ;;
esac
like "$(entry 2 "$(plus "$a" 4096)" PTE)" ' cow( |$)' 'the other page is still shared'
is "$(note users "$(entry 2 "$(plus "$a" 4096)" PTE)")" 2 'by two'

# --- The second write -------------------------------------------------------------------------

poke 1 "$a" 'by the parent..' >/dev/null
like "$(last_fault 1)" "^w $(va "$a") minor cow-reuse( |\$)" \
	'the last user of a page writes into it: cow-reuse'
is "$(note pfn "$(entry 1 "$a" PTE)")" "$frame" 'and keeps the frame'
is "$(peek 2 "$a" 15)" "$(hex 'by the child...')" 'the child does not see it'
answers "$(va "$a") hit tlb=hit" 'then there are no more faults' "$M/1" access w "$a"
answers "$(va "$a") hit tlb=hit" 'on either side' "$M/2" access w "$a"

# --- Shared memory stays shared ---------------------------------------------------------------

s=$(ctl "$M/1" mmap 0 8K rw- shared,anon)
poke 1 "$s" shared >/dev/null
child=$(ctl "$M/1" fork)
is "$(peek "$child" "$s" 6)" "$(hex shared)" 'shared anonymous memory has its contents'
poke "$child" "$s" CHILD >/dev/null
is "$(peek 1 "$s" 6)" "$(hex CHILDd)" 'and is the same for both'
poke 1 "$(plus "$s" 4096)" late >/dev/null
is "$(peek "$child" "$(plus "$s" 4096)" 4)" "$(hex late)" \
	'also where it was first used after the fork'
printf 'on the disk' >"$T/file"
f=$(ctl "$M/1" mmap 0 4K rw- shared "$T/file")
grandchild=$(ctl "$M/1" fork)
poke "$grandchild" "$f" ON >/dev/null
ctl "$M" kill "$grandchild" >/dev/null
is "$(peek 1 "$f" 11)" "$(hex 'ON the disk')" 'a shared file too'
ctl "$M" sync >/dev/null
is "$(cat "$T/file")" 'ON the disk' 'and it reaches the disk'

# --- Changes of areas after a fork ------------------------------------------------------------

b=$(ctl "$M/1" mmap 0x10000000 16K rw- private,anon,fixed)
poke 1 "$b" 'page one' >/dev/null
poke 1 "$(plus "$b" 4096)" 'page two' >/dev/null
child=$(ctl "$M/1" fork)
ctl "$M/$child" munmap "$b" 4K >/dev/null
is "$(peek 1 "$b" 8)" "$(hex 'page one')" 'munmap in the child leaves the parent its page'
ctl "$M/1" mprotect "$(plus "$b" 4096)" 4K r-- >/dev/null
is "$(poke "$child" "$(plus "$b" 4096)" PAGE)" 4 \
	'mprotect in the parent leaves the child its rights'
is "$(peek 1 "$(plus "$b" 4096)" 8)" "$(hex 'page two')" 'and the parent its contents'
ctl "$M/$child" mremap "$(plus "$b" 4096)" 4K 4K maymove,fixed 0x20000000 >/dev/null
is "$(peek "$child" 0x20000000 8)" "$(hex 'PAGE two')" 'mremap in the child moves its copy'
is "$(peek 1 "$(plus "$b" 4096)" 8)" "$(hex 'page two')" 'not the one of the parent'
ctl "$M/1" munmap "$b" 16K >/dev/null
is "$(peek "$child" 0x20000000 8)" "$(hex 'PAGE two')" 'munmap in the parent leaves the child alone'

# --- Families ---------------------------------------------------------------------------------

poke 1 "$a" generation >/dev/null
pid=1
for _ in 1 2 3 4 5 6; do
	pid=$(ctl "$M/$pid" fork)
	poke "$pid" "$(plus "$a" 100)" "I am $pid" >/dev/null
done
first=$((pid - 5)) wrong=
while [ "$first" -le "$pid" ]; do
	[ "$(peek "$first" "$a" 10)" = "$(hex generation)" ] ||
		wrong="$wrong $first lost its inheritance,"
	[ "$(peek "$first" "$(plus "$a" 100)" $((5 + ${#first})))" = "$(hex "I am $first")" ] ||
		wrong="$wrong $first is not itself,"
	first=$((first + 1))
done
is "$wrong" '' 'six generations: each has what it inherited and what it wrote'
ctl "$M" kill 1 >/dev/null
is "$(peek "$pid" "$a" 10)" "$(hex generation)" 'the memory outlives who wrote it'
ctl "$M/$pid" fork >/dev/null
child=$(cat "$M/$pid/ctl")
ctl "$M" kill "$pid" >/dev/null
poke "$child" "$a" X >/dev/null
like "$(last_fault "$child")" ' minor (cow-reuse|table-unshare)' \
	'the last of a family copies nothing'

for pid in $(ls "$M" | grep '^[0-9]'); do
	ctl "$M" kill "$pid" >/dev/null
done
is "$(wc -l <"$M/frames")" "$(ctl "$M" spawn >/dev/null && wc -l <"$M/frames")" \
	'a new process uses no frame'
is "$(sed -n 's/^AnonPages: *\([0-9]*\) kB/\1/p' "$M/meminfo")" 0 \
	'and none is left of those that ended'

stop_mount
done_testing
