# Mapped host files: who sees a store, and when it reaches the file.
. "$(dirname "$0")/lib.sh"
start_mount
for _ in 1 2 3; do
	ctl "$M" spawn >/dev/null
done

# make NAME: a file of three pages: A, B and C
make() {
	for letter in A B C; do
		head -c 4096 /dev/zero | tr '\0' $letter
	done >"$T/$1"
}
# at NAME OFFSET LENGTH: the bytes in the file
at() {
	dd if="$T/$1" bs=1 skip="$2" count="$3" 2>/dev/null
}

# --- Shared -----------------------------------------------------------------------------------

make file
a=$(ctl "$M/1" mmap 0 12K rw- shared "$T/file")
b=$(ctl "$M/2" mmap 0 12K rw- shared "$T/file")
is "$(peek 1 "$(plus "$a" 4096)" 2)" "$(hex BB)" 'a mapping shows the file'
poke 1 "$a" one >/dev/null
is "$(peek 2 "$b" 3)" "$(hex one)" 'a store shows in another process at once'
answers 0 'msync sync' "$M/1" msync "$a" 12K sync
is "$(at file 0 4)" oneA 'after it the store is in the file'
poke 1 "$(plus "$a" 4096)" two >/dev/null
ctl "$M/1" munmap "$a" 12K >/dev/null
is "$(peek 2 "$(plus "$b" 4096)" 3)" "$(hex two)" 'munmap of one mapping leaves the other'
poke 2 "$(plus "$b" 8192)" three >/dev/null
ctl "$M/2" munmap "$b" 12K >/dev/null
is "$(at file 4096 4)" twoB 'after munmap of the last mapping the stores are in the file'
is "$(at file 8192 6)" threeC 'of all processes'

# way NAME COMMAND...: a store has reached the file after COMMAND
way() {
	make way
	ctl "$M" spawn >/dev/null
	pid=$(cat "$M/ctl")
	a=$(ctl "$M/$pid" mmap 0 12K rw- shared "$T/way")
	poke "$pid" "$(plus "$a" 5000)" 'a store' >/dev/null
	name=$1
	shift
	"$@" >/dev/null
	is "$(at way 5000 8)" 'a storeB' "a store is in the file after $name"
	[ ! -d "$M/$pid" ] || ctl "$M" kill "$pid" >/dev/null
}
exit_it() {
	ctl "$M/$pid" exit
}
kill_it() {
	ctl "$M" kill "$pid" 9
}
exec_it() {
	ctl "$M/$pid" exec /bin/true
}
map_over() {
	ctl "$M/$pid" mmap "$a" 12K rw- private,anon,fixed
}
written_back() {
	[ "$(at way 5000 8)" = 'a storeB' ]
}
way exit exit_it
way kill kill_it
way exec exec_it
way 'another mapping in its place' map_over
way sync ctl "$M" sync
way 'the write-back period' eventually 20 written_back

# --- Private ----------------------------------------------------------------------------------

make private
p=$(ctl "$M/1" mmap 0 12K rw- private "$T/private")
q=$(ctl "$M/2" mmap 0 12K rw- private "$T/private")
poke 1 "$p" mine >/dev/null
is "$(peek 1 "$p" 5)" "$(hex mineA)" 'a store into a private mapping'
is "$(peek 2 "$q" 4)" "$(hex AAAA)" 'is not seen by others'
ctl "$M" sync >/dev/null
ctl "$M/1" msync "$p" 12K sync >/dev/null
is "$(at private 0 4)" AAAA 'nor is it in the file'
s=$(ctl "$M/3" mmap 0 12K rw- shared "$T/private")
poke 3 "$(plus "$s" 4096)" shared >/dev/null
is "$(peek 2 "$(plus "$q" 4096)" 6)" "$(hex shared)" \
	'a store into a shared mapping shows in untouched private pages'
poke 3 "$s" shared >/dev/null
is "$(peek 1 "$p" 4)" "$(hex mine)" 'and not in one that was written'

# --- Changes that others make -----------------------------------------------------------------

