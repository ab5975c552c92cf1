/*
 * hostpath.c - walks a path one component at a time. Each component is opened with O_PATH and
 * checked before the next one, for three reasons:
 *
 *   - A step into our own mount must not happen. Its lookup would be a request to ourselves, and if
 *     all threads wait for such requests, nobody is left to answer. Two calls send no request:
 *     opening the root of the mount with O_PATH, and statx with AT_STATX_DONT_SYNC.
 *   - Links in /proc must not lead to the daemon's own files, as they would if the kernel followed
 *     them.
 *   - A caller may have another root directory than the daemon.
 */
#include "fs/host/hostpath.h"

#include "fs/host/hostlink.h"
#include "fs/host/hostprocess.h"
#include "util/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	MAX_LINKS = 40, /* as in the kernel */
	STEP_FLAGS = O_PATH | O_NOFOLLOW | O_CLOEXEC,
};

struct walk {
	const struct fs_mount *mount;
	const struct fs_caller *caller;
	const struct hostpath_start *start;
	int at;         /* the file reached so far, or -1 */
	GString *rest;  /* the rest of the path starts in it ... */
	size_t rest_at; /* ... at this offset */
	int links;      /* how many were followed */
	unsigned how;   /* HOSTPATH_ */
	struct hostpath_last *last;
	bool closed; /* it ended at a FUSE file system that does not let us in */
};

/* --- Places ----------------------------------------------------------------------------------- */

struct place {
	dev_t dev;
	ino_t ino;
	uint64_t mount;
	mode_t mode; /* 0 if the file system does not let the caller see it */
};

/* Find out what FD is, without a request to its file system. Returns 0 or a negative errno. */
static int look(int fd, struct place *place)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &st) < 0)
		return -errno;
	place->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	place->ino = st.stx_ino;
	place->mount = st.stx_mnt_id;
	place->mode = st.stx_mode;
	return 0;
}

static bool is_ours(const struct walk *walk, const struct place *place)
{
	return walk->mount->dev != 0 && place->dev == walk->mount->dev;
}

bool hostpath_is_ours(const struct fs_mount *mount, int fd)
{
	struct place place;

	return look(fd, &place) == 0 && mount->dev != 0 && place.dev == mount->dev;
}

static bool same_place(int a, int b)
{
	struct place x, y;

	return look(a, &x) == 0 && look(b, &y) == 0 && x.dev == y.dev && x.ino == y.ino &&
	       x.mount == y.mount;
}

/*
 * Whether the caller has the same root directory as we, in the same mount namespace: each namespace
 * has mounts of its own. Only then a path that the kernel gives us is one to the caller, too. 1, 0
 * or a negative errno: our root cannot be opened.
 */
static int has_our_root(const struct walk *walk)
{
	int ours = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (ours < 0)
		return -errno;
	bool same = same_place(ours, walk->start->root);
	close(ours);
	return same ? 1 : 0;
}

