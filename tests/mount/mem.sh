# PID/mem: the address space as a file, used with ordinary tools.
. "$(dirname "$0")/lib.sh"
start_mount
ctl "$M" spawn >/dev/null
mem=$M/1/mem

a=$(ctl "$M/1" mmap 0 16K rw- private,anon)
is "$(poke 1 "$a" 'hello, world')" 12 'a write'
is "$(peek 1 "$a" 12)" "$(hex 'hello, world')" 'is read back'

# --- Tools ------------------------------------------------------------------------------------

page=$((a / 4096))
is "$(dd if="$mem" bs=4096 skip=$page count=1 2>/dev/null | head -c 5)" hello 'dd reads'
is "$(dd if="$mem" bs=1 skip=$((a)) count=5 2>/dev/null)" hello 'byte by byte too'
like "$(hexdump -C -s $((a)) -n 16 "$mem")" \
	'^7ffff7ffb000  68 65 6c 6c 6f .*\|hello, world\.\.\.\.\|$' 'hexdump -C -s'
like "$(xxd -s $((a)) -l 16 "$mem")" '^7ffff7ffb000: 6865 6c6c 6f2c ' 'xxd -s'
like "$(od -A x -t x1 -j $((a)) -N 16 "$mem")" '^7ffff7ffb000 68 65 6c 6c 6f 2c ' 'od -j'
is "$(tail -c +$((a + 1)) "$mem" 2>/dev/null | head -c 5)" hello 'tail -c +N'
is "$(hexdump -v -e '1/1 "%02x"' -s $((a)) -n 5 "$mem")" 68656c6c6f 'hexdump with a format'
printf 'from dd' | dd of="$mem" bs=4096 seek=$((page + 1)) conv=notrunc 2>/dev/null
is "$(peek 1 "$(plus "$a" 4096)" 7)" "$(hex 'from dd')" 'dd writes'
printf 'DD' | dd of="$mem" bs=4096 seek=$((page + 1)) 2>/dev/null
is "$(peek 1 "$(plus "$a" 4096)" 7)" "$(hex 'DDom dd')" 'and so it does without conv=notrunc'
printf 'by xxd' | xxd -o $((a + 8192)) | xxd -r - "$mem" 2>/dev/null
is "$(peek 1 "$(plus "$a" 8192)" 6)" "$(hex 'by xxd')" 'xxd -r writes'
head -c 16384 /dev/urandom >"$T/random"
dd if="$T/random" of="$mem" bs=16384 seek=$((a)) oflag=seek_bytes conv=notrunc 2>/dev/null
ok 'cmp -i finds what dd wrote' cmp -n 16384 -i "$((a)):0" "$mem" "$T/random"
poke 1 "$(plus "$a" 9999)" "$(printf '\001')x" >/dev/null
refused 'and sees a difference' cmp -n 16384 -i "$((a)):0" "$mem" "$T/random"
ok 'sha1sum of a piece' sh -c "dd if='$mem' bs=4096 skip=$page count=4 2>/dev/null | sha1sum"
refused 'cat stops at address 0, where nothing is' cat "$mem"
like "$(cat "$mem" 2>&1)" 'Bad address' 'with EFAULT'
is "$(hexdump -v -e '16/1 "%02x" "\n"' -s $((a)) "$mem" 2>/dev/null | wc -l)" 1024 \
	'hexdump without -n reads to the end of the area'
is "$("$TOOL" map "$mem" "$a" 4)" "$(peek 1 "$a" 4)" 'a private mapping of mem'

# --- Large transfers --------------------------------------------------------------------------

big=$(ctl "$M/1" mmap 0 8M rw- private,anon)
head -c 5000000 /dev/urandom >"$T/big"
ok 'five million bytes go in' \
	dd if="$T/big" of="$mem" bs=3M seek=$((big)) oflag=seek_bytes conv=notrunc
ok 'and out' cmp -n 5000000 -i "$((big)):0" "$mem" "$T/big"
is "$("$TOOL" fill "$mem" "$big" 3000000 90)" 3000000 'one write of three million bytes'
is "$("$TOOL" pread "$mem" "$big" 3000000 | tr -d '5a\n' | wc -c)" 0 'and one read of as many'
is "$(peek 1 "$(plus "$big" 7000000)" 8)" 0000000000000000 'what was not written is zero'
answers 0 'the area can go' "$M/1" munmap "$big" 8M

# --- Where there is nothing, or nothing for the asker -----------------------------------------

end=$(plus "$a" 16384)
is "$(peek 1 0 1)" EFAULT 'reading where no area is'
is "$(poke 1 0 x)" EFAULT 'writing there'
is "$(peek 1 0x7ffffffff000 16)" '' 'at the end of the address space a read finds the end of file'
is "$(peek 1 0x800000000000 16)" '' 'and above'
is "$(peek 1 0x7ffff7fff000 1)" EFAULT 'the page after the highest area has none'
is "$(peek 1 "$(plus "$end" -4)" 8 | tr -d '\n' | wc -c)" 8 'a read into a hole is short'
is "$("$TOOL" fill "$mem" "$(plus "$end" -4096)" 8192 1)" 4096 'and so is a write'

for prot in --- r-- r-x; do
	p=$(ctl "$M/1" mmap 0 4K $prot private,anon)
	is "$(poke 1 "$p" x)" EACCES "writing to $prot"
	case $prot in
	---) is "$(peek 1 "$p" 1)" EACCES "reading from $prot" ;;
	*) is "$(peek 1 "$p" 1)" 00 "reading from $prot" ;;
	esac
	ctl "$M/1" munmap "$p" 4K >/dev/null
