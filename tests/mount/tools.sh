# What the tools of Linux print of the machine where the mount is /proc: bound over it in the
# daemon's own mount namespace, in another one, and in another pid namespace.
#
# A row of the table is a tool: a command, and what is expected of its output, made of what the
# files of the mount say. A tool that is not installed is left out.
# shellcheck disable=SC2154 # facts are variables that `gather` writes
. "$(dirname "$0")/lib.sh"
if ! unshare --mount true 2>/dev/null; then
	skip 'needs the right to make namespaces' 'the tools'
	done_testing
fi

# --- The machine ------------------------------------------------------------------------------

# Pids begin at 1000: those of tools in a new pid namespace are lower.
options='-o ram=64M -o firstpid=1000'
dd if=/dev/zero of="$T/data" bs=4096 count=8 2>/dev/null

# Three processes: a program with its child, and one that has called no exec. The program has used
# its stack, a page of a file and memory of its own, some of which is in swap.
cat >"$T/populate" <<'POPULATE'
at=$1
echo 0 >"$at/sys/vm/dirty_writeback_centisecs"
"$VASCTL" "$at" exec /bin/ls 'one two' three
"$VASCTL" "$at/1000" mmap 0 64K rw- private,anon >"$T/anon"
"$VASCTL" "$at/1000" access w "$(cat "$T/anon")" 64K
"$VASCTL" "$at" reclaim 200
"$VASCTL" "$at/1000" access r "$(cat "$T/anon")" 16K
"$VASCTL" "$at/1000" mmap 0 16K rw- shared "$T/data" >"$T/shared"
"$VASCTL" "$at/1000" access w "$(cat "$T/shared")" 8K
"$VASCTL" "$at/1000" access w sp
"$VASCTL" "$at/1000" open "$T/data" rdwr
"$VASCTL" "$at/1000" fork
"$VASCTL" "$at/1001" access w "$(cat "$T/anon")" 4K
"$VASCTL" "$at" spawn demo
echo 500 >"$at/1001/oom_score_adj"
cat "$at"/100?/cmdline >/dev/null
POPULATE

# What the files say, as variables.
cat >"$T/gather" <<'GATHER'
at=$1
field() {
	sed -n "s/^$2:[[:blank:]]*\([0-9]*\).*/\1/p" "$at/$1"
}
sum() {
	awk -v keys="$2" '{ if (index(keys, " " $1 " ")) n += $2 } END { print n + 0 }' "$at/$1"
}
stat_field() {
	sed 's/.*) //' "$at/$1/stat" | cut -d ' ' -f $(($2 - 2))
}
for pid in 1000 1001 1002; do
	echo "vsz$pid=$(field $pid/status VmSize) rss$pid=$(field $pid/status VmRSS)"
	echo "pss$pid=$(field $pid/smaps_rollup Pss) minor$pid=$(stat_field $pid 10)"
	echo "major$pid=$(stat_field $pid 12) start$pid=$(stat_field $pid 28)"
	echo "uss$pid=$(sum $pid/smaps_rollup ' Private_Clean: Private_Dirty: ')"
	echo "swap$pid=$(field $pid/smaps_rollup Swap) shr$pid=$(($(cut -d ' ' -f 3 "$at/$pid/statm") * 4))"
	echo "score$pid=$(cat "$at/$pid/oom_score") areas$pid=$(wc -l <"$at/$pid/maps")"
	echo "dirty$pid=$(sum $pid/smaps_rollup ' Shared_Dirty: Private_Dirty: ')"
	echo "pages$pid=$(sed 's/.* N0=\([0-9]*\) .*/\1/; t; d' "$at/$pid/numa_maps" | awk '{ n += $1 } END { print n + 0 }')"
done
echo "total=$(field meminfo MemTotal) free=$(field meminfo MemFree)"
echo "swaptotal=$(field meminfo SwapTotal) swapfree=$(field meminfo SwapFree)"
echo "cached=$(field meminfo Cached) inactive=$(field meminfo Inactive) committed=$(field meminfo Committed_AS)"
echo "available=$(field meminfo MemAvailable) dirty=$(field meminfo Dirty)"
echo "faults=$(sed -n 's/^pgfault //p' "$at/vmstat") ins=$(sed -n 's/^pswpin //p' "$at/vmstat")"
echo "shared_line=$(tail -n +1 "$at/1000/maps" | grep -c "rw-s .*$T/data")"
echo "ino=$(stat -c %i "$T/data")"
GATHER

# --- The tools --------------------------------------------------------------------------------

