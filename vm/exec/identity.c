/*
 * identity.c - the effective ids of a new program, and whether it is a privileged one. See exec.h.
 *
 * Here only the auxiliary vector tells of them, and ld.so's rules for such programs apply. The
 * process gets no rights: a simulated program never has more than its user.
 */
#include "vm/cache/file.h"
#include "vm/exec/exec.h"

#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* The capabilities of a file, as far as they are the same in all versions (vfs_cap_data). */
struct capabilities {
	uint32_t magic;
	struct {
		uint32_t permitted, inheritable;
	} words[VFS_CAP_U32_3];
	uint32_t owner; /* of the user namespace */
};

/*
 * Whether the host file FD gives capabilities to whoever runs it. Those that may only be inherited
 * give none.
 */
static bool has_capabilities(int fd)
{
	struct capabilities capabilities = {0};
	ssize_t size = fgetxattr(fd, "security.capability", &capabilities, sizeof capabilities);

	return size >= (ssize_t)XATTR_CAPS_SZ_1 &&
	       ((capabilities.magic & VFS_CAP_FLAGS_EFFECTIVE) != 0 ||
	        (capabilities.words[0].permitted | capabilities.words[1].permitted) != 0);
}

void exec_find_identity(struct exec *exec)
{
	const struct vm_file *file = exec->program_file;
	struct stat status;

	exec->euid = exec->cred.uid;
	exec->egid = exec->cred.gid;
	exec->secure = false;
	if (file->filesystem.nosuid || fstat(file->handle->medium.fd, &status) != 0)
		return;
	if (status.st_mode & S_ISUID)
		exec->euid = status.st_uid;
	/* S_ISGID without S_IXGRP meant mandatory locking. */
	if ((status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		exec->egid = status.st_gid;
	exec->secure = exec->euid != exec->cred.uid || exec->egid != exec->cred.gid ||
	               (exec->cred.uid != 0 && has_capabilities(file->handle->medium.fd));
}
