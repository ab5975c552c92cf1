/*
 * page_machine.c - index.html of the root: RAM and swap, the processes, physical memory, the last
 * faults and evictions of all.
 *
 * Of many processes those with the most pages are listed, and the others are added up. The last
 * faults of the machine are among those of the processes that faulted last, so no more of them are
 * looked at than faults are shown.
 */
#include "fs/picture/draw.h"
#include "fs/picture/fault_words.h"
#include "fs/picture/markup.h"
#include "fs/picture/page.h"
#include "fs/picture/picture.h"
#include "fs/text/render.h"
#include "fs/text/rights.h"
#include "util/nanoseconds.h"

#include <errno.h>
#include <inttypes.h>

enum {
	PROCESSES_SHOWN = 60,
	FAULTS_SHOWN = 24,
	BAR = 420,
	SMALL_MAP = 200,
};

/* --- Processes -------------------------------------------------------------------------------- */

struct process_list {
	uint64_t total, pages; /* of all; pages of those that are not shown */
	/* those with the most pages, the fewest first */
	struct vm_process_info shown[PROCESSES_SHOWN + 1];
	unsigned shown_count;
	/* those that faulted last, the longest ago first */
	struct {
		pid_t pid;
		uint64_t record;
	} recent[FAULTS_SHOWN + 1];
	unsigned recent_count;
};

static uint64_t pages_of(const struct vm_process_info *info)
{
	return resident_pages(info) + info->swap;
}

static void list_by_pages(struct process_list *list, const struct vm_process_info *info)
{
	unsigned at = list->shown_count;

	for (; at > 0 && pages_of(&list->shown[at - 1]) > pages_of(info); at--)
		list->shown[at] = list->shown[at - 1];
	list->shown[at] = *info;
	if (list->shown_count < PROCESSES_SHOWN) {
		list->shown_count++;
		return;
	}
	list->pages += pages_of(&list->shown[0]);
	for (unsigned i = 0; i < list->shown_count; i++)
		list->shown[i] = list->shown[i + 1];
}

static void list_by_record(struct process_list *list, const struct vm_process_info *info)
{
	unsigned at = list->recent_count;

	for (; at > 0 && list->recent[at - 1].record > info->last_record; at--)
		list->recent[at] = list->recent[at - 1];
	list->recent[at].pid = info->pid;
	list->recent[at].record = info->last_record;
	if (list->recent_count < FAULTS_SHOWN) {
		list->recent_count++;
		return;
	}
	for (unsigned i = 0; i < list->recent_count; i++)
		list->recent[i] = list->recent[i + 1];
}

static int compare_pids(const void *a, const void *b)
{
	const struct vm_process_info *left = a, *right = b;

	return left->pid < right->pid ? -1 : left->pid > right->pid;
}

static void look_at_processes(struct process_list *list, struct vm_machine *machine)
{
	struct vm_process_info info;

	for (pid_t pid = 0; (pid = vm_machine_next_pid(machine, pid)) != 0;) {
		struct vm_process *process = vm_process_find(machine, pid);
		if (process == NULL)
			continue;
		vm_process_summary(process, &info);
		vm_process_unref(process);
		list->total++;
		list_by_pages(list, &info);
		if (info.last_record > 0)
			list_by_record(list, &info);
	}
	qsort(list->shown, list->shown_count, sizeof list->shown[0], compare_pids);
}

static void add_pages(GString *out, uint64_t pages)
{
	g_string_append(out, "<td>");
	if (pages > 0)
		markup_size(out, pages << VM_PAGE_SHIFT);
	g_string_append(out, "</td>");
}

/* The size and the small map, for who may look into the process. */
static void add_inside(GString *out, const struct fs_mount *mount, pid_t pid)
{
	struct vm_process *process = vm_process_find(mount->machine, pid);
	struct space space;
	int error = process != NULL ? space_look(&space, process, &space_small) : -ESRCH;

	if (error == 0) {
		add_pages(out, space.info.vm_total);
		g_string_append(out, "<td class='wide'>");
		draw_small_map(out, &space, SMALL_MAP);
		g_string_append(out, "</td>");
		space_clear(&space);
	} else {
		g_string_append(out, "<td></td><td class='wide'></td>");
	}
	if (process != NULL)
		vm_process_unref(process);
}

