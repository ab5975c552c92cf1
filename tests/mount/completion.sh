# Completion in bash, as readline calls it; and vasctl --list, from which it takes its words.
folder=$(cd "$(dirname "$0")/../../completion" && pwd)
. "$(dirname "$0")/lib.sh"
start_mount -o ram=4M
pid=$(ctl "$M" exec /bin/true)

# complete_line LINE: what bash offers when TAB is pressed at the end of it, in one line
complete_line() {
	bash -s "$folder" "$1" "$VASCTL" "$VASFS" "$REPLAY" <<'END'
. "$1/vasctl" && . "$1/vasfs" && . "$1/vasfs-replay"
COMP_LINE=$2 COMP_POINT=${#2}
# As readline: words end at blanks, and = is a word of its own.
read -r -a COMP_WORDS <<<"${COMP_LINE//=/ = }"
case $COMP_LINE in *[' =']) COMP_WORDS+=('') ;; esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
program=$3
[ "${COMP_WORDS[0]}" = vasctl ] || program=$4
[ "${COMP_WORDS[0]}" != vasfs-replay ] || program=$5
"_${COMP_WORDS[0]//-/_}" "$program" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
echo "${COMPREPLY[*]}"
END
}

# --- vasctl --list ----------------------------------------------------------------------------

is "$(ctl --list "$M")" "$(ctl "$M" help | cut -d ' ' -f 1)" '--list of the mount: what help lists'
is "$(ctl --list "$M/$pid")" "$(ctl "$M/$pid" help | cut -d ' ' -f 1)" '--list of a process'
is "$(ctl --list | sort)" "$({ ctl --list "$M" && ctl --list "$M/$pid"; } | sort -u)" \
	'without a folder those of both kinds, each once'
is "$(ctl --list "$M/$pid" mlockall)" 'current
future
onfault' 'the words that a command takes'
is "$(ctl --list "$M/$pid" mmap 4 | head -n 1)" private 'those of one of its arguments'
is "$(ctl --list "$M/$pid" mmap 1 | head -n 1)" sp 'names of addresses'
is "$(ctl --list "$M/$pid" mmap 2)" '' 'no words where any number may stand'
is "$(ctl --list "$M" kill 1)" "$pid" 'pids'
refused '--list of what is no mount' ctl --list "$T"
refused '--list of a command that is not there' ctl --list "$M" mmap
like "$(ctl --version)" '^vasctl [0-9]' '--version'
like "$(ctl --help)" '^Usage: vasctl DIR ' '--help'
is "$(ctl --help | awk 'length > 79')" '' 'which fits 80 columns'
last=$(cat "$M/ctl")
ctl --list "$M" >/dev/null
is "$(cat "$M/ctl")" "$last" '--list replaces no result'

# --- vasctl -----------------------------------------------------------------------------------

is "$(complete_line "vasctl $M/$pid mu")" 'munmap munlock munlockall' 'commands of a process'
is "$(complete_line "vasctl $M sw")" swapoff 'commands of the machine'
is "$(complete_line "vasctl $M ")" "$(ctl --list "$M" | tr '\n' ' ' | sed 's/ $//')" 'all of them'
is "$(complete_line "vasctl $M/$pid mmap 0 8K rw- private,ano")" 'private,anonymous private,anon' \
	'flags of mmap, also after a comma'
is "$(complete_line "vasctl $M/$pid madvise 0 8K wi")" 'willneed wipeonfork' 'advice'
is "$(complete_line "vasctl $M/$pid access ")" 'r w x' 'kinds of access'
is "$(complete_line "vasctl $M/$pid walk st")" stack 'names of addresses'
is "$(complete_line "vasctl $M/$pid walk libc")" libc.so.6 'names of mapped files'
is "$(complete_line "vasctl $M/$pid setrlimit me")" memlock 'limits'
is "$(complete_line "vasctl $M/$pid help tr")" translate 'help'
is "$(complete_line "vasctl $M kill ")" "$pid" 'pids'
is "$(complete_line "vasctl $M/$pid open $T/m")" "$T/mnt" 'files, where a command takes one'
like " $(complete_line "vasctl $M") " " $M $M/$pid " 'a mount, and the processes in it'
is "$(complete_line 'vasctl --l')" --list 'options'
is "$(complete_line "vasctl $M/99 ")" '' 'nothing for a process that is not there'

# --- vasfs ------------------------------------------------------------------------------------

is "$(complete_line 'vasfs -o sw')" 'swap= swapsize=' 'options'
is "$(complete_line 'vasfs -o ram=64M,poli')" '64M,policy=' 'the second of them'
is "$(complete_line 'vasfs -o oom=')" 'fail kill' 'values that are words'
is "$(complete_line 'vasfs -o ram=4M,segv=k')" kill 'of the last option'
is "$(complete_line 'vasfs -o policy=' | tr ' ' '\n')" \
	"$(cut -d ' ' -f 1 "$M/sys/vm/policies")" 'the policies are those of the machine'
is "$(complete_line "vasfs -o aslr $T/m")" "$T/mnt" 'the folder to mount on'
like "$(complete_line 'vasfs -')" '-o .*-V' 'flags'
# shellcheck disable=SC2016 # the folder is bash's
is "$(complete_line 'vasfs -o ')" \
	"$("$VASFS" -h | sed -n 's/^ .*-o \([a-z_]*=\{0,1\}\).*/\1/p' | tr '\n' ' ' |
		sed 's/ $//')" 'all options of its help'

# --- vasfs-replay -----------------------------------------------------------------------------

is "$(complete_line 'vasfs-replay --f')" '--frames --format' 'options of its help'
is "$(complete_line 'vasfs-replay --policy lru,fi')" 'lru,fifo' 'policies, also after a comma'
like " $(complete_line 'vasfs-replay -p ') " ' all .* opt ' 'all, and opt'
is "$(complete_line 'vasfs-replay --output=c')" csv 'forms'
is "$(complete_line 'vasfs-replay -f p')" 'pin pages' 'formats'
is "$(complete_line "vasfs-replay $T/m")" "$T/mnt" 'files'

stop_mount
done_testing
