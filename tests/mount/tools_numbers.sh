# What tools say of time, load and memory, compared number by number with the files of a machine
# whose clock stands still while they look: uptime, w, mpstat, vmstat, top, htop; and psutil, which
# reads the mount by PROCFS_PATH.
. "$(dirname "$0")/lib.sh"
if ! unshare --mount true 2>/dev/null; then
	skip 'needs the right to make namespaces' 'the tools'
	done_testing
fi

# --- The machine ------------------------------------------------------------------------------

dd if=/dev/zero of="$T/data" bs=4096 count=8 2>/dev/null
start_mount -o ram=64M,firstpid=1000,clock=1000000000
# Program, child and one without a program; pages in frames and in swap; an open and mapped file.
ctl "$M" exec /bin/ls 'one two' three >/dev/null
anon=$(ctl "$M/1000" mmap 0 64K rw- private,anon)
ctl "$M/1000" access w "$anon" 64K >/dev/null
ctl "$M" reclaim 200 >/dev/null
ctl "$M/1000" access r "$anon" 16K >/dev/null
shared=$(ctl "$M/1000" mmap 0 16K rw- shared "$T/data")
ctl "$M/1000" access w "$shared" 8K >/dev/null
ctl "$M/1000" open "$T/data" rdwr >/dev/null
ctl "$M/1000" fork >/dev/null
ctl "$M/1001" access w "$anon" 4K >/dev/null
ctl "$M" spawn demo >/dev/null

# One that has used the processor: dash reads byte by byte, and each call takes 1 us. Then it
# waits for its terminal, and the clock stands still again.
head -c 20000 /dev/zero | tr '\0' x >"$T/line"
busy=$(ctl "$M" exec -k "$(command -v dash)" -c "read x <'$T/line'; read y")
waits() {
	grep -q '^State:.S' "$M/$busy/status" && [ "$(cut -d ' ' -f 14 "$M/$busy/stat")" -gt 0 ]
}
if ctl "$M/$busy" run >"$T/run" 2>&1; then
	ok 'a program has used the processor' eventually 60 waits
else
	skip "$(head -n 1 "$T/run" | tr '#' ' ')" 'a program has used the processor'
fi

# look COMMAND...: where the mount is /proc; blanks are single, and none begin or end a line
look() {
	"$VASFS_SHELL" "$M" env LC_ALL=C "$@" 2>&1 </dev/null | tr -s ' \t' ' ' | sed 's/^ //; s/ $//'
}
# shows DESCRIPTION TEXT LINE: TEXT has the line LINE
shows() {
	if printf '%s\n' "$2" | grep -qxF -e "$3"; then
		_pass "$1"
	else
		_fail "$1" "no line is: $3
$2"
	fi
}
# has TOOL DESCRIPTION: it is installed, or else the test is skipped
has() {
	command -v "$1" >/dev/null || {
		skip 'not installed' "$2"
		false
	}
}
field() {
	sed -n "s/^$2:[[:blank:]]*\([0-9]*\).*/\1/p" "$M/$1"
}

# --- The processor ----------------------------------------------------------------------------

# Of all ticks since the start, in percent: as mpstat has them, and rounded, as vmstat and top.
shares=$(awk '$1 == "cpu" {
	for (i = 2; i <= 9; i++)
		all += $i
	split("2 3 4 6 7 8 9 10 11 5", order)
	for (i = 1; i <= 10; i++)
		printf " %.2f", all ? $order[i] * 100 / all : 0
}' "$M/stat")
rounded=$(awk '$1 == "cpu" {
	all = $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9
	print int(($2 + $3) * 100 / all + 0.5), int(($4 + $7 + $8) * 100 / all + 0.5), \
	      int($5 * 100 / all + 0.5), int($6 * 100 / all + 0.5), int($9 * 100 / all + 0.5)
}' "$M/stat")
ticks=$(awk '$1 == "cpu" { print $2 + $4 + $5 }' "$M/stat")
is "$ticks" "$(cut -d ' ' -f 1 "$M/uptime" | tr -d . | sed 's/^0*//')" \
	'the ticks of stat are those of uptime'
is "$(awk '$1 == "cpu" { print $5 }' "$M/stat")" \
	"$(cut -d ' ' -f 2 "$M/uptime" | tr -d . | sed 's/^0*//')" 'the idle ones, too'
is "$(awk '$1 == "cpu" { print $2 }' "$M/stat")" "$(cut -d ' ' -f 14 "$M/$busy/stat")" \
	'the user time is that of the program'
if has mpstat 'mpstat'; then
	text=$(look mpstat -P ALL | cut -d ' ' -f 2-)
	shows 'mpstat: all processors' "$text" "all$shares"
	shows 'mpstat: the only one' "$text" "0$shares"
