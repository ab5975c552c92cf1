# backing.sh - a host file that hangs when a test says so; source it before lib.sh. It is the memory
# of a process in a second mount, $backing/1/mem from 0x10000000 on, and hangs while that daemon is
# stopped.
# shellcheck shell=sh
# The hang leaves threads behind. That is not a leak, because they end with the process.
here=$(cd "$(dirname "$0")" && pwd)
TSAN_OPTIONS="${TSAN_OPTIONS:-}:report_thread_leaks=0:suppressions=$here/hang.supp"
export TSAN_OPTIONS
start_backing() {
	backing=$T/backing
	mkdir "$backing"
	"$TOOL" daemon "$T/backing-daemon" "$VASFS" "$backing" || exit 1
	"$VASCTL" "$backing" spawn >/dev/null
	"$VASCTL" "$backing/1" mmap 0x10000000 1M rw- private,anon,fixed >/dev/null
	"$TOOL" pwrite "$backing/1/mem" 0x10000000 'page one' >/dev/null
	"$TOOL" pwrite "$backing/1/mem" 0x10001000 'page two' >/dev/null
}
stop_backing() {
	wake_backing
	fusermount3 -u -z "$backing"
	"$TOOL" reap "$T/backing-daemon"
}
# Stop the daemon of the file, and wait until none of its threads runs. If one of them had already
# taken a request, the kernel could not give the request up, whatever our daemon does.
hang_backing() {
	kill -STOP "$(cat "$T/backing-daemon.pid")"
	eventually 60 backing_stopped
}
wake_backing() {
	kill -CONT "$(cat "$T/backing-daemon.pid")"
}
backing_stopped() {
	! cut -d ' ' -f 3 "/proc/$(cat "$T/backing-daemon.pid")/task"/*/stat | grep -qv T
}
# quickly COMMAND...: COMMAND succeeds within a time that only a hang exceeds
quickly() {
	timeout 20 "$@"
}
# in_call PID NUMBER: the process is blocked in that system call
in_call() {
	case $(cat "/proc/$1/syscall" 2>/dev/null) in
	"$2 "*) ;;
	*) return 1 ;;
	esac
}
