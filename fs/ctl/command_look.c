/*
 * command_look.c - commands of a process that look at an address and touch nothing: translate,
 * walk, where.
 */
#include "fs/ctl/address.h"
#include "fs/ctl/command_memory.h"

#include "fs/text/render.h"
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *const levels[] = {"PGD", "PUD", "PMD", "PTE"};

enum { LEVELS = G_N_ELEMENTS(levels) };

/* --- translate -------------------------------------------------------------------------------- */

int command_translate(struct command_call *call)
{
	g_autoptr(GString) line = g_string_new(NULL);
	struct vm_translation walk;
	uint64_t addr;
	int error;

	if (!command_address(call, 1, "ADDR", &addr))
		return -EINVAL;
	if ((error = vm_translate(call->process, addr, &walk)) < 0)
		return error;
	g_string_printf(line, "0x%" PRIx64 " -> ", addr);
	if (walk.present)
		g_string_append_printf(line, "0x%" PRIx64, walk.pa);
	else
		g_string_append_printf(line, "%s %s", vm_outcome_name(walk.outcome),
		                       vm_fault_kind_name(walk.kind));
	for (int i = 0; i < walk.levels; i++)
		g_string_append_printf(line, " %s=0x%016" PRIx64, levels[i], walk.entry[i]);
	command_answer(call, "%s", line->str);
	return 0;
}

/* --- walk ------------------------------------------------------------------------------------- */

/* The bits of an entry that the processor looks at (Intel SDM vol. 3, 4.5). */
enum {
	ENTRY_PRESENT = 1 << 0,
	ENTRY_WRITE = 1 << 1,
	ENTRY_USER = 1 << 2,
	ENTRY_HUGE = 1 << 7,
	ENTRY_SOFT_CLEAN = 1 << 11, /* ours */
	/* the levels' indices in an address, from the last one up */
	INDEX_BITS = 9,
	INDEX_MASK = (1 << INDEX_BITS) - 1,
};
#define ENTRY_NX (UINT64_C(1) << 63)
#define ENTRY_ADDRESS UINT64_C(0x000ffffffffff000)

static unsigned index_of(uint64_t va, int depth)
{
	return va >> (VM_PAGE_SHIFT + INDEX_BITS * (LEVELS - 1 - depth)) & INDEX_MASK;
}

/* What the entry at DEPTH leads to. */
static void add_target(GString *out, const struct vm_translation *walk, int depth)
{
	uint64_t entry = walk->entry[depth], address = entry & ENTRY_ADDRESS;

	if (entry & ENTRY_PRESENT) {
		const char *what = depth < LEVELS - 1 ? entry & ENTRY_HUGE ? "huge page" : "table"
		                   : walk->place == VM_PLACE_ZERO ? "zero page"
		                                                  : "page";
		g_string_append_printf(out, "-> %s 0x%" PRIx64, what, address);
	} else if (walk->place == VM_PLACE_GUARD) {
		g_string_append(out, "-> guard page");
	} else if (entry != 0) {
		g_string_append_printf(out, "-> swap slot %" PRIu64, address >> VM_PAGE_SHIFT);
	} else {
		g_string_append(out, "-> nothing");
	}
}

/* Append PIECE after a blank, or on a line of its own where this one would be too long. */
static void add_piece(GString *out, size_t *line_start, const char *piece)
{
	enum { COLUMNS = 79 };

	if (out->len + 1 + strlen(piece) - *line_start > COLUMNS) {
		g_string_append(out, "\n   ");
		*line_start = out->len - strlen("   ");
	}
	g_string_append_printf(out, " %s", piece);
}

static void answer_entry(struct command_call *call, uint64_t va, const struct vm_translation *walk,
                         int depth)
{
	g_autoptr(GString) out = g_string_new(NULL), flags = g_string_new(NULL),
	                   target = g_string_new(NULL);
	size_t line_start = 0;

	g_string_printf(out, "%s[%u] at 0x%" PRIx64 " = 0x%016" PRIx64, levels[depth],
	                index_of(va, depth), walk->at[depth], walk->entry[depth]);
	/* Soft-dirty is the opposite of its bit. The processor ignores it, so it is left out. */
	entry_flags(flags, walk->entry[depth] | ENTRY_SOFT_CLEAN, (enum vm_level)(VM_PGD - depth));
	if (flags->len > 0)
		add_piece(out, &line_start, flags->str);
	add_target(target, walk, depth);
	add_piece(out, &line_start, target->str);
	command_answer(call, "%s", out->str);
}

/* The rights that all levels grant together, to user code. */
static void rights_of(const struct vm_translation *walk, char rights[4])
{
	uint64_t all = UINT64_MAX, nx = 0;

	for (int i = 0; i < walk->levels; i++) {
		all &= walk->entry[i];
		nx |= walk->entry[i];
	}
	bool user = walk->present && (all & ENTRY_USER);
	rights[0] = user ? 'r' : '-';
	rights[1] = user && (all & ENTRY_WRITE) ? 'w' : '-';
	rights[2] = user && !(nx & ENTRY_NX) ? 'x' : '-';
	rights[3] = '\0';
}

