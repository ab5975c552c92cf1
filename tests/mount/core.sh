# Core files in both directions: PID/core, load, attach. The readers are gdb, elfutils and file; the
# writers are gcore and, where it writes to the working directory, the kernel.
# shellcheck disable=SC2012,SC2016 # names are numbers; gdb expands what looks like variables
. "$(dirname "$0")/lib.sh"
: "${CORE_TARGET:?}" "${CORE_TARGET_STATIC:?}"
for tool in gdb gcore eu-readelf eu-stack file; do
	if ! command -v $tool >/dev/null; then
		skip "there is no $tool" 'core files'
		done_testing
	fi
done
options=ram=64M
! is_root || options=$options,allow_other
start_mount -o $options

# in_gdb FILE CORE COMMAND...: what gdb prints
in_gdb() {
	_file=$1 _core=$2
	shift 2
	for _command; do
		set -- "$@" -ex "$_command"
		shift
	done
	timeout 60 gdb -nx -batch -ex 'set width 0' -ex 'set debuginfod enabled off' "$@" \
		"$_file" "$_core" 2>&1
}
# field PID NAME: a value in its status
field() {
	sed -n "s/^$2:[[:blank:]]*//p" "$M/$1/status"
}
# waits PID: both of its threads are in pause(2)
waits() {
	[ "$(cat "/proc/$1"/task/*/syscall | grep -c '^34 ')" -eq 2 ]
}
# begin NAME COMMAND...: run it on the host until it is ready; $target is its pid
begin() {
	_name=$1
	shift
	"$@" >"$T/$_name.out" &
	target=$!
	echo $target >"$T/$_name.pid"
	if ! eventually 30 grep -q ready "$T/$_name.out" || ! eventually 30 waits $target; then
		_fail "$1 gets ready"
	fi
}
# finish NAME
finish() {
	kill -9 "$(cat "$T/$1.pid")"
	wait "$(cat "$T/$1.pid")" 2>/dev/null
	: >"$T/$1.end"
}
# areas FILE: the lines of maps that a process has of its own, but for the kernel's clock
areas() {
	grep -v -e '\[vsyscall\]' -e '\[vvar' "$1"
}
# same_in_gdb CORE: what gdb says of a core of core_target, but for what only some cores have: the
# registers of AVX-512, and the arguments
same_in_gdb() {
	in_gdb "$CORE_TARGET" "$1" bt 'info registers' 'p marker' 'p heap_text' \
		'x/s 0x10100000' 'info sharedlibrary' | grep -v -e '^k[0-7] ' -e '^Core was' -e '^$' \
		-e 'reg-xstate'
}
# offset_of ADDRESS CORE: where the area that starts there is in the file
offset_of() {
	eu-readelf -l "$2" | awk -v va="$(printf '0x%016x' "$1")" '$3 == va { print $2 }'
}
# bytes_differ PID MAPS MEM: the areas of MAPS, of at most 1 MiB, in which mem has other bytes
bytes_differ() {
	areas "$2" | while read -r _range _perm _rest; do
		case $_perm in r*) ;; *) continue ;; esac
		_start=$((0x${_range%-*} / 4096)) _end=$((0x${_range#*-} / 4096))
		_count=$((_end - _start))
		[ $_count -le 256 ] || _start=$((_end - 256)) _count=256
		for _mem in "$3" "$M/$1/mem"; do
			dd if="$_mem" bs=4096 skip=$_start count=$_count status=none 2>&1 | cksum
		done | uniq | sed '1d' | grep -q . && echo "$_range $_perm $_rest"
	done
}

# --- The file ---------------------------------------------------------------------------------

ctl "$M" exec /bin/ls -l '/a folder' >/dev/null
ctl "$M/1" mmap 0x10000000 64G rw- private,anon,fixed,noreserve >/dev/null
ctl "$M/1" poke 0x100fffe000 'far away' >/dev/null
before="$(field 1 VmRSS) $(field 1 SimFaultsMinor) $(field 1 SimFaultsMajor)"
is "$(stat -c %a "$M/1/core")" 400 'core is for its owner alone'
size=$(stat -c %s "$M/1/core")
cp --sparse=always "$M/1/core" "$T/core"
is "$(stat -c %s "$T/core")" "$size" 'a copy has the size that stat tells'
ok 'holes cost nothing' test "$(stat -c %b "$T/core")" -lt 4000
tar -S -cf "$T/core.tar" -C "$M/1" core
ok 'tar -S leaves holes out' test "$(stat -c %s "$T/core.tar")" -lt 2000000
echo 0 >"$M/1/coredump_filter"
ok 'coredump_filter leaves out what it does not name' \
	test "$(stat -c %s "$M/1/core")" -lt $((size / 2))
echo 0x33 >"$M/1/coredump_filter"
is "$(stat -c %s "$M/1/core")" "$size" 'and gives it back'
like "$(file "$T/core")" 'ELF 64-bit LSB core file.* from .*/bin/ls -l' 'file knows it'
like "$(file "$M/1/core")" 'core file' 'file knows it in place'
far=$(($(offset_of 0x10000000 "$T/core") + 0x100fffe000 - 0x10000000))
is "$(dd if="$M/1/core" bs=4096 count=1 skip=$((far / 4096)) status=none | head -c 8)" 'far away' \
	'dd skips to any offset'
is "$(od -An -c -j $far -N 8 "$M/1/core" | tr -d ' ')" 'faraway' \
	'the offsets of its headers are true'
notes=$(eu-readelf -n "$M/1/core")
for note in PRSTATUS PRPSINFO SIGINFO AUXV FILE FPREGSET; do
	like "$notes" " $note( |\$)" "eu-readelf reads $note"
done
seen=$(in_gdb /bin/ls "$M/1/core" 'info proc mappings' 'info auxv' 'x/s *(char **)($sp + 24)' \
	'x/s 0x100fffe000')
is "$(printf '%s\n' "$seen" | awk '/^ +0x/ { print $1, $2, $5 }' |
	sed 's/0x//g')" \
	"$(awk '$6 ~ /^\// { sub("-", " ", $1); print $1, $6 }' "$M/1/maps")" \
	'gdb: info proc mappings'
like "$seen" 'AT_EXECFN .*"/bin/ls"' 'gdb: info auxv'
like "$seen" '"/a folder"' 'gdb: x/s'
like "$seen" '"far away"' 'gdb: memory behind a hole'
is "$(field 1 VmRSS) $(field 1 SimFaultsMinor) $(field 1 SimFaultsMajor)" "$before" \
	'reading it touches nothing'
if is_root; then
	refused 'others may not read it' as_other cat "$M/1/core"
fi

# A copy that was begun does not end in zeros.
gone=$(ctl "$M" spawn gone)
exec 3<"$M/$gone/core"
ok 'the headers of one that is to end' dd bs=64 count=1 of="$T/begun" status=none <&3
ctl "$M" kill "$gone" >/dev/null
dd bs=4096 of="$T/begun" status=none <&3 2>"$T/stderr"
is $? 1 'its memory cannot be read any more'
like "$(cat "$T/stderr")" 'No such process' 'and the reader is told'
exec 3<&-

# --- A process of the host --------------------------------------------------------------------

begin live "$CORE_TARGET" holes
pid=$(ctl "$M" attach $target)
is "$(areas "$M/$pid/maps")" "$(areas "/proc/$target/maps")" 'attach: maps'
is "$(bytes_differ "$pid" "/proc/$target/maps" "/proc/$target/mem")" '' 'attach: every byte'
is "$(cat "$M/$pid/comm")" "$(cat "/proc/$target/comm")" 'attach: comm'
is "$(cksum <"$M/$pid/auxv")" "$(cksum <"/proc/$target/auxv")" 'attach: auxv'
is "$(readlink "$M/$pid/exe")" "$(readlink "/proc/$target/exe")" 'attach: exe'
is "$(ls "$M/$pid/task" | wc -l) $(field "$pid" Threads)" '2 2' 'attach: threads'
is "$(awk '$1 == "rip" { print $2 }' "$M/$pid/regs")" \
	"$(awk '{ print $NF }' "/proc/$target/syscall")" 'attach: pc'
like "$(in_gdb "$CORE_TARGET" "$M/$pid/core" 'p marker' 'x/s 0x100fffffe000')" \
	'"far behind the holes"' 'attach: its core has the same values'
fails EBUSY 'attach to the daemon itself' "$M" attach "$(daemon_pid)"
fails ESRCH 'attach to nobody' "$M" attach 99999999
# Its parent does not wait for it: that is no shell any more when it ends.
# shellcheck disable=SC2016 # the inner shells expand it
sh -c 'sh -c "until grep -q sleep /proc/\$PPID/comm; do sleep 0.05; done" &
	echo $! >"$0/zombie"
	exec sleep 60' "$T" &
parent=$!
is_zombie() {
	grep -q '^State:.Z' "/proc/$(cat "$T/zombie")/status"
}
ok 'a zombie' eventually 30 is_zombie
fails ENOEXEC 'attach to one that has ended' "$M" attach "$(cat "$T/zombie")"
like "$(cat "$T/stderr")" 'has no memory' 'and the text says why'
kill $parent
if is_root; then
	like "$(as_other "$VASCTL" "$M" attach $target 2>&1)" 'error: attach: (EACCES|EPERM)' \
		'others may not attach'
	# Not by as_other: in the background a function has a shell of its own.
	setpriv --reuid="$OTHER" --regid="$OTHER" --clear-groups sleep 60 >/dev/null 2>&1 &
	theirs=$!
	echo $theirs >"$T/other.pid"
	eventually 30 grep -q sleep "/proc/$theirs/comm"
	pid=$(as_other "$VASCTL" "$M" attach "$theirs")
	is "$(areas "$M/$pid/maps")" "$(areas "/proc/$theirs/maps")" 'but to what is their own'
	is "$(stat -c %u "$M/$pid")" "$OTHER" 'and it is theirs'
	finish other
fi

finish live

# --- gcore ------------------------------------------------------------------------------------

# It writes out what is a hole, so this one has none.
begin live "$CORE_TARGET" wait
gcore -o "$T/gcore" $target >/dev/null 2>&1
cp "/proc/$target/maps" "$T/maps"
areas "$T/maps" | grep -v -e '---p' -e ' rw-s ' >"$T/areas"
pid=$(ctl "$M" load "$T/gcore.$target" named)
is "$(grep -xF -f "$T/areas" "$M/$pid/maps")" "$(cat "$T/areas")" 'gcore: maps'
is "$(cat "$M/$pid/comm")" named 'the name can be given'
is "$(field "$pid" VmRSS)" '0 kB' 'nothing is read before it is touched'
# The kernel stores to the stacks and to thread-local memory of threads that run again.
grep -e '^10' -e heap -e /core_target "$T/areas" >"$T/still"
is "$(bytes_differ "$pid" "$T/still" "/proc/$target/mem")" '' 'gcore: its bytes'
is "$(eu-stack --core="$M/$pid/core" -e "$CORE_TARGET" 2>/dev/null | grep -c '^TID')" 2 \
	'gcore: eu-stack sees two threads'
seen=$(same_in_gdb "$M/$pid/core")
is "$seen" "$(same_in_gdb "$T/gcore.$target")" 'gcore: gdb sees in our core what it sees in that'
like "$seen" '#[1-9].* main \(' 'gcore: and that is main'
ctl "$M/$pid" poke 0x10000000 changed >/dev/null
is "$(od -An -c -j "$(offset_of 0x10000000 "$M/$pid/core")" -N 8 "$M/$pid/core" | tr -d ' ')" \
	changedA 'it can be changed'

# Cut by a limit: what is left is right, the rest is SIGBUS, and never zeros.
head -c $(($(offset_of 0x10000000 "$T/gcore.$target") + 5000)) "$T/gcore.$target" >"$T/cut"
pid=$(ctl "$M" load "$T/cut")
is "$(peek "$pid" 0x10000000 2)" 4141 'cut: what is there can be read'
is "$(peek "$pid" 0x10001000 4)" EIO 'cut: what is not there cannot be read'
like "$(ctl "$M/$pid" peek 0x10001000 2>&1)" 'does not have this page' 'cut: and the text says why'
finish live

# A program that is gone.
cp "$CORE_TARGET" "$T/gone"
begin gone "$T/gone" wait
gcore -o "$T/gcore" $target >/dev/null 2>&1
finish gone
rm "$T/gone"
pid=$(ctl "$M" load "$T/gcore.$target")
text=$(awk -v name="$T/gone" '$3 == "00001000" && $6 == name { print $1 }' "$M/$pid/maps")
is "$(peek "$pid" "0x${text%-*}" 4)" EIO 'deleted: its text is nowhere'
is "$(peek "$pid" 0x10001000 2)" 4242 'deleted: its memory is there'

begin static "$CORE_TARGET_STATIC" wait
gcore -o "$T/gcore" $target >/dev/null 2>&1
pid=$(ctl "$M" load "$T/gcore.$target")
like "$(in_gdb "$CORE_TARGET_STATIC" "$M/$pid/core" 'p marker')" '"a marker in' 'static'
finish static

# A large program that nobody made for this.
begin python /usr/bin/python3 -u -c 'import ctypes, signal, threading
threading.Thread(target=ctypes.CDLL(None).pause, daemon=True).start()
print("ready")
signal.pause()'
gcore -o "$T/gcore" $target >/dev/null 2>&1
# gcore leaves out files that are only read and are no ELF files.
areas "/proc/$target/maps" | grep -v -e '---p' -e ' rw-s ' -e /locale/ -e /gconv/ >"$T/areas"
pid=$(ctl "$M" load "$T/gcore.$target")
is "$(grep -vxF -f "$M/$pid/maps" "$T/areas")" '' 'python3: maps'
grep -e heap -e ' r..p .*/python3' "$T/areas" >"$T/still"
is "$(bytes_differ "$pid" "$T/still" "/proc/$target/mem")" '' 'python3: its bytes'
python=$(readlink "/proc/$target/exe")
is "$(in_gdb "$python" "$M/$pid/core" 'info sharedlibrary' 'info registers rip' | grep -e '^0x' -e rip)" \
	"$(in_gdb "$python" "$T/gcore.$target" 'info sharedlibrary' 'info registers rip' |
		grep -e '^0x' -e rip)" 'python3: gdb sees in our core what it sees in that'
