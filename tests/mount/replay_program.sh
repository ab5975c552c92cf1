# vasfs-replay: traces in, tables out. It needs no mount.
. "$(dirname "$0")/lib.sh"
: "${REPLAY:?}"

# replay OPTIONS: of the trace in standard input
replay() {
	"$REPLAY" "$@" -
}

# status COMMAND...: how it ends; what it prints goes to $T/out, and $T/err
status() {
	"$@" >"$T/out" 2>"$T/err" && echo 0 || echo $?
}

# cell POLICY SIZE: the faults in the table in standard input
cell() {
	awk -v policy="$1" -v size="$2" '
		$1 == "faults" { for (i = 2; i <= NF; i++) if ($i == size) column = i }
		$1 == "miss-ratio" { exit }
		$1 == policy { print $column }'
}

# A trace of 4000 accesses to 59 pages, some more often than others, the same in each run.
awk 'BEGIN {
	for (x = 1; i++ < 4000; ) {
		x = (x * 1103 + 12345) % 65536
		page = int((x % 61) * (x % 97) / 97)
		print (x % 3 == 0 ? " S" : " L") sprintf(" %x,8", 67108864 + page * 4096 + (x % 4090))
	}
}' >walk.lackey

# --- Tables -----------------------------------------------------------------------------------

belady='1 2 3 4 1 2 5 1 2 3 4 5'
is "$(echo "$belady" | replay --policy lru,fifo,opt --frames 3,4)" \
	'# -: pages, 12 references, 12 accesses to pages
faults   3   4
lru     10   8
fifo     9  10
opt      7   6

miss-ratio         3         4
lru         0.833333  0.666667
fifo        0.750000  0.833333
opt         0.583333  0.500000' 'a table: a row a policy, a column a size'
is "$(echo 7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1 | replay -p opt -n 3 | cell opt 3)" 9 \
	'opt with the string of a textbook'
is "$(echo 1 | replay | sed -n 2p)" 'faults  4  8  16  32  64  128  256' 'sizes without --frames'
is "$(echo 1 | replay | sed -n '3,5s/ .*//p' | tr '\n' ' ')" 'clock lru opt ' 'and policies'
is "$(echo 1 | replay -n 3-20,9 | sed -n 2p)" 'faults  3  6  9  12  20' 'a range doubles'
is "$(echo 'r 0xffe 4' | replay -p lru,opt -n 1 | cell lru 1)" 2 'an access to two pages is two'
is "$(echo 'r 0xffe 4' | replay -p lru,opt -n 1 | cell opt 1)" 2 'also for opt'
is "$(printf '' | replay -p lru -n 4 | head -n 3)" '# -: empty, 0 references, 0 accesses to pages
faults  4
lru     0' 'an empty trace'
is "$(echo 1 | replay -n 1 -p all | awk '/^miss/ { exit } NR > 2 && NF { print $1 }' | sort)" \
	"$( ("$REPLAY" -p nonsense - 2>&1) | sed -n 's/.*there are \(.*\), and all/\1/p' |
		tr -d ' ' | tr ',' '\n' | sort)" 'all is every policy'
is "$("$REPLAY" -n 4 -p lru walk.lackey walk.lackey | grep -c '^# walk.lackey: lackey, 4000 ')" 2 \
	'a table for each trace'

# --- Curves -----------------------------------------------------------------------------------

"$REPLAY" --curve --output csv walk.lackey >curve.csv
is "$(cut -d , -f 2 curve.csv | sort | uniq -c | awk '{ print $1, $2 }' | tr '\n' ' ')" \
	'59 lru 59 opt 1 policy ' 'with --curve every size, of lru and opt'
sizes=$(seq -s , 1 59)
is "$("$REPLAY" -p lru -n "$sizes" -o csv walk.lackey | awk -F , '{ print $2, $3, $6, $7 }')" \
	"$(awk -F , '$2 != "opt" { print $2, $3, $6, $7 }' curve.csv)" \
	'the curve of lru equals the runs one by one'
is "$("$REPLAY" -p opt -n "$sizes" -o csv walk.lackey)" "$(grep -v ,lru, curve.csv)" \
	'the curve of opt equals the policy opt'
