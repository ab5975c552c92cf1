/*
 * calls_open.c - open and its kind.
 *
 * A file is found by a walk, with O_PATH, and looked at. Then it is opened as what it is: a regular
 * file through /proc/self/fd; devices and the console are served here; all else is refused, because
 * opening it might wait, or do something to the host.
 */
#include "fs/run/calls.h"
#include "fs/run/kind.h"
#include "fs/run/path.h"
#include "util/proc.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	KERNEL_LARGEFILE = 0100000, /* the kernel sets it for programs of 64 bits */
	KEPT_FLAGS = O_APPEND | O_NONBLOCK | O_DSYNC | O_SYNC | O_NOATIME | O_DIRECT | O_ASYNC,
	KNOWN_FLAGS = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_DIRECTORY | O_NOFOLLOW |
	              O_CLOEXEC | O_PATH | O_TMPFILE | KEPT_FLAGS | KERNEL_LARGEFILE,
};

/* One open: what is asked for, and what was found. */
struct opening {
	struct path path;
	int flags;
	mode_t mode;
	bool truncate; /* the file found is to be cut */
	/* what was found */
	int fd;
	struct stat status;
};

/* --- Looking ---------------------------------------------------------------------------------- */

/* Open the regular file or the directory FOUND again, with ACCESS. */
static int reopen(const struct opening *opening, int found, int flags)
{
	int fd = proc_open_file(opening->path.place->mount->proc,
	                        flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, "self/fd/%d", found);

	return fd < 0 ? -errno : fd;
}

/* Whether the owner may open the device FOUND as the flags ask. */
static int check_access(const struct opening *opening, int found)
{
	int access = opening->flags & O_ACCMODE;
	int mode = (access != O_WRONLY ? R_OK : 0) | (access != O_RDONLY ? W_OK : 0);

	return syscall(SYS_faccessat2, found, "", mode, AT_EMPTY_PATH | AT_EACCESS) < 0 ? -errno
	                                                                                : 0;
}

