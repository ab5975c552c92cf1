# The ctl files: what commands, results and failures look like, however writes and reads are split.
. "$(dirname "$0")/lib.sh"
start_mount

heap=0x555555556000
first=0x7ffff7ffd000

# --- Results ----------------------------------------------------------------------------------

like "$(cat "$M/ctl")" 'spawn' "before the first command, the machine's ctl reads a short help"
echo spawn >"$M/ctl"
is "$(cat "$M/ctl")" 1 'an open that has written nothing reads the last result'
is "$(cat "$M/ctl")" 1 'and so does the next'
like "$(cat "$M/1/ctl")" 'mmap' "before the first command, a process's ctl reads a short help"

exec 3<>"$M/1/ctl"
echo 'mmap 0 8K rw- private,anon' >&3
read -r addr <&3
is "$addr" $first 'exec 3<>ctl; echo COMMAND >&3; read -r RESULT <&3'
is "$(cat <&3)" '' 'a result is read once, then comes end of file'
printf 'sbrk 4096\nsbrk 4096\n' >&3
read -r one <&3
read -r two <&3
is "$one $two" "$heap $(plus $heap 4096)" 'results come in the order of the commands'
echo 'sbrk -8192' >&3
is "$(cat <&3)" "$(plus $heap 8192)" 'the same open file takes more commands after a read'
exec 3>&-

child=$({ echo fork >&3 && cat <&3; } 3<>"$M/1/ctl")
# shellcheck disable=SC2016 # it is only a name
is "$child" 2 'child=$({ echo fork >&3; cat <&3; } 3<>ctl)'
answers 0 'kill ends a process' "$M" kill 2
ok 'its directory is gone' test ! -e "$M/2"

exec 3<>"$M/1/ctl" 4<>"$M/1/ctl"
echo 'sbrk 0' >&3
echo 'mmap 0 4K rw- private,anon' >&4
is "$(cat <&3)" $heap 'an open file reads the results of its own commands'
is "$(cat <&4)" "$(plus $first -4096)" 'and the other one its own'
exec 3>&- 4>&-
is "$(cat "$M/1/ctl")" "$(plus $first -4096)" 'the last result is the last of all'
is "$(cat "$M/ctl")" 0 'each ctl file has a last result of its own'

# --- Where a command ends ---------------------------------------------------------------------

is "$("$TOOL" session "$M/1/ctl" <<'END'
0 write sb
0 write rk
0 write  4096\nsbrk 409
0 write 6\n
0 rest
END
)" "$heap
$(plus $heap 4096)" 'a command comes in pieces'
is "$("$TOOL" session "$M/1/ctl" <<'END'
0 write sb
run true
0 write rk 0\n
0 rest
END
)" "$(plus $heap 8192)" 'nor does the end of a process that inherited the open file end it'
is "$("$TOOL" session "$M/1/ctl" <<'END'
0 write sbrk -8192
0 rest
END
)" "$(plus $heap 8192)" 'a read ends a command that has no newline'
printf 'spawn unfinished' >"$M/ctl"
is "$(cat "$M/ctl")" 3 'so does close'
is "$(cat "$M/3/comm")" unfinished 'and the command is complete'
{ echo 'sbrk 4096' && echo 'sbrk 4096'; } >"$M/1/ctl"
echo 'sbrk 4096' >>"$M/1/ctl"
answers "$(plus $heap 12288)" 'offsets are ignored' "$M/1" sbrk -12288
is "$("$TOOL" seek "$M/1/ctl" 0 set)" ESPIPE 'a ctl file is not seekable'

yes 'sbrk 4096' | head -n 2000 >"$T/script"
tee "$M/1/ctl" <"$T/script" >/dev/null
answers "$(plus $heap 8192000)" 'tee cuts commands at 8 KiB' "$M/1" sbrk -8192000
yes 'sbrk 4096' | head -n 14000 >"$T/script"
cat "$T/script" >"$M/1/ctl"
answers "$(plus $heap 57344000)" 'cat cuts commands at 128 KiB' "$M/1" sbrk -57344000

# --- Words ------------------------------------------------------------------------------------

