/*
 * budget.h - the memory that the open files of a mount hold for their readers and writers: texts
 * that were rendered, results that nobody has read yet, requests that wait.
 *
 * All of it together is bounded by BUDGET_BYTES. Of that a user may have half of what the others
 * leave. So whoever comes later still gets a share, and nobody can use all of it up.
 *
 *     share = {0}; budget_open(mount->budget, uid, &share)
 *       budget_resize(&share, bytes)      before memory is allocated, and after it is freed
 *     budget_close(&share)
 */
#ifndef FS_BASE_BUDGET_H
#define FS_BASE_BUDGET_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define BUDGET_BYTES ((size_t)64 << 20)

struct fs_budget;

/* What one open file, or one request, holds. Its owner guards it. */
struct budget_share {
	struct fs_budget *budget;
	uid_t uid;
	size_t held; /* bytes */
};

/* One budget a mount. Free it when nobody holds a share. */
struct fs_budget *fs_budget_new(void);
void fs_budget_free(struct fs_budget *budget);

/* Set up SHARE, of a file of the user UID. It holds nothing yet. BUDGET NULL: there is no bound. */
void budget_open(struct fs_budget *budget, uid_t uid, struct budget_share *share);
void budget_close(struct budget_share *share);

/* From now on SHARE holds BYTES. False if that is too much; then it holds what it held. */
bool budget_resize(struct budget_share *share, size_t bytes);

/*
 * The same for memory that only makes things better. It is too much if it leaves the user less than
 * half of what the user may have.
 */
bool budget_resize_spare(struct budget_share *share, size_t bytes);

#endif