/* Open what is in OPENING->status, found as FOUND. Returns a descriptor. */
static int open_found(const struct opening *opening, int found)
{
	mode_t mode = opening->status.st_mode;
	int flags = opening->flags, access = flags & O_ACCMODE;

	if (flags & O_PATH)
		return (flags & O_DIRECTORY) && !S_ISDIR(mode) ? -ENOTDIR
		                                               : fcntl(found, F_DUPFD_CLOEXEC, 3);
	if ((flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (S_ISLNK(mode))
		return flags & O_DIRECTORY ? -ENOTDIR : -ELOOP;
	if ((flags & O_DIRECTORY) && !S_ISDIR(mode))
		return -ENOTDIR;
	if (S_ISDIR(mode))
		return access != O_RDONLY || (flags & (O_CREAT | O_TRUNC))
		           ? -EISDIR
		           : reopen(opening, found, O_RDONLY | O_DIRECTORY);
	if (S_ISREG(mode) && hostpath_is_proc(found))
		return -ENOENT;
	if (S_ISREG(mode))
		return reopen(opening, found, access);
	if (S_ISSOCK(mode))
		return -ENXIO;
	if (!S_ISCHR(mode))
		return -EACCES;
	int error = check_access(opening, found);
	return error != 0 ? error : fcntl(found, F_DUPFD_CLOEXEC, 3);
}

/* Make the file NAME in PARENT. */
static int make_file(struct opening *opening, int parent, const char *name)
{
	int access = opening->flags & O_ACCMODE;
	int fd = openat(parent, name,
	                access | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
	                opening->mode & 07777);

	opening->truncate = false;
	return fd < 0 ? -errno : fd;
}

/*
 * A path that ends with a slash cannot make a file: -EISDIR, if its directory is there. 0: the last
 * component is no name of a file.
 */
static int64_t check_slash(const struct opening *opening)
{
	struct hostpath_last last;

	if (!g_str_has_suffix(opening->path.text, "/"))
		return 0;
	int parent = path_walk(&opening->path, HOSTPATH_PARENT, &last);
	if (parent < 0)
		return parent;
	close(parent);
	return last.name[strspn(last.name, "./")] == '\0' ? 0 : -EISDIR;
}

/* With the owner's identity. */
static int64_t run_opening(void *ctx)
{
	enum { TRIES = 16 }; /* others may make the file and remove it at the same time */
	struct opening *opening = ctx;
	bool creates = (opening->flags & O_CREAT) && !(opening->flags & O_PATH);
	bool nofollow = (opening->flags & O_NOFOLLOW) || (creates && (opening->flags & O_EXCL));
	unsigned how = (nofollow ? HOSTPATH_NOFOLLOW : 0) | (creates ? HOSTPATH_CREATE : 0);
	int result = creates ? (int)check_slash(opening) : 0;

	if (result < 0)
		return result;
	result = -EEXIST;
	for (int i = 0; i < TRIES && result == -EEXIST; i++) {
		struct hostpath_last last;
		int found = path_walk(&opening->path, how, &last);
		if (found < 0)
			return found;
		bool made = last.name[0] != '\0';
		result = made ? make_file(opening, found, last.name) : 0;
		int looked = made ? result : found;
		if (looked >= 0 && fstat(looked, &opening->status) != 0)
			result = -errno;
		if (!made && result == 0) {
			opening->truncate = opening->flags & O_TRUNC;
			result = open_found(opening, found);
			if (result == -1)
				result = -errno;
		}
		close(found);
		if (!made)
			break;
	}
	opening->fd = result;
	return MIN(result, 0);
}

/* --- Files ------------------------------------------------------------------------------------ */

/* truncate(2): make the file that was opened SIZE bytes long. The descriptor is taken over. */
static int64_t cut(struct opening *opening, uint64_t size)
{
	const struct place *place = opening->path.place;
	int error = 0;
	struct vm_file *file =
	    vm_file_new(place->mount->machine, opening->fd, O_WRONLY, place->caller.uid, &error);

	if (file == NULL)
		return error;
	error = vm_file_truncate(file, size);
	vm_file_unref(file);
	return error;
}

/* The file around the descriptor that was opened, which is taken over. */
static struct vm_file *make_description(const struct opening *opening, int *error)
{
	const struct place *place = opening->path.place;
	int access = opening->flags & O_ACCMODE;
	mode_t mode = opening->status.st_mode;

	if (opening->flags & O_PATH)
		return hostdir_new(place, &kind_path, opening->fd, error);
	/* What is in there depends on who looks, and that would be the daemon. */
	if (S_ISDIR(mode) && hostpath_is_proc(opening->fd)) {
		close(opening->fd);
		*error = -ENOENT;
		return NULL;
	}
	if (S_ISDIR(mode))
		return hostdir_new(place, &kind_directory, opening->fd, error);
	if (S_ISREG(mode))
		return vm_file_new(place->mount->machine, opening->fd, access, place->caller.uid,
		                   error);
	close(opening->fd);
	/* Programs have no controlling terminal: the console is like a pipe to them. */
	if (terminal_is(&opening->status)) {
		*error = -ENXIO;
		return NULL;
	}
	return device_new(place, &opening->status, access, error);
}

/* Status flags that F_GETFL shows. */
static unsigned kept_flags(int flags)
{
	if (flags & O_PATH)
		return (unsigned)(flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW));
	return (unsigned)(flags & (KEPT_FLAGS | O_DIRECTORY | O_NOFOLLOW)) | KERNEL_LARGEFILE;
}

/* Enter what was opened among the descriptors of the caller. */
static int64_t enter(struct call *call, struct opening *opening)
{
	int error = 0;
	struct vm_file *file = make_description(opening, &error);
	int64_t result;

	if (file == NULL)
		return error;
	if (opening->truncate && S_ISREG(opening->status.st_mode))
		error = vm_file_truncate(file, 0);
	vm_file_set_flags(file, kept_flags(opening->flags));
	result = error != 0
	             ? error
	             : vm_process_open_from(call->process, file, 0, opening->flags & O_CLOEXEC);
	vm_file_unref(file);
	return result;
}

/* --- The descriptors by name ------------------------------------------------------------------ */

/* The descriptor that TEXT names, as /dev/fd/3, or -1. Below /proc there is nothing else. */
static int named_descriptor(const char *text)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
	static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};

	for (int i = 0; i < (int)G_N_ELEMENTS(names); i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		const char *number = text + strlen(folders[i]);
		if (g_str_has_prefix(text, folders[i]) && strlen(number) < 5 && number[0] != '\0' &&
		    strspn(number, "0123456789") == strlen(number))
			return atoi(number);
	}
	return -1;
}

