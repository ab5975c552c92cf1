# A program that waits for a host file keeps nobody else from running. The file is in a second
# mount, whose daemon is stopped.
. "$(dirname "$0")/backing.sh"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/run_lib.sh"

# run_it COMMAND...: start it by a command to the machine, which does not wait; its pid
run_it() {
	"$VASCTL" "$M" "run $*"
}
# reader: a program that reads from the file; its pid
reader() {
	run_it /bin/dd "if=$backing/1/mem" bs=4096 skip=65536 count=1 status=none
}
# inside_goes_on WHAT: another program comes to its end
inside_goes_on() {
	is "$(quickly "$VASCTL" "$M" run /bin/echo other)" other "$1"
}

run_mount -o ram=64M
stop_mount
start_backing
start_mount -o ram=64M

a=$(reader)
quickly cat "$M/$a/console" >"$T/out"
is "$(head -c 8 "$T/out")" 'page one' 'a program reads the file'
quickly cat "$M/$a/wait" >/dev/null

# --- It hangs ---------------------------------------------------------------------------------

hang_backing
a=$(reader)
b=$(reader)
c=$(reader)
inside_goes_on 'another program runs while three wait for a file that hangs'
ok 'ls goes on' quickly ls -l "$M"
ok 'and all texts of one that waits' quickly cat "$M/$a/maps" "$M/$a/smaps" "$M/$a/status" \
	"$M/$a/calls" "$M/$a/regs" "$M/$a/pagetable"
spin=$(run_it "$ACTS" spin)
inside_goes_on 'also beside one that spins'
answers 0 'one that waits is killed' "$M" kill "$a" KILL
is "$(quickly cat "$M/$a/wait")" 'signal 9' 'and has ended'
inside_goes_on 'after that, too'
answers 0 'exit ends another one' "$M/$b" exit 5
is "$(quickly cat "$M/$b/wait")" 'exited 5' 'with that status'

# --- It answers again -------------------------------------------------------------------------

wake_backing
is "$(quickly cat "$M/$c/console" | head -c 8)" 'page one' 'when the file answers, the third has it'
is "$(quickly cat "$M/$c/wait")" 'exited 0' 'and comes to its end'
ctl "$M" kill "$spin" KILL >/dev/null
inside_goes_on 'all is as before'

# --- The end ----------------------------------------------------------------------------------

hang_backing
a=$(reader)
inside_goes_on 'one more waits'
kill -TERM "$(daemon_pid)"
like "$(quickly "$TOOL" reap "$T/daemon")" '^exit ' 'SIGTERM ends the daemon while it waits'
refused 'nothing is mounted' mounted
stop_backing >/dev/null
done_testing
