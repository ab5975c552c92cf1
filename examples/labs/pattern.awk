# pattern.awk - with replace.awk: print `n` pages of 64, made from `seed`: 32 in 33 are among `hot`
# that stand together, the others are any.
BEGIN {
	first = draw(0, 64 - hot)
	for (i = 0; i < n; i++)
		print draw(0, 32) ? draw(first, first + hot - 1) : draw(0, 63)
}