is "$("$TOOL" session "$M/1/ctl" <<'END'
0 write # a comment\n\n   \nsbrk 0 # and another\n
0 rest
END
)" $heap 'comments and empty lines answer nothing'
answers 4 'spaces and tabs part words' "$M" spawn 'two  words'
is "$(cat "$M/4/comm")" 'two  words' 'a word in quotes keeps its blanks'
echo 'spawn "a b"'"'c d'"'\ e' >"$M/ctl"
is "$(cat "$M/5/comm")" 'a bc d e' 'quoted as in a shell'
echo "  spawn	tabbed  " >"$M/ctl"
is "$(cat "$M/6/comm")" tabbed 'blanks and tabs around words'
ok 'vasctl quotes what it is given' ctl "$M" spawn "it's \"#\" \\"
is "$(cat "$M/7/comm")" "it's \"#\" \\" 'so that it arrives as it was'
is "$("$TOOL" write "$M/ctl" 'spawn "open\n')" EINVAL 'a quote that does not end is EINVAL'

for line in 'frobnicate' 'mmap' 'mmap 0' 'sbrk' 'sbrk 1 2' 'sbrk x' 'sbrk 0x' \
	'munmap 0x10000000000000000 4K' \
	'munmap 18446744073709551616 4K' 'munmap -1 4K' 'munmap 0 4KB' 'munmap 0 4Q' 'brk 1K' \
	'SBRK 0' 'fork 1' \
	'translate' 'access r' 'access q 0' 'exit 0 0' 'close x' 'setenv'; do
	is "$("$TOOL" write "$M/1/ctl" "$line\n")" EINVAL "EINVAL: $line"
done
for line in 'frobnicate' 'kill' 'kill x' 'kill 1 2 3' 'sync now' 'mmap 0 4K rw- private,anon' \
	'exec'; do
	is "$("$TOOL" write "$M/ctl" "$line\n")" EINVAL "EINVAL at the machine: $line"
done

long=$(head -c 5000 /dev/zero | tr '\0' x)
is "$("$TOOL" write "$M/1/ctl" "setenv A $long\n")" E2BIG 'a line of 5000 bytes is E2BIG'
is "$("$TOOL" write "$M/1/ctl" "setenv A $long")" "E2BIG" 'also before its newline has come'
is "$("$TOOL" session "$M/1/ctl" <<END | sed -n "1p;\$p"
0 write setenv A $long\nsbrk 0\n
0 write sbrk 0\n
0 rest
END
)" "E2BIG
$heap" "the next write is taken after it"
ok 'a line of 4000 bytes is taken' ctl "$M/1" setenv A "$(printf '%s' "$long" | head -c 3980)"

# --- Failures ---------------------------------------------------------------------------------

is "$("$TOOL" session "$M/1/ctl" <<'END'
0 write sbrk 4096\nmunmap 0x1000 0\nsbrk 4096\n
0 rest
END
)" "EINVAL
$heap
$(cat "$M/1/ctl")" 'a failed command fails the write, after the results of those before it'
like "$(cat "$M/1/ctl")" '^error: munmap: EINVAL: .* \(line 2\)$' \
	'its text says command, errno, reason and line'
answers "$(plus $heap 4096)" 'the rest of that write is not run' "$M/1" sbrk -4096
is "$("$TOOL" write "$M/1/ctl" 'munmap 0x1000 0')" "15
EINVAL" 'close fails where the last line has no newline and fails'
is "$("$TOOL" write "$M/1/ctl" 'munmap 0x1000 0\n' 'sbrk 4096\n')" "EINVAL
10" 'the next write is run'
answers "$(plus $heap 4096)" 'as its effect shows' "$M/1" sbrk -4096
exec 3<>"$M/1/ctl"
(echo 'munmap 0x1000 0' >&3) 2>/dev/null
is $? "$(if (echo x >/dev/full) 2>/dev/null; then echo 0; else echo $?; fi)" \
	'echo fails as on any write error'
like "$(cat <&3)" '^error: munmap: EINVAL: ' 'and the open file reads the text'
exec 3>&-

# --- vasctl -----------------------------------------------------------------------------------

answers $heap 'vasctl prints the result' "$M/1" sbrk 0
fails EINVAL 'vasctl prints the failure' "$M/1" munmap 0x1000 0
is "$(printf 'sbrk 4096\nsbrk -4096\n' | ctl "$M/1")" "$heap
$(plus $heap 4096)" 'vasctl without a command reads commands'
is "$(printf 'sbrk 4096\nmunmap 0x1000 0\nsbrk 4096\n' | ctl "$M/1" 2>"$T/stderr")" $heap \
	'it prints the results'
