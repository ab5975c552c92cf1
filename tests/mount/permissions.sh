# Other users: what they may see. Host files are opened with their rights.
. "$(dirname "$0")/lib.sh"
if ! is_root; then
	skip 'needs root' 'other users'
	done_testing
fi
other() {
	as_other "$VASCTL" "$@"
}
# other_fails ERRNO DESCRIPTION DIR COMMAND...: like fails, but run by another user
other_fails() {
	_want=$1 _what=$2
	shift 2
	like "$(as_other "$VASCTL" "$@" 2>&1)" "^error: $2: $_want: " "$_what"
}

start_mount
refused 'without allow_other nobody else gets in' as_other ls "$M"
stop_mount

start_mount -o allow_other
ctl "$M" spawn >/dev/null
ok 'with allow_other others may look' as_other ls "$M/1"
ok 'at status, as in /proc' as_other cat "$M/1/status"
for file in mem ctl environ auxv; do
	refused "but not into $file" as_other cat "$M/1/$file"
done
refused 'nor give commands' as_other sh -c "echo fork >'$M/1/ctl'"
is "$(ls "$M" | grep -c '^[0-9]')" 1 'which have no effect'

is "$(other "$M" spawn)" 2 'another user makes a process'
is "$(stat -c '%u %g' "$M/2" "$M/2/mem" "$M/2/ctl" | sort -u)" "$OTHER $OTHER" 'that is theirs'
like "$(cat "$M/2/status")" "^Uid:	$OTHER	$OTHER	$OTHER	$OTHER\$" 'as status says'
ok 'and obeys them' as_other "$VASCTL" "$M/2" sbrk 4096
is "$(as_other "$TOOL" pwrite "$M/2/mem" 0x555555556000 mine)" 4 'they write its memory'
child=$(other "$M/2" fork)
is "$(stat -c %u "$M/$child")" "$OTHER" 'its child is theirs as well'
is "$(peek 2 0x555555556000 4)" "$(hex mine)" 'root may do everything'
other_fails EPERM 'they may not end a process of root' "$M" kill 1
ok 'so it is there' test -d "$M/1"
is "$(other "$M" kill "$child")" 0 'one of their own they may'

# --- Host files -------------------------------------------------------------------------------

printf secret >"$T/secret"
chmod 600 "$T/secret"
printf public >"$T/public"
chmod 644 "$T/public"
mkdir -m 700 "$T/closed"
printf hidden >"$T/closed/hidden"
chmod 644 "$T/closed/hidden"
printf theirs >"$T/theirs"
chown "$OTHER" "$T/theirs"
chmod 600 "$T/theirs"

other_fails EACCES "a file of root's with mode 600" "$M/2" mmap 0 4K r-- private "$T/secret"
other_fails EACCES 'opened' "$M/2" open "$T/secret"
other_fails EACCES "through another's process, where it is the caller that counts" \
	"$M/2" mmap 0 4K r-- shared "$T/secret"
is "$(other "$M/2" open "$T/public")" 0 'a public one can be opened'
other_fails EACCES 'not for writing' "$M/2" open "$T/public" rdwr
other_fails EACCES 'nor mapped shared and writable' "$M/2" mmap 0 4K rw- shared "$T/public"
p=$(other "$M/2" mmap 0 4K rw- private "$T/public")
is "$(as_other "$TOOL" pread "$M/2/mem" "$p" 6)" "$(hex public)" 'private and writable it can'
other_fails EACCES 'a public file in a closed folder' \
	"$M/2" mmap 0 4K r-- private "$T/closed/hidden"
