/*
 * ctl_store.h - the last result of each ctl file, for those who only read.
 *
 * All functions may be called from any thread. The store has a lock of its own; while it is held,
 * only memory is touched and processes are looked up. The text of all ctl files together is
 * bounded: beyond that, the oldest result is dropped.
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

/* One store a mount. Free it when no ctl file is open. */
struct fs_ctl_store *fs_ctl_store_new(void);
void fs_ctl_store_free(struct fs_ctl_store *store);

/*
 * The record of the ctl file of PID (0: the machine's). It stays until ctl_store_put. NULL: no
 * memory.
 */
struct ctl_file *ctl_store_get(struct fs_ctl_store *store, struct vm_machine *machine, pid_t pid);

/* Give FILE back. ENDED: its process has ended, so nobody will open this ctl file again. */
void ctl_store_put(struct fs_ctl_store *store, struct ctl_file *file, bool ended);

/* Make LAST, of a command by WHO, the last result of FILE. Takes LAST over. */
void ctl_store_set(struct fs_ctl_store *store, struct ctl_file *file, const struct vm_cred *who,
                   GBytes *last);

/*
 * A reference to the last result of FILE, or NULL if there is none. *GENERATION differs for each
 * result. *WHO gave its command, if there is one.
 */
GBytes *ctl_store_last(struct fs_ctl_store *store, struct ctl_file *file, struct vm_cred *who,
                       uint64_t *generation);

#endif
