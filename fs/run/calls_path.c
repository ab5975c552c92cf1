/*
 * calls_path.c - system calls that make, remove and rename names, and on the working directory.
 */
#include "fs/run/calls.h"
#include "fs/run/kind.h"
#include "fs/run/path.h"
#include "util/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int64_t answer(long result)
{
	return result < 0 ? -errno : result;
}

/* --- One name --------------------------------------------------------------------------------- */

static int64_t make_directory(int parent, const char *name, void *ctx)
{
	const mode_t *mode = ctx;

	return answer(mkdirat(parent, name, *mode & 01777));
}

static int64_t mkdir_at(struct call *call, int dirfd, uint64_t va, mode_t mode)
{
	return path_name_call(call, dirfd, va, make_directory, &mode);
}

int64_t sys_mkdir(struct call *call)
{
	return mkdir_at(call, AT_FDCWD, call->arg[0], (mode_t)call->arg[1]);
}

int64_t sys_mkdirat(struct call *call)
{
	return mkdir_at(call, (int)call->arg[0], call->arg[1], (mode_t)call->arg[2]);
}

static int64_t remove_name(int parent, const char *name, void *ctx)
{
	const int *flags = ctx;

	return answer(unlinkat(parent, name, *flags));
}

static int64_t unlink_at(struct call *call, int dirfd, uint64_t va, int flags)
{
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	return path_name_call(call, dirfd, va, remove_name, &flags);
}

int64_t sys_rmdir(struct call *call)
{
	return unlink_at(call, AT_FDCWD, call->arg[0], AT_REMOVEDIR);
}

int64_t sys_unlink(struct call *call)
{
	return unlink_at(call, AT_FDCWD, call->arg[0], 0);
}

int64_t sys_unlinkat(struct call *call)
{
	return unlink_at(call, (int)call->arg[0], call->arg[1], (int)call->arg[2]);
}

static int64_t make_link(int parent, const char *name, void *ctx)
{
	return answer(symlinkat(ctx, parent, name));
}

static int64_t symlink_at(struct call *call, uint64_t target, int dirfd, uint64_t va)
{
	int error;
	g_autofree char *text = call_path(call, target, false, &error);

	return text == NULL ? error : path_name_call(call, dirfd, va, make_link, text);
}

int64_t sys_symlink(struct call *call)
{
	return symlink_at(call, call->arg[0], AT_FDCWD, call->arg[1]);
}

int64_t sys_symlinkat(struct call *call)
{
	return symlink_at(call, call->arg[0], (int)call->arg[1], call->arg[2]);
}

/* --- Two names -------------------------------------------------------------------------------- */

struct pair {
	struct path from, to;
	unsigned flags;
};

static int64_t run_rename(void *ctx)
{
	struct pair *pair = ctx;
	struct hostpath_last from_last, to_last;
	int from = path_walk(&pair->from, HOSTPATH_PARENT, &from_last);

	if (from < 0)
		return from;
	int to = path_walk(&pair->to, HOSTPATH_PARENT, &to_last);
	int64_t result =
	    to < 0 ? to : answer(renameat2(from, from_last.name, to, to_last.name, pair->flags));
	close(from);
	if (to >= 0)
		close(to);
	return result;
}

/* The file itself gets another name. It is found first: a link in its path leads where we allow. */
static int64_t run_link(void *ctx)
{
	struct pair *pair = ctx;
	struct hostpath_last last;
	char name[64];
	int from =
	    path_walk(&pair->from, pair->flags & AT_SYMLINK_FOLLOW ? 0 : HOSTPATH_NOFOLLOW, NULL);

	if (from < 0)
		return from;
	int to = path_walk(&pair->to, HOSTPATH_PARENT, &last);
	g_snprintf(name, sizeof name, "self/fd/%d", from);
	int64_t result = to < 0 ? to
	                        : answer(linkat(pair->from.place->mount->proc, name, to, last.name,
	                                        AT_SYMLINK_FOLLOW));
	close(from);
	if (to >= 0)
		close(to);
	return result;
}

/* Call FN for two paths: descriptor and address of each. */
static int64_t with_pair(struct call *call, const uint64_t from[2], const uint64_t to[2],
                         unsigned flags, unsigned how, int64_t (*fn)(void *ctx))
{
	struct pair pair = {.flags = flags};
	int64_t result = path_get(call, &pair.from, (int)from[0], from[1], how);

	if (result < 0)
		return result;
	result = path_get(call, &pair.to, (int)to[0], to[1], 0);
	if (result == 0) {
		result = place_as_owner(pair.from.place, fn, &pair);
		path_clear(&pair.to);
	}
	path_clear(&pair.from);
	return result;
}

#define HERE ((uint64_t)AT_FDCWD)

static int64_t rename_at(struct call *call, const uint64_t from[2], const uint64_t to[2],
                         unsigned flags)
{
	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	return with_pair(call, from, to, flags, 0, run_rename);
}

int64_t sys_rename(struct call *call)
{
	return rename_at(call, (uint64_t[]){HERE, call->arg[0]}, (uint64_t[]){HERE, call->arg[1]},
	                 0);
}

int64_t sys_renameat(struct call *call)
{
	return rename_at(call, &call->arg[0], &call->arg[2], 0);
}

