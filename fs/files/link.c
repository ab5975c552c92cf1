/*
 * link.c - the targets of the symbolic links.
 */
#include "fs/files/link.h"
#include "fs/files/own.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

char *link_exe(struct fs_mount *mount, struct vm_process *process, unsigned index,
               const struct fs_caller *caller, int *error)
{
	char *target = vm_process_exe(process);

	/* Before its first exec a process is like a kernel thread: its exe leads nowhere. */
	if (target == NULL)
		*error = -ENOENT;
	return target;
}

char *link_root(struct fs_mount *mount, struct vm_process *process, unsigned index,
                const struct fs_caller *caller, int *error)
{
	return g_strdup("/");
}

char *link_cwd(struct fs_mount *mount, struct vm_process *process, unsigned index,
               const struct fs_caller *caller, int *error)
{
	char *cwd = vm_process_cwd(process);

	return cwd != NULL ? cwd : g_strdup("/");
}

char *link_self(struct fs_mount *mount, struct vm_process *process, unsigned index,
                const struct fs_caller *caller, int *error)
{
	pid_t pid = own_pid(mount, caller);

	*error = -ENOENT;
	return pid != 0 ? g_strdup_printf("%d", (int)pid) : NULL;
}

char *link_thread_self(struct fs_mount *mount, struct vm_process *process, unsigned index,
                       const struct fs_caller *caller, int *error)
{
	pid_t pid = own_pid(mount, caller), tid = own_tid(mount, caller);

	*error = -ENOENT;
	return pid != 0 ? g_strdup_printf("%d/task/%d", (int)pid, (int)tid) : NULL;
}

/* --- Descriptors ------------------------------------------------------------------------------ */

char *link_fd(struct fs_mount *mount, struct vm_process *process, unsigned index,
              const struct fs_caller *caller, int *error)
{
	struct vm_file *file = vm_process_file(process, (int)index);
	char *name;

	*error = -ENOENT;
	if (file == NULL)
		return NULL;
	name = vm_file_name(file);
	vm_file_unref(file);
	return name;
}

mode_t link_fd_mode(struct vm_process *process, unsigned index)
{
	struct vm_file *file = vm_process_file(process, (int)index);
	mode_t mode = 0;

	if (file == NULL)
		return mode;
	int access = vm_file_access(file);
	if (access != O_WRONLY)
		mode |= S_IRUSR | S_IXUSR;
	if (access != O_RDONLY)
		mode |= S_IWUSR | S_IXUSR;
	vm_file_unref(file);
	return mode;
}

bool link_has_fd(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller,
                 int number)
{
	struct vm_file *file = vm_process_file(process, number);

	if (file != NULL)
		vm_file_unref(file);
	return file != NULL;
}

int link_next_fd(struct fs_mount *mount, struct vm_process *process, int after)
{
	for (int fd = after + 1; fd < VM_MAX_FDS; fd++)
		if (link_has_fd(mount, process, NULL, fd))
			return fd;
	return -1;
}
