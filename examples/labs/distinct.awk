# distinct.awk - with replace.awk: print a reference string, made from `seed`, on which the rule
# (order, end, k) with 8 frames evicts other pages than each other rule.
function tell_apart(  o, e, i, mine) {
	run(order, end, k, 8, n)
	mine = victims
	for (o = 1; o <= 2; o++)
		for (e = 1; e <= 2; e++)
			for (i = 1; i <= 4; i++) {
				if (orders[o] == order && ends[e] == end && i == k)
					continue
				run(orders[o], ends[e], i, 8, n)
				if (victims == mine)
					return 0
			}
	return 1
}

BEGIN {
	split("load use", orders)
	split("old new", ends)
	n = 40
	do {
		for (i = 1; i <= n; i++)
			do
				refs[i] = draw(0, 12)
			while (i > 1 && refs[i] == refs[i - 1])
	} while (!tell_apart())
	for (i = 1; i <= n; i++)
		printf "%s%s", refs[i], i < n ? " " : "\n"
}
