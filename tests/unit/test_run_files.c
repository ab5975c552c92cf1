/*
 * test_run_files.c - system calls of programs that open files, move bytes, and change
 * descriptors (fs/run/), compared with the kernel.
 */
#include "tests/fixture/both_fixture.h"

#include <linux/close_range.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* --- Opening ---------------------------------------------------------------------------------- */

static void test_open(struct both_fixture *f, const void *unused)
{
	static const char *const names[] = {
	    "new",    "file", "dir", "link", "dangling", "file/",   "dir/",     "dir/x",    "no/x",
	    "file/x", ".",    "..",  "/",    "loop",     "dirlink", "dirlink/", "newslash/"};
	static const int flags[] = {
	    O_RDONLY,
	    O_WRONLY,
	    O_RDWR,
	    O_RDWR | O_CREAT,
	    O_RDWR | O_CREAT | O_EXCL,
	    O_RDONLY | O_CREAT,
	    O_WRONLY | O_TRUNC,
	    O_RDONLY | O_DIRECTORY,
	    O_RDONLY | O_NOFOLLOW,
	    O_PATH,
	    O_PATH | O_NOFOLLOW,
	    O_PATH | O_DIRECTORY,
	    O_CREAT | O_DIRECTORY,
	    O_RDONLY | O_CLOEXEC,
	    O_WRONLY | O_CREAT | O_TRUNC | O_APPEND,
	};

	for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
		SAME(f, SYS_mkdir, (long)both_text(f, "dir"), 0755);
		g_assert_cmpint(OPEN(f, "file", O_RDWR | O_CREAT), ==, 3);
		SAME(f, SYS_write, 3, (long)both_text(f, "hello"), 5);
		SAME(f, SYS_close, 3);
		SAME(f, SYS_symlink, (long)both_text(f, "file"), (long)both_text(f, "link"));
		SAME(f, SYS_symlink, (long)both_text(f, "nothing"), (long)both_text(f, "dangling"));
		SAME(f, SYS_symlink, (long)both_text(f, "loop"), (long)both_text(f, "loop"));
		SAME(f, SYS_symlink, (long)both_text(f, "dir"), (long)both_text(f, "dirlink"));
		for (size_t j = 0; j < G_N_ELEMENTS(names); j++) {
			g_test_message("%s, %o", names[j], (unsigned)flags[i]);
			int64_t fd = OPEN(f, names[j], flags[i]);
			if (fd >= 0) {
				SAME(f, SYS_fcntl, fd, F_GETFL);
				SAME(f, SYS_fcntl, fd, F_GETFD);
				SAME(f, SYS_read, fd, DATA, 3);
				SAME(f, SYS_write, fd, DATA, 0);
				SAME(f, SYS_lseek, fd, 0, SEEK_CUR);
				SAME(f, SYS_close, fd);
			}
			SAME(f, SYS_unlink, (long)both_text(f, "new"));
			SAME(f, SYS_unlink, (long)both_text(f, "nothing"));
			SAME(f, SYS_unlink, (long)both_text(f, "dir/x"));
		}
		f->strings = 0;
	}
	FAILS(f, EFAULT, SYS_openat, AT_FDCWD, NOWHERE, O_RDONLY);
	FAILS(f, ENOENT, SYS_openat, AT_FDCWD, (long)both_text(f, ""), O_RDONLY);
	FAILS(f, EBADF, SYS_openat, 77, (long)both_text(f, "file"), O_RDONLY);
	FAILS(f, ENOENT, SYS_open, (long)both_text(f, "/proc/self/none"), O_RDONLY);
}

static void test_devices(struct both_fixture *f, const void *unused)
{
	g_assert_cmpint(OPEN(f, "/dev/null", O_RDWR), ==, 3);
	g_assert_cmpint(SAME(f, SYS_read, 3, DATA, 10), ==, 0);
	g_assert_cmpint(SAME(f, SYS_write, 3, DATA, 10), ==, 10);
	g_assert_cmpint(OPEN(f, "/dev/zero", O_RDWR), ==, 4);
	g_assert_cmpint(SAME(f, SYS_read, 4, DATA, 10), ==, 10);
	both_bytes(f, DATA, 16);
	g_assert_cmpint(OPEN(f, "/dev/full", O_RDWR), ==, 5);
	FAILS(f, ENOSPC, SYS_write, 5, DATA, 10);
	g_assert_cmpint(OPEN(f, "/dev/urandom", O_RDONLY), ==, 6);
	g_assert_cmpint(SAME(f, SYS_read, 6, DATA, 100), ==, 100);
	FAILS(f, ENOTTY, SYS_ioctl, 3, 0x5401 /* TCGETS */, DATA);
	/* What might block, or do something to the host, is not opened. */
	g_autofree char *fifo = g_build_filename(f->here, "fifo", NULL);
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	g_assert_cmpint(ALONE(f, SYS_open, (long)both_text(f, "fifo"), O_RDONLY), ==, -EACCES);
	g_assert_cmpint(ALONE(f, SYS_open, (long)both_text(f, "/proc/self/maps"), O_RDONLY), ==,
	                -ENOENT);
	g_assert_cmpint(ALONE(f, SYS_open, (long)both_text(f, "/dev/stdout"), O_WRONLY), ==, 7);
}

