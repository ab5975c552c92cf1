# The daemon is killed while it works. What msync reported as written must be in the file.
. "${0%/*}/lib.sh"

PAGES=512

# store PID CTL ADDRESS LENGTH BYTE: store LENGTH times BYTE, and return when it is in the file. CTL
# is a file descriptor, 3.
store() {
	"$TOOL" fill "$M/$1/mem" "$2" "$3" "$4" >/dev/null || return
	echo "msync $2 $3 sync" >&3 || return
	read -r result <&3 && [ "$result" = 0 ]
}

# append PID ADDRESS PAGES_EACH RECORD: store page after page, PAGES_EACH at a time. The record gets
# "PAGE BYTE" for each page after its msync returned.
append() {
	exec 3<>"$M/$1/ctl"
	_page=0
	while [ $_page -lt $PAGES ]; do
		_byte=$(((_page / $3 + 1) % 256))
		store "$1" "$(plus "$2" $((_page * 4096)))" $(($3 * 4096)) $_byte || return
		for _each in $(seq "$3"); do
			echo "$((_page + _each)) $_byte"
		done >>"$4"
		_page=$((_page + $3))
	done
}

# rewrite PID ADDRESS RECORD: store into the same page again and again. The last line of the record
# is the last byte for which msync returned.
rewrite() {
	exec 3<>"$M/$1/ctl"
	for _byte in $(seq 255); do
		store "$1" "$2" 4096 "$_byte" || return
		echo "$_byte" >>"$3"
	done
}

# churn PID SHARED PRIVATE: make pages of SHARED dirty without an msync, and write PRIVATE pages, so
# that other memory is pushed out to swap.
churn() {
	while ctl "$M/$1" access w "$2" 256K && ctl "$M/$1" access w "$3" 256K; do
		:
	done
}

# pages FILE: one line for each of its pages, " 41 41 41 ..."
pages() {
	od -An -v -tx1 -w4096 "$1"
}

# missing FILE RECORD: the lines of append's record that do not match the file
missing() {
	pages "$1" | awk -v record="$2" '
		BEGIN {
			while ((getline line < record) > 0) {
				split(line, f, " ")
				want[f[1]] = f[2]
			}
		}
		NR in want {
			gsub(sprintf(" %02x", want[NR]), "")
			if ($0 != "")
				print NR, want[NR]
		}'
}

# strange FILE BYTE: the bytes of the first page that are neither BYTE nor the byte stored next
strange() {
	pages "$1" | sed -n "1{s/ $(printf %02x "$2")//g;s/ $(printf %02x $(($2 + 1)))//g;p;}"
}

# lines FILE COUNT: FILE has at least COUNT lines
lines() {
	[ "$(wc -l <"$1")" -ge "$2" ]
}

# shared PID FILE: map all of FILE, and print the address
shared() {
	ctl "$M/$1" mmap 0 $((PAGES * 4096)) rw- shared "$2"
}

# round DESCRIPTION RECORDS OPTIONS: kill the daemon when RECORDS pages have been recorded
round() {
	for name in single several again churn; do
		rm -f "$T/$name.file"
		truncate -s $((PAGES * 4096)) "$T/$name.file"
		: >"$T/$name.record"
	done
	start_mount -o "swap=$T/swap,$3"
	echo 2 >"$M/sys/vm/dirty_writeback_centisecs"
	for _ in 1 2 3 4; do
		ctl "$M" spawn >/dev/null
	done
	append 1 "$(shared 1 "$T/single.file")" 1 "$T/single.record" 2>/dev/null &
	append 2 "$(shared 2 "$T/several.file")" 4 "$T/several.record" 2>/dev/null &
	rewrite 3 "$(shared 3 "$T/again.file")" "$T/again.record" 2>/dev/null &
	churn 4 "$(shared 4 "$T/churn.file")" "$(ctl "$M/4" mmap 0 256K rw- private,anon)" \
		>/dev/null 2>&1 &

	ok "$1: pages are stored" eventually 60 lines "$T/single.record" "$2"
	ok "$1: by all" eventually 60 lines "$T/several.record" 4
	ok "$1: of them" eventually 60 lines "$T/again.record" 1
	kill -9 "$(daemon_pid)"
	is "$("$TOOL" reap "$T/daemon")" 'signal 9' "$1: killed"
	wait
	refused "$1: amid work" lines "$T/single.record" $PAGES
	ok "$1: the dead mount goes" fusermount3 -u -z "$M"
	refused "$1: for good" mounted

	is "$(missing "$T/single.file" "$T/single.record")" '' \
		"$1: every page that was synced is in its file"
	is "$(missing "$T/several.file" "$T/several.record")" '' \
		"$1: as are those that were synced together"
	is "$(strange "$T/again.file" "$(tail -n 1 "$T/again.record")")" '' \
		"$1: the last store that was synced, or the next one"
	for name in single several again churn; do
		is "$(stat -c %s "$T/$name.file")" $((PAGES * 4096)) \
			"$1: $name is as long as before"
	done
}

round 'at once' 1 ram=16M,swapsize=4M
round 'room for all' 60 ram=16M,swapsize=4M
round 'sixteen frames' 40 ram=64K,swapsize=4M
round 'sixteen frames, lru' 90 ram=64K,swapsize=4M,policy=lru
round 'two frames' 20 ram=8K,swapsize=4M
round 'no swap' 30 ram=1M,swapsize=0
done_testing
