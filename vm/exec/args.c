/*
 * args.c - the argument and environment strings of an exec, and the #! lines that change them.
 *
 * Follows copy_strings and bprm_stack_limits of Linux's fs/exec.c, and load_script of
 * fs/binfmt_script.c.
 */
#include "vm/base/lock.h"
#include "vm/exec/exec.h"
#include "vm/process/environ.h"
#include "vm/space/limits.h"

#include <errno.h>
#include <string.h>

#define MAX_STRING (32 * (uint64_t)VM_PAGE_SIZE) /* bytes with the NUL: MAX_ARG_STRLEN */
#define LEAST_ROOM (UINT64_C(128) << 10)         /* bytes always allowed: ARG_MAX */
#define MOST_ROOM (UINT64_C(6) << 20)            /* bytes never exceeded: _STK_LIM / 4 * 3 */

/* The string at I in ARRAY. */
static char **string_at(const struct array *array, size_t i)
{
	return &ARRAY_AT(array, char *, i);
}

/* Free the strings in ARRAY, those that are not NULL, and the array. */
static void clear_strings(struct array *array)
{
	for (size_t i = 0; i < array->len; i++)
		g_free(*string_at(array, i));
	array_clear(array);
}

/* Append a copy of the SIZE bytes at TEXT to ARRAY. 0 or -ENOMEM. */
static int append_copy(struct array *array, const char *text, size_t size)
{
	char *copy = g_try_malloc(size), **place;

	if (copy == NULL)
		return -ENOMEM;
	place = array_add(array, sizeof *place);
	if (place == NULL) {
		g_free(copy);
		return -ENOMEM;
	}
	*place = memcpy(copy, text, size);
	return 0;
}

/* Count TEXT against the limit, and append a copy to ARRAY unless that is NULL. -E2BIG, -ENOMEM. */
static int add_string(struct exec_strings *strings, struct array *array, const char *text)
{
	size_t size = strnlen(text, MAX_STRING) + 1;

	if (size > MAX_STRING || strings->size + size > strings->limit)
		return -E2BIG;
	strings->size += size;
	return array != NULL ? append_copy(array, text, size) : 0;
}

static int add_strings(struct exec_strings *strings, struct array *array, const char *const *texts)
{
	int error = 0;

	for (size_t i = 0; error == 0 && texts[i] != NULL; i++)
		error = add_string(strings, array, texts[i]);
	return error;
}

static size_t count_strings(const char *const *texts)
{
	size_t count = 0;

	while (texts != NULL && texts[count] != NULL)
		count++;
	return count;
}

/*
 * Set the limit of STRINGS for a stack limit of STACK bytes (bprm_stack_limits). The pointers to
 * the strings are on the stack, too, and are subtracted. -E2BIG: nothing is left for the strings.
 */
static int set_limit(struct exec_strings *strings, const char *const *argv, const char *const *envp,
                     uint64_t stack)
{
	uint64_t room = MAX(MIN(stack / 4, MOST_ROOM), LEAST_ROOM);
	size_t count = MAX(count_strings(argv), 1) + count_strings(envp);

	if (count >= room / sizeof(uint64_t))
		return -E2BIG;
	strings->limit = room - count * sizeof(uint64_t);
	return 0;
}

static int copy_strings(struct exec_strings *strings, const struct vm_exec_args *args,
                        const char *const *envp, uint64_t stack)
{
	int error = set_limit(strings, args->argv, envp, stack);

	/* In Linux's order: do_execveat_common. */
	if (error == 0)
		error = add_string(strings, NULL, strings->filename);
	if (error == 0 && envp != NULL)
		error = add_strings(strings, &strings->envp, envp);
	if (error == 0 && args->argv != NULL)
		error = add_strings(strings, &strings->argv, args->argv);
	if (error == 0 && strings->argv.len == 0)
		error = add_string(strings, &strings->argv, "");
	return error;
}

