# Programs that are not like most: other loaders, odd interpreters, filters, preloads, setuid, files
# without a name. They are compared with the host, or with what the text says.
if [ "$(id -u)" -eq 0 ] && [ -z "${OWN_MOUNTS:-}" ] && unshare --mount true 2>/dev/null; then
	export OWN_MOUNTS=yes
	exec unshare --mount "$(readlink "/proc/$$/exe")" "$0"
fi
. "$(dirname "$0")/lib.sh"
start_mount
ctl "$M" spawn >/dev/null
chmod 755 "$T"

# same DESCRIPTION ARGUMENT...: compare_programs finds no difference
same() {
	_about=$1
	shift
	_said=$("$COMPARE_PROGRAMS" -v "$@" 2>&1)
	case $_said in
	'same: '*) _pass "$_about" ;;
	*'first instruction: 1 same'*'entry point: 1 same'*) _pass "$_about" ;;
	*'first instruction: 1 same'*) _judge_libraries ;;
	*) _fail "$_about" "$_said" ;;
	esac
}
_judge_libraries() {
	case $_said in
	*'are not known'*) skip 'the ld.so of this host is another one' "$_about" ;;
	*) _fail "$_about" "$_said" ;;
	esac
}
# why WORDS DESCRIPTION DIR COMMAND...: COMMAND fails, and the text has WORDS
why() {
	_words=$1 _about=$2
	shift 2
	like "$("$VASCTL" "$@" 2>&1)" "^error: .*$_words" "$_about"
}
# library NAME [GCC-ARGUMENT...]
library() {
	_name=$1
	shift
	echo "int $_name(void) { return 1; }" >"$T/$_name.c"
	gcc -shared -fPIC -o "$T/lib$_name.so" "$T/$_name.c" -L"$T" -Wl,--no-as-needed "$@" \
		"-Wl,-rpath,$T"
}
echo 'int main(void) { return 0; }' >"$T/main.c"

# --- Errors and texts -------------------------------------------------------------------------

printf '#!/bin/sh\n# %64s\n' '' >"$T/script"
printf '#!/bin/sh\n' >"$T/short"
{
	head -c 18 /bin/true
	printf '\267'
	tail -c +20 /bin/true
} >"$T/other-machine"
chmod 755 "$T/script" "$T/short" "$T/other-machine"
for kind in script short other-machine missing; do
	gcc -o "$T/by-$kind" "$T/main.c" "-Wl,--dynamic-linker=$T/$kind"
done
"$COMPARE_PROGRAMS" -x "$T"/by-* "$T/other-machine" >"$T/errors"
unlike "$(cat "$T/errors")" '^differs' 'the errno for odd interpreters is that of the host'
fails ELIBBAD 'an interpreter that is a script' "$M/1" exec "$T/by-script"
fails EIO 'one that is shorter than a header' "$M/1" exec "$T/by-short"
why "$T/script, the interpreter of $T/by-script: " 'the text names it' "$M/1" exec "$T/by-script"
why "$T/missing, the interpreter of $T/by-missing: no such file" 'also if it is missing' \
	"$M/1" exec "$T/by-missing"
printf '#!/bin/sh\r\necho\r\n' >"$T/windows"
chmod 755 "$T/windows"
why "/bin/sh.015, the interpreter of $T/windows: no such file" \
	'a script with carriage returns' "$M/1" exec "$T/windows"
fails ENOENT 'is ENOENT' "$M/1" exec "$T/windows"
cd "$M" || exit 1
fails ELOOP 'a relative path inside the mount' "$M/1" exec ls
why 'needs its full path' 'says that a full path is needed' "$M/1" exec ls
why 'needs its full path' 'also for a file' "$M/1" mmap 0 4K r-- private file
cd "$T" || exit 1
pid=$(ctl "$M" spawn)
ctl "$M" exec /no/such/program >/dev/null 2>&1
ctl "$M" exec "$T/by-script" >/dev/null 2>&1
is "$(ctl "$M" spawn)" $((pid + 1)) 'a failed exec at the machine uses up no pid'
pid=$(ctl "$M" exec /bin/true)
is "$(cat "$M/$pid/comm")" true 'one that succeeds has its name'
is "$(sed -n 's/^PPid:\t//p' "$M/$pid/status")" 0 'and no parent'
ctl "$M/1" exec /bin/true >/dev/null
is "$(grep -v stack "$M/$pid/maps")" "$(grep -v stack "$M/1/maps")" 'and the same areas'

