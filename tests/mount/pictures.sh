# The pictures and pages: well-formed whatever the names are, the same for the same scene, bounded,
# and what they show is what the text files say. A browser looks at them in browser.sh.
# shellcheck disable=SC2002 # the size of what cat reads is not that of stat
. "$(dirname "$0")/lib.sh"

pictures='index.html frames.svg'
inner='index.html map.svg pagetable.svg'

# well_formed WHAT FILE...: each FILE is XML
well_formed() {
	_what=$1
	shift
	if command -v xmllint >/dev/null; then
		ok "$_what" xmllint --noout --nonet "$@"
	else
		skip 'there is no xmllint' "$_what"
	fi
}

# all_files: the names of all pictures of the mount
all_files() {
	for _file in $pictures; do
		printf '%s\n' "$M/$_file"
	done
	for _pid in $(cd "$M" && echo [0-9]*); do
		for _file in $inner; do
			printf '%s\n' "$M/$_pid/$_file"
		done
	done
}

# count PATTERN FILE: how often it stands there
count() {
	grep -o -e "$1" "$2" | wc -l
}

# lines of pagetable in the lower half with PATTERN
entries() {
	grep '^0' "$M/$1/pagetable" | grep -c -e "$2"
}

# A program with pages of all states, its child, and hostile names.
scene() {
	evil=$(printf '%s/<script>alert(1)< & "x" \001\033[2J\377\302\205\342\200\256' "$T")
	printf hello >"$evil"
	ctl "$M" exec /bin/true >/dev/null
	area=$(ctl "$M/1" mmap 0x20000000 64K rw- private,anon,fixed)
	ctl "$M/1" access w "$area" 24K >/dev/null
	ctl "$M/1" access r "$(plus "$area" 32768)" 8K >/dev/null
	ctl "$M/1" madvise "$(plus "$area" 49152)" 4K guard_install >/dev/null
	ctl "$M/1" mmap 0x30000000 8K rw- private,anon,fixed,locked >/dev/null
	ctl "$M" reclaim 6 >/dev/null
	ctl "$M/1" fork >/dev/null
	ctl "$M/2" access w "$area" 8K >/dev/null
	ctl "$M" spawn '<script>alert("&' >/dev/null
	ctl "$M/3" mmap 0x40000000 8K rw- shared,fixed "$evil" >/dev/null
	ctl "$M/3" access r 0x40000000 >/dev/null
	printf '\001\377<b1>' >"$M/2/comm"
}

start_mount -o ram=8M -o clock=1000000000
scene

# --- The files --------------------------------------------------------------------------------