s=$(other "$M/2" mmap 0 4K rw- shared "$T/theirs")
as_other "$TOOL" pwrite "$M/2/mem" "$s" THEIRS >/dev/null
is "$(other "$M/2" msync "$s" 4K sync)" 0 'their own file they may change'
is "$(cat "$T/theirs")" THEIRS 'so it has changed'
cp /bin/true "$T/program"
chmod 700 "$T/program"
other_fails EACCES 'a program that they may not run' "$M/2" exec "$T/program"
is "$(other "$M/2" exec /bin/true | cut -c 1-2)" 0x 'one that they may'
other_fails EPERM 'below mmap_min_addr only root may map' "$M/2" mmap 0 4K rw- private,anon,fixed
other_fails EPERM 'up to it' "$M/2" mmap 0x0 8K rw- private,anon,fixed
answers 0x0 'root may' "$M/1" mmap 0 4K rw- private,anon,fixed
ok "root opens anybody's" ctl "$M/1" mmap 0 4K r-- private "$T/theirs"
is "$(as_other "$VASCTL" "$M/2" exec /bin/true >/dev/null && stat -c %u "$M/2/mem")" "$OTHER" \
	'after exec it is still theirs'
stop_mount

# --- Addresses and names ----------------------------------------------------------------------

start_mount -o allow_other
printf '%8192s' '' >"$T/private name"
root_area=$(ctl "$M" spawn >/dev/null && ctl "$M/1" mmap 0x10000 8K rw- shared "$T/private name")
setpriv --reuid="$OTHER" --regid="$OTHER" --clear-groups cat "$M/events" >"$T/seen" &
reader=$!
cat "$M/events" >"$T/all" &
all=$!
as_other "$VASCTL" "$M" spawn >/dev/null
own_area=$(as_other "$VASCTL" "$M/2" mmap 0x20000 8K r-- private "$T/public")
ctl "$M" exec /bin/true >/dev/null
is "$root_area $own_area" '0x10000 0x20000' 'two users have files mapped'

# The kernel says which files of its /proc are closed.
"$TOOL" daemon "$T/sleeper" sh -c 'sleep 100 &' >/dev/null
host=/proc/$(cat "$T/sleeper.pid")
for file in maps smaps smaps_rollup auxv environ mem pagemap stat status statm comm cmdline \
	limits; do
	is "$(as_other "$TOOL" open "$M/3/$file" r)" "$(as_other "$TOOL" open "$host/$file" r)" \
		"3/$file for another user: as in /proc"
	is "$("$LEND" "$OTHER:0" "$OTHER:0" "$M/2/$file" r close && echo OK)" \
		"$(as_other "$TOOL" open "$host/$file" r)" "2/$file for their uid in another group"
	is "$(as_other "$TOOL" open "$M/2/$file" r)" OK '  for its owner'
	is "$("$TOOL" open "$M/2/$file" r)" OK '  for root'
	is "$(as_other "$TOOL" open "$M/3/task/3/$file" r)" \
		"$(as_other "$TOOL" open "$M/3/$file" r)" '  its thread has the same rule'
done
for link in exe cwd root; do
	refused "$link of root's process" as_other readlink "$M/3/$link"
	refused '  as in /proc' as_other readlink "$host/$link"
	ok '  root may follow it' readlink "$M/3/$link"
done
for file in ctl pagetable faults tlb; do
	is "$(as_other "$TOOL" open "$M/3/$file" r)" EACCES "$file of root's process"
	is "$("$LEND" "$OTHER:0" "$OTHER:0" "$M/2/$file" r close)" EACCES \
		'  of theirs, for another group'
	is "$(as_other "$TOOL" open "$M/2/$file" r)" OK '  for its owner'
done
ctl "$M/3" open /bin/true >/dev/null
refused 'descriptors' as_other ls "$M/3/fd"
# addresses USER...: the fields of stat with addresses, and a bit of what is behind
addresses() {
	"$@" cut -d ' ' -f 26-30,38,45-52 "$stat"
}
stat=$M/3/stat
is "$(addresses as_other)" '1 1 0 0 0 17 0 0 0 0 0 0 0 0' 'stat has no addresses for others'
unlike "$(addresses env)" ' 0 0 0 0' 'for root it has'
stat=$host/stat
is "$(addresses as_other)" '1 1 0 0 0 17 0 0 0 0 0 0 0 0' 'as in /proc'
is "$(as_other grep -E '^Sim(Pc|Sp|Brk)' "$M/3/status" | tr '\n' '|')" \
	'SimPc:	-|SimSp:	-|SimBrk:	-|' 'nor has status'
unlike "$(grep '^SimSp' "$M/3/status")" '-' 'for root it has'

