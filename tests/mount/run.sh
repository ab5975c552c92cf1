# Programs that run on the simulated page tables: commands, files, vasctl run.
. "${0%/*}/lib.sh"
: "${ACTS:?}"

# state PID: its letter in status
state() {
	sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "$M/$1/status"
}
in_state() {
	[ "$(state "$1")" = "$2" ]
}
# new ARG...: a process that is to run acts; its pid
new() {
	_pid=$(ctl "$M" spawn acts)
	ctl "$M/$_pid" exec -k "$ACTS" "$@" >/dev/null
	echo "$_pid"
}
# start ARG...: a process that runs acts, by the machine's own command; its pid
start() {
	ctl "$M" "run $ACTS $*"
}
# run ARG...: vasctl run of acts
run() {
	"$VASCTL" "$M" run "$ACTS" "$@"
}
now() {
	date +%s%3N
}
# quick DESCRIPTION COMMAND...: it succeeds within two seconds, while something runs
quick() {
	_name=$1
	shift
	ok "$_name" timeout 20 "$@"
}
has_line() {
	grep -q "$2" "$1"
}
gone() {
	[ ! -e "$M/$1" ]
}
ends() {
	! kill -0 "$1" 2>/dev/null
}

# --- Without a processor ----------------------------------------------------------------------

start_mount -o cpu=none
a=$(new exit 0)
fails ENODEV 'without a processor nothing runs' "$M/$a" run
like "$(cat "$T/stderr")" 'cpu=none' 'and the text says why'
like "$(start exit 0 2>&1)" '^error: run: ENODEV' 'nor by the machine'
is "$(ls -d "$M"/[0-9]* | wc -l)" 1 'which leaves no process behind'
is "$(cat "$M/$a/wait")" stopped 'a process that runs no program is stopped'
like "$(cat "$M/$a/regs")" "^rip $(ctl "$M/$a" where pc >/dev/null && ctl "$M/$a" setreg rax 1 >/dev/null &&
	sed -n 's/^SimPc:[[:space:]]*//p' "$M/$a/status")$" 'its registers are those of exec'
run exit 0 >/dev/null 2>&1
is $? 125 'vasctl run exits 125'
stop_mount
refused 'cpu takes kvm or none' "$VASFS" -o cpu=fast "$M"

if [ ! -w /dev/kvm ]; then
	skip 'no /dev/kvm' 'programs that run'
	done_testing
fi
start_mount

# --- vasctl run -------------------------------------------------------------------------------

run exit 0
is $? 0 'vasctl run exits as the program does: 0'
run exit 7
is $? 7 'and 7'
is "$(run args 'a b' '' "it's" 'q"\$x#' 'é;*')" "$(printf '%s\n' 'a b' '' "it's" 'q"\$x#' 'é;*')" \
	'arguments arrive as they are'
is "$(printf 'one\ntwo' | run copy)" "$(printf 'one\ntwo')" 'standard input arrives, and its end'
is "$(run copy </dev/null)" '' 'also if it is empty'
head -c 300000 /dev/urandom >"$T/random"
run copy <"$T/random" >"$T/copied"
ok 'much arrives, too' cmp "$T/random" "$T/copied"
head -c 4000000 /dev/urandom >"$T/random"
run copy <"$T/random" | { sleep 1 && cat >"$T/copied"; }
ok 'and nothing is lost if the reader is slow' cmp "$T/random" "$T/copied"
is "$(A='x y' run env | grep '^A=')" 'A=x y' 'and the environment'
is "$(run both 2>/dev/null)" "$(printf 'out\nerr\nout')" 'both outputs come in order'
run segv
is $? 139 'a signal is 128 and its number'
run abort
is $? 134 'whichever it is'
"$VASCTL" "$M" run no-such-program 2>"$T/stderr"
is "$? $(cat "$T/stderr")" '127 vasctl: no-such-program: not found' 'a program that is not there'
"$VASCTL" "$M" run /etc/passwd 2>"$T/stderr"
is "$? $(cat "$T/stderr")" '126 vasctl: /etc/passwd: Permission denied' 'a file that is none'
words="a 'quote'	tab \\ and
a second line"
is "$("$VASCTL" "$M" run /bin/echo "$words" '' "\$'x'" | od -c)" \
	"$(/bin/echo "$words" '' "\$'x'" | od -c)" 'arguments arrive as they are, with newlines'
# shellcheck disable=SC2016 # the inner shell expands it
is "$(WORDS=$words "$VASCTL" "$M" run sh -c 'echo "$WORDS"' | od -c)" "$(echo "$words" | od -c)" \
	'so does the environment'
is "$(ls -d "$M"/[0-9]* 2>/dev/null)" '' 'none of them is left'
is "$(cd "$M" && "$VASCTL" . run pwd)" / 'from inside the mount it begins in the root'
is "$("$VASCTL" "$M" run echo hello)" hello 'PATH is searched; a dynamic program runs'
is "$(echo text | "$VASCTL" "$M" run cat - /etc/hostname)" "$(echo text | cat - /etc/hostname)" \
	'cat reads its input and files'
