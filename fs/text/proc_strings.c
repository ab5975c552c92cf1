/*
 * proc_strings.c - what a process finds on its stack at its start: cmdline, environ, auxv.
 *
 * cmdline and environ are read from the memory of the process, as in Linux, so they show what the
 * process writes there, to the byte: no control character is escaped. What is in swap is brought in
 * (vm_look), which may take long.
 */
#include "fs/text/render.h"
#include "util/text.h"

#include <errno.h>
#include <string.h>

/*
 * Append the memory of PROCESS in [START, END), up to the first page that cannot be read. The place
 * of a page is its offset from START. Returns 0, or -ENOMEM if the text has no room.
 */
static int add_memory(struct text_lines *lines, struct vm_process *process, uint64_t start,
                      uint64_t end)
{
	char page[VM_PAGE_SIZE];
	bool more = true;

	while (more && start + lines->from < end) {
		uint64_t va = start + lines->from;
		size_t len = vm_look(process, va, page, MIN(sizeof(page), end - va));

		if (len == 0)
			break;
		if (!text_room(lines, len))
			return -ENOMEM;
		g_string_append_len(lines->out, page, (gssize)len);
		more = text_line_ends(lines, lines->from + len);
	}
	return 0;
}

/*
 * Whether setproctitle(3) has overwritten the arguments, and perhaps the environment after them.
 * Then the last byte of the arguments is no longer NUL.
 */
static bool title_was_set(struct vm_process *process, const struct vm_process_info *info)
{
	char last;

	return vm_look(process, info->layout.arg_end - 1, &last, 1) == 1 && last != '\0';
}

/* Append one string that starts at the first argument: at most a page, with its NUL. */
static void add_title(GString *out, struct vm_process *process, const struct vm_process_info *info)
{
	uint64_t end = info->layout.env_start == info->layout.arg_end
	                   ? MAX(info->layout.env_end, info->layout.arg_end)
	                   : info->layout.arg_end;
	char page[VM_PAGE_SIZE];
	size_t len = vm_look(process, info->layout.arg_start, page,
	                     MIN(sizeof(page), end - info->layout.arg_start));
	size_t title = strnlen(page, len);

	g_string_append_len(out, page, (gssize)(title < len ? title + 1 : len));
}

/*
 * As get_mm_cmdline in Linux, with one difference: a process that has not called exec shows its
 * name. Tools take a process with an empty cmdline for a kernel thread.
 */
int lines_cmdline(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                  const struct fs_caller *caller)
{
	struct vm_process_info info;
	int error = living_process_info(process, &info);

	if (error)
		return error;
	if (info.layout.arg_start >= info.layout.arg_end) {
		text_escaped(lines->out, info.comm, "");
		g_string_append_c(lines->out, '\0');
		return 0;
	}
	if (lines->from == 0 && title_was_set(process, &info)) {
		add_title(lines->out, process, &info);
		return 0;
	}
	return add_memory(lines, process, info.layout.arg_start, info.layout.arg_end);
}

int lines_environ(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                  const struct fs_caller *caller)
{
	struct vm_process_info info;
	int error = living_process_info(process, &info);

	if (error)
		return error;
	return add_memory(lines, process, info.layout.env_start, info.layout.env_end);
}

off_t length_cmdline(struct vm_process *process)
{
	struct vm_process_info info;

	if (living_process_info(process, &info) != 0)
		return -1;
	if (info.layout.arg_start >= info.layout.arg_end) {
		g_autoptr(GString) name = g_string_new(NULL);

		text_escaped(name, info.comm, "");
		return (off_t)name->len + 1;
	}
	return (off_t)(info.layout.arg_end - info.layout.arg_start);
}

off_t length_environ(struct vm_process *process)
{
	struct vm_process_info info;

	if (living_process_info(process, &info) != 0)
		return -1;
	return (off_t)(info.layout.env_end - info.layout.env_start);
}

/*
 * Binary, as on the stack. Before the first exec it is only the pair that ends every vector,
 * AT_NULL.
 */
int render_auxv(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	static const uint64_t empty[2];
	size_t len;
	g_autofree uint64_t *auxv = NULL;

	if (!vm_process_alive(process))
		return -ESRCH;
	auxv = vm_process_auxv(process, &len);
	if (auxv)
		g_string_append_len(out, (const char *)auxv, (gssize)len);
	else
		g_string_append_len(out, (const char *)empty, sizeof(empty));
	return 0;
}
