# sys/vm, and writes to a process's files of one value.
. "${0%/*}/lib.sh"
start_mount -o ram=32K,policy=fifo,oom=kill,segv=kill
ctl "$M" spawn >/dev/null
vm=$M/sys/vm

# refuses FILE VALUE: the write fails with EINVAL, and the value stays
refuses() {
	_before=$(cat "$M/$1" 2>/dev/null)
	is "$("$TOOL" write "$M/$1" "$2")" EINVAL "$1 does not take '$2'"
	is "$(cat "$M/$1" 2>/dev/null)" "$_before" 'and stays as it was'
}
# takes FILE VALUE: the write succeeds, and the file then shows VALUE
takes() {
	ok "$1 takes $2" sh -c "echo '$2' >'$M/$1'"
	is "$(cat "$M/$1")" "$2" 'and shows it'
}

is "$(ls "$vm")" 'dirty_ratio
dirty_writeback_centisecs
drop_caches
fork
local_frames
max_map_count
min_free_kbytes
mmap_min_addr
nr_hugepages
oom
overcommit_memory
overcommit_ratio
page-cluster
policies
policy
segv
swappiness' 'the knobs'
is "$(cat "$vm/dirty_ratio" "$vm/dirty_writeback_centisecs" "$vm/max_map_count" \
	"$vm/mmap_min_addr" "$vm/overcommit_memory" "$vm/overcommit_ratio" "$vm/swappiness" |
	tr '\n' ' ')" '20 500 65530 65536 0 50 60 ' 'start with the values of Linux'
is "$(cat "$vm/policy" "$vm/oom" "$vm/segv" | tr '\n' ' ')" 'fifo kill kill ' \
	'and those of the options'
for policy in $(awk '{ print $1 }' "$vm/policies") fifo; do
	takes sys/vm/policy $policy
done
refuses sys/vm/policy best
refuses sys/vm/policy '\n'
takes sys/vm/swappiness 200
refuses sys/vm/swappiness 201
refuses sys/vm/swappiness -1
refuses sys/vm/swappiness ten
refuses sys/vm/swappiness '10 20'
takes sys/vm/local_frames 100
refuses sys/vm/local_frames -1
refuses sys/vm/local_frames many
takes sys/vm/local_frames 0
takes sys/vm/overcommit_memory 2
refuses sys/vm/overcommit_memory 3
takes sys/vm/overcommit_ratio 80
takes sys/vm/overcommit_memory 0
takes sys/vm/oom fail
refuses sys/vm/oom later
takes sys/vm/segv report
refuses sys/vm/segv 1
takes sys/vm/dirty_writeback_centisecs 100
takes sys/vm/dirty_ratio 1
takes sys/vm/dirty_ratio 100
refuses sys/vm/dirty_ratio 0
refuses sys/vm/dirty_ratio 101
takes sys/vm/dirty_ratio 20
is "$("$TOOL" write "$vm/swappiness" ' 70 ')" 4 'blanks around a value do no harm'
is "$(cat "$vm/swappiness")" 70 'as sysctl has it'
is "$("$TOOL" write "$vm/swappiness" 71)" 2 'nor a missing newline'

# --- What they do -----------------------------------------------------------------------------

fails EFAULT 'segv report' "$M/1" access r 0x1000
ok 'leaves the process' test -d "$M/1"
takes sys/vm/max_map_count 1
ok 'max_map_count 1: one more area than that' ctl "$M/1" mmap 0x10000000 4K rw- private,anon,fixed
fails ENOMEM 'but not two' "$M/1" mmap 0x10008000 12K r-- private,anon,fixed
takes sys/vm/max_map_count 65530
if is_root; then
	ok 'root may map below mmap_min_addr' ctl "$M/1" mmap 0x1000 4K rw- private,anon,fixed
else
	fails EPERM 'mmap_min_addr' "$M/1" mmap 0x1000 4K rw- private,anon,fixed
	takes sys/vm/mmap_min_addr 4096
	ok 'can be lowered' ctl "$M/1" mmap 0x1000 4K rw- private,anon,fixed
fi

head -c 16384 /dev/zero >"$T/file"
f=$(ctl "$M/1" mmap 0 16K r-- private "$T/file")
ctl "$M/1" access r "$f" 16K >/dev/null
is "$(grep -c ' file ' "$M/frames")" 4 'four pages of a file are in memory'
is "$("$TOOL" write "$vm/drop_caches" '2\n')" 2 'drop_caches 2 is not about them'
is "$(grep -c ' file ' "$M/frames")" 4 'so they stay'
is "$("$TOOL" write "$vm/drop_caches" '0\n')" EINVAL 'drop_caches 0'
is "$("$TOOL" write "$vm/drop_caches" '5\n')" EINVAL 'drop_caches 5'
ctl "$M/1" munmap "$f" 16K >/dev/null
f=$(ctl "$M/1" mmap 0 16K rw- shared "$T/file")
ctl "$M/1" access r "$f" 16K >/dev/null
ok 'drop_caches 1' sh -c "echo 1 >'$vm/drop_caches'"
is "$(note pfn "$(entry 1 "$f" PTE)" | grep -c .)" \
	"$(grep -c ' file ' "$M/frames" | sed 's/[1-9].*/1/')" 'leaves no entry without its page'

# The policy changes while pages are in memory.
a=$(ctl "$M/1" mmap 0 40K rw- private,anon,noreserve)
i=0
for policy in lru fifo random clock lru fifo random clock; do
	echo $policy >"$vm/policy"
	ctl "$M/1" access w "$a" 40K >/dev/null
	poke 1 "$(plus "$a" $((i * 4096)))" "$policy" >/dev/null
	i=$((i + 1))
done
i=0 lost=
for policy in lru fifo random clock lru fifo random clock; do
	[ "$(peek 1 "$(plus "$a" $((i * 4096)))" ${#policy})" = "$(hex $policy)" ] ||
		lost="$lost $i"
	i=$((i + 1))
done
is "$lost" '' 'no page is lost when the policy changes at run time'

# --- comm, clear_refs -------------------------------------------------------------------------

takes 1/comm renamed
like "$(cat "$M/1/status")" '^Name:	renamed$' 'status has the name too'
echo 'a name of more than fifteen bytes' >"$M/1/comm"
is "$(cat "$M/1/comm")" 'a name of more ' 'a name is cut to fifteen bytes'
is "$("$TOOL" write "$M/1/clear_refs" 0)" EINVAL 'clear_refs 0'
is "$("$TOOL" write "$M/1/clear_refs" 6)" EINVAL 'clear_refs 6'
is "$("$TOOL" write "$M/1/clear_refs" x)" EINVAL 'clear_refs x'
is "$("$TOOL" pread "$M/1/clear_refs" 0 10)" EINVAL 'it cannot be read'

# --- Whose they are ---------------------------------------------------------------------------

if is_root; then
	stop_mount
	start_mount -o allow_other
	refused 'others cannot change them' as_other sh -c "echo lru >'$vm/policy'"
	ok 'but see them' as_other cat "$vm/policy"
	like "$(as_other "$VASCTL" "$M" reclaim 1 2>&1)" 'reclaim: EPERM' 'nor evict pages'
	like "$(as_other "$VASCTL" "$M" swapoff 2>&1)" 'swapoff: EPERM' 'nor turn swap off'
else
	skip 'needs root' 'others cannot change them'
fi
stop_mount
done_testing
