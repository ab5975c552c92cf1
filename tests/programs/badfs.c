/*
 * badfs.c - a FUSE file system that fails, hangs and lies as a test says.
 *
 *     badfs RULES PROGRAM MOUNTPOINT [OPTION...]     options of libfuse, such as -o allow_other
 *
 * It has two files: `data`, 64 KiB of zeros that can be written, and `program`, the bytes of the
 * host file PROGRAM. RULES is a file that is read again at each request, so that the next request
 * finds the new rules. Each line is OPERATION BEHAVIOUR:
 *
 *     read|write|fsync|getattr hang       there is no answer until the rule is gone
 *     read|write|fsync|getattr NUMBER     it fails with this errno
 *     read|write short                    at most 100 bytes
 *     read|write nothing                  0 bytes
 *     size NUMBER                         what the size of data is said to be
 *     size swings                         64 KiB and 1 byte, in turn
 *
 * The kernel keeps neither bytes nor attributes, so each request of a client comes here.
 */
#include <errno.h>
#include <fuse.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DATA_SIZE = 65536, SHORT = 100, POLL_US = 5000 };

static const char *rules;
static int program; /* its descriptor */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Under lock. */
static char data[DATA_SIZE];
static bool swing;

/* The behaviour of OPERATION, or "" if there is no rule for it. */
static void rule_find(const char *operation, char behaviour[static 32])
{
	char name[32];
	FILE *f = fopen(rules, "re");

	while (f != NULL && fscanf(f, "%31s %31s", name, behaviour) == 2)
		if (strcmp(name, operation) == 0) {
			fclose(f);
			return;
		}
	if (f != NULL)
		fclose(f);
	behaviour[0] = '\0';
}

/* Hang, or return a negative errno or 0, as the rule for OPERATION says. */
static int obey(const char *operation, char behaviour[static 32])
{
	for (;;) {
		rule_find(operation, behaviour);
		if (strcmp(behaviour, "hang") != 0)
			return -atoi(behaviour);
		usleep(POLL_US);
	}
}

/* The number of SIZE bytes that are transferred. */
static size_t cut(const char *behaviour, size_t size)
{
	if (strcmp(behaviour, "nothing") == 0)
		return 0;
	return strcmp(behaviour, "short") == 0 && size > SHORT ? SHORT : size;
}

static bool is_data(const char *path)
{
	return strcmp(path, "/data") == 0;
}

static off_t data_size(void)
{
	char behaviour[32];

	rule_find("size", behaviour);
	if (strcmp(behaviour, "swings") != 0)
		return behaviour[0] != '\0' ? atoll(behaviour) : DATA_SIZE;
	pthread_mutex_lock(&lock);
	swing = !swing;
	off_t size = swing ? 1 : DATA_SIZE;
	pthread_mutex_unlock(&lock);
	return size;
}

static int bad_getattr(const char *path, struct stat *status, struct fuse_file_info *info)
{
	char behaviour[32];

	if (strcmp(path, "/") == 0) {
		*status = (struct stat){.st_mode = S_IFDIR | 0755, .st_nlink = 2};
		return 0;
	}
	int error = obey("getattr", behaviour);
	if (error != 0)
		return error;
	if (!is_data(path) && strcmp(path, "/program") != 0)
		return -ENOENT;
	if (!is_data(path) && fstat(program, status) != 0)
		return -errno;
	if (is_data(path))
		*status =
		    (struct stat){.st_mode = S_IFREG | 0666, .st_nlink = 1, .st_size = data_size()};
	return 0;
}

static int bad_open(const char *path, struct fuse_file_info *info)
{
	info->direct_io = 1;
	return 0;
}

/* The bytes of [OFFSET, OFFSET + SIZE) that `data` has. */
static size_t inside(size_t size, off_t offset)
{
	if (offset < 0 || offset >= DATA_SIZE)
		return 0;
	return size < (size_t)(DATA_SIZE - offset) ? size : (size_t)(DATA_SIZE - offset);
}

static int bad_read(const char *path, char *buf, size_t size, off_t offset,
                    struct fuse_file_info *info)
{
	char behaviour[32];
	int error = obey("read", behaviour);

	if (error != 0)
		return error;
	size = cut(behaviour, size);
	if (!is_data(path)) {
		ssize_t got = pread(program, buf, size, offset);
		return got < 0 ? -errno : (int)got;
	}
	size = inside(size, offset);
	pthread_mutex_lock(&lock);
	memcpy(buf, data + (size > 0 ? offset : 0), size);
	pthread_mutex_unlock(&lock);
	return (int)size;
}

static int bad_write(const char *path, const char *buf, size_t size, off_t offset,
                     struct fuse_file_info *info)
{
	char behaviour[32];
	int error = is_data(path) ? obey("write", behaviour) : -EACCES;

	if (error != 0)
		return error;
	size = inside(cut(behaviour, size), offset);
	pthread_mutex_lock(&lock);
	memcpy(data + (size > 0 ? offset : 0), buf, size);
	pthread_mutex_unlock(&lock);
	return (int)size;
}

static int bad_fsync(const char *path, int only_data, struct fuse_file_info *info)
{
	char behaviour[32];

	return obey("fsync", behaviour);
}

static void *bad_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
	config->attr_timeout = config->entry_timeout = config->negative_timeout = 0;
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct fuse_operations operations = {.init = bad_init,
	                                                  .getattr = bad_getattr,
	                                                  .open = bad_open,
	                                                  .read = bad_read,
	                                                  .write = bad_write,
	                                                  .fsync = bad_fsync};

	if (argc < 4) {
		fputs("badfs: too few arguments\n", stderr);
		return 2;
	}
	rules = argv[1];
	program = open(argv[2], O_RDONLY);
	if (program < 0) {
		perror(argv[2]);
		return 2;
	}
	argv[2] = argv[0];
	return fuse_main(argc - 2, argv + 2, &operations, NULL);
}
