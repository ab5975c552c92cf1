# Long texts are read in pieces, and the memory for the texts of all readers is bounded. Nobody can
# use it up for others.
. "$(dirname "$0")/fuse_for_all.sh"
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2046 # none or two
start_mount $(! is_root || echo -o allow_other) -o ram=64M -o swapsize=0
ctl "$M" spawn >/dev/null
# memory: of the daemon, in MiB
memory() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(daemon_pid)/status" |
		awk '{print int($1 / 1024)}'
}
# cheap LIMIT DESCRIPTION: the daemon's memory grew by less than LIMIT MiB since $before
cheap() {
	_now=$(memory)
	# The runtimes of sanitizers keep what was freed.
	if grep -aq -e __asan_init -e __tsan_init "$VASFS"; then
		_now=$before
	fi
	ok "$2 ($before MiB before, $_now after)" [ "$_now" -lt $((before + $1)) ]
}
# same FILE COMMAND...: the output of COMMAND is FILE
same() {
	_file=$1
	shift
	"$@" 2>/dev/null | cmp - "$_file"
}
# hold NAME FILE COUNT [COMMAND...]: opens FILE that often and keeps it open until release NAME,
# started by COMMAND; how often it could is in $T/NAME.held
hold() {
	_name=$1 _file=$2 _times=$3
	shift 3
	mkfifo "$T/$_name.end"
	"$@" "$TOOL" hold "$_file" "$_times" <"$T/$_name.end" >"$T/$_name.held" &
	exec 9>"$T/$_name.end"
	eventually 60 test -s "$T/$_name.held"
}
release() {
	exec 9>&-
	wait
}

# --- Long texts -------------------------------------------------------------------------------

# Untouched memory costs no frame, but half a million entries.
a=$(ctl "$M/1" mmap 0 2G r-- private,anon)
ctl "$M/1" madvise "$a" 2G populate_read >/dev/null
cat "$M/1/pagetable" >"$T/whole"
is "$(grep -c ' PTE .* zero$' "$T/whole")" 524288 'a long pagetable has all entries'
is "$(grep -c ' PMD .* table ' "$T/whole")" 1024 'and all tables'
is "$(awk '{ print $1 }' "$T/whole" | LC_ALL=C sort -c 2>&1)" '' 'in the order of addresses'
ok 'small reads give the same' same "$T/whole" dd if="$M/1/pagetable" bs=4001
dd if="$T/whole" bs=1000003 skip=17 count=1 2>/dev/null >"$T/piece"
ok 'so does the middle' same "$T/piece" dd if="$M/1/pagetable" bs=1000003 skip=17 count=1
tail -c 100000 "$T/whole" >"$T/piece"
ok 'and the end' same "$T/piece" tail -c 100000 "$M/1/pagetable"
is "$(wc -c <"$M/1/pagetable")" "$(wc -c <"$T/whole")" 'wc -c counts all'
"$TOOL" session "$M/1/pagetable" >"$T/session" <<EOF
0 read 100
0 seek 20000000
0 read 100
0 seek 100
0 read 100
0 seek 0
0 read 300
EOF
{
	head -c 100 "$T/whole"
	tail -c +20000001 "$T/whole" | head -c 100
	tail -c +101 "$T/whole" | head -c 100
	head -c 300 "$T/whole"
} >"$T/piece"
ok 'forwards and backwards on one open file' cmp "$T/session" "$T/piece"

# Each of them would take 30 MB.
before=$(memory)
hold many "$M/1/pagetable" 40
is "$(cat "$T/many.held")" 40 '40 readers of it at a time'
cheap 100 'which cost no 100 MiB'
release

# --- The budget -------------------------------------------------------------------------------

# A process with areas enough for some 200 KiB of maps: it is kept whole.
ctl "$M" spawn >/dev/null
i=0
while [ $i -lt 2000 ]; do
	echo "mmap 0x$((20 + i))000000 4K r-- private,anon,fixed"
	i=$((i + 1))
done | ctl "$M/2" >/dev/null
before=$(memory)
hold maps "$M/2/maps" 4000
like "$(cat "$T/maps.held")" '^4000$' '4000 readers of 120 KiB'
cheap 100 'which cost no 100 MiB'
release

# Results that nobody reads
hold_results() {
	for fd in 3 4 5 6 7 8; do
		eval "exec $fd<>'$M/1/ctl'"
		yes "mincore $a 16M" | head -n 300 >&$fd
	done
}
(
	hold_results
	IFS= read -r line <&8
	echo "$line" >"$T/line"
)
like "$(cat "$T/line")" '^# [0-9]* older lines were lost|^0*$' 'and the oldest go first'

if is_root; then
	as_other "$VASCTL" "$M" spawn >/dev/null
	# Whoever takes all leaves half to the next one.
	hold greedy "$M/README" 100000
	like "$(cat "$T/greedy.held")" '^[0-9]+ ENOMEM$' 'who opens ever more is refused'
	is "$(as_other cat "$M/3/comm")" spawn 'while others read'
	like "$(as_other ls "$M/3")" '^maps$' 'and list'
	answers "$a" 'and root works' "$M/1" mmap "$a" 4K r-- private,anon,fixed
	release
else
	skip 'needs root' 'two users'
fi
is "$(cat "$M/1/comm")" spawn 'in the end all is as before'
stop_mount
done_testing
