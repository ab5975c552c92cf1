# The pages in a real browser: from files, and from a web server. Screenshots are kept in $SHOTS.
. "$(dirname "$0")/lib.sh"
if ! command -v chromedriver >/dev/null || ! command -v python3 >/dev/null; then
	skip 'there is no chromedriver' 'the pages in a browser'
	done_testing
fi
checks=$(dirname "$0")/../browser/pages.py
rm -rf "${SHOTS:?}" && mkdir -p "$SHOTS" || exit 1
export VASCTL PYTHONDONTWRITEBYTECODE=1

# checked URL: run the checks on the pages at URL, and count them
checked() {
	HOME=$T python3 "$checks" "$M" "$1" "$SHOTS" >"$T/checks" 2>"$T/stderr"
	is $? 0 "the checks of $1 come to their end"
	while read -r result what; do
		case $result in
		pass) _pass "$what" ;;
		fail) _fail "$what" ;;
		esac
	done <"$T/checks"
	[ ! -s "$T/stderr" ] || sed 's/^/# /' "$T/stderr"
}

# A program, its child, and a process with a hostile name that maps such a file.
scene() {
	printf hello >"$T/"'<b onclick=alert(1)>& "x"'
	ctl "$M" exec /bin/true >/dev/null
	area=$(ctl "$M/1" mmap 0 64K rw- private,anon)
	ctl "$M/1" access w "$area" 24K >/dev/null
	ctl "$M/1" access r "$(plus "$area" 32768)" 8K >/dev/null
	ctl "$M/1" access r libc.so.6:malloc >/dev/null
	ctl "$M/1" madvise "$(plus "$area" 49152)" 4K guard_install >/dev/null
	ctl "$M" reclaim 6 >/dev/null
	ctl "$M/1" fork >/dev/null
	ctl "$M/2" access w "$area" 8K >/dev/null
	ctl "$M" spawn '<script>alert(1)' >/dev/null
	ctl "$M/3" mmap 0 8K rw- shared "$T/"'<b onclick=alert(1)>& "x"' >/dev/null
	ctl "$M/3" mmap 0x10000000 1M rw- private,anon >/dev/null
	ctl "$M/3" access w 0x10000000 512K >/dev/null
	ctl "$M/3" mlock 0x10000000 16K >/dev/null
}

start_mount -o ram=8M
scene
checked "file://$M/"
stop_mount

start_mount -o ram=8M
scene
python3 -u -m http.server --bind 127.0.0.1 -d "$M" 0 >"$T/server" 2>&1 &
server=$!
has_port() {
	grep -q ' port [0-9]' "$T/server"
}
if eventually 30 has_port; then
	checked "http://127.0.0.1:$(sed -n 's/.* port \([0-9]*\).*/\1/p' "$T/server" | head -n 1)/"
else
	_fail 'the web server starts' "$(cat "$T/server")"
fi
kill $server
wait $server 2>/dev/null
stop_mount
done_testing