# words PID ADDRESS COUNT: of pagemap
words() {
	dd if="$M/$1/pagemap" bs=8 skip=$(($2 / 4096)) count="$3" 2>/dev/null | od -An -v -tx8
}
as_other "$VASCTL" "$M/2" access r 0x20000 >/dev/null
like "$(words 2 0x20000 1)" '^ a[0-9a-f]*[1-9a-f]$' 'pagemap has frame numbers for root'
is "$(as_other dd if="$M/2/pagemap" bs=8 skip=32 count=1 2>/dev/null | od -An -v -tx8)" \
	"$(words 2 0x20000 1 | sed 's/^\( ...\).*/\10000000000000/')" \
	'not for its owner, who gets the flags'

ctl "$M/1" access w 0x10000 8K >/dev/null
like "$(cat "$M/objects")" "/private name$" 'objects has all names for root'
like "$(as_other cat "$M/objects")" "/public$" 'their own for others'
unlike "$(as_other cat "$M/objects")" 'private name' "no others'"
is "$(as_other cat "$M/objects" | awk '{ $9 = "" } 1')" \
	"$(sed 's/private name/private_name/' "$M/objects" | awk '{ $9 = "" } 1')" \
	'but all lines and columns'
like "$(cat "$M/frames")" ' pid=1 va=0000000000010000$' 'frames has all addresses for root'
like "$(as_other cat "$M/frames")" ' pid=2 va=0000000000020000$' 'their own for others'
like "$(as_other cat "$M/frames")" ' pid=1 va=-$' "of root's process none"
unlike "$(as_other cat "$M/frames")" ' pid=[13] va=[0-9a-f]' 'ever'
is "$(as_other sed 's/ va=.*//' "$M/frames")" "$(sed 's/ va=.*//' "$M/frames")" 'but all lines'

# The last lines that both readers need.
as_other "$VASCTL" "$M/2" access r 0x21000 >/dev/null 2>&1
ctl "$M/1" munmap 0x10000 8K >/dev/null
ctl "$M/1" mmap 0x10000 8K rw- shared "$T/private name" >/dev/null
ctl "$M/1" access w 0x10000 8K >/dev/null
last_number() {
	tail -n 1 "$1" | cut -d ' ' -f 1
}
has_last() {
	grep -q ' 1 w 0000000000011000 ' "$T/all" && grep -q ' 1 w - ' "$T/seen" &&
		[ "$(last_number "$T/all")" = "$(last_number "$T/seen")" ]
}
ok 'two users read events' eventually 60 has_last
kill $reader $all
wait $reader $all 2>/dev/null
like "$(cat "$T/seen")" '^[0-9]+ [0-9.]+ 2 r 0000000000020000 .* file=.*/public offset=0x0' \
	'their own lines are whole'
like "$(cat "$T/seen")" '^[0-9]+ [0-9.]+ 1 w - (minor|major) [a-z-]+ frame=0x[0-9a-f]+$' \
	'the others have neither addresses nor names'
unlike "$(grep -v '^[0-9]* [0-9.]* [02] ' "$T/seen")" '(file|area|offset)=|[0-9a-f]{16}' 'ever'
unlike "$(cat "$T/seen")" 'private|/true' 'no name at all'
like "$(cat "$T/all")" '^[0-9]+ [0-9.]+ 1 w 0000000000010000 .* file=.*private' 'root sees all'

# The last result of the machine's ctl may have a name.
ctl "$M" exec "$T/closed/none" 2>/dev/null
like "$(cat "$M/ctl")" 'closed/none' "a failed command's text names the file"
unlike "$(as_other cat "$M/ctl")" 'closed/none' 'others do not read it'
like "$(as_other cat "$M/ctl")" '^spawn ' 'but the help'
as_other sh -c "echo spawn >'$M/ctl'"
like "$(as_other cat "$M/ctl")" '^[0-9]+$' 'their own they do'
like "$(cat "$M/ctl")" '^[0-9]+$' 'and so does root'
stop_mount
kill "$(cat "$T/sleeper.pid")"
"$TOOL" reap "$T/sleeper" >/dev/null

done_testing