for file in $(all_files); do
	short=${file#"$M"/}
	is "$(stat -c %a "$file")" 444 "$short can be read by all"
	is "$(stat -c %s "$file")" "$(cat "$file" | wc -c)" "$short has its size"
done
# shellcheck disable=SC2046 # names without blanks
well_formed 'all are well-formed, whatever the names are' $(all_files)
# shellcheck disable=SC2046 # names without blanks
is "$(cat $(all_files) | grep -c -e '<script>a' -e '<b1>')" 0 'no name is taken for markup'
# shellcheck disable=SC2046 # names without blanks
is "$(cat $(all_files) | tr -d '\t\n\040-\176' | sed 's/…//g' | wc -c)" 0 \
	'no control character, nor what is no UTF-8, gets through'
like "$(cat "$M/3/map.svg")" '&lt;script&gt;alert\(1\)&lt; &amp; &quot;x&quot; \\001\\033' \
	'a hostile name is shown as text'
like "$(cat "$M/3/map.svg")" '\\377\\302\\205\\342\\200\\256' 'its other bytes in octal'
like "$(cat "$M/index.html")" '>&lt;script&gt;alert' 'so is the name of a process'
for file in $pictures; do
	unlike "$(cat "$M/$file")" '(href|src)=.(https?:|//)' "$file stands alone"
done

# --- What they say ----------------------------------------------------------------------------

map=$M/1/map.svg
is "$(count "class='area'" "$map")" "$(wc -l <"$M/1/maps")" 'map.svg has a strip for each area'
wrong=
while IFS=' -' read -r start end rest; do
	grep -q "maps#:~:text=$start%2D$end'" "$map" || wrong=$start
done <"$M/1/maps"
is "$wrong" '' 'each leads to its line of maps'
# square STATE: how many squares of a page are in it
square() {
	count "class='s-$1' href='#s-$1' x='[0-9]*' y='[0-9]*' data-k" "$map"
}
is "$(square swapped)" "$(entries 1 ' swap ')" 'as many squares are swapped out as pagetable says'
is "$(square zero)" "$(entries 1 ' zero')" 'zero pages'
is "$(square guard)" "$(entries 1 ' guard ')" 'guard pages'
is "$(square locked)" "$(entries 1 LOCKED)" 'locked'
is "$(square cow)" "$(entries 1 '^[^L]* cow')" 'and copy-on-write, if not locked as well'
ok 'there are some of each' test "$(square swapped)" -gt 0 -a "$(square cow)" -gt 0 -a \
	"$(square zero)" -gt 0 -a "$(square guard)" -gt 0 -a "$(square locked)" -gt 0
frame=$(note pfn "$(entry 1 0x20000000 PTE)")
like "$(cat "$map")" "20000000 [a-z, -]*, frame $frame" 'hovering shows address and frame'
for word in untouched 'file page not read' 'resident, clean' 'resident, dirty' \
	'shared with others' copy-on-write 'swapped out' 'zero page' locked 'guard page'; do
	like "$(cat "$map")" ">$word</text>" "the legend has: $word"
done
like "$(cat "$map")" 'gap of .*iB' 'gaps are folded and say their size'

is "$(count "class='table'" "$M/1/pagetable.svg")" \
	$(($(entries 1 ' table ') + 1)) 'pagetable.svg has each table once'
like "$(cat "$M/1/pagetable.svg")" 'PGD\[[0-9]*\] of 2 ' 'a shared one with its other parents'
is "$(count "data-p='[0-9]" "$M/frames.svg")" \
	"$(sed 1d "$M/frames" | grep -vc ' free$')" 'frames.svg has a square for each frame in use'
like "$(cat "$M/frames.svg")" "the hand is at frame $(awk '$1 == 1 { print $2 }' "$M/queue")," \
	'and where the hand is'
is "$(count 'data-pid=' "$M/index.html")" 3 'index.html has a row for each process'
is "$(grep -o "data-seq='[0-9]*" "$M/index.html" | head -n 1)" \
	"data-seq='$(cat "$M"/[0-9]*/faults | cut -d ' ' -f 1 | sort -n | tail -n 1)" \
	'and begins with the last fault'
is "$(grep -o "data-seq='[0-9]*" "$M/1/index.html" | cut -d "'" -f 2)" \
	"$(cut -d ' ' -f 1 "$M/1/faults" | tac)" 'the page of a process has its faults'
like "$(cat "$M/1/index.html")" ">heap</th><td>1</td><td>132 KiB</td>" 'and sums by kind'
like "$(cat "$M/1/index.html")" \
	">anonymous</th><td>[0-9]+</td><td>[0-9]+ KiB</td><td>[0-9]+ KiB</td>" 'and what is there'

# --- One picture ------------------------------------------------------------------------------

cat "$map" >"$T/before"
exec 5<"$map"
ctl "$M/1" mmap 0x50000000 64K rw- private,anon,fixed >/dev/null
cat <&5 >"$T/opened"
exec 5<&-
ok 'a picture is of the moment when it was opened' cmp "$T/before" "$T/opened"
like "$(cat "$map")" 'text=50000000%2D' 'the next one has what came'
ctl "$M/3" exit >/dev/null
refused 'a process that ended has none' cat "$M/3/map.svg"
mkdir "$T/first"
cp "$M/index.html" "$M/frames.svg" "$M/1/map.svg" "$M/1/pagetable.svg" "$T/first"
cp "$M/1/index.html" "$T/first/process.html"
stop_mount

start_mount -o ram=8M -o clock=1000000000
scene
ctl "$M/1" mmap 0x50000000 64K rw- private,anon,fixed >/dev/null
ctl "$M/3" exit >/dev/null
for file in index.html frames.svg; do
	ok "$file is the same for the same scene" cmp "$M/$file" "$T/first/$file"
done
for file in map.svg pagetable.svg; do
	ok "$file too" cmp "$M/1/$file" "$T/first/$file"
done
ok 'and the page of a process' cmp "$M/1/index.html" "$T/first/process.html"
stop_mount

# --- Much -------------------------------------------------------------------------------------

# small FILE: below 1 MB, and says what is folded
small() {
	_size=$(cat "$M/$1" | wc -c)
	ok "$1 with much in it has $_size bytes" test "$_size" -gt 1000 -a "$_size" -lt 1000000
	like "$(cat "$M/$1")" "$2" "$1 says what it is short of"
}
areas=$(fewer 60000 6000) processes=$(fewer 3000 300)
start_mount -o ram=1G
ctl "$M" spawn many >/dev/null
awk -v n="$areas" 'BEGIN {
	for (i = 0; i < n; i++)
		printf "mmap 0x%x 4K r%s- private,anon,fixed\n", 2^28 + i * 4096, i % 2 ? "-" : "w"
	for (i = 0; i < n; i += 2)
		printf "access w 0x%x\n", 2^28 + i * 4096
}' >"$T/commands"
ctl "$M/1" <"$T/commands" >/dev/null
small 1/map.svg 'areas, folded'
small 1/index.html 'areas, folded'
small frames.svg 'A square is [0-9]+ frames'
like "$(cat "$M/1/map.svg")" "$((areas / 1000)),00[0-9] areas, " 'it counts all areas'
ctl "$M" spawn large >/dev/null
ctl "$M/2" mmap 0x100000000 512M rw- private,anon >/dev/null
ctl "$M/2" access w 0x100000000 "$(fewer 256M 64M)" >/dev/null
small 2/map.svg 'a square: [0-9.]+ [KM]iB'
small 2/pagetable.svg 'more tables, folded|Folded: '
awk -v n="$processes" 'BEGIN { for (i = 0; i < n; i++) print "spawn p" i }' >"$T/commands"
ctl "$M" <"$T/commands" >/dev/null
small index.html 'Folded: [0-9,]+ more processes'
# shellcheck disable=SC2086 # names
well_formed 'and all of it is well-formed' "$M/index.html" "$M/frames.svg" "$M/1/index.html" \
	"$M/1/map.svg" "$M/1/pagetable.svg" "$M/2/index.html" "$M/2/map.svg"
