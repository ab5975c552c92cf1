# An address is translated by hand: SimCr3 in status, four entries in physmem, and then the byte.
# And what pagetable says of entries after a fork.
. "$(dirname "$0")/fuse_for_all.sh"
. "$(dirname "$0")/lib.sh"

# word ADDRESS: the eight bytes at that physical address, as od shows them
word() {
	od -A n -t x8 -j $(($1)) -N 8 "$M/physmem" | tr -d ' '
}
# index ADDR SHIFT: of the entry that translates ADDR in a table
index() {
	echo $((($1 >> $2) & 511))
}
# by_hand PID ADDR: the entries of the four levels, and the physical address
by_hand() {
	_table=$(sed -n 's/^SimCr3:[^0-9]*//p' "$M/$1/status")
	for _shift in 39 30 21 12; do
		_entry=$(word $((_table + 8 * $(index "$2" $_shift))))
		printf '0x%s ' "$_entry"
		# Bits 12 to 51. Shells calculate with 63 bits.
		_table=$(echo "$_entry" | sed 's/^...\(..........\)...$/0x\1000/')
	done
	printf '0x%x\n' $((_table | ($2 & 4095)))
}

# of PID ADDR LEVEL: the entry of that level that translates ADDR, as pagetable shows it
of() {
	case $3 in
	PTE) entry "$1" $(($2 >> 12 << 12)) PTE ;;
	PUD) entry "$1" $(($2 >> 30 << 30)) PUD ;;
	PGD) entry "$1" $(($2 >> 39 << 39)) PGD ;;
	esac
}

# shellcheck disable=SC2046 # none or two
start_mount $(! is_root || echo -o allow_other) -o ram=64M -o swapsize=0
ctl "$M" exec /bin/true >/dev/null
a=$(ctl "$M/1" mmap 0 8K rw- private,anon)
va=$(plus "$a" 4099)
poke 1 "$va" 'found it' >/dev/null

# --- By hand ----------------------------------------------------------------------------------

set -- $(by_hand 1 "$va")
is "$1 $2 $3 $4" "$(ctl "$M/1" translate "$va" |
	sed 's/.* PGD=\(.*\) PUD=\(.*\) PMD=\(.*\) PTE=\(.*\)/\1 \2 \3 \4/')" \
	'the four entries are those that translate shows'
like "$(ctl "$M/1" translate "$va")" " -> $5 " 'and so is the physical address'
is "$(dd if="$M/physmem" bs=1 skip=$(($5)) count=8 2>/dev/null)" 'found it' 'the byte is there'
is "$(tail -c +$(($5 + 1)) "$M/physmem" | head -c 8)" 'found it' 'for tail'
is "$(hexdump -s $(($5)) -n 8 -e '8/1 "%c"' "$M/physmem")" 'found it' 'and hexdump'
like "$(of 1 "$va" PTE)" " $4 " 'pagetable shows the same entry'
is "$(od -A n -t x8 -j $((va / 4096 * 8)) -N 8 "$M/1/pagemap" | tr -d ' ')" \
	"$(printf '8180%012x' $(($5 / 4096)))" 'od finds the frame in pagemap'
is "$(od -A n -t d8 -j $(($5 / 4096 * 8)) -N 8 "$M/kpagecount" | tr -d ' ')" 1 'and its users'
frames=$((64 * 256))
words=$(($(stat -c %s "$M/physmem") / 4096))
is "$(stat -c %s "$M/kpagecount" "$M/kpageflags" | tr '\n' ' ')" \
	"$((words * 8)) $((words * 8)) " 'a word for each physical page'
is "$(stat -c %s "$M/1/pagemap")" $((0x7ffffffff000 / 4096 * 8)) 'or each page'

# --- physmem ----------------------------------------------------------------------------------

is "$(stat -c %A "$M/physmem")" -r-------- 'physmem is for its owner'
size=$(stat -c %s "$M/physmem")
ok 'frames and tables are in it' [ "$size" -gt $((frames * 4096)) ]
is "$("$TOOL" pread "$M/physmem" "$size" 8)" '' 'its size is where it ends'
is "$("$TOOL" pread "$M/physmem" $((size - 3)) 8)" 000000 'to the byte'
is "$("$TOOL" pread "$M/physmem" $(($5 + 1)) 7)" "$(hex 'ound it')" 'any offset will do'
is "$("$TOOL" open "$M/physmem" w)" EACCES 'it is not written'
before=$(cat "$M/1/status" "$M/vmstat" | grep -v Tlb)
dd if="$M/physmem" bs=1M count=1 of="$T/piece" 2>/dev/null
is "$(cat "$M/1/status" "$M/vmstat" | grep -v Tlb)" "$before" 'reading it touches nothing'
if is_root; then
	is "$(as_other "$TOOL" open "$M/physmem" r)" EACCES 'others cannot read it'
	like "$(as_other cat "$M/1/status")" '^SimCr3:	-$' 'nor where the tables are'
