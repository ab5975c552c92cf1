# Programs that ask for what no program asks for: times without end, alarms that nobody hears, the
# rights of others.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/run_lib.sh"

# alive WHAT: another program, and texts, come at once
alive() {
	is "$(timeout 20 "$VASCTL" "$M" run /bin/echo other)" other "$1: another program runs"
	ok "$1: texts are rendered" timeout 20 cat "$M/$p/status" "$M/$p/regs"
}
# begin WORDS...: a program by the machine's ctl; its pid is in $p
begin() {
	p=$("$VASCTL" "$M" "run $*")
}

for clock in real 0; do
	run_mount -o "ram=64M,clock=$clock"
	begin /bin/sleep 99999999999
	alive "clock=$clock, a sleep without end"
	ctl "$M" kill "$p" KILL >/dev/null 2>&1
	timeout 20 cat "$M/$p/wait" >/dev/null
	begin "$ACTS" alarm 1
	ctl "$M/$p" stop >/dev/null
	alive "clock=$clock, an alarm of one that is stopped"
	ctl "$M" kill "$p" KILL >/dev/null
	timeout 20 cat "$M/$p/wait" >/dev/null
	begin "$ACTS" alarm 0
	alive "clock=$clock, an alarm that is ignored"
	ctl "$M" kill "$p" KILL >/dev/null
	is "$(timeout 20 cat "$M/$p/wait")" 'signal 9' "clock=$clock, and it can be killed"
	stop_mount
done

if ! is_root; then
	skip 'needs root' 'rights of others'
	done_testing
fi
chmod 755 "$T"
start_mount -o allow_other
p=$(as_other "$VASCTL" "$M" spawn)
as_other "$VASCTL" "$M/$p" exec -k /bin/true >/dev/null
for command in run 'step 1' 'until 0x401000' 'setreg rax 1'; do
	# shellcheck disable=SC2086 # words
	fails EPERM "root does not lend his rights: $command" "$M/$p" $command
done
is "$(as_other "$VASCTL" "$M/$p" step >/dev/null && echo stepped)" stepped 'its owner may'

# On the host a write takes the set-user-ID bit of a file away. So it does here.
echo program >"$T/setuid"
chmod 6777 "$T/setuid"
as_other "$VASCTL" "$M" run /bin/sh -c "echo more >>$T/setuid"
is "$(stat -c %a "$T/setuid")" 777 'a write takes set-user-ID away'
stop_mount
done_testing
