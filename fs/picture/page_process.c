/*
 * page_process.c - PID/index.html: what a process has, by kind; its map, its page tables, its last
 * faults.
 */
#include "fs/picture/draw.h"
#include "fs/picture/fault_words.h"
#include "fs/picture/markup.h"
#include "fs/picture/page.h"
#include "fs/picture/picture.h"

#include <errno.h>
#include <inttypes.h>

/* Faults in the list, the last ones. */
enum { FAULTS_SHOWN = 60, BAR = 240 };

/* --- By kind ---------------------------------------------------------------------------------- */

static uint64_t resident(const struct space_sum *sum)
{
	uint64_t pages = 0;

	for (unsigned i = STATE_CLEAN; i <= STATE_LOCKED; i++)
		pages += sum->count[i];
	return pages;
}

/* A bar is as wide as the root of the size, so that small kinds can be seen beside large ones. */
static int bar_width(uint64_t pages, uint64_t largest)
{
	int width = BAR;

	while (width > 2 * SQUARE &&
	       (uint64_t)width * (uint64_t)width * largest > (uint64_t)BAR * BAR * pages)
		width -= SQUARE;
	return width;
}

static void add_size_cell(GString *out, uint64_t pages)
{
	g_string_append(out, "<td>");
	if (pages > 0)
		markup_size(out, pages << VM_PAGE_SHIFT);
	g_string_append(out, "</td>");
}

static void add_kind(GString *out, const struct space_sum *sum, const char *word, uint64_t largest)
{
	uint64_t in_memory = resident(sum), dirty = MIN(sum->dirty, in_memory);
	const struct bar_part parts[] = {{STATE_DIRTY, dirty},
	                                 {STATE_CLEAN, in_memory - dirty},
	                                 {STATE_SWAPPED, sum->count[STATE_SWAPPED]}};

	g_string_append_printf(out, "<tr data-k='kind-%s'><th scope='row'>%s</th>", word, word);
	g_string_append_printf(out, "<td>%" PRIu64 "</td>", sum->areas);
	add_size_cell(out, sum->pages);
	add_size_cell(out, in_memory);
	add_size_cell(out, dirty);
	add_size_cell(out, sum->count[STATE_SWAPPED]);
	g_string_append(out, "<td class='wide'>");
	page_bar(out, bar_width(sum->pages, largest), sum->pages, parts, G_N_ELEMENTS(parts));
	g_string_append(out, "</td></tr>\n");
}

static void add_kinds(GString *out, const struct space *space)
{
	uint64_t largest = 1;

	g_string_append(out, "<section id='kinds'><h2>By kind</h2><div class='scroll'><table>"
	                     "<thead><tr><th></th><th>areas</th><th>size</th><th>resident</th>"
	                     "<th>dirty</th><th>swapped</th><th class='wide'>"
	                     "<span class='chip b-dirty'></span> dirty "
	                     "<span class='chip b-clean'></span> clean "
	                     "<span class='chip b-swapped'></span> swapped</th></tr></thead>"
	                     "<tbody>\n");
	for (unsigned i = 0; i < AREA_KINDS; i++)
		largest = MAX(largest, space->kinds[i].pages);
	for (unsigned i = 0; i < AREA_KINDS; i++)
		if (space->kinds[i].areas > 0)
			add_kind(out, &space->kinds[i], kind_word((enum area_kind)i), largest);
	g_string_append(out, "</tbody></table></div></section>\n");
}

/* --- Faults ----------------------------------------------------------------------------------- */

/* The items of the last faults, in a ring: the list shows the newest first. */
struct recent {
	struct fault_reader reader;
	GString *item[FAULTS_SHOWN];
	unsigned count;
};

static void keep_fault(void *ctx, const struct vm_fault *fault)
{
	struct recent *recent = ctx;
	GString **item = &recent->item[recent->count++ % FAULTS_SHOWN];

	if (*item == NULL)
		*item = g_string_new(NULL);
	g_string_truncate(*item, 0);
	fault_item(*item, &recent->reader, fault);
}