# An entry point above all addresses: e_entry is at offset 24.
cp /bin/true "$T/high"
printf '\000\000\000\000\000\000\000\220' |
	dd of="$T/high" bs=1 seek=24 conv=notrunc 2>/dev/null
answers 0x9000555555554000 'an entry point of 2^63 and above is an address' "$M/1" exec "$T/high"
like "$(cat "$M/1/maps")" "$T/high" 'and the program is in place'

# --- The stack --------------------------------------------------------------------------------

ctl "$M/1" setrlimit stack 64K >/dev/null
ctl "$M/1" exec /bin/true >/dev/null
top=$(sed -n 's/^[0-9a-f]*-\([0-9a-f]*\) .*\[stack\]$/0x\1/p' "$M/1/maps")
is "$(poke 1 $((top - 50000)) x)" 1 'the stack grows up to its limit'
isnt "$(poke 1 $((top - 100000)) x)" 1 'and not below'
like "$(ctl "$M/1" access w $((top - 100000)) 2>&1)" 'sigsegv|EFAULT|SIGSEGV' 'that is SIGSEGV'
ctl "$M/1" setrlimit stack 8M >/dev/null

# --- ld.so ------------------------------------------------------------------------------------

# shellcheck disable=SC2016 # assembler
printf '%s\n' 'void _start(void);' \
	'void _start(void) { __asm__("mov $60, %eax\nxor %edi, %edi\nsyscall"); }' >"$T/alone.c"
gcc -nostdlib -fPIE -pie -Wl,-z,relro -o "$T/alone" "$T/alone.c"
same 'a PIE without libraries' "$T/alone"
library far
library near -lfar
library auxiliary
library more
library filter -lnear -Wl,-f,libauxiliary.so -Wl,-F,libmore.so -Wl,-f,libnone.so
gcc -o "$T/filtered" "$T/main.c" -L"$T" -Wl,--no-as-needed -lfilter -lfar "-Wl,-rpath,$T"
same 'a filter and an auxiliary library' "$T/filtered"
ctl "$M/1" exec "$T/filtered" >/dev/null
like "$(cat "$M/1/maps")" 'libauxiliary\.so' 'the auxiliary library is mapped'
# One that is in the list already, behind it, and one before it.
library late -Wl,-f,libfar.so -Wl,-f,libnear.so
gcc -o "$T/filtering" "$T/main.c" -L"$T" -Wl,--no-as-needed -lnear -llate -lfilter \
	"-Wl,-rpath,$T"
same 'auxiliary libraries that are loaded already' "$T/filtering"
mkdir "$T/in" "$T/infoo" "$T/in_x"
cp "$T/libfar.so" "$T/in"
cp "$T/libfar.so" "$T/infoo"
cp "$T/libfar.so" "$T/in_x"
# shellcheck disable=SC2016 # tokens of ld.so
gcc -o "$T/in/program" "$T/main.c" -L"$T" -Wl,--no-as-needed -lfar \
	'-Wl,-rpath,$ORIGINfoo:$ORIGIN_x:$LIBS:$PLATFORM1:${ORIGIN}/.'
same 'tokens end where a name ends' "$T/in/program"
ctl "$M/1" exec "$T/in/program" >/dev/null
like "$(cat "$M/1/maps")" "$T/in/libfar" 'so the library is found in the last folder'
if [ -n "${OWN_MOUNTS:-}" ]; then
	cp -a /etc "$T/etc"
	printf '%s/libfar.so:%s/libnear.so # not %s/libmore.so\n\t\n%s/libauxiliary.so' \
		"$T" "$T" "$T" "$T" >"$T/etc/ld.so.preload"
	mount --bind "$T/etc" /etc
	# AddressSanitizer wants to be the first library of all: then the other builds test this.
	if ! grep -aq __asan_init "$COMPARE_PROGRAMS"; then
		same '/etc/ld.so.preload' /bin/true
		same 'after LD_PRELOAD' -e "LD_PRELOAD=$T/libmore.so" /bin/true
		ctl "$M/1" exec /bin/true >/dev/null
		like "$(cat "$M/1/maps")" 'libauxiliary\.so' 'its last library is mapped'
		unlike "$(cat "$M/1/maps")" 'libmore\.so' 'and none in a comment'
	fi
	umount /etc
