# Accesses: what access, translate, faults and status show for each kind of fault.
. "$(dirname "$0")/lib.sh"
start_mount
ctl "$M" spawn >/dev/null
P=$M/1

# outcome ACCESS ADDRESS: the first three words of access's answer
outcome() {
	ctl "$P" access "$1" "$2" | cut -d ' ' -f 1-3
}

# --- Anonymous memory -------------------------------------------------------------------------

a=$(ctl "$P" mmap 0 64K rw- private,anon)
is "$(outcome r "$a")" "$(va "$a") minor zero-page" 'a read of untouched memory maps the zero page'
answers "$(va "$a") hit tlb=hit" 'the next one hits' "$P" access r "$a"
like "$(ctl "$P" access w "$a")" "^$(va "$a") minor [a-z-]+ .*frame=" 'a write then takes a frame'
is "$(outcome w "$(plus "$a" 4096)")" "$(va "$(plus "$a" 4096)") minor demand-zero" \
	'a write to untouched memory takes a cleared frame'
answers "$(va "$(plus "$a" 4100)") hit tlb=hit" 'which is then there' \
	"$P" access w "$(plus "$a" 4100)"
is "$(ctl "$P" access r "$a" 16K | cut -d ' ' -f 1-3)" "$(va "$a") hit tlb=hit
$(va "$(plus "$a" 4096)") hit tlb=hit
$(va "$(plus "$a" 8192)") minor zero-page
$(va "$(plus "$a" 12288)") minor zero-page" 'a range answers a line a page'
is "$(ctl "$P" access r "$(plus "$a" 4095)" 2 | wc -l)" 2 'two bytes may be two pages'

# --- Files ------------------------------------------------------------------------------------

head -c 100000 /dev/urandom >"$T/file"
f=$(ctl "$P" mmap 0 64K rw- private "$T/file")
line=$(ctl "$P" access r "$f")
like "$line" "^$(va "$f") major file-read " 'the first read of a file page is a major fault'
is "$(note file "$line")" "$T/file" 'that names the file'
ctl "$M" spawn >/dev/null
g=$(ctl "$M/2" mmap 0 64K r-- private "$T/file")
like "$(ctl "$M/2" access r "$g")" "^$(va "$g") minor page-cache " \
	'another process finds it in the page cache'
is "$(outcome w "$f")" "$(va "$f") minor cow-copy" 'a write to a private page of a file copies it'
like "$(tail -n 1 "$P/faults")" ' from=' 'from the frame of the cache'

head -c 100000 /dev/urandom >"$T/shared"
s=$(ctl "$P" mmap 0 64K rw- shared "$T/shared")
ctl "$P" access r "$s" >/dev/null
is "$(outcome w "$s")" "$(va "$s") minor write-notify" \
	'the first write to a clean shared page is noticed'
answers "$(va "$s") hit tlb=hit" 'the second is not' "$P" access w "$s"
ctl "$P" msync "$s" 4K sync >/dev/null
is "$(outcome w "$s")" "$(va "$s") minor write-notify" 'until it was written back'
x=$(ctl "$P" mmap 0 4K r-x private "$T/file")
like "$(ctl "$P" access x "$x")" "^$(va "$x") (minor|major) " \
	'an instruction can be fetched where x says so'

# --- What is not legal ------------------------------------------------------------------------

fails EFAULT 'no area' "$P" access r 0x1000
like "$(last_fault 1)" '^r 0000000000001000 fatal segv-maperr( |$)' 'is SEGV_MAPERR'
like "$(cat "$P/status")" '^Sim[A-Za-z]+:.*(SIGSEGV|11)' 'status has the signal'
fails EFAULT 'an address that is not canonical' "$P" access r 0x900000000000
like "$(cat "$P/status")" '^SimSignal:	11 SI_KERNEL 0x900000000000$' \
	'is a general protection fault'
fails EACCES 'a write to r-x' "$P" access w "$x"
like "$(last_fault 1)" "^w $(va "$x") fatal segv-accerr( |\$)" 'is SEGV_ACCERR'
fails EACCES 'a fetch from rw-' "$P" access x "$a"
like "$(last_fault 1)" "^x $(va "$a") fatal segv-accerr( |\$)" 'is SEGV_ACCERR too'
n=$(ctl "$P" mmap 0 4K --- private,anon)
for how in r w x; do
	fails EACCES "$how of ---" "$P" access $how "$n"
done
fails EFAULT 'above user space' "$P" access r 0x800000000000
fails EFAULT 'the last byte of all' "$P" access r 0xffffffffffffffff
fails EINVAL 'no length' "$P" access r "$a" 0
edge=$(ctl "$P" mmap 0x10000000 8K rw- private,anon,fixed)
fails EFAULT 'a range that runs into a hole' "$P" access w "$(plus "$edge" 4096)" 8K
is "$({ echo "access w $edge 12K" >&3 && cat <&3; cat <&3; } 3<>"$P/ctl" 2>/dev/null |
	grep -v ' fatal ' | cut -d ' ' -f 1-3)" \
	"$(va "$edge") minor demand-zero
