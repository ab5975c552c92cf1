# The tree: which files exist, who owns them, and what ls shows.
. "$(dirname "$0")/lib.sh"
start_mount -o ram=64M

for file in README ctl events frames objects meminfo vmstat swaps stat uptime loadavg cpuinfo \
	version mounts kpagecount \
	kpageflags sys/vm/policy; do
	ok "the machine has $file" test -f "$M/$file"
done
is "$(ls "$M" | grep '^[0-9]')" '' 'there is no process yet'
answers 1 'the first pid is 1' "$M" spawn demo
for file in ctl core mem maps smaps smaps_rollup pagemap pagetable faults tlb clear_refs status stat \
	statm comm cmdline environ auxv \
	limits task/1/stat; do
	ok "a process has $file" test -f "$M/1/$file"
done
ok 'a process has exe' sh -c "ls '$M/1' | grep -qx exe"

# --- What ls says -----------------------------------------------------------------------------

# mode FILE OCTAL: the file has this mode
mode() {
	is "$(stat -c %a "$M/$1")" "$2" "$1 has mode $2"
}
mode . 555
mode 1 555
mode 1/mem 600
mode 1/core 400
mode 1/ctl 600
mode 1/maps 444
mode 1/status 444
mode 1/stat 444
mode 1/statm 444
mode 1/cmdline 444
mode 1/comm 644
mode 1/smaps 444
mode 1/pagemap 400
mode 1/clear_refs 200
mode kpagecount 400
mode kpageflags 400
mode events 444
mode sys/vm/policy 644
mode sys/vm/drop_caches 200
mode 1/fd 500
mode 1/environ 400
mode 1/auxv 400
mode meminfo 444
mode vmstat 444
mode version 444
is "$(stat -c '%F' "$M/1")" directory 'a process is a directory'
is "$(stat -c '%F' "$M/1/exe")" 'symbolic link' 'exe is a symbolic link'
for file in maps pagetable faults status stat statm comm cmdline environ auxv; do
	is "$(stat -c %s "$M/1/$file")" "$(cat "$M/1/$file" | wc -c)" "$file has its size"
done
is "$(stat -c %s "$M/1/mem")" 140737488351232 'mem has the size of the address space'
is "$(stat -c '%u %g' "$M/1" "$M/1/mem" "$M/1/maps" | sort -u)" "$(id -u) $(id -g)" \
	'a process belongs to who made it'
like "$(ls -l "$M/1")" '^-rw------- .* 140737488351232 .* mem$' 'ls -l shows mem'
like "$(ls -l "$M/1")" "^-r--r--r-- .* $(cat "$M/1/maps" | wc -c) .* maps\$" 'and maps'
ok 'ls -R walks the tree' ls -R "$M"
isnt "$(stat -c %i "$M/1/maps")" "$(stat -c %i "$M/1/mem")" \
	'every file has an inode number of its own'

# --- Processes come and go --------------------------------------------------------------------

for pid in 2 3 4 5 6 7 8 9 10 11 12; do
	answers $pid "the next pid is $pid" "$M" spawn
done
is "$(ls -U "$M" | grep '^[0-9]' | tr '\n' ' ')" '1 2 3 4 5 6 7 8 9 10 11 12 ' \
	'a listing has them in order'
answers 0 'exit' "$M/12" exit
ok 'the directory is gone' test ! -e "$M/12"
answers 13 'a pid is not used again' "$M" spawn
answers 0 'kill by the machine' "$M" kill 13 9
ok 'that directory is gone too' test ! -e "$M/13"
ok 'a name that is no pid is not there' test ! -e "$M/abc"
ok 'nor a pid with zeros before it' test ! -e "$M/01"
ok 'nor one that overflows' test ! -e "$M/18446744073709551617"
(cd "$M/11" && ctl "$M/11" exit >/dev/null && cat maps) >"$T/out" 2>&1
like "$(cat "$T/out")" 'No such (file|process)' \
	'a directory kept open says that its process is gone'

# --- Nothing else can be made or removed ------------------------------------------------------