# row NAME COMMAND REGULAR-EXPRESSION...: some line of what COMMAND prints matches each of them. In
# the expressions a blank stands for any number of blanks. The program of a command is its first
# word.
user=$(id -un)
cat >"$T/rows" <<'ROWS'
row 'ps aux' 'ps aux' "^$user 1000 [0-9.]+ [0-9.]+ $vsz1000 $rss1000 \? Ss [0-9:]+ 0:00 /bin/ls one two three$" \
	"^$user 1001 .* $vsz1001 $rss1001 \? S " "^$user 1002 .* $vsz1002 $rss1002 \? Ss .* demo$"
row 'ps -ef' 'ps -ef' "^$user 1000 0 0 .* /bin/ls one two three$" "^$user 1001 1000 0 "
row 'ps -eLf' 'ps -eLf' "^$user 1000 0 1000 0 1 .* /bin/ls one two three$" "^$user 1002 0 1002 0 1 "
row 'ps axjf' 'ps axjf' '^ 0 1000 1000 1000 \? -1 Ss ' '^ 1000 1001 1000 1000 \? -1 S ' '\\_ /bin/ls'
row 'ps -o' 'ps -eo pid,pgid,sid,rss,vsz,pss,uss,min_flt,maj_flt,wchan,label,oom' \
	"^ 1000 1000 1000 $rss1000 $vsz1000 $pss1000 $uss1000 $minor1000 $major1000 - unconfined $score1000$" \
	"^ 1001 1000 1000 $rss1001 $vsz1001 $pss1001 $uss1001 $minor1001 $major1001 - unconfined $score1001$"
row 'pmap' 'pmap 1000' '^1000: /bin/ls one two three$' "^[0-9a-f]+ 16K rw-s- data$" \
	'^[0-9a-f]+ 132K rw--- \[ stack \]$' "^ total ${vsz1000}K$"
row 'pmap -p' 'pmap -p 1000' "^[0-9a-f]+ 16K rw-s- $T/data$"
row 'pmap -x' 'pmap -x 1000' '^[0-9a-f]+ 16 8 8 rw-s- data$' "^total kB $vsz1000 $rss1000 $dirty1000$"
row 'pmap -X' 'pmap -X 1000' ' data$' "^ $vsz1000 $rss1000 $pss1000 "
row 'pmap -XX' 'pmap -XX 1000' ' data$' "^ $vsz1000 4? ?4? ?.* $rss1000 $pss1000 "
row 'top -b' 'top -b -n 1' "^ 1000 $user 20 0 $vsz1000 $rss1000 $shr1000 S " \
	'^Tasks: 3 total, [0-9]+ running' "^MiB Swap: $(awk "BEGIN { printf \"%.1f\", $swaptotal / 1024 }") total"
row 'top -H' 'top -b -H -n 1' "^ 1001 $user 20 0 $vsz1001 $rss1001 $shr1001 S " '^Threads: 3 total'
row 'free' 'free' "^Mem: $total [0-9]+ $free 0 $cached $available$" \
	"^Swap: $swaptotal $((swaptotal - swapfree)) $swapfree$"
row 'vmstat' 'vmstat' "^ [0-9]+ 0 $((swaptotal - swapfree)) $free 0 $cached "
row 'vmstat -a' 'vmstat -a' "^ [0-9]+ 0 $((swaptotal - swapfree)) $free $inactive 0 "
row 'vmstat -s' 'vmstat -s' "^ $total K total memory$" "^ $free K free memory$" "^ $ins pages swapped in$"
row 'vmstat -m' 'vmstat -m' "^vm_area_struct $((areas1000 + areas1001 + areas1002)) "
row 'vmstat -d' 'vmstat -d; echo "ends $?"' '^ends 0$'
row 'slabtop -o' 'slabtop -o' " $((areas1000 + areas1001 + areas1002)) .* vm_area_struct "
row 'pgrep' 'pgrep -x ls' '^1000$' '^1001$'
row 'pgrep -f' 'pgrep -f "^/bin/ls one"' '^1000$'
row 'pidof' 'pidof ls' '^1001 1000$'
row 'pwdx' 'pwdx 1000' "^1000: $T$"
row 'uptime' 'uptime' ' up 0 min, .*load average: 0.00, 0.00, 0.00$'
row 'w' 'w' ' up 0 min, ' '^USER '
row 'pstree' 'pstree -p 1000' '^ls\(1000\)---ls\(1001\)$'
row 'pstree -g' 'pstree -g 1000' '^ls\(1000\)---ls\(1000\)$'
row 'fuser' 'fuser -v "$T/data"' '^ [a-z]+ 1000 [F.]+..m ls$|1000 .*ls$' ' 1001 '
row 'prtstat' 'prtstat 1000' '^Process: ls State: S \(sleeping\)$' '^ Group ID: 1000 Session ID: 1000$' \
	"^ This Process \(minor major\): $minor1000 $major1000$"
