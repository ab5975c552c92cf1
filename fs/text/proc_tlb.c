/*
 * proc_tlb.c - PID/tlb: the simulated TLB of a process.
 *
 *     SET WAY VA PFN FLAGS
 *     geometry SETSxWAYS
 *     hits N
 *     misses N
 *     flushes N
 *     SET WAY VA pfn=0x.. FLAGS
 *
 * The first line names the columns of the last form. There is one such line for each valid entry,
 * by set and way. FLAGS: w writable, x executable, d dirty.
 */
#include "fs/text/render.h"
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>

#define LINE_ROOM 96
#define HEAD_ROOM 160

static void add_flags(GString *out, const struct vm_tlb_entry *entry)
{
	const struct {
		char letter;
		bool set;
	} flags[] = {{'w', entry->writable}, {'x', entry->executable}, {'d', entry->dirty}};

	for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
		g_string_append_c(out, flags[i].set ? flags[i].letter : '-');
}

/* The place of a line: the head is at 0, entry N at N + 1. */
struct tlb_lines {
	struct text_lines *lines;
	struct vm_tlb_info info;
};

static void add_entry(void *ctx, const struct vm_tlb_entry *entry)
{
	const struct tlb_lines *tlb = ctx;
	struct text_lines *lines = tlb->lines;
	uint64_t place = (uint64_t)entry->set * tlb->info.ways + entry->way + 1;
	GString *out = lines->out;

	if (place < lines->from || lines->more || !text_room(lines, LINE_ROOM))
		return;
	g_string_append_printf(out, "%u %u ", entry->set, entry->way);
	text_hex(out, entry->va, 16);
	g_string_append_printf(out, " pfn=0x%" PRIx64 " ", entry->pfn);
	add_flags(out, entry);
	g_string_append_c(out, '\n');
	text_line_ends(lines, place + 1);
}

/* Put the head before the bytes from AT on. */
static void insert_head(struct text_lines *lines, size_t at, const struct vm_tlb_info *info)
{
	g_autofree char *head = NULL;

	if (!text_room(lines, HEAD_ROOM))
		return;
	head = g_strdup_printf("SET WAY VA PFN FLAGS\ngeometry %ux%u\nhits %" PRIu64
	                       "\nmisses %" PRIu64 "\nflushes %" PRIu64 "\n",
	                       info->sets, info->ways, info->hits, info->misses, info->flushes);
	g_string_insert(lines->out, (gssize)at, head);
}

int lines_tlb(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
              const struct fs_caller *caller)
{
	struct tlb_lines tlb = {.lines = lines};
	size_t at = lines->out->len;
	bool first = lines->from == 0;

	vm_process_tlb(process, &tlb.info, add_entry, &tlb);
	if (first)
		insert_head(lines, at, &tlb.info);
	return lines->full ? -ENOMEM : 0;
}
