/*
 * test_hostfile.c - host files are opened with the caller's rights, whoever runs the daemon
 * (fs/host/hostfile.h). Most of this needs root.
 */
#include "fs/host/hostfile.h"
#include "fs/host/hostprocess.h"
#include "util/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, SOME_GROUP = 54321 };

struct fixture {
	struct fs_mount mount;
	struct fs_caller me;
	char *dir; /* readable by everybody */
};

static void set_up(struct fixture *f, const void *unused)
{
	struct vm_config config;
	char name[] = "/tmp/vasfs-hostfile-XXXXXX";

	vm_config_init(&config);
	config.ram = 1 << 20;
	f->mount =
	    (struct fs_mount){.machine = vm_machine_new(&config, NULL), .daemon_uid = getuid()};
	f->mount.proc = f->mount.proc_pids = proc_open();
	f->me = (struct fs_caller){getuid(), getgid(), getpid()};
	f->dir = g_strdup(g_mkdtemp(name));
	g_assert_cmpint(chmod(f->dir, 0755), ==, 0);
	g_assert_cmpint(chdir(f->dir), ==, 0);
}

static void tear_down(struct fixture *f, const void *unused)
{
	const char *const rm[] = {"rm", "-rf", "--", f->dir, NULL};

	g_assert_cmpint(chdir("/"), ==, 0);
	g_spawn_sync(NULL, (char **)rm, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
	             NULL);
	g_free(f->dir);
	vm_machine_free(f->mount.machine);
	close(f->mount.proc);
}

/* --- Helpers ---------------------------------------------------------------------------------- */

static void make_file(const char *name, mode_t mode)
{
	int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, "text\n", 5), ==, 5);
	g_assert_cmpint(fchmod(fd, mode), ==, 0);
	close(fd);
}

static int error_of(struct vm_file *file, int error)
{
	g_assert_cmpint(file == NULL, ==, error < 0);
	if (file != NULL)
		vm_file_unref(file);
	return error;
}

/* Open PATH. Returns 0 or a negative errno. */
static int try_open(struct fixture *f, const struct fs_caller *caller, const char *path, int access)
{
	struct hostfile_context context = {&f->mount, caller};
	int error = 0;
	struct vm_file *file = hostfile_open(&context, path, access, &error);

	return error_of(file, error);
}

static int try_exec(struct fixture *f, const struct fs_caller *caller, const char *path)
{
	struct hostfile_context context = {&f->mount, caller};
	struct vm_opener opener = hostfile_opener(&context);
	int error = 0;
	struct vm_file *file = opener.open(opener.ctx, path, true, &error);

	return error_of(file, error);
}

/* The absolute name of the file that PATH opens. Free with g_free. */
static char *opened_name(struct fixture *f, const struct fs_caller *caller, const char *path)
{
	struct hostfile_context context = {&f->mount, caller};
	int error = 0;
	struct vm_file *file = hostfile_open(&context, path, O_RDONLY, &error);
	char *name;

	g_assert_cmpint(error, ==, 0);
	name = vm_file_name(file);
	vm_file_unref(file);
	return name;
}

static bool need_root(void)
{
	if (getuid() == 0)
		return true;
	g_test_skip("needs root");
	return false;
}

/*
 * Start a process of user ID with the working directory CWD, the root directory ROOT, and a
 * supplementary group. Unless it is DUMPABLE, only root can find out its directories. End it with
 * end_caller.
 */
