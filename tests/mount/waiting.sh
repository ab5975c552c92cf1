# Commands and accesses that wait or take long hold up nobody else, and a client that is killed is
# gone. The file that hangs is in a second mount, whose daemon is stopped.
. "$(dirname "$0")/backing.sh"
. "$(dirname "$0")/lib.sh"

READ=17 WRITE=1
# gone PID: it has ended, and only its status is left, if that
gone() {
	case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in
	'' | Z* | X*) ;;
	*) return 1 ;;
	esac
}
# start COMMAND...: run it in the background; its pid is in $started
start() {
	"$@" >/dev/null 2>&1 &
	started=$!
	clients="$clients $started"
}
# kill_clients DESCRIPTION: the clients that were started are gone when they are killed
kill_clients() {
	# shellcheck disable=SC2086 # a list
	kill -9 $clients
	ok "$1" eventually 20 all_gone
	# shellcheck disable=SC2086 # a list
	wait $clients 2>/dev/null
	clients=
}
all_gone() {
	for client in $clients; do
		gone "$client" || return 1
	done
}
clients=

start_backing
start_mount
for _ in 1 2 3; do
	ctl "$M" spawn >/dev/null
done
a=$(ctl "$M/1" mmap 0 1M r-- private "$backing/1/mem" 0x10000000)
canary=$(ctl "$M/3" mmap 0 4K rw- private,anon)
poke 3 "$canary" canary >/dev/null

# --- One ctl file -----------------------------------------------------------------------------

hang_backing
start sh -c "echo 'exec $backing/1/mem' >'$M/ctl'"
eventually 20 in_call "$started" $WRITE
ok 'a command to the machine goes on while another one waits for a file' \
	quickly sh -c "echo spawn >'$M/ctl'"
ok 'with vasctl, too' quickly "$VASCTL" "$M" spawn
start sh -c "echo 'mmap 0 4K r-- private $backing/1/mem' >'$M/2/ctl'"
eventually 20 in_call "$started" $WRITE
ok 'and a command to the process whose ctl is being written to' \
	quickly sh -c "echo 'mmap 0 4K rw- private,anon' >'$M/2/ctl'"
is "$(quickly ls -i "$M/ctl")" "$(quickly ls -i "$M/ctl")" 'the number of ctl stays the same'
kill_clients 'killed clients are gone, although their commands hang'

# --- Many that hang ---------------------------------------------------------------------------

for _ in $(seq 100); do
	start "$TOOL" pread "$M/1/mem" "$(plus "$a" 4096)" 8
done
for client in $clients; do
	eventually 20 in_call "$client" $READ
done
ok 'ls goes on while 100 readers hang' quickly ls -l "$M"
ok 'spawn' quickly "$VASCTL" "$M" spawn
ok 'another process is written to' quickly "$TOOL" pwrite "$M/2/mem" \
	"$(quickly "$VASCTL" "$M/2" mmap 0 4K rw- private,anon)" x
is "$(quickly "$TOOL" pread "$M/3/mem" "$canary" 6)" "$(hex canary)" 'or read'
kill_clients 'all readers can be killed'
wake_backing
is "$(quickly "$TOOL" pread "$M/1/mem" "$a" 8)" "$(hex 'page one')" \
	'when the file answers again it can be read'

# --- Long work --------------------------------------------------------------------------------

# faults: how many faults process 2 has had
faults() {
	sed -n 's/^SimFaultsMinor:[^0-9]*//p' "$M/2/status"
}
rests() {
	before=$(faults)
	# Reading takes a while in which a process that still works has faults.
	for _ in 1 2 3 4 5; do
		cat "$M/2/status" "$M/2/smaps" >/dev/null
	done
	[ "$(faults)" = "$before" ]
}
works() {
	! rests
}
big=$(ctl "$M/2" mmap 0 16G rw- private,anon,noreserve)
start "$VASCTL" "$M/2" access r "$big" 16G
eventually 20 works
kill_clients 'an access of gigabytes can be killed'
ok 'and ends' eventually 20 rests
yes "access r $big 4M" | head -n 35000 >"$T/lines"
start sh -c "exec cat '$T/lines' >'$M/2/ctl'"
eventually 20 in_call "$started" $WRITE
kill_clients 'many lines in one write can be killed'
ok 'and end' eventually 20 rests
is "$(peek 3 "$canary" 6)" "$(hex canary)" 'another process is as it was'
stop_mount
is "$(stop_backing)" 'exit 0' 'the machine with the file goes on'
done_testing
