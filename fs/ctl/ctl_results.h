/*
 * ctl_results.h - what ctl files keep for their readers.
 *
 * struct ctl_results is a bounded queue of text: lines go in at the end and come out at the front.
 * Past CTL_RESULTS_MAX bytes the oldest whole lines go, and one line says how many. It has no lock
 * of its own.
 *
 * struct fs_ctl_store remembers the last command's result of each ctl file, for those who only
 * read. It may be called from any thread, and holds its own lock over nothing but memory and a look
 * for dead processes. The text of all ctl files together is bounded: past it, the result that was
 * made longest ago goes.
 */
#ifndef FS_CTL_CTL_RESULTS_H
#define FS_CTL_CTL_RESULTS_H

#include "vm/vm.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum { CTL_RESULTS_MAX = 1 << 20 };

struct ctl_results {
	GString *text;
	size_t taken;  /* bytes of text that were read already */
	bool mid_line; /* the last byte read was not a newline */
	uint64_t lost; /* lines dropped and not yet reported */
};

void ctl_results_init(struct ctl_results *results);
void ctl_results_clear(struct ctl_results *results);

/* Append LEN bytes, which are whole lines. */
void ctl_results_add(struct ctl_results *results, const char *text, size_t len);

/* Append all of FROM, from which nothing was taken; it is empty afterwards. */
void ctl_results_move(struct ctl_results *results, struct ctl_results *from);

/* Move at most SIZE bytes to the end of OUT. */
void ctl_results_take(struct ctl_results *results, GString *out, size_t size);

/* All that a reader would get now. */
GBytes *ctl_results_copy(const struct ctl_results *results);

struct fs_ctl_store; /* fs_ctl_store_new and fs_ctl_store_free stand in ctl.h */
struct ctl_file;

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