refused 'touch makes no file' touch "$M/new"
refused 'mkdir makes no directory' mkdir "$M/99"
refused 'rm removes no file' rm -f "$M/1/maps"
refused 'rmdir removes no process' rmdir "$M/1"
refused 'mv renames nothing' mv "$M/1" "$M/77"
refused 'ln links nothing' ln "$M/1/maps" "$M/1/more"
refused 'maps cannot be written' sh -c "echo x >'$M/1/maps'"
ok 'df answers' df "$M"

# --- Every file can be read -------------------------------------------------------------------

# Not these: events waits for faults, pagemap is as long as the address space, physmem as memory,
# and some files can only be written.
find "$M" -type f ! -name mem ! -name physmem ! -name pagemap ! -name events \
	! -name clear_refs ! -name drop_caches >"$T/files"
unread=
while read -r file; do
	timeout 20 cat "$file" >/dev/null 2>"$T/stderr" ||
		unread="$unread $file: $(cat "$T/stderr")"
done <"$T/files"
is "$unread" '' 'every text file can be read'

# --- The machine's files ----------------------------------------------------------------------

is "$(wc -l <"$M/version")" 1 'version is one line'
like "$(cat "$M/version")" 'vasfs' 'that names vasfs'
like "$(cat "$M/README")" '1/maps|PID/maps' 'README tells about maps'
is "$(grep -Evc '^[A-Za-z0-9_()]+: +[0-9]+( kB)?$' "$M/meminfo")" 0 \
	'meminfo has lines like /proc/meminfo'
like "$(cat "$M/meminfo")" '^MemTotal: +65536 kB$' 'MemTotal is the option ram'
for key in MemFree MemAvailable Buffers Cached SwapCached SwapTotal SwapFree Dirty Writeback \
	AnonPages Mapped Shmem \
	SReclaimable PageTables Committed_AS; do
	ok "meminfo has $key" grep -q "^$key:" "$M/meminfo"
done
is "$(grep -Evc '^[a-z0-9_]+ [0-9]+$' "$M/vmstat")" 0 'vmstat has lines like /proc/vmstat'
for key in nr_free_pages nr_anon_pages nr_mapped nr_file_pages nr_dirty pgfault pgmajfault pgpgin \
	pgpgout pswpin pswpout; do
	ok "vmstat has $key" grep -q "^$key " "$M/vmstat"
done

kb() {
	sed -n "s/^$1: *\([0-9]*\) kB/\1/p" "$M/meminfo"
}
free=$(kb MemFree) anon=$(kb AnonPages) frames=$(grep -c -v ' free$' "$M/frames") \
	faults=$(sed -n 's/^pgfault //p' "$M/vmstat")
addr=$(ctl "$M/1" mmap 0 64K rw- private,anon)
"$TOOL" fill "$M/1/mem" "$addr" 12288 65 >/dev/null
is "$(kb MemFree)" $((free - 12)) 'three pages written are 12 kB less of MemFree'
is "$(kb AnonPages)" $((anon + 12)) 'and as much more of AnonPages'
is "$(grep -c -v ' free$' "$M/frames")" $((frames + 3)) 'frames has three lines more'
is "$(sed -n 's/^pgfault //p' "$M/vmstat")" $((faults + 3)) 'and vmstat counts three faults'
is "$(stat -c %b "$M/1/mem")" 24 'st_blocks of mem counts the resident pages'

head -c 8192 /dev/zero >"$T/file"
objects=$(wc -l <"$M/objects")
addr=$(ctl "$M/1" mmap 0 8K r-- private "$T/file")
is "$(wc -l <"$M/objects")" $((objects + 1)) 'a mapped file is a line of objects'
like "$(cat "$M/objects")" "$T/file" 'that names it'
ctl "$M/1" munmap "$addr" 8K >/dev/null
unlike "$(cat "$M/objects")" "$T/file" 'until it is unmapped'
ctl "$M/1" mmap 0 8K rw- shared,anon >/dev/null
is "$(wc -l <"$M/objects")" $((objects + 1)) 'shared anonymous memory is an object too'

stop_mount
done_testing
