/*
 * ctl_results.h - the result lines that a ctl file keeps for its reader.
 *
 * struct ctl_results is a bounded queue of text. Lines are added at the end and taken from the
 * front. When it exceeds its bound, or the budget has no room for more, the oldest whole lines are
 * dropped, and one line says how many. It has no lock of its own.
 *
 * The bound is CTL_RESULTS_MAX, for the results of one command, too. For a writer who reads it is
 * twice that: he stops at CTL_RESULTS_MAX, and the results of his last command still fit.
 */
#ifndef FS_CTL_CTL_RESULTS_H
#define FS_CTL_CTL_RESULTS_H

#include "fs/base/budget.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum { CTL_RESULTS_MAX = 1 << 20 };

struct ctl_results {
	GString *text;
	struct budget_share share; /* for the memory of text */
	size_t most;               /* bytes that are kept; may be set at any time */
	size_t taken;              /* bytes of text that were read already */
	bool mid_line;             /* the last byte read was not a newline */
	uint64_t lost;             /* lines that were dropped and not yet reported */
};

/*
 * Set up an empty queue of the user UID. BUDGET may be NULL. ctl_results_clear frees what it holds.
 */
void ctl_results_init(struct ctl_results *results, struct fs_budget *budget, uid_t uid);
void ctl_results_clear(struct ctl_results *results);

/* How many bytes a reader would get now. */
size_t ctl_results_unread(const struct ctl_results *results);

/* Append LEN bytes, which must be whole lines. */
void ctl_results_add(struct ctl_results *results, const char *text, size_t len);

/* Append all of FROM, from which nothing may have been read. FROM is empty afterwards. */
void ctl_results_move(struct ctl_results *results, struct ctl_results *from);

/* Move at most SIZE bytes to the end of OUT. */
void ctl_results_take(struct ctl_results *results, GString *out, size_t size);

/* A copy of all that a reader would get now. NULL: no memory. */
GBytes *ctl_results_copy(const struct ctl_results *results);

#endif
