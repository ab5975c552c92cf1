/*
 * command_call.h - one call of a command, and what the functions of commands share: answers,
 * arguments, host files.
 */
#ifndef FS_CTL_COMMAND_CALL_H
#define FS_CTL_COMMAND_CALL_H

#include "fs/ctl/ctl_results.h"
#include "fs/ctl/words.h"
#include "fs/fs.h"

struct command;

struct command_call {
	/* the table of this ctl file, and that of the other kind */
	const struct command *commands, *others;
	struct fs_mount *mount;
	struct vm_process *process; /* NULL for a command to the machine */
	const struct fs_caller *caller;
	char **words; /* the name of the command first, NULL last */
	int count;
	struct ctl_results *results;
	char *why;  /* the reason of a failure, or NULL; free with g_free */
	char *note; /* what is said after it, or NULL; free with g_free */
	/* bits by index: these words were read as addresses */
	unsigned addresses;
	bool ticked; /* the machine's clock was moved for this command */
};

/* The sentence that explains an errno. A list ends with a NULL sentence. */
struct command_reason {
	int error;
	const char *why;
};

/*
 * Move the machine's clock (vm_machine_tick), once for each command. A command that lets a program
 * run does it before that, because the program looks at the clock; others need not call it.
 */
void command_tick(struct command_call *call);

/* Add a result line. */
void command_answer(struct command_call *call, const char *format, ...) G_GNUC_PRINTF(2, 3);

/*
 * Add RESULT as a result line, in decimal or as an address, and return 0. If RESULT is negative,
 * add nothing and return it.
 */
int command_done(struct command_call *call, int64_t result);
int command_done_address(struct command_call *call, int64_t result);
/* Add ADDRESS, whatever it is, as a result line, and return 0. */
int command_answer_address(struct command_call *call, uint64_t address);

/*
 * The new PROCESS is made, with the result ERROR: answer its pid, or end it. Drops the reference.
 * Returns ERROR.
 */
int command_done_process(struct command_call *call, struct vm_process *process, int error);

/* Return ERROR (negative), and set the sentence that explains it. */
int command_fail(struct command_call *call, int error, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* If IS_REASON, and no sentence was set before, WHY explains the failure that may come. */
void command_blame(struct command_call *call, bool is_reason, const char *why);

/* If IS_NOTE, say NOTE after the reason of the failure. */
void command_note(struct command_call *call, bool is_note, const char *note);

/* If ADDR is no multiple of the page size, that explains the failure that may come. */
void command_blame_unaligned(struct command_call *call, uint64_t addr);

/*
 * The sentence for ERROR (negative): from REASONS (may be NULL), otherwise the usual one of that
 * errno. NULL if ERROR is no errno.
 */
const char *command_reason_find(const struct command_reason *reasons, int error);

/*
 * Parse the word at INDEX as an address of the process: a number, or a name (address.h). False,
 * with the reason set, if that fails.
 */
bool command_address(struct command_call *call, int index, const char *name, uint64_t *value);

/*
 * Parse the word at INDEX: as a number, a size, words of a table, a protection, a signal. NAME is
 * what the help calls the word. False, with the reason set, if that fails.
 */
bool command_number(struct command_call *call, int index, const char *name, uint64_t *value);
bool command_size(struct command_call *call, int index, const char *name, uint64_t *value);
/* Parse the first two words as ADDR and LEN, with which most calls start. */
bool command_range(struct command_call *call, uint64_t *addr, uint64_t *len);
bool command_words(struct command_call *call, int index, const struct word *table, uint64_t *bits);
/* The same for a table of values, of which there can be only one. */
bool command_word(struct command_call *call, int index, const struct word *table, uint64_t *value);
bool command_prot(struct command_call *call, int index, bool growsdown, int *prot);
bool command_signal(struct command_call *call, int index, int *number);

/*
 * Open the host file named by the word at INDEX as the caller, with ACCESS (O_RDONLY, O_WRONLY or
 * O_RDWR). Returns a reference, or NULL with the reason and *ERROR set (see hostfile_open).
 */
struct vm_file *command_file(struct command_call *call, int index, int access, int *error);

/*
 * Run exec in PROCESS with the words from INDEX on: `[-k] PATH [ARG ...]`. Returns 0 with *ENTRY
 * set, or a negative errno with the reason set: -EINVAL if PATH is missing, or those of vm_exec.
 */
int command_exec(struct command_call *call, struct vm_process *process, int index, uint64_t *entry);

/*
 * The same in a new process of the caller. Returns a reference, or NULL with *ERROR and the reason
 * set. A failure uses up no pid.
 */
struct vm_process *command_exec_new(struct command_call *call, int index, int *error);

/* The same with the words `PATH [ARG ...]`, as if -k was before them. */
struct vm_process *command_exec_new_kernel(struct command_call *call, int index, int *error);

/* Whether the word at INDEX is -k. */
bool command_exec_is_kernel_only(const struct command_call *call, int index);

#endif