int64_t sys_renameat2(struct call *call)
{
	return rename_at(call, &call->arg[0], &call->arg[2], (unsigned)call->arg[4]);
}

int64_t sys_link(struct call *call)
{
	return with_pair(call, (uint64_t[]){HERE, call->arg[0]}, (uint64_t[]){HERE, call->arg[1]},
	                 0, 0, run_link);
}

int64_t sys_linkat(struct call *call)
{
	unsigned flags = (unsigned)call->arg[4];

	if (flags & ~(unsigned)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return with_pair(call, &call->arg[0], &call->arg[2], flags,
	                 flags & AT_EMPTY_PATH ? PATH_EMPTY : 0, run_link);
}

/* --- Links ------------------------------------------------------------------------------------ */

struct target {
	char text[PATH_MAX];
};

static int64_t read_target(int fd, void *ctx)
{
	struct target *target = ctx;
	ssize_t len = readlinkat(fd, "", target->text, sizeof target->text);

	/* So the kernel answers for what is no link, if it has an empty name. */
	if (len < 0)
		return errno == ENOENT ? -EINVAL : -errno;
	return len;
}

static int64_t readlink_at(struct call *call, int dirfd, uint64_t va, uint64_t buf, uint64_t size)
{
	int error;
	g_autofree char *path = call_path(call, va, true, &error);
	g_autofree char *exe = NULL;
	struct target target;
	const char *text = target.text;
	int64_t len;

	if ((int)size <= 0)
		return -EINVAL;
	if (path == NULL)
		return error;
	if (strcmp(path, "/proc/self/exe") == 0) {
		text = exe = vm_process_exe(call->process);
		len = exe != NULL ? (int64_t)strlen(exe) : -ENOENT;
	} else {
		len = path_call(call, dirfd, va, HOSTPATH_NOFOLLOW | PATH_EMPTY, read_target,
		                &target);
		/* An empty path means the descriptor only if that is a link. */
		if (len == -EINVAL && path[0] == '\0')
			len = -ENOENT;
	}
	if (len < 0)
		return len;
	len = MIN(len, (int64_t)(int)size);
	return call_put(call, buf, text, (size_t)len) == 0 ? len : -EFAULT;
}

int64_t sys_readlink(struct call *call)
{
	return readlink_at(call, AT_FDCWD, call->arg[0], call->arg[1], call->arg[2]);
}

int64_t sys_readlinkat(struct call *call)
{
	return readlink_at(call, (int)call->arg[0], call->arg[1], call->arg[2], call->arg[3]);
}

/* --- Where the program is --------------------------------------------------------------------- */

/* The directory FD as a working directory: the owner must have the right to search it. */
static int64_t open_cwd(int fd, void *ctx)
{
	struct stat status;

	if (fstat(fd, &status) == 0 && !S_ISDIR(status.st_mode))
		return -ENOTDIR;
	return answer(openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static int64_t take_cwd(struct call *call, int64_t fd)
{
	struct place *place = call->program->place;

	if (fd < 0)
		return fd;
	int error = place_set_cwd(place, (int)fd);
	if (error == 0)
		place_show_cwd(place, call->process);
	return error;
}

int64_t sys_chdir(struct call *call)
{
	return take_cwd(call, path_call(call, AT_FDCWD, call->arg[0], 0, open_cwd, NULL));
}

static int64_t open_cwd_of(void *ctx)
{
	return open_cwd(*(const int *)ctx, NULL);
}

int64_t sys_fchdir(struct call *call)
{
	struct vm_file *file = vm_process_file(call->process, (int)call->arg[0]);

	if (file == NULL)
		return -EBADF;
	int fd = kind_host(file);
	int64_t result = fd < 0 ? -ENOTDIR : place_as_owner(call->program->place, open_cwd_of, &fd);
	vm_file_unref(file);
	return take_cwd(call, result);
}

/*
 * The name of the working directory from the root of the program on. The kernel tells names from
 * our root on.
 */
int64_t sys_getcwd(struct call *call)
{
	const struct place *place = call->program->place;
	char root[PATH_MAX + 16], cwd[PATH_MAX + 16];
	int proc = place->mount->proc;

	if (!proc_read_link(proc, root, sizeof root, "self/fd/%d", place->root) ||
	    !proc_read_link(proc, cwd, sizeof cwd, "self/fd/%d", place->cwd))
		return -errno;
	if (g_str_has_suffix(cwd, " (deleted)"))
		return -ENOENT;
	size_t skip = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (cwd[0] != '/' || strncmp(cwd, root, skip) != 0 ||
	    (cwd[skip] != '/' && cwd[skip] != '\0'))
		return -ENOENT;
	const char *name = cwd[skip] == '\0' ? "/" : cwd + skip;
	size_t len = strlen(name) + 1;
	if (len > call->arg[1])
		return -ERANGE;
	return call_put(call, call->arg[0], name, len) == 0 ? (int64_t)len : -EFAULT;
}

int64_t sys_umask(struct call *call)
{
	struct place *place = call->program->place;
	mode_t old = place->umask;

	place->umask = (mode_t)call->arg[0] & 0777;
	return (int64_t)old;
}
