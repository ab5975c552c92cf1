/*
 * machine_text.c - the text files of the root that Linux does not have, and version: frames,
 * objects, version. Fields are separated by one blank, the first line names the columns, and a path
 * comes last. README.in says what they mean.
 */
#include "fs/text/render.h"
#include "fs/text/rights.h"
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

enum {
	/* longest line of frames or objects without its path, and some more */
	LINE_ROOM = 256,
};

/* Text for one reader. */
struct view {
	struct text_lines *lines;
	const struct fs_mount *mount;
	const struct fs_caller *caller;
	/* objects: the files of the reader's processes, see own_files; NULL: the reader sees all */
	GHashTable *own;
};

/* Begin the text with HEADER, which names the columns. False: no room. */
static bool add_header(struct text_lines *lines, const char *header)
{
	if (lines->from > 0)
		return true;
	if (!text_room(lines, LINE_ROOM))
		return false;
	g_string_append(lines->out, header);
	return true;
}

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

static void add_frame_keys(GString *out, const struct view *view, const struct vm_frame_info *frame)
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
		if (rights_trace(view->mount, view->caller, &frame->owner))
			text_hex(out, frame->va, 16);
		else
			g_string_append_c(out, '-');
	}
}

static bool add_frame(void *ctx, const struct vm_frame_info *frame)
{
	struct view *view = ctx;
	GString *out = view->lines->out;

	if (!text_room(view->lines, LINE_ROOM))
		return false;
	g_string_append(out, "0x");
	text_hex(out, frame->pfn, 1);
	if (frame->kind == VM_FRAME_FREE) {
		g_string_append(out, "-0x");
		text_hex(out, frame->last, 1);
		g_string_append(out, " free\n");
		return text_line_ends(view->lines, frame->last + 1);
	}
	g_string_append_c(out, ' ');
	g_string_append(out, frame_kinds[frame->kind]);
	g_string_append_c(out, ' ');
	text_decimal(out, frame->users);
	g_string_append_c(out, ' ');
	add_frame_state(out, frame);
	add_frame_keys(out, view, frame);
	g_string_append_c(out, '\n');
	return text_line_ends(view->lines, frame->pfn + 1);
}

int lines_frames(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                 const struct fs_caller *caller)
{
	struct view view = {.lines = lines, .mount = mount, .caller = caller};

	if (!add_header(lines, "PFN KIND USERS STATE NOTES\n"))
		return -ENOMEM;
	vm_machine_frames(mount->machine, lines->from, add_frame, &view);
	return lines->full ? -ENOMEM : 0;
}

/* --- objects ---------------------------------------------------------------------------------- */

static char *file_id(dev_t dev, ino_t ino)
{
	return g_strdup_printf("%jx:%jx", (uintmax_t)dev, (uintmax_t)ino);
}

static bool add_own_area(void *ctx, const struct vm_area_info *area)
{
	if (area->ino != 0)
		g_hash_table_add(ctx, file_id(area->dev, area->ino));
	return true;
}

static void add_own_descriptors(GHashTable *own, struct vm_process *process)
{
	struct vm_process_info info;

	vm_process_info(process, &info);
	for (int fd = 0; fd < VM_MAX_FDS && info.fds > 0; fd++) {
		struct vm_file *file = vm_process_file(process, fd);

		if (file == NULL)
			continue;
		g_hash_table_add(own, vm_file_name(file));
		vm_file_unref(file);
		info.fds--;
	}
}

/*
 * The files of all processes into which the reader may look: a set of the ids of those that are
 * mapped and the names of those that are open. Free it with g_hash_table_unref.
 */
static GHashTable *own_files(const struct view *view)
{
	GHashTable *own = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct vm_machine *machine = view->mount->machine;

	for (pid_t pid = 0; (pid = vm_machine_next_pid(machine, pid)) != 0;) {
		struct vm_process *process = vm_process_find(machine, pid);
		if (process == NULL)
			continue;
		struct vm_cred owner = vm_process_cred(process);
		if (rights_trace(view->mount, view->caller, &owner)) {
			vm_process_areas(process, 0, add_own_area, own);
			add_own_descriptors(own, process);
		}
		vm_process_unref(process);
	}
	return own;
}

static bool sees_name(const struct view *view, const struct vm_object_info *object)
{
	g_autofree char *id = file_id(object->dev, object->ino);

	return view->own == NULL || g_hash_table_contains(view->own, id) ||
	       (object->name != NULL && g_hash_table_contains(view->own, object->name));
}

static bool add_object(void *ctx, const struct vm_object_info *object)
{
	struct view *view = ctx;
	GString *out = view->lines->out;
	const char *name = object->name ? object->name : "";

	if (!text_room(view->lines, LINE_ROOM + 4 * strlen(name)))
		return false;
	g_string_append_printf(
	    out, "%" PRIu64 " %s %02x:%02x %ju %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " ",
	    object->number, object->shmem ? "shmem" : "file", major(object->dev),
	    minor(object->dev), (uintmax_t)object->ino, object->size, object->areas, object->pages,
	    object->dirty);
	text_escaped(out, sees_name(view, object) ? name : "-", "");
	g_string_append_c(out, '\n');
	return text_line_ends(view->lines, object->number + 1);
}

int lines_objects(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                  const struct fs_caller *caller)
{
	struct view view = {.lines = lines, .mount = mount, .caller = caller};

	if (!add_header(lines, "NUMBER KIND DEV INODE SIZE AREAS PAGES DIRTY PATH\n"))
		return -ENOMEM;
	if (!rights_administer(mount, caller))
		view.own = own_files(&view);
	vm_machine_objects(mount->machine, lines->from, add_object, &view);
	g_clear_pointer(&view.own, g_hash_table_unref);
	return lines->full ? -ENOMEM : 0;
}

/* --- version ---------------------------------------------------------------------------------- */

int render_version(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	g_string_append(out, "vasfs version " VASFS_VERSION
	                     " (virtual memory of Linux 6.x on x86-64, simulated)\n");
	return 0;
}
