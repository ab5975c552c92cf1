/*
 * vasrun.c - see vasrun.h. It knows the daemon only by the files of the mount.
 *
 *     spawn, setenv for each variable, exec -k, run       commands to MOUNT/ctl and PID/ctl
 *     PID/console                                          opened before, so nothing is missed
 *     PID/wait                                             tells how it ended
 *
 * Of standard input no more is taken than the program wants: the next piece when the console says
 * that the former was read.
 */
#include "fs/vasrun.h"

#include "util/number.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	EXIT_US = 125, /* the program did not come to run, for a reason of ours */
	EXIT_CANNOT_RUN = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL = 128,
	LINE_MOST = 4095, /* bytes of a command that the daemon takes */
	PIECE = 64 << 10,
	STOPPED_MS = 200, /* how often to look whether a stopped program goes on */
	BROKEN_MS = 1000, /* how long a program may live on when nobody reads its output */
};

struct vasrun {
	const char *mount;
	char *pid;
	int ctl;                   /* PID/ctl */
	int output, input, waiter; /* PID/console twice, PID/wait; -1: closed */
	bool wants;                /* the console has taken all of standard input so far */
	bool broken;               /* nobody reads standard output */
	int status;                /* -1: it has not ended */
};

/* --- The program ------------------------------------------------------------------------------ */

static bool is_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	if (S_ISDIR(st.st_mode))
		errno = EISDIR;
	else if (!S_ISREG(st.st_mode))
		errno = EACCES;
	else
		return access(path, X_OK) == 0;
	return false;
}

/* The path of PROGRAM, found as a shell finds it. Free with g_free. NULL with *STATUS set. */
static char *find_program(const char *program, int *status)
{
	const char *path = getenv("PATH");
	int error = ENOENT;

	g_auto(GStrv) dirs =
	    g_strsplit(path != NULL ? path : "/usr/local/bin:/usr/bin:/bin", ":", -1);
	if (strchr(program, '/') != NULL) {
		if (is_program(program))
			return g_strdup(program);
		error = errno;
	}
	for (char **dir = dirs; *dir != NULL && strchr(program, '/') == NULL; dir++) {
		g_autofree char *file = g_build_filename(**dir != '\0' ? *dir : ".", program, NULL);
		if (*program != '\0' && is_program(file))
			return g_steal_pointer(&file);
		if (errno == EACCES)
			error = EACCES;
	}
	bool missing = error == ENOENT || error == ENOTDIR;
	fprintf(stderr, "vasctl: %s: %s\n", program, missing ? "not found" : g_strerror(error));
	*status = missing ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	return NULL;
}

/* --- Commands --------------------------------------------------------------------------------- */

/* WORD as a line of a ctl file can have it. A newline needs $'...'. */
static char *quote(const char *word)
{
	if (strchr(word, '\n') != NULL) {
		g_autofree char *escaped = g_strescape(word, NULL);
		g_autoptr(GString) text = g_string_new(escaped);
		g_string_replace(text, "'", "\\'", 0);
		return g_strdup_printf("$'%s'", text->str);
	}
	return word[0] != '\0' && strspn(word, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS
	                                 "-+,./:=@_%") == strlen(word)
	           ? g_strdup(word)
	           : g_shell_quote(word);
}

/* Append all that FD has to TEXT. */
static void read_all(int fd, GString *text)
{
	char buf[4096];
	ssize_t got;

	while ((got = read(fd, buf, sizeof(buf))) > 0 || (got < 0 && errno == EINTR))
		if (got > 0)
			g_string_append_len(text, buf, got);
}

/* The error in RESULT, without the number of its line. */
static void print_error(const char *result, int error)
{
	const char *found = g_strrstr(result, "error: ");
	const char *place = found != NULL ? g_strrstr(found, " (line ") : NULL;

	if (place != NULL)
		fprintf(stderr, "vasctl: %.*s\n", (int)(place - found - 7), found + 7);
	else
		fprintf(stderr, "vasctl: %s\n", g_strerror(error));
}

