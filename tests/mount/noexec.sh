# Files on a noexec mount, files of sysfs, and programs that run or are open for writing.
. "$(dirname "$0")/lib.sh"
start_mount
ctl "$M" spawn >/dev/null

# why WORDS DESCRIPTION DIR COMMAND...: COMMAND fails, and the text has WORDS
why() {
	_words=$1 _about=$2
	shift 2
	like "$("$VASCTL" "$@" 2>&1)" "^error: .*$_words" "$_about"
}

# --- Programs and writers ---------------------------------------------------------------------

cp /bin/true "$T/program"
is "$(ctl "$M/1" open "$T/program" rdwr)" 0 'a program is open for writing'
fails ETXTBSY 'so it cannot be run' "$M" exec "$T/program"
why 'open for writing' 'and the text says why' "$M" exec "$T/program"
ok 'when it is closed' ctl "$M/1" close 0
pid=$(ctl "$M" exec "$T/program")
isnt "$pid" '' 'it can'
fails ETXTBSY 'while it runs it cannot be opened for writing' "$M/1" open "$T/program" rdwr
why 'the program of a running process' 'and the text says why' "$M/1" open "$T/program" wronly
fails ETXTBSY 'nor mapped for writing' "$M/1" mmap 0 4K rw- shared "$T/program"
ok 'but read' ctl "$M/1" open "$T/program"
ok 'and copied on write' ctl "$M/1" mmap 0 4K rw- private "$T/program"
child=$(ctl "$M/$pid" fork)
ctl "$M/$pid" exit >/dev/null
fails ETXTBSY 'its child runs it, too' "$M/1" open "$T/program" rdwr
ctl "$M/$child" exec /bin/true >/dev/null
ok 'when nobody runs it any more it can be written' ctl "$M/1" open "$T/program" rdwr

# --- sysfs ------------------------------------------------------------------------------------

sysfs=/sys/kernel/notes
[ -r $sysfs ] || sysfs=/sys/kernel/mm/transparent_hugepage/enabled
if [ "$(stat -f -c %T $sysfs 2>/dev/null)" = sysfs ]; then
	ok 'a file of sysfs can be opened' ctl "$M/1" open $sysfs
	fails ENODEV 'but not mapped' "$M/1" mmap 0 4K r-- private $sysfs
	fails ENODEV 'nor shared' "$M/1" mmap 0 4K r-- shared $sysfs
	fails EPERM 'nor executed, which is checked first' "$M/1" mmap 0 4K r-x private $sysfs
	fails EACCES 'nor run' "$M/1" exec $sysfs
else
	skip 'needs /sys' 'a file of sysfs cannot be mapped'
fi
fails ENODEV 'nor a file of /proc' "$M/1" mmap 0 4K r-- private /proc/version
fails EACCES 'nor run' "$M/1" exec /proc/version

# --- noexec -----------------------------------------------------------------------------------

mkdir "$T/noexec"
if ! is_root || ! mount -t tmpfs -o noexec none "$T/noexec" 2>/dev/null; then
	skip 'needs the right to mount' 'files on a noexec mount'
	stop_mount
	done_testing
fi
# The first library that the program needs.
library=$(ldd /bin/ls | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | head -n 1)
cp "$library" "$T/noexec"
cp "$library" "$T/preload.so"
cp "$library" "$T/noexec/preload.so"
cp /bin/true "$T/noexec/program"
printf '#!/bin/sh\n' >"$T/noexec/script"
printf '#!%s/noexec/program\n' "$T" >"$T/script"
chmod 755 "$T/noexec/script" "$T/script"

fails EPERM 'a mapping with x' "$M/1" mmap 0 4K r-x private "$T/noexec/program"
why 'noexec' 'and the text says why' "$M/1" mmap 0 4K r-x private "$T/noexec/program"
a=$(ctl "$M/1" mmap 0 4K r-- private "$T/noexec/program")
is "$(peek 1 "$a" 4)" 7f454c46 'a mapping without x'
fails EACCES 'never becomes executable' "$M/1" mprotect "$a" 4K r-x
why 'noexec' 'and the text says why' "$M/1" mprotect "$a" 4K r-x
unlike "$(grep -A 30 "^$(printf '%08x' "$a")-" "$M/1/smaps" | grep -m 1 '^VmFlags:')" ' me' \
	'VmFlags has no me'
fails EACCES 'a program' "$M/1" exec "$T/noexec/program"
why 'noexec' 'and the text says why' "$M/1" exec "$T/noexec/program"
fails EACCES 'a script' "$M/1" exec "$T/noexec/script"
fails EACCES "a script's interpreter" "$M/1" exec "$T/script"

# ld.so can open the library there, but not map it.
ctl "$M/1" setenv LD_LIBRARY_PATH "$T/noexec" >/dev/null
ok 'a program whose library is there runs' ctl "$M/1" exec /bin/ls
unlike "$(cat "$M/1/maps")" "/${library##*/}\$" 'without it, as without one that is damaged'
like "$(LD_LIBRARY_PATH="$T/noexec" /bin/ls 2>&1)" 'failed to map segment' \
	'on the host it does not start'
ctl "$M/1" setenv LD_LIBRARY_PATH >/dev/null
ctl "$M/1" setenv LD_PRELOAD "$T/noexec/preload.so" >/dev/null
ok 'a library to preload' ctl "$M/1" exec /bin/true
unlike "$(cat "$M/1/maps")" 'preload\.so' 'is left out'
ctl "$M/1" setenv LD_PRELOAD "$T/preload.so" >/dev/null
ctl "$M/1" exec /bin/true >/dev/null
like "$(cat "$M/1/maps")" "$T/preload\\.so" 'on another mount it is not'

# Whether it is noexec is up to the mount, not to the file.
mkdir "$T/exec"
mount --bind "$T/noexec" "$T/exec" && mount -o remount,bind,exec "$T/exec"
ok 'the same program on a mount without noexec' ctl "$M/1" exec "$T/exec/program"

stop_mount
done_testing
