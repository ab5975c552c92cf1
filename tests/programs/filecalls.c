/*
 * filecalls.c - system calls on files, in a folder that it makes: what they answer, and that
 * mappings and reads show the same bytes. The output must be the same wherever it runs.
 *
 *     filecalls [FOLDER]      FOLDER (/tmp): where it makes its own
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* What no compiler knows the value of: an address where nothing is, too many pieces. */
static char *volatile nowhere = (char *)8;
static volatile int many = 2000;

/* Print what a call answered. */
static long say(const char *what, long result)
{
	printf("%s: %s %ld\n", what, result == -1 ? strerrorname_np(errno) : "fine", result);
	return result;
}

/* The same for a call whose result is a descriptor, which differs. */
static int say_fd(const char *what, int fd)
{
	printf("%s: %s\n", what, fd == -1 ? strerrorname_np(errno) : "fine");
	return fd;
}

static void opens(void)
{
	int fd = say_fd("create", open("file", O_RDWR | O_CREAT | O_EXCL, 0640));

	say("write", write(fd, "0123456789", 10));
	close(fd);
	say_fd("create again", open("file", O_RDWR | O_CREAT | O_EXCL, 0640));
	say_fd("nothing", open("nothing", O_RDONLY));
	say_fd("a folder to write", open(".", O_WRONLY));
	say_fd("below a file", open("file/x", O_RDONLY));
	say_fd("not a folder", open("file", O_RDONLY | O_DIRECTORY));
	fd = say_fd("append", open("file", O_WRONLY | O_APPEND));
	say("lseek", lseek(fd, 0, SEEK_SET));
	say("write", write(fd, "ab", 2));
	say("where", lseek(fd, 0, SEEK_CUR));
	say("read", read(fd, &(char){0}, 1));
	say("flags", fcntl(fd, F_GETFL) & (O_APPEND | O_ACCMODE));
	close(fd);
	say("closed", close(fd));
	say("bad fd", write(-1, "x", 1));
	say("bad address", write(open("file", O_WRONLY), nowhere, 4));
	fd = say_fd("truncate", open("file2", O_RDWR | O_CREAT | O_TRUNC, 0600));
	say("pwrite", pwrite(fd, "end", 3, 5000));
	say("size", lseek(fd, 0, SEEK_END));
	say("pread of the hole", pread(fd, &(char[8]){0}, 8, 100));
	say("before the start", lseek(fd, -1, SEEK_SET));
	close(fd);
}