row 'lsof' 'lsof -p 1000' "^ls 1000 $user cwd DIR .* $T$" "^ls 1000 $user 0u REG .* 32768 $ino $T/data$" \
	"^ls 1000 $user txt REG .*/bin/ls$"
row 'lsfd' 'lsfd -p 1000' "^ls 1000 $user 0 rw- REG .* $ino $T/data$" "^ls 1000 $user shm|^ls 1000 $user mem .* $T/data$"
row 'lsns' 'lsns' '^4026531836 pid 3 1000 ' '^4026531841 mnt 3 1000 '
row 'lsns -p' 'lsns -p 1001' '^4026531838 uts 3 1000 '
row 'smem' 'smem' "^ 1000 $user /bin/ls one two three $swap1000 $uss1000 $pss1000 $rss1000 $" "^ 1002 $user demo "
row 'numastat' 'numastat -p 1000' "^Total $(awk "BEGIN { printf \"%.2f %.2f\", $pages1000 / 256, $pages1000 / 256 }")$"
row 'pidstat -r' 'pidstat -r -p ALL' " 0 1000 [0-9.]+ [0-9.]+ $vsz1000 $rss1000 [0-9.]+ ls$"
row 'pidstat -d' 'pidstat -d -p 1000' ' 0 1000 [0-9.]+ 0.00 0.00 0 ls$'
row 'sar -r' 'sar -r 1 1' "^Average: $free $available $((total - free - cached)) .* $committed "
row 'mpstat' 'mpstat' ' all 0.00 .* 100.00$'
row 'swapon' 'swapon --show=SIZE,USED --bytes --noheadings' "^$((swaptotal * 1024)) $(((swaptotal - swapfree) * 1024))$"
row 'choom' 'choom -p 1001' "OOM score: $score1001$" 'adjust value: 500$'
row 'findmnt' 'findmnt -n /proc' '^/proc vasfs fuse.vasfs '
row 'nproc' 'nproc; echo' '^[0-9]+$'
row 'atop' 'atop -PPRM 1 1' "^PRM .* 1000 \(ls\) S 4096 $vsz1000 $rss1000 "
row 'bash: <(command)' 'bash -c "cat <(echo a pipe); diff <(echo 1) <(echo 1) && echo same"' '^a pipe$' '^same$'
row 'bash: /dev/stdin' 'echo through | cat /dev/stdin' '^through$'
row 'sh: /dev/stdout' 'sh -c "echo written >/dev/stdout" | cat' '^written$'
row 'ls /proc/self/task' 'ls -A /proc/self/task /proc/self/fd' '^[0-9]+$'
row 'readlink /proc/thread-self' 'readlink /proc/thread-self' '^[0-9]+/task/[0-9]+$'
row 'psutil' '/usr/bin/python3 "$T/attributes.py"' "^1000 ls $((rss1000 * 1024)) $((vsz1000 * 1024)) $((uss1000 * 1024)) $((pss1000 * 1024)) $((swap1000 * 1024)) sleeping 0$" \
	"^1001 ls .* 1000$" "^open $T/data 0 r\+$" "^map $T/data 8192 16384$" "^memory $((total * 1024)) $((free * 1024))$" \
	"^swap $((swaptotal * 1024)) $(((swaptotal - swapfree) * 1024))$" '^net 0 0$' '^partitions True$' '^pids \[1000, 1001, 1002\]$'
ROWS

cat >"$T/attributes.py" <<'PSUTIL'
import sys
import psutil

if len(sys.argv) > 1:
    psutil.PROCFS_PATH = sys.argv[1]
# The kernel is asked for these by pid: it answers for its own process of that number.
names = set(psutil.Process().as_dict()) - {"nice", "ionice", "cpu_affinity"}
for process in psutil.process_iter(names):
    all = process.info
    full = all["memory_full_info"]
    print(process.pid, all["name"], full.rss, full.vms, full.uss, full.pss, full.swap,
          all["status"], all["ppid"])
first = psutil.Process(1000)
for file in first.open_files():
    print("open", file.path, file.position, file.mode)
for area in first.memory_maps():
    if area.path.endswith("/data"):
        print("map", area.path, area.rss, area.size)
print("memory", psutil.virtual_memory().total, psutil.virtual_memory().free)
print("swap", psutil.swap_memory().total, psutil.swap_memory().used)
print("net", psutil.net_io_counters().bytes_sent, psutil.net_io_counters().bytes_recv)
print("partitions", len(psutil.disk_partitions(all=True)) > 0)
print("pids", psutil.pids())
PSUTIL