static void add_process(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
                        const struct vm_process_info *info)
{
	bool visible = rights_trace(mount, caller, &info->cred);

	g_string_append_printf(out, "<tr data-k='p%d' data-pid='%d'><td>%d</td><th scope='row'>",
	                       (int)info->pid, (int)info->pid, (int)info->pid);
	g_string_append_printf(out, "<span class='owner owner%u'></span> ",
	                       owner_accent(info->pid));
	if (visible)
		g_string_append_printf(out, "<a href='%d/index.html'>", (int)info->pid);
	markup_text(out, info->comm[0] != '\0' ? info->comm : "(no name)");
	g_string_append(out, visible ? "</a>" : "");
	g_string_append(out, info->zombie ? " <i>ended</i></th>" : "</th>");
	add_pages(out, resident_pages(info));
	add_pages(out, info->swap);
	g_string_append_printf(out, "<td>%" PRIu64 "</td><td>%" PRIu64 "</td>", info->minor_faults,
	                       info->major_faults);
	if (visible)
		add_inside(out, mount, info->pid);
	else
		g_string_append(out, "<td></td><td class='wide'><i>another user's</i></td>");
	g_string_append(out, "</tr>\n");
}

static void add_processes(GString *out, const struct fs_mount *mount,
                          const struct fs_caller *caller, const struct process_list *list)
{
	g_string_append(out, "<section id='processes'><h2>Processes</h2><div class='scroll'><table>"
	                     "<thead><tr><th>pid</th><th class='wide'>name</th><th>resident</th>"
	                     "<th>swapped</th><th>minor</th><th>major</th><th>size</th>"
	                     "<th class='wide'>memory, low addresses left</th></tr></thead>"
	                     "<tbody>\n");
	for (unsigned i = 0; i < list->shown_count; i++)
		add_process(out, mount, caller, &list->shown[i]);
	g_string_append(out, "</tbody></table></div>");
	if (list->total == 0)
		g_string_append(out, "<p class='q'>None yet. Try: <code>echo 'exec /bin/ls' &gt; "
		                     "ctl</code></p>");
	if (list->total > list->shown_count) {
		g_string_append(out, "<p class='q'>Folded: ");
		markup_count(out, list->total - list->shown_count);
		g_string_append(out, " more processes, with fewer pages each; together ");
		markup_size(out, list->pages << VM_PAGE_SHIFT);
		g_string_append(out, ".</p>");
	}
	g_string_append(out, "</section>\n");
}

/* --- Faults ----------------------------------------------------------------------------------- */

/* The last faults, each as an item, from the oldest to the newest. */
struct recent {
	struct fault_reader reader;
	struct {
		uint64_t seq;
		GString *text;
	} item[FAULTS_SHOWN];
	unsigned count;
};

static void keep_fault(void *ctx, const struct vm_fault *fault)
{
	struct recent *recent = ctx;
	unsigned at = recent->count;
	bool full = recent->count == FAULTS_SHOWN;

	if (full && fault->seq < recent->item[0].seq)
		return;
	GString *text = full ? g_string_truncate(recent->item[0].text, 0) : g_string_new(NULL);
	if (full) {
		at--;
		for (unsigned i = 0; i < at; i++)
			recent->item[i] = recent->item[i + 1];
	} else {
		recent->count++;
	}
	for (; at > 0 && recent->item[at - 1].seq > fault->seq; at--)
		recent->item[at] = recent->item[at - 1];
	recent->item[at].seq = fault->seq;
	recent->item[at].text = text;
	fault_item(text, &recent->reader, fault);
}

static void add_faults(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
                       const struct process_list *list)
{
	struct recent recent = {.reader = {mount, caller, true}};

	for (unsigned i = 0; i < list->recent_count; i++) {
		struct vm_process *process = vm_process_find(mount->machine, list->recent[i].pid);
		if (process == NULL)
			continue;
		vm_process_faults(process, keep_fault, &recent);
		vm_process_unref(process);
	}
	g_string_append(out, "<section id='faults'><h2>Last faults and evictions</h2><ol>\n");
	for (unsigned i = recent.count; i-- > 0;) {
		g_string_append_len(out, recent.item[i].text->str,
		                    (gssize)recent.item[i].text->len);
		g_string_free(recent.item[i].text, TRUE);
	}
	g_string_append(out, "</ol>");
	if (recent.count == 0)
		g_string_append(out, "<p class='q'>None yet.</p>");
	g_string_append(out, "</section>\n");
}

