# The examples run, show what they announce, and leave nothing behind.
. "$(dirname "$0")/lib.sh"
examples=$(cd "$(dirname "$0")/../../examples" && pwd)
shell=$(readlink "/proc/$$/exe")
TMPDIR=$T
export TMPDIR
mkdir "$T/scratch"

# leaves_nothing NAME: the example left no mount and no folder
leaves_nothing() {
	is "$(grep -c " $T/" /proc/self/mountinfo)" 0 "$1 leaves no mount"
	is "$(find "$T" -mindepth 1 -maxdepth 1 -name 'vasfs-*' | head -n 3)" '' \
		"$1 leaves no folder"
}

"$shell" "$examples/tour.sh" >"$T/tour" 2>"$T/stderr"
is $? 0 'tour.sh ends well'
tour=$(cat "$T/tour")
like "$tour" '55555555[0-9a-f]+-[0-9a-f]+ r-xp .*/ls$' 'tour.sh shows the maps of ls'
like "$tour" '^[0-9a-f]+  7f 45 4c 46 02 01 01 .*\|\.ELF' 'and its ELF header'
like "$tour" ' major file-read | minor page-cache ' 'read by demand paging'
like "$tour" '^[0-9a-f]{16} PTE ' 'and the walk'
like "$tour" 'users=2' 'a fork that shares'
like "$tour" 'cow-copy' 'until one side writes'
leaves_nothing tour.sh

"$shell" "$examples/cow.sh" >"$T/cow" 2>"$T/stderr"
is $? 0 'cow.sh ends well'
like "$(cat "$T/cow")" 'cow-copy' 'cow.sh shows a copy'
like "$(cat "$T/cow")" 'cow-reuse' 'and a page that needs none'
leaves_nothing cow.sh

"$shell" "$examples/shared-private.sh" >"$T/shared" 2>"$T/stderr"
is $? 0 'shared-private.sh ends well'
leaves_nothing shared-private.sh

"$shell" "$examples/belady.sh" >"$T/belady" 2>"$T/stderr"
is $? 0 'belady.sh ends well'
like "$(cat "$T/belady")" '^fifo +9 +10 ' "belady.sh shows Belady's anomaly"
like "$(cat "$T/belady")" '^lru +10 +8 ' 'that LRU does not have'
like "$(cat "$T/belady")" '^clock +14 ' 'and what CLOCK does'
leaves_nothing belady.sh

"$shell" "$examples/thrash.sh" >"$T/thrash" 2>"$T/stderr"
is $? 0 'thrash.sh ends well'
like "$(cat "$T/thrash")" '^ +64 +[0-9]+ +0 +[0-9]% #+$' \
	'thrash.sh shows no swapping where memory is enough'
like "$(cat "$T/thrash")" '^ +1 +[0-9]+ +[0-9]+ +9[0-9]% #{45,}$' 'and thrashing where it is not'
leaves_nothing thrash.sh

"$shell" "$examples/swap.sh" >"$T/swap" 2>"$T/stderr"
is $? 0 'swap.sh ends well'
like "$(cat "$T/swap")" ' swap 0x[0-9a-f]+ slot=' 'swap.sh shows a page in swap'
like "$(cat "$T/swap")" ' major swap-in ' 'that comes back'
leaves_nothing swap.sh

for size in 0 1 4095 4096 4097 300000; do
	head -c $size /dev/urandom >"$T/file"
	ok "mmapcopy.sh copies a file of $size bytes" sh -c \
		"'$shell' '$examples/mmapcopy.sh' '$T/file' | cmp - '$T/file'"
done
refused 'mmapcopy.sh says when there is no file' "$shell" "$examples/mmapcopy.sh" "$T/none"
leaves_nothing mmapcopy.sh

# Interrupt the tour in the middle: it waits for a reader that never comes.
mkfifo "$T/pipe"
"$TOOL" daemon "$T/interrupted" "$shell" -c \
	"exec '$shell' '$examples/tour.sh' >'$T/pipe' 2>/dev/null &" </dev/null
exec 5<"$T/pipe"
read -r _ <&5
eventually 10 grep -q " $T/" /proc/self/mountinfo
kill -INT "$(cat "$T/interrupted.pid")"
exec 5<&-
"$TOOL" reap "$T/interrupted" >/dev/null
leaves_nothing 'an interrupted tour'
done_testing
