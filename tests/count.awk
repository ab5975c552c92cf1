# count.awk - counts the test cases in a meson testlog.json: lines PASSED n, FAILED n, SKIPPED n.
# The cases of a program that prints TAP are counted one by one. If the program crashed, timed out
# or ran another number of cases than planned, that is one more failure.

# The value of a string key of the JSON object in $0, with its escapes.
function field(key,    rest) {
	if (!match($0, "\"" key "\": \""))
		return ""
	rest = substr($0, RSTART + RLENGTH)
	match(rest, /^([^"\\]|\\.)*/)
	return substr(rest, 1, RLENGTH)
}

{
	result = field("result")
	lines = split(field("stdout"), line, /\\n/)
	cases = bad = 0
	plan = ""
	for (i = 1; i <= lines; i++) {
		if (line[i] ~ /^1\.\.[0-9]+/) {
			plan = substr(line[i], 4) + 0
		} else if (line[i] ~ /^not ok/) {
			cases++
			bad++
		} else if (line[i] ~ /^ok/) {
			cases++
			if (line[i] ~ /# *[Ss][Kk][Ii][Pp]/)
				skipped++
			else
				passed++
		}
	}
	failed += bad
	if (cases == 0 && result == "OK" && plan == "")
		passed++ # not TAP: its exit counts
	else if (cases == 0 && result == "SKIP")
		skipped++
	else if ((plan == "" || plan != cases) || (result != "OK" && result != "SKIP" && bad == 0))
		failed++
}

END {
	printf "PASSED %d\nFAILED %d\nSKIPPED %d\n", passed, failed, skipped
}
