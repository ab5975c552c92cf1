/*
 * processes.c - trees of processes: fork, vfork, exec, wait, pipes between children, groups. Prints
 * what comes of them; the output must be the same wherever it runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static const char *self;

static const char *result_name(long result)
{
	return result == -1 ? strerrorname_np(errno) : "fine";
}

/* fork without output that is printed twice. */
static pid_t clean_fork(void)
{
	fflush(stdout);
	return fork();
}

static int wait_status(pid_t child)
{
	int status = -1;

	waitpid(child, &status, 0);
	return status;
}

/* --- Trees ------------------------------------------------------------------------------------ */

/* DEPTH levels, with two children each. Returns how many there are below, by exit statuses. */
static int tree(int depth)
{
	int sum = 1;

	if (depth == 0)
		return 1;
	for (int i = 0; i < 2; i++) {
		pid_t child = clean_fork();

		if (child == 0)
			_exit(tree(depth - 1));
		sum += WEXITSTATUS(wait_status(child));
	}
	return sum;
}

static void trees(void)
{
	printf("a tree has %d processes\n", tree(4));
}

/* All at once, waited for as they end: each exits with its number. */
static void many(void)
{
	enum { MANY = 20 };
	int seen[MANY] = {0}, status, sum = 0;

	for (int i = 0; i < MANY; i++) {
		if (clean_fork() == 0)
			_exit(i);
	}
	while (wait(&status) > 0)
		seen[WEXITSTATUS(status)]++;
	for (int i = 0; i < MANY; i++)
		sum += seen[i] == 1;
	printf("%d of %d ended, then %s\n", sum, MANY, strerrorname_np(errno));
}

static void statuses(void)
{
	static const int all[] = {0, 1, 7, 127, 255, 256 + 5};
	siginfo_t info;
	pid_t child;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		child = clean_fork();
		if (child == 0)
			exit(all[i]);
		printf("exit %d gives %#x\n", all[i], (unsigned)wait_status(child));
	}
	child = clean_fork();
	if (child == 0)
		_exit(9);
	memset(&info, 0, sizeof(info));
	printf("waitid %s", result_name(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT)));
	printf(" code %d status %d signal %d\n", info.si_code, info.si_status, info.si_signo);
	printf("and again %#x\n", (unsigned)wait_status(child));
	printf("nobody: %s\n", result_name(waitpid(child, NULL, 0)));
	printf("no child: %s\n", result_name(waitpid(-1, NULL, WNOHANG)));
}

/* A zombie can be seen and signalled until it is waited for. */
static void zombies(void)
{
	siginfo_t info;
	pid_t child = clean_fork();

	if (child == 0)
		_exit(4);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	printf("a zombie: kill %s, ", result_name(kill(child, 0)));
	printf("its group %s\n", getpgid(child) == getpgrp() ? "ours" : "another");
	wait_status(child);
	printf("none: kill %s\n", result_name(kill(child, 0)));
	signal(SIGCHLD, SIG_IGN);
	child = clean_fork();
	if (child == 0)
		_exit(4);
	printf("ignored: %s\n", result_name(waitpid(child, NULL, 0)));
	signal(SIGCHLD, SIG_DFL);
}

/* A child whose parent has ended gets another one. */
static void orphans(void)
{
	int end[2];
	char answer = '?';
	pid_t child;

	if (pipe(end) != 0)
		return;
	child = clean_fork();
	if (child == 0) {
		pid_t parent = getpid();

		if (fork() == 0) {
			while (getppid() == parent)
				usleep(1000);
			_exit(write(end[1], "o", 1) != 1);
		}
		_exit(0);
	}
	close(end[1]);
	wait_status(child);
	if (read(end[0], &answer, 1) != 1)
		answer = '-';
	printf("an orphan says %c, then the end: %zd\n", answer, read(end[0], &answer, 1));
	close(end[0]);
}

/* --- exec ------------------------------------------------------------------------------------- */

static void execs(void)
{
	char *echo[] = {(char *)"echo", (char *)"from", (char *)"exec", NULL};
	char *again[] = {(char *)self, (char *)"again", (char *)"a b", (char *)"", NULL};
	char *variables[] = {(char *)"ONE=1", (char *)"TWO=2", NULL};
	pid_t child = clean_fork();

	if (child == 0) {
		execv("/bin/echo", echo);
		_exit(1);
	}
	printf("echo ends with %#x\n", (unsigned)wait_status(child));
	fflush(stdout);
	child = vfork();
	if (child == 0) {
		execve(self, again, variables);
		_exit(1);
	}
	printf("again ends with %#x\n", (unsigned)wait_status(child));
	fflush(stdout);
	child = vfork();
	if (child == 0)
		_exit(33);
	printf("vfork ends with %#x\n", (unsigned)wait_status(child));
	printf("nothing to run: %s\n", result_name(execv("/nonexistent", echo)));
	printf("a folder: %s\n", result_name(execv("/tmp", echo)));
	printf("no program: %s\n", result_name(execv("/etc/passwd", echo)));
	printf("spawn: %s\n",
	       result_name(-posix_spawn(&child, "/bin/true", NULL, NULL, echo, environ)));
	printf("ends with %#x\n", (unsigned)wait_status(child));
}

/* What the program does when it was run again. */
static int again_main(int argc, char **argv)
{
	printf("arguments %d '%s' '%s' environment %s %s %d\n", argc, argv[2], argv[3], environ[0],
	       environ[1], environ[2] == NULL);
	return 21;
}

