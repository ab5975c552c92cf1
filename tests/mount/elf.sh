# Malformed programs are refused, whatever their bytes, and the process stays as it was.
. "$(dirname "$0")/lib.sh"
start_mount
ctl "$M" exec /bin/true >/dev/null
cat "$M/1/maps" "$M/1/auxv" "$M/1/cmdline" >"$T/before"
bad=$T/bad
size=$(wc -c </bin/true)
phnum=$(od -An -t u2 -j 56 -N 2 /bin/true | tr -d ' ')

# patch OFFSET ESCAPED-BYTES: make $bad, a copy of /bin/true with these bytes
patch() {
	cp /bin/true "$bad"
	chmod 755 "$bad"
	"$TOOL" pwrite "$bad" "$1" "$2" >/dev/null
}
# unchanged DESCRIPTION: the process is as before
unchanged() {
	cat "$M/1/maps" "$M/1/auxv" "$M/1/cmdline" >"$T/after"
	ok "$1: the process is as it was" cmp "$T/before" "$T/after"
}
# noexec DESCRIPTION: $bad is not a program (ENOEXEC)
noexec() {
	fails ENOEXEC "$1" "$M/1" exec "$bad"
	unchanged "$1"
}
# refuses DESCRIPTION: $bad cannot be executed, for whatever reason
refuses() {
	refused "$1" ctl "$M/1" exec "$bad"
	unchanged "$1"
}
# header TYPE: the offset of the first program header of that type in /bin/true
header() {
	n=0
	while [ $n -lt "$phnum" ]; do
		at=$((64 + 56 * n))
		if [ "$(od -An -t u4 -j $at -N 4 /bin/true | tr -d ' ')" = "$1" ]; then
			echo $at
			return
		fi
		n=$((n + 1))
	done
}
load=$(header 1)
interp=$(header 3)

# --- Truncated --------------------------------------------------------------------------------

for length in 0 1 4 16 52 63 64 100 $((64 + 56 * phnum - 1)); do
	head -c "$length" /bin/true >"$bad"
	chmod 755 "$bad"
	noexec "the first $length bytes"
done

# --- The header -------------------------------------------------------------------------------

patch 0 '\x7fELG'
noexec 'another magic number'
patch 4 '\x01'
noexec 'a 32-bit file'
patch 5 '\x02'
noexec 'a big-endian file'
for type in 0 1 4 9; do
	patch 16 "\\x0$type\\x00"
	noexec "file type $type"
done
patch 18 '\xb7\x00'
noexec 'a program for another machine'
patch 54 '\x39\x00'
noexec 'program headers of another size'
patch 56 '\x00\x00'
noexec 'no program headers'
patch 56 '\xff\xff'
noexec 'more program headers than the file holds'
patch 32 '\xff\xff\xff\xff\xff\xff\xff\xff'
noexec 'program headers at the end of the world'
patch 32 '\x00\x00\x00\x00\x00\x00\x00\x80'
noexec 'program headers at a negative offset'

# --- Segments ---------------------------------------------------------------------------------

# p_type 0, p_flags 4, p_offset 8, p_vaddr 16, p_paddr 24, p_filesz 32, p_memsz 40, p_align 48
patch $((load + 40)) '\xff\xff\xff\xff\xff\xff\xff\x7f'
refuses 'a huge segment'
patch $((load + 40)) '\x00\x00\x00\x00\x00\x80\x00\x00'
refuses 'a segment as long as the address space'
patch $((load + 40)) '\x01\x00\x00\x00\x00\x00\x00\x00'
noexec 'more of a segment in the file than in memory'
patch $((load + 32)) '\xff\xff\xff\xff\xff\xff\xff\xff'
noexec 'a segment with a negative length in the file'
patch $((load + 16)) '\x00\x00\x00\x00\x00\x00\x00\x80'
refuses 'a segment in the half of the kernel'
patch $((load + 16)) '\x00\xf0\xff\xff\xff\xff\xff\xff'
refuses 'a segment that wraps around'
patch $((load + 8)) '\x01\x00\x00\x00\x00\x00\x00\x00'
refuses 'a segment whose offset and address do not fit together'

# --- The interpreter --------------------------------------------------------------------------

patch $((interp + 32)) '\x00\x00\x00\x00\x00\x00\x00\x00'
noexec 'an empty name of the interpreter'
patch $((interp + 32)) '\x00\x00\x00\x10\x00\x00\x00\x00'
noexec 'a name of the interpreter that is too long'
patch $((interp + 8)) '\xff\xff\xff\xff\xff\xff\xff\x7f'
fails EINVAL 'a name of the interpreter at no offset' "$M/1" exec "$bad"
unchanged 'a name of the interpreter at no offset'
patch $((interp + 8)) '\x00\x00\x00\x10\x00\x00\x00\x00'
fails EIO 'a name of the interpreter beyond the file' "$M/1" exec "$bad"
unchanged 'a name of the interpreter beyond the file'
patch $((interp + 32)) '\x05\x00\x00\x00\x00\x00\x00\x00'
noexec 'a name of the interpreter without its end'
offset=$(od -An -t u8 -j $((interp + 8)) -N 8 /bin/true | tr -d ' ')
patch "$offset" '/no-such/'
fails ENOENT 'an interpreter that is not there' "$M/1" exec "$bad"
unchanged 'an interpreter that is not there'
patch "$offset" '/etc/passwd\0'
refuses 'an interpreter that is no program'
cp /bin/true "$T/self"
cd "$T" || exit 1
"$TOOL" pwrite "$T/self" "$offset" 'self\0' >/dev/null
if ctl "$M/1" exec "$T/self" >/dev/null 2>&1; then
	ok 'a program that is its own interpreter is loaded once as each' test -d "$M/1"
	ctl "$M/1" exec /bin/true >/dev/null
else
	unchanged 'a program that is its own interpreter'
fi
cd / || exit 1

# --- Whatever its bytes -----------------------------------------------------------------------

awk -v size="$size" -v headers=$((64 + 56 * phnum)) 'BEGIN {
	srand(42)
	for (i = 0; i < 150; i++)
		printf "%d \\x%02x\\x%02x\n",
			int(rand() * (i % 5 ? headers : size - 2)),
			int(rand() * 256), int(rand() * 256)
}' >"$T/patches"
lost=
while read -r at bytes; do
	patch "$at" "$bytes"
	if ctl "$M/1" exec "$bad" >/dev/null 2>&1; then
		ctl "$M/1" exec /bin/true >/dev/null || lost="$lost after $at $bytes"
	fi
	cat "$M/1/maps" "$M/1/auxv" "$M/1/cmdline" >"$T/after"
	cmp -s "$T/before" "$T/after" || lost="$lost $at $bytes"
done <"$T/patches"
is "$lost" '' '150 damaged programs'
head -c 100000 /dev/urandom >"$bad"
refuses 'noise'
printf '\177ELF\002\001\001' | dd of="$bad" conv=notrunc 2>/dev/null
refuses 'noise that looks like an ELF file'

stop_mount
done_testing
