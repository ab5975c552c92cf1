/*
 * hostfile.c - opens host files as the caller, never as the daemon.
 *
 * The path is walked with O_PATH, the file found is checked, and then it is reopened through
 * /proc/self/fd. So nobody can exchange it between the check and the open.
 *
 * All of this runs with the identity of the caller (hostidentity.c).
 */
#include "fs/host/hostfile.h"

#include "fs/host/hostidentity.h"
#include "fs/host/hostpath.h"
#include "util/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct request {
	const struct fs_mount *mount;
	const struct fs_caller *caller;
	const char *path;
	int access;
	bool executable;
	unsigned how;
	struct hostpath_start start;
	bool closed; /* see hostpath_walk */
};

/* --- Opening ---------------------------------------------------------------------------------- */

/*
 * Check that FD is a file that we open. Files of /proc are refused: Linux cannot map them either,
 * and there we would not count as the caller.
 */
static int check_file(const struct request *request, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || hostpath_is_proc(fd))
		return request->executable ? -EACCES : -ENODEV;
	/* AT_EACCESS: check with the fsuid, which is the caller's, instead of the real uid. */
	if (request->executable &&
	    syscall(SYS_faccessat2, fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) < 0)
		return -errno;
	return 0;
}

static int reopen(const struct request *request, int found)
{
	int fd = proc_open_file(request->mount->proc, request->access | O_NONBLOCK | O_NOCTTY,
	                        "self/fd/%d", found);

	return fd < 0 ? -errno : fd;
}

/* Walk and open with the identity of this thread. Returns a descriptor or a negative errno. */
static int64_t walk_and_open(void *ctx)
{
	struct request *request = ctx;
	int found, result;

	hostpath_start_find(request->mount, &request->start, request->caller);
	found = hostpath_walk(request->mount, request->caller, &request->start, request->path,
	                      request->how, NULL, &request->closed);
	if (found < 0)
		return found;
	result = check_file(request, found);
	if (result == 0)
		result = reopen(request, found);
	close(found);
	return result;
}

static const char why_closed[] = "it is in a FUSE file system that lets in only the user who "
                                 "mounted it (mount that with -o allow_root or allow_other)";

static struct vm_file *open_file(struct hostfile_context *context, const char *path, int access,
                                 bool executable, int *error)
{
	const struct fs_mount *mount = context->mount;
	const struct fs_caller *caller = context->caller;
	struct request request = {
	    .mount = mount,
	    .caller = caller,
	    .path = path,
	    .access = access,
	    .executable = executable,
	    .how = context->start != NULL ? HOSTPATH_PROGRAM : 0,
	    .start = context->start != NULL ? *context->start : HOSTPATH_START_INIT,
	};

	/*
	 * Open now what only the daemon may see: the directories of a process that is not dumpable.
	 */
	if (caller->uid != mount->daemon_uid && mount->daemon_uid == 0)
		hostpath_start_find(mount, &request.start, caller);
	int fd =
	    (int)hostidentity_run(mount, caller, HOSTIDENTITY_ANY_UMASK, walk_and_open, &request);
	if (context->start == NULL)
		hostpath_start_close(&request.start);
	context->why = request.closed ? why_closed : NULL;
	*error = fd < 0 ? fd : 0;
	return fd < 0 ? NULL : vm_file_new(mount->machine, fd, access, caller->uid, error);
}

struct vm_file *hostfile_open(struct hostfile_context *context, const char *path, int access,
                              int *error)
{
	return open_file(context, path, access, false, error);
}

static struct vm_file *open_for_exec(void *ctx, const char *path, bool executable, int *error)
{
	return open_file(ctx, path, O_RDONLY, executable, error);
}

struct vm_opener hostfile_opener(struct hostfile_context *context)
{
	return (struct vm_opener){.open = open_for_exec, .ctx = context};
}
