/*
 * tables.h - the layout of the page tables of a process for a picture: the tables of the lower
 * half, each once, with who else points to it.
 *
 * At most TABLES_MAX tables are shown, and TABLE_CHILDREN below each; the others are counted.
 */
#ifndef FS_PICTURE_TABLES_H
#define FS_PICTURE_TABLES_H

#include "fs/fs.h"
#include "fs/picture/palette.h"

enum {
	TABLES_MAX = 120,
	TABLE_CHILDREN = 16,
	TABLE_PARENTS = 6,
	TABLE_ENTRIES = 512,
	NO_STATE = STATES, /* an entry that is not in use */
};

/* An entry in a table of another process. */
struct table_parent {
	pid_t pid;
	char comm[16];
	unsigned index;
};

struct table {
	enum vm_level level; /* of its entries */
	uint64_t va;         /* the lowest address that it translates */
	uint64_t pfn;
	uint64_t raw;   /* the entry that points to it; 0: CR3 does */
	unsigned index; /* of that entry */
	int parent;     /* its number; -1: none */
	uint64_t users; /* processes that reach it */
	unsigned in_use, children, folded;
	uint8_t state[TABLE_ENTRIES];               /* enum page_state */
	struct table_parent parents[TABLE_PARENTS]; /* those the reader may see */
	unsigned parent_count;
};

struct tables {
	pid_t pid;
	char comm[16];
	uint64_t total; /* tables of the process */
	unsigned count;
	struct table table[TABLES_MAX]; /* in the order of the addresses, parents first */
};

/*
 * What PROCESS has, as CALLER may see it. Free it with g_free. NULL with *ERROR: -ESRCH, -ENOMEM.
 */
struct tables *tables_look(const struct fs_mount *mount, struct vm_process *process,
                           const struct fs_caller *caller, int *error);

const char *level_name(enum vm_level level);

#endif
