# The host has little memory for the daemon (ulimit -v): what can be made large fails with its
# errno, the daemon lives, and all goes on when there is room again. What was freed goes back to the
# host.
. "$(dirname "$0")/fuse_for_all.sh"
. "$(dirname "$0")/lib.sh"

# Not for sanitizers, which need address space of their own (tests/meson.build).

# kib FIELD: a size of the daemon, in KiB
kib() {
	awk -v name="$1:" '$1 == name { print $2 }' "/proc/$(daemon_pid)/status"
}
# few MIB: leave the daemon so much address space; 0: all
few() {
	if [ "$1" = 0 ]; then
		prlimit --pid "$(daemon_pid)" --as=unlimited:
	else
		prlimit --pid "$(daemon_pid)" --as=$((($(kib VmSize) + $1 * 1024) * 1024)):
	fi
}
q() {
	timeout -k 1 60 "$@"
}
# lives DESCRIPTION: the daemon answers
lives() {
	ok "$1: the daemon lives" q cat "$M/version" "$M/meminfo"
}
# many COUNT FORMAT: lines for ctl with the numbers 0 to COUNT - 1 in FORMAT
many() {
	awk -v n="$1" -v format="$2\n" 'BEGIN { for (i = 0; i < n; i++) printf format, i }'
}
end_all() {
	for _pid in "$M"/[0-9]*; do
		ctl "$_pid" exit >/dev/null
	done
}
# areas PID COUNT: make so many areas that do not merge
areas() {
	awk -v n="$2" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "mmap 0x%x 4K r-- private,anon,fixed\n", 268435456 + i * 8192
	}' | q "$VASCTL" "$M/$1" 2>&1 >/dev/null
}

start_mount -o ram=64M,swapsize=64M
ctl "$M" spawn base >/dev/null
# What the daemon needs for itself is there before.
ctl "$M" exec /bin/ls >/dev/null
before=$(kib VmRSS)

# --- Areas ------------------------------------------------------------------------------------

ctl "$M" spawn areas >/dev/null
few 200
like "$(areas 3 65000)" '^$|ENOMEM' 'areas: they are made, or ENOMEM'
lives '65000 areas'
forks=0
while ctl "$M/3" fork >"$T/out" 2>"$T/err"; do
	forks=$((forks + 1))
	[ $forks -lt 100 ] || break
done
like "$(cat "$T/err")" 'ENOMEM|EAGAIN' "forks of many areas: an errno, after $forks"
lives 'forks of many areas'
like "$(areas 1 65000)" ENOMEM 'areas of another process: ENOMEM'
lives 'areas of another process'
for way in 'mmap 0 8K rw- private,anon' 'mmap 0 8K rw- shared,anon' 'mprotect 0x10000000 4K rw-' \
	'mlock 0x10000000 400M' 'mincore 0x10000000 4G' 'mremap 0x10000000 4K 64K maymove' \
	'munmap 0x10000000 64M' 'setenv A b' 'open /etc/passwd' 'exec /bin/ls' 'fork' \
	'access r 0x10000000 64K'; do
	# shellcheck disable=SC2086 # words
	q "$VASCTL" "$M/3" $way >/dev/null 2>&1
	lives "$way"
done
few 0
answers 0x1000000 'when there is room again, mmap' "$M/1" mmap 0x1000000 4K rw- private,anon,fixed
ok 'and fork' q "$VASCTL" "$M/1" fork

# --- They go back -----------------------------------------------------------------------------

end_all
big=$(ctl "$M" spawn big)
is "$(areas "$big" 65000)" '' 'there is room for 65000 areas'
for n in 1 2 3; do
	ok "and for fork $n of them" q "$VASCTL" "$M/$big" fork
done
full=$(kib VmRSS)
ok "which take memory: $full KiB" [ "$full" -gt $((before + 30 * 1024)) ]
end_all
# The buffers of the threads that served all this may stay.
fallen() {
	[ "$(kib VmRSS)" -lt $((full - 25 * 1024)) ]
}
ok "most of it goes back" eventually 20 fallen

# --- Processes and what they have -------------------------------------------------------------

few 200
like "$(many 20000 'spawn p%d' | q "$VASCTL" "$M" 2>&1 >/dev/null)" '^$|EAGAIN|ENOMEM' \
	'many processes: they are made, or an errno'
lives 'many processes'
first=$(find "$M" -maxdepth 1 -name '[0-9]*' | sed 's/.*\///' | sort -n | head -n 1)
long=$(awk 'BEGIN { for (i = 0; i < 3800; i++) printf "x" }')
like "$(many 400 "setenv A%d $long" | q "$VASCTL" "$M/$first" 2>&1 >/dev/null)" ENOMEM \
	'a big environment: ENOMEM'
lives 'a big environment'
envs=0
while child=$(q "$VASCTL" "$M/$first" fork 2>"$T/err") && [ $envs -lt 300 ] &&
	q "$VASCTL" "$M/$child" setenv A1 "$envs" >"$T/err" 2>&1; do
	envs=$((envs + 1))
done
like "$(cat "$T/err")" '^$|ENOMEM|EAGAIN' "$envs big environments: they are made, or an errno"
lives 'many big environments'
many 2000 'open /etc/passwd' | q "$VASCTL" "$M/$first" >/dev/null 2>"$T/err"
like "$(cat "$T/err")" 'EMFILE|ENFILE|ENOMEM' 'many descriptors: an errno'
lives 'many descriptors'
ctl "$M/$first" mmap 0x20000000 200M rw- private,anon,fixed >/dev/null
q "$VASCTL" "$M/$first" access w 0x20000000 100M >/dev/null 2>&1
lives 'more memory than RAM, in swap'
q cat "$M/$first/maps" "$M/$first/pagetable" >/dev/null 2>&1
lives 'long texts'
few 0
ok 'when there is room again, spawn' q "$VASCTL" "$M" spawn last
stop_mount
done_testing
