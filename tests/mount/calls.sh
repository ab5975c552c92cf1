# The calls that change areas, with valid and invalid arguments, give Linux's answers.
. "$(dirname "$0")/lib.sh"
start_mount
P=$M/1
ctl "$M" spawn >/dev/null
max=0xffffffffffffffff

# --- mmap -------------------------------------------------------------------------------------

answers 0x7ffff7ffe000 'mmap rounds a length up' "$P" mmap 0 1 rw- private,anon
answers 0x7ffff7ffd000 'a dash chooses the address too' "$P" mmap - 4096 rw- private,anonymous
answers 0x10000000 'a hint that is free is taken' "$P" mmap 0x10000000 4K rw- private,anon
answers 0x7ffff7ffc000 'one that is not is ignored' "$P" mmap 0x10000000 4K rw- private,anon
answers 0x20000000 'a hint is rounded down to a page' "$P" mmap 0x20000001 4K rw- private,anon
answers 0x30000000 'fixed' "$P" mmap 0x30000000 8K rw- private,anon,fixed
poke 1 0x30000000 old >/dev/null
answers 0x30000000 'fixed replaces what is there' "$P" mmap 0x30000000 4K r-- private,anon,fixed
is "$(peek 1 0x30000000 3)" 000000 'contents and all'
like "$(area 1 0x30001000)" ' rw-p ' 'but not beside it'
answers 0x30010000 'fixed_noreplace where it is free' \
	"$P" mmap 0x30010000 4K rw- private,anon,fixed_noreplace
fails EEXIST 'fixed_noreplace where it is not' \
	"$P" mmap 0x30010000 4K rw- private,anon,fixed_noreplace
fails EEXIST 'nor in part' "$P" mmap 0x3000f000 8K rw- private,anon,fixed_noreplace
low=$(ctl "$P" mmap 0 4K rw- private,anon,32bit)
ok '32bit gives an address below 2 GiB' test "$((low))" -lt 2147483648
blocks=$(stat -c %b "$P/mem")
ok 'populate' ctl "$P" mmap 0 16K rw- private,anon,populate
is $(($(stat -c %b "$P/mem") - blocks)) 32 'makes the pages present'
ok 'noreserve and stack are taken' ctl "$P" mmap 0 4K rw- private,anon,noreserve,stack
ok 'sizes take a suffix' ctl "$P" mmap 0 1M rw- private,anon
ok 'shared anonymous' ctl "$P" mmap 0 4K rw- shared,anon

fails EINVAL 'a length of 0' "$P" mmap 0 0 rw- private,anon
fails EINVAL 'neither private nor shared' "$P" mmap 0 4K rw- anon
fails EINVAL 'fixed at no page boundary' "$P" mmap 0x30000001 4K rw- private,anon,fixed
fails ENOMEM 'longer than the address space' "$P" mmap 0 0x800000000000 rw- private,anon
fails ENOMEM 'longer than can be rounded up' "$P" mmap 0 $max rw- private,anon
fails ENOMEM 'fixed beyond the address space' "$P" mmap 0x7ffffffff000 4K rw- private,anon,fixed
fails ENOMEM 'fixed across its end' "$P" mmap 0x7fffffffe000 8K rw- private,anon,fixed
fails EPERM 'fixed at -1: Linux takes it for an errno' "$P" mmap $max 4K rw- private,anon,fixed
fails 600 'one that has no name' "$P" mmap 0xfffffffffffffda8 4K rw- private,anon,fixed
like "$(sh -c 'echo "mmap 0xfffffffffffffda8 4K rw- private,anon,fixed" >"$1/ctl"' sh "$P" 2>&1)" \
	. 'and the write ends'
fails EINVAL 'growsdown and shared' "$P" mmap 0 4K rw- shared,anon,growsdown
for prot in rwz rx- rwxx xr wr- R-- '' 7; do
	fails EINVAL "prot '$prot'" "$P" mmap 0 4K "$prot" private,anon
