/*
 * proc_fdinfo.c - PID/fdinfo/FD, as seq_show in fs/proc/fd.c of Linux writes it.
 */
#include "fs/run/kind.h"
#include "fs/text/render.h"
#include "util/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

/* What the kernel of x86-64 has in these flags, which the C library does not name. */
enum { LARGEFILE = 0100000 };

/* The number in the line KEY of TEXT, or 0. */
static uint64_t number_of(const char *text, const char *key)
{
	const char *line = text != NULL ? strstr(text, key) : NULL;

	return line != NULL ? g_ascii_strtoull(line + strlen(key), NULL, 10) : 0;
}

/*
 * Mount and inode are those of the host file: the host's own fdinfo has them, and asks no file
 * system that may hang. What has no host file has neither.
 */
static void add_host_lines(GString *out, const struct fs_mount *mount, const struct vm_file *file)
{
	int fd = kind_host(file);
	g_autofree char *text = fd >= 0 ? proc_read(mount->proc, "self/fdinfo/%d", fd) : NULL;

	g_string_append_printf(out, "mnt_id:\t%" PRIu64 "\nino:\t%" PRIu64 "\n",
	                       number_of(text, "mnt_id:"), number_of(text, "ino:"));
}

int item_fdinfo(GString *out, struct fs_mount *mount, struct vm_process *process, unsigned index)
{
	struct vm_file *file = vm_process_file(process, (int)index);

	if (file == NULL)
		return -ENOENT;
	unsigned flags = (unsigned)vm_file_access(file) | vm_file_flags(file) | LARGEFILE |
	                 (vm_process_cloexec(process, (int)index) > 0 ? O_CLOEXEC : 0);
	g_string_append_printf(out, "pos:\t%" PRIu64 "\nflags:\t0%o\n", vm_file_offset(file),
	                       flags);
	add_host_lines(out, mount, file);
	vm_file_unref(file);
	return 0;
}
