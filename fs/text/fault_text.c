/*
 * fault_text.c - PID/faults, and the line of one fault, which events and ctl show too.
 *
 *     SEQ TIME PID ACCESS VA OUTCOME KIND key=value...
 *
 * No field contains a blank, so a line can be cut into words whatever the name of a file.
 */
#include "fs/text/render.h"
#include "util/nanoseconds.h"
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char access_letters[] = {[VM_ACCESS_READ] = 'r',
                                      [VM_ACCESS_WRITE] = 'w',
                                      [VM_ACCESS_EXEC] = 'x',
                                      [VM_ACCESS_NONE] = '-'};

static void add_head(GString *out, const struct vm_fault *fault)
{
	g_string_append_printf(out, "%" PRIu64 " %" PRIu64 ".%06" PRIu64 " %d %c ", fault->seq,
	                       fault->time / NS_PER_SEC, fault->time % NS_PER_SEC / NS_PER_US,
	                       (int)fault->pid, access_letters[fault->access]);
}

static void add_hex_key(GString *out, const char *key, uint64_t value)
{
	g_string_append_printf(out, " %s=0x%" PRIx64, key, value);
}

static void add_file_keys(GString *out, const struct vm_fault *fault)
{
	g_string_append(out, " file=");
	text_escaped(out, fault->file, " \t\n\\");
	add_hex_key(out, "offset", fault->offset);
}

static void add_keys(GString *out, const struct vm_fault *fault)
{
	if (fault->then != VM_FAULT_NONE)
		g_string_append_printf(out, " then=%s", vm_fault_kind_name(fault->then));
	if (fault->area_end)
		g_string_append_printf(out, " area=%08" PRIx64 "-%08" PRIx64 ":%s",
		                       fault->area_start, fault->area_end, fault->area_perm);
	if (fault->frame != VM_NO_FRAME)
		add_hex_key(out, "frame", fault->frame);
	if (fault->from != VM_NO_FRAME)
		add_hex_key(out, "from", fault->from);
	if (fault->slot != VM_NO_FRAME)
		g_string_append_printf(out, " slot=%" PRIu64, fault->slot);
	if (fault->evicted != VM_NO_FRAME)
		add_hex_key(out, "evicted", fault->evicted);
	if (fault->file)
		add_file_keys(out, fault);
	if (fault->pages)
		g_string_append_printf(out, " pages=%" PRIu64, fault->pages);
	if (fault->tables_copied)
		g_string_append_printf(out, " tables=%u", fault->tables_copied);
}

/* A hit is no fault: it has no kind and no keys. */
void fault_line(GString *out, const struct vm_fault *fault, bool with_head)
{
	if (with_head)
		add_head(out, fault);
	text_hex(out, fault->va, 16);
	g_string_append_printf(out, " %s", vm_outcome_name(fault->outcome));
	if (fault->outcome == VM_HIT)
		return;
	g_string_append_printf(out, " %s", vm_fault_kind_name(fault->kind));
	add_keys(out, fault);
}

/*
 * A key is shown to all only if it is here, so that a new one is not by mistake. Frames and slots
 * are the machine's.
 */
static bool is_open_key(const char *word)
{
	static const char *const keys[] = {
	    "then=", "frame=", "from=", "slot=", "evicted=", "tables="};

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		if (g_str_has_prefix(word, keys[i]))
			return true;
	return false;
}

void fault_line_masked(GString *out, const char *line)
{
	enum { VA = 4, KEYS = 7 }; /* fields, counted from 0 */
	g_auto(GStrv) words = g_strsplit(line, " ", -1);

	for (unsigned i = 0; words[i]; i++) {
		if (i >= KEYS && !is_open_key(words[i]))
			continue;
		if (i > 0)
			g_string_append_c(out, ' ');
		g_string_append(out, i == VA ? "-" : words[i]);
	}
}

/* The most bytes that the line of FAULT takes: an escape is four. */
static size_t line_room(const struct vm_fault *fault)
{
	enum { ROOM = 512 };

	return ROOM + (fault->file != NULL ? 4 * strlen(fault->file) : 0);
}

static void add_fault(void *ctx, const struct vm_fault *fault)
{
	struct text_lines *lines = ctx;

	if (fault->seq < lines->from || lines->more || !text_room(lines, line_room(fault)))
		return;
	fault_line(lines->out, fault, true);
	g_string_append_c(lines->out, '\n');
	text_line_ends(lines, fault->seq + 1);
}

int lines_faults(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                 const struct fs_caller *caller)
{
	if (!vm_process_alive(process))
		return -ESRCH;
	vm_process_faults(process, add_fault, lines);
	return lines->full ? -ENOMEM : 0;
}
