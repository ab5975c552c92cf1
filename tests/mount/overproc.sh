# The mount in the place of /proc, in a mount namespace of its own: what the daemon wants to know of
# the host must not become a request to itself.
. "$(dirname "$0")/lib.sh"
if ! unshare --mount true 2>/dev/null; then
	skip 'needs the right to make namespaces' 'the mount over /proc'
	done_testing
fi
if grep -aq -e __asan_init -e __tsan_init "$VASFS"; then
	skip 'the runtimes of sanitizers need /proc' 'the mount over /proc'
	done_testing
fi

# inside HOW OPTION...: what happens in the namespace. HOW is `bound` (mounted, then bound over
# /proc) or `mounted` (on /proc); OPTION is for the daemon. It prints what is the same in every run.
cat >"$T/inside" <<'INSIDE'
how=$1
shift
cd "$T" || exit 1
q() {
	timeout -k 1 20 "$@"
}
# address COMMAND...: the word "address" if it prints one
address() {
	q "$@" | sed 's/^0x[0-9a-f]*$/address/'
}
try() {
	tries=400
	while ! "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}
printf 'before.....' >file
[ "$how" = mounted ] && at=/proc || at=$M
"$VASFS" -f -o ram=16M "$@" "$at" &
daemon=$!
try q test -e "$at/frames" || echo 'does not answer'
[ "$how" = mounted ] || mount --bind "$M" /proc
q "$VASCTL" /proc spawn
a=$(q "$VASCTL" /proc/1 mmap 0 4K rw- shared "$T/file")
q "$TOOL" pwrite /proc/1/mem "$a" stored
address "$VASCTL" /proc/1 mmap 0 4K r-- private "$T/file"
address "$VASCTL" /proc/1 mmap 0 4K r-- private file
q "$VASCTL" /proc/1 open ./file
address "$VASCTL" /proc/1 mmap 0 4K r-- private fd:0
q readlink /proc/1/fd/0
q grep -c " $T/file\$" /proc/1/maps
q "$VASCTL" /proc exec /bin/ls
q grep -o '\[vdso\]' /proc/2/maps
q grep -o ' /proc fuse.vasfs' /proc/mounts
q test -e /proc/self/stat && echo self
q "$VASCTL" /proc/1 mmap 0 4K r-- private /proc/1/maps 2>&1 | grep -o ELOOP
q "$VASFS" "$T/other" 2>&1 | grep -o '/proc must be'
start=$(date +%s)
kill -TERM $daemon
wait $daemon
echo "exit $?"
[ $(($(date +%s) - start)) -lt 10 ] && echo 'in time'
cat file
echo
: >"$T/done"
INSIDE
mkdir "$T/other"
expected="1
6
address
address
0
address
$T/file
4
2
[vdso]
 /proc fuse.vasfs
self
ELOOP
/proc must be
exit 0
in time
stored....."

# Give up what is mounted in the namespace of $_inside, so that threads that wait for themselves
# end.
give_up() {
	for _pid in $_inside $(cat "/proc/$_inside/task/$_inside/children"); do
		# Only ours: the namespace has copies of everybody's mounts.
		awk -v ours="$M" '/ fuse.vasfs / && ($5 == ours || $5 == "/proc") {
			sub(".*:", "", $3)
			print $3
		}' "/proc/$_pid/mountinfo"
	done | sort -u | while read -r _number; do
		# shellcheck disable=SC2016 # for the inner shell
		unshare --mount sh -c 'mount -t fusectl none /mnt && echo 1 >"/mnt/$1/abort"' sh \
			"$_number"
	done
	eventually 20 test -e "$T/done"
	kill -9 "$_inside" 2>/dev/null
}

# over_proc DESCRIPTION NAMESPACES HOW OPTION...
over_proc() {
	_what=$1 _namespaces=$2
	shift 2
	rm -f "$T/done"
	# shellcheck disable=SC2086 # a list
	T="$T" M="$M" unshare $_namespaces sh "$T/inside" "$@" >"$T/out" 2>&1 &
	_inside=$!
	eventually 60 test -e "$T/done" || give_up
	wait $_inside
	is "$(cat "$T/out")" "$expected" "$_what"
	refused "$_what: nothing is left" mounted
}
over_proc 'bound over /proc' --mount bound
over_proc 'bound over /proc, one thread' --mount bound -s
over_proc 'mounted on /proc' --mount mounted
over_proc 'mounted on /proc, one thread' --mount mounted -s
over_proc 'with a /proc of its own' '--pid --fork --kill-child --mount-proc' bound
over_proc 'mounted on a /proc of its own' '--pid --fork --kill-child --mount-proc' mounted

# In a new pid namespace, but with the /proc of the old one, callers have other pids than there: it
# says nothing of them, and whoever has that number there is somebody else. So not even the root of
# a path is known.
cat >"$T/inside" <<'INSIDE'
cd "$T" || exit 1
printf text >file
"$VASFS" -f "$M" &
daemon=$!
tries=400
while ! test -e "$M/frames" && [ $((tries -= 1)) -gt 0 ]; do
	sleep 0.05
done
"$VASCTL" "$M" spawn
for path in "$T/file" file; do
	"$VASCTL" "$M/1" open "$path" 2>&1 | cut -d : -f 1-3
done
kill -TERM $daemon
wait $daemon
: >"$T/done"
INSIDE
expected='1
error: open: EINVAL
error: open: EINVAL'
over_proc "with another namespace's /proc" '--pid --fork --kill-child --mount'
done_testing