static void vectors(void)
{
	char a[4] = "", b[8] = "", c[16] = "";
	struct iovec in[] = {{a, 3}, {b, 0}, {b, 5}, {c, 15}};
	int fd = open("file", O_RDWR);

	say("readv", readv(fd, in, 4));
	printf("%s %s %s\n", a, b, c);
	say("writev", writev(fd, in, 3));
	say("preadv", preadv(fd, in, 2, 1));
	say("too many", readv(fd, in, many));
	in[1].iov_base = nowhere;
	in[1].iov_len = 4;
	say("a bad one", preadv(fd, in, 4, 0));
	close(fd);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void folders(void)
{
	char *names[64];
	size_t count = 0;
	struct dirent *entry;
	DIR *dir;
	char cwd[4096];

	say("mkdir", mkdir("folder", 0755));
	say("again", mkdir("folder", 0755));
	for (int i = 0; i < 40; i++) {
		char name[32];

		snprintf(name, sizeof(name), "folder/name%02d", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	dir = opendir("folder");
	while (dir != NULL && (entry = readdir(dir)) != NULL && count < 64)
		names[count++] = strdup(entry->d_name);
	qsort(names, count, sizeof(names[0]), compare_names);
	for (size_t i = 0; i < count; i++)
		printf("%s%s", names[i], i + 1 < count ? " " : "\n");
	say("getdents, small", syscall(SYS_getdents64, dirfd(dir), cwd, 4));
	closedir(dir);
	say("rmdir", rmdir("folder"));
	say("chdir", chdir("folder"));
	printf("%s\n", strrchr(getcwd(cwd, sizeof(cwd)), '/'));
	say("getcwd, small", syscall(SYS_getcwd, cwd, 3));
	say("back", chdir(".."));
	say("rename", rename("folder/name00", "moved"));
	say("rename over", rename("folder/name01", "moved"));
	say("rename nothing", rename("folder/name00", "moved2"));
	say("link", link("moved", "linked"));
	say("symlink", symlink("moved", "pointer"));
	say("readlink", readlink("pointer", cwd, 3));
	say("unlink", unlink("pointer"));
	say("unlink nothing", unlink("pointer"));
	say("unlink a folder", unlink("folder"));
	say("a long name", access(memset(cwd, 'x', 300), F_OK));
}

static void statuses(void)
{
	struct stat status;
	struct statx more;

	umask(027);
	close(open("modes", O_CREAT | O_WRONLY, 0777));
	say("stat", stat("modes", &status));
	printf("mode %o links %ld size %ld\n", status.st_mode, (long)status.st_nlink,
	       (long)status.st_size);
	say("chmod", chmod("modes", 0444));
	say("lstat", lstat("modes", &status));
	printf("mode %o\n", status.st_mode);
	say("statx", statx(AT_FDCWD, "moved", 0, STATX_BASIC_STATS, &more));
	printf("links %u mode %o\n", more.stx_nlink, more.stx_mode);
	say("access", access("modes", R_OK));
	say("access x", access("modes", X_OK));
	say("fstat of a pipe", fstat(0, &status));
	say("at a bad folder", fstatat(-5, "modes", &status, 0));
	say("bad address", stat(nowhere, &status));
	say("bad target", stat("modes", (struct stat *)nowhere));
	say("utimens", utimensat(AT_FDCWD, "moved", (struct timespec[2]){{1000, 0}, {2000, 5}}, 0));
	stat("moved", &status);
	printf("times %ld %ld.%ld\n", (long)status.st_atime, (long)status.st_mtime,
	       status.st_mtim.tv_nsec);
}

static void copies(void)
{
	char buf[4] = "";
	int fd = open("file", O_RDONLY), other = dup(fd), third = open("file", O_RDONLY);

	say("read", read(fd, buf, 3));
	say("the copy's offset", lseek(other, 0, SEEK_CUR));
	say("another's offset", lseek(third, 0, SEEK_CUR));
	say("dup2", dup2(third, 50));
	say("flags", fcntl(50, F_GETFD));
	say("dup3", dup3(third, 51, O_CLOEXEC));
	say("flags", fcntl(51, F_GETFD));
	say("F_DUPFD", fcntl(third, F_DUPFD, 60));
	say("the same", dup3(third, third, 0));
	say("too high", dup2(third, 1 << 30));
	if (fork() == 0) {
		lseek(fd, 7, SEEK_SET);
		_exit(0);
	}
	while (lseek(fd, 0, SEEK_CUR) != 7)
		usleep(100);
	say("after a child's lseek", lseek(other, 0, SEEK_CUR));
	close(fd);
	close(other);
	close(third);
}

/* What one way stores, the other ways show. */
static void mappings(void)
{
	char buf[16] = "";
	int fd = open("mapped", O_RDWR | O_CREAT, 0600);
	char *all, *own, *again;

	say("ftruncate", ftruncate(fd, 2 * PAGE));
	all = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	again = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	memcpy(all, "by mapping", 10);
	say("pread", pread(fd, buf, 10, 0));
	printf("%s, private %s\n", buf, own);
	say("pwrite", pwrite(fd, "by write", 9, PAGE));
	printf("%s, again %s\n", all + PAGE, again);
	own[0] = 'B';
	say("pwrite", pwrite(fd, "x", 1, 1));
	printf("shared %.4s private %.4s\n", all, own);
	/* What a mapping stores counts, also if it is what was there before the write. */
	all[PAGE + 50] = 'x';
	say("pwrite", pwrite(fd, "w", 1, PAGE + 51));
	all[PAGE + 51] = 0;
	say("pread", pread(fd, buf, 1, PAGE + 51));
	printf("%d %d\n", buf[0], all[PAGE + 51]);
	say("msync", msync(all, PAGE, MS_SYNC));
	close(fd);
	fd = open("mapped", O_RDWR);
	say("read", read(fd, buf, 6));
	printf("%.6s\n", buf);
	say("ftruncate", ftruncate(fd, 100));
	say("and back", ftruncate(fd, PAGE * 2));
	printf("zeros %d %d\n", all[101], all[PAGE]);
	say("read to a mapping of itself", pread(fd, all + 200, 10, 0));
	printf("%.10s\n", all + 200);
	say("write from a mapping", pwrite(fd, all + PAGE, 100, 0));
	say("unmap", munmap(all, 3 * PAGE));
	say("unlink", unlink("mapped"));
	memcpy(own, "still", 5);
	printf("%.5s %d\n", own, again[0]);
	close(fd);
	say("mmap of a bad fd", (long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
	fd = open("modes", O_RDONLY);
	say("not to be written", (long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	say("not aligned", (long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 1));
	close(fd);
}

static void pipes(void)
{
	int end[2];
	char buf[PAGE];
	long total = 0, n;
	struct pollfd both[2];

	say("pipe", pipe2(end, O_NONBLOCK));
	both[0] = (struct pollfd){end[0], POLLIN, 0};
	both[1] = (struct pollfd){end[1], POLLOUT, 0};
	say("read of nothing", read(end[0], buf, 1));
	say("poll", poll(both, 2, 0));
	printf("events %x %x\n", both[0].revents, both[1].revents);
	memset(buf, 'p', sizeof(buf));
	while ((n = write(end[1], buf, sizeof(buf))) > 0)
		total += n;
	say("full", n);
	printf("it holds %ld\n", total);
	say("poll", poll(both, 2, 0));
	printf("events %x %x\n", both[0].revents, both[1].revents);
	say("lseek", lseek(end[0], 0, SEEK_SET));
	say("read", read(end[0], buf, sizeof(buf)));
	say("write of 10", write(end[1], buf, 10));
	close(end[1]);
	while ((n = read(end[0], buf, sizeof(buf))) > 0)
		total -= n;
	printf("%ld left\n", total);
	say("poll", poll(both, 1, -1));
	printf("events %x\n", both[0].revents);
	say("poll of nothing", poll(NULL, 0, 1));
	close(end[0]);
}

static void devices(void)
{
	char buf[8] = "1234567";
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);

	say("read null", read(null, buf, 8));
	say("write null", write(null, buf, 8));
	say("read zero", read(zero, buf, 4));
	printf("%d %c\n", buf[0], buf[4]);
	say("no terminal", isatty(null));
	close(null);
	close(zero);
}

int main(int argc, char **argv)
{
	char folder[4096], command[5000];

	snprintf(folder, sizeof(folder), "%s/filecalls.XXXXXX", argc > 1 ? argv[1] : "/tmp");
	if (mkdtemp(folder) == NULL || chdir(folder) != 0) {
		perror(folder);
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	opens();
	vectors();
	folders();
	statuses();
	copies();
	mappings();
	pipes();
	devices();
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return chdir("/") != 0 || system(command) != 0;
}