int exec_strings_init(struct exec_strings *strings, const struct vm_exec_args *args,
                      struct vm_process *process)
{
	*strings = (struct exec_strings){
	    .filename = g_strdup(args->path),
	};
	/* The lock keeps the environment and the limits of PROCESS as they are while we copy. */
	process_read_lock(process);
	const char *const *envp =
	    args->envp != NULL ? args->envp : (const char *const *)environ_variables(process);
	int error = -ESRCH;
	if (process->space != NULL)
		error = copy_strings(strings, args, envp, limits_soft(process, VM_LIMIT_STACK));
	process_unlock(process);
	return error;
}

void exec_strings_clear(struct exec_strings *strings)
{
	g_free(strings->filename);
	clear_strings(&strings->argv);
	clear_strings(&strings->envp);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The first character in [FIRST, LAST] that is not a blank, or NULL: next_non_spacetab. */
static const char *skip_blanks(const char *first, const char *last)
{
	for (; first <= last; first++)
		if (!is_blank(*first))
			return first;
	return NULL;
}

/* The first character in [FIRST, LAST] that is a blank or NUL, or NULL: next_terminator. */
static const char *find_terminator(const char *first, const char *last)
{
	for (; first <= last; first++)
		if (is_blank(*first) || *first == '\0')
			return first;
	return NULL;
}

/*
 * Where the line ends, without blanks before its end: at the newline, or at the last byte of HEAD
 * if there is none. NULL: there is no newline, and the interpreter's name may be cut off.
 */
static const char *line_end(const char *head)
{
	const char *last = head + SCRIPT_HEAD - 1;
	const char *end = memchr(head, '\n', strnlen(head, SCRIPT_HEAD));

	if (end == NULL) {
		const char *name = skip_blanks(head + 2, last);
		if (name == NULL || find_terminator(name, last) == NULL)
			return NULL;
		end = last;
	}
	while (is_blank(end[-1]))
		end--;
	return end;
}

/* A copy of TEXT up to END, or up to a NUL before that. */
static char *copy_text(const char *text, const char *end)
{
	return g_strndup(text, (size_t)(end - text));
}

int script_parse(const char head[static SCRIPT_HEAD], struct script *script)
{
	*script = (struct script){0};
	if (head[0] != '#' || head[1] != '!')
		return -ENOEXEC;
	const char *end = line_end(head);
	if (end == NULL)
		return -ENOEXEC;
	const char *name = skip_blanks(head + 2, end);
	if (name == NULL || name == end)
		return -ENOEXEC;
	/* All that follows the name is one argument, blanks included. */
	const char *separator = find_terminator(name, end);
	const char *argument =
	    separator != NULL && *separator != '\0' ? skip_blanks(separator, end) : NULL;
	script->interpreter = copy_text(name, argument != NULL ? separator : end);
	script->argument = argument != NULL ? copy_text(argument, end) : NULL;
	return 0;
}

void script_clear(struct script *script)
{
	g_clear_pointer(&script->interpreter, g_free);
	g_clear_pointer(&script->argument, g_free);
}

int exec_strings_interpret(struct exec_strings *strings, const struct script *script,
                           const char *path)
{
	struct array rest = strings->argv;
	int error;

	strings->size -= strlen(*string_at(&rest, 0)) + 1;
	strings->argv = (struct array){0};
	error = add_string(strings, &strings->argv, script->interpreter);
	if (error == 0 && script->argument != NULL)
		error = add_string(strings, &strings->argv, script->argument);
	if (error == 0)
		error = add_string(strings, &strings->argv, path);
	/* The other strings move. */
	for (size_t i = 1; error == 0 && i < rest.len; i++) {
		char **place = array_add(&strings->argv, sizeof *place);
		if (place != NULL)
			*place = g_steal_pointer(string_at(&rest, i));
		else
			error = -ENOMEM;
	}
	clear_strings(&rest);
	return error;
}
