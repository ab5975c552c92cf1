# A machine with a clock of its own: two runs of one script give the same bytes in every file.
. "${0%/*}/lib.sh"

head -c 65536 /dev/zero >"$T/file"
# It must look settled: pages of a file that has just changed are read again.
touch -d 2020-01-01 "$T/file"

# run FOLDER: a script that uses all that a machine has; then all files of the mount go to FOLDER
run() {
	start_mount -o clock=1000000000,ram=128K,swapsize=1M,policy=clock "$@"
	ctl "$M" exec /bin/cat a b >/dev/null
	ctl "$M" spawn other >/dev/null
	_a=$(ctl "$M/1" mmap 0 200K rw- private,anon,noreserve)
	_i=0
	while [ $_i -lt 45 ]; do
		poke 1 "$(plus "$_a" $((_i * 4096)))" "page $_i" >/dev/null
		_i=$((_i + 1))
	done
	_f=$(ctl "$M/2" mmap 0 64K rw- shared "$T/file")
	poke 2 "$_f" once >/dev/null
	ctl "$M/1" fork >/dev/null
	poke 3 "$_a" "child" >/dev/null
	ctl "$M/3" mlock "$_a" 8K >/dev/null
	ctl "$M/2" msync "$_f" 64K sync >/dev/null
	ctl "$M" reclaim 5 >/dev/null
	ctl "$M/2" access r 0x1000 >/dev/null 2>&1
	echo random >"$M/sys/vm/policy"
	ctl "$M/1" access r "$_a" 180K >/dev/null
	# More than five seconds: dirty pages are due.
	poke 2 "$(plus "$_f" 4096)" twice >/dev/null
	yes 'brk 0' | head -n 600 >"$M/1/ctl"
	ctl "$M/3" exit 7 >/dev/null
	mkdir "$1"
	tree "$1"
	stop_mount
	printf '\0\0\0\0\0\0\0\0' | dd of="$T/file" conv=notrunc 2>/dev/null
	printf '\0\0\0\0\0\0\0\0' | dd of="$T/file" bs=4096 seek=1 conv=notrunc 2>/dev/null
	touch -d 2020-01-01 "$T/file"
}
# tree FOLDER: the texts of all files, and the memory of all areas
tree() {
	find "$M" -type f ! -name mem ! -name physmem ! -name events ! -name pagemap \
		! -name clear_refs ! -name drop_caches | LC_ALL=C sort | while read -r _file; do
		printf '== %s\n' "$_file"
		cat "$_file"
	done >"$1/files" 2>&1
	# self and thread-self are who looks.
	find "$M" ! -name self ! -name thread-self -ls 2>/dev/null | sed 's/^ *[0-9]* *//' | LC_ALL=C sort >"$1/names"
	for _pid in 1 2; do
		grep -v ' ---' "$M/$_pid/maps" | while read -r _range _; do
			printf '== %s %s\n' "$_pid" "$_range"
			dd if="$M/$_pid/mem" bs=4096 skip=$((0x${_range%-*} / 4096)) \
				count=$(((0x${_range#*-} - 0x${_range%-*}) / 4096)) 2>/dev/null |
				od -A x -t x1
		done
		dd if="$M/$_pid/pagemap" bs=8 skip=$((0x7ffff7000000 / 4096)) count=4096 2>/dev/null |
			od -A x -t x8
	done >"$1/memory"
	dd if="$M/physmem" bs=4096 count=48 2>/dev/null | od -A x -t x1 >"$1/physmem"
}

run "$T/first"
run "$T/second"
for what in files names memory physmem; do
	ok "$what are the same" diff "$T/first/$what" "$T/second/$what"
done
ok 'and there are many' [ "$(wc -c <"$T/first/files")" -gt 50000 ]

# --- The time ---------------------------------------------------------------------------------

start_mount -o clock=1000000000
is "$(sed -n 's/^btime //p' "$M/stat")" 1000000000 'the time starts where it is told'
is "$(cut -d ' ' -f 1 "$M/uptime")" 0.00 'at 0'
is "$(stat -c %Y "$M/version")" 1000000000 'files are that old'
ctl "$M" spawn >/dev/null
is "$(cut -d ' ' -f 1 "$M/uptime")" 0.01 'a command takes 10 ms'
ls -l "$M" >/dev/null
cat "$M/1/maps" >/dev/null
is "$(cut -d ' ' -f 1 "$M/uptime")" 0.01 'nothing else does'
ctl "$M/1" no-command >/dev/null 2>&1
printf 'brk 0\n\n# comment\nbrk 0\n' >"$M/1/ctl"
is "$(cut -d ' ' -f 1 "$M/uptime")" 0.04 'lines without a command do not'
f=$(ctl "$M/1" mmap 0 64K rw- shared "$T/file")
poke 1 "$f" late >/dev/null
dirty() {
	sed -n 's/^nr_dirty //p' "$M/vmstat"
}
is "$(dirty)" 1 'a dirty page'
yes 'brk 0' | head -n 480 >"$M/1/ctl"
is "$(dirty)" 1 'stays until five seconds have passed'
yes 'brk 0' | head -n 20 >"$M/1/ctl"
is "$(dirty)" 0 'then it is written'
is "$(head -c 4 "$T/file")" late 'to its file'
stop_mount
for clock in x -1 1.5 4294967296; do
	like "$("$VASFS" -o clock=$clock "$M" 2>&1)" 'real, or seconds since 1970' "clock=$clock"
done
start_mount -o clock=real
ok 'the time of the host' [ "$(sed -n 's/^btime //p' "$M/stat")" -gt 1700000000 ]
stop_mount
done_testing
