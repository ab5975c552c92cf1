/*
 * tool.c - what the mount tests need and a shell cannot do: single system calls with the name of
 * their errno, reads of a given size, and a daemon whose exit status is kept.
 *
 *     tool open FILE r|w|rw               OK
 *     tool pread FILE OFFSET LENGTH       the bytes in hex
 *     tool pwrite FILE OFFSET TEXT        the number written; TEXT has printf's escapes
 *     tool fill FILE OFFSET LENGTH BYTE   the number written, by one call
 *     tool write FILE TEXT...             the number written by each call on one open file, then
 *                                         the errno of close if it fails
 *     tool seek FILE OFFSET set|data|hole the offset found
 *     tool map FILE OFFSET LENGTH         the bytes in hex, through a private mapping
 *     tool poll FILE MILLISECONDS         "ready" if it can be read in time, else "timeout"; then
 *                                         the result of a read that does not wait
 *     tool hold FILE COUNT                opens FILE up to COUNT times and reads a byte each time;
 *                                         prints how often it went well, and why not more often;
 *                                         then keeps all open until the end of standard input
 *     tool steps FILE SIZE                the file, read SIZE bytes at a time
 *     tool random FILE SEED               "same" if reads at random offsets give what one read in
 *                                         order gave
 *     tool session FILE                   commands from standard input, see session_step()
 *     tool daemon STATE COMMAND...        runs COMMAND, which goes into the background; see
 *                                         cmd_daemon()
 *     tool reap STATE                     waits for that daemon: "exit N" or "signal N"
 *
 * If a system call fails, its errno's name is printed instead of the result, and the exit status is
 * 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_MAX = 8 << 20 };

static int fail(void)
{
	printf("%s\n", strerrorname_np(errno));
	return 1;
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (*end != '\0' || end == text) {
		fprintf(stderr, "tool: not a number: %s\n", text);
		exit(2);
	}
	return value;
}

static void hex_print(const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", bytes[i]);
	putchar('\n');
}

/*
 * Replace the escapes of printf that the tests use: \n, \0, \\ and \xHH. Works in place; returns
 * the length.
 */
static size_t unescape(char *text)
{
	char *out = text;

	for (char *in = text; *in != '\0'; in++) {
		if (*in != '\\') {
			*out++ = *in;
			continue;
		}
		in++;
		if (*in == 'x') {
			char digits[3] = {in[1], in[2], '\0'};
			*out++ = (char)strtoul(digits, NULL, 16);
			in += 2;
		} else {
			*out++ = (char)(*in == 'n' ? '\n' : *in == '0' ? '\0' : *in);
		}
	}
	return (size_t)(out - text);
}

static int cmd_open(char **arg)
{
	int flags = strcmp(arg[1], "rw") == 0  ? O_RDWR
	            : strcmp(arg[1], "w") == 0 ? O_WRONLY
	                                       : O_RDONLY;

	if (open(arg[0], flags | O_CLOEXEC) < 0)
		return fail();
	puts("OK");
	return 0;
}

static int cmd_pread(char **arg)
{
	size_t len = number(arg[2]);
	unsigned char *buf = malloc(len + 1);
	int fd = open(arg[0], O_RDONLY);
	ssize_t got = fd < 0 || buf == NULL ? -1 : pread(fd, buf, len, (off_t)number(arg[1]));

	if (got < 0)
		return fail();
	hex_print(buf, (size_t)got);
	return 0;
}

static int write_at(const char *file, uint64_t offset, const char *bytes, size_t len)
{
	int fd = open(file, O_WRONLY);
	ssize_t put = fd < 0 ? -1 : pwrite(fd, bytes, len, (off_t)offset);

	if (put < 0 || close(fd) < 0)
		return fail();
	printf("%zd\n", put);
	return 0;
}

static int cmd_pwrite(char **arg)
{
	size_t len = unescape(arg[2]);

	return write_at(arg[0], number(arg[1]), arg[2], len);
}

static int cmd_fill(char **arg)
{
	size_t len = number(arg[2]);
	char *bytes = malloc(len + 1);

	if (bytes == NULL)
		die("malloc");
	memset(bytes, (int)number(arg[3]), len);
	return write_at(arg[0], number(arg[1]), bytes, len);
}

static int cmd_write(char **arg)
{
	int fd = open(arg[0], O_WRONLY);
	int status = 0;

	if (fd < 0)
		return fail();
	for (char **text = arg + 1; *text != NULL; text++) {
		ssize_t put = write(fd, *text, unescape(*text));
		if (put < 0)
			status = fail();
		else
			printf("%zd\n", put);
	}
	if (close(fd) < 0)
		status = fail();
	return status;
}

static int cmd_seek(char **arg)
{
	int whence = strcmp(arg[2], "data") == 0   ? SEEK_DATA
	             : strcmp(arg[2], "hole") == 0 ? SEEK_HOLE
	                                           : SEEK_SET;
	int fd = open(arg[0], O_RDONLY);
	off_t at = fd < 0 ? -1 : lseek(fd, (off_t)number(arg[1]), whence);

	if (at < 0)
		return fail();
	printf("0x%llx\n", (unsigned long long)at);
	return 0;
}

