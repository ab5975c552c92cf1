/*
 * proc_tlb.c - PID/tlb: the simulated TLB of a process.
 *
 *     geometry SETSxWAYS
 *     hits N
 *     misses N
 *     flushes N
 *     SET WAY VA pfn=0x.. FLAGS
 *
 * There is one line of the last form for each valid entry, by set and way. FLAGS: w writable, x
 * executable, d dirty.
 */
#include "fs/text/render.h"
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>

#define LINE_ROOM 96

static void add_flags(GString *out, const struct vm_tlb_entry *entry)
{
	const struct {
		char letter;
		bool set;
	} flags[] = {{'w', entry->writable}, {'x', entry->executable}, {'d', entry->dirty}};

	for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
		g_string_append_c(out, flags[i].set ? flags[i].letter : '-');
}

static void add_entry(void *ctx, const struct vm_tlb_entry *entry)
{
	struct text_lines *lines = ctx;
	GString *out = lines->out;

	if (!text_room(lines, LINE_ROOM))
		return;
	g_string_append_printf(out, "%u %u ", entry->set, entry->way);
	text_hex(out, entry->va, 16);
	g_string_append_printf(out, " pfn=0x%" PRIx64 " ", entry->pfn);
	add_flags(out, entry);
	g_string_append_c(out, '\n');
}

int render_tlb(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	g_autoptr(GString) entries = g_string_new(NULL);
	struct text_lines lines = {.out = entries};
	struct vm_tlb_info info;

	vm_process_tlb(process, &info, add_entry, &lines);
	if (lines.full)
		return -ENOMEM;
	g_string_append_printf(
	    out, "geometry %ux%u\nhits %" PRIu64 "\nmisses %" PRIu64 "\nflushes %" PRIu64 "\n",
	    info.sets, info.ways, info.hits, info.misses, info.flushes);
	g_string_append_len(out, entries->str, (gssize)entries->len);
	return 0;
}
