# The life of the daemon: options, failing starts, and every way to stop it.
. "$(dirname "$0")/lib.sh"

# --- Stopping ---------------------------------------------------------------------------------

# stop_by DESCRIPTION COMMAND...: a store that is not written back yet survives COMMAND, and the
# daemon exits 0
stop_by() {
	_how=$1
	shift
	printf 'before......' >"$T/file"
	start_mount
	ctl "$M" spawn >/dev/null
	addr=$(ctl "$M/1" mmap 0 4K rw- shared "$T/file")
	poke 1 "$addr" 'and after' >/dev/null
	"$@"
	daemon_ended "$_how: exit 0"
	is "$(cat "$T/file")" 'and after...' "$_how: dirty pages are in the file"
	refused "$_how: nothing is mounted" mounted
	is "$(ls -A "$M")" '' "$_how: the folder is as it was"
}
signal() {
	kill "-$1" "$(daemon_pid)"
}
stop_by SIGTERM signal TERM
stop_by SIGINT signal INT
stop_by SIGHUP signal HUP
stop_by SIGQUIT signal QUIT
stop_by SIGPWR signal PWR
stop_by SIGXCPU signal XCPU
stop_by 'fusermount3 -u' fusermount3 -u "$M"
stop_by 'fusermount3 -u -z' fusermount3 -u -z "$M"
if is_root; then
	stop_by umount umount "$M"
else
	skip 'needs root' 'umount'
fi

# Every other signal does nothing, but for those that nobody can change and those of a fault.
start_mount
for name in USR1 USR2 PIPE ALRM VTALRM PROF 16 IO URG WINCH XFSZ CHLD CONT TSTP TTIN TTOU 34 64; do
	signal "$name"
	ok "after signal $name it answers" timeout 20 "$VASCTL" "$M" spawn
done
signal STOP
signal CONT
ok 'after SIGSTOP and SIGCONT, too' timeout 20 "$VASCTL" "$M" spawn
signal TERM
daemon_ended 'and it ends as it should'

# What is inherited does not matter, but for nohup.
(
	trap '' HUP TERM INT CHLD
	start_mount
)
signal HUP
ok 'SIGHUP does nothing with nohup' timeout 20 "$VASCTL" "$M" spawn
signal TERM
daemon_ended 'signals that were ignored at the start'
if env --block-signal=TERM true 2>/dev/null; then
	rm -f "$T/daemon.pid" "$T/daemon.end"
	env --block-signal=TERM,INT,SEGV "$TOOL" daemon "$T/daemon" "$VASFS" "$M"
	signal TERM
	daemon_ended 'signals that were blocked at the start'
fi

# Stop it while files are open and being read.
start_mount
ctl "$M" spawn >/dev/null
exec 3<>"$M/1/ctl" 4<"$M/1/maps"
refused 'fusermount3 -u waits for those who have files open' fusermount3 -u "$M"
signal TERM
daemon_ended 'SIGTERM does not wait: exit 0'
exec 3>&- 4<&-
refused 'and nothing is mounted' mounted

start_mount
ctl "$M" exec /bin/ls >/dev/null
(while cat "$M/1/maps" "$M/1/pagetable"; do :; done >/dev/null 2>&1) &
(while ctl "$M/1" fork; do :; done >/dev/null 2>&1) &
eventually 60 test -d "$M/5"
signal TERM
daemon_ended 'SIGTERM amid requests: exit 0'
wait

# A host file that cannot be written: the daemon may write no byte behind the first 8 MiB of a file,
# in bash 16.
truncate -s 64M "$T/full"
(
	ulimit -f 16384
	start_mount -o ram=4M
)
ctl "$M" spawn >/dev/null
addr=$(ctl "$M/1" mmap 0 64M rw- shared "$T/full")
poke 1 "$addr" kept >/dev/null
poke 1 "$(plus "$addr" 0x2000000)" 'lost' >/dev/null
poke 1 "$(plus "$addr" 0x2001000)" 'lost too' >/dev/null
signal TERM
is "$("$TOOL" reap "$T/daemon")" 'exit 1' 'exit 1 if pages could not be written'
is "$(head -c 4 "$T/full")" kept 'the pages that could be are in the file'
refused 'and nothing is mounted' mounted

# --- A daemon that was killed -----------------------------------------------------------------

start_mount
signal KILL
is "$("$TOOL" reap "$T/daemon")" 'signal 9' 'SIGKILL'
like "$(ls "$M" 2>&1)" 'not connected' 'leaves a dead mount'
rm -f "$T/daemon.pid" "$T/daemon.end"
try_mount 2>"$T/stderr"
isnt $? 0 'on which no other can start'
like "$(cat "$T/stderr")" "fusermount3 -u $M" 'the daemon says how to clear it'
ok 'which clears it' fusermount3 -u "$M"
start_mount
is "$(ctl "$M" spawn)" 1 'then it starts again'

# --- Starts that fail -------------------------------------------------------------------------

# The existing mount must stay the only one.
"$VASFS" "$M" 2>"$T/stderr"
isnt $? 0 'a second mount on the same folder is refused'
like "$(cat "$T/stderr")" "$M" 'with a reason'
is "$(grep -c " $M " /proc/self/mountinfo)" 1 'there is one mount as before'
ok 'and it answers' ls "$M/1"
stop_mount