/*
 * Run the commands in TEXT. 0, or an errno after it was printed. RESULT (or NULL) gets the answers.
 */
static int command(int ctl, const GString *text, GString *result)
{
	g_autoptr(GString) answers = g_string_new(NULL);
	size_t done = 0;

	while (done < text->len) {
		ssize_t taken = write(ctl, text->str + done, text->len - done);
		int error = errno;

		if (taken <= 0)
			g_string_truncate(answers, 0);
		read_all(ctl, answers);
		if (taken <= 0) {
			print_error(answers->str, error);
			return error;
		}
		done += (size_t)taken;
	}
	if (result != NULL)
		g_string_append(result, answers->str);
	return 0;
}

static int open_file(const struct vasrun *run, const char *name, int flags)
{
	g_autofree char *path = g_build_filename(run->mount, run->pid, name, NULL);
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		fprintf(stderr, "vasctl: %s: %s\n", path, g_strerror(errno));
	return fd;
}

/* --- Beginning -------------------------------------------------------------------------------- */

/* Make the process, named after PATH. */
static bool spawn(struct vasrun *run, const char *path)
{
	g_autofree char *name = g_path_get_basename(path), *quoted = quote(name);
	g_autofree char *ctl = g_build_filename(run->mount, "ctl", NULL);
	g_autoptr(GString) line = g_string_new(NULL), result = g_string_new(NULL);
	int fd = open(ctl, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "vasctl: %s: %s\n", ctl, g_strerror(errno));
		return false;
	}
	g_string_printf(line, "spawn %s\n", quoted);
	int error = command(fd, line, result);
	close(fd);
	run->pid = g_strdup(g_strchomp(result->str));
	return error == 0;
}

/*
 * Give it our environment, but for variables that make no line of a command: it has 4 KiB at most.
 */
static bool set_environment(const struct vasrun *run)
{
	g_autoptr(GString) lines = g_string_new(NULL);
	g_auto(GStrv) all = g_get_environ();

	for (char **variable = all; *variable != NULL; variable++) {
		const char *equals = strchr(*variable, '=');

		if (equals == NULL || equals == *variable)
			continue;
		g_autofree char *name = g_strndup(*variable, (gsize)(equals - *variable));
		g_autofree char *quoted = quote(name), *value = quote(equals + 1);
		g_autofree char *line = g_strdup_printf("setenv %s %s\n", quoted, value);
		if (strlen(line) <= LINE_MOST)
			g_string_append(lines, line);
	}
	return command(run->ctl, lines, NULL) == 0;
}

/* 0 or the status to exit with. */
static int exec(const struct vasrun *run, const char *path, char **words)
{
	g_autofree char *quoted = quote(path);
	g_autoptr(GString) line = g_string_new("exec -k ");

	g_string_append(line, quoted);
	for (char **word = words + 1; *word != NULL; word++) {
		g_autofree char *argument = quote(*word);
		g_string_append_printf(line, " %s", argument);
	}
	g_string_append_c(line, '\n');
	switch (command(run->ctl, line, NULL)) {
	case 0:
		return 0;
	case ENOENT:
		return EXIT_NOT_FOUND;
	default:
		return EXIT_CANNOT_RUN;
	}
}

/* Let the program run, with all its files open. 0 or the status to exit with. */
static int begin(struct vasrun *run, const char *path, char **words)
{
	g_autoptr(GString) go = g_string_new("run\n");

	if (!spawn(run, path) || (run->ctl = open_file(run, "ctl", O_RDWR)) < 0)
		return EXIT_US;
	if (!set_environment(run))
		return EXIT_US;
	int status = exec(run, path, words);
	if (status != 0)
		return status;
	run->output = open_file(run, "console", O_RDONLY | O_NONBLOCK);
	run->input = open_file(run, "console", O_WRONLY | O_NONBLOCK);
	if (run->output < 0 || run->input < 0 || command(run->ctl, go, NULL) != 0)
		return EXIT_US;
	run->waiter = open_file(run, "wait", O_RDONLY);
	return run->waiter >= 0 ? 0 : EXIT_US;
}