static int cmd_map(char **arg)
{
	size_t len = number(arg[2]);
	int fd = open(arg[0], O_RDONLY);
	void *bytes = fd < 0 ? MAP_FAILED
	                     : mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, (off_t)number(arg[1]));

	if (bytes == MAP_FAILED)
		return fail();
	hex_print(bytes, len);
	return 0;
}

/*
 * Read from FD to the end of file, SIZE bytes at a time, into a buffer that the caller frees.
 * Returns -1 with errno on failure.
 */
static ssize_t read_whole(int fd, size_t size, char **bytes)
{
	size_t len = 0;
	ssize_t got = 1;

	*bytes = malloc(READ_MAX);
	if (*bytes == NULL)
		die("malloc");
	while (got > 0) {
		if (len + size > READ_MAX)
			die("file too long");
		got = read(fd, *bytes + len, size);
		if (got < 0)
			return -1;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

static int cmd_steps(char **arg)
{
	char *bytes;
	int fd = open(arg[0], O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read_whole(fd, number(arg[1]), &bytes);

	if (len < 0)
		return fail();
	fwrite(bytes, 1, (size_t)len, stdout);
	return 0;
}

static int cmd_random(char **arg)
{
	char *whole, part[10000];
	int fd = open(arg[0], O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read_whole(fd, 65536, &whole);

	if (len < 0)
		return fail();
	srand((unsigned)number(arg[1]));
	for (int i = 0; i < 200 && len > 1; i++) {
		/* Not at offset 0, where a file is rendered anew. */
		ssize_t at = 1 + rand() % (len - 1), want = 1 + rand() % (ssize_t)sizeof(part);
		ssize_t there = want < len - at ? want : len - at;
		ssize_t got = pread(fd, part, (size_t)want, at);
		if (got < 0)
			return fail();
		if (got != there || memcmp(part, whole + at, (size_t)there) != 0) {
			printf("%zd bytes at %zd: got %zd\n", want, at, got);
			return 1;
		}
	}
	puts("same");
	return 0;
}

/* Returns what splice(2) returns; the bytes are in BYTES. */
static ssize_t splice_some(int fd, size_t size, char *bytes)
{
	int ends[2];
	ssize_t got;

	if (pipe(ends) != 0)
		die("pipe");
	got = splice(fd, NULL, ends[1], NULL, size, 0);
	if (got > 0)
		got = read(ends[0], bytes, (size_t)got);
	close(ends[0]);
	close(ends[1]);
	return got;
}

/*
 * Work with up to ten open handles of one file. Standard input has one command on each line:
 *
 *     N read SIZE    one read on handle N (a digit); the bytes go to standard output unchanged
 *     N rest         reads to the end
 *     N splice SIZE  one splice of at most 64 KiB, through a pipe
 *     N seek OFFSET
 *     N write TEXT   one write; prints nothing, or errno's name
 *     run COMMAND    runs it in the shell
 *     say TEXT       prints TEXT
 */
static int session_step(const char *file, int *handles, char *line)
{
	char *bytes, *rest = strchr(line, ' ');
	int *fd = &handles[line[0] - '0'];
	ssize_t got;

	if (strncmp(line, "run ", 4) == 0)
		return system(line + 4) == 0 ? 0 : 1;
	if (strncmp(line, "say ", 4) == 0)
		return puts(line + 4) < 0;
	if (rest == NULL || line[0] < '0' || line[0] > '9')
		die(line);
	rest++;
	if (*fd < 0)
		*fd = open(file, O_RDWR);
	if (*fd < 0)
		*fd = open(file, O_RDONLY);
	if (*fd < 0)
		return fail();
	if (strncmp(rest, "seek ", 5) == 0)
		return lseek(*fd, (off_t)number(rest + 5), SEEK_SET) < 0 ? fail() : 0;
	if (strncmp(rest, "write ", 6) == 0)
		return write(*fd, rest + 6, unescape(rest + 6)) < 0 ? fail() : 0;
	if (strncmp(rest, "read ", 5) == 0) {
		size_t size = number(rest + 5);
		bytes = malloc(size + 1);
		got = bytes == NULL ? -1 : read(*fd, bytes, size);
	} else if (strncmp(rest, "splice ", 7) == 0) {
		size_t size = number(rest + 7);
		bytes = malloc(size + 1);
		got = bytes == NULL ? -1 : splice_some(*fd, size, bytes);
	} else {
		got = read_whole(*fd, 65536, &bytes);
	}
	if (got >= 0)
		fwrite(bytes, 1, (size_t)got, stdout);
	free(bytes);
	return got < 0 ? fail() : 0;
}

static int cmd_session(char **arg)
{
	int handles[10] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int status = 0;

	while ((len = getline(&line, &room, stdin)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		status |= session_step(arg[0], handles, line);
		fflush(stdout);
	}
	return status;
}

/* The read may also return events that came after the poll. Only the first line is printed. */
static int cmd_hold(char **arg)
{
	struct rlimit files = {.rlim_cur = 100000, .rlim_max = 100000};
	int count = (int)number(arg[1]), held = 0;
	char byte;

	/* Only root may have as many; others have as many as they may. */
	setrlimit(RLIMIT_NOFILE, &files);
	while (held < count) {
		int fd = open(arg[0], O_RDONLY);
		if (fd < 0 || read(fd, &byte, 1) < 0)
			break;
		held++;
	}
	printf("%d%s%s\n", held, held < count ? " " : "",
	       held < count ? strerrorname_np(errno) : "");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

static int cmd_poll(char **arg)
{
	struct pollfd entry = {.fd = open(arg[0], O_RDONLY | O_NONBLOCK), .events = POLLIN};
	char text[4096] = "";
	int count = entry.fd < 0 ? -1 : poll(&entry, 1, (int)number(arg[1]));
	ssize_t got;

	if (count < 0)
		return fail();
	printf("%s ", count > 0 ? "ready" : "timeout");
	got = read(entry.fd, text, sizeof(text));
	if (got < 0)
		return fail();
	printf("%.*s\n", (int)strcspn(text, "\n"), text);
	return 0;
}

/* The first process whose parent is this one, found in /proc, or 0. */
static pid_t child_find(void)
{
	char path[64];
	int child = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *f = fopen(path, "re");
	if (f == NULL)
		die(path);
	if (fscanf(f, "%d", &child) != 1)
		child = 0;
	fclose(f);
	return child;
}

/* Write to another file and rename it, so that a reader finds everything or nothing. */
static void state_write(const char *state, const char *suffix, const char *what, int value)
{
	char path[4096], temporary[4096 + 8];

	snprintf(path, sizeof(path), "%s%s", state, suffix);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	FILE *f = fopen(temporary, "we");
	if (f == NULL || fprintf(f, "%s%d\n", what, value) < 0 || fclose(f) != 0 ||
	    rename(temporary, path) != 0)
		die(path);
}

/*
 * Be the parent of COMMAND and, when COMMAND has gone into the background, of the daemon that it
 * leaves.
 */
static void supervise(const char *state, char **command, int report)
{
	int status = 0;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t starter = fork();
	if (starter == 0) {
		close(report);
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	waitpid(starter, &status, 0);
	pid_t daemon = child_find();
	if (daemon > 0)
		state_write(state, ".pid", "", daemon);
	if (write(report, &status, sizeof(status)) != sizeof(status))
		die("report");
	close(report);
	/* Nobody reads the standard descriptors of the background process. */
	for (int fd = 0; fd <= 2; fd++)
		dup2(open("/dev/null", O_RDWR | O_CLOEXEC), fd);
	while (wait(&status) > 0)
		;
	if (WIFSIGNALED(status))
		state_write(state, ".end", "signal ", WTERMSIG(status));
	else
		state_write(state, ".end", "exit ", WEXITSTATUS(status));
}

/*
 * Run COMMAND, which starts a daemon, and exit with its status. Afterwards STATE.pid holds the
 * daemon's pid, STATE is locked as long as the daemon lives, and STATE.end gets its exit status or
 * signal.
 */
static int cmd_daemon(char **arg)
{
	int report[2], status = 0;
	int lock = open(arg[0], O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (lock < 0 || flock(lock, LOCK_EX) < 0 || pipe2(report, O_CLOEXEC) < 0)
		die(arg[0]);
	if (fork() == 0) {
		close(report[0]);
		supervise(arg[0], arg + 1, report[1]);
		_exit(0);
	}
	close(report[1]);
	if (read(report[0], &status, sizeof(status)) != sizeof(status))
		die("supervisor");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int cmd_reap(char **arg)
{
	char path[4096], line[64];
	int lock = open(arg[0], O_RDWR | O_CLOEXEC);

	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		die(arg[0]);
	snprintf(path, sizeof(path), "%s.end", arg[0]);
	FILE *f = fopen(path, "re");
	if (f == NULL || fgets(line, sizeof(line), f) == NULL)
		die(path);
	fputs(line, stdout);
	return 0;
}

static const struct {
	const char *name;
	int args; /* the least number of arguments */
	int (*run)(char **arg);
} commands[] = {
    {"open", 2, cmd_open},     {"pread", 3, cmd_pread},   {"pwrite", 3, cmd_pwrite},
    {"fill", 4, cmd_fill},     {"write", 2, cmd_write},   {"seek", 3, cmd_seek},
    {"map", 3, cmd_map},       {"steps", 2, cmd_steps},   {"poll", 2, cmd_poll},
    {"hold", 2, cmd_hold},     {"random", 2, cmd_random}, {"session", 1, cmd_session},
    {"daemon", 2, cmd_daemon}, {"reap", 1, cmd_reap},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 >= commands[i].args)
			return commands[i].run(argv + 2);
	fputs("tool: unknown command, or too few arguments\n", stderr);
	return 2;
}
