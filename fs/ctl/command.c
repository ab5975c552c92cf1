/*
 * command.c - one line of a ctl file: its words, its command, its answer.
 */
#include "fs/ctl/command.h"

#include "fs/host/hostfile.h"
#include "util/number.h"

#include <errno.h>
#include <string.h>

/* --- Lines ------------------------------------------------------------------------------------ */

/*
 * LINE as g_shell_parse_argv reads it right: without its comment, which starts at a # that begins a
 * word, and with every other # outside quotes escaped (GLib takes one after an escaped blank for a
 * comment, and none after a tab).
 */
static char *line_without_comment(const char *line)
{
	GString *out = g_string_new(NULL);
	bool in_word = false;
	char quote = 0;

	for (const char *c = line; *c != '\0'; c++) {
		bool blank = quote == 0 && (*c == ' ' || *c == '\t');

		if (quote == 0 && *c == '#') {
			if (!in_word)
				break;
			g_string_append_c(out, '\\');
		} else if (quote != '\'' && *c == '\\' && c[1] != '\0') {
			g_string_append_c(out, *c++);
		} else if (quote == 0 && (*c == '"' || *c == '\'')) {
			quote = *c;
		} else if (*c == quote) {
			quote = 0;
		}
		g_string_append_c(out, *c);
		in_word = !blank;
	}
	return g_string_free(out, FALSE);
}

static const struct command *find_command(const struct command *commands, const char *name)
{
	while (commands->name != NULL && strcmp(commands->name, name) != 0)
		commands++;
	return commands->name != NULL ? commands : NULL;
}

static const char *find_reason(const struct command *command, int error)
{
	const struct command_reason *reason = command->reasons;

	while (reason != NULL && reason->why != NULL && reason->error != -error)
		reason++;
	if (reason != NULL && reason->why != NULL)
		return reason->why;
	if (error == -ESRCH)
		return "the process has ended";
	return strerrordesc_np(-error);
}

/*
 * Add the line of an error. Readers are people at terminals: bytes that could command one are not
 * repeated.
 */
