# status, stat, statm, comm, cmdline, in the format of /proc/PID.
. "$(dirname "$0")/lib.sh"
start_mount
answers 1 'a process' "$M" spawn 'a (strange) name'
P=$M/1

# field KEY: the value of KEY in status
field() {
	sed -n "s/^$1:\t *//p" "$P/status"
}
# stat_field N: field N of stat, numbered as in proc(5)
stat_field() {
	sed 's/^.*) //' "$P/stat" | cut -d ' ' -f $(($1 - 2))
}

# --- status -----------------------------------------------------------------------------------

is "$(grep -Evc '^[A-Za-z_0-9]+:	' "$P/status")" 0 'every line of status is KEY:<tab>VALUE'
is "$(field Name)" 'a (strange) nam' 'the name is cut to 15 bytes, as the kernel does'
for key in Tgid Pid; do
	is "$(field $key)" 1 "$key"
done
like "$(field State)" '^[RSDT] \([a-z]+\)$' 'State'
is "$(field PPid)" 0 'PPid: nobody spawned it'
is "$(field Uid)" "$(printf '%s\t%s\t%s\t%s' "$(id -u)" "$(id -u)" "$(id -u)" "$(id -u)")" 'Uid'
is "$(field Gid)" "$(printf '%s\t%s\t%s\t%s' "$(id -g)" "$(id -g)" "$(id -g)" "$(id -g)")" 'Gid'
is "$(field Threads)" 1 'Threads'
is "$(field VmSize)" '132 kB' 'VmSize is the stack'
is "$(field VmStk)" '132 kB' 'VmStk too'
is "$(field VmRSS)" '0 kB' 'nothing is resident'
host_keys=$(sed -n 's/^\(Vm[A-Za-z]*\|Rss[A-Za-z]*\):.*/\1/p' /proc/self/status | tr '\n' ' ')
is "$(sed -n 's/^\(Vm[A-Za-z]*\|Rss[A-Za-z]*\):.*/\1/p' "$P/status" | tr '\n' ' ')" "$host_keys" \
	'the keys of memory are those of this kernel'
is "$(grep VmSize "$P/status")" "$(printf 'VmSize:\t%8d kB' 132)" 'and so are the columns'

a=$(ctl "$P" mmap 0 1M rw- private,anon)
"$TOOL" fill "$P/mem" "$a" 40960 1 >/dev/null
is "$(field VmSize)" '1156 kB' 'mmap adds to VmSize'
is "$(field VmData)" '1024 kB' 'and to VmData, which has not the stack'
is "$(field VmRSS)" '40 kB' 'ten pages written are resident'
is "$(field RssAnon) $(field RssFile) $(field RssShmem)" '40 kB 0 kB 0 kB' 'as anonymous memory'
head -c 8192 /dev/zero >"$T/file"
f=$(ctl "$P" mmap 0 8K r-- private "$T/file")
ctl "$P" access r "$f" 8K >/dev/null
s=$(ctl "$P" mmap 0 8K rw- shared,anon)
ctl "$P" access w "$s" >/dev/null
is "$(field RssAnon) $(field RssFile) $(field RssShmem)" '40 kB 8 kB 4 kB' \
	'a file and shared memory count by themselves'
is "$(field VmHWM)" '52 kB' 'VmHWM is the most there was'
ctl "$P" munmap "$a" 1M >/dev/null
is "$(field VmHWM)" '52 kB' 'and stays'
is "$(field VmRSS)" '12 kB' 'when VmRSS falls'
is "$(field VmPeak)" '1172 kB' 'VmPeak stays too'

# --- stat, statm ------------------------------------------------------------------------------

like "$(cat "$P/stat")" '^1 \(a \(strange\) nam\) [A-Z] ' 'stat has the name in parentheses'
is "$(sed 's/^.*) //' "$P/stat" | wc -w)" 50 'and 52 fields'
is "$(wc -l <"$P/stat")" 1 'in one line'
is "$(stat_field 4)" 0 'ppid'
is "$(stat_field 10)" 11 'minflt'
is "$(stat_field 12)" 2 'majflt'
is "$(stat_field 20)" 1 'threads'
is "$(stat_field 23)" $(((132 + 16) * 1024)) 'vsize in bytes'
is "$(stat_field 24)" 3 'rss in pages'
startstack=$(stat_field 28)
ok 'startstack lies in the stack' \
	sh -c "[ $startstack -ge $((0x7ffffffde000)) ] && [ $startstack -lt $((0x7ffffffff000)) ]"
is "$(cat "$P/statm")" '37 3 3 0 0 33 0' 'statm: size resident shared text lib data dirty'

# --- comm, cmdline, environ, auxv, exe --------------------------------------------------------

is "$(cat "$P/comm")" 'a (strange) nam' 'comm'
is "$(od -An -v -t x8 "$P/auxv" | tr -d ' ')" 00000000000000000000000000000000 \
	'before an exec auxv is AT_NULL'
refused 'exe leads nowhere before an exec' readlink "$P/exe"
ok 'exec' ctl "$P" exec /bin/ls 'a b' c
is "$(tr '\0' '|' <"$P/cmdline")" '/bin/ls|a b|c|' 'cmdline ends every word with a zero byte'
is "$(readlink "$P/exe")" "$(readlink -f /bin/ls)" 'exe'
ok 'exe can be followed' cmp "$P/exe" /bin/ls
is $(($(wc -c <"$P/auxv") % 16)) 0 'auxv is pairs of words'
isnt "$(stat_field 30)" 0 'the program counter is in stat'
isnt "$(stat_field 29)" 0 'and the stack pointer'
isnt "$(field VmExe)" '0 kB' 'VmExe'
isnt "$(field VmLib)" '0 kB' 'VmLib'

# --- Tools that read a /proc ------------------------------------------------------------------

if command -v perl >/dev/null; then
	is "$(perl -ne 'print "$1 " if /^(\S+?):\t/' "$P/status" | tr ' ' '\n' | sort | uniq -d)" \
		'' 'no key stands twice'
fi

stop_mount
done_testing
