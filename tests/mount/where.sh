# Finding things in a process: names of addresses, where, walk, peek and poke, with a real program.
. "$(dirname "$0")/lib.sh"
start_mount -o ram=4M

# The tool of these tests has symbols, and is no one's child here.
pid=$(ctl "$M" exec "$TOOL")
name=${TOOL##*/}
symbol=$(nm "$TOOL" | sed -n 's/^0*\([0-9a-f]*\) T main$/\1/p')
base=0x$(sed -n "s/-.*\/$name\$//p" "$M/$pid/maps" | head -n 1)

# --- Names ------------------------------------------------------------------------------------

main=$(plus "$base" "0x$symbol")
like "$(ctl "$M/$pid" where main)" "^[0-9a-f]+-[0-9a-f]+ r-xp $TOOL\+0x[0-9a-f]+ main\+0x0 " \
	'main is a symbol of the program'
is "$(ctl "$M/$pid" where main+3)" "$(ctl "$M/$pid" where "$(plus "$main" 3)")" \
	'a name and a number mean the same'
is "$(ctl "$M/$pid" translate "$name:")" "$(ctl "$M/$pid" translate "$base")" \
	'FILE: is the start of its first area'
is "$(ctl "$M/$pid" translate "$name:main")" "$(ctl "$M/$pid" translate "$main")" \
	'FILE:SYMBOL is the symbol of that file'
libc=$(sed -n 's/-.*libc\.so\.6$//p' "$M/$pid/maps" | head -n 1)
is "$(ctl "$M/$pid" translate libc.so.6)" "$(ctl "$M/$pid" translate "0x$libc")" \
	'the last part of the name of a mapped file'
like "$(ctl "$M/$pid" where libc.so.6:malloc)" ' malloc\+0x0 ' 'a symbol of a library'
like "$(ctl "$M/$pid" where malloc+2)" ' malloc\+0x2 ' 'without the name of the library'
like "$(ctl "$M/$pid" where sp)" '^[0-9a-f]+-7ffffffff000 rw-p \[stack\]\+0x[0-9a-f]+ frame=' 'sp'
like "$(ctl "$M/$pid" where heap)" ' \[heap\]\+0x0 untouched$' 'heap'
like "$(ctl "$M/$pid" where vdso)" ' \[vdso\]\+0x0 ' 'vdso'
is "$(ctl "$M/$pid" where pc | cut -d ' ' -f 2)" r-xp 'pc'
fails EINVAL 'a name that is none' "$M/$pid" where no_such_name
fails EINVAL 'hex needs 0x' "$M/$pid" peek "$libc"
like "$(ctl "$M/$pid" peek "$libc" 2>&1)" "0x$libc" 'and the text says how to write it'

# A file whose name is that of a symbol: the program's symbols come first.
cp "$TOOL" main
other=$(ctl "$M" exec "$T/main")
like "$(ctl "$M/$other" where main)" ' main\+0x0 ' 'a symbol of the program wins over a file'
like "$(ctl "$M/$other" where main:)" "$T/main\\+0x0" 'FILE: is always the file'
rm main
like "$(ctl "$M/$other" where main:+1)" '\+0x1 ' 'also when it is deleted'
strip -o stripped "$TOOL"
other=$(ctl "$M" exec "$T/stripped")
fails EINVAL 'a program without symbols' "$M/$other" where main
like "$(ctl "$M/$other" where malloc)" ' malloc\+0x0 ' 'its library still has some'

# --- peek and poke ----------------------------------------------------------------------------

is "$(ctl "$M/$pid" peek main 48)" \
	"$(dd if="$M/$pid/mem" bs=1 skip=$((main)) count=48 status=none | xxd -o "$main")" \
	'peek prints what xxd prints of mem'
is "$(ctl "$M/$pid" peek main | wc -l)" 4 'peek shows 64 bytes'
ok 'poke takes a text' ctl "$M/$pid" poke heap 'hello world'
is "$("$TOOL" pread "$M/$pid/mem" 0x"$(sed -n 's/-.*\[heap\]$//p' "$M/$pid/maps")" 11)" \
	"$(hex 'hello world')" 'which is in mem then'
answers "$(va "$(plus "$(ctl "$M/$pid" sbrk 0)" -135168)") hit tlb=hit" \
	'poke answers as access does' "$M/$pid" poke heap hex:00
fails EACCES 'poke obeys the rights' "$M/$pid" poke main x
like "$(tail -n 1 "$M/$pid/faults")" ' fatal segv-accerr ' 'and the fault is recorded'
fails EFAULT 'peek where nothing is' "$M/$pid" peek 0x10

# --- walk -------------------------------------------------------------------------------------

ctl "$M/$pid" access w sp >/dev/null
ctl "$M/$pid" walk sp >walk
is "$(wc -l <walk)" 6 'walk: the indices, four levels, the result'
is "$(sed -n 's/.* = \(0x[0-9a-f]*\) .*/\1/p' walk | tr '\n' ' ')" \
	"$(ctl "$M/$pid" translate sp | tr ' ' '\n' | sed -n 's/.*=//p' | tr '\n' ' ')" \
	'its entries are those of translate'
is "$(sed -n 's/^rights rw- physical //p' walk)" \
	"$(ctl "$M/$pid" translate sp | cut -d ' ' -f 3)" 'and so is the physical address'
is "$(awk 'length > 79' walk)" '' 'no line is longer than 79'
before=$(grep -c . "$M/$pid/faults")
ctl "$M/$pid" walk main >/dev/null
ctl "$M/$pid" where main >/dev/null
is "$(grep -c . "$M/$pid/faults")" "$before" 'walk and where take no fault'

# --- Failures ---------------------------------------------------------------------------------

like "$(ctl "$M/$pid" mmap 0 1G rw- private,anon 2>&1)" \
	'1 GiB is more than RAM and swap together \(12 MiB\); sys/vm/overcommit_memory is 0$' \
	'ENOMEM says which limit it was'
like "$(ctl "$M/$pid" access w stack-16M 2>&1)" 'its limit of 8 MiB \(RLIMIT_STACK' \
	'below the stack, the text says how far it may grow'

stop_mount
done_testing