else
	skip 'needs mounts of its own' '/etc/ld.so.preload'
fi

# --- Other loaders ----------------------------------------------------------------------------

# kernel_only NAME PROGRAM: exec maps what exec -k maps
kernel_only() {
	ctl "$M/1" exec -k "$2" >/dev/null
	grep -v stack "$M/1/maps" >"$T/expected"
	ctl "$M/1" exec "$2" >/dev/null
	is "$(grep -v stack "$M/1/maps")" "$(cat "$T/expected")" "$1: only what the kernel maps"
}
if musl-gcc -o "$T/musl" "$T/main.c" 2>/dev/null; then
	kernel_only 'a program of musl' "$T/musl"
else
	skip 'no musl-gcc' 'a program of musl'
fi
if [ -x /usr/lib/klibc/bin/cat ]; then
	kernel_only 'a program of klibc' /usr/lib/klibc/bin/cat
else
	skip 'no klibc' 'a program of klibc'
fi
cp "$(readlink -f /lib64/ld-linux-x86-64.so.2)" "$T/loader"
gcc -o "$T/own-loader" "$T/main.c" "-Wl,--dynamic-linker=$T/loader"
ctl "$M/1" exec "$T/own-loader" >/dev/null
like "$(cat "$M/1/maps")" 'libc\.so' "glibc's under another name is known"

# --- Setuid -----------------------------------------------------------------------------------

if is_root; then
	for mode in 4755 2755 6755 2745 755; do
		cp /bin/true "$T/mode-$mode"
		chmod "$mode" "$T/mode-$mode"
	done
	cp /bin/true "$T/given"
	chown 1234:1235 "$T/given"
	chmod 6755 "$T/given"
	"$COMPARE_PROGRAMS" -u 65534 "$T"/mode-* "$T/given" >"$T/ids"
	unlike "$(cat "$T/ids")" '^differs' 'ids and AT_SECURE of setuid and setgid programs'
	is "$(grep -c '^same' "$T/ids")" 6 'all of them'
	if setcap cap_net_raw+ep "$T/mode-755" 2>/dev/null; then
		same 'a program with capabilities' -u 65534 "$T/mode-755"
	else
		skip 'no setcap' 'a program with capabilities'
	fi
	mkdir "$T/nosuid"
	if mount -t tmpfs -o nosuid none "$T/nosuid" 2>/dev/null; then
		cp -p "$T/given" "$T/nosuid"
		same 'on a nosuid mount' -u 65534 "$T/nosuid/given"
		umount "$T/nosuid"
	fi
else
	skip 'needs root' 'setuid programs'
fi

# --- Files without a name ---------------------------------------------------------------------

cp /bin/sleep "$T/sleeper"
"$T/sleeper" 1000 3<"$T/libfar.so" &
sleeper=$!
sleeps() {
	[ "$(readlink "/proc/$sleeper/exe")" = "$T/sleeper" ]
}
ok 'a program whose file goes' eventually 60 sleeps
rm "$T/sleeper"
cp "$T/libfar.so" "$T/copy.so"
rm "$T/libfar.so"
ok 'the program of a process is run, though it is deleted' \
	ctl "$M/1" exec "/proc/$sleeper/exe"
like "$(cat "$M/1/maps")" "$T/sleeper \\(deleted\\)" 'maps says so'
ok 'a deleted file is mapped' ctl "$M/1" mmap 0 4K r-- private "/proc/$sleeper/fd/3"
like "$(cat "$M/1/maps")" "libfar.so \\(deleted\\)" 'maps says so'
kill "$sleeper"
wait "$sleeper" 2>/dev/null
fails ENOENT 'when the process is gone it is not there' "$M/1" exec "/proc/$sleeper/exe"

stop_mount
done_testing