done
for prot in r=r-- rw=rw- rx=r-x wx=-wx x=--x -=---; do
	addr=$(ctl "$P" mmap 0x8000000 4K "${prot%%=*}" private,anon,fixed)
	is "$(area 1 "$addr" | cut -d ' ' -f 2)" "${prot#*=}p" "prot '${prot%%=*}' is ${prot#*=}"
done
ctl "$P" munmap 0x8000000 4K >/dev/null
for flags in private,bogus PRIVATE,anon '' private-anon; do
	fails EINVAL "flags '$flags'" "$P" mmap 0 4K rw- "$flags"
done

head -c 10000 /dev/zero >"$T/file"
ok 'a file' ctl "$P" mmap 0 8K rw- private "$T/file"
ok 'a file with an offset' ctl "$P" mmap 0 4K rw- private "$T/file" 4096
ok 'an offset beyond its end' ctl "$P" mmap 0 4K rw- private "$T/file" 1M
ok 'shared_validate' ctl "$P" mmap 0 4K rw- shared_validate "$T/file"
fails EINVAL 'an offset that is no page boundary' "$P" mmap 0 4K rw- private "$T/file" 1
fails EOVERFLOW 'an offset that no file has' "$P" mmap 0 4K rw- private "$T/file" 0xfffffffffffff000
fails ENOENT 'no such file' "$P" mmap 0 4K rw- private "$T/none"
fails ENOTDIR 'a file as a folder' "$P" mmap 0 4K rw- private "$T/file/x"
fails ENODEV 'a directory' "$P" mmap 0 4K r-- private "$T"
fails EACCES 'private of a file opened write-only' "$P" mmap 0 4K r-- private,wronly "$T/file"
fails EACCES 'shared and writable of a file opened read-only' \
	"$P" mmap 0 4K rw- shared,rdonly "$T/file"
fails EBADF 'a descriptor that is not open' "$P" mmap 0 4K r-- private fd:5
fails EINVAL 'two files' "$P" mmap 0 4K r-- private "$T/file" 0 x

# --- munmap -----------------------------------------------------------------------------------

answers 0 'munmap of a hole' "$P" munmap 0x40000000 4K
fails EINVAL 'munmap of no length' "$P" munmap 0x40000000 0
fails EINVAL 'munmap at no page boundary' "$P" munmap 0x40000001 4K
fails EINVAL 'munmap beyond the address space' "$P" munmap 0x7fffffffe000 8K
fails EINVAL 'munmap of more than there is' "$P" munmap 0x1000 $max
ctl "$P" mmap 0x40000000 20K rw- private,anon,fixed >/dev/null
answers 0 'munmap over areas and holes' "$P" munmap 0x3fff0000 0x11000
like "$(area 1 0x40001000)" '^40001000-40005000 ' 'takes just its range'
is "$(peek 1 0x40000000 1)" EFAULT 'whose bytes are gone'

# --- mprotect ---------------------------------------------------------------------------------

m=0x50000000
ctl "$P" mmap $m 16K rw- private,anon,fixed >/dev/null
answers 0 'mprotect' "$P" mprotect $m 8K r--
answers 0 'mprotect of no length' "$P" mprotect $m 0 ---
fails EINVAL 'mprotect at no page boundary' "$P" mprotect 0x50000001 4K rw-
fails ENOMEM 'mprotect of a hole' "$P" mprotect 0x60000000 4K rw-
fails ENOMEM 'mprotect that runs into a hole' "$P" mprotect $m 32K ---
is "$(area 1 $m | cut -d ' ' -f 1,2)" '50000000-50004000 ---p' \
	'has changed what comes before the hole, as in Linux'
