/*
 * lend.c - opens a file as one user and uses the descriptor as another, as a setuid program uses
 * those that it inherits. Needs root.
 *
 *     lend OPENER USER FILE r|w|rw read         the number of bytes read, at most 64
 *     lend OPENER USER FILE r|w|rw write TEXT   the number written; TEXT has \n for a newline
 *     lend OPENER USER FILE r|w|rw seek         the offset of the first hole
 *     lend OPENER USER FILE r|w|rw list         the number of entries of a directory
 *     lend OPENER USER FILE r|w|rw poll         what poll says: IN, OUT, ERR
 *     lend OPENER USER FILE r|w|rw leave TEXT   OPENER writes, USER closes
 *     lend OPENER USER FILE r|w|rw close        nothing
 *
 * OPENER and USER are UID:GID[:GROUP]..., with the supplementary groups at the end. USER is another
 * process. If a system call fails, its errno's name is printed instead, and the exit status is 1.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_GROUPS = 16 };

struct identity {
	uid_t uid;
	gid_t gid, groups[MAX_GROUPS];
	size_t count;
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static int fail(void)
{
	printf("%s\n", strerrorname_np(errno));
	return 1;
}

static struct identity identity_parse(const char *text)
{
	struct identity identity = {.uid = (uid_t)-1};
	char *rest;

	identity.uid = (uid_t)strtoul(text, &rest, 10);
	if (*rest == ':')
		identity.gid = (gid_t)strtoul(rest + 1, &rest, 10);
	while (*rest == ':' && identity.count < MAX_GROUPS)
		identity.groups[identity.count++] = (gid_t)strtoul(rest + 1, &rest, 10);
	if (*rest != '\0') {
		fprintf(stderr, "lend: not UID:GID[:GROUP]...: %s\n", text);
		exit(2);
	}
	return identity;
}

/* Be IDENTITY, and able to be root again. */
static void act_as(const struct identity *identity)
{
	if (seteuid(0) < 0 || setgroups(identity->count, identity->groups) < 0 ||
	    setegid(identity->gid) < 0 || seteuid(identity->uid) < 0)
		die("lend");
}

/* Write TEXT, with a newline for each \n. Returns what write returns. */
static ssize_t put(int fd, char *text)
{
	for (char *c = text; (c = strstr(c, "\\n")) != NULL; c++) {
		*c = '\n';
		memmove(c + 1, c + 2, strlen(c + 2) + 1);
	}
	return write(fd, text, strlen(text));
}

static int print_number(ssize_t number)
{
	if (number < 0)
		return fail();
	printf("%zd\n", number);
	return 0;
}

static int list(int fd)
{
	DIR *dir = fdopendir(fd);
	ssize_t count = 0;

	errno = 0;
	while (dir != NULL && readdir(dir) != NULL)
		count++;
	return print_number(errno != 0 ? -1 : count);
}

static int ask_poll(int fd)
{
	struct pollfd entry = {.fd = fd, .events = POLLIN | POLLOUT};

	if (poll(&entry, 1, 0) < 0)
		return fail();
	printf("%s%s%s\n", entry.revents & POLLIN ? "IN" : "", entry.revents & POLLOUT ? "OUT" : "",
	       entry.revents & POLLERR ? "ERR" : "");
	return 0;
}

static int use(int fd, char **words)
{
	char bytes[64];

	if (strcmp(words[0], "read") == 0)
		return print_number(read(fd, bytes, sizeof(bytes)));
	if (strcmp(words[0], "write") == 0 && words[1] != NULL)
		return print_number(put(fd, words[1]));
	if (strcmp(words[0], "seek") == 0)
		return print_number(lseek(fd, 0, SEEK_HOLE));
	if (strcmp(words[0], "list") == 0)
		return list(fd);
	if (strcmp(words[0], "poll") == 0)
		return ask_poll(fd);
	return close(fd) < 0 ? fail() : 0;
}

int main(int argc, char **argv)
{
	struct identity opener, user;
	int fd, status = 0;

	if (argc < 6) {
		fprintf(stderr, "usage: lend OPENER USER FILE r|w|rw OPERATION [TEXT]\n");
		return 2;
	}
	opener = identity_parse(argv[1]);
	user = identity_parse(argv[2]);
	act_as(&opener);
	fd = open(argv[3], strcmp(argv[4], "rw") == 0  ? O_RDWR
	                   : strcmp(argv[4], "w") == 0 ? O_WRONLY
	                                               : O_RDONLY);
	if (fd < 0)
		return fail();
	if (strcmp(argv[5], "leave") == 0 && argc > 6 && put(fd, argv[6]) < 0)
		return fail();
	fflush(stdout);
	if (fork() == 0) {
		act_as(&user);
		status = use(fd, argv + 5);
		fflush(stdout);
		_exit(status);
	}
	wait(&status);
	act_as(&user);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
