/*
 * fault_text.c - PID/faults, and the line of one fault, which events and ctl show too.
 *
 *     SEQ TIME PID ACCESS VA OUTCOME KIND key=value...
 *
 * No field contains a blank, so a line can be cut into words whatever the name of a file.
 */
#include "fs/text/render.h"
#include "fs/text/rights.h"
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

/* PID:VA, or the file and the offset of a page that no process maps. */
static void add_party(GString *out, const char *key, const struct vm_party *party)
{
	g_string_append(out, key);
	if (party->pid != 0 || party->file == NULL) {
		g_string_append_printf(out, "%d:", (int)party->pid);
		text_hex(out, party->va, 16);
	} else {
		text_escaped(out, party->file, " \t\n\\");
		g_string_append_printf(out, "+0x%" PRIx64, party->offset);
	}
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
	if (fault->file)
		add_file_keys(out, fault);
	if (fault->outcome == VM_EVICT && fault->kind != VM_FAULT_LOST)
		g_string_append_printf(out, " users=%" PRIu64, fault->users);
	if (fault->pages)
		g_string_append_printf(out, " pages=%" PRIu64, fault->pages);
	if (fault->other.there)
		add_party(out, fault->outcome == VM_EVICT ? " for=" : " evicted=", &fault->other);
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
	    "then=", "frame=", "from=", "slot=", "tables=", "users="};

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		if (g_str_has_prefix(word, keys[i]))
			return true;
	return false;
}

static bool is_party(const char *word)
{
	return g_str_has_prefix(word, "evicted=") || g_str_has_prefix(word, "for=");
}

/* Append WORD, a key with a party as add_party made it: the pid stays, address and name do not. */
static void add_party_masked(GString *out, const char *word)
{
	const char *value = strchr(word, '=') + 1;
	size_t pid = strspn(value, "0123456789");

	g_string_append_len(out, word, value - word);
	if (value[pid] == ':')
		g_string_append_len(out, value, (gssize)pid + 1);
	g_string_append_c(out, '-');
}

void fault_line_masked(GString *out, const char *line, bool party_only)
{
	enum { VA = 4, KEYS = 7 }; /* fields, counted from 0 */
	g_auto(GStrv) words = g_strsplit(line, " ", -1);

	for (unsigned i = 0; words[i]; i++) {
		bool party = i >= KEYS && is_party(words[i]);

		if (i >= KEYS && !party && !party_only && !is_open_key(words[i]))
			continue;
		if (i > 0)
			g_string_append_c(out, ' ');
		if (party)
			add_party_masked(out, words[i]);
		else
			g_string_append(out, i == VA && !party_only ? "-" : words[i]);
	}
}

/* The most bytes that the line of FAULT takes: an escape is four. */
static size_t line_room(const struct vm_fault *fault)
{
	enum { ROOM = 512 };

	return ROOM + (fault->file != NULL ? 4 * strlen(fault->file) : 0) +
	       (fault->other.file != NULL ? 4 * strlen(fault->other.file) : 0);
}

/* For the lines of a process into which the reader may look. */
struct fault_lines {
	struct text_lines *lines;
	const struct fs_mount *mount;
	const struct fs_caller *caller;
};

static void add_fault(void *ctx, const struct vm_fault *fault)
{
	const struct fault_lines *faults = ctx;
	struct text_lines *lines = faults->lines;
	g_autoptr(GString) line = NULL;

	if (fault->seq < lines->from || lines->more || !text_room(lines, line_room(fault)))
		return;
	line = g_string_new(NULL);
	fault_line(line, fault, true);
	if (!fault->other.there || rights_trace(faults->mount, faults->caller, &fault->other.owner))
		g_string_append_len(lines->out, line->str, (gssize)line->len);
	else
		fault_line_masked(lines->out, line->str, true);
	g_string_append_c(lines->out, '\n');
	text_line_ends(lines, fault->seq + 1);
}

int lines_faults(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                 const struct fs_caller *caller)
{
	struct fault_lines faults = {lines, mount, caller};

	if (!vm_process_listed(process))
		return -ESRCH;
	vm_process_faults(process, add_fault, &faults);
	return lines->full ? -ENOMEM : 0;
}
