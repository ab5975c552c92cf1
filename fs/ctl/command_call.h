/*
 * command_call.h - one call of a command, and what the functions of commands share: answers,
 * arguments, host files.
 */
#ifndef FS_CTL_COMMAND_CALL_H
#define FS_CTL_COMMAND_CALL_H

#include "fs/ctl/ctl_results.h"
#include "fs/ctl/words.h"
#include "fs/fs.h"

struct command_call {
	struct fs_mount *mount;
	struct vm_process *process; /* NULL for a command to the machine */
	const struct fs_caller *caller;
	char **words; /* the command's name first, NULL last */
	int count;
	struct ctl_results *results;
	char *why; /* what is wrong, or NULL; free with g_free */
};

/* Why a command fails with an errno. A list ends with a NULL sentence. */
struct command_reason {
	int error;
	const char *why;
};

/* Add a result line. */
void command_answer(struct command_call *call, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Answer RESULT in decimal, or as an address, and return 0; a negative one is returned. */
int command_done(struct command_call *call, int64_t result);
int command_done_address(struct command_call *call, int64_t result);

/* Fail with ERROR (negative) and a sentence. Returns ERROR. */
int command_fail(struct command_call *call, int error, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Where IS_REASON, and no other reason was found before, WHY is the reason. */
void command_blame(struct command_call *call, bool is_reason, const char *why);

/* Where ADDR is no multiple of the page size, that is the reason. */
void command_blame_unaligned(struct command_call *call, uint64_t addr);

/* The sentence for ERROR (negative): of REASONS (or NULL), else the usual one; NULL for no errno. */
const char *command_reason_find(const struct command_reason *reasons, int error);

/*
 * The word at INDEX as a number, a size, or words of a table; NAME is what the help calls it. False
 * with the reason.
 */
bool command_number(struct command_call *call, int index, const char *name, uint64_t *value);
bool command_size(struct command_call *call, int index, const char *name, uint64_t *value);
/* The first two words as ADDR and LEN, as most calls take them. */
bool command_range(struct command_call *call, uint64_t *addr, uint64_t *len);
bool command_words(struct command_call *call, int index, const struct word *table, uint64_t *bits);
bool command_prot(struct command_call *call, int index, bool growsdown, int *prot);
bool command_signal(struct command_call *call, int index, int *number);

/*
 * The host file that the word at INDEX names, opened as the caller with ACCESS; or NULL with *ERROR
 * and the reason.
 */
struct vm_file *command_file(struct command_call *call, int index, int access, int *error);

/*
 * exec PROCESS with the words from INDEX on: `[-k] PATH [ARG ...]`. Returns 0 or a negative errno
 * with the reason.
 */
int command_exec(struct command_call *call, struct vm_process *process, int index, uint64_t *entry);

/* The path in `[-k] PATH [ARG ...]`, or NULL with the reason. */
const char *command_exec_path(struct command_call *call, int index);

#endif
