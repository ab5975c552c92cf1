/*
 * test_run_paths.c - system calls of programs on names, directories and rights (fs/run/), compared
 * with the kernel.
 */
#include "fs/run/calls.h"
#include "tests/fixture/both_fixture.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Names ------------------------------------------------------------------------------------ */

#define NAME_CALL(f, number, path, ...) SAME(f, number, (long)both_text(f, path), __VA_ARGS__)

static void test_names(struct both_fixture *f, const void *unused)
{
	static const char *const names[] = {
	    "file", "dir", "empty", "link",    "none",   "file/",   "dir/",     "none/",      ".",
	    "..",   "/",   "dir/.", "dir/sub", "file/x", "dirlink", "dirlink/", "dirlink/sub"};
	static const long calls[] = {SYS_unlink, SYS_rmdir, SYS_mkdir, SYS_readlink, SYS_access};

	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
		for (size_t j = 0; j < G_N_ELEMENTS(names); j++) {
			f->strings = 0;
			SAME(f, SYS_mkdir, (long)both_text(f, "dir"), 0755);
			SAME(f, SYS_mkdir, (long)both_text(f, "dir/sub"), 0755);
			SAME(f, SYS_mkdir, (long)both_text(f, "empty"), 0755);
			SAME(f, SYS_close, OPEN(f, "file", O_WRONLY | O_CREAT));
			SAME(f, SYS_symlink, (long)both_text(f, "dir"),
			     (long)both_text(f, "dirlink"));
			SAME(f, SYS_symlink, (long)both_text(f, "file"),
			     (long)both_text(f, "link"));
			g_test_message("%s %s", call_row_find((uint64_t)calls[i])->name, names[j]);
			if (calls[i] == SYS_readlink)
				NAME_CALL(f, SYS_readlink, names[j], DATA, 100);
			else
				NAME_CALL(f, calls[i], names[j],
				          calls[i] == SYS_access ? R_OK : 0755);
		}
}

static void test_chdir(struct both_fixture *f, const void *unused)
{
	SAME(f, SYS_mkdir, (long)both_text(f, "dir"), 0755);
	SAME(f, SYS_mkdir, (long)both_text(f, "dir/sub"), 0755);
	SAME(f, SYS_symlink, (long)both_text(f, "dir/sub"), (long)both_text(f, "link"));
	SAME(f, SYS_close, OPEN(f, "file", O_WRONLY | O_CREAT));
	FAILS(f, ENOENT, SYS_chdir, (long)both_text(f, "none"));
	FAILS(f, ENOTDIR, SYS_chdir, (long)both_text(f, "file"));
	SAME(f, SYS_chdir, (long)both_text(f, "link"));
	SAME(f, SYS_mkdir, (long)both_text(f, "../made"), 0755);
	SAME(f, SYS_chdir, (long)both_text(f, ".."));
	SAME(f, SYS_access, (long)both_text(f, "made"), 0);
	SAME(f, SYS_chdir, (long)both_text(f, "made"));
	SAME(f, SYS_rmdir, (long)both_text(f, "../made"));
	FAILS(f, ENOENT, SYS_getcwd, DATA, 4096);
	FAILS(f, ENOENT, SYS_openat, AT_FDCWD, (long)both_text(f, "x"), O_CREAT | O_RDWR, 0600);
}

static void test_rename(struct both_fixture *f, const void *unused)
{
	static const char *const names[] = {"file", "other", "dir",   "full",  "link",
	                                    "none", "file/", "dir/",  "none/", ".",
	                                    "..",   "/",     "dir/x", "none/x"};

	for (int link = 0; link < 3; link++)
		for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
			for (size_t j = 0; j < G_N_ELEMENTS(names); j++) {
				f->strings = 0;
				SAME(f, SYS_mkdir, (long)both_text(f, "dir"), 0755);
				SAME(f, SYS_mkdir, (long)both_text(f, "full"), 0755);
				SAME(f, SYS_mkdir, (long)both_text(f, "full/sub"), 0755);
				SAME(f, SYS_close, OPEN(f, "file", O_WRONLY | O_CREAT));
				SAME(f, SYS_close, OPEN(f, "other", O_WRONLY | O_CREAT));
				SAME(f, SYS_symlink, (long)both_text(f, "file"),
				     (long)both_text(f, "link"));
				g_test_message("%d: %s to %s", link, names[i], names[j]);
				long from = (long)both_text(f, names[i]),
				     to = (long)both_text(f, names[j]);
				if (link == 2)
					SAME(f, SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 1);
				else
					SAME(f, link ? SYS_link : SYS_rename, from, to);
				SAME(f, SYS_rmdir, (long)both_text(f, "none"));
				SAME(f, SYS_unlink, (long)both_text(f, "none"));
				SAME(f, SYS_unlink, (long)both_text(f, "dir/x"));
				SAME(f, SYS_rmdir, (long)both_text(f, "dir/x/sub"));
				SAME(f, SYS_rmdir, (long)both_text(f, "dir/x"));
				SAME(f, SYS_rmdir, (long)both_text(f, "dir/sub"));
			}
}

