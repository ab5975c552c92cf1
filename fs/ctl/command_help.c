/*
 * command_help.c - texts about commands, all from the tables.
 */
#include "fs/ctl/command_help.h"

#include <errno.h>
#include <string.h>

enum {
	USAGE_COLUMNS = 30, /* before the help of a command in the list */
	COLUMNS = 79,
	SIMILAR_MAX = 16, /* a longer name is similar to none */
};

const struct command *command_find(const struct command *commands, const char *name)
{
	while (commands->name != NULL && strcmp(commands->name, name) != 0)
		commands++;
	return commands->name != NULL ? commands : NULL;
}

/* --- The list --------------------------------------------------------------------------------- */

/* Name and arguments, with the last arguments left out where there is no room for all. */
static char *usage_in_columns(const struct command *command)
{
	g_autoptr(GString) usage = g_string_new(command->name);
	const char *rest = " ...";

	if (command->arguments[0] != '\0')
		g_string_append_printf(usage, " %s", command->arguments);
	if (usage->len <= USAGE_COLUMNS)
		return g_strdup(usage->str);
	while (usage->len + strlen(rest) > USAGE_COLUMNS)
		g_string_truncate(usage, (gsize)(strrchr(usage->str, ' ') - usage->str));
	return g_strconcat(usage->str, rest, NULL);
}

void command_help_list(GString *out, const struct command *commands)
{
	for (const struct command *c = commands; c->name != NULL; c++) {
		g_autofree char *usage = usage_in_columns(c);

		g_string_append_printf(out, "%-*s %s\n", USAGE_COLUMNS, usage, c->help);
	}
}

/* --- One command ------------------------------------------------------------------------------ */

/* Append the words that COMMAND takes, in lines. */
static void add_words(GString *out, const struct command *command)
{
	size_t start = out->len;

	if (command->words == NULL)
		return;
	g_string_append(out, "Words:");
	for (const struct word *word = command->words; word->name != NULL; word++) {
		if (out->len - start + 1 + strlen(word->name) > COLUMNS) {
			g_string_append(out, "\n ");
			start = out->len - 1;
		}
		g_string_append_printf(out, " %s", word->name);
	}
	g_string_append_c(out, '\n');
}

static void add_command(GString *out, const struct command *command)
{
	g_string_append_printf(out, "%s %s", command->name, command->arguments);
	while (out->str[out->len - 1] == ' ')
		g_string_truncate(out, out->len - 1);
	g_string_append_printf(out, "\n%s\n", command->help);
	if (command->more != NULL)
		g_string_append_printf(out, "%s\n", command->more);
	add_words(out, command);
}

/* --- Names that are not there ----------------------------------------------------------------- */

/*
 * How many slips make B of A: a letter too many, one missing, one wrong, or two that changed places
 * (Damerau and Levenshtein).
 */
static unsigned distance(const char *a, const char *b)
{
	unsigned cost[SIMILAR_MAX + 1][SIMILAR_MAX + 1];
	size_t height = strlen(a), width = strlen(b);

	if (height > SIMILAR_MAX || width > SIMILAR_MAX)
		return SIMILAR_MAX;
	for (unsigned i = 0; i <= height; i++) {
		for (unsigned j = 0; j <= width; j++) {
			if (i == 0 || j == 0) {
				cost[i][j] = i + j;
				continue;
			}
			cost[i][j] = MIN(cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
			                 1 + MIN(cost[i - 1][j], cost[i][j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				cost[i][j] = MIN(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	}
	return cost[height][width];
}

/* Whether NAME may have been meant for COMMAND: a slip in three letters, or the beginning of it. */
static bool is_similar(const char *name, const char *command)
{
	size_t len = strlen(name);

	return (len >= 2 && g_str_has_prefix(command, name)) ||
	       distance(name, command) <= CLAMP(len / 3, 1, 2);
}

static void add_names(GString *out, const struct command *commands, const char *similar_to)
{
	const char *separator = "";

	for (const struct command *c = commands; c->name != NULL; c++) {
		if (similar_to != NULL && !is_similar(similar_to, c->name))
			continue;
		g_string_append_printf(out, "%s%s", separator, c->name);
		separator = similar_to != NULL ? " or " : " ";
	}
}

char *command_help_unknown(const struct command *commands, const struct command *others,
                           bool here_is_machine, const char *name)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	g_autoptr(GString) names = g_string_new(NULL);

	if (command_find(others, name) != NULL)
		return g_strdup_printf("no such command here: it is one of %s, for %s",
		                       here_is_machine ? "a process" : "the machine",
		                       here_is_machine ? "PID/ctl" : "ctl in the mount");
	add_names(names, commands, lower);
	if (names->len > 0)
		return g_strdup_printf("no such command; did you mean %s?", names->str);
	add_names(names, commands, NULL);
	return g_strdup_printf("no such command; there are %s", names->str);
}

/* --- The command ------------------------------------------------------------------------------ */

int command_help_run(struct command_call *call)
{
	g_autoptr(GString) out = g_string_new(NULL);
	const char *name = call->words[1];

	if (name == NULL) {
		command_help_list(out, call->commands);
	} else {
		const struct command *command = command_find(call->commands, name);

		if (command == NULL) {
			g_autofree char *why = command_help_unknown(call->commands, call->others,
			                                            call->process == NULL, name);
			return command_fail(call, -EINVAL, "%s: %s", name, why);
		}
		add_command(out, command);
	}
	ctl_results_add(call->results, out->str, out->len);
	return 0;
}