/* --- Signals ---------------------------------------------------------------------------------- */

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static volatile sig_atomic_t caught; /* the last one, until it is passed on */

/* The first goes to the program. Who sends another one means us. */
static void on_signal(int number)
{
	static volatile sig_atomic_t count;

	if (++count > 1)
		_exit(EXIT_SIGNAL + number);
	caught = number;
}

/* Block them, so that only poll lets them in. */
static void catch_signals(sigset_t *before)
{
	struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART */
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < G_N_ELEMENTS(passed_on); i++) {
		sigaddset(&set, passed_on[i]);
		sigaction(passed_on[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, before);
}

static void send_signal(int ctl, int number)
{
	g_autofree char *line = g_strdup_printf("kill %d\n", number);
	char buf[256];

	/* It may have ended, which is no error. */
	if (write(ctl, line, strlen(line)) < 0)
		return;
	while (read(ctl, buf, sizeof(buf)) > 0)
		;
}

/* Whether the process PID is in the group that the program leads: the fifth field of its stat. */
static bool is_in_group(const struct vasrun *run, const char *pid)
{
	g_autofree char *path = g_build_filename(run->mount, pid, "stat", NULL);
	g_autofree char *text = NULL;
	int parent, group;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return false;
	/* A name may contain anything, but behind it is the last parenthesis. */
	const char *behind = strrchr(text, ')');
	return behind != NULL && sscanf(behind, ") %*c %d %d", &parent, &group) == 2 &&
	       group == atoi(run->pid);
}

/* Send a signal to all processes of the program's group, as a terminal does for Ctrl-C. */
static void signal_group(const struct vasrun *run, int number)
{
	GDir *dir = g_dir_open(run->mount, 0, NULL);
	const char *name;

	if (dir == NULL)
		return;
	while ((name = g_dir_read_name(dir)) != NULL) {
		if (!g_ascii_isdigit(name[0]) || !is_in_group(run, name))
			continue;
		g_autofree char *path = g_build_filename(run->mount, name, "ctl", NULL);
		int ctl = open(path, O_RDWR | O_CLOEXEC);
		if (ctl < 0)
			continue;
		send_signal(ctl, number);
		close(ctl);
	}
	g_dir_close(dir);
}

/* --- Copying ---------------------------------------------------------------------------------- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Write all to standard output, which may be slow: signals end the wait, and are passed on. */
static void print(struct vasrun *run, const sigset_t *open_mask, const char *text, size_t len)
{
	while (len > 0 && !run->broken) {
		struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
		ssize_t done = -1;

		if (ppoll(&out, 1, NULL, open_mask) > 0)
			/* PIPE_BUF: so much a pipe takes at once. */
			done = write(STDOUT_FILENO, text, MIN(len, 4096));
		if (done >= 0) {
			text += done;
			len -= (size_t)done;
		} else if (errno == EINTR) {
			if (caught != 0)
				signal_group(run, caught);
			caught = 0;
		} else if (errno != EAGAIN) {
			/* What the kernel does to a program whose pipe has no reader. */
			run->broken = true;
			send_signal(run->ctl, SIGPIPE);
		}
	}
}

/* Copy what the console has. False: that was all, for ever or for now. */
static bool copy_output(struct vasrun *run, const sigset_t *open_mask)
{
	static char buf[PIECE];
	ssize_t got = read(run->output, buf, sizeof(buf));

	if (got > 0)
		print(run, open_mask, buf, (size_t)got);
	else if (got == 0)
		close_fd(&run->output);
	return got > 0;
}

/* Type LEN bytes. False: nobody can read them any more. */
static bool type(const struct vasrun *run, const char *text, size_t len)
{
	while (len > 0) {
		struct pollfd room = {.fd = run->input, .events = POLLOUT};
		ssize_t done = write(run->input, text, len);

		if (done > 0) {
			text += done;
			len -= (size_t)done;
		} else if (errno != EAGAIN && errno != EINTR) {
			return false;
		} else {
			poll(&room, 1, STOPPED_MS);
		}
	}
	return true;
}

/* Copy a piece of standard input. At its end, end that of the program. */
static void copy_input(struct vasrun *run)
{
	static char buf[PIECE];
	ssize_t got = read(STDIN_FILENO, buf, sizeof(buf));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	run->wants = false;
	if (got <= 0 || !type(run, buf, (size_t)got))
		close_fd(&run->input);
}

/* PID/wait has something: the end of the program, or that it is stopped. */
static void look_at_end(struct vasrun *run)
{
	char line[128] = "";
	int number = 0;
	ssize_t got = read(run->waiter, line, sizeof(line) - 1);

	close_fd(&run->waiter);
	if (got < 0) {
		fprintf(stderr, "vasctl: process %s: %s\n", run->pid, g_strerror(errno));
		run->status = EXIT_US;
	} else if (sscanf(line, "exited %d", &number) == 1) {
		run->status = number;
	} else if (sscanf(line, "signal %d", &number) == 1) {
		run->status = EXIT_SIGNAL + number;
	}
}

/* Wait until something is to be done, and do it. */
static void step(struct vasrun *run, const sigset_t *open_mask)
{
	const struct timespec pause = {.tv_nsec = STOPPED_MS * 1000000L};
	struct pollfd fds[] = {
	    {.fd = run->output, .events = POLLIN},
	    {.fd = run->waiter, .events = POLLIN},
	    {.fd = run->wants || run->input < 0 ? -1 : run->input, .events = POLLOUT},
	    {.fd = run->wants && run->input >= 0 ? STDIN_FILENO : -1, .events = POLLIN},
	};

	if (run->waiter < 0)
		run->waiter = fds[1].fd = open_file(run, "wait", O_RDONLY);
	int ready = ppoll(fds, G_N_ELEMENTS(fds), &pause, open_mask);
	if (caught != 0)
		signal_group(run, caught);
	caught = 0;
	if (ready <= 0)
		return;
	if (fds[0].revents != 0)
		copy_output(run, open_mask);
	if (fds[2].revents != 0)
		run->wants = true;
	if (fds[3].revents != 0)
		copy_input(run);
	if (fds[1].revents != 0)
		look_at_end(run);
}

/* Returns the status to exit with. */
static int copy_until_end(struct vasrun *run)
{
	gint64 broken_at = 0;
	sigset_t open_mask;

	catch_signals(&open_mask);
	while (run->status < 0) {
		step(run, &open_mask);
		if (run->broken && broken_at == 0)
			broken_at = g_get_monotonic_time();
		if (run->broken && g_get_monotonic_time() - broken_at > BROKEN_MS * 1000)
			send_signal(run->ctl, SIGKILL);
	}
	/*
	 * What it wrote before it ended is there. Its children may live on: they are not waited
	 * for.
	 */
	while (run->output >= 0 && copy_output(run, &open_mask))
		;
	return run->status;
}

int vasrun(const char *mount, char **words)
{
	struct vasrun run = {
	    .mount = mount, .ctl = -1, .output = -1, .input = -1, .waiter = -1, .status = -1};
	int status;

	g_autofree char *path = find_program(words[0], &status);
	if (path == NULL)
		return status;
	status = begin(&run, path, words);
	if (status == 0)
		status = copy_until_end(&run);
	else if (run.ctl >= 0)
		send_signal(run.ctl, SIGKILL);
	close_fd(&run.input);
	close_fd(&run.output);
	close_fd(&run.waiter);
	close_fd(&run.ctl);
	g_free(run.pid);
	return status;
}
