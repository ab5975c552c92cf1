# A recorded trace of ls has the faults that another program counted (tests/traces/count.py): by
# vasfs-replay, and by PID/replay in a mount. A long trace takes no more memory than a short one.
. "$(dirname "$0")/lib.sh"
: "${REPLAY:?}"
tests=$(cd "$(dirname "$0")/.." && pwd)
counts=$tests/traces/ls.counts
xz -dc "$(dirname "$tests")/examples/ls.lackey.xz" >ls.lackey

# --- vasfs-replay -----------------------------------------------------------------------------

policies=$(awk '$1 != "pages" { print $1 }' "$counts" | sort -u | tr '\n' ' ' | sed 's/ $//; s/ /,/g')
frames=$(fewer 4-256 64)
is "$("$REPLAY" --policy "$policies" --frames "$frames" --output csv ls.lackey |
	awk -F , 'NR > 1 { print $2, $3, $6 }' | sort)" \
	"$(awk -v frames="${frames%-*}" '$1 != "pages" && (frames == 4 || frames == $2)' "$counts" |
		sort)" "vasfs-replay: every policy with $frames frames"
# A curve ends where all pages have a frame: at 227.
"$REPLAY" --curve --output csv ls.lackey >curves
for policy in lru opt; do
	awk -F , -v p=$policy '$2 == p { print p, $3, $6 }' curves >curve
	is "$(grep "^$policy " "$counts" | grep -vFxf curve)" "$policy 256 227" "--curve: $policy"
done

# --- PID/replay -------------------------------------------------------------------------------

for frames in $(fewer '8 64' 64); do
	start_mount -o "ram=$((frames * 4))K,swapsize=4M"
	ctl "$M" spawn >pid
	for policy in $(echo "$policies" | tr , ' '); do
		[ "$policy" != opt ] || continue
		echo "$policy" >"$M/sys/vm/policy"
		ctl "$M/1" reset >/dev/null
		cat ls.lackey >"$M/1/replay"
		is "$(awk '/^faults_/ { n += $2 } END { print n }' "$M/1/replay")" \
			"$(sed -n "s/^$policy $frames //p" "$counts")" "PID/replay: $policy, $frames frames"
	done
	is "$(awk '/^(references|pages_touched|lines_passed_over) / { print $2 }' "$M/1/replay" |
		tr '\n' ' ')" '474068 474476 24 ' 'and the number of references'
	stop_mount
done

# --- A long trace -----------------------------------------------------------------------------

# resident REFERENCES: the most memory that vasfs-replay had, in KiB, with all of them but the last
# few read
resident() {
	"$REPLAY" --policy lru,clock --frames 64 --jobs 1 "$T/fifo" >out &
	_replay=$!
	exec 5>"$T/fifo"
	awk -v "count=$1" 'BEGIN { for (i = 0; i < count; i++) print "r", i * 4160 % 67108864 }' >&5
	_peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$_replay/status")
	exec 5>&-
	wait $_replay || echo failed
	echo "$_peak"
}
mkfifo fifo
short=$(resident 500000) long=$(resident $(fewer 5000000 1000000))
ok "a long trace takes no more memory ($short KiB, $long KiB)" \
	test "$long" -le $((short + short / 10 + 512))
like "$(cat out)" "$(fewer ' 5000000 references' ' 1000000 references')" 'and is read to its end'
done_testing
