# An ordinary user with a machine of their own, mounted through fusermount3.
. "$(dirname "$0")/fuse_for_all.sh"
. "$(dirname "$0")/lib.sh"
as_user() {
	if is_root; then
		as_other "$@"
	else
		"$@"
	fi
}
if ! as_user test -w /dev/fuse; then
	skip 'ordinary users may not open /dev/fuse here' 'an ordinary user mounts'
	done_testing
fi
user=$(as_user id -u)
chown "$user" "$T" "$M"
# run_ctl DIR COMMAND...: run vasctl as the user, with its errors on standard output
run_ctl() {
	as_user "$VASCTL" "$@" 2>&1
}

# The swap file goes to a folder where the user may write.
ok 'an ordinary user mounts' as_user env TMPDIR="$T" "$TOOL" daemon "$T/daemon" "$VASFS" "$M"
is "$(run_ctl "$M" spawn)" 1 'and has a machine'
is "$(as_user stat -c '%u' "$M/1" "$M/1/mem" | sort -u)" "$user" 'whose processes are theirs'
like "$(as_user cat "$M/1/status")" "^Uid:	$user	" 'as status says'
printf 'of the user' >"$T/file"
chown "$user" "$T/file"
a=$(run_ctl "$M/1" mmap 0 4K rw- shared "$T/file")
is "$(as_user "$TOOL" pwrite "$M/1/mem" "$a" OF)" 2 'a store into a mapped file'
is "$(run_ctl "$M/1" fork)" 2 'fork'
is "$(as_user "$TOOL" pread "$M/2/mem" "$a" 6)" "$(hex 'OF the')" 'the child sees it'
like "$(run_ctl "$M/1" exec /bin/ls)" '^0x' 'exec'
like "$(run_ctl "$M/1" mmap 0 4K r-- private /etc/shadow)" '^error: mmap: EACCES: ' \
	'a file that they may not read'
like "$(run_ctl "$M/1" mmap 0 4K rw- private,anon,fixed)" '^error: mmap: EPERM: ' \
	'page 0 is not for them'
if is_root; then
	refused 'nobody else gets in, not even root' ls "$M"
else
	skip 'needs root' 'nobody else gets in, not even root'
fi
ok 'they unmount it' as_user fusermount3 -u "$M"
is "$("$TOOL" reap "$T/daemon")" 'exit 0' 'the daemon exits 0'
is "$(cat "$T/file")" 'OF the user' 'and the store is in the file'
if ! grep -q '^user_allow_other' /etc/fuse.conf; then
	refused 'allow_other is for root to permit' as_user "$TOOL" daemon "$T/refused" "$VASFS" \
		-o allow_other "$M"
	refused 'and nothing is mounted then' mounted
fi
done_testing