static void add_faults(GString *out, const struct fs_mount *mount, struct vm_process *process,
                       const struct fs_caller *caller)
{
	struct recent recent = {.reader = {mount, caller, false}};
	unsigned shown;

	vm_process_faults(process, keep_fault, &recent);
	shown = MIN(recent.count, FAULTS_SHOWN);
	g_string_append(out, "<section id='faults'><h2>Last faults</h2><ol>\n");
	for (unsigned i = 1; i <= shown; i++)
		g_string_append(out, recent.item[(recent.count - i) % FAULTS_SHOWN]->str);
	g_string_append(out, "</ol>");
	if (recent.count == 0)
		g_string_append(out, "<p class='q'>None yet.</p>");
	if (recent.count > shown)
		g_string_append_printf(out,
		                       "<p class='q'>%u before these: "
		                       "<a href='faults'>faults</a></p>",
		                       recent.count - shown);
	g_string_append(out, "</section>\n");
	for (unsigned i = 0; i < shown; i++)
		g_string_free(recent.item[i], TRUE);
}

/* --- The page --------------------------------------------------------------------------------- */

static void add_fact(GString *out, const char *word, uint64_t value)
{
	g_string_append_printf(out, "<span><b>");
	markup_count(out, value);
	g_string_append_printf(out, "</b> %s</span>\n", word);
}

static void add_header(GString *out, const struct space *space)
{
	const struct vm_process_info *info = &space->info;

	g_string_append_printf(out,
	                       "<header id='head'><h1><a href='../index.html'>vasfs</a> "
	                       "<span class='pid'>%d</span> ",
	                       (int)info->pid);
	markup_text(out, info->comm);
	g_string_append(out, "</h1><p class='facts'>");
	if (info->ppid != 0)
		g_string_append_printf(out, "<span>child of %d</span>\n", (int)info->ppid);
	if (space->exe != NULL) {
		g_string_append(out, "<span>");
		markup_short(out, space->exe, 60);
		g_string_append(out, "</span>\n");
	}
	add_fact(out, "minor faults", info->minor_faults);
	add_fact(out, "major", info->major_faults);
	add_fact(out, "pages evicted", info->evicted);
	g_string_append(out, "</p><p class='links'>as text: <a href='maps'>maps</a> "
	                     "<a href='smaps'>smaps</a> <a href='pagetable'>pagetable</a> "
	                     "<a href='faults'>faults</a> <a href='tlb'>tlb</a> "
	                     "<a href='status'>status</a></p></header>\n");
}

/* The page of a process that has ended, and is kept until its parent asks for it. */
static void add_ended_page(GString *out, struct vm_process *process)
{
	struct space space = {.rows = NULL};

	vm_process_summary(process, &space.info);
	page_begin(out, "process", "ended");
	add_header(out, &space);
	g_string_append(out, "<main><p>This process has ended: it has no memory. Its parent has "
	                     "not asked for it yet.</p></main>\n");
	page_end(out);
}

int view_process_page(GString *out, struct fs_mount *mount, struct vm_process *process,
                      const struct fs_caller *caller)
{
	struct space space;
	int error = space_look(&space, process, &space_whole);

	if (error == -ESRCH && vm_process_listed(process)) {
		add_ended_page(out, process);
		return 0;
	}
	if (error != 0)
		return error;
	g_autofree struct tables *tables = tables_look(mount, process, caller, &error);
	if (tables == NULL) {
		space_clear(&space);
		return error;
	}
	g_autofree char *title = g_strdup_printf("%d %s", (int)space.info.pid, space.info.comm);
	page_begin(out, "process", title);
	add_header(out, &space);
	g_string_append(out, "<main><div class='left'>\n");
	add_kinds(out, &space);
	g_string_append(out, "<section id='map'><h2>Address space</h2><div class='scroll'>\n");
	draw_map(out, &space, false);
	g_string_append(out, "</div></section>\n<section id='tree'><h2>Page tables</h2>"
	                     "<div class='scroll'>\n");
	draw_tables(out, tables, false);
	g_string_append(out, "</div></section></div>\n<div class='right'>\n");
	add_faults(out, mount, process, caller);
	g_string_append(out, "</div></main>\n");
	page_end(out);
	space_clear(&space);
	return 0;
}