finish python

# --- The kernel -------------------------------------------------------------------------------

mkdir "$T/crash"
(
	cd "$T/crash" || exit
	# shellcheck disable=SC3045 # dash and bash have it
	ulimit -c unlimited
	"$CORE_TARGET" crash
) 2>/dev/null
set -- "$T/crash"/core*
if [ -e "$1" ]; then
	pid=$(ctl "$M" load "$1")
	is "$(cat "$M/$pid/comm")" core_target 'kernel: comm'
	is "$(ls "$M/$pid/task" | wc -l)" 2 'kernel: threads'
	is "$(field "$pid" SimSignal)" '11 SEGV_MAPERR 0x8' 'kernel: the signal'
	like "$(cat "$M/$pid/maps")" 'r-xp [0-9a-f]+ [^ ]+ [1-9][0-9]* +.*/core_target$' \
		'kernel: the program is mapped, since it is the same'
	unlike "$(cat "$M/$pid/maps")" vsyscall 'kernel: the half of the kernel is left out'
	is "$(same_in_gdb "$M/$pid/core")" "$(same_in_gdb "$1")" \
		'kernel: gdb sees in our core what it sees in that'
	is "$(ctl "$M/$pid" peek 0x1000ffffe000 16)" \
		'1000ffffe000: 6661 7220 6265 6869 6e64 2074 6865 2068  far behind the h' \
		'kernel: memory behind 4 GiB of holes'