"$VASCTL" "$M" run false
is $? 1 'false fails'
is "$(cd /etc && "$VASCTL" "$M" run cat hostname)" "$(cat /etc/hostname)" \
	'a path is relative to where vasctl is'
run yes | head -n 2 >"$T/out"
is "$(cat "$T/out")" "$(printf 'y\ny')" 'who ends reading ends the program'
ok 'which is gone' eventually 60 sh -c "! ls -d '$M'/[0-9]* >/dev/null 2>&1"

"$VASCTL" "$M" run "$ACTS" catch >"$T/out" &
vasctl=$!
eventually 60 has_line "$T/out" ready
kill -INT $vasctl
wait $vasctl
is $? 42 'SIGINT goes to the program'
like "$(cat "$T/out")" caught 'whose handler runs'
"$VASCTL" "$M" run "$ACTS" spin &
vasctl=$!
eventually 60 sh -c "grep -qs acts '$M'/[0-9]*/comm"
kill -TERM $vasctl
wait $vasctl
is $? 143 'SIGTERM ends a program that has no handler'

# --- Commands and files -----------------------------------------------------------------------

a=$(new args hello)
answers 0 'run answers at once' "$M/$a" run
is "$(cat "$M/$a/console")" hello 'a reader that comes later finds all'
is "$(state "$a")" Z 'an ended program is a zombie'
is "$(cat "$M/$a/wait")" 'exited 0' 'until somebody has read how it ended'
ok 'then it is gone' gone "$a"
a=$(new copy)
is "$(cat "$M/$a/console")" '' 'without a program its console is empty'
ctl "$M/$a" run >/dev/null
cat "$M/$a/console" >"$T/out" &
reader=$!
echo first >"$M/$a/console"
wait $reader
is "$(cat "$T/out")" first 'a reader that was there first finds it, too, and ends'
cat "$M/$a/wait" >/dev/null

a=$(start segv)
is "$(cat "$M/$a/wait")" 'signal 11 SEGV_MAPERR 0x10' 'wait tells the signal, and where'
a=$(start exit 3)
exec 3<"$M/$a/wait"
read -r line <&3
is "$line" 'exited 3' 'a shell reads the line'
is "$(cat <&3)" '' 'and then the end'
exec 3<&-

a=$(ctl "$M" exec /bin/true)
fails EINVAL 'a plain exec cannot run' "$M/$a" run
like "$(cat "$T/stderr")" 'exec -k' 'and the text says what can'
fails EINVAL 'nothing to stop' "$M/$a" stop
ok 'a write to its console fails' sh -c "! echo x 2>/dev/null >'$M/$a/console'"
ctl "$M/$a" exit >/dev/null

a=$(new exit 5)
entry=$(sed -n 's/^SimPc:[[:space:]]*//p' "$M/$a/status")
like "$(cat "$M/$a/regs")" "^rip $entry\$" 'regs before the first instruction'
pc=$(ctl "$M/$a" step)
isnt "$pc" "$entry" 'a step moves the pc'
is "$(cat "$M/$a/wait")" stepped 'and wait says stepped'
like "$(cat "$M/$a/regs")" "^rip $pc\$" 'regs has it'
is "$(cut -d ' ' -f 30 "$M/$a/stat")" "$((pc))" 'and stat'
is "$(state "$a")" T 'it is stopped'
ok 'many steps' ctl "$M/$a" step 1000
fails EINVAL 'too many' "$M/$a" step 1001
fails EINVAL 'none' "$M/$a" step 0
answers 0 'until answers at once' "$M/$a" until main
main=$(nm "$ACTS" | sed -n 's/^0*\([0-9a-f]*\) T main$/0x\1/p')
is "$(cat "$M/$a/wait")" "until $main" 'wait says that it is there'
like "$(ctl "$M/$a" where pc)" ' main[+]0x0 ' 'pc is a name for it'
answers 0 'setreg' "$M/$a" setreg rdi 1
like "$(cat "$M/$a/regs")" '^rdi 0x1$' 'it is set'
fails EINVAL 'an address that is none' "$M/$a" setreg rip 0x8000000000000000
fails EINVAL 'a register that is none' "$M/$a" setreg xyz 1
fails EINVAL 'one that must not change' "$M/$a" setreg cs 0
ctl "$M/$a" setreg eflags 0xffffffff >/dev/null
flags=$(sed -n 's/^eflags //p' "$M/$a/regs")
is $((flags & ~0xdd5 & ~0x202)) 0 'of eflags only what user code may change'
ctl "$M/$a" setreg eflags 0x202 >/dev/null
child=$(ctl "$M/$a" fork)
is "$(grep -v rax "$M/$child/regs")" "$(grep -v rax "$M/$a/regs")" 'a fork is where its parent is'
answers 0 'until a system call' "$M/$a" until call:exit_group
cat "$M/$a/wait" >/dev/null
unlike "$(cat "$M/$a/calls")" '^exit_group' 'which was not done'
ctl "$M/$a" run >/dev/null
is "$(cat "$M/$a/wait")" 'exited 0' 'rdi was argc: it does nothing'
ctl "$M/$child" run >/dev/null
is "$(cat "$M/$child/wait")" 'exited 0' 'and so does the fork'