/* What exec keeps, and what not: descriptors, handlers, mask. */
static void kept(void)
{
	int keep = open("/dev/null", O_RDONLY), gone = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char script[200];
	char *shell[] = {(char *)"sh", (char *)"-c", script, NULL};
	pid_t child;

	snprintf(script, sizeof(script),
	         "[ -e /dev/fd/0 ]; (: <&%d) 2>/dev/null && echo kept; (: <&%d) 2>/dev/null || "
	         "echo gone",
	         keep, gone);
	signal(SIGUSR1, SIG_IGN);
	child = clean_fork();
	if (child == 0) {
		execv("/bin/sh", shell);
		_exit(1);
	}
	printf("descriptors: %#x\n", (unsigned)wait_status(child));
	fflush(stdout);
	snprintf(script, sizeof(script), "kill -USR1 $$; echo ignored");
	child = clean_fork();
	if (child == 0) {
		execv("/bin/sh", shell);
		_exit(1);
	}
	printf("signals: %#x\n", (unsigned)wait_status(child));
	close(keep);
	close(gone);
}

/* --- Pipes ------------------------------------------------------------------------------------ */

/* A chain: each adds one to every byte and hands it on. */
static void chain(void)
{
	enum { LINKS = 6, BYTES = 100000 };
	int from, end[2];
	unsigned char buf[4096];
	unsigned long sum = 0, total = 0;
	ssize_t n;

	if (pipe(end) != 0)
		return;
	if (clean_fork() == 0) {
		memset(buf, 1, sizeof(buf));
		for (int left = BYTES; left > 0; left -= (int)n)
			n = write(end[1], buf, left < 4096 ? (size_t)left : 4096);
		_exit(0);
	}
	for (int i = 0; i < LINKS; i++) {
		from = end[0];
		close(end[1]);
		if (pipe(end) != 0)
			return;
		if (clean_fork() == 0) {
			close(end[0]);
			while ((n = read(from, buf, sizeof(buf))) > 0) {
				for (ssize_t j = 0; j < n; j++)
					buf[j]++;
				if (write(end[1], buf, (size_t)n) != n)
					_exit(1);
			}
			_exit(0);
		}
		close(from);
	}
	close(end[1]);
	while ((n = read(end[0], buf, sizeof(buf))) > 0) {
		total += (unsigned long)n;
		for (ssize_t j = 0; j < n; j++)
			sum += buf[j];
	}
	close(end[0]);
	while (wait(NULL) > 0)
		;
	printf("the chain gives %lu bytes, sum %lu\n", total, sum);
}

/* Two processes take turns with a number in shared memory. */
static void shared(void)
{
	volatile unsigned *turn =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = clean_fork();
	unsigned mine = child == 0;

	while (*turn < 200) {
		if (*turn % 2 == mine)
			++*turn;
		else
			usleep(0);
	}
	if (child == 0)
		_exit(0);
	printf("they took turns: %#x, %u\n", (unsigned)wait_status(child), *turn);
}

/* Copy on write: parent and child store to the same pages. */
static void copies(void)
{
	enum { PAGES = 200 };
	unsigned *at =
	    mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned sum = 0;
	pid_t child;

	for (int i = 0; i < PAGES; i++)
		at[i * 1024] = (unsigned)i;
	child = clean_fork();
	for (int i = 0; i < PAGES; i += child == 0 ? 2 : 3)
		at[i * 1024] += child == 0 ? 1000 : 5000;
	for (int i = 0; i < PAGES; i++)
		sum += at[i * 1024];
	if (child == 0)
		_exit(sum == 19900 + 100 * 1000 ? 5 : 6);
	printf("copies: parent %u, child ends with %#x\n", sum, (unsigned)wait_status(child));
}

/* --- Groups ----------------------------------------------------------------------------------- */

static void groups(void)
{
	int status = 0, ended = 0, ready[2];
	char byte;
	pid_t leader;

	if (pipe(ready) != 0)
		return;
	leader = clean_fork();
	if (leader == 0) {
		setpgid(0, 0);
		for (int i = 0; i < 2; i++) {
			if (fork() == 0) {
				for (;;)
					pause();
			}
		}
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	setpgid(leader, leader);
	printf("group %s\n", getpgid(leader) == leader ? "of its own" : "wrong");
	printf("another's child: %s\n", result_name(setpgid(999999, 0)));
	if (read(ready[0], &byte, 1) != 1)
		return;
	printf("kill of the group: %s\n", result_name(kill(-leader, SIGTERM)));
	while (waitpid(-leader, &status, 0) > 0)
		ended++;
	printf("%d of ours ended, by %d\n", ended, WTERMSIG(status));
	leader = clean_fork();
	if (leader == 0) {
		pid_t session = setsid();

		_exit(session == getpid() && getsid(0) == session && getpgrp() == session &&
		      setsid() == -1);
	}
	printf("a session of its own: %#x\n", (unsigned)wait_status(leader));
}

/* --- What a process is ------------------------------------------------------------------------ */

static void limits(void)
{
	struct rlimit stack, low = {64, 64}, got;
	pid_t child;

	getrlimit(RLIMIT_STACK, &stack);
	child = clean_fork();
	if (child == 0) {
		setrlimit(RLIMIT_NOFILE, &low);
		getrlimit(RLIMIT_NOFILE, &got);
		_exit(got.rlim_cur == 64 && dup2(0, 64) == -1 && errno == EBADF);
	}
	printf("stack %s, descriptors %#x\n", stack.rlim_cur == 8 << 20 ? "8 MiB" : "other",
	       (unsigned)wait_status(child));
}

int main(int argc, char **argv)
{
	self = argv[0];
	if (argc > 1)
		return again_main(argc, argv);
	trees();
	many();
	statuses();
	zombies();
	orphans();
	execs();
	kept();
	chain();
	shared();
	copies();
	groups();
	limits();
	return 0;
}