/* --- Memory ----------------------------------------------------------------------------------- */

static void add_amount(GString *out, enum page_state state, const char *word, uint64_t pages)
{
	g_string_append_printf(out, "<span><span class='chip b-%s'></span> %s ", state_id(state),
	                       word);
	markup_size(out, pages << VM_PAGE_SHIFT);
	g_string_append(out, "</span>\n");
}

static void add_memory(GString *out, const struct vm_machine_info *machine)
{
	uint64_t clean = machine->frames_file - MIN(machine->frames_dirty, machine->frames_file);
	uint64_t dirty =
	    machine->frames_anon + machine->frames_shmem + machine->frames_file - clean;
	const struct bar_part frames[] = {{STATE_DIRTY, dirty}, {STATE_CLEAN, clean}};
	const struct bar_part swap[] = {{STATE_SWAPPED, machine->swap_used}};

	g_string_append(out,
	                "<section id='memory'><h2>Memory</h2>\n<div class='gauge'><b>RAM</b> ");
	page_bar(out, BAR, machine->frames_total, frames, G_N_ELEMENTS(frames));
	g_string_append(out, "<p>");
	add_amount(out, STATE_DIRTY, "anonymous or dirty", dirty);
	add_amount(out, STATE_CLEAN, "of files, clean", clean);
	add_amount(out, STATE_FREE, "free", machine->frames_free);
	g_string_append(out, "</p></div>\n<div class='gauge'><b>Swap</b> ");
	page_bar(out, BAR, machine->swap_total, swap, G_N_ELEMENTS(swap));
	g_string_append(out, "<p>");
	add_amount(out, STATE_SWAPPED, "used", machine->swap_used);
	add_amount(out, STATE_FREE, "free", machine->swap_total - machine->swap_used);
	g_string_append(out, "</p></div></section>\n");
}

/* --- The page --------------------------------------------------------------------------------- */

static void add_fact(GString *out, uint64_t value, const char *word)
{
	g_string_append(out, "<span><b>");
	markup_count(out, value);
	g_string_append_printf(out, "</b> %s</span>\n", word);
}

static void add_header(GString *out, const struct fs_mount *mount,
                       const struct vm_machine_info *machine)
{
	g_string_append_printf(out,
	                       "<header id='head'><h1>vasfs <span class='q'>" VASFS_VERSION
	                       "</span></h1><p class='facts'><span>policy <b>%s</b></span>\n",
	                       vm_machine_policy(mount->machine));
	add_fact(out, machine->processes, "processes");
	add_fact(out, machine->faults, "faults");
	add_fact(out, machine->major_faults, "major");
	add_fact(out, machine->cow_copies, "copies on write");
	add_fact(out, machine->swap_outs, "pages swapped out");
	add_fact(out, machine->swap_ins, "swapped in");
	g_string_append_printf(out,
	                       "<span>up <b>%" PRId64 " s</b></span></p>"
	                       "<p class='links'>as text: <a href='meminfo'>meminfo</a> "
	                       "<a href='frames'>frames</a> <a href='queue'>queue</a> "
	                       "<a href='objects'>objects</a> <a href='vmstat'>vmstat</a> "
	                       "<a href='README'>README</a></p></header>\n",
	                       machine->uptime / NS_PER_SEC);
}

int view_machine_page(GString *out, struct fs_mount *mount, struct vm_process *process,
                      const struct fs_caller *caller)
{
	g_autofree struct process_list *list = g_try_new0(struct process_list, 1);
	g_autofree struct frames *frames = frames_look(mount, caller);

	if (list == NULL || frames == NULL)
		return -ENOMEM;
	look_at_processes(list, mount->machine);
	page_begin(out, "machine", "machine");
	add_header(out, mount, &frames->machine);
	g_string_append(out, "<main><div class='left'>\n");
	add_memory(out, &frames->machine);
	add_processes(out, mount, caller, list);
	g_string_append(out, "<section id='frames'><h2>Physical memory</h2><div class='scroll'>\n");
	draw_frames(out, frames, false);
	g_string_append(out, "</div></section></div>\n<div class='right'>\n");
	add_faults(out, mount, caller, list);
	g_string_append(out, "</div></main>\n");
	page_end(out);
	return 0;
}
