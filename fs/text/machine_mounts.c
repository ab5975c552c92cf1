/*
 * machine_mounts.c - mounts, mountinfo, filesystems: the host's, because processes map files of the
 * host, and tools look these files up here. They are those of the daemon's mount namespace.
 *
 * The kernel escapes what parts words and lines, and leaves other control characters. With a clock
 * of its own the machine does not show what others mount meanwhile.
 */
#include "fs/text/render.h"
#include "util/text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Whether LINE is about the root directory: "/" is its word number WORD, from 0. */
static bool is_root_mount(const char *line, unsigned word)
{
	for (; word > 0 && line != NULL; word--)
		line = strchr(line, ' ') != NULL ? strchr(line, ' ') + 1 : NULL;
	return line != NULL && g_str_has_prefix(line, "/ ");
}

/* Append the whole text of FD to LINES. 0 or a negative errno. */
static int read_all(int fd, struct text_lines *lines)
{
	char buf[VM_PAGE_SIZE];
	off_t offset = 0;
	ssize_t got;

	while ((got = pread(fd, buf, sizeof(buf), offset)) > 0) {
		if (!text_room(lines, (size_t)got))
			return -ENOMEM;
		g_string_append_len(lines->out, buf, got);
		offset += got;
	}
	return got < 0 ? -errno : 0;
}

/* Append what FD says, lines in which WORD is where something is mounted. */
static int add_mounts(GString *out, const struct fs_mount *mount, int fd, unsigned word)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct text_lines lines = {.out = text};
	int error = fd > 0 ? read_all(fd, &lines) : 0;

	if (error != 0)
		return error;
	for (char *line = text->str, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (mount->own_clock && !is_root_mount(line, word))
			continue;
		text_escaped(out, line, "");
		g_string_append_c(out, '\n');
	}
	return 0;
}

int render_mounts(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	return add_mounts(out, mount, mount->mounts_fd, 1);
}

/*
 * The types that mounts names, each once. As in Linux those that are on no device come after
 * `nodev`; here that is told from what is mounted.
 */
int render_filesystems(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	g_autoptr(GString) mounts = g_string_new(NULL);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	int error = render_mounts(mounts, mount, process);
	g_auto(GStrv) lines = g_strsplit(mounts->str, "\n", -1);
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);

	for (char **line = lines; error == 0 && *line != NULL; line++) {
		char **word = g_strsplit(*line, " ", 4);

		g_ptr_array_add(words, word);
		if (g_strv_length(word) == 4 && g_hash_table_add(seen, word[2]))
			g_string_append_printf(out, "%s\t%s\n", word[0][0] == '/' ? "" : "nodev",
			                       word[2]);
	}
	return error;
}

int render_mountinfo(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	return add_mounts(out, mount, mount->mountinfo_fd, 4);
}