int command_walk(struct command_call *call)
{
	struct vm_translation walk;
	char rights[4];
	uint64_t addr;
	int error;

	if (!command_address(call, 1, "ADDR", &addr))
		return -EINVAL;
	if ((error = vm_translate(call->process, addr, &walk)) < 0)
		return error;
	command_answer(call, "0x%" PRIx64 ": PGD %u, PUD %u, PMD %u, PTE %u, offset 0x%x", addr,
	               index_of(addr, 0), index_of(addr, 1), index_of(addr, 2), index_of(addr, 3),
	               (unsigned)(addr % VM_PAGE_SIZE));
	if (!vm_is_canonical(addr))
		command_answer(call,
		               "not canonical: bits 47 to 63 differ, so nothing is looked up");
	for (int i = 0; i < walk.levels && vm_is_canonical(addr); i++)
		answer_entry(call, addr, &walk, i);
	rights_of(&walk, rights);
	if (walk.present)
		command_answer(call, "rights %s physical 0x%" PRIx64, rights, walk.pa);
	else
		command_answer(call, "rights %s fault %s %s", rights, vm_outcome_name(walk.outcome),
		               vm_fault_kind_name(walk.kind));
	return 0;
}

/* --- where ------------------------------------------------------------------------------------ */

/* The area of an address, or its neighbours. */
struct neighbours {
	uint64_t va;
	GString *own, *below, *above; /* as maps begins their lines; empty: there is none */
};

static void describe_area(GString *out, const struct vm_area_info *area, uint64_t va)
{
	g_string_printf(out, "%08" PRIx64 "-%08" PRIx64 " %s", area->start, area->end, area->perm);
	if (area->name == NULL)
		return;
	g_string_append_c(out, ' ');
	text_escaped(out, area->name, " \t\n\\");
	if (va >= area->start && va < area->end)
		g_string_append_printf(out, "+0x%" PRIx64, va - area->start + area->offset);
}

static bool take_area(void *ctx, const struct vm_area_info *area)
{
	struct neighbours *around = ctx;

	if (area->start > around->va)
		describe_area(around->above, area, around->va);
	else
		describe_area(area->end > around->va ? around->own : around->below, area,
		              around->va);
	return area->end <= around->va;
}

static void add_symbol(GString *out, struct command_call *call, uint64_t va)
{
	uint64_t start;
	g_autofree char *name = vm_process_symbol_at(call->process, va, &start);

	if (name == NULL)
		return;
	g_string_append_c(out, ' ');
	text_escaped(out, name, " \t\n\\");
	g_string_append_printf(out, "+0x%" PRIx64, va - start);
}

static void add_place(GString *out, const struct vm_translation *found)
{
	switch (found->place) {
	case VM_PLACE_FRAME:
		g_string_append_printf(out, " frame=0x%" PRIx64, found->place_number);
		break;
	case VM_PLACE_SLOT:
		g_string_append_printf(out, " slot=%" PRIu64, found->place_number);
		break;
	case VM_PLACE_FILE:
		g_string_append(out, " file");
		break;
	case VM_PLACE_ZERO:
		g_string_append(out, " zero");
		break;
	case VM_PLACE_UNTOUCHED:
		g_string_append(out, " untouched");
		break;
	case VM_PLACE_GUARD:
		g_string_append(out, " guard");
		break;
	case VM_PLACE_NOWHERE:
		g_string_append(out, " sigbus");
		break;
	case VM_PLACE_NONE:
		break;
	}
}

/* There is no area: say what lies below and above, and whether hex was meant. */
static void answer_gap(struct command_call *call, const struct neighbours *around)
{
	g_autofree char *question = address_question(call->process, call->words[1]);

	command_answer(call, "no area; below: %s; above: %s%s%s",
	               around->below->len > 0 ? around->below->str : "none",
	               around->above->len > 0 ? around->above->str : "none",
	               question != NULL ? "; " : "", question != NULL ? question : "");
}

int command_where(struct command_call *call)
{
	g_autoptr(GString) own = g_string_new(NULL), below = g_string_new(NULL),
	                   above = g_string_new(NULL);
	struct neighbours around = {.own = own, .below = below, .above = above};
	struct vm_translation found;
	int error;

	if (!command_address(call, 1, "ADDR", &around.va))
		return -EINVAL;
	if ((error = vm_process_areas(call->process, 0, take_area, &around)) < 0 ||
	    (error = vm_translate(call->process, around.va, &found)) < 0)
		return error;
	if (own->len == 0) {
		answer_gap(call, &around);
		return 0;
	}
	add_symbol(own, call, around.va);
	add_place(own, &found);
	command_answer(call, "%s", own->str);
	return 0;
}
