# Programs and mappings on file systems of all kinds, against the host: where large mappings lie,
# which ones merge, and the device number in maps. All is mounted in a mount namespace of its own.
if [ "$(id -u)" -eq 0 ] && [ -z "${OWN_MOUNTS:-}" ] && unshare --mount true 2>/dev/null; then
	export OWN_MOUNTS=yes
	exec unshare --mount "$(readlink "/proc/$$/exe")" "$0"
fi
. "$(dirname "$0")/lib.sh"
if [ -z "${OWN_MOUNTS:-}" ] || ! mkdir "$T/tmpfs" || ! mount -t tmpfs none "$T/tmpfs" 2>/dev/null
then
	skip 'needs the right to mount' 'file systems of all kinds'
	done_testing
fi

# A program whose library is large, so that its place depends on the file system.
mkdir "$T/files"
printf '%s\n' 'char large[3 << 20] = {1};' 'int library(void) { return large[0]; }' >"$T/library.c"
echo 'int library(void); int main(void) { return library(); }' >"$T/program.c"
gcc -shared -fPIC -o "$T/files/liblarge.so" "$T/library.c"
# shellcheck disable=SC2016 # a token of ld.so
gcc -o "$T/files/program" "$T/program.c" -L"$T/files" -llarge -Wl,-rpath,'$ORIGIN'
head -c 6M /dev/zero >"$T/files/file"

# try KIND: the files in $T/KIND
try() {
	ok "$1: mappings are as on the host" "$COMPARE_PROGRAMS" -m "$T/$1/file"
	ok "$1: a program is as on the host" "$COMPARE_PROGRAMS" -v "$T/$1/program"
	like "$("$COMPARE_PROGRAMS" "$T/$1/program")" '^(entry point: 1 same|entry point: .* 1 not)' \
		"$1: and so are its libraries"
}
# mounted KIND MOUNT-ARGUMENT...: mount it at $T/KIND
mounted() {
	_kind=$1
	shift
	mkdir -p "$T/$_kind"
	mount "$@" "$T/$_kind" 2>/dev/null && return
	skip 'it cannot be mounted here' "files on $_kind"
	return 1
}
# made KIND COMMAND...: COMMAND makes the file system $T/KIND.img
made() {
	_kind=$1
	shift
	"$@" >/dev/null 2>&1 && return
	skip "$1 is not there or fails" "files on $_kind"
	return 1
}

try files
cp "$T/files"/* "$T/tmpfs"
try tmpfs
mkdir "$T/upper" "$T/work" "$T/tmpfs/upper" "$T/tmpfs/work" "$T/other"
if mounted overlay -t overlay \
	-o "lowerdir=$T/files,upperdir=$T/upper,workdir=$T/work" none; then
	try overlay
	cp "$T/files/program" "$T/overlay/above"
	ok 'overlay: a new file is as on the host' "$COMPARE_PROGRAMS" -v "$T/overlay/above"
fi
if mounted overlay2 -t overlay \
	-o "lowerdir=$T/files,upperdir=$T/tmpfs/upper,workdir=$T/tmpfs/work" none; then
	try overlay2
fi
made squashfs mksquashfs "$T/files" "$T/squashfs.img" -quiet -no-progress &&
	mounted squashfs -o loop,ro "$T/squashfs.img" && try squashfs
made erofs mkfs.erofs "$T/erofs.img" "$T/files" &&
	mounted erofs -o loop,ro "$T/erofs.img" && try erofs
truncate -s 130M "$T/btrfs.img"
made btrfs mkfs.btrfs -q --rootdir "$T/files" "$T/btrfs.img" &&
	mounted btrfs -o loop,ro "$T/btrfs.img" && try btrfs
truncate -s 40M "$T/ext2.img"
made ext2 mkfs.ext2 -q -d "$T/files" "$T/ext2.img" &&
	mounted ext2 -o loop,ro "$T/ext2.img" && try ext2

# As users see it.
start_mount
ctl "$M" spawn >/dev/null
first=$(ctl "$M/1" mmap 0 0x401000 r-- private "$T/tmpfs/file")
second=$(ctl "$M/1" mmap 0 0x401000 r-- private "$T/tmpfs/file")
is $((first - second)) $((0x401000)) 'on tmpfs large mappings follow each other without a gap'
mkdir "$T/fuse"
if "$PLAINFS" -o allow_other "$T/fuse" 2>/dev/null; then
	first=$(ctl "$M/1" mmap 0 0x401000 r-- private "$T/fuse/file")
	second=$(ctl "$M/1" mmap 0 0x401000 r-- private "$T/fuse/file")
	is "$((first % 0x200000)) $((second % 0x200000))" '0 0' 'on FUSE they are aligned'
	ctl "$M/1" munmap "$first" 0x401000 >/dev/null
	ctl "$M/1" munmap "$second" 0x401000 >/dev/null
	fusermount3 -u "$T/fuse"
else
	skip 'FUSE cannot be mounted' 'on FUSE they are aligned'
fi
stop_mount
for kind in overlay overlay2 squashfs erofs btrfs ext2; do
	[ ! -d "$T/$kind" ] || umount "$T/$kind" 2>/dev/null
done
umount "$T/tmpfs"
done_testing
