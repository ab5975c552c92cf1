/*
 * hostprocess.c - what the host's /proc says about the process of a caller.
 */
#include "fs/host/hostprocess.h"

#include "util/number.h"
#include "util/proc.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>

bool hostprocess_is_our_lack(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/* The text of PID's status in /proc. NULL: it cannot be seen; *LACK is set if that is our fault. */
static char *read_status(const struct fs_mount *mount, pid_t pid, int *lack)
{
	char *status = pid != 0 ? proc_read(mount->proc_pids, "%d/status", (int)pid) : NULL;

	*lack = pid != 0 && status == NULL && hostprocess_is_our_lack(errno) ? -errno : 0;
	return status;
}

/* The numbers in the line KEY of STATUS: a GArray of uint32_t, empty if there is no such line. */
static GArray *status_numbers(const char *status, const char *key)
{
	g_autofree char *start = g_strdup_printf("\n%s:", key);
	GArray *numbers = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	const char *line = strstr(status, start);

	if (line == NULL)
		return numbers;
	line += strlen(start);
	for (uint64_t value; number_next(&line, &value);) {
		uint32_t number = (uint32_t)value;

		g_array_append_val(numbers, number);
	}
	return numbers;
}

GArray *hostprocess_numbers(const struct fs_mount *mount, pid_t pid, const char *key)
{
	int lack;
	g_autofree char *status = read_status(mount, pid, &lack);

	errno = -lack;
	return lack < 0 ? NULL : status_numbers(status != NULL ? status : "", key);
}

/* Whether the line KEY (Uid or Gid) of STATUS says that file systems take the process for ID. */
static bool acts_as(const char *status, const char *key, uint32_t id)
{
	enum { FILE_SYSTEM = 3 }; /* after real, effective, saved */
	g_autoptr(GArray) ids = status_numbers(status, key);

	return ids->len > FILE_SYSTEM && g_array_index(ids, uint32_t, FILE_SYSTEM) == id;
}

GArray *hostprocess_groups(const struct fs_mount *mount, const struct fs_caller *caller, int *lack)
{
	g_autofree char *status = read_status(mount, caller->pid, lack);

	/*
	 * A request that was sent without waiting for its answer may be older than the identity
	 * that its sender has now, and with it the groups. The text shows one moment.
	 */
	if (status == NULL || !acts_as(status, "Uid", caller->uid) ||
	    !acts_as(status, "Gid", caller->gid))
		return NULL;
	return status_numbers(status, "Groups");
}

void hostprocess_give_cwd(const struct fs_mount *mount, const struct fs_caller *caller,
                          struct vm_process *process)
{
	char name[PATH_MAX];

	if (caller->pid != 0 &&
	    proc_read_link(mount->proc_pids, name, sizeof name, "%d/cwd", (int)caller->pid) &&
	    name[0] == '/')
		vm_process_set_cwd(process, name);
}

/* Whether system call NUMBER reads files into the page cache and maps nothing. */
static bool is_splice(int64_t number)
{
	return number == SYS_splice || number == SYS_sendfile || number == SYS_copy_file_range ||
	       number == SYS_readahead || number == SYS_fadvise64;
}

/* A thread that has just sent its request may not sleep yet. */
enum { LOOKS = 10, LOOK_EVERY_US = 100 };

bool hostprocess_splices(const struct fs_mount *mount, pid_t pid)
{
	for (int look = 0; look < LOOKS; look++) {
		g_autofree char *text =
		    pid != 0 ? proc_read(mount->proc_pids, "%d/syscall", (int)pid) : NULL;

		if (text == NULL)
			return false;
		if (!g_str_has_prefix(text, "running"))
			return is_splice(g_ascii_strtoll(text, NULL, 10));
		g_usleep(LOOK_EVERY_US);
	}
	return false;
}
