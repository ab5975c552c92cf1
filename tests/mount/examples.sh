# The examples run, print what is written down, and leave nothing behind. policy.sh, which builds
# vasfs, has a test of its own.
. "$(dirname "$0")/lib.sh"
tests=$(cd "$(dirname "$0")/.." && pwd)
examples=$(dirname "$tests")/examples
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

# shellcheck disable=SC2046 # a list of words
for name in tour protection stack malloc cow shared-private sigbus madvise tlb swap overcommit \
	belady thrash $(fewer replay ''); do
	ok "$name.sh prints its transcript" "$shell" "$tests/transcripts.sh" $name
	leaves_nothing $name.sh
done
# Without a virtual CPU run.sh says why, and that is all.
start_mount
if "$VASCTL" "$M" run /bin/true >/dev/null 2>&1; then
	stop_mount
	ok 'run.sh prints its transcript' "$shell" "$tests/transcripts.sh" run
	leaves_nothing run.sh
else
	stop_mount
	skip 'nothing can run here' 'run.sh prints its transcript'
fi
ok 'README.md shows what one gets' "$shell" "$tests/transcripts.sh" README
leaves_nothing README.md

# An example that is installed finds the program tiny beside it, and vasfs in the path.
mkdir "$T/installed"
cp "$examples"/*.sh "$examples/tiny.c" "$(dirname "$VASFS")/../examples/tiny" "$T/installed"
PATH=$(dirname "$VASFS"):$PATH VASFS='' "$shell" "$T/installed/protection.sh" >"$T/output" 2>&1
is $? 0 'an installed example runs'
PATH=$(dirname "$VASFS"):$PATH VASFS='' "$shell" "$T/installed/policy.sh" >"$T/output" 2>&1
is $? 0 'policy.sh runs without a source tree'
like "$(cat "$T/output")" 'There is no source tree here' 'and says so'
leaves_nothing policy.sh

# --- Pauses and colours -----------------------------------------------------------------------

# With -p, an example waits: it must not print its second step before Enter.
mkfifo "$T/keys" "$T/screen"
"$shell" "$examples/cow.sh" -p <"$T/keys" >"$T/screen" 2>/dev/null &
example=$!
exec 6>"$T/keys" 5<"$T/screen"
# until PATTERN: read lines of the screen up to one that matches
until_line() {
	while IFS= read -r _line <&5; do
		case $_line in
		$1) return 0 ;;
		esac
	done
	return 1
}
until_line '      tlb=miss' && until_line '      tlb=miss'
like "$("$TOOL" poll "$T/screen" 300)" '^timeout' '-p waits between two steps'
echo >&6
ok 'Enter goes on' until_line '# Each write *'
until_line '      frame=0x2'
echo q >&6
is "$(cat <&5)" '' 'q ends'
wait $example
is $? 0 'in order'
exec 5<&- 6>&-
leaves_nothing cow.sh
"$shell" "$examples/cow.sh" </dev/null >"$T/without" 2>&1
yes '' | "$shell" "$examples/cow.sh" -p >"$T/with" 2>&1
ok 'without a terminal -p prints nothing else' cmp "$T/without" "$T/with"
unlike "$(cat "$T/with")" "$(printf '\033')" 'nor are there colours'
"$shell" "$examples/cow.sh" -p </dev/null >"$T/with" 2>&1
ok 'the end of the input ends the waiting' cmp "$T/without" "$T/with"
refused 'an option that is not there' "$shell" "$examples/cow.sh" -x
like "$("$shell" "$examples/cow.sh" -h)" '^cow.sh - ' '-h says what an example is about'
if command -v script >/dev/null; then
	# on_terminal VARIABLE=VALUE: what an example prints to a terminal
	on_terminal() {
		script -q -c "env -u NO_COLOR $1 '$shell' '$examples/cow.sh'" /dev/null </dev/null
	}
	like "$(on_terminal TERM=xterm)" "^$(printf '\033')\[1m\\$ vasctl" 'colours on a terminal'
	unlike "$(on_terminal TERM=dumb)" "$(printf '\033')" 'none on a dumb one'
	unlike "$(on_terminal 'TERM=xterm NO_COLOR=1')" "$(printf '\033')" 'none with NO_COLOR'
fi

# --- mmapcopy ---------------------------------------------------------------------------------

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
eventually 60 grep -q " $T/" /proc/self/mountinfo
kill -INT "$(cat "$T/interrupted.pid")"
exec 5<&-
"$TOOL" reap "$T/interrupted" >/dev/null
leaves_nothing 'an interrupted tour'
done_testing