done
p=$(ctl "$M/1" mmap 0 4K -w- private,anon)
is "$(poke 1 "$p" x)" 1 'writing to -w-'
is "$(peek 1 "$p" 1)" 78 'can be read too: x86-64 has no pages that can only be written'
ctl "$M/1" mprotect "$a" 4K r-- >/dev/null
is "$(poke 1 "$a" x)" EACCES 'mprotect holds for mem'
is "$("$TOOL" fill "$mem" "$a" 8192 1)" EACCES 'also where later pages could be written'
ctl "$M/1" mprotect "$a" 4K rw- >/dev/null
ctl "$M/1" mprotect "$(plus "$a" 4096)" 4K r-- >/dev/null
is "$("$TOOL" fill "$mem" "$a" 8192 1)" 4096 'and a write into a read-only page is short'

printf 'a short file' >"$T/short"
s=$(ctl "$M/1" mmap 0 8K rw- private "$T/short")
is "$(peek 1 "$s" 14)" "$(hex 'a short file')0000" 'a file is filled up with zeros'
is "$(peek 1 "$(plus "$s" 4096)" 1)" EIO 'a page beyond its end is EIO'
is "$(poke 1 "$(plus "$s" 4096)" x)" EIO 'for a write too'
is "$(peek 1 "$s" 8192 | tr -d '\n' | wc -c)" 8192 'a read into it is short'

# --- Size, holes, truncation ------------------------------------------------------------------

: >"$mem"
is "$(peek 1 "$p" 1)" 78 'truncation by open does nothing'
ok 'truncate succeeds' truncate -s 0 "$mem"
is "$(stat -c %s "$mem")" 140737488351232 'and does nothing'
is "$(peek 1 "$p" 1)" 78 'to what is there'

ctl "$M" spawn >/dev/null
mem=$M/2/mem
a=$(ctl "$M/2" mmap 0 16K rw- private,anon)
poke 2 "$a" 'MARK of the area' >/dev/null
poke 2 0x7fffffffe000 'MARK of the stack' >/dev/null
stack=0x7ffffffde000
is "$("$TOOL" seek "$mem" 0 data)" "$a" 'SEEK_DATA finds the lowest area'
is "$("$TOOL" seek "$mem" "$(plus "$a" 5)" data)" "$(plus "$a" 5)" 'inside an area it stays'
is "$("$TOOL" seek "$mem" "$a" hole)" "$(plus "$a" 16384)" 'SEEK_HOLE finds its end'
is "$("$TOOL" seek "$mem" "$(plus "$a" 16384)" data)" $stack 'then comes the stack'
is "$("$TOOL" seek "$mem" 0 hole)" 0x0 'the bottom is a hole'
is "$("$TOOL" seek "$mem" $stack hole)" 0x7ffffffff000 'the end of the stack is the end'
is "$("$TOOL" seek "$mem" 0x7ffffffff000 data)" ENXIO 'after that there is nothing'

ok 'tar -S reads just the areas' tar -C "$M/2" -cSf "$T/mem.tar" mem
ok 'an archive of a moderate size' test "$(wc -c <"$T/mem.tar")" -lt 400000
is "$(grep -ao MARK "$T/mem.tar" | wc -l)" 2 'with what the areas hold'
like "$(tar -tvf "$T/mem.tar")" ' 140737488351232 .* mem$' 'and the size of the whole'

# A mapping reads the page that is touched, and nothing around it: what lies before may be a hole.
b=$(ctl "$M/2" mmap 0x40000000 4K rw- private,anon,fixed)
c=$(ctl "$M/2" mmap 0x40008000 64K rw- private,anon,fixed)
poke 2 "$b" before >/dev/null
poke 2 "$c" after >/dev/null
faults=$(sed -n 's/^SimFaultsMinor:[^0-9]*//p' "$M/2/status")
is "$("$TOOL" map "$mem" "$c" 5)" "$(hex after)" 'a page behind a hole is read through a mapping'
is "$("$TOOL" map "$mem" "$(plus "$c" 32768)" 4)" 00000000 'and one in the middle of untouched ones'
is $(($(sed -n 's/^SimFaultsMinor:[^0-9]*//p' "$M/2/status") - faults)) 1 \
	'which is one fault: no page is read ahead'

# The copy is as large as the address space. Only tmpfs allows that: on ext4 it is too long.
if [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ] && [ -w /dev/shm ]; then
	copy=$(mktemp /dev/shm/vasfs-test.XXXXXX)
	ok 'cp --sparse=always copies mem' cp --sparse=always "$mem" "$copy"
	is "$(stat -c %s "$copy")" 140737488351232 'the copy is as long'
	ok 'and small' test "$(du -k "$copy" | cut -f 1)" -lt 200
	ok 'it has the area' cmp -n 16384 -i $((a)) "$mem" "$copy"
	ok 'and the stack' cmp -n 135168 -i $((stack)) "$mem" "$copy"
	rm -f "$copy"
else
	skip 'no tmpfs on /dev/shm' 'cp --sparse=always copies mem'
fi

# --- A process that ends ----------------------------------------------------------------------

is "$("$TOOL" session "$mem" <<END
0 seek $a
0 read 4
run $VASCTL $M/2 exit >/dev/null
say .
0 seek $a
0 read 4
END
)" "MARK.
ESRCH" 'an open mem of a process that has ended answers ESRCH'

stop_mount
done_testing
