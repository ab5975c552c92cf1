/*
 * ctl_store.h - the last command's result of each ctl file, for those who only read.
 *
 * It may be called from any thread, and holds its own lock over nothing but memory and a look for
 * dead processes. The text of all ctl files together is bounded: past it, the result that was made
 * longest ago goes.
 */
#ifndef FS_CTL_CTL_STORE_H
#define FS_CTL_CTL_STORE_H

#include "vm/vm.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct fs_ctl_store;
struct ctl_file;

struct fs_ctl_store *fs_ctl_store_new(void);
void fs_ctl_store_free(struct fs_ctl_store *store);

/* The record of PID's ctl file (0: the machine's), which stays until it is put. */
struct ctl_file *ctl_store_get(struct fs_ctl_store *store, struct vm_machine *machine, pid_t pid);

/* ENDED: nobody will open this ctl file again. */
void ctl_store_put(struct fs_ctl_store *store, struct ctl_file *file, bool ended);

/* Make LAST (taken over) the result of the last command of FILE. */
void ctl_store_set(struct fs_ctl_store *store, struct ctl_file *file, GBytes *last);

/*
 * A reference to the result of the last command of FILE, or NULL if there was none.
 * *GENERATION tells one result from the next.
 */
GBytes *ctl_store_last(struct fs_ctl_store *store, struct ctl_file *file, uint64_t *generation);

#endif
