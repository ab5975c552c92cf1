/*
 * maps_at_exit.c - runs a program on the host, without randomised addresses, and prints its maps
 * when it is about to end: at its system call exit_group.
 *
 *     maps_at_exit maps|smaps|peak PROGRAM [ARG...]
 *     maps_at_exit filter <SMAPS
 *
 * peak: how much memory it had at most, in KiB. filter: SMAPS in the form of smaps.
 *
 * smaps: for each area `START-END RIGHTS KIND ANONYMOUS`; KIND is `rss RSS` where the area has no
 * file (there the kernel maps nothing that was not asked for), else `-`. The program
 * has pipes; what it writes is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static void print_maps(FILE *file)
{
	char line[4096];

	while (fgets(line, sizeof(line), file) != NULL)
		fputs(line, stdout);
}

static void print_smaps(FILE *file)
{
	char line[4096], range[64] = "", rights[8] = "", name[64] = "";
	unsigned long inode = 0, kb, rss = 0;

	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%60[0-9a-f-] %7s %*s %*s %lu", range, rights, &inode) == 3) {
			name[0] = '\0';
			sscanf(line, "%*s %*s %*s %*s %*s %63s", name);
			continue;
		}
		if (sscanf(line, "Rss: %lu kB", &rss) == 1)
			continue;
		if (sscanf(line, "Anonymous: %lu kB", &kb) != 1)
			continue;
		if (strstr(name, "[v") != NULL)
			continue;
		if (inode == 0)
			printf("%s %s rss %lu %lu\n", range, rights, rss, kb);
		else
			printf("%s %s - %lu\n", range, rights, kb);
	}
}

static void print_peak(FILE *file)
{
	char line[4096];
	unsigned long kb;

	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "VmHWM: %lu kB", &kb) == 1)
			printf("%lu\n", kb);
	}
}

static const struct look {
	const char *name, *file;
	void (*fn)(FILE *file);
} looks[] = {
    {"maps", "maps", print_maps},
    {"smaps", "smaps", print_smaps},
    {"peak", "status", print_peak},
};

/* The look named WHAT, or NULL. */
static const struct look *look_find(const char *what)
{
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		if (strcmp(looks[i].name, what) == 0)
			return &looks[i];
	}
	return NULL;
}

static void print(const struct look *look, pid_t pid)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, look->file);
	file = fopen(path, "r");
	if (file == NULL) {
		perror(path);
		exit(1);
	}
	look->fn(file);
	fclose(file);
}

/* Run until CHILD, which is traced, is about to exit. False: it ended otherwise. */
static int run_to_exit(pid_t child)
{
	struct user_regs_struct regs;
	int status, signal = 0;

	ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	for (;;) {
		if (ptrace(PTRACE_SYSCALL, child, 0, signal) != 0 ||
		    waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status))
			return 0;
		signal = 0;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			signal = WSTOPSIG(status);
			continue;
		}
		ptrace(PTRACE_GETREGS, child, 0, &regs);
		if (regs.orig_rax == SYS_exit_group && regs.rax == (unsigned long)-ENOSYS)
			return 1;
	}
}

int main(int argc, char **argv)
{
	const struct look *look = argc > 2 ? look_find(argv[1]) : NULL;
	int status, in[2], out[2];
	pid_t child;

	if (argc == 2 && strcmp(argv[1], "filter") == 0) {
		print_smaps(stdin);
		return 0;
	}
	if (look == NULL) {
		fprintf(stderr, "usage: maps_at_exit maps|smaps|peak PROGRAM [ARG...]\n");
		return 2;
	}
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
		perror("pipe");
		return 1;
	}
	child = fork();
	if (child == 0) {
		/* A peak needs the true input, and to write as much as it likes. */
		bool peak = strcmp(argv[1], "peak") == 0;
		int output = peak ? open("/dev/null", O_WRONLY | O_CLOEXEC) : out[1];
		if (!peak)
			dup2(in[0], STDIN_FILENO);
		dup2(output, STDOUT_FILENO);
		dup2(output, STDERR_FILENO);
		personality(ADDR_NO_RANDOMIZE);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) || !run_to_exit(child)) {
		fprintf(stderr, "maps_at_exit: %s does not come to its exit\n", argv[2]);
		return 1;
	}
	print(look, child);
	return 0;
}