fi
if has vmstat 'vmstat'; then
	is "$(look vmstat | tail -n 1 | cut -d ' ' -f 13-17)" "$rounded" 'vmstat: the processor'
	shows 'vmstat -s: user' "$(look vmstat -s)" \
		"$(awk '$1 == "cpu" { print $2 }' "$M/stat") non-nice user cpu ticks"
	shows 'vmstat -s: idle' "$(look vmstat -s)" \
		"$(awk '$1 == "cpu" { print $5 }' "$M/stat") idle cpu ticks"
fi

# --- Time and load ----------------------------------------------------------------------------

# An hour and some minutes: each command takes 10 ms. Meanwhile one program wants the processor.
spins=$(ctl "$M" exec -k "$(command -v dash)" -c 'while :; do :; done')
ctl "$M/$spins" run >/dev/null 2>&1
yes sync | head -n 400000 >"$M/ctl"
if [ "$(sed -n 's/^State:.\(.\).*/\1/p' "$M/$spins/status")" = R ]; then
	is "$(cut -d ' ' -f 1-4 "$M/loadavg")" '1.00 1.00 0.99 1/5' 'the load is one program'
	is "$(sed -n 's/^procs_running //p' "$M/stat")" 2 'besides the reader'
else
	skip 'no program runs' 'the load'
fi
ctl "$M" kill "$spins" KILL >/dev/null
gone() {
	[ ! -e "$M/$spins" ]
}
cat "$M/$spins/wait" >/dev/null 2>&1
ok 'it is gone' eventually 60 gone
seconds=$(cut -d . -f 1 "$M/uptime")
minutes=$((seconds / 60))
up=$(printf '%d:%02d' $((minutes / 60)) $((minutes % 60)))
load=$(cut -d ' ' -f 1-3 "$M/loadavg")
commas=$(printf '%s' "$load" | sed 's/ /, /g')
is "$((minutes / 60))" 1 'the clock went on by an hour'
if has uptime 'uptime'; then
	like "$(look uptime)" "^[0-9:]+ up $up, [0-9]+ users?, load average: $commas\$" uptime
	is "$(look uptime -p)" "up 1 hour, $((minutes % 60)) minutes" 'uptime -p'
fi
if has w 'w'; then
	like "$(look w | head -n 1)" "^[0-9:]+ up $up, [0-9]+ users?, load average: $commas\$" 'w'
	like "$(look w | sed -n 2p)" '^USER .* WHAT$' 'w: its columns'
fi
if has top 'top'; then
	like "$(look top -b -n 1 | head -n 1)" \
		"^top - [0-9:]+ up $up, [0-9]+ users?, load average: $commas\$" 'top: time and load'
fi

# One page of htop, on a terminal that is wide enough.
if has htop 'htop' && has tmux 'htop: on a terminal'; then
	terminal() {
		tmux -f /dev/null -S "$T/tmux" "$@"
	}
	terminal new-session -d -x 160 -y 40 \
		"HTOPRC=$T/htoprc LC_ALL=C '$VASFS_SHELL' '$M' htop --no-color"
	page() {
		terminal capture-pane -p | tr -s ' ' >"$T/page" && grep -q "^ $busy " "$T/page"
	}
	ok 'htop shows the processes' eventually 60 page
	terminal kill-server
	page=$(cat "$T/page")
	like "$page" "Uptime: 0$up:[0-9][0-9]" 'htop: uptime'
	like "$page" "Load average: $load" 'htop: load'
	like "$page" "Tasks: 4, 0 thr" 'htop: tasks'
	for pid in 1000 1001 1002; do
		sizes=$(awk '{ print $1 * 4, $2 * 4, $3 * 4 }' "$M/$pid/statm")
		like "$page" "^ $pid [^ ]+ 20 0 $sizes S 0.0 " \
			"htop: sizes of $pid"
	done
	like "$page" "^ 1000 .* /bin/ls one two three" 'htop: the command'
	like "$page" "Swp\[.*[| ]$(($(field meminfo SwapTotal) - $(field meminfo SwapFree)))K/128M" \
		'htop: swap'
fi

# --- psutil -----------------------------------------------------------------------------------

# Each line is a value that psutil has and what the files of the mount say, which are read here in
# another way. (os.sysconf and the kernel's own calls answer for the host.)
cat >"$T/numbers.py" <<'PSUTIL'
import os, re, sys
import psutil

root = sys.argv[1]
psutil.PROCFS_PATH = root
PAGE, TICKS = 4096, os.sysconf("SC_CLK_TCK")


def read(*path):
    with open(os.path.join(root, *map(str, path))) as file:
        return file.read()


def keys(*path):
    """ KEY: NUMBER, with kB in bytes """
    found = re.findall(r"^(\S+?):?\s+(\d+)( kB)?$", read(*path), re.M)
    return {key: int(number) * (1024 if unit else 1) for key, number, unit in found}


def equal(what, got, expected):
    print("equal" if got == expected else "DIFFERENT", what, got, expected)