fails EINVAL 'mprotect with an unknown right' "$P" mprotect $m 4K rwy
fails ENOMEM 'mprotect that wraps' "$P" mprotect $m $max rw-
ctl "$P" mprotect $m 16K rw- >/dev/null
fails EINVAL 'growsdown on an area that does not grow' "$P" mprotect $m 4K r--,growsdown
answers 0x80000000 'an area that grows' "$P" mmap 0x80000000 8K rw- private,anon,growsdown,fixed
answers 0 'growsdown from its middle' "$P" mprotect 0x80001000 4K r--,growsdown
is "$(area 1 0x80000000 | cut -d ' ' -f 1,2)" '80000000-80002000 r--p' 'reaches down to its start'

# --- mremap -----------------------------------------------------------------------------------

r=0x100000000
ctl "$P" mmap $r 16K rw- private,anon,fixed >/dev/null
poke 1 $r contents >/dev/null
answers $r 'mremap shrinks' "$P" mremap $r 16K 8K
answers $r 'and grows where there is room' "$P" mremap $r 8K 32K
is "$(area 1 $r | cut -d ' ' -f 1)" '100000000-100008000' 'in place'
ctl "$P" mmap 0x100008000 4K --- private,anon,fixed >/dev/null
fails ENOMEM 'not where there is none' "$P" mremap $r 32K 64K
moved=$(ctl "$P" mremap $r 32K 64K maymove)
isnt "$moved" $r 'but with maymove elsewhere'
is "$(peek 1 "$moved" 8)" "$(hex contents)" 'with the contents'
is "$(peek 1 $r 1)" EFAULT 'and nothing is left'
answers 0x200000000 'fixed says where' "$P" mremap "$moved" 64K 64K maymove,fixed 0x200000000
is "$(peek 1 0x200000000 8)" "$(hex contents)" 'with the contents'
kept=$(ctl "$P" mremap 0x200000000 64K 64K maymove,dontunmap)
is "$(peek 1 "$kept" 8)" "$(hex contents)" 'dontunmap moves the contents'
is "$(peek 1 0x200000000 8)" 0000000000000000 'and keeps the area, empty'
fails EFAULT 'mremap of a hole' "$P" mremap 0x300000000 4K 8K maymove
fails EFAULT 'mremap over two areas' "$P" mremap 0x200000000 128K 256K maymove
fails EINVAL 'mremap at no page boundary' "$P" mremap 0x200000001 4K 8K
fails EINVAL 'mremap to nothing' "$P" mremap 0x200000000 4K 0
fails EINVAL 'fixed without maymove' "$P" mremap 0x200000000 4K 4K fixed 0x300000000
fails EINVAL 'onto itself' "$P" mremap 0x200000000 8K 8K maymove,fixed 0x200001000
fails EINVAL 'an unknown word' "$P" mremap 0x200000000 4K 8K sideways
fails ENOMEM 'more than there is' "$P" mremap 0x200000000 4K 0x7fffffff0000 maymove

# --- brk, sbrk --------------------------------------------------------------------------------

heap=0x555555556000
answers $heap 'brk 0 asks' "$P" brk 0
answers 0x555555557234 'brk moves the break to the byte' "$P" brk 0x555555557234
answers 0x555555557234 'sbrk 0 asks too' "$P" sbrk 0
like "$(area 1 $heap)" '^555555556000-555555558000 rw-p .*\[heap\]$' 'the heap ends at a page'
answers 0x555555557234 'sbrk answers the break before it' "$P" sbrk 4096
answers 0x555555558234 'which has moved' "$P" sbrk -4096
answers 0x555555557234 'and moves back' "$P" brk 0
answers 0x555555557234 'brk below the start is refused: the break stays' "$P" brk 0x1000
answers 0x555555557234 'so is one into another area' "$P" brk 0x7ffff7ffe000
fails ENOMEM 'sbrk below the start' "$P" sbrk -1M
fails ENOMEM 'sbrk by too much' "$P" sbrk 0x700000000000
poke 1 $heap heap >/dev/null
answers $heap 'brk back to the start' "$P" brk $heap
is "$(peek 1 $heap 4)" EFAULT 'gives the pages back'
ctl "$P" sbrk 4096 >/dev/null
is "$(peek 1 $heap 4)" 00000000 'and new ones are zero'

