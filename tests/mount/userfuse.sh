# Host files in a FUSE file system that an ordinary user has mounted, with daemons of root and of
# that user.
#
# The test has a mount namespace of its own, for an /etc/fuse.conf that permits users allow_root.
if [ "$(id -u)" -eq 0 ] && [ -z "${OWN_MOUNTS:-}" ] && unshare --mount true 2>/dev/null; then
	export OWN_MOUNTS=yes
	exec unshare --mount "$(readlink "/proc/$$/exe")" "$0"
fi
. "$(dirname "$0")/fuse_for_all.sh"
. "$(dirname "$0")/lib.sh"
if ! is_root || [ -z "${OWN_MOUNTS:-}" ] || ! as_other test -w /dev/fuse; then
	skip 'needs root, a mount namespace, and /dev/fuse for all' 'a FUSE file system of a user'
	done_testing
fi
echo user_allow_other >"$T/fuse.conf"
mount --bind "$T/fuse.conf" /etc/fuse.conf
chown "$OTHER" "$T"

# user_mount OPTION...: mount their file system on $F
F=$T/theirs
mkdir "$F"
chown "$OTHER" "$F"
user_mount() {
	rm -f "$T/plain.pid" "$T/plain.end"
	as_other "$TOOL" daemon "$T/plain" "$PLAINFS" "$@" "$F"
}
user_unmount() {
	fusermount3 -u "$F"
	"$TOOL" reap "$T/plain" >/dev/null
}
# as_them COMMAND...: run vasctl as the user, with its errors on standard output
as_them() {
	as_other "$VASCTL" "$@" 2>&1
}
plain=$(hex 'plain text')

# --- A daemon of root -------------------------------------------------------------------------

start_mount -o allow_other
as_them "$M" spawn >/dev/null
ok 'the user mounts a file system for themself' user_mount -o fsname=theirs
is "$(as_other head -c 10 "$F/file")" 'plain text' 'and reads its file'
refused 'which root may not' head -c 10 "$F/file"
why='error: [a-z]*: EACCES: .*allow_root or allow_other'
like "$(as_them "$M/1" mmap 0 4K r-- private "$F/file")" "$why" \
	'the daemon of root is not let in for the user, and says what helps'
like "$(as_them "$M/1" open "$F/file" rdwr)" "$why" 'nor to open it'
like "$(as_them "$M/1" exec "$F/file")" "$why" 'nor to run it'
like "$(ctl "$M/1" mmap 0 4K r-- private "$F/file" 2>&1)" "$why" 'nor for root'
like "$(cd "$T" && as_them "$M/1" open theirs/./file)" "$why" 'by a relative path'
# shellcheck disable=SC2016 # for the inner shell
like "$(as_other sh -c 'cd "$1" && "$2" "$3" open file' sh "$F" "$VASCTL" "$M/1" 2>&1)" "$why" \
	'from inside'
like "$(as_them "$M/1" mmap 0 4K r-- private /etc/shadow)" '^error: mmap: EACCES: ' \
	'another file that they may not read'
unlike "$(as_them "$M/1" mmap 0 4K r-- private /etc/shadow)" allow_ 'is not explained by that'
user_unmount

for option in allow_root allow_other; do
	ok "with $option" user_mount -o $option
	a=$(as_them "$M/1" mmap 0 4K r-- private "$F/file")
	is "$(as_other "$TOOL" pread "$M/1/mem" "$a" 10)" "$plain" 'it can be mapped'
	a=$(as_them "$M/1" mmap 0 4K rw- shared "$F/file")
	is "$(as_other "$TOOL" pwrite "$M/1/mem" "$a" PLAIN)" 5 'stored to'
	is "$(as_them "$M/1" msync "$a" 4K sync)" 0 'and written back'
	is "$(as_other head -c 10 "$F/file")" 'PLAIN text' 'into the file'
	as_them "$M/1" exec /bin/true >/dev/null
	user_unmount
done
stop_mount

# --- A daemon of the user ---------------------------------------------------------------------

chown "$OTHER" "$M"
user_mount -o fsname=theirs
ok 'a daemon of the user' as_other env TMPDIR="$T" "$TOOL" daemon "$T/own" "$VASFS" "$M"
as_them "$M" spawn >/dev/null
a=$(as_them "$M/1" mmap 0 4K rw- shared "$F/file")
is "$(as_other "$TOOL" pread "$M/1/mem" "$a" 10)" "$plain" 'is let in'
ok 'it is unmounted' as_other fusermount3 -u "$M"
is "$("$TOOL" reap "$T/own")" 'exit 0' 'and ends'
user_unmount
done_testing
