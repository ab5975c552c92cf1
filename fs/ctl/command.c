/*
 * command.c - runs one line of a ctl file: splits it into words, finds the command, reports errors.
 */
#include "fs/ctl/command.h"

#include "fs/ctl/command_table.h"
#include "util/text.h"

#include <errno.h>
#include <string.h>

/*
 * Return LINE in a form that g_shell_parse_argv reads correctly. A comment starts at a # that
 * begins a word; it is cut off. Every other # outside quotes is escaped, because GLib gets two
 * cases wrong: it takes a # after an escaped blank for a comment, and a # after a tab for none.
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

/* Add the result line of an error. People read it on terminals, and it has words of the caller. */
static void add_error(struct ctl_results *results, const char *name, int error, const char *why,
                      unsigned number)
{
	const char *symbol = strerrorname_np(-error);
	g_autoptr(GString) line = g_string_new(NULL);
	char nameless[16];

	g_snprintf(nameless, sizeof nameless, "%d", -error);
	g_autofree char *text =
	    g_strdup_printf("error: %s: %s: %s (line %u)", name, symbol != NULL ? symbol : nameless,
	                    why != NULL ? why : "unknown error", number);
	text_escaped(line, text, "");
	g_string_append_c(line, '\n');
	ctl_results_add(results, line->str, line->len);
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
		          call->why != NULL ? call->why
		                            : command_reason_find(command->reasons, error),
		          number);
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
	int result = run_words(call, number);
	vm_machine_tick(call->mount->machine);
	return result;
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
