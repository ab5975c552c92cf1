# failures.awk - what failed or was skipped in a meson testlog.json, to be read at the end of a long
# run: the name of each test that failed, its "not ok" lines with the comments beside them, and the end
# of what it wrote to standard error; and the cases that were skipped.

# The value of a string key of the JSON object in $0, with its escapes.
function field(key,    rest) {
	if (!match($0, "\"" key "\": \""))
		return ""
	rest = substr($0, RSTART + RLENGTH)
	match(rest, /^([^"\\]|\\.)*/)
	return substr(rest, 1, RLENGTH)
}

# TEXT as it was written: its escapes in JSON undone, except those of control characters.
function plain(text) {
	gsub(/\\t/, "\t", text)
	gsub(/\\"/, "\"", text)
	gsub(/\\\\/, "\\", text)
	return text
}

# The last COUNT lines of TEXT.
function tail(text, count,    lines, line, i) {
	lines = split(text, line, /\\n/)
	for (i = lines > count ? lines - count + 1 : 1; i <= lines; i++)
		if (line[i] != "")
			print "    " plain(line[i])
}

{
	result = field("result")
	lines = split(field("stdout"), line, /\\n/)
	for (i = 1; i <= lines; i++)
		if (line[i] ~ /^ok.*# *SKIP/)
			printf "%s: %s (a case was skipped)\n    %s\n", label, field("name"),
			    plain(line[i])
	if (result == "OK" || result == "SKIP")
		next
	printf "%s: %s (%s)\n", label, field("name"), result
	found = 0
	for (i = 1; i <= lines && found < 40; i++)
		if (line[i] ~ /^not ok/ || (line[i] ~ /^ *#/ && line[i] !~ /# *(Start|End) of/)) {
			print "    " plain(line[i])
			found++
		}
	if (found == 0)
		tail(field("stdout"), 20)
	tail(field("stderr"), 20)
}