# --- msync ------------------------------------------------------------------------------------

s=$(ctl "$P" mmap 0 8K rw- shared "$T/file")
for flags in sync async invalidate sync,invalidate 0; do
	answers 0 "msync $flags" "$P" msync "$s" 8K "$flags"
done
answers 0 'msync of no length' "$P" msync "$s" 0 sync
fails EINVAL 'msync sync,async' "$P" msync "$s" 8K sync,async
fails EINVAL 'msync at no page boundary' "$P" msync "$(plus "$s" 1)" 4K sync
fails EINVAL 'msync with an unknown word' "$P" msync "$s" 4K flush
fails ENOMEM 'msync of a hole' "$P" msync 0x300000000 4K sync
fails ENOMEM 'msync that wraps' "$P" msync "$s" 0xfffffffffffff000 sync

# --- open, close ------------------------------------------------------------------------------

answers 0 'the first descriptor' "$P" open "$T/file"
answers 1 'the next' "$P" open "$T/file" rdwr
answers 2 'and one more' "$P" open "$T/file" wronly
answers 0 'close' "$P" close 1
answers 1 'the lowest free one is next' "$P" open "$T/file"
fails EBADF 'close of one that is not open' "$P" close 7
fails EINVAL 'open with an unknown word' "$P" open "$T/file" append
fails ENOENT 'open of nothing' "$P" open "$T/none"
fails ENODEV 'open of a directory' "$P" open "$T"
ok 'mmap of a descriptor' ctl "$P" mmap 0 4K r-- private fd:0
fails EACCES 'a descriptor that was opened read-only' "$P" mmap 0 4K rw- shared fd:0
fails EACCES 'a descriptor that was opened write-only' "$P" mmap 0 4K r-- shared fd:2

# --- setenv, kill, exit -----------------------------------------------------------------------

answers 0 'setenv' "$P" setenv NAME 'a value'
answers 0 'setenv without a value' "$P" setenv NAME
fails EINVAL 'setenv with an equals sign' "$P" setenv NA=ME x
fails EINVAL 'setenv of nothing' "$P" setenv '' x
ctl "$M" spawn >/dev/null
answers 0 'kill 0 only asks' "$M/2" kill 0
ok 'so the process is there' test -d "$M/2"
fails EINVAL 'kill with no such signal' "$M/2" kill 65
ok 'which does nothing' test -d "$M/2"
answers 0 'kill' "$M/2" kill
ok 'ends it' test ! -d "$M/2"
ctl "$M" spawn >/dev/null
answers 0 'exit with a status' "$M/3" exit 42
ok 'ends it' test ! -d "$M/3"
fails ESRCH 'kill of no process' "$M" kill 3
fails ESRCH 'kill of a process that never was' "$M" kill 4242
fails EINVAL 'kill by the machine with no such signal' "$M" kill 1 99
answers 0 'sync' "$M" sync

# --- A failed call changes nothing ------------------------------------------------------------

cat "$P/maps" >"$T/before"
for command in 'mmap 0x50000000 8K rw- private,anon,fixed_noreplace' \
	'mmap 0x50000000 0x7fffffffe000 rw- private,anon,fixed' \
	'mmap 0x50000000 4K rw- shared,fixed,rdonly FILE' 'munmap 0x50000000 0x800000000000' \
	'mremap 0x50000000 16K 0x800000000000 maymove' \
	'mremap 0x50000000 4K 8K maymove,fixed 0x7ffffffff000' 'brk 0x7fffffff0000'; do
	echo "$command" | sed "s,FILE,$T/file," | ctl "$P" >/dev/null 2>&1
	ok "nothing has changed after $command" cmp "$T/before" "$P/maps"
done

stop_mount
done_testing
