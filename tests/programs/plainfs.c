/*
 * plainfs.c - a FUSE file system with one file, `file`, that only its owner may write. It stands
 * for any FUSE file system that a user mounts.
 *
 *     plainfs [OPTION...] MOUNTPOINT      options of libfuse, such as -o allow_root
 */
#include <errno.h>
#include <fuse.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char text[] = "plain text in a file system of a user\n";

static int plain_getattr(const char *path, struct stat *status, struct fuse_file_info *info)
{
	bool is_root = strcmp(path, "/") == 0;

	if (!is_root && strcmp(path, "/file") != 0)
		return -ENOENT;
	*status = (struct stat){.st_mode = is_root ? S_IFDIR | 0755 : S_IFREG | 0644,
	                        .st_nlink = is_root ? 2 : 1,
	                        .st_size = is_root ? 0 : sizeof text - 1,
	                        .st_uid = getuid(),
	                        .st_gid = getgid()};
	return 0;
}

static int plain_open(const char *path, struct fuse_file_info *info)
{
	return strcmp(path, "/file") == 0 ? 0 : -ENOENT;
}

/* The bytes of [OFFSET, OFFSET + SIZE) that the file has. */
static size_t inside(size_t size, off_t offset)
{
	size_t end = sizeof text - 1;

	if (offset < 0 || (size_t)offset >= end)
		return 0;
	return size < end - (size_t)offset ? size : end - (size_t)offset;
}

static int plain_read(const char *path, char *buf, size_t size, off_t offset,
                      struct fuse_file_info *info)
{
	size_t len = inside(size, offset);

	memcpy(buf, text + (len > 0 ? offset : 0), len);
	return (int)len;
}

static int plain_write(const char *path, const char *buf, size_t size, off_t offset,
                       struct fuse_file_info *info)
{
	size_t len = inside(size, offset);

	memcpy(text + (len > 0 ? offset : 0), buf, len);
	return len > 0 ? (int)len : -ENOSPC;
}

int main(int argc, char **argv)
{
	static const struct fuse_operations operations = {
	    .getattr = plain_getattr, .open = plain_open, .read = plain_read, .write = plain_write};

	return fuse_main(argc, argv, &operations, NULL);
}
