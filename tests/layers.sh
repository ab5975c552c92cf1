#!/bin/sh
# layers.sh BUILD SOURCE - does every file use only what stands below it? TAP.
#
# docs/architecture.md lists the folders from the ground up, a row each: | `vm/memory/` | ... |. A
# file may use functions and headers of its own folder and of those listed before it. No two files
# may use each other, directly or in a circle. The functions are read from the symbols of the object
# files, so nothing that is called is missed.
#
# And the door to page-table entries: only the files named below touch the memory of the tables.

set -u
build=$1 source=$2
state=$(mktemp -d "${TMPDIR:-/tmp}/vasfs-layers.XXXXXX") || exit 1
trap 'rm -rf "$state"' EXIT

# What may read or store the memory of page tables: the door; the page as a whole (clearing, the
# contents of the vdso); the machine that reserves it.
door='vm/memory/pte.c vm/memory/pte.h vm/base/memory.h vm/internal.h vm/machine.c'

count=0
# result COMPLAINTS DESCRIPTION: ok if the file COMPLAINTS is empty
result() {
	count=$((count + 1))
	if [ -s "$1" ]; then
		sed 's/^/# /' "$1"
		echo "not ok $count - $2"
	else
		echo "ok $count - $2"
	fi
}

# --- What is there ----------------------------------------------------------------------------

# "FOLDER" in order, from the map. What stands in vm/ itself is the roof of vm/.
{
	echo util/
	sed -n 's/^| `\(vm\/[a-z.]*\/\{0,1\}\)` |.*/\1/p; s/^| `\(fs\/[a-z]*\/\)` |.*/\1/p
		s/^| `\(trace\/\|replay\/\)` |.*/\1/p' \
		"$source/docs/architecture.md"
} >"$state/order"

# "D FILE SYMBOL" for what a file defines, "U FILE SYMBOL" for what it uses. Meson names the object
# of memory/pte.c memory_pte.c.o.
symbols() {
	for object in "$build"/util/libutil.a.p/*.o "$build"/vm/libvm.a.p/*.o \
		"$build"/trace/libtrace.a.p/*.o "$build"/replay/libreplay.a.p/*.o \
		"$build"/replay/vasfs-replay.p/*.o "$build"/fs/libfs.a.p/*.o "$build"/fs/vasfs.p/*.o; do
		top=${object#"$build"/} name=${object##*/}
		name=${name%.o} top=${top%%/*}
		case $top in
		util | trace | replay) file=$top/$name ;;
		*) file=$top/$(echo "$name" | sed 's/_/\//') ;;
		esac
		nm "$object" | awk -v file="$file" '
			NF == 3 && $2 ~ /^[TDBRVWC]$/ { print "D", file, $3 }
			NF == 2 && $1 == "U" { print "U", file, $2 }'
	done
}
symbols >"$state/symbols"

# --- The rules --------------------------------------------------------------------------------

# What the programs below share: the folder of a file, and its place in the order, which is in the
# first file they read.
# shellcheck disable=SC2016 # it is awk
places='
	function folder(file) {
		return file ~ /\/.*\// ? substr(file, 1, match(file, /[^\/]*$/) - 1) : file
	}
	function rank(file) {
		if (folder(file) in order)
			return order[folder(file)]
		return order[substr(file, 1, index(file, "/"))]
	}
	FNR == NR { order[$1] = NR; next }'

# above SYMBOLS: each use of what stands above, a line each; "USER USED" of all uses to $state/uses
above() {
	awk -v uses="$state/uses" "$places"'
		BEGIN { above = ", which stands above it" }
		$1 == "D" { home[$3] = $2 }
		$1 == "U" { user[++n] = $2; name[n] = $3 }
		END {
			printf "" >uses
			for (i = 1; i <= n; i++) {
				used = home[name[i]]
				if (used == "" || used == user[i])
					continue
				print user[i], used >uses
				if (rank(user[i]) == "")
					print user[i], "stands in no folder of docs/architecture.md"
				else if (rank(used) > rank(user[i]))
					print user[i], "uses", name[i], "of", used above
			}
		}' "$state/order" "$1"
}

# circles: files that use each other, from $state/uses
circles() {
	tsort "$state/uses" 2>&1 >/dev/null |
		sed -n '/: input contains/d; s/^tsort: \(.*\)/\1 stands in a circle of files/p' |
		sort -u
}

# includes: each #include of a header that stands above, or of a header of vm/ other than vm/vm.h
# outside vm/
includes() {
	(cd "$source" && find util vm trace replay fs -name '*.[ch]' -exec grep -Hn '^#include "' {} +) |
		awk "$places"'
		function height(file) {
			# The types of vm/ and fs/ are the ground that their folders stand on.
			if (file == "vm/vm.h" || file == "vm/vm_cpu.h" || file == "vm/vm_core.h" || file == "vm/internal.h")
				return order["util/"] + 0.5
			if (file == "fs/fs.h")
				return order["vm/machine.c"] + 0.5
			if (file ~ /^fs\/[a-z]*\.c$/)
				return 1000
			return rank(file)
		}
		{
			split($0, part, ":")
			split($0, quoted, "\"")
			used = quoted[2]
			if (used !~ /\//)
				next
			what = part[1] ":" part[2] " includes " used
			if (height(used) > height(part[1]))
				print what ", which stands above it"
			if (part[1] !~ /^(util|vm)\// && used ~ /^vm\// && used !~ /^vm\/vm(_cpu|_core)?\.h$/)
				print what ", but vm/vm.h, vm/vm_cpu.h and vm/vm_core.h are all that others know"
		}' "$state/order" -
}

# strangers: files other than the door's that name the memory of page tables
strangers() {
	(cd "$source" && grep -n 'table_mem' vm/*.[ch] vm/*/*.[ch]) | awk -v door=" $door " '
		{ split($0, part, ":") }
		!index(door, " " part[1] " ") {
			print part[1] ":" part[2], "touches page-table memory past vm/memory/pte.h"
		}'
}

# --- The tests --------------------------------------------------------------------------------

echo 1..7

# The map is there, and names every folder.
{
	[ "$(wc -l <"$state/order")" -gt 10 ] || echo 'docs/architecture.md lists no folders'
	(cd "$source" && find vm fs -mindepth 1 -type d) | sed 's/$/\//' |
		grep -vxF -f "$state/order" | sed 's/$/ is in no row of docs\/architecture.md/'
} >"$state/complaints"
result "$state/complaints" 'every folder has its place in docs/architecture.md'

above "$state/symbols" >"$state/complaints"
result "$state/complaints" 'no file uses a function of a folder above it'
circles >"$state/complaints"
result "$state/complaints" 'no files use each other in a circle'
includes >"$state/complaints"
result "$state/complaints" 'no file includes a header of a folder above it'
strangers >"$state/complaints"
result "$state/complaints" 'page-table entries are stored through one door'

# The rules see what they are for: an upward call, and a circle.
{
	cat "$state/symbols"
	echo 'U vm/memory/frame.c vm_exec'
	echo 'U vm/memory/rmap.c frame_put_locked'
} >"$state/spoiled"
above "$state/spoiled" >"$state/found"
grep -qx 'vm/memory/frame.c uses vm_exec of vm/exec/exec.c, which stands above it' "$state/found" ||
	echo 'not found' >"$state/missed"
touch "$state/missed"
result "$state/missed" 'a call upwards is found, and named'
circles >"$state/found"
: >"$state/missed"
grep -q '^vm/memory/rmap.c stands in a circle' "$state/found" || echo 'not found' >"$state/missed"
result "$state/missed" 'a circle is found, and named'