else
	skip 'the kernel writes cores elsewhere' 'a core of the kernel'
fi

# --- What is no core --------------------------------------------------------------------------

fails ENOEXEC 'a program' "$M" load /bin/ls
fails ENOEXEC 'a script' "$M" load "$0"
{
	printf '\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\4\0\3\0'
	head -c 100 /dev/zero
} >"$T/i386"
fails ENOEXEC 'a core of i386' "$M" load "$T/i386"
like "$(ctl "$M" load "$T/i386" 2>&1)" 'i386 with 32 bits' 'and the text says so'
{
	printf '\177ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\4\0\26'
	head -c 100 /dev/zero
} >"$T/s390"
fails ENOEXEC 'a core of s390, whose big end comes first' "$M" load "$T/s390"
like "$(ctl "$M" load "$T/s390" 2>&1)" 's390 with 64 bits' 'and the text says so'
printf '\177ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\4\0\76' >"$T/big"
head -c 100 /dev/zero >>"$T/big"
fails ENOEXEC 'one of x86-64 with the big end first' "$M" load "$T/big"
like "$(ctl "$M" load "$T/big" 2>&1)" 'ELF header is damaged' 'and the text says so'
fails ENOENT 'no file' "$M" load "$T/nothing"
fails ELOOP 'a core of this mount, which would wait for itself' "$M" load "$M/1/core"

# --- A program that ran -----------------------------------------------------------------------

pid=$(ctl "$M" spawn)
ctl "$M/$pid" exec -k "$CORE_TARGET" wait >/dev/null
if ctl "$M/$pid" until main >/dev/null 2>&1; then
	like "$(timeout 60 cat "$M/$pid/wait")" '^until 0x' 'it runs up to main'
	ran=$(in_gdb "$CORE_TARGET" "$M/$pid/core" bt 'info sharedlibrary')
	like "$ran" '^#0 .* main \(' 'ran: gdb: bt'
	like "$ran" 'Yes.*/libc\.so\.6' 'ran: gdb: info sharedlibrary'
	like "$(eu-stack --core="$M/$pid/core" -e "$CORE_TARGET" 2>&1)" ' main' 'ran: eu-stack'
else
	skip 'there is no virtual CPU' 'a program that ran'
fi
stop_mount
done_testing