/* Opened by such a name, a descriptor is duplicated. */
static int64_t duplicate(struct call *call, int fd, int flags)
{
	struct vm_file *file = vm_process_file(call->process, fd);

	if (file == NULL)
		return -ENOENT;
	int64_t result = vm_process_open_from(call->process, file, 0, flags & O_CLOEXEC);
	vm_file_unref(file);
	return result;
}

/* --- The calls -------------------------------------------------------------------------------- */

/* What Linux refuses before it looks for the file (build_open_flags). */
static int check_flags(int flags)
{
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return -EOPNOTSUPP;
	if ((flags & O_CREAT) && (flags & O_DIRECTORY) && !(flags & O_PATH))
		return -EINVAL;
	return (flags & O_ACCMODE) == O_ACCMODE && !(flags & O_PATH) ? -EINVAL : 0;
}

static int64_t open_at(struct call *call, int dirfd, uint64_t va, int flags, mode_t mode)
{
	struct opening opening = {.flags = flags, .mode = mode, .fd = -1};
	int64_t result = path_get(call, &opening.path, dirfd, va, 0);

	if (result < 0)
		return result;
	int named = named_descriptor(opening.path.text);
	result = check_flags(flags);
	if (result == 0 && named >= 0 && !(flags & O_PATH)) {
		result = duplicate(call, named, flags);
	} else if (result == 0) {
		result = (flags & O_CREAT)
		             ? place_as_maker(opening.path.place, run_opening, &opening)
		             : place_as_owner(opening.path.place, run_opening, &opening);
		if (result == 0)
			result = enter(call, &opening);
	}
	path_clear(&opening.path);
	return result;
}

int64_t sys_open(struct call *call)
{
	return open_at(call, AT_FDCWD, call->arg[0], (int)call->arg[1], (mode_t)call->arg[2]);
}

int64_t sys_openat(struct call *call)
{
	return open_at(call, (int)call->arg[0], call->arg[1], (int)call->arg[2],
	               (mode_t)call->arg[3]);
}

int64_t sys_creat(struct call *call)
{
	return open_at(call, AT_FDCWD, call->arg[0], O_CREAT | O_WRONLY | O_TRUNC,
	               (mode_t)call->arg[1]);
}

int64_t sys_openat2(struct call *call)
{
	struct open_how how;

	if (call->arg[3] < sizeof how)
		return -EINVAL;
	if (call->arg[3] > sizeof how)
		return -E2BIG;
	if (call_get(call, call->arg[2], &how, sizeof how) != 0)
		return -EFAULT;
	if ((how.flags & ~(uint64_t)(unsigned)KNOWN_FLAGS) || (how.mode & ~UINT64_C(07777)))
		return -EINVAL;
	/* As of a kernel without the call: programs do it in another way. */
	if (how.resolve != 0)
		return -ENOSYS;
	return open_at(call, (int)call->arg[0], call->arg[1], (int)how.flags, (mode_t)how.mode);
}

int64_t sys_truncate(struct call *call)
{
	struct opening opening = {.flags = O_WRONLY, .fd = -1};

	if (call->arg[1] > INT64_MAX)
		return -EINVAL;
	int64_t result = path_get(call, &opening.path, AT_FDCWD, call->arg[0], 0);
	if (result < 0)
		return result;
	result = place_as_owner(opening.path.place, run_opening, &opening);
	if (result == 0 && S_ISREG(opening.status.st_mode))
		result = cut(&opening, call->arg[1]);
	else if (result == 0) {
		close(opening.fd);
		result = -EINVAL;
	}
	path_clear(&opening.path);
	return result;
}