bool hostpath_is_proc(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/*
 * Whether FD is in a FUSE file system that does not let this thread in at all. No other reason
 * keeps an open file from saying what it is.
 */
static bool is_closed_fuse(int fd)
{
	struct statfs fs;
	struct stat st;

	return fstatfs(fd, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC && fstat(fd, &st) < 0 &&
	       errno == EACCES;
}

/* Like look, for the next place of WALK. */
static int look_ahead(struct walk *walk, int fd, struct place *place)
{
	int error = look(fd, place);

	walk->closed = error == -EACCES && is_closed_fuse(fd);
	return error;
}

/* Make FD the place reached. Takes FD over. */
static void go_to(struct walk *walk, int fd)
{
	if (walk->at >= 0)
		close(walk->at);
	walk->at = fd;
}

/* Make a copy of FD the place reached. -ELOOP if FD is in our own mount. */
static int go_to_copy(struct walk *walk, int fd)
{
	struct place place;
	int copy, error = look_ahead(walk, fd, &place);

	if (error < 0 || is_ours(walk, &place))
		return error < 0 ? error : -ELOOP;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return -errno;
	go_to(walk, copy);
	return 0;
}

/* --- Steps ------------------------------------------------------------------------------------ */

/*
 * Open NAME in the directory reached, without following a link. With IS_DIR it must be a directory
 * or a link; O_DIRECTORY then makes an automount mount itself. Returns a descriptor or a negative
 * errno.
 */
static int open_step(const struct walk *walk, const char *name, bool is_dir)
{
	int fd = openat(walk->at, name, STEP_FLAGS | (is_dir ? O_DIRECTORY : 0));

	if (fd < 0 && errno == ENOTDIR && is_dir)
		fd = openat(walk->at, name, STEP_FLAGS);
	return fd < 0 ? -errno : fd;
}

/*
 * The rule of fs.protected_symlinks: in a sticky directory that all may write, such as /tmp, follow
 * only links of the caller or of the directory's owner.
 */
static int check_link(const struct walk *walk, int fd)
{
	struct stat link, dir;

	if (fstat(fd, &link) < 0 || fstat(walk->at, &dir) < 0)
		return -errno;
	if ((dir.st_mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH))
		return 0;
	return link.st_uid == walk->caller->uid || link.st_uid == dir.st_uid ? 0 : -EACCES;
}

/*
 * Whether FD is in the /proc that has callers under their pids. Another one may number processes in
 * another way.
 */
static bool is_our_proc(const struct walk *walk, int fd)
{
	struct place place, ours;
	int proc = walk->mount->proc_pids;

	return proc >= 0 && look(proc, &ours) == 0 && look(fd, &place) == 0 &&
	       place.dev == ours.dev;
}

/*
 * Store the target of the link FD, called NAME, in TEXT. Links of /proc mean more than their text:
 * `self` must mean the caller, not the daemon, and a text that starts with a slash is a path to us.
 */
static int read_link(const struct walk *walk, int fd, const char *name, char text[PATH_MAX])
{
	bool self = strcmp(name, "self") == 0 || strcmp(name, "thread-self") == 0;
	bool proc = hostpath_is_proc(fd);
	ssize_t len;

	if (self && proc) {
		g_snprintf(text, PATH_MAX, "%d", (int)walk->caller->pid);
		return is_our_proc(walk, fd) ? 0 : -EINVAL;
	}
	len = readlinkat(fd, "", text, PATH_MAX);
	if (len < 0)
		return -errno;
	if (len == 0 || len == PATH_MAX)
		return len == 0 ? -ENOENT : -ENAMETOOLONG;
	text[len] = '\0';
	if (!proc || text[0] != '/')
		return 0;
	int same = has_our_root(walk);
	return same > 0 ? 0 : same < 0 ? same : -EINVAL;
}

/* Replace NAME, which was just taken off the path, by the target of its link FD. */
static int follow_link(struct walk *walk, int fd, const char *name, bool last)
{
	char text[PATH_MAX];
	int error;

	if (++walk->links > MAX_LINKS)
		return -ELOOP;
	if ((last && (error = check_link(walk, fd)) < 0) ||
	    (error = read_link(walk, fd, name, text)) < 0)
		return error;
	g_string_erase(walk->rest, 0, (gssize)walk->rest_at);
	g_string_prepend(walk->rest, text);
	walk->rest_at = 0;
	return text[0] == '/' ? go_to_copy(walk, walk->start->root) : 0;
}

/*
 * Check the component FD, which was just opened. Returns FD. If the walk must not go on there,
 * closes FD and returns a negative errno; a negative FD is returned as it is.
 */
static int check_step(struct walk *walk, int fd, bool is_dir, struct place *place)
{
	int error;

	if (fd < 0)
		return fd;
	error = look_ahead(walk, fd, place);
	if (error == 0 && is_ours(walk, place))
		error = -ELOOP;
	if (error == 0 && is_dir && S_ISREG(place->mode))
		error = -ENOTDIR;
	if (error < 0)
		close(fd);
	return error < 0 ? error : fd;
}

/* Follow NAME, the last component, a link of /proc. -ENOENT: its file may have a name. */
static int follow_nameless(struct walk *walk, const char *name)
{
	struct place place;
	int fd =
	    check_step(walk, hostlink_open_nameless(walk->mount, walk->at, name), false, &place);

	if (fd < 0)
		return fd;
	go_to(walk, fd);
	return 0;
}

static int step_up(struct walk *walk)
{
	struct place place;
	int fd;

	if (same_place(walk->at, walk->start->root))
		return 0;
	fd = check_step(walk, open_step(walk, "..", true), true, &place);
	if (fd < 0)
		return fd;
	go_to(walk, fd);
	return 0;
}

/* NAME, the last component, is where the walk ends: keep it. */
static void keep_last(struct walk *walk, const char *name)
{
	const char *behind = walk->rest->str + walk->rest_at;

	g_snprintf(walk->last->name, sizeof walk->last->name, "%s%s", name,
	           behind[0] == '/' ? "/" : "");
}

static int step_down(struct walk *walk, const char *name, bool last)
{
	bool is_dir = walk->rest->str[walk->rest_at] == '/';
	struct place place;
	int error, fd;

	if ((walk->how & HOSTPATH_PROGRAM) && hostpath_is_proc(walk->at))
		return -ENOENT;
	fd = check_step(walk, open_step(walk, name, is_dir), is_dir, &place);
	if (fd == -ENOENT && last && (walk->how & HOSTPATH_CREATE)) {
		keep_last(walk, name);
		return 0;
	}
	if (fd < 0)
		return fd;
	if (!S_ISLNK(place.mode) || (last && !is_dir && (walk->how & HOSTPATH_NOFOLLOW))) {
		go_to(walk, fd);
		return is_dir && (walk->how & HOSTPATH_PROGRAM) && !S_ISDIR(place.mode) ? -ENOTDIR
		                                                                        : 0;
	}
	error = last && !is_dir && hostpath_is_proc(fd) ? follow_nameless(walk, name) : -ENOENT;
	if (error == -ENOENT)
		error = follow_link(walk, fd, name, last);
	close(fd);
	return error;
}

/*
 * Take the next component off the path and store it in NAME. Returns 1, 0 if none is left, or
 * -ENAMETOOLONG.
 */
static int next_name(struct walk *walk, char name[NAME_MAX + 1])
{
	const char *start = walk->rest->str + walk->rest_at;
	size_t len;

	start += strspn(start, "/");
	len = strcspn(start, "/");
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, start, len);
	name[len] = '\0';
	walk->rest_at = (size_t)(start + len - walk->rest->str);
	return len > 0;
}

static int step(struct walk *walk, const char *name)
{
	const char *behind = walk->rest->str + walk->rest_at;
	bool last = behind[strspn(behind, "/")] == '\0';

	if (last && (walk->how & HOSTPATH_PARENT)) {
		keep_last(walk, name);
		return (walk->how & HOSTPATH_PROGRAM) && hostpath_is_proc(walk->at) ? -ENOENT : 0;
	}
	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0)
		return step_up(walk);
	return step_down(walk, name, last);
}

