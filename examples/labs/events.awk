# events.awk - with replace.awk: print what happens. The first line of the input is ORDER END K
# FRAMES, the second one the pages.
NR == 1 { order = $1; end = $2; k = $3; frames = $4 }
NR == 2 {
	for (i = 1; i <= NF; i++)
		refs[i] = $i
	run(order, end, k, frames, NF)
	for (i = 1; i <= happened; i++)
		print events[i]
}
