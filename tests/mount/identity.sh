# Whoever opened a file is the caller of all that is done with it. A descriptor lends nobody the
# rights of a program that it was given to: a setuid program writes its messages to it.
. "$(dirname "$0")/lib.sh"
if ! is_root; then
	skip 'needs root' 'lent descriptors'
	done_testing
fi
user=$OTHER:$OTHER
same="$user $user"
by_root="$user 0:0"
# lent "OPENER USER" RESULT DESCRIPTION FILE MODE OPERATION [TEXT]
lent() {
	_who=$1 _want=$2 _what=$3
	shift 3
	# shellcheck disable=SC2086 # two words
	is "$("$LEND" $_who "$@" 2>&1)" "$_want" "$_what"
}

start_mount -o allow_other,ram=1M,swapsize=1M
printf secret >"$T/secret"
chmod 600 "$T/secret"
ctl "$M" spawn >/dev/null
as_other "$VASCTL" "$M" spawn >/dev/null

# --- Commands ---------------------------------------------------------------------------------

lent "$by_root" EPERM 'the message of a setuid program is no command' "$M/ctl" w write 'x\nkill 1\n'
ok "so root's process is there" test -d "$M/1"
lent "$by_root" EPERM 'nor swapoff' "$M/ctl" rw write 'swapoff\n'
isnt "$(wc -l <"$M/swaps")" 1 'so there is swap'
lent "$by_root" EPERM "nor a mapping of root's file" \
	"$M/2/ctl" w write "x\nmmap 0 4K rw- shared $T/secret\n"
unlike "$(cat "$M/2/maps")" secret 'so it is not mapped'
lent "$by_root" EPERM 'a read ends no line either, and gives no results' "$M/ctl" rw read
lent "$same" 6 'their own write from another process is taken' "$M/ctl" w write 'spawn\n'
ok 'as a command' test -d "$M/3"
lent '0:0 0:0' 6 "so is root's" "$M/ctl" w write 'spawn\n'
lent "0:0 $user" EPERM "root's descriptor is not for others" "$M/ctl" w write 'spawn\n'
lent "$user $OTHER:1" EPERM 'the group counts as well' "$M/ctl" w write 'spawn\n'
lent "$user $user:1" EPERM 'a group more' "$M/ctl" w write 'spawn\n'
lent "$user:1 $user" EPERM 'a group less' "$M/ctl" w write 'spawn\n'
lent "$user:1:2 $user:1:3" EPERM 'another group' "$M/ctl" w write 'spawn\n'
lent "$user:1 $user" EPERM 'for reading, too' "$M/ctl" rw read
lent "$user:1:2 $user:1:2" 6 'the same groups are fine' "$M/ctl" w write 'spawn\n'
is "$(ls "$M" | grep -c '^[0-9]')" 5 'as the processes show'

# --- Lines that nobody ended ------------------------------------------------------------------

lent "$by_root" '' 'their line, closed by a program of root' "$M/ctl" w leave 'spawn late'
is "$(ls "$M" | grep -c '^[0-9]')" 5 'is dropped'
lent "$same" '' 'their own close' "$M/ctl" w leave 'spawn late'
is "$(cat "$M/6/comm")" late 'ends it'

# --- All other kinds of files -----------------------------------------------------------------

a=$(as_other "$VASCTL" "$M/2" mmap 0x10000 4K rw- private,anon,fixed)
is "$a" 0x10000 'memory of theirs'
lent "$by_root" EPERM 'mem: write' "$M/2/mem" rw write text
lent "$by_root" EPERM 'mem: read' "$M/2/mem" rw read
lent "$by_root" EPERM 'mem: seek' "$M/2/mem" r seek
lent "$same" 0 'mem: a seek of their own' "$M/2/mem" r seek
for file in 1/stat 2/maps 2/pagemap 2/status 2/auxv 2/faults meminfo README frames sys/vm/policy; do
	isnt "$("$LEND" "$user" "$user" "$M/$file" r read)" EPERM "$file: their own read"
	lent "$by_root" EPERM "$file: read" "$M/$file" r read
	lent "0:0 $user" EPERM "$file: root's read by them" "$M/$file" r read
done
lent "$by_root" EPERM 'comm: write' "$M/2/comm" w write name
lent "$by_root" EPERM 'clear_refs: write' "$M/2/clear_refs" w write 1
lent "0:0 $user" EPERM 'a setting: write' "$M/sys/vm/swappiness" w write 1
lent "$by_root" EPERM 'events: read' "$M/events" r read
lent "$by_root" ERR 'events: poll' "$M/events" r poll
lent "$same" '' 'events: a poll of their own' "$M/events" r poll
lent "$by_root" ERR 'a text: poll' "$M/meminfo" r poll
lent "$by_root" EPERM 'a directory: list' "$M" r list
lent "$by_root" EPERM "a process's: list" "$M/2" r list
isnt "$("$LEND" "$user" "$user" "$M/2" r list)" EPERM 'a list of their own'

# --- Whose paths ------------------------------------------------------------------------------

mkdir "$T/place"
printf outside >"$T/place/file"
# shellcheck disable=SC2016 # for the inner shell
inside='mount -t tmpfs none "$1" && printf inside >"$1/file" &&
	"$2" "$3" mmap 0 4K r-- private "$1/file"'
if a=$(unshare --mount sh -c "$inside" sh "$T/place" "$VASCTL" "$M/1" 2>&1); then
	is "$(peek 1 "$a" 7)" "$(hex inside)00" \
		'a path is what it is in the mount namespace of the caller'
else
	skip 'needs the right to mount' 'a path is what it is in the mount namespace of the caller'
fi
stop_mount

# A daemon in a pid namespace of its own does not see the processes outside. Nor can a search for
# leaks in there find its threads in this /proc.
no_leaks="${ASAN_OPTIONS:-}:detect_leaks=0"
ASAN_OPTIONS=$no_leaks unshare --pid --fork --kill-child "$VASFS" -f -o ram=1M,swapsize=1M "$M" 2>"$T/stderr" &
daemon=$!
if eventually 60 mounted; then
	answers 1 'an unseen caller' "$M" spawn
	answers 0x10000 'may give commands' "$M/1" mmap 0x10000 4K rw- private,anon,fixed
	like "$(ctl "$M/1" mmap 0 4K r-- private "$T/place/file" 2>&1)" \
		'^error: mmap: EINVAL: .*: your root or working directory is not known' \
		'without paths: the root of the daemon may be another one'
	cd "$T/place" || exit 1
	fails EINVAL 'also relative ones' "$M/1" open file
	fails EINVAL 'nor programs' "$M" exec /bin/true
	cd "$T" || exit 1
	# Its /proc is still that outside, where a pid from inside is another process.
	inside=$(cat "/proc/$daemon/task/$daemon/children")
	like "$(ASAN_OPTIONS=$no_leaks nsenter --target "${inside% }" --pid "$VASCTL" "$M" exec /bin/true 2>&1)" \
		'^error: exec: EINVAL: ' 'a caller inside is not taken for another one'
	fusermount3 -u "$M"
else
	skip 'needs pid namespaces' 'an unseen caller may give commands without paths'
fi
kill $daemon 2>/dev/null
wait $daemon
done_testing