/* Walk the rest of the path. Returns 0 with the file in walk->at, or a negative errno. */
static int walk_rest(struct walk *walk)
{
	char name[NAME_MAX + 1];
	int error;

	while ((error = next_name(walk, name)) > 0) {
		error = step(walk, name);
		if (error < 0)
			return error;
	}
	return error;
}

/* --- Where a path starts ---------------------------------------------------------------------- */

/* Open WHICH ("root" or "cwd") of the caller if *DIR is -1. */
static void find_dir(const struct fs_mount *mount, struct hostpath_start *start,
                     const struct fs_caller *caller, const char *which, int *dir)
{
	if (*dir >= 0)
		return;
	*dir = proc_open_file(mount->proc_pids, O_PATH | O_DIRECTORY, "%d/%s", (int)caller->pid,
	                      which);
	if (*dir < 0 && hostprocess_is_our_lack(errno))
		start->lack = -errno;
}

void hostpath_start_find(const struct fs_mount *mount, struct hostpath_start *start,
                         const struct fs_caller *caller)
{
	start->lack = 0;
	/* A process that we cannot see may be in a chroot, so our root would be a guess. */
	if (caller->pid == 0)
		return;
	find_dir(mount, start, caller, "root", &start->root);
	find_dir(mount, start, caller, "cwd", &start->cwd);
}