static void test_links(struct both_fixture *f, const void *unused)
{
	char target[4096];

	memset(target, 'x', sizeof target - 1);
	target[sizeof target - 1] = '\0';
	SAME(f, SYS_symlink, (long)both_text(f, "some/where"), (long)both_text(f, "link"));
	g_assert_cmpint(SAME(f, SYS_readlink, (long)both_text(f, "link"), DATA, 4), ==, 4);
	both_bytes(f, DATA, 8);
	g_assert_cmpint(SAME(f, SYS_readlink, (long)both_text(f, "link"), DATA, 4096), ==, 10);
	FAILS(f, EINVAL, SYS_readlink, (long)both_text(f, "link"), DATA, 0);
	FAILS(f, EEXIST, SYS_symlink, (long)both_text(f, "x"), (long)both_text(f, "link"));
	FAILS(f, ENOENT, SYS_symlink, (long)both_text(f, ""), (long)both_text(f, "link2"));
	FAILS(f, ENOENT, SYS_readlink, (long)both_text(f, ""), DATA, 4);
	FAILS(f, ENAMETOOLONG, SYS_mkdir, (long)both_text(f, target), 0);
	FAILS(f, EFAULT, SYS_readlink, (long)both_text(f, "link"), NOWHERE, 4);
	int64_t fd = OPEN(f, "link", O_PATH | O_NOFOLLOW);
	g_assert_cmpint(SAME(f, SYS_readlinkat, fd, (long)both_text(f, ""), DATA, 100), ==, 10);
	g_assert_cmpint(ALONE(f, SYS_readlink, (long)both_text(f, "/proc/self/exe"), DATA, 100), ==,
	                -ENOENT);
}