static void add_error(struct ctl_results *results, const char *name, int error, const char *why,
                      unsigned number)
{
	const char *symbol = strerrorname_np(-error);
	char nameless[16];

	g_snprintf(nameless, sizeof nameless, "%d", -error);
	g_autofree char *text =
	    g_strdup_printf("error: %s: %s: %s (line %u)", name, symbol != NULL ? symbol : nameless,
	                    why != NULL ? why : "unknown error", number);

	for (char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	ctl_results_add(results, text, strlen(text));
	ctl_results_add(results, "\n", 1);
}

int command_refuse(struct ctl_results *results, int error, const char *why, unsigned number)
{
	add_error(results, "line", error, why, number);
	return error;
}

static int call_command(struct command_call *call, const struct command *command)
{
	int given = call->count - 1;

	if (call->process != NULL && !vm_process_alive(call->process))
		return -ESRCH;
	if (given < command->min || (command->max >= 0 && given > command->max))
		return command_fail(call, -EINVAL, "wrong number of words: %s %s", command->name,
		                    command->arguments);
	return command->run(call);
}

static int run_words(struct command_call *call, unsigned number)
{
	const struct command *command = find_command(
	    call->process != NULL ? process_commands : machine_commands, call->words[0]);
	int error;

	if (command == NULL) {
		g_autofree char *name = g_strndup(call->words[0], 32);

		add_error(call->results, name, -EINVAL, "no such command", number);
		return -EINVAL;
	}
	error = call_command(call, command);
	if (error < 0)
		add_error(call->results, command->name, error,
		          call->why != NULL ? call->why : find_reason(command, error), number);
	g_clear_pointer(&call->why, g_free);
	return error;
}

int command_run(struct command_call *call, const char *line, size_t len, unsigned number)
{
	g_autofree char *copy = g_strndup(line, len);
	g_autofree char *text = NULL;
	g_auto(GStrv) words = NULL;
	g_autoptr(GError) error = NULL;

	if (strlen(copy) != len)
		return command_refuse(call->results, -EINVAL, "it has a NUL byte", number);
	text = line_without_comment(copy);
	if (text[strspn(text, " \t")] == '\0')
		return 0;
	if (!g_shell_parse_argv(text, &call->count, &words, &error))
		return command_refuse(call->results, -EINVAL,
		                      "a quote is not closed, or it ends in a backslash", number);
	call->words = words;
	return run_words(call, number);
}

GBytes *command_help(bool machine)
{
	GString *help =
	    g_string_new("# Commands, one a line; after writing, read this file for the result.\n");

	for (const struct command *c = machine ? machine_commands : process_commands;
	     c->name != NULL; c++) {
		g_autofree char *usage = g_strdup_printf("%s %s", c->name, c->arguments);

		if (strlen(usage) <= 36)
			g_string_append_printf(help, "%-36s  %s\n", usage, c->help);
		else
			g_string_append_printf(help, "%s\n%38s%s\n", usage, "", c->help);
	}
	return g_string_free_to_bytes(help);
}

/* --- Answers ---------------------------------------------------------------------------------- */

void command_answer(struct command_call *call, const char *format, ...)
{
	g_autofree char *line = NULL;
	va_list args;

	va_start(args, format);
	line = g_strdup_vprintf(format, args);
	va_end(args);
	ctl_results_add(call->results, line, strlen(line));
	ctl_results_add(call->results, "\n", 1);
}

int command_done(struct command_call *call, int64_t result)
{
	if (result < 0)
		return (int)result;
	command_answer(call, "%" G_GINT64_FORMAT, result);
	return 0;
}

int command_done_address(struct command_call *call, int64_t result)
{
	if (result < 0)
		return (int)result;
	command_answer(call, "0x%" G_GINT64_MODIFIER "x", (uint64_t)result);
	return 0;
}

int command_fail(struct command_call *call, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_free(call->why);
	call->why = g_strdup_vprintf(format, args);
	va_end(args);
	return error;
}

void command_blame(struct command_call *call, bool is_reason, const char *why)
{
	if (is_reason && call->why == NULL)
		call->why = g_strdup(why);
}

/* --- Arguments -------------------------------------------------------------------------------- */

bool command_number(struct command_call *call, int index, const char *name, uint64_t *value)
{
	if (number_parse(call->words[index], value))
		return true;
	command_fail(call, -EINVAL, "%s must be a number below 2^64, decimal or 0x hex, not '%s'",
	             name, call->words[index]);
	return false;
}

bool command_size(struct command_call *call, int index, const char *name, uint64_t *value)
{
	if (size_parse(call->words[index], value))
		return true;
	command_fail(call, -EINVAL,
	             "%s must be a number of bytes below 2^64, with K, M, G or T, not '%s'", name,
	             call->words[index]);
	return false;
}

bool command_words(struct command_call *call, int index, const struct word *table, uint64_t *bits)
{
	g_autofree char *unknown = words_parse(table, call->words[index], bits);
	g_autoptr(GString) known = g_string_new(NULL);

	if (unknown == NULL)
		return true;
	for (; table->name != NULL; table++)
		g_string_append_printf(known, " %s", table->name);
	command_fail(call, -EINVAL, "unknown word '%s': known are%s", unknown, known->str);
	return false;
}

bool command_prot(struct command_call *call, int index, bool growsdown, int *prot)
{
	if (prot_parse(call->words[index], growsdown, prot))
		return true;
	command_fail(call, -EINVAL, "PROT must be three letters like rw- or r-x, not '%s'",
	             call->words[index]);
	return false;
}

bool command_signal(struct command_call *call, int index, int *number)
{
	if (signal_parse(call->words[index], number))
		return true;
	command_fail(call, -EINVAL, "no such signal: '%s'", call->words[index]);
	return false;
}

/* --- Host files ------------------------------------------------------------------------------- */

static const struct command_reason file_reasons[] = {
    {EINVAL, "it is relative, and your working directory is not known"},
    {ENODEV, "not a regular file"},
    {ELOOP, "it lies inside this mount, or there are too many symbolic links"},
    {EPERM, "this vasfs does not run as root, so it opens files for its own user only"},
    {0, NULL},
};

static const struct command_reason exec_reasons[] = {
    {EINVAL, "it is relative, and your working directory is not known"},
    {ELOOP, "it lies inside this mount, or there are too many symbolic links or interpreters"},
    {EPERM, "this vasfs does not run as root, so it opens files for its own user only"},
    {EACCES, "not a regular file that you may read and execute"},
    {ENOENT, "no such file, or its interpreter or a library is missing"},
    {ENOEXEC, "not an x86-64 program or script, or it is damaged"},
    {E2BIG, "arguments and environment are too long"},
    {ENOMEM, "out of memory; the old program goes on"},
    {0, NULL},
};

static int blame_path(struct command_call *call, const struct command_reason *reasons,
                      const char *path, int error)
{
	const struct command holder = {.reasons = reasons};

	return command_fail(call, error, "%s: %s", path, find_reason(&holder, error));
}

struct vm_file *command_file(struct command_call *call, int index, int access, int *error)
{
	struct vm_file *file =
	    hostfile_open(call->mount, call->caller, call->words[index], access, error);

	if (file == NULL)
		blame_path(call, file_reasons, call->words[index], *error);
	return file;
}

static bool exec_is_kernel_only(const struct command_call *call, int index)
{
	return strcmp(call->words[index], "-k") == 0;
}

const char *command_exec_path(struct command_call *call, int index)
{
	const char *path = call->words[index + exec_is_kernel_only(call, index)];

	command_blame(call, path == NULL, "PATH is missing");
	return path;
}

int command_exec(struct command_call *call, struct vm_process *process, int index, uint64_t *entry)
{
	struct hostfile_context context = {call->mount, call->caller};
	const struct vm_exec_args args = {
	    .path = command_exec_path(call, index),
	    .argv = (const char *const *)call->words + index + exec_is_kernel_only(call, index),
	    .opener = hostfile_opener(&context),
	    .kernel_only = exec_is_kernel_only(call, index),
	};
	int error;

	if (args.path == NULL)
		return -EINVAL;
	error = vm_exec(process, &args, entry);
	return error < 0 ? blame_path(call, exec_reasons, args.path, error) : 0;
}
