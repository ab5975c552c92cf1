/*
 * swapfile.c - makes, checks and reserves the swap file.
 *
 * Nothing is written to a file before it is known to be empty or ours. The first thing that is
 * written is the signature, so from then on the file is ours, even if we are killed.
 *
 * The memory of all users goes to this file. So it must belong to the user who runs the daemon, and
 * nobody else may read or write it. Nor may its name lead to another file of that user: a link that
 * somebody put there could name any of them that happens to be empty.
 */
#include "fs/daemon/swapfile.h"
#include "util/proc.h"
#include "vm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char signature[] = "vasfs swap file: the page before the end of the file\n";

/* --- Failures --------------------------------------------------------------------------------- */

/*
 * Set ERROR: WHAT failed with the file NAME, for the reason NUMBER (an errno, or 0). Returns false.
 */
static bool refuse(GError **error, const char *name, const char *what, int number)
{
	g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(number),
	            "swap file %s: %s%s%s", name, what, number != 0 ? ": " : "",
	            number != 0 ? g_strerror(number) : "");
	return false;
}

static bool refuse_size(GError **error, const char *name, uint64_t size, int number)
{
	g_autofree char *amount = g_format_size_full(size, G_FORMAT_SIZE_IEC_UNITS);

	g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(number),
	            "swap file %s: cannot reserve %s: %s (swapsize= makes it smaller, swapsize=0 "
	            "turns swap off)",
	            name, amount, g_strerror(number));
	return false;
}

/* --- The signature ---------------------------------------------------------------------------- */

static bool has_signature(int fd, off_t size)
{
	char page[VM_PAGE_SIZE];

	return size >= VM_PAGE_SIZE && size % VM_PAGE_SIZE == 0 &&
	       pread(fd, page, sizeof(page), size - VM_PAGE_SIZE) == VM_PAGE_SIZE &&
	       memcmp(page, signature, sizeof(signature)) == 0;
}

/* Returns 0 or an errno. */
static int write_signature(int fd, off_t at)
{
	char page[VM_PAGE_SIZE] = {0};
	ssize_t done;

	memcpy(page, signature, sizeof(signature));
	done = pwrite(fd, page, sizeof(page), at);
	if (done < 0)
		return errno;
	return done == VM_PAGE_SIZE ? 0 : ENOSPC;
}

/*
 * Make FD hold SIZE bytes and the signature. The signature is written first, at its new place, so
 * the file ends in it whenever we are interrupted. Returns 0, or an errno after cutting the file
 * back to OLD bytes.
 */
static int resize(int fd, off_t old, off_t size)
{
	int number = write_signature(fd, size);

	if (number == 0 && ftruncate(fd, size + VM_PAGE_SIZE) != 0)
		number = errno;
	if (number == 0)
		number = posix_fallocate(fd, 0, size + VM_PAGE_SIZE);
	/* A file that was larger has lost its old signature. */
	if (number != 0 && ftruncate(fd, old) == 0 && old > size + VM_PAGE_SIZE)
		write_signature(fd, old - VM_PAGE_SIZE);
	return number;
}

/* --- A file with a name ----------------------------------------------------------------------- */

/* Whether the file ST is ours alone. */
static bool check_owner(const struct stat *st, const char *path, GError **error)
{
	if (st->st_uid != geteuid())
		return refuse(error, path, "it belongs to another user", 0);
	if ((st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return refuse(error, path, "others have rights to it (chmod 600 takes them)", 0);
	if (st->st_nlink > 1)
		return refuse(error, path, "it has another name, so others may rely on it", 0);
	return true;
}

static bool check_file(int fd, const char *path, off_t *size, GError **error)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return refuse(error, path, "cannot be examined", errno);
	if (!S_ISREG(st.st_mode))
		return refuse(error, path, "not a regular file", 0);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? refuse(error, path, "another vasfs uses it", 0)
		                            : refuse(error, path, "cannot be locked", errno);
	/* The size counts only now: nobody else changes a file that we have locked. */
	if (fstat(fd, &st) != 0)
		return refuse(error, path, "cannot be examined", errno);
	*size = st.st_size;
	if (st.st_size != 0 && !has_signature(fd, st.st_size))
		return refuse(error, path,
		              "neither empty nor a swap file of vasfs, so it is left alone", 0);
	return check_owner(&st, path, error);
}

static int open_or_make(const char *path, bool *made)
{
	/* O_NONBLOCK: do not wait for the other end of a FIFO. */
	const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = open(path, flags);

	*made = fd < 0 && errno == ENOENT;
	return *made ? open(path, flags | O_CREAT | O_EXCL, 0600) : fd;
}

static int open_named(const char *path, uint64_t size, GError **error)
{
	bool made;
	int fd = open_or_make(path, &made);
	off_t old = 0;
	int number;

	if (fd < 0) {
		refuse(error, path,
		       errno == ELOOP ? "a symbolic link is not followed" : "cannot be opened",
		       errno == ELOOP ? 0 : errno);
		return -1;
	}
	if (!check_file(fd, path, &old, error))
		goto fail;
	number = resize(fd, old, (off_t)size);
	if (number == 0)
		return fd;
	refuse_size(error, path, size, number);
fail:
	if (made)
		unlink(path);
	close(fd);
	return -1;
}

/* --- A file without --------------------------------------------------------------------------- */

static int open_unlinked(const char *dir)
{
	g_autofree char *path = NULL;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd;
	path = g_build_filename(dir, "vasfs-swap-XXXXXX", NULL);
	fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static int open_nameless(uint64_t size, GError **error)
{
	const char *tmpdir = g_getenv("TMPDIR");
	const char *dir = tmpdir != NULL && tmpdir[0] == '/' ? tmpdir : "/var/tmp";
	g_autofree char *name = g_strdup_printf("in %s", dir);
	int fd = open_unlinked(dir);
	int number;

	if (fd < 0) {
		refuse(error, name, "cannot be made", errno);
		return -1;
	}
	number = posix_fallocate(fd, 0, (off_t)size);
	if (number == 0)
		return fd;
	refuse_size(error, name, size, number);
	close(fd);
	return -1;
}

int swapfile_open(const char *path, uint64_t size, GError **error)
{
	return path != NULL ? open_named(path, size, error) : open_nameless(size, error);
}

char *swapfile_name(int proc, int fd)
{
	char name[PATH_MAX + 1];

	return g_strdup(proc_read_link(proc, name, sizeof name, "self/fd/%d", fd) ? name : "swap");
}
