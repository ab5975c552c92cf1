# Sizes: every tool that prints or copies a file gets the whole of it, also those that ask for the
# size first, or that move bytes within the kernel (splice, sendfile).
# shellcheck disable=SC2016,SC2034 # commands that `through` and `says` run for each file
. "$(dirname "$0")/lib.sh"
options=ram=64M
! is_root || options=$options,allow_other
start_mount -o $options
ctl "$M" exec /bin/ls -l / >/dev/null
ctl "$M/1" setenv NAME value >/dev/null
ctl "$M" exec /bin/ls >/dev/null
ctl "$M" spawn >/dev/null
ctl "$M/3" mmap 0 4M rw- private,anon,populate >/dev/null
ctl "$M/1" fork >/dev/null

# What nobody changes meanwhile. The last ones are long: stat does not render them.
short='README version swaps sys/vm/policy 1/maps 1/status 1/stat 1/cmdline 1/environ 1/comm
	1/limits 1/tlb 1/pagetable 1/task/1/maps 3/faults'
long='1/smaps 3/pagetable 3/smaps_rollup frames objects'
# What changes: the number of lines and columns does not.
moving='meminfo vmstat uptime stat loadavg'

plain() {
	dd if="$M/$1" bs=64K status=none
}
# What a reader that only reads gets.
for name in $short $long; do
	mkdir -p "$T/whole/$(dirname "$name")"
	plain "$name" >"$T/whole/$name"
done
form() {
	wc -lw | tr -s ' '
}

# Debian's rust-coreutils have a folder of their own.
uu=/usr/lib/cargo/bin/coreutils
cat >"$T/copyfile.py" <<'END'
import shutil, sys
shutil.copyfile(sys.argv[1], sys.argv[2])
END

# have PROGRAM: whether it is installed
have() {
	command -v "$1" >/dev/null 2>&1
}

# through PROGRAM WHAT COMMAND: COMMAND, which prints the file $f or makes $T/copy of it, gives the
# whole of every file
through() {
	if ! have "$1"; then
		skip "no $1" "$2 gives the whole of every file"
		return
	fi
	_wrong=
	for name in $short $long; do
		f=$M/$name
		rm -f "$T/copy"
		eval "$3" >"$T/out" 2>"$T/stderr"
		[ ! -e "$T/copy" ] || mv "$T/copy" "$T/out"
		cmp -s "$T/out" "$T/whole/$name" && [ ! -s "$T/stderr" ] ||
			_wrong="$_wrong $name: $(wc -c <"$T/out") bytes"
	done
	for name in $moving; do
		f=$M/$name
		rm -f "$T/copy"
		eval "$3" >"$T/out" 2>/dev/null
		[ ! -e "$T/copy" ] || mv "$T/copy" "$T/out"
		_got=$(form <"$T/out")
		[ "$_got" = "$(plain "$name" | form)" ] || _wrong="$_wrong $name: $_got"
	done
	is "$_wrong" '' "$2 gives the whole of every file"
}

through cat cat 'cat "$f"'
through busybox 'cat of BusyBox' 'busybox cat "$f"'
through $uu/cat 'cat of uutils' '"$uu/cat" "$f"'
through pv 'pv' 'pv -q "$f"'
through tail 'tail' 'tail -c +1 "$f"'
through busybox 'tail of BusyBox' 'busybox tail -c +1 "$f"'
through $uu/tail 'tail of uutils' '"$uu/tail" -n +1 "$f"'
through cp 'cp' 'cp "$f" "$T/copy"'
through cp 'cp --sparse=always' 'cp --sparse=always "$f" "$T/copy"'
through busybox 'cp of BusyBox' 'busybox cp "$f" "$T/copy"'
through $uu/cp 'cp of uutils' '"$uu/cp" "$f" "$T/copy"'
through python3 'shutil.copyfile of Python' 'python3 "$T/copyfile.py" "$f" "$T/copy"'
through rsync 'rsync' 'rsync "$f" "$T/copy"'
through tar 'tar' 'tar -cf - -C "$M" "$name" | tar -xOf -'
through tar 'tar -S' 'tar -cSf - -C "$M" "$name" | tar -xOf -'

# says PROGRAM WHAT COMMAND WANTED: COMMAND on $f prints what WANTED prints of $whole
says() {
	if ! have "$1"; then
		skip "no $1" "$2"
		return
	fi
	_wrong=
	for name in $short $long; do
		f=$M/$name whole=$T/whole/$name
		eval "$3" >"$T/got" 2>&1
		eval "$4" >"$T/want"
		cmp -s "$T/got" "$T/want" || _wrong="$_wrong $name: $(cat "$T/got")"
	done
	is "$_wrong" '' "$2"
}

says wc 'wc -c counts every byte' 'wc -c <"$f"' 'wc -c <"$whole"'
says busybox 'that of BusyBox too' 'busybox wc -c <"$f"' 'wc -c <"$whole"'
says $uu/wc 'that of uutils too' '"$uu/wc" -c <"$f"' 'wc -c <"$whole"'
says tail 'tail -c finds the end' 'tail -c 20 "$f"' 'tail -c 20 "$whole"'
says busybox 'that of BusyBox too' 'busybox tail -c 20 "$f"' 'tail -c 20 "$whole"'
says $uu/tail 'that of uutils too' '"$uu/tail" -c 20 "$f"' 'tail -c 20 "$whole"'
says head 'head -c -20 stops before it' 'head -c -20 "$f"' 'head -c -20 "$whole"'
says stat 'the size of an open file is true' 'stat -L -c %s /dev/stdin <"$f"' 'wc -c <"$whole"'