pids = sorted(int(name) for name in os.listdir(root) if name.isdigit())
equal("pids", psutil.pids(), pids)
equal("process_iter", [process.pid for process in psutil.process_iter()], pids)
btime = keys("stat")["btime"]
for pid in pids:
    process = psutil.Process(pid)
    # From the third field on, the state.
    stat = [None, None] + read(pid, "stat").rpartition(") ")[2].split()
    statm = [int(word) * PAGE for word in read(pid, "statm").split()]
    status, rollup = keys(pid, "status"), keys(pid, "smaps_rollup")
    memory, full = process.memory_info(), process.memory_full_info()
    equal("name", process.name(), read(pid, "comm").rstrip("\n"))
    equal("cmdline", process.cmdline(), read(pid, "cmdline").split("\0")[:-1])
    equal("ppid", process.ppid(), int(stat[3]))
    equal("status", process.status(), {"S": "sleeping", "R": "running"}[stat[2]])
    equal("memory_info", list(memory), [statm[1], statm[0]] + statm[2:])
    equal("VmRSS", memory.rss, status["VmRSS"])
    equal("VmSize", memory.vms, status["VmSize"])
    equal("vsize", memory.vms, int(stat[22]))
    equal("rss", memory.rss, int(stat[23]) * PAGE)
    equal("uss", full.uss, sum(rollup.get("Private_" + kind, 0) for kind in ("Clean", "Dirty")))
    equal("pss", full.pss, rollup["Pss"])
    equal("swap", (full.swap, full.swap), (rollup["Swap"], status["VmSwap"]))
    equal("num_threads", process.num_threads(), len(os.listdir(f"{root}/{pid}/task")))
    equal("threads", process.num_threads(), status["Threads"])
    equal("cpu_times", tuple(process.cpu_times())[:4],
          tuple(int(stat[i]) / TICKS for i in (13, 14, 15, 16)))
    equal("create_time", process.create_time(), btime + int(stat[21]) / TICKS)
    equal("num_fds", process.num_fds(), len(os.listdir(f"{root}/{pid}/fd")))
    heads = re.findall(r"^([0-9a-f]+-[0-9a-f]+) (\S{4}) \S+ \S+ \S+ *(.*)$",
                       read(pid, "maps"), re.M)
    areas = process.memory_maps(grouped=False)
    equal("memory_maps", [(area.addr, area.perms, area.path) for area in areas],
          [(addr, perms, path or "[anon]") for addr, perms, path in heads])
    for ours, theirs in (("Rss", "rss"), ("Pss", "pss"), ("Shared_Clean", "shared_clean"),
                         ("Shared_Dirty", "shared_dirty"), ("Private_Clean", "private_clean"),
                         ("Private_Dirty", "private_dirty"), ("Referenced", "referenced"),
                         ("Anonymous", "anonymous"), ("Swap", "swap")):
        numbers = re.findall(r"^%s:\s+(\d+) kB$" % ours, read(pid, "smaps"), re.M)
        equal("maps " + theirs, [getattr(area, theirs) for area in areas],
              [int(number) * 1024 for number in numbers])
    equal("maps size", sum(area.size for area in areas), memory.vms)

meminfo, vmstat = keys("meminfo"), keys("vmstat")
memory, swap = psutil.virtual_memory(), psutil.swap_memory()
for ours, theirs in (("MemTotal", "total"), ("MemAvailable", "available"), ("MemFree", "free"),
                     ("Buffers", "buffers"), ("Shmem", "shared"), ("Active", "active"),
                     ("Inactive", "inactive"), ("Slab", "slab")):
    equal("memory " + theirs, getattr(memory, theirs), meminfo[ours])
equal("memory cached", memory.cached, meminfo["Cached"] + meminfo["SReclaimable"])
equal("swap total", swap.total, meminfo["SwapTotal"])
equal("swap free", swap.free, meminfo["SwapFree"])
equal("swap used", swap.used, meminfo["SwapTotal"] - meminfo["SwapFree"])
equal("swap in", swap.sin, vmstat["pswpin"] * PAGE)
equal("swap out", swap.sout, vmstat["pswpout"] * PAGE)
ticks = [int(word) / TICKS for word in read("stat").split("\n")[0].split()[1:]]
equal("cpu_times", list(psutil.cpu_times()), ticks)
equal("each cpu", [list(cpu) for cpu in psutil.cpu_times(percpu=True)], [ticks])
equal("boot_time", psutil.boot_time(), btime)
equal("nonzero", 0 in (memory.cached, swap.used, swap.sin, swap.sout), False)
print("end")
PSUTIL
if /usr/bin/python3 -c 'import psutil' 2>/dev/null; then
	text=$(/usr/bin/python3 "$T/numbers.py" "$M" 2>&1)
	is "$(printf '%s\n' "$text" | grep -v '^equal ')" end 'psutil agrees with all files'
	like "$(printf '%s\n' "$text" | grep -c '^equal ')" '^[1-9][0-9][0-9]$' 'and all were compared'
else
	skip 'not installed' 'psutil'
fi
stop_mount
done_testing
