/*
 * command_call.c - what the functions of commands share: answers, arguments, host files.
 */
#include "fs/ctl/command_call.h"

#include "fs/ctl/address.h"
#include "fs/ctl/command_why.h"
#include "fs/host/hostfile.h"
#include "fs/host/hostprocess.h"
#include "fs/run/control.h"
#include "util/number.h"
#include "util/text.h"

#include <errno.h>
#include <string.h>

/* --- Answers ---------------------------------------------------------------------------------- */

void command_tick(struct command_call *call)
{
	if (!call->ticked)
		vm_machine_tick(call->mount->machine);
	call->ticked = true;
}

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
	return command_answer_address(call, (uint64_t)result);
}

int command_answer_address(struct command_call *call, uint64_t address)
{
	command_answer(call, "0x%" G_GINT64_MODIFIER "x", address);
	return 0;
}

int command_done_process(struct command_call *call, struct vm_process *process, int error)
{
	if (error < 0)
		vm_process_exit(process, 0);
	else
		command_answer(call, "%d", (int)vm_process_pid(process));
	vm_process_unref(process);
	return error;
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

void command_note(struct command_call *call, bool is_note, const char *note)
{
	if (is_note && call->note == NULL)
		call->note = g_strdup(note);
}

void command_blame_unaligned(struct command_call *call, uint64_t addr)
{
	command_blame(call, addr % VM_PAGE_SIZE != 0, "the address must be a multiple of 4096");
}

const char *command_reason_find(const struct command_reason *reasons, int error)
{
	for (; reasons != NULL && reasons->why != NULL; reasons++)
		if (reasons->error == -error)
			return reasons->why;
	if (error == -ESRCH)
		return "the process has ended";
	return strerrordesc_np(-error);
}

/* --- Arguments -------------------------------------------------------------------------------- */

/*
 * What WORD is called in numbers if it is sp or pc, perhaps with +N or -N, of a program that runs:
 * the engine knows only what they were after exec. Free with g_free. NULL: it is nothing like that.
 */
static char *register_word(const struct command_call *call, const char *word)
{
	bool sp = g_str_has_prefix(word, "sp"), pc = g_str_has_prefix(word, "pc");
	struct vm_regs regs;

	if (call->mount->run == NULL || !(sp || pc) || strchr("+-", word[2]) == NULL)
		return NULL;
	control_regs(call->mount->run, call->process, &regs);
	return g_strdup_printf("0x%" G_GINT64_MODIFIER "x%s", sp ? regs.rsp : regs.rip, word + 2);
}

bool command_address(struct command_call *call, int index, const char *name, uint64_t *value)
{
	g_autofree char *word = register_word(call, call->words[index]);
	g_autofree char *why =
	    address_parse(call->process, word != NULL ? word : call->words[index], value);

	call->addresses |= 1u << index;
	if (why != NULL)
		command_fail(call, -EINVAL, "%s: %s", name, why);
	return why == NULL;
}

/* If the word at INDEX is hex without 0x, say how that is written. */
static void note_bare_hex(struct command_call *call, int index)
{
	g_autofree char *note = g_strdup_printf("hex is written with 0x: 0x%s", call->words[index]);

	command_note(call, number_is_bare_hex(call->words[index]), note);
}

bool command_number(struct command_call *call, int index, const char *name, uint64_t *value)
{
	if (number_parse(call->words[index], value))
		return true;
	note_bare_hex(call, index);
	command_fail(call, -EINVAL, "%s must be a number below 2^64, decimal or 0x hex, not '%s'",
	             name, call->words[index]);
	return false;
}

bool command_size(struct command_call *call, int index, const char *name, uint64_t *value)
{
	if (size_parse(call->words[index], value))
		return true;
	note_bare_hex(call, index);
	command_fail(call, -EINVAL,
	             "%s must be a number of bytes below 2^64, with K, M, G or T, not '%s'", name,
	             call->words[index]);
	return false;
}

bool command_range(struct command_call *call, uint64_t *addr, uint64_t *len)
{
	return command_address(call, 1, "ADDR", addr) && command_size(call, 2, "LEN", len);
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

bool command_word(struct command_call *call, int index, const struct word *table, uint64_t *value)
{
	if (strchr(call->words[index], ',') != NULL) {
		command_fail(call, -EINVAL, "'%s': one word at a time", call->words[index]);
		return false;
	}
	return command_words(call, index, table, value);
}

bool command_prot(struct command_call *call, int index, bool growsdown, int *prot)
{
	if (prot_parse(call->words[index], growsdown, prot))
		return true;
	command_fail(call, -EINVAL, "PROT must be letters like rw- or r-x, not '%s'",
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

#define WHY_NO_ROOT "your root or working directory is not known, so it may mean another file"
#define WHY_NOT_ROOT "this vasfs does not run as root, so it opens files for its own user only"
#define WHY_NO_THREAD "vasfs cannot make a thread that opens it as you (ulimit -u, or a cgroup)"
#define WHY_NO_DESCRIPTOR "vasfs has as many files open as it may (ulimit -n)"
#define WHY_NO_SHARE "you or all users together have too many files open"

static const struct command_reason file_reasons[] = {
    {EAGAIN, WHY_NO_THREAD},
    {EMFILE, WHY_NO_DESCRIPTOR},
    {ENFILE, WHY_NO_SHARE},
    {EINVAL, WHY_NO_ROOT},
    {ENODEV, "not a regular file"},
    {ELOOP, "it lies inside this mount, or there are too many symbolic links"},
    {EPERM, WHY_NOT_ROOT},
    {ETXTBSY, "it is the program of a running process"},
    {0, NULL},
};

static const struct command_reason exec_reasons[] = {
    {EAGAIN, WHY_NO_THREAD},
    {EMFILE, WHY_NO_DESCRIPTOR},
    {ENFILE, WHY_NO_SHARE},
    {EINVAL, WHY_NO_ROOT},
    {ELOOP, "it lies inside this mount, or there are too many symbolic links or interpreters"},
    {EPERM, WHY_NOT_ROOT},
    {EACCES, "not a regular file that you may read and execute (on a noexec mount nobody may)"},
    {ETXTBSY, "a process has it or its interpreter open for writing"},
    {ENOENT, "no such file"},
    {ELIBBAD, "an interpreter must be an x86-64 ELF file"},
    {ENOEXEC, "not an x86-64 program or script, or it is damaged"},
    {E2BIG, "arguments and environment are too long"},
    {ENOMEM, "out of memory"},
    {0, NULL},
};

#define WHY_RELATIVE \
	"your working directory lies inside this mount, so a program or file of the host needs " \
	"its full path"

/* PATH led into this mount only because it starts there. */
static bool is_relative_loop(const char *path, int error)
{
	return error == -ELOOP && path[0] != '/';
}

/*
 * The file PATH was at fault. WHY, if it is not NULL, is the reason for -EACCES. WHAT, if it is not
 * NULL, says of what PATH is the interpreter.
 */
static int blame_path(struct command_call *call, const struct command_reason *reasons,
                      const char *path, const char *what, int error, const char *why)
{
	g_autofree char *noted = why_sentence(call->mount->machine, error);
	g_autoptr(GString) text = g_string_new(NULL);

	if (why == NULL || error != -EACCES)
		why = noted != NULL                   ? noted
		      : is_relative_loop(path, error) ? WHY_RELATIVE
		                                      : command_reason_find(reasons, error);
	/* A script may name an interpreter with a carriage return at its end. */
	text_escaped(text, path, "");
	if (what != NULL) {
		g_string_append(text, ", the interpreter of ");
		text_escaped(text, what, "");
	}
	return command_fail(call, error, "%s: %s", text->str, why);
}

struct vm_file *command_file(struct command_call *call, int index, int access, int *error)
{
	struct hostfile_context context = {call->mount, call->caller};
	struct vm_file *file = hostfile_open(&context, call->words[index], access, error);

	if (file == NULL)
		blame_path(call, file_reasons, call->words[index], NULL, *error, context.why);
	return file;
}

bool command_exec_is_kernel_only(const struct command_call *call, int index)
{
	return strcmp(call->words[index], "-k") == 0;
}

/* The words of a command that say what to run: `[-k] PATH [ARG ...]` from INDEX on. */
struct exec_words {
	char **words; /* PATH [ARG ...] */
	bool kernel_only;
};

/* False, with the reason set: PATH is missing. */
static bool find_exec_words(struct command_call *call, int index, struct exec_words *found)
{
	found->kernel_only = command_exec_is_kernel_only(call, index);
	found->words = call->words + index + found->kernel_only;
	command_blame(call, found->words[0] == NULL, "PATH is missing");
	return found->words[0] != NULL;
}

/*
 * Run the program in *PROCESS. If that is NULL, a new one is made: *PROCESS is then set to a
 * reference.
 */
static int exec_words(struct command_call *call, const struct exec_words *what,
                      struct vm_process **process, uint64_t *entry)
{
	const struct vm_cred cred = {call->caller->uid, call->caller->gid};
	struct hostfile_context context = {call->mount, call->caller};
	g_autofree char *blamed = NULL;
	const struct vm_exec_args args = {
	    .path = what->words[0],
	    .argv = (const char *const *)what->words,
	    .opener = hostfile_opener(&context),
	    .kernel_only = what->kernel_only,
	    .blamed = &blamed,
	};
	bool is_new = *process == NULL;
	int error = 0;

	if (is_new)
		*process = vm_exec_new(call->mount->machine, &cred, &args, entry, &error);
	else
		error = vm_exec(*process, &args, entry);
	if (is_new && *process != NULL)
		hostprocess_give_cwd(call->mount, call->caller, *process);
	command_note(call, error == -ENOMEM && !is_new, "the old program goes on");
	if (error >= 0)
		return 0;
	return blame_path(call, exec_reasons, blamed != NULL ? blamed : args.path,
	                  blamed != NULL ? args.path : NULL, error, context.why);
}

int command_exec(struct command_call *call, struct vm_process *process, int index, uint64_t *entry)
{
	struct exec_words words;

	return find_exec_words(call, index, &words) ? exec_words(call, &words, &process, entry)
	                                            : -EINVAL;
}

static struct vm_process *exec_new(struct command_call *call, const struct exec_words *words,
                                   int *error)
{
	struct vm_process *process = NULL;
	uint64_t entry;

	*error = exec_words(call, words, &process, &entry);
	return process;
}

struct vm_process *command_exec_new(struct command_call *call, int index, int *error)
{
	struct exec_words words;

	*error = -EINVAL;
	return find_exec_words(call, index, &words) ? exec_new(call, &words, error) : NULL;
}

struct vm_process *command_exec_new_kernel(struct command_call *call, int index, int *error)
{
	const struct exec_words words = {call->words + index, true};

	return exec_new(call, &words, error);
}
