/*
 * vasctl.c - writes commands to a ctl file and prints their results. It is a program of its own: of
 * the daemon it knows only the ctl file, and the tables of commands, for --list.
 * docs/man/vasctl.1.scd says how to use it.
 *
 * Commands on standard input go out many at a time: what a read gives, up to the last newline, is
 * one write. Then the results are read, up to the end of file. The daemon takes less than was
 * written if the results would be too many to keep: then they are read, and the rest is written.
 */
#include "fs/ctl/address.h"
#include "fs/ctl/command_help.h"
#include "fs/vasrun.h"
#include "util/number.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

enum { INPUT_MAX = 64 << 10, RESULT_PIECE = 128 << 10 };

static const char error_prefix[] = "error: ", place_prefix[] = " (line ";

static int usage(FILE *stream, int status)
{
	fputs("Usage: vasctl DIR [COMMAND [ARG ...]]\n"
	      "Write COMMAND to DIR/ctl of a vasfs mount and print its result. DIR is the\n"
	      "mount, or the directory of a process in it. Without COMMAND, run the commands\n"
	      "on standard input, one a line, up to the first that fails.\n"
	      "\n"
	      "  vasctl MOUNT run PROGRAM [ARG ...]  run a program in the machine: its output\n"
	      "                                  comes here, its input from here; exits as it\n"
	      "                                  does, or with 128 + the signal that ended it\n"
	      "  vasctl DIR help [COMMAND]       what commands there are; what one takes\n"
	      "  vasctl --list [DIR]             their names; without DIR those of both kinds\n"
	      "  vasctl --list DIR COMMAND [N]   the words that its Nth argument may be\n"
	      "  vasctl --help, --version\n",
	      stream);
	return status;
}

/* --- Results ---------------------------------------------------------------------------------- */

/* The last line of TEXT that is an error, or NULL. */
static const char *find_error(const char *text)
{
	const char *found = NULL;

	if (g_str_has_prefix(text, error_prefix))
		found = text;
	for (const char *next = text; (next = strstr(next, "\nerror: ")) != NULL;)
		found = ++next;
	return found;
}

/*
 * Print TEXT, the results of a write that failed: the error on stderr, what came before on stdout.
 * The daemon counts lines from the start of the write. BEFORE: how many came before it; negative:
 * there was only one command, so its line says nothing. False: there is no error in TEXT.
 */
static bool print_failure(const char *text, long before)
{
	const char *error = find_error(text);
	const char *place = error != NULL ? g_strrstr(error, place_prefix) : NULL;

	if (error == NULL) {
		fputs(text, stdout);
		fflush(stdout);
		return false;
	}
	fwrite(text, 1, (size_t)(error - text), stdout);
	fflush(stdout);
	if (place == NULL)
		fputs(error, stderr);
	else if (before < 0)
		fprintf(stderr, "%.*s\n", (int)(place - error), error);
	else
		fprintf(stderr, "%.*s (line %ld)\n", (int)(place - error), error,
		        before + atol(place + strlen(place_prefix)));
	return true;
}

