/*
 * command.c - runs one line of a ctl file: splits it into words, finds the command, reports errors.
 */
#include "fs/ctl/command.h"

#include "fs/ctl/address.h"
#include "fs/ctl/command_help.h"
#include "fs/ctl/command_table.h"
#include "fs/ctl/command_why.h"
#include "util/text.h"

#include <errno.h>
#include <string.h>

/*
 * Append the word in TEXT, which begins behind $', to OUT, quoted in another way: GLib does not
 * know $'...', in which a backslash stands for what it does in C. So a word can have a newline.
 * Returns where the word ends in TEXT, at its last quote, or NULL: it has no end.
 */
static const char *append_escaped(const char *text, GString *out)
{
	const char *end = text;

	while (*end != '\0' && *end != '\'')
		end += end[0] == '\\' && end[1] != '\0' ? 2 : 1;
	if (*end == '\0')
		return NULL;
	g_autofree char *word = g_strndup(text, (gsize)(end - text));
	g_autofree char *bytes = g_strcompress(word), *quoted = g_shell_quote(bytes);
	g_string_append(out, quoted);
	return end;
}

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
		const char *end =
		    quote == 0 && c[0] == '$' && c[1] == '\'' ? append_escaped(c + 2, out) : NULL;

		if (end != NULL) {
			c = end;
			in_word = true;
			continue;
		}
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
	vm_reason_clear();
	return command->run(call);
}

static int refuse_unknown(struct command_call *call, unsigned number)
{
	g_autofree char *name = g_strndup(call->words[0], 32);
	g_autofree char *why =
	    command_help_unknown(call->commands, call->others, call->process == NULL, name);

	add_error(call->results, name, -EINVAL, why, number);
	return -EINVAL;
}

/* If a decimal address may have been meant as hex, note the question. */
static void ask_for_hex(struct command_call *call)
{
	for (int i = 1; call->addresses >> i != 0 && call->note == NULL; i++)
		if (call->addresses >> i & 1)
			call->note = address_question(call->process, call->words[i]);
}

/*
 * Add the error line of COMMAND, with the sentence that says most: that of the command, of the
 * engine, of the row, or of the errno.
 */
static void explain(struct command_call *call, const struct command *command, int error,
                    unsigned number)
{
	g_autofree char *noted = NULL, *all = NULL;
	const char *why = call->why;

	if (why == NULL)
		why = noted = why_sentence(call->mount->machine, error);
	if (why == NULL)
		why = command_reason_find(command->reasons, error);
	ask_for_hex(call);
	if (why != NULL && call->note != NULL)
		why = all = g_strdup_printf("%s; %s", why, call->note);
	add_error(call->results, command->name, error, why, number);
}

static int run_words(struct command_call *call, unsigned number)
{
	bool machine = call->process == NULL;
	int error;

	call->commands = machine ? machine_commands : process_commands;
	call->others = machine ? process_commands : machine_commands;
	call->addresses = 0;
	const struct command *command = command_find(call->commands, call->words[0]);
	if (command == NULL)
		error = refuse_unknown(call, number);
	else if ((error = call_command(call, command)) < 0)
		explain(call, command, error, number);
	g_clear_pointer(&call->why, g_free);
	g_clear_pointer(&call->note, g_free);
	command_tick(call);
	call->ticked = false;
	return error;
}

/*
 * Split TEXT, which has nothing that a shell would look at, into words: pointers into TEXT, which
 * is changed. Most lines are like that, and a script may have millions. Free with g_free.
 */
static char **split_plain(char *text, int *count)
{
	enum { FIRST_ROOM = 8 };
	size_t room = FIRST_ROOM;
	char **words = g_new(char *, room), *place = NULL;

	*count = 0;
	for (char *word = strtok_r(text, " \t", &place); word != NULL;
	     word = strtok_r(NULL, " \t", &place)) {
		if ((size_t)*count + 1 == room)
			words = g_renew(char *, words, room *= 2);
		words[(*count)++] = word;
	}
	words[*count] = NULL;
	return words;
}

/* A line with quotes, backslashes or a comment. */
static int run_shell_line(struct command_call *call, const char *copy, unsigned number)
{
	g_autofree char *text = line_without_comment(copy);
	g_auto(GStrv) words = NULL;

	if (text[strspn(text, " \t")] == '\0')
		return 0;
	if (!g_shell_parse_argv(text, &call->count, &words, NULL))
		return command_refuse(call->results, -EINVAL,
		                      "a quote is not closed, or it ends in a backslash", number);
	call->words = words;
	return run_words(call, number);
}

int command_run(struct command_call *call, const char *line, size_t len, unsigned number)
{
	g_autofree char *copy = g_strndup(line, len);
	g_autofree char **words = NULL;

	if (strlen(copy) != len)
		return command_refuse(call->results, -EINVAL, "it has a NUL byte", number);
	if (strpbrk(copy, "\"'\\#") != NULL)
		return run_shell_line(call, copy, number);
	call->words = words = split_plain(copy, &call->count);
	return call->count > 0 ? run_words(call, number) : 0;
}

GBytes *command_help(bool machine)
{
	GString *help = g_string_new("# Commands, one a line; after writing, read this file for "
	                             "the result.\n# help COMMAND says what one takes.\n");

	command_help_list(help, machine ? machine_commands : process_commands);
	return g_string_free_to_bytes(help);
}