fi

# --- What an entry allows ---------------------------------------------------------------------

unlike "$(cat "$M/1/pagetable")" ' eff=' 'without a fork each entry says all'
like "$(of 1 "$va" PTE)" ' flags=P\|RW\|US\|A\|D\|SOFTDIRTY\|NX$' 'software bits by name'
echo 4 >"$M/1/clear_refs"
unlike "$(of 1 "$va" PTE)" SOFTDIRTY 'after clear_refs the page is not written'
poke 1 "$va" x >/dev/null
like "$(of 1 "$va" PTE)" SOFTDIRTY 'then it is'
ctl "$M/1" mlock "$a" 8K >/dev/null
like "$(of 1 "$va" PTE)" '\|LOCKED\|' 'a locked page'
ctl "$M/1" munlock "$a" 8K >/dev/null
child=$(ctl "$M/1" fork)
like "$(of 1 "$va" PTE)" '\|RW\|.* users=2 cow eff=r--$' \
	'after a fork RW is set, but a level above takes it away'
unlike "$(of 1 "$va" PGD)" '\|RW\|' 'the top level'
unlike "$(of 1 "$va" PGD)" 'eff=' 'of which nothing is taken'
like "$(of 1 "$va" PUD)" '\|RW\|.* users=2 eff=r-x$' 'those below say more than they allow'
poke "$child" "$va" y >/dev/null
unlike "$(of "$child" "$va" PTE)" eff= 'once the page is copied, it says all again'
stop_mount

# --- fork=copy --------------------------------------------------------------------------------

start_mount -o fork=copy
is "$(cat "$M/sys/vm/fork")" copy 'the option fork'
ctl "$M" exec /bin/true >/dev/null
a=$(ctl "$M/1" mmap 0 8K rw- private,anon)
s=$(ctl "$M/1" mmap 0 8K rw- shared,anon)
poke 1 "$a" mine >/dev/null
poke 1 "$s" ours >/dev/null
child=$(ctl "$M/1" fork)
unlike "$(cat "$M/1/pagetable" "$M/$child/pagetable" | grep ' table ' | grep -v ^ffff)" users= \
	'no table is shared'
unlike "$(cat "$M/1/pagetable" "$M/$child/pagetable")" eff= 'each entry says all'
for pid in 1 "$child"; do
	unlike "$(of "$pid" "$a" PTE)" '\|RW\|' 'a private page has lost RW in its own entry'
	like "$(of "$pid" "$a" PTE)" ' users=2 cow$' 'and is shared'
	like "$(of "$pid" "$s" PTE)" '\|RW\|.* users=2$' 'a shared one keeps it'
	like "$(of "$pid" "$a" PUD)" '\|RW\|' 'tables have it'
done
like "$(ctl "$M/$child" access w "$a")" ' minor cow-copy ' 'a write copies the page'
unlike "$(last_fault "$child")" ' tables=' 'and no table'
is "$(peek 1 "$a" 4)" "$(hex mine)" 'the other has its own'
poke "$child" "$s" both >/dev/null
is "$(peek 1 "$s" 4)" "$(hex both)" 'what is shared stays so'
is "$(sed -n 's/^VmPTE:[^0-9]*//p' "$M/1/status")" "$(sed -n 's/^VmPTE:[^0-9]*//p' \
	"$M/$child/status")" 'both have as many tables'
ok 'it can be changed' sh -c "echo share >'$M/sys/vm/fork'"
is "$(cat "$M/sys/vm/fork")" share 'and is'
other=$(ctl "$M/1" fork)
like "$(of "$other" "$a" PGD)" ' users=2$' 'for the next fork'
is "$("$TOOL" write "$M/sys/vm/fork" none)" EINVAL 'another word is refused'
stop_mount
like "$("$VASFS" -o fork=none "$M" 2>&1)" 'share or copy' 'in an option, too'
done_testing
