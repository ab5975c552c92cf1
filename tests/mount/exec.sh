# exec: a program's memory after exec, and everything that belongs to it.
. "$(dirname "$0")/lib.sh"
start_mount

# word FILE OFFSET SIZE: a number of SIZE bytes in a binary file, in decimal
word() {
	od -An -v -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' \n'
}
# aux PID TYPE: a value of the auxiliary vector, in decimal
aux() {
	od -An -v -t u8 -w16 "$M/$1/auxv" | awk -v type="$2" '$1 == type { print $2 }'
}
base=0x555555554000
ls_program=$(readlink -f /bin/ls)
ld_so=$(readlink -f /lib64/ld-linux-x86-64.so.2)
ls_entry=$(plus $base "$(word /bin/ls 24 8)")

# --- The picture ------------------------------------------------------------------------------

answers 1 'exec at the machine answers the pid' "$M" exec /bin/ls -l '/a folder'
maps=$(cat "$M/1/maps")
like "$maps" "^555555554000-[0-9a-f]+ r--p 00000000 .* $ls_program\$" \
	'the program starts where setarch -R puts it'
like "$maps" "^555555[0-9a-f]+-[0-9a-f]+ r-xp [0-9a-f]+ .* $ls_program\$" 'text'
like "$maps" "^555555[0-9a-f]+-[0-9a-f]+ rw-p [0-9a-f]+ .* $ls_program\$" 'data'
like "$maps" '^555555[0-9a-f]+-[0-9a-f]+ rw-p 00000000 00:00 0 +\[heap\]$' 'heap'
like "$maps" '^7ffff7[0-9a-f]+-[0-9a-f]+ r-xp [0-9a-f]+ .*/libc\.so\.6$' 'the C library'
like "$maps" "^7ffff7[0-9a-f]+-[0-9a-f]+ r-xp [0-9a-f]+ .* $ld_so\$" 'the dynamic linker'
like "$maps" '^7f[0-9a-f]+-7ffffffff000 rw-p 00000000 00:00 0 +\[stack\]$' 'stack'
for name in vvar vdso; do
	if grep -q "\[$name\]" /proc/self/maps; then
		like "$maps" "\\[$name\\]\$" "[$name], as on this host"
	fi
done
for library in $(ldd /bin/ls | grep -o '/[^ ]*'); do
	like "$maps" " $(readlink -f "$library")\$" "what ldd names: $library"
done
is "$(awk '{ print $1 }' "$M/1/maps" | tr - ' ' | awk '$1 < last { print } { last = $2 }')" '' \
	'no areas overlap'

# --- Its files --------------------------------------------------------------------------------

is "$(readlink "$M/1/exe")" "$ls_program" 'exe'
is "$(cat "$M/1/comm")" ls 'comm'
is "$(tr '\0' '|' <"$M/1/cmdline")" '/bin/ls|-l|/a folder|' 'cmdline'
is "$(aux 1 6)" 4096 'AT_PAGESZ'
is "$(aux 1 9)" "$((ls_entry))" 'AT_ENTRY'
is "$(aux 1 3)" $((base + $(word /bin/ls 32 8))) 'AT_PHDR'
is "$(aux 1 4)" 56 'AT_PHENT'
is "$(aux 1 5)" "$(word /bin/ls 56 2)" 'AT_PHNUM'
is "$(range "$(aux 1 7)" 0 | cut -d - -f 1)" \
	"$(grep "$ld_so" "$M/1/maps" | head -n 1 | cut -d - -f 1)" 'AT_BASE is the dynamic linker'
is "$(aux 1 11) $(aux 1 13)" "$(id -u) $(id -g)" 'AT_UID and AT_GID'
is "$(aux 1 0)" 0 'AT_NULL ends it'
for file in cmdline environ auxv; do
	ok "$file can be read" cat "$M/1/$file"
done

# --- What is in memory ------------------------------------------------------------------------

is "$(peek 1 $base 4)" 7f454c46 'the ELF header is read by demand paging'
like "$(cat "$M/1/faults")" \
	"^[0-9]+ [0-9.]+ 1 r $(va $base) (major file-read|minor page-cache) .*file=$ls_program" \
	'as faults says'
