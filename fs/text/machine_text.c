/*
 * machine_text.c - the text files of the root that Linux does not have, and version: frames,
 * objects, version. Fields are separated by one blank, there is no header line, and a path comes
 * last. README.in lists the columns.
 */
#include "fs/text/render.h"
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

enum {
	/* longest line of frames or objects without its path, and some more */
	LINE_ROOM = 256,
};

/* --- frames ----------------------------------------------------------------------------------- */

static const char *const frame_kinds[] = {
    [VM_FRAME_ANON] = "anon",
    [VM_FRAME_FILE] = "file",
    [VM_FRAME_SHMEM] = "shmem",
};

/* Append the state of a frame as words joined by |, or "-" if there are none. */
static void add_frame_state(GString *out, const struct vm_frame_info *frame)
{
	const struct {
		const char *word;
		bool set;
	} words[] = {
	    {"dirty", frame->dirty}, {"writeback", frame->writeback}, {"pinned", frame->pins > 0}};
	const char *separator = "";

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (!words[i].set)
			continue;
		g_string_append(out, separator);
		g_string_append(out, words[i].word);
		separator = "|";
	}
	if (!*separator)
		g_string_append_c(out, '-');
}

static void add_frame_keys(GString *out, const struct vm_frame_info *frame)
{
	if (frame->object) {
		g_string_append(out, " object=");
		text_decimal(out, frame->object);
		g_string_append(out, " index=");
		text_decimal(out, frame->index);
	}
	if (frame->pid) {
		g_string_append(out, " pid=");
		text_decimal(out, (uint64_t)frame->pid);
		g_string_append(out, " va=");
		text_hex(out, frame->va, 16);
	}
}

static void add_frame(void *ctx, const struct vm_frame_info *frame)
{
	struct text_lines *lines = ctx;
	GString *out = lines->out;

	if (!text_room(lines, LINE_ROOM))
		return;
	g_string_append(out, "0x");
	text_hex(out, frame->pfn, 1);
	g_string_append_c(out, ' ');
	g_string_append(out, frame_kinds[frame->kind]);
	g_string_append_c(out, ' ');
	text_decimal(out, frame->users);
	g_string_append_c(out, ' ');
	add_frame_state(out, frame);
	add_frame_keys(out, frame);
	g_string_append_c(out, '\n');
}

int render_frames(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct text_lines lines = {.out = out};

	vm_machine_frames(mount->machine, add_frame, &lines);
	return lines.full ? -ENOMEM : 0;
}

/* --- objects ---------------------------------------------------------------------------------- */

static void add_object(void *ctx, const struct vm_object_info *object)
{
	struct text_lines *lines = ctx;
	GString *out = lines->out;
	const char *name = object->name ? object->name : "";

	if (!text_room(lines, LINE_ROOM + 4 * strlen(name)))
		return;
	g_string_append_printf(
	    out, "%" PRIu64 " %s %02x:%02x %ju %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " ",
	    object->number, object->shmem ? "shmem" : "file", major(object->dev),
	    minor(object->dev), (uintmax_t)object->ino, object->size, object->areas, object->pages,
	    object->dirty);
	text_escaped(out, name, "\n");
	g_string_append_c(out, '\n');
}

int render_objects(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct text_lines lines = {.out = out};

	vm_machine_objects(mount->machine, add_object, &lines);
	return lines.full ? -ENOMEM : 0;
}

/* --- version ---------------------------------------------------------------------------------- */

int render_version(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	g_string_append(out, "vasfs version " VASFS_VERSION
	                     " (virtual memory of Linux 6.x on x86-64, simulated)\n");
	return 0;
}
