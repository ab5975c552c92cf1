/*
 * space.h - the layout of an address space for a picture: which areas are drawn as strips, how many
 * pages a square stands for, and what is in each square.
 *
 * Whatever a process has, the layout is bounded: by the options in rows and squares, and in the
 * number of entries that are looked at. Where there is more, neighbouring areas are folded into one
 * row, and of a square that stands for many pages only the first ones that are resident are looked
 * at: `sampled`. The layout says all of this, and the drawing writes it down.
 */
#ifndef FS_PICTURE_SPACE_H
#define FS_PICTURE_SPACE_H

#include "fs/fs.h"
#include "fs/picture/palette.h"

/* What an area is for. */
enum area_kind {
	KIND_TEXT,
	KIND_DATA,
	KIND_HEAP,
	KIND_STACK,
	KIND_LIBRARY,
	KIND_FILE,
	KIND_ANONYMOUS,
	KIND_SHARED,
	KIND_KERNEL,
	AREA_KINDS
};

/* The words for KIND: "program text". */
const char *kind_word(enum area_kind kind);

/* Pages of a kind, or of one square: how many there are, and how many of each state. */
struct space_sum {
	uint64_t pages, areas;
	uint64_t count[PAGE_STATES]; /* of those with an entry */
	uint64_t dirty; /* resident pages that must be written before their frames can go */
};

/* A square: one page, or several. */
struct space_cell {
	uint32_t count[PAGE_STATES]; /* as in struct space_sum */
	uint32_t dirty;
	uint32_t looked; /* entries that were looked at */
	/* of the only page with an entry, if `looked` is 1 */
	uint64_t va, raw, pfn, users;
};

/* A strip: an area, or several folded into one. */
struct space_row {
	uint64_t start, end, offset;
	char perm[5];
	char *name; /* or NULL */
	enum area_kind kind;
	bool file;        /* untouched pages are those of a file */
	unsigned areas;   /* 1, or how many are folded */
	uint64_t pages;   /* of all its areas */
	bool group_start; /* the lowest row of a group, in which all squares mean the same */
	/* squares; a folded row has one, which stands for all its pages */
	unsigned cells, first_cell;
	uint64_t per_cell; /* pages */
	struct space_sum sum;
};

struct space_options {
	unsigned rows;          /* rows at most, about */
	unsigned cells_per_row; /* squares in a strip, at most */
	unsigned cells;         /* squares in all, at most, about */
	unsigned entries;       /* entries to look at, about */
};

struct space {
	struct vm_process_info info;
	char *exe;              /* the name of the program's file, or NULL */
	struct space_row *rows; /* from the lowest address up */
	unsigned row_count;
	struct space_cell *cells;
	struct space_sum kinds[AREA_KINDS];
	uint64_t areas;  /* of the process; those that are not in a row of their own are folded */
	uint64_t looked; /* entries that were looked at */
	bool sampled;
};

/* For strips, and for the miniature of a strip in a table of processes. */
extern const struct space_options space_whole, space_small;

/* Fill in SPACE from PROCESS. -ESRCH, -ENOMEM; then there is nothing to free. */
int space_look(struct space *space, struct vm_process *process,
               const struct space_options *options);
void space_clear(struct space *space);

/* The squares of ROW. */
static inline const struct space_cell *space_cells(const struct space *space,
                                                   const struct space_row *row)
{
	return space->cells + row->first_cell;
}

/* The state that PAGES pages with these counts are shown in, and how many of them have it. */
enum page_state space_state(const uint32_t *count, uint64_t *pages);

#endif