static struct fs_caller start_caller(const struct fixture *f, uid_t id, const char *root,
                                     const char *cwd, bool dumpable)
{
	struct fs_caller caller = {.uid = id, .gid = id};
	gid_t group = SOME_GROUP;
	int ready[2], lack;
	char byte;

	g_assert_cmpint(pipe(ready), ==, 0);
	caller.pid = fork();
	g_assert_cmpint(caller.pid, >=, 0);
	if (caller.pid == 0) {
		if (chroot(root) < 0 || chdir(cwd) < 0 || setgroups(1, &group) < 0 ||
		    setgid(id) < 0 || setuid(id) < 0 || prctl(PR_SET_DUMPABLE, dumpable) < 0 ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
	close(ready[0]);
	caller.groups = hostprocess_groups(&f->mount, &caller, &lack);
	g_assert_nonnull(caller.groups);
	return caller;
}

static void end_caller(const struct fs_caller *caller)
{
	kill(caller->pid, SIGKILL);
	waitpid(caller->pid, NULL, 0);
	g_array_unref((GArray *)caller->groups);
}

/* --- What is opened --------------------------------------------------------------------------- */

static void test_kinds(struct fixture *f, const void *unused)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	g_assert_cmpint(mkfifo("fifo", 0666), ==, 0);
	g_assert_cmpint(mkdir("dir", 0755), ==, 0);
	g_assert_cmpint(bind(sock, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	make_file("file", 0644);
	g_assert_cmpint(try_open(f, &f->me, "fifo", O_RDONLY), ==, -ENODEV);
	g_assert_cmpint(try_open(f, &f->me, "fifo", O_RDWR), ==, -ENODEV);
	g_assert_cmpint(try_open(f, &f->me, "dir", O_RDONLY), ==, -ENODEV);
	g_assert_cmpint(try_open(f, &f->me, ".", O_RDONLY), ==, -ENODEV);
	g_assert_cmpint(try_open(f, &f->me, "/", O_RDONLY), ==, -ENODEV);
	g_assert_cmpint(try_open(f, &f->me, "socket", O_RDONLY), ==, -ENODEV);
	g_assert_cmpint(try_open(f, &f->me, "/dev/null", O_RDWR), ==, -ENODEV);
	g_assert_cmpint(try_open(f, &f->me, "/proc/self/maps", O_RDONLY), ==, -ENODEV);
	g_assert_cmpint(try_open(f, &f->me, "file", O_RDONLY), ==, 0);
	g_assert_cmpint(try_open(f, &f->me, "file", O_RDWR), ==, 0);
	g_assert_cmpint(try_open(f, &f->me, "file", O_WRONLY), ==, 0);
	close(sock);
}

static void test_executable(struct fixture *f, const void *unused)
{
	make_file("plain", 0644);
	make_file("program", 0755);
	g_assert_cmpint(try_exec(f, &f->me, "plain"), ==, -EACCES);
	g_assert_cmpint(try_exec(f, &f->me, "."), ==, -EACCES);
	g_assert_cmpint(try_exec(f, &f->me, "/dev/null"), ==, -EACCES);
	g_assert_cmpint(try_exec(f, &f->me, "none"), ==, -ENOENT);
	g_assert_cmpint(try_exec(f, &f->me, "program"), ==, 0);
}

static void test_paths(struct fixture *f, const void *unused)
{
	g_autofree char *long_name = g_strnfill(256, 'x');
	g_autofree char *absolute = g_build_filename(f->dir, "dir", "file", NULL);
	g_autofree char *up = g_strdup_printf("/../..%s/dir/../dir/./file", f->dir);
	g_autofree char *name = NULL;

	g_assert_cmpint(mkdir("dir", 0755), ==, 0);
	make_file("dir/file", 0644);
	g_assert_cmpint(try_open(f, &f->me, "", O_RDONLY), ==, -ENOENT);
	g_assert_cmpint(try_open(f, &f->me, "none", O_RDONLY), ==, -ENOENT);
	g_assert_cmpint(try_open(f, &f->me, "none/file", O_RDONLY), ==, -ENOENT);
	g_assert_cmpint(try_open(f, &f->me, "dir/file/", O_RDONLY), ==, -ENOTDIR);
	g_assert_cmpint(try_open(f, &f->me, "dir/file/.", O_RDONLY), ==, -ENOTDIR);
	g_assert_cmpint(try_open(f, &f->me, "dir/file/..", O_RDONLY), ==, -ENOTDIR);
	g_assert_cmpint(try_open(f, &f->me, "dir/file/x", O_RDONLY), ==, -ENOTDIR);
	g_assert_cmpint(try_open(f, &f->me, long_name, O_RDONLY), ==, -ENAMETOOLONG);
	g_assert_cmpint(try_open(f, &f->me, "dir//file", O_RDONLY), ==, 0);
	g_assert_cmpint(try_open(f, &f->me, absolute, O_RDONLY), ==, 0);
	g_assert_cmpint(try_open(f, &f->me, up, O_RDONLY), ==, 0);
	name = opened_name(f, &f->me, "./dir/../dir/file");
	g_assert_cmpstr(name, ==, absolute);
}

static void test_links(struct fixture *f, const void *unused)
{
	g_autofree char *absolute = g_build_filename(f->dir, "dir", NULL);

	g_assert_cmpint(mkdir("dir", 0755), ==, 0);
	make_file("dir/file", 0644);
	g_assert_cmpint(symlink("file", "dir/relative"), ==, 0);
	g_assert_cmpint(symlink(absolute, "absolute"), ==, 0);
	g_assert_cmpint(symlink("../dir//", "dir/back"), ==, 0);
	g_assert_cmpint(symlink("loop", "loop"), ==, 0);
	g_assert_cmpint(symlink("none", "dangling"), ==, 0);
	g_assert_cmpint(try_open(f, &f->me, "dir/relative", O_RDONLY), ==, 0);
	g_assert_cmpint(try_open(f, &f->me, "absolute/back/back/relative", O_RDONLY), ==, 0);
	g_assert_cmpint(try_open(f, &f->me, "dir/relative/", O_RDONLY), ==, -ENOTDIR);
	g_assert_cmpint(try_open(f, &f->me, "absolute", O_RDONLY), ==, -ENODEV);
	g_assert_cmpint(try_open(f, &f->me, "absolute/", O_RDONLY), ==, -ENODEV);
	g_assert_cmpint(try_open(f, &f->me, "loop", O_RDONLY), ==, -ELOOP);
	g_assert_cmpint(try_open(f, &f->me, "loop/x", O_RDONLY), ==, -ELOOP);
	g_assert_cmpint(try_open(f, &f->me, "dangling", O_RDONLY), ==, -ENOENT);
}

static void test_unknown_caller(struct fixture *f, const void *unused)
{
	g_autofree char *absolute = g_build_filename(f->dir, "file", NULL);
	struct fs_caller unknown = {getuid(), getgid(), 0};

	make_file("file", 0644);
	g_assert_cmpint(try_open(f, &unknown, absolute, O_RDONLY), ==, -EINVAL);
	g_assert_cmpint(try_open(f, &unknown, "file", O_RDONLY), ==, -EINVAL);
	g_assert_cmpint(try_exec(f, &unknown, absolute), ==, -EINVAL);
}

static void test_other_user(struct fixture *f, const void *unused)
{
	struct fs_caller other = f->me;

	make_file("file", 0666);
	f->mount.daemon_uid = 1000;
	other.uid = 1001;
	g_assert_cmpint(try_open(f, &other, "file", O_RDONLY), ==, -EPERM);
	other.uid = 0;
	g_assert_cmpint(try_open(f, &other, "file", O_RDONLY), ==, -EPERM);
	other.uid = 1000;
	g_assert_cmpint(try_open(f, &other, "file", O_RDONLY), ==, 0);
}

/* --- Our own mount: a tmpfs stands for it ----------------------------------------------------- */

static void test_own_mount(struct fixture *f, const void *unused)
{
	char inside[] = "/dev/shm/vasfs-hostfile-XXXXXX";
	g_autofree char *file = g_build_filename(f->dir, "file", NULL);
	g_autofree char *out = g_strdup_printf("../../..%s", file);
	g_autofree char *upper = g_strdup_printf(".././../../..//../%s", file + 1);
	struct stat shm, here;

	if (stat("/dev/shm", &shm) < 0 || stat("/dev", &here) < 0 || shm.st_dev == here.st_dev ||
	    g_mkdtemp(inside) == NULL) {
		g_test_skip("needs a mount on /dev/shm");
		return;
	}
	f->mount.dev = shm.st_dev;
	make_file("file", 0644);
	g_assert_cmpint(symlink("/dev/shm", "link"), ==, 0);
	g_assert_cmpint(try_open(f, &f->me, "/dev/shm/none", O_RDONLY), ==, -ELOOP);
	g_assert_cmpint(try_open(f, &f->me, "/dev/shm", O_RDONLY), ==, -ELOOP);
	g_assert_cmpint(try_open(f, &f->me, "/dev/shm/../null", O_RDONLY), ==, -ELOOP);
	g_assert_cmpint(try_open(f, &f->me, "link/x/y", O_RDONLY), ==, -ELOOP);
	g_assert_cmpint(chdir(inside), ==, 0);
	g_assert_cmpint(try_open(f, &f->me, file, O_RDONLY), ==, 0);
	g_assert_cmpint(try_open(f, &f->me, "x", O_RDONLY), ==, -ELOOP);
	g_assert_cmpint(try_open(f, &f->me, ".", O_RDONLY), ==, -ELOOP);
	g_assert_cmpint(try_open(f, &f->me, "../x", O_RDONLY), ==, -ELOOP);
	g_assert_cmpint(try_open(f, &f->me, "x/../../../..", O_RDONLY), ==, -ELOOP);
	g_assert_cmpint(try_open(f, &f->me, out, O_RDONLY), ==, 0);
	g_assert_cmpint(try_open(f, &f->me, upper, O_RDONLY), ==, 0);
	g_assert_cmpint(try_open(f, &f->me, "../..", O_RDONLY), ==, -ENODEV);
	g_assert_cmpint(rmdir(inside), ==, 0);
}

/* --- Whose rights ----------------------------------------------------------------------------- */

static void test_rights(struct fixture *f, const void *unused)
{
	struct fs_caller nobody, other;

	if (!need_root())
		return;
	nobody = start_caller(f, NOBODY, "/", f->dir, true);
	make_file("secret", 0600);
	make_file("readable", 0644);
	make_file("group", 0640);
	make_file("program", 0744);
	g_assert_cmpint(mkdir("closed", 0700), ==, 0);
	make_file("closed/file", 0666);
	g_assert_cmpint(chown("group", 0, SOME_GROUP), ==, 0);
	g_assert_cmpint(try_open(f, &nobody, "secret", O_RDONLY), ==, -EACCES);
	g_assert_cmpint(try_open(f, &nobody, "readable", O_RDONLY), ==, 0);
	g_assert_cmpint(try_open(f, &nobody, "readable", O_RDWR), ==, -EACCES);
	g_assert_cmpint(try_open(f, &nobody, "readable", O_WRONLY), ==, -EACCES);
	g_assert_cmpint(try_open(f, &nobody, "group", O_RDONLY), ==, 0);
	g_assert_cmpint(try_open(f, &nobody, "group", O_RDWR), ==, -EACCES);
	g_assert_cmpint(try_open(f, &nobody, "closed/file", O_RDONLY), ==, -EACCES);
	g_assert_cmpint(try_open(f, &nobody, "closed/../readable", O_RDONLY), ==, -EACCES);
	g_assert_cmpint(try_exec(f, &nobody, "program"), ==, -EACCES);
	g_assert_cmpint(try_open(f, &f->me, "secret", O_RDWR), ==, 0);
	g_assert_cmpint(try_exec(f, &f->me, "program"), ==, 0);
	/* It is the groups in the caller that count, not those of its process. */
	other = nobody;
	other.groups = NULL;
	g_assert_cmpint(try_open(f, &other, "group", O_RDONLY), ==, -EACCES);
	end_caller(&nobody);
}

/* Groups count only together with the identity that the request came with. */
static void test_groups(struct fixture *f, const void *unused)
{
	struct fs_caller nobody, other;
	int lack;

	if (!need_root())
		return;
	nobody = start_caller(f, NOBODY, "/", f->dir, true);
	g_assert_cmpuint(nobody.groups->len, ==, 1);
	g_assert_cmpuint(g_array_index(nobody.groups, uint32_t, 0), ==, SOME_GROUP);
	other = nobody;
	other.uid = 1;
	g_assert_null(hostprocess_groups(&f->mount, &other, &lack));
	other = nobody;
	other.gid = 1;
	g_assert_null(hostprocess_groups(&f->mount, &other, &lack));
	other = nobody;
	other.pid = 0;
	g_assert_null(hostprocess_groups(&f->mount, &other, &lack));
	end_caller(&nobody);
}

static void test_directories(struct fixture *f, const void *unused)
{
	g_autofree char *jail = g_build_filename(f->dir, "jail", NULL);
	g_autofree char *inside = g_build_filename(jail, "inside", NULL);
	g_autofree char *outside = g_build_filename(f->dir, "outside", NULL);
	g_autofree char *name = NULL, *relative = NULL;
	struct fs_caller jailed;

	if (!need_root())
		return;
	g_assert_cmpint(mkdir("jail", 0755), ==, 0);
	g_assert_cmpint(mkdir("jail/sub", 0755), ==, 0);
	make_file("outside", 0644);
	make_file("jail/inside", 0644);
	g_assert_cmpint(symlink("/inside", "jail/sub/link"), ==, 0);
	jailed = start_caller(f, NOBODY, jail, "/sub", false);
	name = opened_name(f, &jailed, "/inside");
	g_assert_cmpstr(name, ==, inside);
	relative = opened_name(f, &jailed, "../../../inside");
	g_assert_cmpstr(relative, ==, inside);
	g_assert_cmpint(try_open(f, &jailed, "link", O_RDONLY), ==, 0);
	g_assert_cmpint(try_open(f, &jailed, outside, O_RDONLY), ==, -ENOENT);
	g_assert_cmpint(try_open(f, &jailed, "../../outside", O_RDONLY), ==, -ENOENT);
	end_caller(&jailed);
}

/*
 * What links of /proc say is a path to us. To a caller with another root it would be another file,
 * here /jail/inside/jail/inside. Another mount of /proc may be that of another pid namespace.
 */
static void test_foreign_proc(struct fixture *f, const void *unused)
{
	g_autofree char *jail = g_build_filename(f->dir, "jail", NULL);
	g_autofree char *proc = g_build_filename(jail, "proc", NULL);
	g_autofree char *copy = g_build_filename(jail, jail, NULL);
	g_autofree char *decoy = g_build_filename(copy, "file", NULL);
	g_autofree char *by_pid = NULL, *by_self = g_build_filename(proc, "self/cwd/file", NULL);
	struct fs_caller jailed;

	if (!need_root())
		return;
	/* With a mount namespace of our own nothing stays mounted, whatever happens. */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		g_test_skip("needs the right to mount");
		return;
	}
	g_assert_cmpint(mkdir("jail", 0755), ==, 0);
	g_assert_cmpint(mkdir("jail/proc", 0755), ==, 0);
	g_assert_cmpint(g_mkdir_with_parents(copy, 0755), ==, 0);
	make_file("jail/file", 0644);
	make_file(decoy, 0644);
	make_file("file", 0644);
	g_assert_cmpint(mount("/proc", proc, NULL, MS_BIND, NULL), ==, 0);
	jailed = start_caller(f, NOBODY, jail, "/", true);
	by_pid = g_strdup_printf("/proc/%d/cwd/file", (int)jailed.pid);
	g_assert_cmpint(try_open(f, &jailed, "/file", O_RDONLY), ==, 0);
	g_assert_cmpint(try_open(f, &jailed, by_pid, O_RDONLY), ==, -EINVAL);
	g_assert_cmpint(try_open(f, &jailed, "/proc/self/cwd/file", O_RDONLY), ==, -EINVAL);
	g_assert_cmpint(try_open(f, &f->me, by_self, O_RDONLY), ==, 0);
	g_assert_cmpint(umount2(proc, MNT_DETACH), ==, 0);
	g_assert_cmpint(mount("proc", proc, "proc", 0, NULL), ==, 0);
	g_assert_cmpint(try_open(f, &f->me, by_self, O_RDONLY), ==, -EINVAL);
	g_assert_cmpint(umount2(proc, MNT_DETACH), ==, 0);
	end_caller(&jailed);
}

/*
 * /proc/self is the caller's. Links to the daemon's descriptors lead only where the caller may go
 * by itself.
 */
static void test_proc_links(struct fixture *f, const void *unused)
{
	g_autofree char *by_pid = NULL, *by_self = NULL, *name = NULL;
	g_autofree char *file = g_build_filename(f->dir, "file", NULL);
	struct fs_caller nobody;
	int secret;

	if (!need_root())
		return;
	make_file("file", 0644);
	g_assert_cmpint(mkdir("closed", 0700), ==, 0);
	make_file("closed/file", 0666);
	secret = open("closed/file", O_RDONLY | O_CLOEXEC);
	nobody = start_caller(f, NOBODY, "/", f->dir, true);
	by_pid = g_strdup_printf("/proc/%d/fd/%d", (int)getpid(), secret);
	by_self = g_strdup_printf("/proc/self/fd/%d", secret);
	g_assert_cmpint(try_open(f, &nobody, by_pid, O_RDONLY), ==, -EACCES);
	g_assert_cmpint(try_open(f, &nobody, by_self, O_RDONLY), ==, -EACCES);
	name = opened_name(f, &nobody, "/proc/self/cwd/file");
	g_assert_cmpstr(name, ==, file);
	end_caller(&nobody);
	close(secret);
}

/* In a sticky directory such as /tmp, a link that a third user put there is not followed. */
static void test_sticky_directory(struct fixture *f, const void *unused)
{
	struct fs_caller nobody;

	if (!need_root())
		return;
	nobody = start_caller(f, NOBODY, "/", f->dir, true);
	make_file("file", 0644);
	g_assert_cmpint(mkdir("tmp", 0755), ==, 0);
	g_assert_cmpint(chmod("tmp", 01777), ==, 0);
	g_assert_cmpint(symlink("../file", "tmp/link"), ==, 0);
	g_assert_cmpint(try_open(f, &nobody, "tmp/link", O_RDONLY), ==, 0);
	g_assert_cmpint(lchown("tmp/link", 1234, 1234), ==, 0);
	g_assert_cmpint(try_open(f, &nobody, "tmp/link", O_RDONLY), ==, -EACCES);
	g_assert_cmpint(try_open(f, &f->me, "tmp/link", O_RDONLY), ==, -EACCES);
	g_assert_cmpint(lchown("tmp/link", NOBODY, NOBODY), ==, 0);
	g_assert_cmpint(try_open(f, &nobody, "tmp/link", O_RDONLY), ==, 0);
	end_caller(&nobody);
}

/* --- Threads ---------------------------------------------------------------------------------- */

struct opener {
	struct fixture *f;
	struct fs_caller caller;
	int wanted;
};

static void *open_again_and_again(void *ctx)
{
	const struct opener *opener = ctx;

	for (int i = 0; i < 200; i++)
		g_assert_cmpint(try_open(opener->f, &opener->caller, "secret", O_RDWR), ==,
		                opener->wanted);
	return NULL;
}

/*
 * Root and nobody open files at the same time. Root's threads never have nobody's identity, and
 * nobody's threads never have root's.
 */
static void test_threads(struct fixture *f, const void *unused)
{
	struct opener openers[8];
	pthread_t threads[G_N_ELEMENTS(openers)];
	struct fs_caller nobody;

	if (!need_root())
		return;
	make_file("secret", 0600);
	nobody = start_caller(f, NOBODY, "/", f->dir, true);
	for (size_t i = 0; i < G_N_ELEMENTS(openers); i++) {
		openers[i] =
		    (struct opener){f, i % 2 != 0 ? nobody : f->me, i % 2 != 0 ? -EACCES : 0};
		g_assert_cmpint(
		    pthread_create(&threads[i], NULL, open_again_and_again, &openers[i]), ==, 0);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(openers); i++)
		pthread_join(threads[i], NULL);
	end_caller(&nobody);
}

#define ADD(path, function) g_test_add(path, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("/hostfile/kinds", test_kinds);
	ADD("/hostfile/executable", test_executable);
	ADD("/hostfile/paths", test_paths);
	ADD("/hostfile/links", test_links);
	ADD("/hostfile/unknown-caller", test_unknown_caller);
	ADD("/hostfile/other-user", test_other_user);
	ADD("/hostfile/own-mount", test_own_mount);
	ADD("/hostfile/rights", test_rights);
	ADD("/hostfile/directories", test_directories);
	ADD("/hostfile/groups", test_groups);
	ADD("/hostfile/foreign-proc", test_foreign_proc);
	ADD("/hostfile/proc-links", test_proc_links);
	ADD("/hostfile/sticky-directory", test_sticky_directory);
	ADD("/hostfile/threads", test_threads);
	return g_test_run();
}
