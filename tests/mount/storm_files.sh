# A storm of host files that hang, fail and lie: those who use them get errors, all others go on.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/canary.sh"
if ! is_root; then
	skip 'needs root' 'files that fail'
	done_testing
fi
chmod 755 "$T"
bad=$T/bad
mkdir "$bad"

# rules [RULE...]: what the bad file system does from now on
rules() {
	: >"$T/rules.new"
	for _rule; do
		echo "$_rule"
	done >"$T/rules.new"
	mv "$T/rules.new" "$T/rules"
}
# map FLAGS: process $pid maps all of the bad file; $a has the address
map() {
	a=$(ctl "$M/$pid" mmap 0 64K rw- "$1" "$bad/data")
}
fresh() {
	rules
	pid=$(ctl "$M" spawn victim)
	map shared
}
# page N: the address of a page of the mapping
page() {
	plus "$a" $(($1 * 4096))
}
read_page() {
	quickly "$TOOL" pread "$M/$pid/mem" "$(page "$1")" 4
}
write_page() {
	quickly "$TOOL" pwrite "$M/$pid/mem" "$(page "$1")" "$2"
}
# client COMMAND...: start it in the background
client() {
	"$@" >"$T/client" 2>&1 &
	client=$!
}
# in_call: the client waits in a system call of the mount: read or write
in_call() {
	case $(cat "/proc/$client/syscall" 2>/dev/null) in
	'0 '* | '1 '* | '17 '* | '18 '*) ;;
	*) return 1 ;;
	esac
}

rules
"$TOOL" daemon "$T/bad-daemon" "$BADFS" "$T/rules" /bin/true "$bad" -o allow_other
# shellcheck disable=SC2086 # words
start_mount $STORM_MACHINE
canary_start

# --- Errors -----------------------------------------------------------------------------------

# The last are no errno of any file system: EINTR, EAGAIN, ENOSYS, EDQUOT, none, none.
for error in EIO ENOSPC ESTALE EINTR EAGAIN ENOSYS EDQUOT 200 511; do
	case $error in
	EIO) n=5 ;;
	ENOSPC) n=28 ;;
	ESTALE) n=116 ;;
	EINTR) n=4 ;;
	EAGAIN) n=11 ;;
	ENOSYS) n=38 ;;
	EDQUOT) n=122 ;;
	*) n=$error ;;
	esac
	fresh
	write_page 0 "text $error" >/dev/null
	rules "read $n" "write $n"
	is "$(read_page 1)" EIO "$error: a page that cannot be read"
	like "$(last_fault "$pid")" '^r .* fatal sigbus ' "$error: is SIGBUS"
	b=$(ctl "$M/$pid" mmap 0 4K rw- private "$bad/data" 0x2000)
	is "$(quickly "$TOOL" pread "$M/$pid/mem" "$b" 4)" EIO "$error: in a private mapping, too"
	like "$(ctl "$M" exec "$bad/program" 2>&1)" '^error: exec: [A-Z0-9]*: ' "$error: exec"
	like "$(quickly "$VASCTL" "$M/$pid" msync "$a" 4K sync 2>&1)" \
		'^error: msync: [A-Z0-9]*: ' "$error: msync"
	like "$(quickly "$VASCTL" "$M" sync 2>&1)" '^error: sync: [A-Z0-9]*: ' "$error: sync"
	# The last line of ctl, without a newline, is run at the close, which must not end with what
	# the file system says: the kernel takes ENOSYS to mean that no close need be told.
	printf 'msync %s 4K sync' "$a" | quickly dd of="$M/$pid/ctl" bs=4096 2>/dev/null
	printf 'spawn late' | quickly dd of="$M/ctl" bs=4096 2>/dev/null
	ok "$error: the ends of later lines are seen" grep -qx late "$M"/[0-9]*/comm
	is "$(write_page 0 more)" 4 "$error: what is in memory can be stored to"
	rules
	is "$(quickly "$VASCTL" "$M" sync 2>&1)" 0 "$error: when it can be written again, sync"
	is "$(head -c $((5 + ${#error})) "$bad/data")" "more $error" "$error: nothing is lost"
	is "$(read_page 1)" 00000000 "$error: the page can be read again"
	canary_check "$error"
done