like "$(cat "$T/stderr")" '^error: munmap: EINVAL: ' 'and the first failure'
answers "$(plus $heap 4096)" 'and stops there' "$M/1" sbrk -4096
refused 'it exits 1 then' sh -c "echo 'munmap 0x1000 0' | '$VASCTL' '$M/1'"
refused 'vasctl on a folder that is none of a machine fails' ctl "$T" sbrk 0
like "$(ctl "$T" sbrk 0 2>&1)" 'is no mount of vasfs, and no process in one' 'and says so'
refused 'vasctl on a process that is not there fails' ctl "$M/99" fork
is "$(ctl "$M/99" fork 2>&1)" 'vasctl: no process 99' 'and says so'
is "$(cd "$M" && ctl 99 fork 2>&1)" 'vasctl: no process 99' 'in the mount, too'
like "$(ctl "$M" kill 99 2>&1)" '^error: kill: ESRCH: no process 99$' 'so does kill'
like "$(ctl "$M/1" munmap 0x1000 0 2>&1)" 'length must not be 0$' 'one command has no line number'
like "$(ctl "$M/1" mmpa 2>&1)" 'did you mean mmap\?$' 'a slip of the finger'
like "$(ctl "$M/1" spawn 2>&1)" 'it is one of the machine' 'a command of the other ctl'
like "$(ctl "$M/1" help mmap)" '^mmap ADDR LEN PROT FLAGS \[FILE \[OFFSET\]\]$' 'help COMMAND'

# Many lines go out in one write; results, order and line numbers stay what they were.
yes 'sbrk 1' | head -n 30000 >"$T/script"
{ cat "$T/script" && echo 'munmap 0x1000 0' && echo 'sbrk 1'; } >"$T/failing"
before=$(ctl "$M/1" sbrk 0)
ctl "$M/1" <"$T/script" >"$T/results"
is "$(wc -l <"$T/results")" 30000 'every command of a long script answers'
is "$(sed -n '1p;$p' "$T/results" | tr '\n' ' ')" "$before $(plus "$before" 29999) " 'in order'
ctl "$M/1" <"$T/failing" >"$T/results" 2>"$T/stderr"
is "$? $(wc -l <"$T/results")" '1 30000' 'a failure in the middle of a write ends it there'
is "$(cat "$T/stderr")" 'error: munmap: EINVAL: length must not be 0 (line 30001)' \
	'its line is counted from the start of the input'
answers "$(plus "$before" 60000)" 'what came after it was not run' "$M/1" sbrk -60000
printf '# a\n\nsbrk 0\nbad' | ctl "$M/1" >"$T/results" 2>"$T/stderr"
like "$(cat "$T/stderr")" '^error: bad: EINVAL: .*\(line 4\)$' 'a last line without a newline'
is "$({ echo 'sbrk 0' && head -c 70000 /dev/zero | tr '\0' x; } | ctl "$M/1" 2>&1 >/dev/null)" \
	'error: line: E2BIG: longer than 4096 bytes (line 2)' 'a line that never ends'
# Results of more than 1 MiB: all come, although so many are not kept.
ctl "$M/1" mmap 0x20000000 16M rw- private,anon >/dev/null
yes 'access r 0x20000000 16M' | head -n 20 | ctl "$M/1" >"$T/results"
is "$(wc -l <"$T/results")" 81920 'results of many pages in one write are all there'
unlike "$(cat "$T/results")" '^#' 'no line was dropped'
ctl "$M/1" munmap 0x20000000 16M >/dev/null

# Who gives one line at a time gets its result before the next.
mkfifo "$T/in" "$T/out"
ctl "$M/1" <"$T/in" >"$T/out" &
exec 5>"$T/in" 6<"$T/out"
printf 'sbrk ' >&5
printf '0\nsbr' >&5
read -r one <&6
printf 'k 4096\n' >&5
read -r two <&6
exec 5>&-
is "$one $two" "$before $before" 'a slow pipe is answered line by line'
exec 6<&-
wait $!
ctl "$M/1" sbrk -4096 >/dev/null

# --- Results that nobody reads ----------------------------------------------------------------

yes 'sbrk 0' | head -n 400000 >"$T/script"
exec 3<>"$M/1/ctl"
cat "$T/script" >&3
cat <&3 >"$T/results"
exec 3>&-
ok 'results that nobody reads are bounded' test "$(wc -c <"$T/results")" -lt 5000000
is "$(tail -n 1 "$T/results")" $heap 'the last one is kept'
ok 'a line says that some are missing' grep -qv '^0x555555556000$' "$T/results"

stop_mount
done_testing