void hostpath_start_close(struct hostpath_start *start)
{
	if (start->root >= 0)
		close(start->root);
	if (start->cwd >= 0)
		close(start->cwd);
	*start = HOSTPATH_START_INIT;
}

/*
 * Start at the working directory of a caller who is inside our mount. The path may lead out of it
 * by `..`, but we cannot walk there, since each step would be a request to ourselves. So take the
 * name of the directory, and drop a component of it for each leading `..`. The name is relative to
 * our own root, so this works only for callers with the same root.
 */
static int start_outside(struct walk *walk)
{
	char cwd[PATH_MAX];
	bool has_name =
	    proc_read_link(walk->mount->proc, cwd, sizeof cwd, "self/fd/%d", walk->start->cwd);
	int same = has_our_root(walk);
	char name[NAME_MAX + 1];
	size_t before = 0;

	if (same < 0)
		return same;
	if (!same || !has_name || cwd[0] != '/')
		return -ELOOP;
	while (next_name(walk, name) > 0 && (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)) {
		if (strcmp(name, "..") == 0)
			*strrchr(cwd, '/') = '\0';
		if (cwd[0] == '\0')
			strcpy(cwd, "/");
		before = walk->rest_at;
	}
	g_string_erase(walk->rest, 0, (gssize)before);
	g_string_prepend_c(walk->rest, '/');
	g_string_prepend(walk->rest, cwd);
	walk->rest_at = 0;
	return go_to_copy(walk, walk->start->root);
}

static int start_walk(struct walk *walk, const char *path)
{
	struct place place;
	int error;

	if (path[0] == '\0')
		return -ENOENT;
	/* Also a relative path may need the root: for `..`, and for links. */
	if (walk->start->root < 0)
		return walk->start->lack < 0 ? walk->start->lack : -EINVAL;
	if (path[0] == '/')
		return go_to_copy(walk, walk->start->root);
	if (walk->start->cwd < 0)
		return walk->start->lack < 0 ? walk->start->lack : -EINVAL;
	if ((error = look_ahead(walk, walk->start->cwd, &place)) < 0)
		return error;
	return is_ours(walk, &place) ? start_outside(walk) : go_to_copy(walk, walk->start->cwd);
}

int hostpath_walk(const struct fs_mount *mount, const struct fs_caller *caller,
                  const struct hostpath_start *start, const char *path, unsigned how,
                  struct hostpath_last *last, bool *closed)
{
	g_autoptr(GString) rest = g_string_new(path);
	struct hostpath_last unwanted;
	struct walk walk = {
	    .mount = mount,
	    .caller = caller,
	    .start = start,
	    .at = -1,
	    .rest = rest,
	    .how = how,
	    .last = last != NULL ? last : &unwanted,
	};
	int error;

	*closed = false;
	/* What stays if there is no component at all. */
	g_strlcpy(walk.last->name, how & HOSTPATH_PARENT ? "/" : "", sizeof walk.last->name);
	if ((error = start_walk(&walk, path)) < 0 || (error = walk_rest(&walk)) < 0) {
		*closed =
		    error == -EACCES && (walk.closed || (walk.at >= 0 && is_closed_fuse(walk.at)));
		go_to(&walk, -1);
		return error;
	}
	return walk.at;
}
