/*
 * hostfile.c - opens host files as the caller, never as the daemon.
 *
 * The path is walked with O_PATH, the file found is checked, and then it is reopened through
 * /proc/self/fd. So nobody can exchange it between the check and the open.
 *
 * If the daemon is root and the caller is not, all of this runs on a thread made for it. That
 * thread takes the caller's identity, drops all capabilities, and ends afterwards. So no identity
 * ever has to be restored, and restoring cannot fail.
 */
#include "fs/host/hostfile.h"

#include "fs/host/hostpath.h"
#include "util/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct request {
	const struct fs_mount *mount;
	const struct fs_caller *caller;
	const char *path;
	int access;
	bool executable;
	struct hostpath_start start;
	int result;  /* of that thread: a descriptor or a negative errno */
	bool closed; /* see hostpath_walk */
};

G_STATIC_ASSERT(sizeof(gid_t) == sizeof(uint32_t)); /* the caller's groups are uint32_t */

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
static int walk_and_open(struct request *request)
{
	int found, result;

	hostpath_start_find(request->mount, &request->start, request->caller);
	found = hostpath_walk(request->mount, request->caller, &request->start, request->path,
	                      &request->closed);
	if (found < 0)
		return found;
	result = check_file(request, found);
	if (result == 0)
		result = reopen(request, found);
	close(found);
	return result;
}

/* --- Identity --------------------------------------------------------------------------------- */

/*
 * Give this thread the caller's identity for good. The system calls are raw, because those of glibc
 * act on all threads. The real and saved ids stay root's: a caller who had them in common with this
 * thread could kill it, and the daemon with it (kill_ok_by_cred). FUSE file systems that let in
 * only their user look at them, and so stay closed. Returns whether it worked.
 */
static bool become(const struct request *request)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
	const GArray *groups = request->caller->groups;
	uid_t uid = request->caller->uid;
	gid_t gid = request->caller->gid;

	if (syscall(SYS_setgroups, groups != NULL ? groups->len : 0,
	            groups != NULL ? groups->data : NULL) < 0)
		return false;
	syscall(SYS_setfsgid, gid);
	syscall(SYS_setfsuid, uid);
	/*
	 * setfsgid and setfsuid report no failure. They return the value in force, so ask for it.
	 */
	if ((gid_t)syscall(SYS_setfsgid, -1) != gid || (uid_t)syscall(SYS_setfsuid, -1) != uid)
		return false;
	return syscall(SYS_capset, &header, none) == 0;
}

static void *open_as_caller(void *ctx)
{
	struct request *request = ctx;

	request->result = become(request) ? walk_and_open(request) : -EPERM;
	return NULL;
}

static int open_on_thread(struct request *request)
{
	pthread_t thread;
	int error;

	if (request->caller->lack < 0)
		return request->caller->lack;
	/*
	 * Open now what only the daemon may see: the directories of a process that is not dumpable.
	 */
	hostpath_start_find(request->mount, &request->start, request->caller);
	error = pthread_create(&thread, NULL, open_as_caller, request);
	if (error == 0)
		pthread_join(thread, NULL);
	return error == 0 ? request->result : -error;
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
	    .start = HOSTPATH_START_INIT,
	};
	int fd = -EPERM;

	if (caller->uid == mount->daemon_uid)
		fd = walk_and_open(&request);
	else if (mount->daemon_uid == 0)
		fd = open_on_thread(&request);
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
