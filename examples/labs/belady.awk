# belady.awk - with replace.awk: print a reference string, made from `seed`, on which FIFO has more
# faults with four frames than with three, and evicts other pages than LRU. The pages are digits.
BEGIN {
	split("1 2 3 4 1 2 5 1 2 3 4 5", core, " ")
	do {
		for (i = 0; i < 10; i++)
			digits[i] = i
		for (i = 9; i > 0; i--) {
			j = draw(0, i)
			t = digits[i]; digits[i] = digits[j]; digits[j] = t
		}
		n = 0
		for (i = draw(1, 3); i > 0; i--)
			refs[++n] = digits[draw(1, 6)]
		for (i = 1; i <= 12; i++)
			refs[++n] = digits[core[i]]
		for (i = draw(1, 3); i > 0; i--)
			refs[++n] = digits[draw(1, 6)]
		repeats = 0
		for (i = 2; i <= n; i++)
			repeats += refs[i] == refs[i - 1]
		three = run("load", "old", 1, 3, n); fifo = victims
		four = run("load", "old", 1, 4, n)
		run("use", "old", 1, 3, n)
	} while (repeats > 0 || four <= three || fifo == victims)
	for (i = 1; i <= n; i++)
		printf "%s%s", refs[i], i < n ? " " : "\n"
}