/* --- Moving bytes ----------------------------------------------------------------------------- */

static void test_offsets(struct both_fixture *f, const void *unused)
{
	long hello = (long)both_text(f, "hello, world");

	g_assert_cmpint(OPEN(f, "x", O_RDWR | O_CREAT), ==, 3);
	g_assert_cmpint(SAME(f, SYS_dup, 3), ==, 4);
	SAME(f, SYS_write, 3, hello, 12);
	g_assert_cmpint(SAME(f, SYS_lseek, 4, 0, SEEK_CUR), ==, 12);
	SAME(f, SYS_lseek, 4, 2, SEEK_SET);
	g_assert_cmpint(SAME(f, SYS_read, 3, DATA, 4), ==, 4);
	both_bytes(f, DATA, 16);
	g_assert_cmpint(SAME(f, SYS_lseek, 4, -3, SEEK_END), ==, 9);
	FAILS(f, EINVAL, SYS_lseek, 4, -30, SEEK_END);
	FAILS(f, EINVAL, SYS_lseek, 4, 0, 9);
	SAME(f, SYS_lseek, 4, 0, SEEK_DATA);
	SAME(f, SYS_lseek, 4, 0, SEEK_HOLE);
	FAILS(f, ENXIO, SYS_lseek, 4, 100, SEEK_DATA);
	g_assert_cmpint(SAME(f, SYS_pread64, 3, DATA, 100, 7), ==, 5);
	g_assert_cmpint(SAME(f, SYS_pwrite64, 3, hello, 3, 20), ==, 3);
	FAILS(f, EINVAL, SYS_pread64, 3, DATA, 4, -1);
	FAILS(f, EBADF, SYS_read, 33, DATA, 4);
	FAILS(f, EBADF, SYS_read, -1, DATA, 4);
	SAME(f, SYS_lseek, 3, 0, SEEK_SET);
	FAILS(f, EFAULT, SYS_read, 3, NOWHERE, 4);
	FAILS(f, EFAULT, SYS_write, 3, NOWHERE, 4);
	g_assert_cmpint(SAME(f, SYS_lseek, 3, 0, SEEK_CUR), ==, 0);
	FAILS(f, EINVAL, SYS_lseek, 3, INT64_MIN, SEEK_SET);
	SAME(f, SYS_lseek, 3, INT64_MAX, SEEK_SET);
	SAME(f, SYS_read, 3, DATA, 4);
	both_file(f, "x");
}

static void test_append(struct both_fixture *f, const void *unused)
{
	long hello = (long)both_text(f, "hello");

	g_assert_cmpint(OPEN(f, "x", O_RDWR | O_CREAT | O_APPEND), ==, 3);
	g_assert_cmpint(OPEN(f, "x", O_RDWR | O_APPEND), ==, 4);
	SAME(f, SYS_write, 3, hello, 5);
	SAME(f, SYS_write, 4, hello, 3);
	SAME(f, SYS_lseek, 3, 0, SEEK_SET);
	SAME(f, SYS_write, 3, hello, 1);
	g_assert_cmpint(SAME(f, SYS_lseek, 3, 0, SEEK_CUR), ==, 9);
	SAME(f, SYS_pwrite64, 4, hello, 2, 0);
	SAME(f, SYS_fcntl, 3, F_SETFL, 0);
	SAME(f, SYS_fcntl, 3, F_GETFL);
	SAME(f, SYS_lseek, 3, 0, SEEK_SET);
	SAME(f, SYS_write, 3, hello + 1, 2);
	g_assert_cmpint(OPEN(f, "x", O_RDONLY), ==, 5);
	FAILS(f, EBADF, SYS_write, 5, hello, 2);
	FAILS(f, EINVAL, SYS_ftruncate, 5, 2);
	g_assert_cmpint(OPEN(f, "x", O_WRONLY), ==, 6);
	FAILS(f, EBADF, SYS_read, 6, DATA, 2);
	both_file(f, "x");
}

