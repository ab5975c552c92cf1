# examples/sweep/: the same grid by GNU parallel on two machines (two names of this one, through an
# ssh of our own), and as an array of a Slurm of one node, gives what one machine gives.
. "$(dirname "$0")/lib.sh"
: "${REPLAY:?}"
sweep=$(cd "$(dirname "$0")/../../examples/sweep" && pwd)
trace=$(cd "$sweep/.." && pwd)/ls.lackey.xz
PATH=$(dirname "$REPLAY"):$PATH
export PATH
policies=lru,arc,opt
"$REPLAY" --policy $policies --frames 16-100 --output csv "$trace" >wanted
"$REPLAY" --policy $policies --frames 16-100 "$trace" | sed -n '2,/^$/{/./p;}' >wanted.table

# grid FOLDER: a new folder of results
grid() {
	mkdir "$1"
	"$sweep/cells.sh" $policies 16-100 >"$1/grid"
}
grid plain
is "$(head -n 4 plain/grid | tr '\n' ';')" 'lru 16;lru 32;lru 64;lru 100;' 'the cells of a grid'
refused 'sizes that are none' "$sweep/cells.sh" lru 4-x
refused 'a grid without results' "$sweep/join.sh" plain
while read -r policy frames; do
	"$sweep/cell.sh" plain "$trace" "$policy" "$frames"
done <plain/grid
"$sweep/join.sh" plain >joined
ok 'cells one by one, joined' cmp wanted joined
"$sweep/join.sh" -t plain >joined
ok 'as a table' diff wanted.table joined
refused 'a cell that fails' "$sweep/cell.sh" plain "$trace" nonsense 4
is "$(find plain -name '*nonsense*')" '' 'leaves nothing'

# --- GNU parallel -----------------------------------------------------------------------------

if command -v parallel >/dev/null; then
	cat >ssh <<'SSH'
#!/bin/sh
# As ssh does: the host, and then the words of a command for its shell. A login has SHELL set, and
# what GNU parallel sends there needs it.
echo "$1" >>"$0.log"
shift
[ "$1" != -- ] || shift
SHELL=/bin/sh exec sh -c "$*"
SSH
	chmod +x ssh
	grid two
	ok 'GNU parallel on two machines' "$sweep/parallel.sh" two "$trace" --ssh "$T/ssh" \
		--sshlogin 1/one,1/two
	ok 'both work' sh -c 'grep -q one ssh.log && grep -q two ssh.log'
	"$sweep/join.sh" two >joined
	ok 'and the results are the same' cmp wanted joined
else
	skip 'there is no GNU parallel' 'GNU parallel on two machines'
fi

# --- Slurm ------------------------------------------------------------------------------------

# What Slurm sets.
grid array
for number in $(seq "$(wc -l <array/grid)"); do
	SLURM_ARRAY_TASK_ID=$number "$sweep/slurm.sh" array "$trace" "$sweep"
done
"$sweep/join.sh" array >joined
ok 'each job of an array does its cell' cmp wanted joined

slurm_conf() {
	cat <<CONF
ClusterName=one
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$1
SlurmdPort=$(($1 + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$T/slurm/munge.socket
StateSaveLocation=$T/slurm/state
SlurmdSpoolDir=$T/slurm/spool
SlurmctldPidFile=$T/slurm/controller
SlurmdPidFile=$T/slurm/node
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=10 State=UP
CONF
}
# in_background NAME COMMAND...: lib.sh ends it if the test does not
in_background() {
	_name=$1
	shift
	"$@" >"$T/slurm/$_name.log" 2>&1 &
	echo $! >"$T/slurm-$_name.pid"
}
ends() {
	kill "$(cat "$T/slurm-$1.pid")"
	wait "$(cat "$T/slurm-$1.pid")"
	: >"$T/slurm-$1.end"
}
node_is_idle() {
	sinfo -h 2>/dev/null | grep -q idle
}
queue_is_empty() {
	_jobs=$(squeue -h) && [ -z "$_jobs" ]
}

if is_root && command -v slurmctld slurmd munged sbatch >/dev/null; then
	mkdir -p slurm/state slurm/spool
	(umask 077 && head -c 1024 /dev/urandom >slurm/key)
	in_background munge munged --foreground --key-file="$T/slurm/key" \
		--socket="$T/slurm/munge.socket" --pid-file="$T/slurm/munge" \
		--log-file="$T/slurm/munge.log" --seed-file="$T/slurm/seed"
	eventually 20 test -S slurm/munge.socket
	SLURM_CONF=$T/slurm/slurm.conf
	export SLURM_CONF
	slurm_conf $((20000 + $$ % 10000 * 2)) >"$SLURM_CONF"
	in_background controller slurmctld -D
	in_background node slurmd -D
	ok 'a Slurm of one node' eventually 60 node_is_idle
	grid slurm-results
	ok 'an array of jobs' "$sweep/slurm.sh" slurm-results "$trace"
	ok 'comes to an end' eventually 120 queue_is_empty
	"$sweep/join.sh" slurm-results >joined
	ok 'and the results are the same' cmp wanted joined
	ends node
	ends controller
	ends munge
else
	skip 'there is no Slurm' 'an array of jobs'
fi
done_testing