start=$(grep -m 1 ' r-xp ' "$M/1/maps" | cut -d - -f 1)
offset=$((0x$(grep -m 1 ' r-xp ' "$M/1/maps" | cut -d ' ' -f 3)))
ok 'the text is that of the file' cmp -n 16384 -i $((0x$start)):$offset "$M/1/mem" /bin/ls
is "$(poke 1 "0x$start" x)" EACCES 'and cannot be written'
libc=$(grep -m 1 '/libc\.so\.6' "$M/1/maps")
ok 'the library is that of the file' cmp -n 4096 -i "$((0x${libc%%-*})):0" "$M/1/mem" "${libc##* }"

# The stack: argc, argv, NULL, envp, NULL, auxv.
sp=$(sed -n 's/^.*) \(.*\)$/\1/p' "$M/1/stat" | cut -d ' ' -f 27)
is $((sp % 16)) 0 'the stack pointer is a multiple of 16'
word_at() {
	bytes=$(peek 1 "$1" 8)
	printf '0x'
	echo "$bytes" | sed 's/../& /g' | awk '{ for (i = NF; i > 0; i--) printf "%s", $i }'
}
is $(($(word_at "$sp"))) 3 'argc'
is "$(peek 1 "$(word_at $((sp + 8)))" 8)" "$(hex /bin/ls)00" 'argv[0]'
is "$(peek 1 "$(word_at $((sp + 16)))" 3)" "$(hex -l)00" 'argv[1]'
is $(($(word_at $((sp + 32))))) 0 'argv ends in NULL'
is "$(peek 1 0x7ffffffff000 1)" '' 'the stack ends where user space ends'
is "$(peek 1 0x7fffffffeff8 8)" 0000000000000000 'with a word of zeros'
is "$(peek 1 $((0x7fffffffeff8 - 8)) 8)" "$(hex /bin/ls)00" 'below it the name of the program'

# --- exec in a process ------------------------------------------------------------------------

ctl "$M" spawn >/dev/null
head -c 4096 /dev/zero >"$T/file"
s=$(ctl "$M/2" mmap 0 4K rw- shared "$T/file")
poke 2 "$s" stored >/dev/null
ctl "$M/2" setenv COLOUR 'light blue' >/dev/null
ctl "$M/2" setenv GONE soon >/dev/null
ctl "$M/2" setenv GONE >/dev/null
answers "$ls_entry" 'exec answers the entry point' "$M/2" exec /bin/ls
like "$(tr '\0' '\n' <"$M/2/environ")" '^COLOUR=light blue$' 'setenv is for the next exec'
unlike "$(tr '\0' '\n' <"$M/2/environ")" '^GONE' 'without a value it removes'
unlike "$(cat "$M/2/maps")" "$T/file" 'the old areas are gone'
is "$(head -c 6 "$T/file")" stored 'their stores are in the file'
is "$(sed '/\[stack\]/d; s/ *$//' "$M/2/maps")" "$(sed '/\[stack\]/d; s/ *$//' "$M/1/maps")" \
	'the same program has the same areas in every run'
answers "$(plus $base "$(word /bin/true 24 8)")" 'another exec' "$M/2" exec /bin/true
is "$(readlink "$M/2/exe")" "$(readlink -f /bin/true)" 'replaces the program'
child=$(ctl "$M/2" fork)
is "$(cat "$M/$child/maps")" "$(cat "$M/2/maps")" 'a fork of a program has its areas'
is "$(readlink "$M/$child/exe")" "$(readlink -f /bin/true)" 'and its exe'

ctl "$M/2" exec -k /bin/ls >/dev/null
like "$(cat "$M/2/maps")" " $ld_so\$" 'exec -k maps the interpreter'
unlike "$(cat "$M/2/maps")" 'libc' 'and stops at what the kernel maps'
unlike "$(cat "$M/2/maps")" 'heap' 'no heap either'
cd / || exit 1
ok 'a relative path' ctl "$M/2" exec bin/true

# --- Static, non-PIE --------------------------------------------------------------------------

