# PID/maps: the columns of /proc/PID/maps, and how areas merge and split.
. "$(dirname "$0")/lib.sh"
start_mount
ctl "$M" spawn >/dev/null

# line START END PERM OFFSET DEV INODE [NAME]: the line as the kernel prints it, NAME in column 74
line() {
	if [ $# -gt 6 ]; then
		printf '%-73s%s\n' "$(range "$1" "$2") $3 $4 $5 $6" "$7"
	else
		printf '%s\n' "$(range "$1" "$2") $3 $4 $5 $6 "
	fi
}
host_name=$(grep '\[stack\]' /proc/self/maps)
host_name=${host_name%%\[*}
is ${#host_name} 73 'on this kernel names begin in column 74'

stack=$(line 0x7ffffffde000 0x7ffffffff000 rw-p 00000000 00:00 0 '[stack]')
is "$(cat "$M/1/maps")" "$stack" 'a spawned process has a stack and nothing else'

top=0x7ffff7fff000
a=$(plus $top -8192)
answers "$a" 'the first area ends at the base of mmap' "$M/1" mmap 0 8K rw- private,anon
is "$(cat "$M/1/maps")" "$(line "$a" $top rw-p 00000000 00:00 0)
$stack" 'an anonymous area has no name, and a blank at the end'

# --- Merge and split --------------------------------------------------------------------------

b=$(plus "$a" -4096)
answers "$b" 'the next area goes below' "$M/1" mmap 0 4K rw- private,anon
is "$(cat "$M/1/maps")" "$(line "$b" $top rw-p 00000000 00:00 0)
$stack" 'neighbours that are alike are one area'
answers 0 'mprotect in the middle' "$M/1" mprotect "$a" 4K r--
is "$(cat "$M/1/maps")" "$(line "$b" "$a" rw-p 00000000 00:00 0)
$(line "$a" "$(plus "$a" 4096)" r--p 00000000 00:00 0)
$(line "$(plus "$a" 4096)" $top rw-p 00000000 00:00 0)
$stack" 'splits in three'
ctl "$M/1" mprotect "$a" 4K rw- >/dev/null
is "$(cat "$M/1/maps")" "$(line "$b" $top rw-p 00000000 00:00 0)
$stack" 'and back to one'
ctl "$M/1" munmap "$a" 4K >/dev/null
is "$(cat "$M/1/maps")" "$(line "$b" "$a" rw-p 00000000 00:00 0)
$(line "$(plus "$a" 4096)" $top rw-p 00000000 00:00 0)
$stack" 'munmap in the middle splits in two'
answers "$a" 'the hole is the next choice' "$M/1" mmap 0 4K --- private,anon
like "$(area 1 "$a")" ' ---p ' 'no rights are three dashes'
ctl "$M/1" munmap "$b" 12K >/dev/null
is "$(cat "$M/1/maps")" "$stack" 'munmap over all of them'

# --- Files ------------------------------------------------------------------------------------

head -c 20000 /dev/zero >"$T/a file"
dev=$(printf '%02x:%02x' "$(stat -c %Hd "$T/a file")" "$(stat -c %Ld "$T/a file")")
inode=$(stat -c %i "$T/a file")
ctl "$M/1" open "$T/a file" >/dev/null
f=$(ctl "$M/1" mmap 0 8K r-x private fd:0 4096)
is "$(area 1 "$f")" "$(line "$f" $top r-xp 00001000 "$dev" "$inode" "$T/a file")" \
	'offset, device, inode and name of a file'
g=$(plus "$f" -4096)
answers "$g" 'the page before it' "$M/1" mmap 0 4K r-x private fd:0 0
is "$(area 1 "$g")" "$(line "$g" $top r-xp 00000000 "$dev" "$inode" "$T/a file")" \
	'merges where the offsets go on'
h=$(ctl "$M/1" mmap 0 4K r-x private fd:0 0)
is "$(area 1 "$h")" "$(line "$h" "$g" r-xp 00000000 "$dev" "$inode" "$T/a file")" \
	'and does not where they do not'
i=$(ctl "$M/1" mmap 0 4K r-x private "$T/a file" 16384)
is "$(area 1 "$i")" "$(line "$i" "$h" r-xp 00004000 "$dev" "$inode" "$T/a file")" \
	'a path is an open of its own'
i=$(ctl "$M/1" mmap 0 4K r-x private "$T/a file" 12288)
is "$(area 1 "$i" | cut -d ' ' -f 1)" "$(range "$i" "$(plus "$i" 4096)")" \
	'and so is not merged with another'
ctl "$M/1" mprotect "$f" 4K r-- >/dev/null
is "$(area 1 "$(plus "$f" 4096)")" \
	"$(line "$(plus "$f" 4096)" $top r-xp 00002000 "$dev" "$inode" "$T/a file")" \
	'a split has the right offset'
mv "$T/a file" "$T/renamed"
like "$(area 1 "$h")" " $T/renamed\$" 'the name follows a rename'
rm "$T/renamed"
like "$(area 1 "$h")" " $T/renamed \\(deleted\\)\$" 'and ends in (deleted) after an unlink'
ctl "$M/1" munmap "$i" 24K >/dev/null

head -c 4096 /dev/zero >"$T/shared"
s=$(ctl "$M/1" mmap 0 4K rw- shared "$T/shared")
like "$(area 1 "$s")" '^[0-9a-f]+-[0-9a-f]+ rw-s 00000000 ' 'a shared area has an s'
s=$(ctl "$M/1" mmap 0 4K rw- shared,anon)
like "$(area 1 "$s")" \
	'^[0-9a-f]+-[0-9a-f]+ rw-s 00000000 00:[0-9a-f]{2} [1-9][0-9]* +/dev/zero \(deleted\)$' \
	'shared anonymous memory shows as Linux shows it'
cd "$T" || exit 1
s=$(ctl "$M/1" mmap 0 4K r-- private shared)
like "$(area 1 "$s")" " $T/shared\$" 'a relative path starts at the folder of the caller'
cd / || exit 1

# --- The heap ---------------------------------------------------------------------------------

answers 0x555555557000 'brk' "$M/1" brk 0x555555557000
is "$(area 1 0x555555556000)" \
	"$(line 0x555555556000 0x555555557000 rw-p 00000000 00:00 0 '[heap]')" \
	'the heap has its name'
ctl "$M/1" brk 0x555555556000 >/dev/null
is "$(area 1 0x555555556000)" '' 'and is gone when the break is back'

# --- Low and high -----------------------------------------------------------------------------

ctl "$M/1" mmap 0x10000 4K rw- private,anon,fixed >/dev/null
is "$(head -n 1 "$M/1/maps")" "$(line 0x10000 0x11000 rw-p 00000000 00:00 0)" \
	'addresses have at least eight digits'
is "$(cut -d - -f 1 "$M/1/maps" | sort)" \
	"$(cut -d - -f 1 "$M/1/maps" | awk '{ printf "%s\n", $1 }' | sort)" 'all parse'
is "$(awk '{ split($1, r, "-"); printf "%16s\n", r[1] }' "$M/1/maps")" \
	"$(awk '{ split($1, r, "-"); printf "%16s\n", r[1] }' "$M/1/maps" | sort)" \
	'areas stand in the order of their addresses'

stop_mount
done_testing
