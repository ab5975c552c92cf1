/*
 * machine_queue.c - sys/vm/policies, and queue: the pages in frames in the order in which the
 * policy would take them.
 *
 *     POS FRAME PID VA BITS LIST
 *
 * BITS: R used since the hand passed, D dirty, L locked, P pinned; - for none. Where the policy has
 * a hand, a line says where it is. A page that no process maps has - for PID and VA. A ghost is a
 * page that is away, but that the policy remembers: it has - for all but POS and LIST.
 */
#include "fs/text/render.h"
#include "fs/text/rights.h"
#include "util/text.h"

#include <errno.h>

#define LINE_ROOM 128

struct queue_lines {
	struct text_lines *lines;
	const struct fs_mount *mount;
	const struct fs_caller *caller;
};

static void add_bits(GString *out, const struct vm_queue_info *page)
{
	const struct {
		char letter;
		bool set;
	} bits[] = {
	    {'R', page->referenced}, {'D', page->dirty}, {'L', page->locked}, {'P', page->pinned}};
	size_t before = out->len;

	for (size_t i = 0; i < G_N_ELEMENTS(bits); i++)
		if (bits[i].set)
			g_string_append_c(out, bits[i].letter);
	if (out->len == before)
		g_string_append_c(out, '-');
}

static void add_mapping(GString *out, const struct queue_lines *queue,
                        const struct vm_queue_info *page)
{
	if (page->pid == 0) {
		g_string_append(out, "- -");
		return;
	}
	text_decimal(out, (uint64_t)page->pid);
	g_string_append_c(out, ' ');
	if (rights_trace(queue->mount, queue->caller, &page->owner))
		text_hex(out, page->va, 16);
	else
		g_string_append_c(out, '-');
}

static bool add_page(void *ctx, const struct vm_queue_info *page)
{
	const struct queue_lines *queue = ctx;
	GString *out = queue->lines->out;

	if (!text_room(queue->lines, LINE_ROOM))
		return false;
	text_decimal(out, page->position);
	if (page->pfn == VM_NO_FRAME) {
		g_string_append(out, " - ");
	} else {
		g_string_append(out, " 0x");
		text_hex(out, page->pfn, 1);
		g_string_append_c(out, ' ');
	}
	add_mapping(out, queue, page);
	g_string_append_c(out, ' ');
	add_bits(out, page);
	g_string_append_c(out, ' ');
	g_string_append(out, page->list);
	g_string_append_c(out, '\n');
	return text_line_ends(queue->lines, page->place);
}

int lines_queue(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                const struct fs_caller *caller)
{
	struct queue_lines queue = {lines, mount, caller};

	if (lines->from == 0) {
		if (!text_room(lines, LINE_ROOM))
			return -ENOMEM;
		g_string_append(lines->out, "POS FRAME PID VA BITS LIST\n");
		if (vm_machine_policy_has_hand(mount->machine))
			g_string_append(lines->out, "hand\n");
	}
	int error = vm_machine_queue(mount->machine, lines->from, add_page, &queue);
	return lines->full ? -ENOMEM : error;
}

/* One line for each policy: its name, and what it does. */
int render_policies(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	const char *name;

	for (unsigned i = 0; (name = vm_policy_name(i)) != NULL; i++)
		g_string_append_printf(out, "%-8s %s\n", name, vm_policy_about(i));
	return 0;
}