$(va "$(plus "$edge" 4096)") hit tlb=hit
error: access: EFAULT:" 'the lines before the fatal one come first'

# --- faults -----------------------------------------------------------------------------------

columns='^[0-9]+ [0-9.]+ 1 [rwx] [0-9a-f]{16} (minor|major|fatal) [a-z-]+( [a-z]+=[^ ]+)*$'
is "$(grep -Evc "$columns" "$P/faults")" 0 'every line of faults has the columns'
ok 'numbers rise' sh -c "cut -d ' ' -f 1 '$P/faults' | sort -nc"
is "$(grep -c ' hit' "$P/faults")" 0 'a hit is no fault'
line=$(grep " $(va "$(plus "$a" 4096)") " "$P/faults" | head -n 1)
is "$(note area "$line")" "$(range "$a" "$(plus "$a" 65536)"):rw-p" 'area= says what is legal there'
is "$(note frame "$line")" "$(note pfn "$(entry 1 "$(plus "$a" 4096)" PTE)")" \
	'frame= is the frame in pagetable'
ctl "$M" spawn >/dev/null
is "$(cat "$M/3/faults")" '' 'a new process had no fault'
b=$(ctl "$M/3" mmap 0 8M rw- private,anon)
ctl "$M/3" access w "$b" 8M >/dev/null
like "$(last_fault 3)" "^w $(va "$(plus "$b" 8384512)") minor demand-zero" \
	'the last fault stands last'
is "$(sed -n 's/^.*) \(.*\)$/\1/p' "$M/3/stat" | cut -d ' ' -f 8)" 2048 'stat counts all of them'

# --- The stack --------------------------------------------------------------------------------

ctl "$M" spawn >/dev/null
P=$M/4
low=0x7ffffffde000
line=$(ctl "$P" access w "$(plus $low -4096)")
like "$line" "^$(va "$(plus $low -4096)") minor stack-grow( |\$)" \
	'a write below the stack makes it grow'
is "$(note "then" "$line")" demand-zero 'and takes a cleared frame'
like "$(grep '\[stack\]' "$P/maps")" '^7ffffffdd000-7ffffffff000 ' 'by a page'
is "$(poke 4 "$(plus $low -1048576)" deep)" 4 'a mebibyte below as well'
like "$(grep '\[stack\]' "$P/maps")" '^7fffffede000-7ffffffff000 ' \
	'down to the page that was touched'
bottom=$(plus 0x7ffffffff000 -8388608)
fails EFAULT 'it does not grow beyond 8 MiB' "$P" access w "$(plus "$bottom" -4096)"
ok 'it does grow to 8 MiB' ctl "$P" access w "$bottom"
like "$(grep '\[stack\]' "$P/maps")" '^7fffff7ff000-7ffffffff000 ' 'as maps shows'

ctl "$M" spawn >/dev/null
P=$M/5
ctl "$P" mmap 0x7fffffd00000 4K rw- private,anon,fixed >/dev/null
fails EFAULT 'not into the guard gap above another area' "$P" access w 0x7fffffdff000
ok 'but up to it' ctl "$P" access w 0x7fffffe01000
g=$(ctl "$P" mmap 0x20000000 4K rw- private,anon,fixed,growsdown)
ok 'any growsdown area grows' ctl "$P" access w "$(plus "$g" -8192)"
is "$(area 5 "$(plus "$g" -8192)" | cut -d ' ' -f 1)" '1fffe000-20001000' 'down to the access'

# --- translate --------------------------------------------------------------------------------

ctl "$M" spawn >/dev/null
P=$M/6
a=$(ctl "$P" mmap 0 16K rw- private,anon)
poke 6 "$a" here >/dev/null
cp "$P/pagetable" "$T/before"
text=$(ctl "$P" translate "$(plus "$a" 0x123)")
pa=$(($(note pfn "$(entry 6 "$a" PTE)") * 4096 + 0x123))
like "$text" "^(0x)?0*$(printf '%x' $((a + 0x123))) -> (0x)?0*$(printf '%x' $pa)( |\$)" \
	'translate answers VA -> PA'
for level in PGD PUD PMD PTE; do
	raw=$(grep "$level" "$T/before" | grep '^00007f' | cut -d ' ' -f 5)
	like "$text" "${raw#0x}" "with the entry of the $level"
done
like "$(ctl "$P" translate "$(plus "$a" 4096)")" 'zero-page' \
	'for an untouched page the fault that it would take'
like "$(ctl "$P" translate 0x1000)" 'segv-maperr' 'for no area too'
ok 'it touches nothing' cmp "$T/before" "$P/pagetable"
is "$(wc -l <"$P/faults")" 1 'and is no fault'

stop_mount
done_testing
