# What /proc has of a process beside its memory: descriptors, links, scores, groups, namespaces.
. "$(dirname "$0")/lib.sh"
start_mount -o ram=64M

printf 'some text' >"$T/file"
ln -s "$T/file" "$T/link"
answers 1 'a program' "$M" exec /bin/ls 'a word' b
answers 2 'its child' "$M/1" fork
answers 3 'another' "$M" spawn other
stat_field() {
	sed 's/.*) //' "$M/$1/stat" | cut -d ' ' -f $(($2 - 2))
}

# --- Groups, working directory ----------------------------------------------------------------

is "$(stat_field 1 5) $(stat_field 1 6)" '1 1' 'a process that was spawned leads group and session'
is "$(stat_field 2 5) $(stat_field 2 6)" '1 1' 'a fork keeps them'
is "$(stat_field 3 5) $(stat_field 3 6)" '3 3' 'and who is spawned later does not'
is "$(grep -E '^NS(pgid|sid)' "$M/2/status" | tr -d '\n')" "$(printf 'NSpgid:\t1NSsid:\t1')" 'status agrees'
is "$(readlink "$M/1/cwd")" "$T" 'cwd is where the caller was'
is "$(readlink "$M/2/cwd")" "$T" 'and a fork keeps it'
is "$(cat "$M/1/task/1/children")" '2 ' 'children'

# --- Descriptors ------------------------------------------------------------------------------

for mode in rdonly wronly rdwr; do
	ctl "$M/1" open "$T/file" $mode >/dev/null
done
is "$(stat -c %a "$M/1/fd/0" "$M/1/fd/1" "$M/1/fd/2" | tr '\n' ' ')" '500 300 700 ' \
	'the mode of a link says how the file is open'
is "$(stat -c '%s %F' "$M/1/fd/0")" '64 symbolic link' 'and has the size of the kernel'
is "$(cat "$M/1/fdinfo/2")" "$(printf 'pos:\t0\nflags:\t0100002\nmnt_id:\t%s\nino:\t%s' \
	"$(sed -n 's/^mnt_id:.//p' /proc/self/fdinfo/3 3<"$T/file")" "$(stat -c %i "$T/file")")" 'fdinfo'
is "$(ls "$M/1/task/1/fd" "$M/1/task/1/fdinfo" | tr '\n' ' ' | tr -d "$T")" \
	"$(printf '%s/1/task/1/fd:\n0\n1\n2\n\n%s/1/task/1/fdinfo:\n0\n1\n2\n' "$M" "$M" | tr '\n' ' ' | tr -d "$T")" \
	'threads have them, too'
ok 'a descriptor that is not open is not there' test ! -e "$M/1/fdinfo/3"

# --- Links to areas and namespaces ------------------------------------------------------------

addr=$(ctl "$M/1" mmap 0 4K rw- shared "$T/file")
name=$(printf '%x-%x' "$((addr))" "$((addr + 4096))")
is "$(readlink "$M/1/map_files/$name")" "$T/file" 'map_files has a link for each area of a file'
is "$(stat -c '%a %s' "$M/1/map_files/$name")" '600 64' 'its mode says how the file was opened'
is "$(ls "$M/1/map_files" | wc -l)" "$(awk '$5 > 0' "$M/1/maps" | wc -l)" 'and no others'
is "$(ls "$M/1/map_files" | head -n 1)" "$(awk '$5 > 0 { print $1; exit }' "$M/1/maps")" 'by address'
for wrong in 0 1-2 "0x$name" "${name}0" "$(printf '%x-%x' $((addr)) $((addr + 8192)))"; do
	ok "not $wrong" test ! -L "$M/1/map_files/$wrong"
done
ctl "$M/1" munmap "$addr" 4K >/dev/null
ok 'an area that is gone has none' test ! -L "$M/1/map_files/$name"
is "$(readlink "$M/1/ns/pid")" 'pid:[4026531836]' 'a namespace'
is "$(stat -L -c %i "$M/1/ns/pid" "$M/3/ns/pid_for_children" | uniq)" 4026531836 'has its number'
is "$(ls "$M/1/ns" | wc -l)" 10 'each kind once'

# --- Who dies ---------------------------------------------------------------------------------

is "$(cat "$M/3/oom_score_adj") $(cat "$M/3/oom_score")" '0 666' 'at first'
ok 'a value' sh -c "echo 500 >'$M/3/oom_score_adj'"
is "$(cat "$M/3/oom_score_adj") $(cat "$M/3/oom_score")" '500 1000' 'counts for the score'
for wrong in 1001 -1001 x '' 1.5; do
	refused "not '$wrong'" sh -c "echo '$wrong' >'$M/3/oom_score_adj' 2>/dev/null"