static void test_vectors(struct both_fixture *f, const void *unused)
{
	long hello = (long)both_text(f, "hello, world");
	struct iovec parts[] = {{(void *)hello, 3}, {NULL, 0}, {(void *)(hello + 5), 4}};
	struct iovec in[] = {{(void *)(DATA + 64), 2}, {(void *)(DATA + 80), 9}};
	struct iovec bad[] = {{(void *)(DATA + 64), 2}, {(void *)NOWHERE, 9}};

	both_put(f, DATA, parts, sizeof parts);
	g_assert_cmpint(OPEN(f, "x", O_RDWR | O_CREAT), ==, 3);
	g_assert_cmpint(SAME(f, SYS_writev, 3, DATA, 3), ==, 7);
	both_put(f, DATA, in, sizeof in);
	SAME(f, SYS_lseek, 3, 0, SEEK_SET);
	g_assert_cmpint(SAME(f, SYS_readv, 3, DATA, 2), ==, 7);
	both_bytes(f, DATA, 128);
	g_assert_cmpint(SAME(f, SYS_preadv, 3, DATA, 2, 4, 0), ==, 3);
	both_put(f, DATA, bad, sizeof bad);
	g_assert_cmpint(SAME(f, SYS_preadv, 3, DATA, 2, 0, 0), ==, 2);
	FAILS(f, EINVAL, SYS_readv, 3, DATA, 1025);
	FAILS(f, EINVAL, SYS_readv, 3, DATA, -1);
	FAILS(f, EFAULT, SYS_readv, 3, NOWHERE, 2);
	FAILS(f, EBADF, SYS_readv, 44, NOWHERE, 2);
	g_assert_cmpint(SAME(f, SYS_readv, 3, DATA, 0), ==, 0);
	both_file(f, "x");
}

static void test_copying(struct both_fixture *f, const void *unused)
{
	int64_t offset = 2;

	g_assert_cmpint(OPEN(f, "x", O_RDWR | O_CREAT), ==, 3);
	g_assert_cmpint(OPEN(f, "y", O_RDWR | O_CREAT), ==, 4);
	SAME(f, SYS_write, 3, (long)both_text(f, "hello"), 5);
	both_put(f, DATA, &offset, sizeof offset);
	g_assert_cmpint(SAME(f, SYS_copy_file_range, 3, DATA, 4, 0, 100, 0), ==, 3);
	both_bytes(f, DATA, 8);
	SAME(f, SYS_lseek, 3, 0, SEEK_SET);
	g_assert_cmpint(SAME(f, SYS_sendfile, 4, 3, 0, 4), ==, 4);
	SAME(f, SYS_lseek, 3, 0, SEEK_CUR);
	SAME(f, SYS_fsync, 4);
	SAME(f, SYS_fdatasync, 4);
	SAME(f, SYS_fallocate, 4, 0, 0, 100);
	SAME(f, SYS_ftruncate, 3, 3);
	SAME(f, SYS_truncate, (long)both_text(f, "y"), 50);
	FAILS(f, EINVAL, SYS_truncate, (long)both_text(f, "y"), -1);
	FAILS(f, EISDIR, SYS_truncate, (long)both_text(f, "."), 1);
	FAILS(f, ENOENT, SYS_truncate, (long)both_text(f, "none"), 1);
	both_file(f, "x");
	both_file(f, "y");
}

/* --- Mappings and files ----------------------------------------------------------------------- */

enum { MAPPED = 0x30000000 };

