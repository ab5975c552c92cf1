# replace.awk - functions for labs 6 to 8: random numbers as lib.sh draws them, and a machine of a
# few frames on paper.

function draw(low, high) {
	seed = seed * 69069 + 12345
	seed -= int(seed / 4294967296) * 4294967296
	return low + int(seed / 256) % (high - low + 1)
}

# Access refs[1] to refs[n] on a machine without pages. `order`: what puts a page at the new end of
# the list, "load" or "use". The page that goes is the k-th from `end`, "old" or "new". Sets
# events[1] to events[happened], victims (one word), and returns the number of faults.
function run(order, end, k, frames, n,    i, j, size, list, at, page, faults) {
	happened = faults = size = 0
	victims = ""
	for (i = 1; i <= n; i++) {
		page = refs[i]
		for (at = 1; at <= size && list[at] != page; at++)
			;
		if (at <= size && order == "load")
			continue
		if (at > size) {
			faults++
			if (size == frames) {
				at = end == "old" ? k : size + 1 - k
				victims = victims list[at]
				events[++happened] = "evict " list[at]
			} else
				at = ++size
			events[++happened] = "load " page
		}
		for (j = at; j < size; j++)
			list[j] = list[j + 1]
		list[size] = page
	}
	return faults
}