# no_start DESCRIPTION PATTERN ARGUMENT...: the daemon exits non-zero and prints the reason
no_start() {
	_what=$1 _pattern=$2
	shift 2
	if timeout 20 "$VASFS" "$@" >"$T/stdout" 2>"$T/stderr"; then
		ok "$_what: is refused" false
		fusermount3 -u "$M" 2>/dev/null
	else
		ok "$_what: is refused" true
	fi
	like "$(cat "$T/stderr")" "$_pattern" "$_what: the reason is on stderr"
	is "$(cat "$T/stdout")" '' "$_what: nothing is on stdout"
	refused "$_what: nothing is mounted" mounted
}
: >"$T/plain"
no_start 'no folder' "$T/none" "$T/none"
no_start 'a file for a folder' "$T/plain" "$T/plain"
no_start 'no mount point' . -o ram=16M
for option in ram=0 ram=1 ram=4095 ram=banana ram=-1 ram=16X ram= ram=99999999T ram=0x segv=maybe \
	segv= firstpid=0 \
	firstpid=-5 firstpid=x firstpid=99999999999 seed=x seed=18446744073709551616; do
	no_start "-o $option" "${option%%=*}" -o "$option" "$M"
done
no_start '-o nonsense' nonsense -o nonsense=1 "$M"
no_start 'an unknown letter' . -Q "$M"
no_start 'an unknown word' . --no-such-option "$M"

# --- Options ----------------------------------------------------------------------------------

like "$("$VASFS" -h)" 'ram=' '-h tells about the options'
ok '-h exits 0' "$VASFS" -h
like "$("$VASFS" -V)" '[0-9]+\.[0-9]+' '-V tells the version'
ok '-V exits 0' "$VASFS" -V

start_mount -o ram=16M,swapsize=0,firstpid=4711
is "$(ctl "$M" spawn)" 4711 'firstpid'
like "$(cat "$M/meminfo")" '^MemTotal: +16384 kB$' 'ram'
a=$(ctl "$M/4711" mmap 0 64M rw- private,anon,noreserve)
fails ENOMEM 'more than ram cannot be touched' "$M/4711" access w "$a" 64M
like "$(last_fault 4711)" ' fatal oom( |$)' 'as faults says'
is "$(poke 4711 "$a" still)" 5 'what was touched stays'
ctl "$M" kill 4711 >/dev/null
is "$(ctl "$M" spawn)" 4712 'the machine lives on'
stop_mount

start_mount -o ram=4096,swapsize=0
is "$(ctl "$M" spawn)" 1 'one page of ram is enough to start'
is "$(poke 1 0x7fffffffe000 x)" 1 'and for one page'
is "$(poke 1 0x7fffffffd000 x)" ENOMEM 'not for two'
stop_mount

start_mount -o segv=kill
ctl "$M" spawn >/dev/null
is "$(poke 1 0x1000 x)" EFAULT 'segv=kill: the access fails'
ok 'and the process is gone' test ! -d "$M/1"
stop_mount

start_mount
first=$(ctl "$M" exec /bin/true >/dev/null && cat "$M/1/maps")
stop_mount
start_mount
is "$(ctl "$M" exec /bin/true >/dev/null && cat "$M/1/maps")" "$first" \
	'every run has the same addresses'
stop_mount
start_mount -o aslr
random=$(ctl "$M" exec /bin/true >/dev/null && cat "$M/1/maps")
isnt "$random" "$first" 'aslr: other addresses'
isnt "$(ctl "$M" exec /bin/true >/dev/null && cat "$M/2/maps")" "$random" 'for each process'
stop_mount
start_mount -o aslr,seed=1
is "$(ctl "$M" exec /bin/true >/dev/null && cat "$M/1/maps")" "$random" \
	'the same for the same seed, which is 1'
stop_mount
start_mount -o aslr -o seed=2
isnt "$(ctl "$M" exec /bin/true >/dev/null && cat "$M/1/maps")" "$random" \
	'another seed gives others'
stop_mount

# As mount(8) calls it: the source first, then options for the kernel and options without meaning.
rm -f "$T/daemon.pid" "$T/daemon.end"
ok 'as mount(8) calls it' "$TOOL" daemon "$T/daemon" "$VASFS" none "$M" \
	-o rw,nosuid,nodev,noatime,ram=32M
like "$(grep " $M " /proc/self/mountinfo)" 'fuse\.vasfs' 'the type is fuse.vasfs'
is "$(ctl "$M" spawn)" 1 'and it answers'
stop_mount

# By a line of fstab: mount(8) looks for vasfs in its own path, where it is in this namespace.
if is_root && unshare --mount true 2>/dev/null && command -v mount.fuse3 >/dev/null; then
	echo "none $M fuse.vasfs ram=64M,allow_other,noauto 0 0" >"$T/fstab"
	cat >"$T/inside" <<'INSIDE'
mount --bind "$1" /usr/local/bin && mount -T "$2" "$3" && "$4" "$3" spawn && umount "$3" &&
	! mountpoint -q "$3" && echo gone
INSIDE
	is "$(unshare --mount sh "$T/inside" "$(dirname "$VASFS")" "$T/fstab" "$M" "$VASCTL" |
		tr '\n' ' ')" '1 gone ' 'a line of fstab'
else
	skip 'needs root and mount.fuse3' 'a line of fstab'
fi

# In the foreground.
"$VASFS" -f "$M" &
daemon=$!
ok '-f mounts' eventually 60 mounted
ok 'and stays' kill -0 $daemon
kill -TERM $daemon
wait $daemon
is $? 0 '-f exits 0 on SIGTERM'
start_mount -s
is "$(ctl "$M" spawn)" 1 '-s: one thread'
ctl "$M/1" exec /bin/ls >/dev/null
stop_mount

# Relative paths, and names with blanks.
mkdir "$T/a b"
cd "$T" || exit 1
M="$T/a b"
"$TOOL" daemon "$T/relative" "$VASFS" 'a b'
is "$(ctl "$T/a b" spawn)" 1 'a relative mount point with a blank'
fusermount3 -u "$T/a b"
is "$("$TOOL" reap "$T/relative")" 'exit 0' 'that ends well'
done_testing