/* Append all of FD, up to the end of the file, to TEXT. False with errno set if reading fails. */
static bool read_all(int fd, GString *text)
{
	static char buf[RESULT_PIECE];
	ssize_t got;

	while ((got = read(fd, buf, sizeof(buf))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		g_string_append_len(text, buf, got);
	}
	return true;
}

static long count_lines(const char *text, size_t len)
{
	const char *end = text + len;
	long lines = 0;

	for (; (text = memchr(text, '\n', (size_t)(end - text))) != NULL; text++)
		lines++;
	return lines;
}

/*
 * Send LEN bytes of whole lines, and print their results. BEFORE as in print_failure. Returns an
 * exit status.
 */
static int transact(int fd, const char *text, size_t len, long before)
{
	g_autoptr(GString) result = g_string_new(NULL);

	while (len > 0) {
		ssize_t done = write(fd, text, len);
		int error = errno;

		g_string_truncate(result, 0);
		bool answered = read_all(fd, result);
		if (!answered)
			error = errno;
		/* Not again after EINTR: the command may have been carried out. */
		if (done <= 0 || !answered) {
			if (!print_failure(result->str, before) || !answered)
				fprintf(stderr, "vasctl: %s\n", g_strerror(error));
			return EXIT_FAILED;
		}
		fwrite(result->str, 1, result->len, stdout);
		if (before >= 0)
			before += count_lines(text, (size_t)done);
		text += done;
		len -= (size_t)done;
	}
	return 0;
}

/* --- Commands --------------------------------------------------------------------------------- */

static bool is_plain(const char *word)
{
	return *word != '\0' &&
	       word[strspn(word, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-+,./:=@_%")] == '\0';
}

/* Join WORDS to one line. A single word with blanks in it is taken as a whole line already. */
static GString *join_words(char **words)
{
	GString *line = g_string_new(NULL);

	if (words[1] == NULL && strpbrk(words[0], " \t") != NULL) {
		g_string_append(line, words[0]);
	} else {
		for (char **word = words; *word != NULL; word++) {
			g_autofree char *quoted =
			    is_plain(*word) ? g_strdup(*word) : g_shell_quote(*word);

			g_string_append_printf(line, "%s%s", word == words ? "" : " ", quoted);
		}
	}
	g_string_append_c(line, '\n');
	return line;
}

static int run_command(int fd, char **words)
{
	g_autoptr(GString) line = NULL;

	for (char **word = words; *word != NULL; word++) {
		if (strchr(*word, '\n') != NULL) {
			fputs("vasctl: a command is one line, so its words cannot have a newline\n",
			      stderr);
			return EXIT_USAGE;
		}
	}
	line = join_words(words);
	return transact(fd, line->str, line->len, -1);
}

/* What was read of standard input and not sent yet: the beginning of a line. */
struct input {
	char text[INPUT_MAX + 1];
	size_t len;
	long sent; /* lines */
};

/*
 * Send the whole lines of INPUT, and keep the rest. At the END of the input, the rest is a line,
 * too. So is what fills all of INPUT: the daemon refuses a line that long.
 */
static int send_lines(int fd, struct input *input, bool end)
{
	const char *last = memrchr(input->text, '\n', input->len);
	size_t whole = last != NULL ? (size_t)(last - input->text) + 1 : 0;
	int status;

	if (end && whole < input->len)
		input->text[input->len++] = '\n';
	if (end || (whole == 0 && input->len == INPUT_MAX))
		whole = input->len;
	if (whole == 0)
		return 0;
	status = transact(fd, input->text, whole, input->sent);
	input->sent += count_lines(input->text, whole);
	input->len -= whole;
	memmove(input->text, input->text + whole, input->len);
	/* Who gives one line at a time waits for its result. */
	fflush(stdout);
	return status;
}

static int run_input(int fd)
{
	static struct input input;
	ssize_t got = 1;
	int status = 0;

	while (status == 0 && got != 0) {
		got = read(STDIN_FILENO, input.text + input.len, INPUT_MAX - input.len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			perror("vasctl: standard input");
			return EXIT_FAILED;
		}
		input.len += (size_t)got;
		status = send_lines(fd, &input, got == 0);
	}
	return status;
}

/* --- Directories ------------------------------------------------------------------------------ */

static bool has_file(const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);

	return access(path, F_OK) == 0;
}

/* DIR/ctl cannot be opened, for ERROR: say what is wrong with DIR. */
static int refuse_dir(const char *dir, int error)
{
	g_autofree char *name = g_path_get_basename(dir), *parent = g_path_get_dirname(dir);
	uint64_t pid;

	if (error == ENOENT && number_parse(name, &pid) && has_file(parent, "ctl"))
		fprintf(stderr, "vasctl: no process %s\n", name);
	else if (error == ENOENT || error == ENOTDIR)
		fprintf(stderr, "vasctl: %s is no mount of vasfs, and no process in one: %s\n", dir,
		        g_strerror(error));
	else
		fprintf(stderr, "vasctl: %s/ctl: %s\n", dir, g_strerror(error));
	return EXIT_FAILED;
}

static int run(const char *dir, char **words)
{
	g_autofree char *path = g_build_filename(dir, "ctl", NULL);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int status;

	if (fd < 0)
		return refuse_dir(dir, errno);
	if (words[0] != NULL && words[1] != NULL && strcmp(words[0], "run") == 0 &&
	    !has_file(dir, "maps")) {
		close(fd);
		return vasrun(dir, words + 1);
	}
	status = words[0] != NULL ? run_command(fd, words) : run_input(fd);
	close(fd);
	if (fflush(stdout) != 0) {
		perror("vasctl: standard output");
		return EXIT_FAILED;
	}
	return status;
}

/* --- Lists of words --------------------------------------------------------------------------- */

static void list_commands(const struct command *commands, const struct command *without)
{
	for (const struct command *c = commands; c->name != NULL; c++)
		if (without == NULL || command_find(without, c->name) == NULL)
			puts(c->name);
}

static void list_pids(const char *dir)
{
	GDir *entries = g_dir_open(dir, 0, NULL);
	const char *name;
	uint64_t pid;

	while (entries != NULL && (name = g_dir_read_name(entries)) != NULL)
		if (number_parse(name, &pid))
			puts(name);
	g_clear_pointer(&entries, g_dir_close);
}

/* Whether argument N of COMMAND is called NAME in its usage. */
static bool is_argument(const struct command *command, long n, const char *name)
{
	g_auto(GStrv) words = g_strsplit_set(command->arguments, " []", -1);
	long count = 0;

	for (char **word = words; *word != NULL; word++)
		if (**word != '\0' && ++count == n)
			return strcmp(*word, name) == 0;
	return false;
}

static void list_words(const char *dir, const struct command *commands,
                       const struct command *command, long n)
{
	if (n == command->words_at)
		for (const struct word *word = command->words; word->name != NULL; word++)
			puts(word->name);
	if (is_argument(command, n, "ADDR") || is_argument(command, n, "NEWADDR"))
		for (const char *const *name = address_names; *name != NULL; name++)
			puts(*name);
	if (is_argument(command, n, "COMMAND"))
		list_commands(commands, NULL);
	if (is_argument(command, n, "PID"))
		list_pids(dir);
}

/* WORDS: [DIR [COMMAND [N]]]. The daemon is not asked, so no result of others is replaced. */
static int list(char **words)
{
	const struct command *commands, *command;
	const char *dir = words[0];

	if (dir == NULL) {
		list_commands(machine_commands, NULL);
		list_commands(process_commands, machine_commands);
		return 0;
	}
	if (!has_file(dir, "ctl"))
		return refuse_dir(dir, ENOENT);
	commands = has_file(dir, "maps") ? process_commands : machine_commands;
	if (words[1] == NULL) {
		list_commands(commands, NULL);
		return 0;
	}
	command = command_find(commands, words[1]);
	if (command == NULL) {
		fprintf(stderr, "vasctl: %s has no command %s\n", dir, words[1]);
		return EXIT_FAILED;
	}
	list_words(dir, commands, command, words[2] != NULL ? atol(words[2]) : command->words_at);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr, EXIT_USAGE);
	if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)
		return usage(stdout, 0);
	if (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0) {
		puts("vasctl " VASFS_VERSION);
		return 0;
	}
	if (strcmp(argv[1], "--list") == 0)
		return argc <= 5 ? list(argv + 2) : usage(stderr, EXIT_USAGE);
	if (argv[1][0] == '\0' || argv[1][0] == '-')
		return usage(stderr, EXIT_USAGE);
	return run(argv[1], argv + 2);
}
