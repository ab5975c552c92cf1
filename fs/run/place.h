/*
 * place.h - where a program is on the host, and as whom: its root and working directory, the user
 * whose rights count for host files, its umask, and the console that it was started with.
 */
#ifndef FS_RUN_PLACE_H
#define FS_RUN_PLACE_H

#include "fs/fs.h"

#include <stdbool.h>

struct console;

struct place {
	struct fs_mount *mount;
	struct fs_caller caller; /* uid, gid, groups (a reference of its own); pid 0 */
	/* O_PATH descriptors, which a family of programs shares: references, and the numbers */
	struct vm_file *root_dir, *cwd_dir;
	int root, cwd;
	mode_t umask;
	struct console *console; /* a reference */
};

/*
 * The place of a program that CALLER starts: root and working directory are the caller's; if that
 * directory is in MOUNT itself, the program begins in the root instead. NULL with
 * *ERROR: -EMFILE, -ENFILE, -ENOMEM, -EINVAL (the caller's root is not known).
 */
struct place *place_new(struct fs_mount *mount, const struct fs_caller *caller, int *error);
/* For a child of fork. The console is the same. */
struct place *place_copy(const struct place *place);
void place_free(struct place *place);
/*
 * The working directory becomes CWD, a descriptor that is taken over. -ENFILE: the user or all have
 * too many (VM_HANDLES); -ENOMEM.
 */
int place_set_cwd(struct place *place, int cwd);
/* Tell the engine what the working directory of PROCESS, whose place this is, is called now. */
void place_show_cwd(const struct place *place, struct vm_process *process);

/*
 * Call FN (CTX) with the rights of PLACE's user: in this thread, or, if the daemon is root and the
 * user is not, in one that takes its identity (hostfile.c). Returns what FN returns, or -EPERM,
 * -EAGAIN.
 */
int64_t place_as_owner(const struct place *place, int64_t (*fn)(void *ctx), void *ctx);

/* The same with the umask of PLACE, for what makes files. */
int64_t place_as_maker(const struct place *place, int64_t (*fn)(void *ctx), void *ctx);

struct program;
/*
 * Make descriptors 0, 1 and 2 of PROGRAM refer to its console, as far as they are not open. 0, or
 * -ENFILE, -ENOMEM, -ESRCH.
 */
int place_open_console(struct program *program);

/*
 * An opener for vm_exec that opens paths as the owner of PLACE, relative to its working directory.
 * CONTEXT must live as long as the opener.
 */
struct place_opener {
	const struct place *place;
	const char *why; /* of the last open: a static sentence, or NULL (hostfile.h) */
};
struct vm_opener place_opener(struct place_opener *context, const struct place *place);

#endif