stop_mount

# --- Few --------------------------------------------------------------------------------------

start_mount -o ram=16K
well_formed 'a machine without processes has pictures' "$M/index.html" "$M/frames.svg"
is "$(count '>free<' "$M/frames.svg")" 5 'four free frames, and the word in the legend'
like "$(cat "$M/frames.svg")" 'no page can be replaced yet' 'and no page in the queue'
ctl "$M" spawn >/dev/null
ctl "$M/1" munmap stack 132K >/dev/null
well_formed 'a process without memory too' "$M/1/index.html" "$M/1/map.svg" "$M/1/pagetable.svg"
stop_mount

# --- Other users ------------------------------------------------------------------------------

if is_root; then
	start_mount -o allow_other -o ram=8M
	printf secret >"$T/secret-name"
	ctl "$M" spawn >/dev/null
	ctl "$M/1" mmap 0x12340000 4K rw- shared,fixed "$T/secret-name" >/dev/null
	ctl "$M/1" access w 0x12340000 >/dev/null
	as_other "$VASCTL" "$M" spawn >/dev/null
	for file in $inner; do
		refused "others cannot open $file" as_other cat "$M/1/$file"
		ok "but that of their own" as_other cat "$M/2/$file"
	done
	as_other cat "$M/index.html" "$M/frames.svg" >"$T/seen"
	is "$(grep -c -e 12340000 -e secret "$T/seen")" 0 \
		'and find neither addresses nor names in those of the machine'
	like "$(cat "$T/seen")" "another user's" 'which say so'
	like "$(cat "$M/frames.svg")" 'at 12340000' 'as root does'
	stop_mount
else
	skip 'needs root' 'other users'
fi
done_testing