a=$(new args text)
ctl "$M/$a" run >/dev/null
eventually 60 in_state "$a" Z
like "$(cat "$M/$a/calls")" '^write\(1, "text", 4\) = 4$' 'calls are as strace prints them'
like "$(cat "$M/$a/calls")" '^exit_group\(0\) = \?$' 'to the end'
is "$(tail -n 1 "$M/$a/calls")" '+++ exited with 0 +++' 'which is told'
cat "$M/$a/wait" >/dev/null

# --- While one runs ---------------------------------------------------------------------------

a=$(new spin)
ctl "$M/$a" run >/dev/null
is "$(state "$a")" R 'a program that runs'
answers 0 'run of it changes nothing' "$M/$a" run
quick 'ls goes on' ls -l "$M" "$M/$a"
quick 'and every text' cat "$M/$a/maps" "$M/$a/status" "$M/$a/regs" "$M/meminfo"
quick 'and commands' "$VASCTL" "$M/$a" where pc
# It makes no system call, and takes no fault.
uses_more() {
	[ "$(cut -d ' ' -f 14 "$M/$a/stat")" -gt "$1" ]
}
is_busy() {
	[ "$(awk '$1 == "cpu" { print $2 }' "$M/stat")" -gt "$1" ]
}
ok 'its time goes on' eventually 60 uses_more "$(($(cut -d ' ' -f 14 "$M/$a/stat") + 4))"
ok 'and that of the processor' eventually 60 is_busy \
	"$(($(awk '$1 == "cpu" { print $2 }' "$M/stat") + 4))"
like "$(cat "$M/loadavg")" ' 1/1 ' 'which one program wants'
is "$(sed -n 's/^procs_running //p' "$M/stat")" 2 'besides the reader'
fails EBUSY 'no step' "$M/$a" step
fails EBUSY 'no setreg' "$M/$a" setreg rax 1
fails EBUSY 'no fork' "$M/$a" fork
fails EBUSY 'no exec' "$M/$a" exec -k "$ACTS" exit 0
is "$(timeout 5 "$VASCTL" "$M" run "$ACTS" args other)" other 'another one runs beside it'
timeout -s INT 1 cat "$M/$a/wait"
is $? 124 'Ctrl-C ends a reader of wait'
timeout -s INT 1 cat "$M/$a/console"
is $? 124 'and of console'
answers 0 'it is stopped' "$M/$a" stop
is "$(state "$a")" T 'which status says'
like "$(cat "$M/loadavg")" ' 0/1 ' 'it wants no processor'
is "$(awk '$1 == "cpu" { print ($2 > 0), ($5 < $2 + $4 + $5) }' "$M/stat")" '1 1' \
	'the machine was not idle'
is "$(cat "$M/$a/wait")" stopped 'and wait'
one=$(cat "$M/$a/regs")
is "$(cat "$M/$a/regs")" "$one" 'its registers stand still'
answers "$(ctl "$M/$a" exec -k "$ACTS" args again)" 'an exec of it, stopped' "$M/$a" exec -k "$ACTS" \
	args again
ctl "$M/$a" run >/dev/null
is "$(cat "$M/$a/console")" again 'begins anew'
cat "$M/$a/wait" >/dev/null
a=$(start spin)
answers 0 'exit ends it' "$M/$a" exit 9
is "$(cat "$M/$a/wait")" 'exited 9' 'with that status'
a=$(start spin)
answers 0 'kill ends it' "$M" kill "$a" KILL
is "$(cat "$M/$a/wait")" 'signal 9' 'which is told'

# --- Input ------------------------------------------------------------------------------------

a=$(start copy)
exec 3>"$M/$a/console" 4<"$M/$a/console"
echo one >&3
read -r line <&4
is "$line" one 'a conversation with a program'
echo two >&3
read -r line <&4
is "$line" two 'goes on while the writer is there'
"$TOOL" poll "$M/$a/console" 300 >"$T/out"
like "$(cat "$T/out")" '^timeout' 'poll waits where there is nothing'
exec 3>&-
is "$(cat "$M/$a/wait")" 'exited 0' 'and ends when the last writer goes'
is "$(cat <&4)" '' 'which is the end of the output'
exec 4<&-

# --- The end ----------------------------------------------------------------------------------

start spin >/dev/null
start yes >/dev/null
start copy >/dev/null
began=$(now)
stop_mount
ok 'a mount with programs that run ends in time' [ $(($(now) - began)) -lt 10000 ]
start_mount
a=$(start spin)
cat "$M/$a/wait" >/dev/null 2>&1 &
cat "$M/$a/console" >/dev/null 2>&1 &
began=$(now)
kill -TERM "$(daemon_pid)"
daemon_ended 'SIGTERM ends the daemon, too'
ok 'soon' [ $(($(now) - began)) -lt 10000 ]
done_testing
