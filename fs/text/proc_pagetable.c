/*
 * proc_pagetable.c - PID/pagetable: one line for each entry in use of the four-level table, in
 * address order, parents first.
 *
 *     VA LEVEL INDEX KIND RAW NOTES...
 *
 * NOTES are, in this order and only where they apply: pfn= or slot=, flags=, users=, zero, cow,
 * eff=. A process with 1 GiB resident has a quarter of a million lines, so numbers are written
 * without printf.
 */
#include "fs/text/render.h"
#include "util/text.h"

#include <errno.h>
#include <sys/mman.h>

/* The longest line, and some more. All flags together take 110 bytes. */
#define LINE_ROOM 256

#define PFN_BITS UINT64_C(0x000ffffffffff000)

static const char *const level_names[] = {
    [VM_PTE] = "PTE", [VM_PMD] = "PMD", [VM_PUD] = "PUD", [VM_PGD] = "PGD"};

static const char *const kind_names[] = {
    [VM_ENTRY_TABLE] = "table", [VM_ENTRY_PAGE] = "page",   [VM_ENTRY_HUGE] = "huge",
    [VM_ENTRY_SWAP] = "swap",   [VM_ENTRY_GUARD] = "guard",
};

/*
 * The names of bits by number, as in the processor's manual, and of those that the processor leaves
 * to software. One of these is clear when its name applies, see entry_flags.
 */
static const char *const bit_names[64] = {
    [0] = "P",       [1] = "RW",         [2] = "US",     [3] = "PWT",   [4] = "PCD",
    [5] = "A",       [6] = "D",          [7] = "PS",     [8] = "G",     [9] = "SWAP",
    [10] = "LOCKED", [11] = "SOFTDIRTY", [52] = "GUARD", [53] = "SW53", [54] = "SW54",
    [55] = "SW55",   [56] = "SW56",      [57] = "SW57",  [58] = "SW58", [59] = "SW59",
    [60] = "SW60",   [61] = "SW61",      [62] = "SW62",  [63] = "NX",
};

enum { PRESENT_BIT = 0, PS_BIT = 7, SOFT_CLEAN_BIT = 11 };

/* In a last-level entry, bit 7 means something else. */
static const char *bit_name(int bit, enum vm_level level)
{
	return bit == PS_BIT && level == VM_PTE ? "PAT" : bit_names[bit];
}

void entry_flags(GString *out, uint64_t raw, enum vm_level level)
{
	bool is_page = level == VM_PTE && (raw & 1 << PRESENT_BIT);
	uint64_t soft_clean = UINT64_C(1) << SOFT_CLEAN_BIT, bits = raw & ~PFN_BITS;
	const char *separator = "";

	/* The bit says that a page was not written since clear_refs. Linux has it the other way. */
	bits = is_page ? bits ^ soft_clean : bits & ~soft_clean;

	while (bits) {
		int bit = __builtin_ctzll(bits);

		g_string_append(out, separator);
		g_string_append(out, bit_name(bit, level));
		separator = "|";
		bits &= bits - 1;
	}
}

static void add_flags(GString *out, const struct vm_entry_info *entry)
{
	g_string_append(out, " flags=");
	entry_flags(out, entry->raw, entry->level);
}

/* What the entries above leave of the entry's own rights. */
static void add_rights(GString *out, int rights)
{
	g_string_append(out, " eff=");
	g_string_append_c(out, rights & PROT_READ ? 'r' : '-');
	g_string_append_c(out, rights & PROT_WRITE ? 'w' : '-');
	g_string_append_c(out, rights & PROT_EXEC ? 'x' : '-');
}

static void add_notes(GString *out, const struct vm_entry_info *entry)
{
	if (entry->kind == VM_ENTRY_SWAP) {
		g_string_append(out, " slot=");
		text_decimal(out, entry->pfn);
	} else if (entry->kind == VM_ENTRY_GUARD) {
		add_flags(out, entry);
	} else {
		g_string_append(out, " pfn=0x");
		text_hex(out, entry->pfn, 1);
		add_flags(out, entry);
	}
	if (entry->users > 1) {
		g_string_append(out, " users=");
		text_decimal(out, entry->users);
	}
	if (entry->zero)
		g_string_append(out, " zero");
	if (entry->cow)
		g_string_append(out, " cow");
	if (entry->effective != entry->rights)
		add_rights(out, entry->effective);
}

static bool add_entry(void *ctx, const struct vm_entry_info *entry)
{
	struct text_lines *lines = ctx;
	GString *out = lines->out;

	if (!text_room(lines, LINE_ROOM))
		return false;
	text_hex(out, entry->va, 16);
	g_string_append_c(out, ' ');
	g_string_append(out, level_names[entry->level]);
	g_string_append_c(out, ' ');
	text_decimal(out, entry->index);
	g_string_append_c(out, ' ');
	g_string_append(out, kind_names[entry->kind]);
	g_string_append(out, " 0x");
	text_hex(out, entry->raw, 16);
	add_notes(out, entry);
	g_string_append_c(out, '\n');
	return text_line_ends(lines, vm_entry_place(entry) + 1);
}

int lines_pagetable(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                    const struct fs_caller *caller)
{
	int error = vm_process_entries(process, lines->from, add_entry, lines);

	return error == 0 && lines->full ? -ENOMEM : error;
}
