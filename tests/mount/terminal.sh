# Names that users choose never reach a terminal as commands to it: control characters are escaped
# in every text file and in what ctl answers.
. "$(dirname "$0")/lib.sh"
escape=$(printf '\033[31m')
csi=$(printf '\302\233')
newline='
'
name="a${escape}b$csi"
# raw FILE: how many control characters it has, besides tabs and newlines; U+009B is two bytes
raw() {
	od -An -v -tx1 <"$1" | tr -d '\n' | grep -Eo ' (0[0-8bcef]|1.|7f|c2 9b)( |$)' | wc -l
}

mkdir "$T/$name"
dir=$T/$name/$newline
mkdir "$dir"
head -c 8192 /dev/zero >"$dir/file"
cp /bin/true "$dir/$name"
start_mount -o ram=1M,swapsize=0
cat "$M/events" >"$T/events" &
reader=$!
ok 'a process with such a name' ctl "$M" spawn "$name"
# vasctl takes no newline in a word, so paths are relative.
cd "$dir" || exit 1
p=$(ctl "$M/1" mmap 0 8K rw- shared file)
ctl "$M/1" open file >/dev/null
ctl "$M/1" access w "$p" >"$T/answer"
ctl "$M" exec "./$name" "$name" >/dev/null
ctl "$M" exec "./$name$name" 2>"$T/error"
cd "$T" || exit 1
ctl "$M/1" "$name" 2>>"$T/error"
ctl "$M/1" mmap "$name" 4K "$name" "$name" 2>>"$T/error"

for pid in 1 2; do
	for file in comm ctl faults limits maps pagetable smaps smaps_rollup stat statm status \
		tlb; do
		is "$(raw "$M/$pid/$file")" 0 "$pid/$file"
	done
done
for file in README cpuinfo ctl frames loadavg meminfo mounts objects stat swaps uptime version \
	vmstat; do
	is "$(raw "$M/$file")" 0 "$file"
done
is "$(raw "$T/answer") $(raw "$T/error")" '0 0' 'the answers of commands'
# The reader may not have opened it before the first of these.
seen() {
	(cd "$dir" && ctl "$M/2" exec "./$name" >/dev/null)
	grep -q ' file=.*\\033' "$T/events"
}
ok 'events show the file' eventually 60 seen
is "$(raw "$T/events")" 0 'escaped'
kill $reader
wait $reader 2>/dev/null

like "$(cat "$M/1/status")" '^Name:	a\\033\[31mb\\302\\233$' 'status has the name'
is "$(cat "$M/1/comm")" 'a\033[31mb\302\233' 'comm, too'
like "$(cat "$M/1/stat")" '^1 \(a\\033\[31mb\\302\\233\) S ' 'and stat'
"$TOOL" write "$M/1/comm" 'x\ny\\z' >/dev/null
like "$(cat "$M/1/status")" '^Name:	x\\ny\\\\z$' 'a newline and a backslash as in the kernel'
is "$(cat "$M/1/comm")" 'x\012y\z' 'a name is one line'
like "$(cat "$M/1/maps")" '/a\\033\[31mb\\302\\233/\\012/file$' 'maps has the path'
is "$(readlink "$M/1/fd/0")" "$dir/file" 'a link leads where it should'
printf 'ä€' >"$M/1/comm"
is "$(cat "$M/1/comm")" 'ä€' 'letters stay letters'

stop_mount
done_testing
