/*
 * stack_scan.c - what a core file does not say but its memory shows: where the arguments and the
 * environment are, and the heap. See core_file.h. What is not found stays 0.
 *
 * The stack at the start of a program, from the top down (create_elf_tables):
 *
 *     strings       environment, arguments
 *     AT_RANDOM     16 bytes, and the name of the platform
 *     auxv          its bytes are in the core, so it can be found
 *     envp          pointers, and a 0
 *     argv          pointers, and a 0
 *     argc          the number of argv
 */
#include "vm/core/core_file.h"

#include <string.h>
#include <sys/mman.h>

enum {
	AUXV_WINDOW = 8192,     /* bytes below AT_RANDOM in which auxv lies */
	POINTERS_MAX = 1 << 17, /* of argv and envp together */
};

/* Heaps begin so far behind the program at most: arch_randomize_brk, and 1 GiB for PIE. */
#define HEAP_GAP (UINT64_C(2) << 30)

/* The address of the auxiliary vector, or 0. */
static uint64_t find_auxv(const struct core_file *core)
{
	const struct vm_image *image = core->image;
	uint64_t random = core_auxv(image, AT_RANDOM);
	/* Not all of it: a debugger may have written the end otherwise. */
	size_t len = MIN(image->auxv_len, 8u) * sizeof image->auxv[0];
	uint8_t window[AUXV_WINDOW];
	uint64_t found = 0;

	if (random < sizeof window || random >= VM_USER_END || len < 2 * sizeof image->auxv[0])
		return 0;
	uint64_t start = (random - sizeof window + 7) & ~UINT64_C(7);
	size_t load = core_find_load(core, random);
	if (load == core->loads.len)
		return 0;
	start = MAX(start, (CORE_LOAD(core, load)->vaddr + 7) & ~UINT64_C(7));
	if (start >= random)
		return 0;
	size_t got = core_read_memory(core, start, window, (size_t)(random - start));
	/* The last one: what looks like it further down is a copy. */
	for (size_t at = 0; at + len <= got; at += 8)
		if (memcmp(window + at, image->auxv, len) == 0)
			found = start + at;
	return found;
}

/* The words below an address, read in pieces. */
struct words {
	const struct core_file *core;
	uint64_t start, end; /* of what was read */
	uint64_t word[512];
	unsigned left; /* words that may still be asked for */
};

/* Store the word at VA, a multiple of 8, in *VALUE. False: there is none, or too many were. */
static bool word_at(struct words *words, uint64_t va, uint64_t *value)
{
	if (words->left == 0 || va < sizeof words->word)
		return false;
	words->left--;
	if (va < words->start || va >= words->end) {
		words->start = va + 8 - sizeof words->word;
		words->end = va + 8;
		size_t load = core_find_load(words->core, va);
		if (load == words->core->loads.len || va < CORE_LOAD(words->core, load)->vaddr)
			return false;
		uint64_t low = (CORE_LOAD(words->core, load)->vaddr + 7) & ~UINT64_C(7);
		words->start = MAX(words->start, low);
		size_t len = (size_t)(words->end - words->start);
		if (core_read_memory(words->core, words->start, words->word, len) != len) {
			words->end = words->start;
			return false;
		}
	}
	*value = words->word[(va - words->start) / 8];
	return true;
}

/*
 * Where the array of pointers that ends with the 0 at VA begins; 0: it is none. A word with the
 * number of pointers above it ends it, if COUNTED; else a 0.
 */
static uint64_t array_start(struct words *words, uint64_t va, bool counted)
{
	uint64_t value;

	if (!word_at(words, va, &value) || value != 0)
		return 0;
	for (uint64_t count = 0; word_at(words, va - 8, &value); count++, va -= 8)
		if (counted ? value == count : value == 0)
			return va;
	return 0;
}

void core_scan_stack(struct core_file *core)
{
	struct words words = {.core = core, .left = POINTERS_MAX};
	struct vm_layout *layout = &core->image->layout;
	uint64_t auxv = find_auxv(core), first_env = 0, last;

	layout->start_stack = core_auxv(core->image, AT_RANDOM) & ~UINT64_C(15);
	uint64_t envp = auxv != 0 ? array_start(&words, auxv - 8, false) : 0;
	uint64_t argv = envp != 0 ? array_start(&words, envp - 8, true) : 0;
	if (argv == 0)
		return;
	layout->start_stack = argv - 8;
	last = core_auxv(core->image, AT_EXECFN);
	uint64_t first = 0;
	if (!word_at(&words, argv, &first) || first == 0 || !word_at(&words, envp, &first_env))
		return;
	uint64_t args_end = first_env != 0 ? first_env : last;
	if (first < args_end && args_end <= last && last < VM_USER_END) {
		layout->arg_start = first;
		layout->arg_end = layout->env_start = args_end;
		layout->env_end = last;
	}
}

/* --- The heap --------------------------------------------------------------------------------- */

/* The end of the last area of the program's file, or 0. */
static uint64_t program_areas_end(const struct core_file *core)
{
	uint64_t phdr = core_auxv(core->image, AT_PHDR);
	size_t i = 0;

	while (i < core->entries.len && CORE_ENTRY(core, i)->end <= phdr)
		i++;
	if (phdr == 0 || i == core->entries.len || CORE_ENTRY(core, i)->start > phdr)
		return 0;
	const char *name = CORE_ENTRY(core, i)->name;
	while (i + 1 < core->entries.len && strcmp(CORE_ENTRY(core, i + 1)->name, name) == 0)
		i++;
	return CORE_ENTRY(core, i)->end;
}

/* Whether AREA can be a bss or a heap. */
static bool is_anonymous_data(const struct vm_image_area *area)
{
	return area->name == NULL && area->prot == (PROT_READ | PROT_WRITE);
}

/*
 * The heap is the first anonymous memory behind the program that is not its bss. If the bss reaches
 * into it, the kernel has merged the two. Without the program's file, what touches the program is
 * its bss.
 */
void core_find_heap(struct core_file *core)
{
	struct vm_layout *layout = &core->image->layout;
	uint64_t end = program_areas_end(core), bss = page_align(core->program_end);

	layout->start_brk = layout->brk = MAX(bss, end);
	if (end == 0)
		return;
	bss = bss != 0 ? bss : end + 1;
	for (size_t i = 0; i < core->image->areas.len; i++) {
		const struct vm_image_area *area =
		    &ARRAY_AT(&core->image->areas, struct vm_image_area, i);
		if (area->start < end)
			continue;
		if (area->start - end > HEAP_GAP || !is_anonymous_data(area))
			return;
		if (area->end <= bss || (core->program_end == 0 && area->start == end))
			continue;
		layout->start_brk = MAX(area->start, core->program_end != 0 ? bss : 0);
		layout->brk = area->end;
		return;
	}
}