/* What is stored to a shared mapping is read at once, and what is written is loaded. */
static void test_coherence(struct both_fixture *f, const void *unused)
{
	struct vm_process *process = f->program->process;
	g_autofree char *page = g_malloc(3 * VM_PAGE_SIZE);
	char byte;

	memset(page, 'a', 3 * VM_PAGE_SIZE);
	both_put(f, DATA, page, 3 * VM_PAGE_SIZE);
	g_assert_cmpint(OPEN(f, "x", O_RDWR | O_CREAT), ==, 3);
	SAME(f, SYS_write, 3, DATA, 10000);
	g_assert_cmpint(ALONE(f, SYS_mmap, MAPPED, 3 * VM_PAGE_SIZE, PROT_READ | PROT_WRITE,
	                      MAP_SHARED | MAP_FIXED, 3, 0),
	                ==, MAPPED);
	/* A page that is cached and clean. */
	g_assert_cmpint(vm_copy_in(process, MAPPED, &byte, 1), ==, 1);
	g_assert_cmpint(ALONE(f, SYS_pwrite64, 3, (long)both_text(f, "B"), 1, 0), ==, 1);
	g_assert_cmpint(vm_copy_in(process, MAPPED, &byte, 1), ==, 1);
	g_assert_cmpint(byte, ==, 'B');
	/* Stored, and dirty. */
	g_assert_cmpint(vm_copy_out(process, MAPPED + 4095, "CC", 2), ==, 2);
	g_assert_cmpint(ALONE(f, SYS_pread64, 3, DATA, 4, 4094), ==, 4);
	g_assert_cmpint(vm_copy_in(process, DATA, page, 4), ==, 4);
	g_assert_cmpmem(page, 4, "aCCa", 4);
	/* Written over dirty bytes, and beside them. */
	g_assert_cmpint(ALONE(f, SYS_pwrite64, 3, (long)both_text(f, "DDD"), 3, 4096), ==, 3);
	g_assert_cmpint(vm_copy_in(process, MAPPED + 4095, page, 5), ==, 5);
	g_assert_cmpmem(page, 5, "CDDDa", 5);
	g_assert_cmpint(ALONE(f, SYS_pread64, 3, DATA, 5, 4095), ==, 5);
	g_assert_cmpint(vm_copy_in(process, DATA, page, 5), ==, 5);
	g_assert_cmpmem(page, 5, "CDDDa", 5);
	/* Behind the end nothing is read, and what is stored there is not the file's. */
	g_assert_cmpint(vm_copy_out(process, MAPPED + 9999, "EF", 2), ==, 2);
	g_assert_cmpint(ALONE(f, SYS_pread64, 3, DATA, 100, 9998), ==, 2);
	g_assert_cmpint(ALONE(f, SYS_pwrite64, 3, (long)both_text(f, "G"), 1, 10002), ==, 1);
	g_assert_cmpint(ALONE(f, SYS_pread64, 3, DATA, 100, 9998), ==, 5);
	g_assert_cmpint(vm_copy_in(process, DATA, page, 5), ==, 5);
	g_assert_cmpmem(page, 2, "aE", 2);
	g_assert_cmpint(page[4], ==, 'G');
	/* After a write-back the file has all of it. */
	g_assert_cmpint(ALONE(f, SYS_fsync, 3), ==, 0);
	g_autofree char *path = g_build_filename(f->here, "x", NULL);
	g_autofree char *contents = NULL;
	size_t len;
	g_assert_true(g_file_get_contents(path, &contents, &len, NULL));
	g_assert_cmpuint(len, ==, 10003);
	g_assert_cmpmem(contents + 4095, 5, "CDDDa", 5);
	g_assert_cmpint(contents[0], ==, 'B');
	/* A truncated file loses its pages. */
	g_assert_cmpint(ALONE(f, SYS_ftruncate, 3, 4096), ==, 0);
	g_assert_cmpint(vm_copy_in(process, MAPPED + 4096, &byte, 1), ==, 0);
	g_assert_cmpint(vm_copy_in(process, MAPPED + 4095, &byte, 1), ==, 1);
}

/*
 * Random stores to a mapping, writes, reads, truncations and write-backs of one file, against a
 * model.
 */