is "$(awk -F , '$2 == last && $6 > faults { print } { last = $2; faults = $6 }' curve.csv)" '' \
	'no curve rises'
is "$(awk -F , '$2 == "lru" { lru[$3] = $6 } $2 == "opt" && $6 > lru[$3] { print }' curve.csv)" '' \
	'opt is never above lru'
is "$("$REPLAY" -c -p lru -o csv walk.lackey)" "$(grep -v ,opt, curve.csv)" 'only lru, if asked'
is "$("$REPLAY" -c -p clock -n 8,16 walk.lackey | awk '{ print $1 }' | head -n 5 | tr '\n' ' ')" \
	'# faults lru opt clock ' 'other policies beside the curves'
is "$("$REPLAY" -c walk.lackey | sed -n 2p | tr -s ' ')" 'faults 1 2 4 8 16 32 59' \
	'the sizes of a table of curves'

# --- Forms ------------------------------------------------------------------------------------

is "$(echo '# x
1w 2 3 1' | replay -p lru,opt -n 2 -o csv)" \
	'trace,policy,frames,references,pages,faults,miss_ratio,minor,major,evicted_clean,evicted_dirty,tlb_hits,tlb_misses
-,lru,2,4,4,4,1.000000000,3,1,1,1,0,4
-,opt,2,4,4,3,0.750000000,,,,,,' 'CSV'
echo '1 2' >'a,"b"&<c>'
is "$("$REPLAY" -p opt -n 2 -o csv 'a,"b"&<c>' | tail -n 1)" \
	'"a,""b""&<c>",opt,2,2,2,2,1.000000000,,,,,,' 'CSV with a name that needs quotes'
"$REPLAY" -c -p clock,lru,opt -o json walk.lackey 'a,"b"&<c>' >out.json
"$REPLAY" -c -p clock,lru,opt -o svg walk.lackey 'a,"b"&<c>' >out.svg
if command -v python3 >/dev/null; then
	is "$(python3 -c 'import json
for t in json.load(open("out.json"))["traces"]:
    print(t["trace"], t["format"], t["references"], [p["policy"] for p in t["policies"]],
          t["policies"][0]["sizes"][1]["faults"])')" "walk.lackey lackey 4000 ['lru', 'opt', 'clock'] \
$(awk -F , '$2 == "lru" && $3 == 2 { print $6 }' curve.csv)
a,\"b\"&<c> pages 2 ['lru', 'opt', 'clock'] 2" 'JSON'
	is "$(python3 -c 'import xml.dom.minidom
svg = xml.dom.minidom.parse("out.svg").documentElement
print(svg.tagName, len(svg.getElementsByTagName("polyline")))
print(svg.getElementsByTagName("text")[-1].firstChild.data)')" 'svg 6
clock a,"b"&<c>' 'the picture is XML, with a line for each policy and trace'
fi
like "$(cat out.svg)" 'prefers-color-scheme:dark' 'it has colours for the dark'
is "$(for n in 1 2 3 4 5 6; do grep -c "class=\"c$((n - 1))\"" out.svg; done | tr '\n' ' ')" \
	'2 2 2 2 2 2 ' 'each line has a style of its own, and stands in the legend'
like "$("$REPLAY" -o svg -n 4 /dev/null)" '</svg>$' 'a picture of nothing'

# --- Where traces come from -------------------------------------------------------------------

