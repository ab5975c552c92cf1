# Programs of Debian run inside as they do on the host: the same output, the same exit status. Each
# runs with plenty of memory, and with a quarter of what it needs and one of the policies.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/run_lib.sh"

# --- Files that they use ----------------------------------------------------------------------

seq 1 20000 >"$T/numbers"
head -c 300000 "$VASCTL" >"$T/bytes"
mkdir -p "$T/tree/one/two" "$T/tree/three"
for n in 1 2 3 4 5; do
	echo "text $n" >"$T/tree/one/file$n"
	head -c $((n * 5000)) "$T/numbers" >"$T/tree/three/file$n"
done
cat >"$T/script" <<'END'
sum=0
for n in $(seq 1 10); do sum=$((sum + n)); done
echo "sum $sum" "$(echo inner $(echo "in it"))"
seq 1 100 | grep 7 | sort -r | head -n 3
printf '%s\n' a b c | while read -r x; do echo "<$x>"; done
(exit 3); echo "status $?"
cat <<HERE
here $sum
HERE
case $sum in 5*) echo five ;; esac
echo words >"$1"; read -r line <"$1"; echo "$line"; rm "$1"
false || echo or
exit 7
END
cat >"$T/small.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
	char *text = malloc(100000);
	memset(text, 'x', 99999);
	text[99999] = 0;
	printf("%d %zu %s %.3f\n", argc, strlen(text), argv[argc - 1], 1.0 / 3);
	return argc;
}
END
cat >"$T/program.py" <<'END'
import json, re, hashlib, sys
data = {'a': [1, 2.5, None, True], 'b': {'c': 'text \u00e4'}, 'n': list(range(100))}
text = json.dumps(data, sort_keys=True)
print(len(text), json.loads(text) == data)
print(re.findall(r'(\w+)@(\w+)\.org', 'me@here.org, you@there.org'))
print(sorted(set(re.sub('[aeiou]', '', 'the quick brown fox').split())))
print(hashlib.sha256(text.encode()).hexdigest(), sum(i * i for i in range(20000)))
sys.exit(4)
END
perl='my %h; $h{$_ % 7} += $_ for 1..5000; print "$_=$h{$_}\n" for sort keys %h; exit 2'
awk='{ sum += $1; if ($1 % 5000 == 0) print $1, sum } END { printf "%.2f\n", sum / NR }'

# --- Each of them -----------------------------------------------------------------------------

# all FUNCTION: FUNCTION NAME STDIN COMMAND... for each program.
all() {
	"$1" true /dev/null true
	"$1" false /dev/null false
	"$1" echo /dev/null echo some 'words  with blanks' '*'
	"$1" 'cat of standard input' "$T/tree/one/file1" cat
	"$1" 'cat of a file' /dev/null cat "$T/numbers"
	"$1" 'cat of nothing' /dev/null cat "$T/missing"
	"$1" 'ls -l' /dev/null ls -l /usr
	"$1" sort "$T/numbers" sort -r -k1
	"$1" grep /dev/null grep -n '99[0-9]$' "$T/numbers"
	"$1" sed "$T/numbers" sed -n 's/^\(1\)\(.*\)5$/\2-\1/p'
	"$1" awk /dev/null mawk "$awk" "$T/numbers"
	"$1" find /dev/null find "$T/tree" -type f -name 'file[2-4]' -size -3
	"$1" 'gzip and back' "$T/bytes" sh -c 'gzip -c | gzip -dc | cksum'
	"$1" sha256sum /dev/null sha256sum "$T/bytes" "$T/numbers"
	"$1" tar /dev/null sh -c "tar -C '$T' -cf - tree | tar -tf - | sort"
	"$1" perl /dev/null perl -e "$perl"
	"$1" python3 /dev/null "$python" "$T/program.py"
	"$1" dash /dev/null dash "$T/script" "$T/scratch"
	"$1" bash /dev/null bash "$T/script" "$T/scratch"
	"$1" 'static busybox' /dev/null busybox-static sh -c 'busybox-static seq 5 | busybox-static wc'
	"$1" 'a program of musl' /dev/null "$T/small-musl" with words
	"$1" 'gcc -O2' /dev/null gcc -O2 -o "$T/small" "$T/small.c"
	"$1" 'and its program' /dev/null "$T/small" one two
}

# The python3 of Debian: others may be in the path.
python=/usr/bin/python3
mkdir "$T/bin"
ln -s "$(command -v busybox)" "$T/bin/busybox-static"
env_words="$env_words PATH=$T/bin:$PATH"
musl-gcc -O2 -o "$T/small-musl" "$T/small.c"

# have COMMAND...: whether it is there; else the test is skipped
have() {
	case $1 in
	*/*) [ -x "$1" ] || [ "$1" = "$T/small" ] ;;
	busybox-static) command -v busybox >/dev/null ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

run_mount -o ram=512M
policies=$(cut -d ' ' -f 1 "$M/sys/vm/policies")

# plenty NAME STDIN COMMAND...
plenty() {
	name=$1 stdin=$2
	shift 2
	if ! have "$1"; then
		skip "no $1 here" "$name"
		return
	fi
	same "$name" "$@"
	case $1 in gcc) ok 'gcc made a program' test -x "$T/small" ;; esac
}
all plenty
stop_mount

# --- A quarter of the memory ------------------------------------------------------------------

# Each program has one policy, in turn; each policy has one program at least.
# shellcheck disable=SC2086 # words
set -- $policies
queue="$* "
next_policy() {
	policy=${queue%% *}
	queue="${queue#* }$policy "
}

# quarter COMMAND...: a quarter of the peak on the host, in KiB. gcc's is that of a child.
quarter() {
	case $1 in
	gcc) echo 8192 ;;
	*)
		# shellcheck disable=SC2086 # words
		_peak=$($env_words "$PROGRAMS/maps_at_exit" peak "$@" <"$stdin" 2>/dev/null)
		echo $((${_peak:-4096} / 4))
		;;
	esac
}
little() {
	name=$1 stdin=$2
	shift 2
	have "$1" || return 0
	next_policy
	kib=$(quarter "$@")
	start_mount -o "ram=${kib}K,swapsize=256M,policy=$policy"
	same "$name with $kib KiB, $policy" "$@"
	stop_mount
}
all little
for policy in $policies; do
	start_mount -o "ram=1M,swapsize=64M,policy=$policy"
	stdin=$T/numbers
	same "sort with 1 MiB, $policy" sort -n -r
	stop_mount
done
done_testing