echo 'int counter[5000]; int main(void) { return counter[0]; }' >"$T/main.c"
gcc -static -o "$T/static" "$T/main.c"
answers "$(plus 0 "$(word "$T/static" 24 8)")" \
	'a static program has its entry point where it says' "$M/2" exec "$T/static"
like "$(cat "$M/2/maps")" "^00400000-[0-9a-f]+ r--p 00000000 .* $T/static\$" \
	'and starts at 0x400000'
unlike "$(cat "$M/2/maps")" 'ld-linux' 'without an interpreter'
is "$(aux 2 7)" 0 'AT_BASE is 0'
gcc -no-pie -o "$T/no-pie" "$T/main.c"
ok 'a program that is no PIE' ctl "$M/2" exec "$T/no-pie"
like "$(cat "$M/2/maps")" '^00400000-.*no-pie$' 'starts at 0x400000 as well'
like "$(cat "$M/2/maps")" 'libc\.so\.6' 'with its library'
gcc -static-pie -o "$T/static-pie" "$T/main.c"
ok 'a static PIE' ctl "$M/2" exec "$T/static-pie"
like "$(cat "$M/2/maps")" '^(7ffff7|555555)[0-9a-f]+-[0-9a-f]+ r-xp .*static-pie$' 'is placed'
bss=$(nm "$T/static" | awk '$3 == "counter" { print $1 }')
ctl "$M/2" exec "$T/static" >/dev/null
is "$(peek 2 "0x$bss" 20000 | tr -d '0\n')" '' 'bss is zero'
is "$(poke 2 "0x$bss" 1234)" 4 'and can be written'

# --- Scripts ----------------------------------------------------------------------------------

printf '#!/bin/sh -e\necho hello\n' >"$T/script"
chmod 755 "$T/script"
ok 'a script' ctl "$M/2" exec "$T/script" one 'and two'
is "$(tr '\0' '|' <"$M/2/cmdline")" "/bin/sh|-e|$T/script|one|and two|" 'runs its interpreter'
is "$(readlink "$M/2/exe")" "$(readlink -f /bin/sh)" 'which is exe'
is "$(cat "$M/2/comm")" script 'comm is the script'
printf '#!  %s/script   x y  \n' "$T" >"$T/second"
chmod 755 "$T/second"
ok 'a script of a script' ctl "$M/2" exec "$T/second" arg
is "$(tr '\0' '|' <"$M/2/cmdline")" "/bin/sh|-e|$T/script|x y|$T/second|arg|" 'each adds its words'
printf '#!%s/loop\n' "$T" >"$T/loop"
chmod 755 "$T/loop"

# --- What cannot be run -----------------------------------------------------------------------

cat "$M/2/maps" >"$T/before"
fails ELOOP 'a script that is its own interpreter' "$M/2" exec "$T/loop"
printf '#!/no/such/interpreter\n' >"$T/orphan"
chmod 755 "$T/orphan"
fails ENOENT 'an interpreter that is not there' "$M/2" exec "$T/orphan"
printf '#!\n' >"$T/empty-line"
chmod 755 "$T/empty-line"
fails ENOEXEC 'an interpreter without a name' "$M/2" exec "$T/empty-line"
fails ENOENT 'no such file' "$M/2" exec /no/such/program
fails EACCES 'a directory' "$M/2" exec /bin
cp /bin/true "$T/plain"
chmod 644 "$T/plain"
fails EACCES 'a file that is not executable' "$M/2" exec "$T/plain"
fails EACCES 'a device' "$M/2" exec /dev/null
fails ELOOP 'a file of the mount' "$M/2" exec "$M/version"
: >"$T/nothing"
echo 'just text' >"$T/text"
chmod 755 "$T/nothing" "$T/text"
fails ENOEXEC 'an empty file' "$M/2" exec "$T/nothing"
fails ENOEXEC 'a text file without #!' "$M/2" exec "$T/text"
ok 'after all that the process is as it was' cmp "$T/before" "$M/2/maps"
is "$(cat "$M/2/comm")" second 'with its name'
listing=$(ls "$M")
fails ENOENT 'a failed exec at the machine' "$M" exec /no/such/program
is "$(ls "$M")" "$listing" 'leaves no process'

stop_mount
done_testing
