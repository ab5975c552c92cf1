# A disk that is full: what cannot be written does not take all of RAM, and goes when nobody can
# ever see it. The disk is a small tmpfs in a mount namespace of its own.
if [ "$(id -u)" -eq 0 ] && [ -z "${OWN_MOUNTS:-}" ] && unshare --mount true 2>/dev/null; then
	export OWN_MOUNTS=yes
	exec unshare --mount "$(readlink "/proc/$$/exe")" "$0"
fi
. "$(dirname "$0")/lib.sh"
disk=$T/disk
mkdir "$disk"
if [ -z "${OWN_MOUNTS:-}" ] || ! mount -t tmpfs -o size=64K none "$disk" 2>/dev/null; then
	skip 'no tmpfs can be mounted' 'a disk that is full'
	done_testing
fi

# fill_up: take what room the disk has
fill_up() {
	head -c 1M /dev/zero >"$disk/filler" 2>/dev/null
}
# dirty: how many frames hold pages that are newer than their file
dirty() {
	grep -c ' file .* dirty' "$M/frames"
}
# store_all FILE: process $pid stores to FILE, which is sparse and larger than RAM, page by page
# until a store is refused
store_all() {
	truncate -s 4M "$1"
	a=$(ctl "$M/$pid" mmap 0 4M rw- shared "$1")
	like "$(head -c 4M /dev/zero | tr '\0' s |
		dd of="$M/$pid/mem" bs=4096 seek=$((a / 4096)) conv=notrunc 2>&1)" \
		'Input/output error' 'a store that there is no room for'
	like "$(last_fault "$pid")" "^w .* fatal sigbus .* file=$1 offset=0x" 'is SIGBUS'
}
# lost FILE: events has the line that says that dirty pages of FILE, the first at 0, are lost
lost() {
	grep -qE "^[0-9]+ [0-9.]+ 0 - 0{16} evict lost file=$1 offset=0x0 pages=102\$" "$T/events"
}

# 512 frames. A fifth of them may be dirty: 102.
start_mount -o ram=2M,swapsize=0
cat "$M/events" >"$T/events" &
reader=$!
fill_up
pid=$(ctl "$M" spawn)
store_all "$disk/kept"
is "$(dirty)" 102 'a fifth of RAM is dirty'
ok 'what is dirty can be stored to' ctl "$M/$pid" access w "$a" 408K
ctl "$M" kill "$pid" >/dev/null
is "$(dirty)" 102 'a file with a name keeps its pages when nobody maps it'
pid=$(ctl "$M" spawn)
b=$(ctl "$M/$pid" mmap 0 1600K rw- private,anon)
ok 'another process has memory all the same' ctl "$M/$pid" access w "$b" 1600K
refused 'nothing is lost yet' grep -q ' evict lost ' "$T/events"
rm "$disk/kept"
ok 'the file is deleted' eventually 60 lost "$disk/kept"
is "$(dirty)" 0 'its pages are gone'
c=$(ctl "$M/$pid" mmap 0 400K rw- private,anon,noreserve)
ok 'the process can have them' ctl "$M/$pid" access w "$c" 400K
ctl "$M" kill "$pid" >/dev/null

# The file is deleted while it is mapped.
fill_up
pid=$(ctl "$M" spawn)
store_all "$disk/deleted"
rm "$disk/deleted"
fails ENOSPC 'sync cannot write it' "$M" sync
is "$(dirty)" 102 'a deleted file that is mapped keeps its pages'
is "$(peek "$pid" "$a" 1)" "$(hex s)" 'which can be read'
ctl "$M" kill "$pid" >/dev/null
is "$(dirty)" 0 'until the process ends'
ok 'as events says' eventually 60 lost "$disk/deleted"

# What could be written is written when there is room again.
fill_up
pid=$(ctl "$M" spawn)
store_all "$disk/patient"
poke "$pid" "$a" patient >/dev/null
echo 100 >"$M/sys/vm/dirty_ratio"
ok 'dirty_ratio: more may be dirty' ctl "$M/$pid" access w "$a" 1M
is "$(dirty)" 256 'than before'
echo 1 >"$M/sys/vm/dirty_ratio"
ctl "$M" kill "$pid" >/dev/null
mount -o remount,size=8M "$disk"
answers 0 'with room on the disk, sync writes it' "$M" sync
is "$(dirty)" 0 'all of it'
is "$(head -c 7 "$disk/patient")" patient 'to the file'
is "$(grep -c ' evict lost ' "$T/events")" 2 'and nothing is lost'
kill $reader
wait $reader
stop_mount
ok 'the disk is free' umount "$disk"
done_testing