# Whether a tool is here: psutil is a module.
cat >"$T/has" <<'HAS'
has() {
	case $1 in
	psutil) /usr/bin/python3 -c 'import psutil' 2>/dev/null ;;
	bash:* | sh:* | readlink* | ls*) : ;;
	*) command -v "${1%% *}" >/dev/null ;;
	esac
}
HAS

# inside HOW: run all commands where the mount is /proc, and keep what they print. HOW is `bound`:
# the daemon is started here; or else the mount is there already.
cat >"$T/inside" <<'INSIDE'
. "$T/has"
row() {
	number=$((number + 1))
	has "$1" || return 0
	timeout -k 1 20 sh -c "$2" >"$T/out/$number" 2>&1 </dev/null
}
if [ "$1" = bound ]; then
	"$VASFS" -f $options "$M" &
	daemon=$!
	tries=400
	until test -e "$M/frames" || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.05
	done
	cd "$T" && sh "$T/populate" "$M"
fi
mount --bind "$M" /proc
sh "$T/gather" "$M" >"$T/facts"
. "$T/facts"
number=0
export T
. "$T/rows"
[ "$1" != bound ] || { kill "$daemon" && wait "$daemon"; }
: >"$T/done"
INSIDE

# row: what was printed is what is expected
row() {
	number=$((number + 1))
	_tool=$1
	shift 2
	if ! has "$_tool"; then
		skip 'not installed' "$how: $_tool"
		return
	fi
	_text=$(tr -s ' \t' ' ' <"$T/out/$number" 2>&1) _missing=
	for _pattern; do
		printf '%s\n' "$_text" | sed 's/^ *//' | grep -Eq -e "$(printf '%s' "$_pattern" | sed 's/^^ /^/')" ||
			_missing="$_missing
no line matches: $_pattern"
	done
	if [ -z "$_missing" ]; then
		_pass "$how: $_tool"
	else
		_fail "$how: $_tool" "got: $_text$_missing"
	fi
}

# tools HOW NAMESPACES: all rows
tools() {
	how=$1
	rm -rf "$T/out" "$T/done" "$T/facts"
	mkdir "$T/out"
	# shellcheck disable=SC2086 # a list
	options=$options user=$user T=$T M=$M timeout -k 5 100 unshare $2 sh "$T/inside" "$3" \
		>"$T/inside.out" 2>&1
	ok "$how: all were run" test -e "$T/done"
	cat "$T/inside.out" >&2
	# shellcheck disable=SC1091
	. "$T/facts"
	# shellcheck disable=SC1091
	. "$T/has"
	number=0
	# shellcheck disable=SC1091
	. "$T/rows"
}
export user T
tools 'in the namespace of the daemon' --mount bound
# shellcheck disable=SC2086 # a list
start_mount $options
sh "$T/populate" "$M" >/dev/null
tools 'in another mount namespace' --mount other
tools 'in a pid namespace' '--mount --pid --fork --kill-child' other
if has psutil; then
	is "$(/usr/bin/python3 "$T/attributes.py" "$M" | sed -n 's/^pids //p')" '[1000, 1001, 1002]' \
		'psutil by PROCFS_PATH'
	like "$(/usr/bin/python3 "$T/attributes.py" "$M")" "^1000 ls $((rss1000 * 1024)) " \
		'with the same numbers'
fi

# --- vasfs-shell ------------------------------------------------------------------------------

is "$("$VASFS_SHELL" "$M" pgrep -x ls | tr '\n' ' ')" '1000 1001 ' 'vasfs-shell runs a command'
is "$("$VASFS_SHELL" "$M" sh -c 'cat /proc/1000/comm; exit 7'; echo $?)" "$(printf 'ls\n7')" \
	'and exits with its status'
sleep 1000 &
sleeper=$!
ctl "$M/1002" exec /bin/sleep 1 >/dev/null
"$VASFS_SHELL" "$M" pkill -9 sleep
ok 'a signal reaches no process of the host' kill -0 $sleeper
kill $sleeper
is "$("$VASFS_SHELL" "$T" true 2>/dev/null; echo $?)" 125 'what is no mount is refused'
is "$("$VASFS_SHELL" 2>/dev/null; echo $?)" 2 'and nothing'
stop_mount
if is_root; then
	cp "$VASFS_SHELL" "$T/shell"
	# shellcheck disable=SC2086 # a list
	start_mount -o allow_other $options
	sh "$T/populate" "$M" >/dev/null
	if as_other unshare --user --map-root-user --mount --pid --fork --mount-proc true 2>/dev/null; then
		like "$(as_other sh "$T/shell" "$M" ps -ef 2>&1)" ' 1000 +0 .* /bin/ls one two three$' \
			'vasfs-shell of a user who is not root'
	else
		skip 'users may not make namespaces' 'vasfs-shell of a user who is not root'
	fi
	stop_mount
fi
done_testing
