# Fifty clients use one ctl file at the same time. Each gets its own answers.
. "$(dirname "$0")/lib.sh"
start_mount
clients=50

ctl "$M" spawn >/dev/null
mkdir "$T/out"

# client N: map and unmap a page of its own, five times, through one open file
client() {
	mine=$(plus 0x10000000 $(($1 * 65536)))
	exec 3<>"$M/1/ctl"
	for round in 1 2 3 4 5; do
		printf 'mmap %s 4K rw- private,anon,fixed\n' "$mine" >&3
		read -r got <&3
		[ "$got" = "$mine" ] || echo "round $round: mmap answered $got, not $mine"
		printf 'munmap %s 0\n' "$mine" 2>/dev/null >&3
		read -r got <&3
		case $got in
		'error: munmap: EINVAL: '*) ;;
		*) echo "round $round: munmap answered $got" ;;
		esac
		[ "$round" -eq 5 ] || printf 'munmap %s 4K\n' "$mine" >&3
		[ "$round" -eq 5 ] || read -r got <&3
	done
	exec 3>&-
}
n=0
while [ $n -lt $clients ]; do
	client $n >"$T/out/$n" 2>&1 &
	n=$((n + 1))
done
wait
is "$(cat "$T/out"/*)" '' "$clients clients of one ctl each read their own results"
is "$(grep -c '^1[0-9a-f]*-1[0-9a-f]* rw-p' "$M/1/maps")" $clients 'and each has its area'

n=0
while [ $n -lt $clients ]; do
	ctl "$M/1" fork >"$T/out/$n" 2>&1 &
	n=$((n + 1))
done
wait
is "$(sort -n "$T/out"/* | tr '\n' ' ')" "$(seq -s ' ' 2 $((clients + 1))) " \
	"$clients forks at a time answer as many pids"
is "$(ls "$M" | grep -c '^[0-9]')" $((clients + 1)) 'and all are there'

n=0
while [ $n -lt $clients ]; do
	"$TOOL" pwrite "$M/$((n + 2))/mem" 0x10000000 "I am $n" >/dev/null &
	n=$((n + 1))
done
wait
n=0 wrong=
while [ $n -lt $clients ]; do
	[ "$(peek $((n + 2)) 0x10000000 $((5 + ${#n})))" = "$(hex "I am $n")" ] || wrong="$wrong $n"
	n=$((n + 1))
done
is "$wrong" '' 'writes to a page that all share reach the writer alone'

# Stores to the same bytes race as in real memory: for each byte, one of the writers wins.
s=$(ctl "$M/1" mmap 0 64K rw- shared,anon)
other=$(ctl "$M/1" fork)
for letter in 65 66 67 68; do
	(
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			"$TOOL" fill "$M/1/mem" "$s" 65536 $letter &&
				"$TOOL" fill "$M/$other/mem" "$s" 65536 $letter
			peek 1 "$s" 65536 && peek "$other" "$s" 65536
		done
	) >"$T/out/race$letter" &
done
wait
is "$(sort -u "$T/out"/race* | tr -d '\n' | sed 's/65536//g; s/4[1-4]//g')" '' \
	'stores that race leave what one of them stored'
rm -f "$T/out"/race*
ctl "$M" kill "$other" >/dev/null

# Read and write everything while processes come and go.
churn() {
	for _ in 1 2 3 4 5 6 7 8; do
		child=$(ctl "$M/1" fork) && ctl "$M/$child" exec /bin/true && ctl "$M" kill "$child"
	done
}
browse() {
	for _ in 1 2 3 4 5 6 7 8; do
		ls -lR "$M" && cat "$M"/*/maps "$M"/*/pagetable "$M"/*/status "$M"/*/faults \
			"$M"/frames "$M"/objects
	done
}
for n in 1 2 3 4; do
	churn >/dev/null 2>"$T/out/churn$n" &
	browse >/dev/null 2>&1 &
done
wait
is "$(cat "$T/out"/churn*)" '' 'forks, execs and kills go on while others look'
is "$(ls "$M" | grep -c '^[0-9]')" $((clients + 1)) 'and leave what was there'

stop_mount
done_testing
