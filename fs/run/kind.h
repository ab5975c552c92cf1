/*
 * kind.h - the kinds of open files of programs, and what each does for the system calls on
 * descriptors: regular files, directories, pipes, the console, devices.
 *
 * The engine's vm_file is the open file description. That of a regular file is one of a host file;
 * all others are special files of the engine, whose context begins with a struct special.
 *
 * Rule: no lock is held for functions not named _locked; for those run->lock is held.
 */
#ifndef FS_RUN_KIND_H
#define FS_RUN_KIND_H

#include "fs/run/syscall.h"

#include <sys/stat.h>

struct file_kind;

/* What the context of a special file begins with. */
struct special {
	const struct file_kind *kind;
	int host; /* its host descriptor, or -1 */
};

struct file_kind {
	/* It has an offset: READ and WRITE get one, and pread(2) is possible. */
	bool seekable;
	/* Nothing can be done with it but what needs no right to the file (O_PATH). */
	bool path_only;
	/*
	 * Move up to LEN bytes between BUF and the file, at *OFFSET if it is seekable; a write
	 * with O_APPEND sets it. Return how many, a negative errno, or what call_sleep_locked
	 * returns. The access mode was looked at.
	 */
	int64_t (*read)(struct call *call, struct vm_file *file, void *buf, size_t len,
	                uint64_t *offset);
	int64_t (*write)(struct call *call, struct vm_file *file, const void *buf, size_t len,
	                 uint64_t *offset);
	/* lseek(2). */
	int64_t (*seek)(struct vm_file *file, int64_t offset, int whence);
	/* POLL bits that hold now. */
	short (*poll_locked)(const struct vm_file *file);
	/* What fstat(2) shows, unless it has a host descriptor: then NULL. */
	void (*stat)(const struct vm_file *file, struct stat *status);
	/* FIONREAD: bytes that can be read now, or -ENOTTY. */
	int64_t (*readable)(struct call *call, struct vm_file *file);
	/* Of special files: the last reference is gone; the name in PID/fd, to be freed. */
	void (*release)(struct special *special);
	char *(*name)(const struct special *special);
};

const struct file_kind *kind_of(const struct vm_file *file);
/* The context of FILE, if it is special and of KIND, else NULL. */
struct special *kind_special(const struct vm_file *file, const struct file_kind *kind);

/*
 * A special file around SPECIAL, opened with ACCESS by the owner of PLACE, who is charged for its
 * host descriptor and for BYTES. NULL with *ERROR -ENOMEM or -ENFILE: SPECIAL was released.
 */
struct vm_file *kind_new_file(const struct place *place, struct special *special, int access,
                              size_t bytes, int *error);

/* The host descriptor of a regular file, of a directory, or of what O_PATH opened; else -1. */
int kind_host(const struct vm_file *file);

/* Regular files (regular.c). */
extern const struct file_kind kind_regular;

/* Directories, and files opened with O_PATH (hostdir.c). Takes over the host descriptor FD. */
extern const struct file_kind kind_directory, kind_path;
struct vm_file *hostdir_new(const struct place *place, const struct file_kind *kind, int fd,
                            int *error);

/*
 * The device file that STATUS shows, if it is one of those that programs may use: /dev/null, zero,
 * full, random, urandom. NULL with *ERROR: -EACCES for any other.
 */
struct vm_file *device_new(const struct place *place, const struct stat *status, int access,
                           int *error);

/* The console of PLACE (terminal.c). */
struct vm_file *terminal_new(const struct place *place, int access, int *error);
/* Whether STATUS shows /dev/tty. */
bool terminal_is(const struct stat *status);

/* Fill in *STATUS of a file without a host file: number INO, of the user of PLACE. */
void kind_fill_stat(const struct place *place, uint64_t ino, mode_t mode, struct stat *status);

#endif
