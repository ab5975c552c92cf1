/*
 * hostidentity.c - does something with the rights of a caller.
 *
 * If the daemon is root and the caller is not, a thread is made for it. It takes the caller's
 * identity, drops all capabilities, and ends afterwards. So no identity ever has to be restored,
 * and restoring cannot fail.
 */
#include "fs/host/hostidentity.h"

#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

G_STATIC_ASSERT(sizeof(gid_t) == sizeof(uint32_t)); /* the caller's groups are uint32_t */

struct job {
	const struct fs_caller *caller;
	bool other; /* the thread takes the caller's identity */
	int umask;
	int64_t (*fn)(void *ctx);
	void *ctx;
	int64_t result;
};

/*
 * Give this thread the caller's identity for good. The system calls are raw, because those of glibc
 * act on all threads. The real and saved ids stay root's: a caller who had them in common with this
 * thread could kill it, and the daemon with it (kill_ok_by_cred). FUSE file systems that let in
 * only their user look at them, and so stay closed. Returns whether it worked.
 */
static bool become(const struct fs_caller *caller)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
	const GArray *groups = caller->groups;

	if (syscall(SYS_setgroups, groups != NULL ? groups->len : 0,
	            groups != NULL ? groups->data : NULL) < 0)
		return false;
	syscall(SYS_setfsgid, caller->gid);
	syscall(SYS_setfsuid, caller->uid);
	/*
	 * setfsgid and setfsuid report no failure. They return the value in force, so ask for it.
	 */
	if ((gid_t)syscall(SYS_setfsgid, -1) != caller->gid ||
	    (uid_t)syscall(SYS_setfsuid, -1) != caller->uid)
		return false;
	return syscall(SYS_capset, &header, none) == 0;
}

/* Give this thread a umask of its own. */
static bool take_umask(int mask)
{
	if (mask == HOSTIDENTITY_ANY_UMASK)
		return true;
	if (unshare(CLONE_FS) != 0)
		return false;
	umask((mode_t)mask);
	return true;
}

static void *run_job(void *ctx)
{
	struct job *job = ctx;

	if (take_umask(job->umask) && (!job->other || become(job->caller)))
		job->result = job->fn(job->ctx);
	return NULL;
}

int64_t hostidentity_run(const struct fs_mount *mount, const struct fs_caller *caller, int umask,
                         int64_t (*fn)(void *ctx), void *ctx)
{
	bool other = caller->uid != mount->daemon_uid;
	struct job job = {caller, other, umask, fn, ctx, -EPERM};
	pthread_t thread;

	if (other && mount->daemon_uid != 0)
		return -EPERM;
	if (other && caller->lack < 0)
		return caller->lack;
	if (!other && umask == HOSTIDENTITY_ANY_UMASK)
		return fn(ctx);
	int error = pthread_create(&thread, NULL, run_job, &job);
	if (error == 0)
		pthread_join(thread, NULL);
	return error == 0 ? job.result : -error;
}