static void test_coherence_random(struct both_fixture *f, const void *unused)
{
	enum { PAGES = 6, SIZE = PAGES * VM_PAGE_SIZE, STEPS = 3000 };
	struct vm_process *process = f->program->process;
	g_autofree uint8_t *model = g_malloc0(SIZE);
	g_autofree uint8_t *buf = g_malloc0(SIZE);
	size_t size = SIZE;

	g_assert_cmpint(OPEN(f, "x", O_RDWR | O_CREAT), ==, 3);
	g_assert_cmpint(ALONE(f, SYS_ftruncate, 3, SIZE), ==, 0);
	g_assert_cmpint(
	    ALONE(f, SYS_mmap, MAPPED, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, 3, 0),
	    ==, MAPPED);
	for (int step = 0; step < STEPS; step++) {
		size_t at = (size_t)g_test_rand_int_range(0, SIZE);
		size_t len = (size_t)g_test_rand_int_range(1, 6000);
		len = MIN(len, SIZE - at);
		memset(buf, g_test_rand_int_range(1, 255), len);
		switch (g_test_rand_int_range(0, 16)) {
		case 0 ... 4: /* store */
			len = at < size ? MIN(len, size - at) : 0;
			g_assert_cmpint(vm_copy_out(process, MAPPED + at, buf, len), ==,
			                (ssize_t)len);
			memcpy(model + at, buf, len);
			break;
		case 5 ... 8: /* write */
			g_assert_cmpint(vm_copy_out(process, DATA, buf, len), ==, (ssize_t)len);
			g_assert_cmpint(ALONE(f, SYS_pwrite64, 3, DATA, (long)len, (long)at), ==,
			                (int64_t)len);
			memcpy(model + at, buf, len);
			size = MAX(size, at + len);
			break;
		case 9 ... 11: /* read */
			len = at < size ? MIN(len, size - at) : 0;
			g_assert_cmpint(ALONE(f, SYS_pread64, 3, DATA, (long)len, (long)at), ==,
			                (int64_t)len);
			vm_copy_in(process, DATA, buf, len);
			g_assert_cmpmem(buf, len, model + at, len);
			break;
		case 12 ... 13: /* load */
			len = at < size ? MIN(len, size - at) : 0;
			g_assert_cmpint(vm_copy_in(process, MAPPED + at, buf, len), ==,
			                (ssize_t)len);
			g_assert_cmpmem(buf, len, model + at, len);
			break;
		case 14:
			g_assert_cmpint(ALONE(f, SYS_fsync, 3), ==, 0);
			break;
		case 15:
			if (step % 4 == 0) {
				g_assert_cmpint(ALONE(f, SYS_ftruncate, 3, (long)at), ==, 0);
				memset(model + at, 0, SIZE - at);
				size = at;
			} else {
				vm_machine_reclaim(f->mount.machine, 3);
			}
		}
	}
	g_assert_cmpint(ALONE(f, SYS_munmap, MAPPED, SIZE), ==, 0);
	g_assert_cmpint(ALONE(f, SYS_close, 3), ==, 0);
	g_autofree char *path = g_build_filename(f->here, "x", NULL);
	g_autofree char *contents = NULL;
	size_t len;
	g_assert_true(g_file_get_contents(path, &contents, &len, NULL));
	g_assert_cmpmem(contents, len, model, size);
}

/* Who writes all back, and makes room, until it is to stop. */
struct disturber {
	struct vm_machine *machine;
	int stop; /* atomic */
};

static gpointer disturb(gpointer ctx)
{
	struct disturber *disturber = ctx;

	while (!g_atomic_int_get(&disturber->stop)) {
		vm_machine_sync(disturber->machine);
		vm_machine_reclaim(disturber->machine, 2);
	}
	return NULL;
}

/* The same while another thread writes pages back all the time. */
static void test_coherence_disturbed(struct both_fixture *f, const void *unused)
{
	struct disturber disturber = {f->mount.machine, 0};
	GThread *thread = g_thread_new("disturb", disturb, &disturber);

	test_coherence_random(f, NULL);
	g_atomic_int_set(&disturber.stop, 1);
	g_thread_join(thread);
}

/* --- Descriptors ------------------------------------------------------------------------------ */

