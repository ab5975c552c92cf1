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
ok 'at maps, as in /proc' as_other cat "$M/1/maps"
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

done_testing
