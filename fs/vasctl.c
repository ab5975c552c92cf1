/*
 * vasctl.c - writes a command to a ctl file and prints its result. It is a program of its own, and
 * of the daemon it knows only the ctl file. docs/vasctl.1 says how to use it.
 */
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

static const char error_prefix[] = "error: ";

static int usage(FILE *stream, int status)
{
	fputs("Usage: vasctl DIR [COMMAND [ARG ...]]\n"
	      "Write COMMAND to DIR/ctl of a vasfs mount and print its result.\n"
	      "Without COMMAND, run the commands on standard input, one a line, up to the first "
	      "that fails.\n",
	      stream);
	return status;
}

/*
 * Print TEXT: an error on stderr, everything else on stdout. NUMBER, if not 0, replaces the line
 * number in the error.
 */
static void print_result(const char *text, unsigned long number)
{
	const char *error = g_str_has_prefix(text, error_prefix) ? text : strstr(text, "\nerror: ");
	const char *place = error != NULL ? g_strrstr(error, " (line ") : NULL;

	if (error == NULL) {
		fputs(text, stdout);
		return;
	}
	error += *error == '\n';
	printf("%.*s", (int)(error - text), text);
	fflush(stdout);
	if (number > 0 && place != NULL)
		fprintf(stderr, "%.*s (line %lu)\n", (int)(place - error), error, number);
	else
		fputs(error, stderr);
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t done = write(fd, text, len);

		/* Not again after EINTR: the command may have been carried out. */
		if (done < 0)
			return false;
		text += done;
		len -= (size_t)done;
	}
	return true;
}

/* Append all of FD, up to the end of the file, to TEXT. False with errno set if reading fails. */
static bool read_all(int fd, GString *text)
{
	char buf[64 * 1024];
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

/* Send LINE, which must end in a newline, and print its result. Returns an exit status. */
static int transact(int fd, const GString *line, unsigned long number)
{
	g_autoptr(GString) result = g_string_new(NULL);
	bool done = write_all(fd, line->str, line->len);
	int error = errno;
	bool answered = read_all(fd, result);

	print_result(result->str, number);
	if (!answered || (!done && result->len == 0))
		fprintf(stderr, "vasctl: %s\n", g_strerror(done ? errno : error));
	return done && answered ? 0 : EXIT_FAILED;
}

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
	return transact(fd, line, 0);
}

static int run_input(int fd)
{
	char *text = NULL;
	size_t room = 0;
	ssize_t len;
	int status = 0;

	for (unsigned long number = 1; status == 0 && (len = getline(&text, &room, stdin)) > 0;
	     number++) {
		g_autoptr(GString) line = g_string_new_len(text, len);

		if (text[len - 1] != '\n')
			g_string_append_c(line, '\n');
		status = transact(fd, line, number);
		fflush(stdout);
	}
	free(text);
	if (status == 0 && ferror(stdin)) {
		perror("vasctl: standard input");
		status = EXIT_FAILED;
	}
	return status;
}

static int run(const char *dir, char **words)
{
	g_autofree char *path = g_build_filename(dir, "ctl", NULL);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int status;

	if (fd < 0) {
		fprintf(stderr, "vasctl: %s: %s\n", path, g_strerror(errno));
		return EXIT_FAILED;
	}
	status = words[0] != NULL ? run_command(fd, words) : run_input(fd);
	close(fd);
	if (fflush(stdout) != 0) {
		perror("vasctl: standard output");
		return EXIT_FAILED;
	}
	return status;
}

int main(int argc, char **argv)
{
	if (argc >= 2 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0))
		return usage(stdout, 0);
	if (argc < 2 || argv[1][0] == '\0' || argv[1][0] == '-')
		return usage(stderr, EXIT_USAGE);
	return run(argv[1], argv + 2);
}