static void test_descriptors(struct both_fixture *f, const void *unused)
{
	g_assert_cmpint(OPEN(f, "x", O_RDWR | O_CREAT), ==, 3);
	g_assert_cmpint(SAME(f, SYS_fcntl, 3, F_DUPFD, 10), ==, 10);
	g_assert_cmpint(SAME(f, SYS_fcntl, 3, F_DUPFD_CLOEXEC, 10), ==, 11);
	g_assert_cmpint(SAME(f, SYS_fcntl, 11, F_GETFD), ==, FD_CLOEXEC);
	SAME(f, SYS_fcntl, 11, F_SETFD, 0);
	g_assert_cmpint(SAME(f, SYS_fcntl, 11, F_GETFD), ==, 0);
	g_assert_cmpint(SAME(f, SYS_dup2, 3, 20), ==, 20);
	g_assert_cmpint(SAME(f, SYS_dup2, 3, 3), ==, 3);
	g_assert_cmpint(SAME(f, SYS_dup3, 3, 20, O_CLOEXEC), ==, 20);
	g_assert_cmpint(SAME(f, SYS_fcntl, 20, F_GETFD), ==, FD_CLOEXEC);
	FAILS(f, EINVAL, SYS_dup3, 3, 3, 0);
	FAILS(f, EINVAL, SYS_dup3, 3, 4, O_APPEND);
	FAILS(f, EBADF, SYS_dup2, 99, 4);
	FAILS(f, EBADF, SYS_dup2, 99, 99);
	FAILS(f, EBADF, SYS_dup2, 3, -1);
	FAILS(f, EBADF, SYS_close, 99);
	FAILS(f, EBADF, SYS_fcntl, 99, F_GETFD);
	FAILS(f, EINVAL, SYS_fcntl, 3, 9999);
	SAME(f, SYS_ioctl, 20, FIONCLEX);
	SAME(f, SYS_fcntl, 20, F_GETFD);
	SAME(f, SYS_ioctl, 3, FIONREAD, DATA);
	both_bytes(f, DATA, 4);
	SAME(f, SYS_close_range, 4, 15, 4 /* CLOSE_RANGE_CLOEXEC */);
	g_assert_cmpint(SAME(f, SYS_fcntl, 10, F_GETFD), ==, FD_CLOEXEC);
	SAME(f, SYS_close_range, 4, 15, 0);
	FAILS(f, EBADF, SYS_fcntl, 10, F_GETFD);
	FAILS(f, EINVAL, SYS_close_range, 15, 4, 0);
	/* Of the program alone: the host's limit may be another one. */
	g_assert_cmpint(ALONE(f, SYS_dup2, 3, 1024), ==, -EBADF);
	g_assert_cmpint(ALONE(f, SYS_fcntl, 3, F_DUPFD, 1024), ==, -EINVAL);
	while (ALONE(f, SYS_dup, 3) >= 0)
		continue;
	g_assert_cmpint(ALONE(f, SYS_dup, 3), ==, -EMFILE);
	g_assert_cmpint(ALONE(f, SYS_open, (long)both_text(f, "x"), O_RDONLY), ==, -EMFILE);
	g_assert_cmpint(ALONE(f, SYS_fcntl, 3, F_DUPFD, 1000), ==, -EMFILE);
}

/* A child has copies, with the same offset; exec closes what is to be closed. */
static void test_inheritance(struct both_fixture *f, const void *unused)
{
	struct vm_cred cred = {getuid(), getgid()};
	const char *const argv[] = {"true", NULL};
	struct place_opener context;
	uint64_t entry;
	int error;

	g_assert_cmpint(OPEN(f, "x", O_RDWR | O_CREAT), ==, 3);
	g_assert_cmpint(OPEN(f, "x", O_RDWR | O_CLOEXEC), ==, 4);
	struct vm_process *child = vm_fork(f->program->process, &cred, &error);
	g_assert_nonnull(child);
	g_assert_cmpint(vm_process_cloexec(child, 3), ==, 0);
	g_assert_cmpint(vm_process_cloexec(child, 4), ==, 1);
	struct vm_process *parent = f->program->process;
	f->program->process = child;
	SAME(f, SYS_write, 3, (long)both_text(f, "hello"), 5);
	f->program->process = parent;
	g_assert_cmpint(ALONE(f, SYS_lseek, 3, 0, SEEK_CUR), ==, 5);
	struct vm_exec_args args = {.path = "/bin/true",
	                            .argv = argv,
	                            .opener = place_opener(&context, f->program->place),
	                            .kernel_only = true};
	g_assert_cmpint(vm_exec(child, &args, &entry), ==, 0);
	g_assert_cmpint(vm_process_cloexec(child, 3), ==, 0);
	g_assert_cmpint(vm_process_cloexec(child, 4), ==, -EBADF);
	g_assert_cmpint(vm_process_cloexec(parent, 4), ==, 1);
	args.path = "none";
	g_assert_cmpint(vm_exec(child, &args, &entry), ==, -ENOENT);
	vm_process_exit(child, 0);
	vm_process_unref(child);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	BOTH_TEST("/run-files/open", test_open);
	BOTH_TEST("/run-files/devices", test_devices);
	BOTH_TEST("/run-files/offsets", test_offsets);
	BOTH_TEST("/run-files/append", test_append);
	BOTH_TEST("/run-files/vectors", test_vectors);
	BOTH_TEST("/run-files/copying", test_copying);
	BOTH_TEST("/run-files/coherence", test_coherence);
	BOTH_TEST("/run-files/coherence-random", test_coherence_random);
	BOTH_TEST("/run-files/coherence-disturbed", test_coherence_disturbed);
	BOTH_TEST("/run-files/descriptors", test_descriptors);
	BOTH_TEST("/run-files/inheritance", test_inheritance);
	return g_test_run();
}