fresh
write_page 0 text >/dev/null
rules 'fsync 5'
fails EIO 'an fsync that fails' "$M/$pid" msync "$a" 4K sync
is "$(head -c 4 "$bad/data")" text 'the bytes are with the file system'
rules 'getattr 5'
is "$(read_page 5)" EIO 'an fstat that fails: SIGBUS'
is "$(read_page 0)" "$(hex text)" 'what is mapped stays readable'
is "$(write_page 0 TEXT)" 4 'and can be stored to'
like "$(quickly "$VASCTL" "$M" sync 2>&1)" '^error: sync: EIO: ' 'sync'
rules
is "$(quickly "$VASCTL" "$M" sync 2>&1)" 0 'when fstat works again, sync'
is "$(head -c 4 "$bad/data")" TEXT 'the bytes are in the file'
canary_check 'fsync and fstat'

# --- Short transfers --------------------------------------------------------------------------

fresh
rules 'read short' 'write short'
is "$(quickly "$TOOL" fill "$M/$pid/mem" "$a" 8192 65)" 8192 'short reads and writes: a store'
is "$(quickly "$VASCTL" "$M/$pid" msync "$a" 8K sync 2>&1)" 0 'msync'
is "$(head -c 8192 "$bad/data" | tr -d A | wc -c)" 0 'writes all'
like "$(quickly "$VASCTL" "$M" exec "$bad/program" 2>&1)" '^[0-9]+$' 'exec'
rules 'read nothing' 'write nothing'
is "$(read_page 2)" 00000000 'a file that has less than its size says: zeros'
write_page 0 text >/dev/null
fails EIO 'writes that take nothing: msync' "$M/$pid" msync "$a" 4K sync
like "$(ctl "$M" exec "$bad/program" 2>&1)" '^error: exec: [A-Z]*: ' 'exec of a file that is empty'
canary_goes_on 'short transfers'
rules
canary_check 'no short transfers'

# --- Sizes that lie ---------------------------------------------------------------------------

for size in 0 1 4097 1000000 9223372036854775807; do
	fresh
	ok "$size bytes: one page" quickly "$VASCTL" "$M/$pid" access r "$a"
	rules "size $size"
	# A page that is mapped goes when somebody looks at the file.
	for n in 1 15; do
		[ $((n * 4096)) -lt "$size" ] && wanted='[0-9a-f]{8}' || wanted=EIO
		like "$(read_page $n)" "^$wanted\$" "$size bytes: page $n"
	done
	canary_check "$size bytes"
done
fresh
rules 'size swings'
for n in $(seq "$(fewer 60 20)"); do
	write_page $((n % 16)) swinging && read_page $((n * 7 % 16))
done >"$T/swings"
is "$(grep -vxE '8|EIO|[0-9a-f]{8}' "$T/swings")" '' \
	'a size that changes all the time: bytes or SIGBUS'
ok 'fork' quickly "$VASCTL" "$M/$pid" fork
rules
canary_check 'a size that changes'

# --- Files that hang --------------------------------------------------------------------------

for operation in read getattr write fsync; do
	fresh
	[ $operation = getattr ] || write_page 0 "$operation hangs" >/dev/null
	rules "$operation hang"
	case $operation in
	read) client "$TOOL" pread "$M/$pid/mem" "$(page 3)" 4 ;;
	getattr) client "$TOOL" pwrite "$M/$pid/mem" "$(page 3)" text ;;
	*) client "$VASCTL" "$M/$pid" msync "$a" 4K sync ;;
	esac
	ok "$operation hangs: so does who needs the file" eventually 20 in_call
	canary_goes_on "$operation hangs"
	kill -9 $client
	wait $client 2>/dev/null
	rules
	is "$(quickly "$VASCTL" "$M" sync 2>&1)" 0 "$operation goes on: sync"
	[ $operation = getattr ] ||
		is "$(head -c 5 "$bad/data")" "$(echo "$operation " | head -c 5)" \
			"$operation: all is written"
done
rules 'read hang'
client "$VASCTL" "$M" exec "$bad/program"
ok 'exec of a program that hangs' eventually 20 in_call
canary_goes_on 'exec hangs'
rules
wait $client
like "$(cat "$T/client")" '^[0-9]+$' 'goes on when the file does'
canary_check 'exec goes on'

stop_mount
fusermount3 -u "$bad"
is "$("$TOOL" reap "$T/bad-daemon")" 'exit 0' 'the bad file system ends'
done_testing
