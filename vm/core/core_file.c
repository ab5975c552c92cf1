/*
 * core_file.c - reading a core file, as a file and as the memory that it holds: see core_file.h.
 */
#include "vm/core/core_file.h"

size_t core_read_file(const struct core_file *core, void *buf, size_t len, uint64_t offset)
{
	if (offset >= core->source.size)
		return 0;
	len = (size_t)MIN(len, core->source.size - offset);
	ssize_t got = core->source.read(core->source.ctx, buf, len, offset);
	return got > 0 ? (size_t)got : 0;
}

size_t core_find_load(const struct core_file *core, uint64_t va)
{
	size_t low = 0, high = core->loads.len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (CORE_LOAD(core, middle)->end <= va)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t core_read_memory(const struct core_file *core, uint64_t va, void *buf, size_t len)
{
	size_t done = 0;

	for (size_t i = core_find_load(core, va); done < len && i < core->loads.len; i++) {
		const struct core_load *load = CORE_LOAD(core, i);
		uint64_t at = va + done;
		if (at < load->vaddr || at - load->vaddr >= load->held)
			break;
		uint64_t skip = at - load->vaddr;
		size_t piece = (size_t)MIN(len - done, load->held - skip);
		size_t got =
		    core_read_file(core, (uint8_t *)buf + done, piece, load->offset + skip);
		done += got;
		if (got < piece)
			break;
	}
	return done;
}