# --- What stat says ---------------------------------------------------------------------------

wrong=
for name in $short; do
	size=$(plain "$name" | wc -c)
	[ "$(stat -c '%s %b' "$M/$name")" = "$size $(((size + 511) / 512))" ] ||
		wrong="$wrong $name: $(stat -c '%s %b' "$M/$name") for $size bytes"
done
is "$wrong" '' 'size and blocks are true'
for name in 1/smaps 3/pagetable objects events ctl 1/ctl; do
	is "$(stat -c '%s %o' "$M/$name")" '4096 4096' "$name is one block: not known"
done
is "$(stat -c %s "$M/1/clear_refs")" 0 'a file that can only be written is empty'
# One for each page of physical memory: frames, the reserved one, the zero page, tables, the vdso.
words=$(($(stat -c %s "$M/physmem") / 4096))
ok 'physical memory is more than the frames' test $words -gt $((64 << 8))
is "$(stat -c %s "$M/kpagecount" "$M/kpageflags" | sort -u)" $((words << 3)) \
	'the files of frames have their size'
is "$(stat -c %s "$M/1/pagemap")" $(((0x7ffffffff000 >> 12) * 8)) 'pagemap too'
is "$(wc -c <"$M/kpagecount")" $((words << 3)) 'which wc counts'
is "$(tail -c 8 "$M/kpagecount" | wc -c)" 8 'tail -c reads the last word'

file=$M/sys/vm/policy
is "$(stat -c %s "$file")" 6 'a value'
echo lru >"$file"
is "$(stat -c %s "$file")" 4 'has another size at once'
! have busybox || is "$(busybox cat "$file")" lru 'and BusyBox reads it'
if is_root; then
	is "$(as_other stat -c %s "$M/1/environ")" 4096 'others are not told how long environ is'
	is "$(as_other stat -c %s "$M/1/maps")" 4096 'nor maps, which they may not open'
	is "$(as_other stat -c %s "$M/1/status")" "$(as_other cat "$M/1/status" | wc -c)" \
		'status has the size of what they see'
	is "$(as_other stat -L -c %s /dev/stdin <"$M/1/maps")" 4096 \
		'nor through a descriptor of the owner'
fi

# --- Streams ----------------------------------------------------------------------------------

page=$(ctl "$M/1" mmap 0 4K rw- private,anon)
for program in busybox $uu/cat; do
	if ! have "$program"; then
		skip "no $program" 'it reads streams'
		continue
	fi
	cat=$program
	[ "$program" != busybox ] || cat='busybox cat'
	echo 'brk 0' >"$M/1/ctl"
	is "$($cat "$M/1/ctl")" "$(cat "$M/1/ctl")" "$cat reads the last result"
	is "$({ echo fork >&3; $cat <&3; } 3<>"$M/1/ctl" | grep -c '^[0-9]')" 1 \
		"$cat reads the results of an open file"
	$cat "$M/events" >"$T/events" 2>"$T/stderr" &
	reader=$!
	eventually 60 sh -c "echo 'madvise $page 4K dontneed' >'$M/1/ctl'
		echo 'access w $page' >'$M/1/ctl'
		test -s '$T/events'"
	like "$(cat "$T/events")" " 1 w $(va "$page") minor " "$cat reads events"
	kill $reader
	wait $reader 2>/dev/null
done
is "$(wc -c <"$M/1/ctl")" "$(plain 1/ctl | wc -c)" 'wc -c counts a result'

# --- Within the kernel ------------------------------------------------------------------------

is "$(echo '0 splice 4096' | "$TOOL" session "$M/1/maps")" EINVAL 'splice is refused, as in /proc'

a=$(ctl "$M/3" mmap 0 8K rw- private,anon)
"$TOOL" pwrite "$M/3/mem" "$a" OLD >/dev/null
is "$("$TOOL" session "$M/3/mem" <<END
0 seek $a
0 read 3
0 seek $a
0 splice 4096
run $VASCTL $M/3 munmap $a 8K >/dev/null
0 splice 4096
0 read 3
END
)" 'OLDEINVAL
EINVAL
EFAULT' 'splice of mem shows no old bytes after munmap'
a=$(ctl "$M/3" mmap 0 8K rw- private,anon)
"$TOOL" pwrite "$M/3/mem" "$a" NEW >/dev/null
is "$("$TOOL" map "$M/3/mem" "$a" 3)" "$(hex NEW)" 'a private mapping of mem works all the same'
if have busybox; then
	busybox dd if="$M/3/mem" of="$T/page" bs=4096 skip=$((a / 4096)) count=1 2>/dev/null
	is "$(head -c 3 "$T/page")" NEW 'dd of BusyBox reads mem'
fi

stop_mount
done_testing