make changed
s=$(ctl "$M/1" mmap 0 12K rw- shared "$T/changed")
p=$(ctl "$M/1" mmap 0 12K rw- private "$T/changed")
poke 1 "$(plus "$p" 8192)" mine >/dev/null
"$TOOL" pwrite "$T/changed" 0 'by the host' >/dev/null
is "$(peek 1 "$s" 11)" "$(hex 'by the host')" 'a change to the file shows at the first fault'
"$TOOL" pwrite "$T/changed" 0 'once more...' >/dev/null
answers 0 'msync invalidate' "$M/1" msync "$s" 12K sync,invalidate
is "$(peek 1 "$s" 12)" "$(hex 'once more...')" 'shows a change at once'
is "$(peek 1 "$p" 12)" "$(hex 'once more...')" 'in private pages that were not written as well'
"$TOOL" pwrite "$T/changed" 0 'and again....' >/dev/null
# shows ADDRESS TEXT: memory has TEXT there
shows() {
	[ "$(peek 1 "$1" ${#2})" = "$(hex "$2")" ]
}
ok 'within a second or so it shows anyway' eventually 3 shows "$s" 'and again....'
ok 'in private pages too' eventually 3 shows "$p" 'and again....'
"$TOOL" pwrite "$T/changed" 8192 'not yours' >/dev/null
ctl "$M/1" msync "$s" 12K invalidate >/dev/null
is "$(peek 1 "$(plus "$p" 8192)" 5)" "$(hex mineC)" 'a private page that was written stays'
poke 1 "$(plus "$s" 4096)" 'from vasfs' >/dev/null
"$TOOL" pwrite "$T/changed" 8000 'from host' >/dev/null
"$TOOL" pwrite "$T/changed" 0 'a last time..' >/dev/null
eventually 3 shows "$s" 'a last time..' # so the daemon has looked at the file
is "$(peek 1 "$(plus "$s" 4096)" 10)" "$(hex 'from vasfs')" \
	'a store that is not yet written back is not lost'
ctl "$M/1" msync "$s" 12K sync >/dev/null
is "$(at changed 4096 11)" 'from vasfsB' 'and reaches the file'

# --- The end of the file ----------------------------------------------------------------------

printf 'twelve bytes' >"$T/short"
s=$(ctl "$M/1" mmap 0 8K rw- shared "$T/short")
is "$(peek 1 "$s" 16)" "$(hex 'twelve bytes')00000000" 'the rest of the last page is zero'
poke 1 "$(plus "$s" 7)" 'BYTES and more' >/dev/null
ctl "$M/1" msync "$s" 8K sync >/dev/null
is "$(cat "$T/short")" 'twelve BYTES' 'a store across the end'
is "$(stat -c %s "$T/short")" 12 'does not make the file longer'
is "$(peek 1 "$(plus "$s" 4096)" 1)" EIO 'the page after it is SIGBUS'
like "$(last_fault 1)" '^r [0-9a-f]{16} fatal sigbus( |$)' 'as faults says'
fails EIO 'and access' "$M/1" access r "$(plus "$s" 4096)"
head -c 8192 /dev/zero | tr '\0' N >>"$T/short"
is "$(peek 1 "$(plus "$s" 4096)" 2)" "$(hex NN)" 'when the file grows it can be used'

make shrink
s=$(ctl "$M/1" mmap 0 12K rw- shared "$T/shrink")
p=$(ctl "$M/1" mmap 0 12K rw- private "$T/shrink")
poke 1 "$(plus "$s" 8192)" dirty >/dev/null
poke 1 "$(plus "$p" 8192)" copied >/dev/null
peek 1 "$(plus "$s" 4096)" 1 >/dev/null
truncate -s 4096 "$T/shrink"
gone() {
	[ "$(peek 1 "$1" 1)" = EIO ]
}
ok 'a file that shrinks takes its pages away' eventually 3 gone "$(plus "$s" 4096)"
ok 'dirty ones as well' eventually 3 gone "$(plus "$s" 8192)"
ok 'and copies in private mappings, as Linux does' eventually 3 gone "$(plus "$p" 8192)"
is "$(peek 1 "$s" 1)$(peek 1 "$p" 1)" "$(hex AA)" 'what is left can be read'
ctl "$M" sync >/dev/null
is "$(stat -c %s "$T/shrink")" 4096 'write-back does not make it longer'
ctl "$M/1" munmap "$s" 12K >/dev/null
is "$(stat -c %s "$T/shrink")" 4096 'nor does munmap'

# --- Rights, names, descriptors ---------------------------------------------------------------

make file
s=$(ctl "$M/1" mmap 0 12K r-- shared "$T/file")
fails EACCES 'a shared mapping of a file opened read-only does not become writable' \
	"$M/1" mprotect "$s" 4K rw-
