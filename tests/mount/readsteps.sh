# Text files show one consistent state, however a reader splits its reads.
. "$(dirname "$0")/lib.sh"
start_mount
ctl "$M" exec /bin/ls >/dev/null
ctl "$M" spawn >/dev/null
a=$(ctl "$M/2" mmap 0 80M rw- private,anon)
ctl "$M/2" mmap "$a" 80M rw- private,anon,fixed,populate >/dev/null

for file in 1/maps 1/status 1/stat 1/auxv 1/pagetable meminfo README; do
	cat "$M/$file" >"$T/whole"
	size=$(wc -c <"$T/whole")
	case $file in
	meminfo | 1/stat) steps="$((size - 1)) $((size + 1))" ;;
	*) steps="1 7 4096 $((size - 1)) $size $((size + 1))" ;;
	esac
	for step in $steps; do
		"$TOOL" steps "$M/$file" "$step" >"$T/stepped"
		ok "$file, $step bytes at a time" cmp "$T/whole" "$T/stepped"
	done
	is "$("$TOOL" random "$M/$file" 7)" same "$file, at random offsets"
done

file=$M/2/pagetable
cat "$file" >"$T/whole"
size=$(wc -c <"$T/whole")
ok 'a table above 1 MiB' test "$size" -gt 1048576
for step in 1000 4096 65536 1048576 $((size - 1)) $size $((size + 1)); do
	"$TOOL" steps "$file" "$step" >"$T/stepped"
	ok "a large file, $step bytes at a time" cmp "$T/whole" "$T/stepped"
done
is "$("$TOOL" random "$file" 11)" same 'a large file, at random offsets'
is "$(tail -n 1 "$file")" "$(tail -n 1 "$T/whole")" 'tail'
is "$(wc -l <"$file")" "$(wc -l <"$T/whole")" 'wc'
ok 'cp copies it' sh -c "cp '$file' '$T/copy' && cmp '$T/copy' '$T/whole'"
is "$(grep -c PTE "$file")" "$(grep -c PTE "$T/whole")" 'grep'
is "$(sort "$file" | md5sum)" "$(sort "$T/whole" | md5sum)" 'sort'
is "$(head -c 100 "$file")" "$(head -c 100 "$T/whole")" 'head'

# --- Changes while it is read -----------------------------------------------------------------

cat "$M/1/maps" >"$T/before"
"$TOOL" session "$M/1/maps" >"$T/mixed" <<END
0 read 100
run $VASCTL $M/1 mmap 0x10000000 4K rw- private,anon,fixed >/dev/null
0 read 100
1 read 10
run $VASCTL $M/1 mmap 0x20000000 4K rw- private,anon,fixed >/dev/null
0 rest
END
{
	head -c 200 "$T/before"
	printf '10000000-1'
	tail -c +201 "$T/before"
} >"$T/wanted"
ok 'a handle keeps the state that it was opened in; another has its own' cmp "$T/wanted" "$T/mixed"

"$TOOL" session "$M/1/maps" >"$T/mixed" <<END
0 rest
run $VASCTL $M/1 munmap 0x10000000 4K >/dev/null
0 rest
say --
0 seek 0
0 rest
END
is "$(sed '1,/^--/d' "$T/mixed")" "$(cat "$M/1/maps")" \
	'a read from the start shows the present state'
ok 'before it there was the old one' grep -q '^10000000-' "$T/mixed"

"$TOOL" session "$M/2/maps" >"$T/mixed" <<END
0 read 5
1 read 7
0 read 6
1 rest
0 rest
END
whole=$(cat "$M/2/maps")
is "$(cat "$T/mixed")" \
	"$(printf '%.5s' "$whole")$(printf '%.7s' "$whole")$(printf '%.11s' "$whole" | tail -c 6)$(
	printf '%s\n' "$whole" | tail -c +8
	printf '%s\n' "$whole" | tail -c +12
)" 'two handles interleaved'

is "$("$TOOL" session "$M/meminfo" <<END | grep -c MemTotal
0 read 8191
0 seek 0
0 read 8191
0 seek 0
0 read 8191
END
)" 3 'as procps reads: open once, rewind, one read'
is "$("$TOOL" pread "$M/1/maps" 10000000 100)" '' 'beyond the end there is nothing'

stop_mount
done_testing