/* Names relative to descriptors of directories. */
static void test_at(struct both_fixture *f, const void *unused)
{
	struct stat status;

	SAME(f, SYS_mkdir, (long)both_text(f, "dir"), 0755);
	g_assert_cmpint(OPEN(f, "dir", O_RDONLY | O_DIRECTORY), ==, 3);
	g_assert_cmpint(OPEN(f, "file", O_RDWR | O_CREAT), ==, 4);
	g_assert_cmpint(OPEN(f, "dir", O_PATH), ==, 5);
	g_assert_cmpint(SAME(f, SYS_openat, 3, (long)both_text(f, "x"), O_RDWR | O_CREAT, 0600), ==,
	                6);
	g_assert_cmpint(SAME(f, SYS_openat, 5, (long)both_text(f, "x"), O_RDONLY), ==, 7);
	FAILS(f, ENOTDIR, SYS_openat, 4, (long)both_text(f, "x"), O_RDONLY);
	FAILS(f, ENOTDIR, SYS_openat, 1, (long)both_text(f, "x"), O_RDONLY);
	SAME(f, SYS_mkdirat, 3, (long)both_text(f, "sub"), 0700);
	SAME(f, SYS_renameat, 3, (long)both_text(f, "x"), AT_FDCWD, (long)both_text(f, "y"));
	SAME(f, SYS_linkat, AT_FDCWD, (long)both_text(f, "y"), 5, (long)both_text(f, "z"), 0);
	SAME(f, SYS_unlinkat, 3, (long)both_text(f, "sub"), AT_REMOVEDIR);
	FAILS(f, EINVAL, SYS_unlinkat, 3, (long)both_text(f, "z"), 1);
	SAME(f, SYS_newfstatat, 4, (long)both_text(f, ""), DATA, AT_EMPTY_PATH);
	FAILS(f, ENOENT, SYS_newfstatat, 4, (long)both_text(f, ""), DATA, 0);
	FAILS(f, EBADF, SYS_newfstatat, 44, (long)both_text(f, ""), DATA, AT_EMPTY_PATH);
	SAME(f, SYS_fstat, 4, DATA);
	SAME(f, SYS_fstat, 3, DATA);
	g_assert_cmpint(vm_copy_in(f->program->process, DATA, &status, sizeof status), ==,
	                sizeof status);
	g_assert_cmpint(status.st_mode, ==, S_IFDIR | 0755);
	SAME(f, SYS_fchmod, 4, 0640);
	SAME(f, SYS_fchmodat, AT_FDCWD, (long)both_text(f, "y"), 0604);
	SAME(f, SYS_utimensat, AT_FDCWD, (long)both_text(f, "y"), 0, 0);
	SAME(f, SYS_utimensat, 4, 0, 0, 0);
	SAME(f, SYS_fchownat, AT_FDCWD, (long)both_text(f, "y"), -1, -1, 0);
	SAME(f, SYS_faccessat2, 3, (long)both_text(f, "z"), R_OK, AT_EACCESS);
	FAILS(f, EINVAL, SYS_faccessat, 3, (long)both_text(f, "z"), 64);
	SAME(f, SYS_statx, 3, (long)both_text(f, "z"), 0, 0xfff, DATA);
	FAILS(f, EFAULT, SYS_stat, (long)both_text(f, "y"), NOWHERE);
	SAME(f, SYS_statfs, (long)both_text(f, "."), DATA);
	SAME(f, SYS_fstatfs, 3, DATA);
	FAILS(f, ENODATA, SYS_getxattr, (long)both_text(f, "y"), (long)both_text(f, "user.none"),
	      DATA, 10);
	g_assert_cmpint(SAME(f, SYS_umask, 077), ==, 022);
	SAME(f, SYS_close, OPEN(f, "masked", O_RDWR | O_CREAT));
	SAME(f, SYS_stat, (long)both_text(f, "masked"), DATA);
	g_assert_cmpint(vm_copy_in(f->program->process, DATA, &status, sizeof status), ==,
	                sizeof status);
	g_assert_cmpint(status.st_mode, ==, S_IFREG | 0600);
	/* What umask this process has is no matter. */
	SAME(f, SYS_umask, 0);
	SAME(f, SYS_mkdir, (long)both_text(f, "open"), 0777);
	SAME(f, SYS_stat, (long)both_text(f, "open"), DATA);
	g_assert_cmpint(vm_copy_in(f->program->process, DATA, &status, sizeof status), ==,
	                sizeof status);
	g_assert_cmpint(status.st_mode, ==, S_IFDIR | 0777);
	SAME(f, SYS_fchdir, 3);
	FAILS(f, ENOTDIR, SYS_fchdir, 4);
	SAME(f, SYS_access, (long)both_text(f, "z"), 0);
	int64_t len = SAME(f, SYS_getcwd, DATA, 4096);
	g_assert_cmpint(len, ==, (int64_t)strlen(f->here) + 5);
	FAILS(f, ERANGE, SYS_getcwd, DATA, 5);
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

/* The names that getdents64 stored, sorted. */
static GString *names_in(const uint8_t *bytes, int64_t len)
{
	GString *all = g_string_new(NULL);
	GList *names = NULL;

	for (int64_t at = 0; at < len;) {
		const struct dirent64 *entry = (const void *)(bytes + at);
		names = g_list_insert_sorted(names, g_strdup(entry->d_name), by_name);
		at += entry->d_reclen;
	}
	for (GList *l = names; l != NULL; l = l->next)
		g_string_append_printf(all, "%s ", (char *)l->data);
	g_list_free_full(names, g_free);
	return all;
}

static void test_directory(struct both_fixture *f, const void *unused)
{
	static const char *const files[] = {"x", "y", ".hidden", "a longer name"};
	g_autofree uint8_t *bytes = g_malloc(4096);

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
		SAME(f, SYS_close, OPEN(f, files[i], O_RDWR | O_CREAT));
	g_assert_cmpint(OPEN(f, ".", O_RDONLY | O_DIRECTORY), ==, 3);
	int64_t len = SAME(f, SYS_getdents64, 3, DATA, 4096);
	g_assert_cmpint(len, >, 0);
	vm_copy_in(f->program->process, DATA, bytes, (size_t)len);
	GString *got = names_in(bytes, len), *wanted = names_in((void *)DATA, len);
	g_assert_cmpstr(got->str, ==, wanted->str);
	g_string_free(got, TRUE);
	g_string_free(wanted, TRUE);
	g_assert_cmpint(SAME(f, SYS_getdents64, 3, DATA, 4096), ==, 0);
	SAME(f, SYS_lseek, 3, 0, SEEK_SET);
	FAILS(f, EINVAL, SYS_getdents64, 3, DATA, 5);
	FAILS(f, EFAULT, SYS_getdents64, 3, NOWHERE, 4096);
	g_assert_cmpint(SAME(f, SYS_getdents64, 3, DATA, 4096), ==, len);
	SAME(f, SYS_read, 3, DATA, 10);
	FAILS(f, EBADF, SYS_write, 3, DATA, 10);
	FAILS(f, ENOTDIR, SYS_getdents64, OPEN(f, "x", O_RDONLY), DATA, 100);
}

/* --- Rights ----------------------------------------------------------------------------------- */

/* A step into the daemon's own mount is refused, wherever a path leads there. */
static void test_own_mount(struct both_fixture *f, const void *unused)
{
	struct stat status;

	g_assert_cmpint(stat("/dev", &status), ==, 0);
	f->mount.dev = status.st_dev;
	SAME(f, SYS_symlink, (long)both_text(f, "/dev/null"), (long)both_text(f, "link"));
	static const char *const names[] = {"/dev", "/dev/null", "link", "/dev/../dev/x"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		long name = (long)both_text(f, names[i]);
		g_assert_cmpint(ALONE(f, SYS_open, name, O_RDONLY), ==, -ELOOP);
		g_assert_cmpint(ALONE(f, SYS_open, name, O_RDONLY | O_CREAT, 0600), ==, -ELOOP);
		g_assert_cmpint(ALONE(f, SYS_stat, name, DATA), ==, -ELOOP);
		g_assert_cmpint(ALONE(f, SYS_chdir, name), ==, -ELOOP);
	}
	g_assert_cmpint(ALONE(f, SYS_mkdir, (long)both_text(f, "/dev/x"), 0700), ==, -ELOOP);
	g_assert_cmpint(
	    ALONE(f, SYS_rename, (long)both_text(f, "link"), (long)both_text(f, "/dev/x")), ==,
	    -ELOOP);
}

/* The program of a user who is not root, on a daemon that is. */
static void test_other_user(struct both_fixture *f, const void *unused)
{
	enum { NOBODY = 65534 };
	struct place *place = f->program->place;
	struct stat status;

	if (getuid() != 0) {
		g_test_skip("needs root");
		return;
	}
	SAME(f, SYS_close, OPEN(f, "secret", O_RDWR | O_CREAT));
	SAME(f, SYS_chmod, (long)both_text(f, "secret"), 0600);
	SAME(f, SYS_mkdir, (long)both_text(f, "open"), 0755);
	SAME(f, SYS_chmod, (long)both_text(f, "open"), 01777);
	g_assert_cmpint(chmod(f->dir, 0755), ==, 0);
	place->caller.uid = place->caller.gid = NOBODY;
	long secret = (long)both_text(f, "secret"), made = (long)both_text(f, "open/made");
	g_assert_cmpint(ALONE(f, SYS_open, secret, O_RDONLY), ==, -EACCES);
	g_assert_cmpint(ALONE(f, SYS_access, secret, R_OK), ==, -EACCES);
	g_assert_cmpint(ALONE(f, SYS_truncate, secret, 0), ==, -EACCES);
	g_assert_cmpint(ALONE(f, SYS_unlink, secret), ==, -EACCES);
	g_assert_cmpint(ALONE(f, SYS_rename, secret, made), ==, -EACCES);
	g_assert_cmpint(ALONE(f, SYS_chmod, secret, 0666), ==, -EPERM);
	g_assert_cmpint(ALONE(f, SYS_utimensat, AT_FDCWD, secret, 0, 0), ==, -EACCES);
	g_assert_cmpint(ALONE(f, SYS_chown, secret, NOBODY, NOBODY), ==, -EPERM);
	g_assert_cmpint(ALONE(f, SYS_creat, (long)both_text(f, "new"), 0600), ==, -EACCES);
	g_assert_cmpint(ALONE(f, SYS_mkdir, (long)both_text(f, "new"), 0700), ==, -EACCES);
	g_assert_cmpint(ALONE(f, SYS_creat, made, 0666), ==, 3);
	g_assert_cmpint(ALONE(f, SYS_fstat, 3, DATA), ==, 0);
	vm_copy_in(f->program->process, DATA, &status, sizeof status);
	g_assert_cmpuint(status.st_uid, ==, NOBODY);
	g_assert_cmpuint(status.st_mode, ==, S_IFREG | 0644);
	g_assert_cmpint(ALONE(f, SYS_write, 3, DATA, 10), ==, 10);
	g_assert_cmpint(ALONE(f, SYS_open, made, O_RDONLY), ==, 4);
	g_assert_cmpint(ALONE(f, SYS_unlink, made), ==, 0);
	place->caller.uid = place->caller.gid = 0;
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	BOTH_TEST("/run-paths/names", test_names);
	BOTH_TEST("/run-paths/chdir", test_chdir);
	BOTH_TEST("/run-paths/rename", test_rename);
	BOTH_TEST("/run-paths/links", test_links);
	BOTH_TEST("/run-paths/at", test_at);
	BOTH_TEST("/run-paths/directory", test_directory);
	BOTH_TEST("/run-paths/own-mount", test_own_mount);
	BOTH_TEST("/run-paths/other-user", test_other_user);
	return g_test_run();
}