want=$("$REPLAY" -n 4,9 walk.lackey | tail -n +2)
is "$(replay -n 4,9 <walk.lackey | tail -n +2)" "$want" 'standard input'
for pair in xz:xz zst:zstd gz:gzip; do
	suffix=${pair%:*} program=${pair#*:}
	command -v "$program" >/dev/null || continue
	"$program" -c <walk.lackey >"walk.$suffix"
	is "$("$REPLAY" -n 4,9 "walk.$suffix" | tail -n +2)" "$want" "through $program"
	head -c 300 "walk.$suffix" >"cut.$suffix"
	is "$(status "$REPLAY" "cut.$suffix")" 1 "a file that $program cannot read to its end"
	like "$(cat err)" "^vasfs-replay: cut.$suffix: $program failed with status [1-9]" \
		'is an error, which names it'
	isnt "$(head -n 1 err)" "$(tail -n 1 err)" 'and the program says what is wrong with the file'
	is "$(wc -c <out)" 0 'and nothing is printed'
done
is "$(status "$REPLAY" nowhere.xz)$(cat err)" \
	'1vasfs-replay: nowhere.xz: cannot open it: No such file or directory' 'no such file'
is "$(PATH=/nowhere status "$REPLAY" walk.xz)" 1 'no program to decompress it'
is "$(status "$REPLAY" "$T")$(cat err)" "1vasfs-replay: $T: cannot read it: Is a directory" \
	'a directory'
is "$(status "$REPLAY" /dev/full </dev/null)" 1 'a file that has no end is read no further than a line'

# --- Wrong lines ------------------------------------------------------------------------------

printf 'r 1\n# fine\n\nw 0x1000 4\nhello\nr 2\n' >wrong
is "$(status "$REPLAY" wrong)" 1 'a line that is no reference ends it'
is "$(cat err)" 'vasfs-replay: wrong: line 5: expected `r ADDR [LEN]`, `w ADDR [LEN]` or `x ADDR [LEN]`, decimal or 0x hex, found `hello`' \
	'with the number of the line, and what was expected'
is "$(status "$REPLAY" -j 3 wrong)" 1 'also with threads'
is "$(status "$REPLAY" -n 4 -p opt walk.lackey wrong walk.lackey)$(grep -c '^#' out)" 11 \
	'the traces before it are printed, and no other'
is "$(status "$REPLAY" --format pages walk.lackey)" 1 'a format that the trace does not have'
is "$("$REPLAY" --format lackey -p lru -n 4 walk.lackey)" \
	"$("$REPLAY" -p lru -n 4 walk.lackey)" 'and the one that it has'

# --- Threads ----------------------------------------------------------------------------------

for form in table csv json svg; do
	for jobs in 2 3 40; do
		"$REPLAY" -c -p clock,random,fifo -j $jobs -o $form walk.lackey >jobs.$jobs
	done
	ok "$form: the same bytes with any number of threads" \
		sh -c '"$0" -c -p clock,random,fifo -j 1 -o "$1" walk.lackey |
			tee jobs.1 | cmp - jobs.2 && cmp jobs.1 jobs.3 && cmp jobs.1 jobs.40' \
		"$REPLAY" $form
done

# --- The command line -------------------------------------------------------------------------

is "$("$REPLAY" --help | awk 'length > 79')" '' 'the help fits 80 columns'
like "$("$REPLAY" --version)" '^vasfs-replay [0-9]' '--version'
# wrong TEXT OPTIONS: they are refused with exit status 2 and TEXT
wrong() {
	_text=$1
	shift
	is "$(status "$REPLAY" "$@")$(head -n 1 err)" "2vasfs-replay: $_text" "wrong: $*"
}
wrong 'no trace is given; `-` is standard input' -n 4
wrong 'there is no option --nonsense' --nonsense walk.lackey
wrong '--frames needs a value' walk.lackey --frames
wrong 'a number of frames must be 1 to 2147483648, not `0`' -n 0 walk.lackey
wrong 'a number of frames must be 1 to 2147483648, not ``' -n 4, walk.lackey
wrong '--frames needs a number of frames' -n '' walk.lackey
wrong '--policy needs the name of a policy' --policy= walk.lackey
wrong '8-4 runs downwards' -n 8-4 walk.lackey
wrong '--jobs must be 1 to 1024, not `x`' -j x walk.lackey
wrong '--tlb must be SETSxWAYS, at most 65536 entries, or 0, not `4x`' -t 4x walk.lackey
wrong '--output must be table, csv, json or svg, not `xml`' -o xml walk.lackey
wrong 'there is no format `x`; there are lackey, access, spec, din, pin, pages' -f x walk.lackey
is "$(status sh -c '"$0" walk.lackey >/dev/full' "$REPLAY")" 1 'results that cannot be written'
is "$(status sh -c '"$0" --help >/dev/full' "$REPLAY")" 1 'nor can the help'

done_testing