s=$(ctl "$M/1" mmap 0 12K r-- shared,rdwr "$T/file")
answers 0 'one opened with rdwr does' "$M/1" mprotect "$s" 4K rw-
p=$(ctl "$M/1" mmap 0 12K r-- private "$T/file")
answers 0 'a private one always' "$M/1" mprotect "$p" 4K rw-
chmod 444 "$T/file"
ok 'a private writable mapping needs no right to write the file' \
	ctl "$M/1" mmap 0 4K rw- private "$T/file"

make unlinked
s=$(ctl "$M/1" mmap 0 12K rw- shared "$T/unlinked")
ln "$T/unlinked" "$T/link"
rm "$T/unlinked"
poke 1 "$s" still >/dev/null
ctl "$M/1" munmap "$s" 12K >/dev/null
is "$(at link 0 6)" stillA 'a file may be unlinked while it is mapped'

ln -s link "$T/symlink"
s=$(ctl "$M/1" mmap 0 4K r-- private "$T/symlink")
like "$(area 1 "$s")" " $T/link\$" 'a symbolic link is followed'

make file2
fd=$(ctl "$M/1" open "$T/file2" rdwr)
s=$(ctl "$M/1" mmap 0 4K rw- shared "fd:$fd")
ctl "$M/1" close "$fd" >/dev/null
poke 1 "$s" fd >/dev/null
ctl "$M/1" munmap "$s" 4K >/dev/null
is "$(at file2 0 3)" fdA 'a mapping outlives its descriptor'
fd=$(ctl "$M/1" open "$T/file2")
child=$(ctl "$M/1" fork)
ctl "$M/1" close "$fd" >/dev/null
ok 'a child has the descriptors of its parent' ctl "$M/$child" mmap 0 4K r-- private "fd:$fd"
fails EBADF 'which the parent has closed' "$M/1" mmap 0 4K r-- private "fd:$fd"
ctl "$M/$child" exec /bin/true >/dev/null
ok 'exec keeps them' ctl "$M/$child" mmap 0 4K r-- private "fd:$fd"

mkfifo "$T/fifo"
fails ENODEV 'a FIFO' "$M/1" mmap 0 4K r-- private "$T/fifo"
fails ENODEV 'a device' "$M/1" mmap 0 4K r-- private /dev/null
fails ENODEV 'a directory' "$M/1" mmap 0 4K r-- private "$T"
fails ELOOP 'a file of the mount itself' "$M/1" mmap 0 4K r-- private "$M/1/maps"
fails ELOOP 'by way of a link' "$M/1" mmap 0 4K r-- private \
	"$(ln -s "$M/version" "$T/into" && echo "$T/into")"
fails ELOOP 'opened' "$M/1" open "$M/version"
fails ELOOP 'its root' "$M/1" mmap 0 4K r-- private "$M"
make relative
cd "$T" || exit 1
ok 'a relative path' ctl "$M/1" mmap 0 4K r-- private relative
ok 'through ..' ctl "$M/1" mmap 0 4K r-- private "../${T##*/}/relative"
cd / || exit 1
fails ENOENT 'which means another place elsewhere' "$M/1" mmap 0 4K r-- private relative

# --- Others write to the file, too ------------------------------------------------------------

printf 'a text of one line\n' >"$T/text"
a=$(ctl "$M/1" mmap 0 4K rw- shared "$T/text")
poke 1 "$a" A >/dev/null
# An editor saves the file: it writes over it.
printf 'a text of one line,\nand of two\n' >"$T/text"
ctl "$M" sync >/dev/null
is "$(cat "$T/text")" "$(printf 'A text of one line,\nand of two')" \
	'a store and what an editor saves are both in the file'
ok 'invalidate' ctl "$M/1" msync "$a" 4K invalidate
is "$(peek 1 "$(plus "$a" 18)" 4)" "$(hex "$(printf ',\nan')")" 'and in memory'
poke 1 "$a" B >/dev/null
printf 'and of three\n' >>"$T/text"
ctl "$M" sync >/dev/null
is "$(tail -n 1 "$T/text")" 'and of three' 'what is appended meanwhile stays'
ctl "$M/1" munmap "$a" 4K >/dev/null

# --- The end of the mount ---------------------------------------------------------------------

make last
s=$(ctl "$M/1" mmap 0 12K rw- shared "$T/last")
poke 1 "$s" last >/dev/null
stop_mount
is "$(at last 0 5)" lastA 'unmounting writes every store back'
is "$(at private 0 7)" sharedA 'of every process'
done_testing
