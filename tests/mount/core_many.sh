# A core file of a process with 66,000 areas, more than the ELF header can count: the kernel's, ours,
# and ours of ours. The host's vm.max_map_count is raised while the process lives.
. "$(dirname "$0")/lib.sh"
: "${CORE_TARGET:?}"
knob=/proc/sys/vm/max_map_count
most=$(cat $knob)
if ! { echo 100000 >$knob; } 2>/dev/null; then
	skip 'needs the right to raise vm.max_map_count' 'many areas'
	done_testing
fi
(
	trap 'echo "$most" >$knob' EXIT
	trap 'exit 1' HUP INT TERM
	# shellcheck disable=SC3045 # dash and bash have it
	ulimit -c unlimited
	"$CORE_TARGET" many
) 2>/dev/null
is "$(cat $knob)" "$most" 'the host is what it was'
set -- "$T"/core*
if [ ! -e "$1" ]; then
	skip 'the kernel writes cores elsewhere' 'many areas'
	done_testing
fi

# headers FILE: how many program headers it has
headers() {
	eu-readelf -h "$1" | sed -n 's/.*program headers entries: *//p'
}
last=0x1000101cf000
text="$(printf '%x' $((last))): 7468 6520 6c61 7374 206f 6620 6d61 6e79  the last of many"
like "$(headers "$1")" '^65535 \(66[0-9]{3} ' 'the header of the kernel cannot count the areas'
start_mount
ctl "$M" load "$1" >/dev/null
areas=$(grep -c '^1000[01][0-9a-f]\{7\}-' "$M/1/maps")
is "$areas" 66000 'all are there'
is "$(ctl "$M/1" peek $last 16)" "$text" 'the bytes of the last'
refused 'more would be too many' ctl "$M/1" mmap 0 4K rw- private,anon
like "$(headers "$M/1/core")" '^65535 \(66[0-9]{3} ' 'our core counts as the kernel does'
is "$(gdb -q -nx -batch -ex "x/s $last" "$CORE_TARGET" "$M/1/core" 2>/dev/null | tail -n 1)" \
	"$last:	\"the last of many\"" 'gdb finds the last'
ok 'a copy' cp --sparse=always "$M/1/core" "$T/copy"
ctl "$M" load "$T/copy" >/dev/null
ok 'loaded again it is the same' cmp "$M/1/maps" "$M/2/maps"
is "$(ctl "$M/2" peek $last 16)" "$text" 'and so are its bytes'
stop_mount
done_testing