done
echo -1000 >"$M/3/oom_score_adj"
is "$(cat "$M/3/oom_score")" 0 'with -1000 a process is spared'
child=$(ctl "$M/3" fork)
is "$(cat "$M/$child/oom_score_adj")" -1000 'a fork keeps it'
echo 0x3 >"$M/1/coredump_filter"
is "$(cat "$M/1/coredump_filter" "$M/2/coredump_filter" | tr '\n' ' ')" '00000003 00000033 ' \
	'coredump_filter'

# --- What is in swap --------------------------------------------------------------------------

setup() {
	ctl "$M" reclaim 100000 >/dev/null
	grep -q '^VmRSS:.* 0 kB$' "$M/1/status"
}
ok 'all is in swap' setup
major=$(stat_field 1 12) machine=$(sed -n 's/^pgmajfault //p' "$M/vmstat")
is "$(tr '\0' '|' <"$M/1/cmdline")" '/bin/ls|a word|b|' 'cmdline brings it in'
is "$(stat_field 1 12)" "$major" 'which is no fault of the process'
is "$(sed -n 's/^pgmajfault //p' "$M/vmstat")" $((machine + 1)) 'but one of the machine'
like "$(tail -n 1 "$M/1/faults")" ' r [0-9a-f]* major swap-in ' 'and stands in faults'
is "$(sed -n 's/^SimSignal:.//p' "$M/1/status")" 0 'there is no signal'
ctl "$M/1" munmap stack 132K >/dev/null
is "$(cat "$M/1/cmdline" | wc -c)" 0 'without a stack it is empty'

# --- The machine ------------------------------------------------------------------------------

refused 'drop_caches cannot be read' cat "$M/sys/vm/drop_caches"
like "$(cat "$M/sys/vm/drop_caches" 2>&1)" 'Permission denied' 'EACCES, for root, too'
is "$(cat "$M/sys/kernel/ostype" "$M/sys/kernel/pid_max" "$M/sys/kernel/hostname" | tr '\n' ' ')" \
	'Linux 4194304 vasfs ' 'sys/kernel'
is "$(cut -f 1 "$M/sys/fs/file-nr")" 3 'sys/fs/file-nr counts descriptors'
like "$(readlink "$M/thread-self")" '^[0-9]+/task/[0-9]+$' 'thread-self'
like "$(cat "$M/cmdline")" '^ram=65536K swapsize=131072K policy=clock seed=1$' 'cmdline of the machine'
like "$(cat "$M/buddyinfo")" "^Node 0, zone +Normal +$(sed -n 's/^nr_free_pages //p' "$M/vmstat") " 'buddyinfo'
like "$(cat "$M/zoneinfo")" '^        managed  16384$' 'zoneinfo'
for file in net/dev net/unix net/tcp net/udp net/tcp6 net/udp6 net/route softirqs interrupts; do
	is "$(head -n 1 "$M/$file")" "$(head -n 1 /proc/$file | sed 's/CPU0.*/CPU0       /')" "$file has its header"
done
for file in cgroup limits mounts mountinfo uid_map gid_map loginuid sessionid schedstat personality \
	timerslack_ns wchan attr/current; do
	ok "a process has $file" sh -c "cat '$M/1/$file' >/dev/null"
done

# --- A program that runs ----------------------------------------------------------------------

if echo "run /bin/sh -c 'cat $T/file; cd /usr; sleep 0.01 | read x; read x'" >"$M/ctl" 2>/dev/null; then
	pid=$(cat "$M/ctl")
	asleep() {
		[ "$(cat "$M/$pid/wchan")" = wait_woken ] && [ "$(readlink "$M/$pid/cwd")" = /usr ]
	}
	ok 'it sleeps in a read of its terminal' eventually 60 asleep
	like "$(cat "$M/$pid/syscall")" '^0 0x0 0x[0-9a-f]+ 0x1 ' 'syscall: which one'
	like "$(cat "$M/$pid/stack")" '^\[<0>\] wait_woken\+' 'stack'
	like "$(cat "$M/$pid/io")" '^rchar: [1-9]' 'io counts what it has read'
	is "$(cat "$M/$pid/task/$pid/personality")" 00000000 'personality'
else
	skip 'no /dev/kvm' 'a program that runs'
fi
stop_mount

# --- Memory is used up ------------------------------------------------------------------------

# grown SIZE: a process that has used SIZE
grown() {
	_pid=$(ctl "$M" spawn)
	ctl "$M/$_pid" access w "$(ctl "$M/$_pid" mmap 0 "$1" rw- private,anon)" "$1" >/dev/null
	echo "$_pid"
}
start_mount -o ram=1M -o swapsize=0 -o oom=kill
large=$(grown 500K)
small=$(grown 200K)
echo 900 >"$M/$small/oom_score_adj"
third=$(grown 400K)
is "$(ls "$M" | grep '^[0-9]' | tr '\n' ' ')" "$large $third " 'the one with the most points dies'
echo -1000 >"$M/$large/oom_score_adj"
fourth=$(grown 300K)
is "$(ls "$M" | grep '^[0-9]' | tr '\n' ' ')" "$large $fourth " 'the largest is spared'
stop_mount
done_testing
