/*
 * maplink.c - the links in PID/map_files. Linux: proc_map_files_lookup in fs/proc/base.c.
 *
 * An inode number has no room for an address. The number of an area is the low 24 bits of its
 * first page number, so two areas of a process have the same only if they are a multiple of 64 GiB
 * apart; then the lower one is found. An area that moved or is gone is not found.
 */
#include "fs/files/maplink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_BITS = 24 };

#define NUMBERS (UINT64_C(1) << NUMBER_BITS)

static int number_of(uint64_t start)
{
	return (int)((start >> VM_PAGE_SHIFT) % NUMBERS);
}

/* An area that was found; NAME is a copy, or NULL. */
struct found {
	bool any;
	struct vm_area_info area;
	char *name;
};

static bool take_first(void *ctx, const struct vm_area_info *area)
{
	struct found *found = ctx;

	found->any = true;
	found->area = *area;
	found->name = area->ino != 0 ? g_strdup(area->name) : NULL;
	return false;
}

static void found_clear(struct found *found)
{
	g_free(found->name);
	*found = (struct found){.any = false};
}

/* Find the first area that ends above FROM. Free with found_clear. */
static bool find_from(struct vm_process *process, uint64_t from, struct found *found)
{
	*found = (struct found){.any = false};
	return vm_process_areas(process, from, take_first, found) == 0 && found->any;
}

/* The lowest address from FROM on at which an area would have NUMBER. */
static uint64_t next_place(uint64_t from, int number)
{
	uint64_t page = (from + VM_PAGE_SIZE - 1) >> VM_PAGE_SHIFT;

	return (page + ((uint64_t)number - page) % NUMBERS) << VM_PAGE_SHIFT;
}

/* Find the area of a file that has NUMBER. There are few places where it can start. */
static bool find_number(struct vm_process *process, int number, struct found *found)
{
	uint64_t at = next_place(0, number);

	while (at < VM_USER_END && find_from(process, at, found)) {
		uint64_t end = found->area.end;
		if (found->name != NULL && number_of(found->area.start) == number)
			return true;
		found_clear(found);
		at = next_place(end, number);
	}
	return false;
}

/* --- For the tree ----------------------------------------------------------------------------- */

struct each {
	tree_add_fn add;
	void *ctx;
};

static bool add_area(void *ctx, const struct vm_area_info *area)
{
	const struct each *each = ctx;

	return area->ino == 0 || each->add(each->ctx, number_of(area->start), area->start);
}

bool maplink_each(struct fs_mount *mount, struct vm_process *process,
                  const struct fs_caller *caller, tree_add_fn add, void *ctx)
{
	struct each each = {add, ctx};

	return vm_process_areas(process, 0, add_area, &each) == 0;
}

bool maplink_has(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller,
                 int number)
{
	struct found found;
	bool has = find_number(process, number, &found);

	found_clear(&found);
	return has;
}

void maplink_name(struct vm_process *process, int number, uint64_t place,
                  char name[static TREE_NAME])
{
	struct found found;

	name[0] = '\0';
	if (find_from(process, place, &found) && found.area.start == place && found.name != NULL)
		g_snprintf(name, TREE_NAME, "%" PRIx64 "-%" PRIx64, place, found.area.end);
	found_clear(&found);
}

/* The name must be written as we write it. */
int maplink_number(struct fs_mount *mount, struct vm_process *process,
                   const struct fs_caller *caller, const char *name)
{
	char shown[TREE_NAME];
	uint64_t start;

	if (sscanf(name, "%" SCNx64 "-", &start) != 1)
		return -1;
	maplink_name(process, 0, start, shown);
	return strcmp(shown, name) == 0 && name[0] != '\0' ? number_of(start) : -1;
}

/* --- The link --------------------------------------------------------------------------------- */

char *maplink_target(struct fs_mount *mount, struct vm_process *process, unsigned index,
                     const struct fs_caller *caller, int *error)
{
	struct found found;
	char *name = NULL;

	*error = -ENOENT;
	if (find_number(process, (int)index, &found))
		name = g_steal_pointer(&found.name);
	found_clear(&found);
	return name;
}

mode_t maplink_mode(struct vm_process *process, unsigned index)
{
	struct found found;
	mode_t mode = 0;

	if (find_number(process, (int)index, &found))
		mode = (found.area.access != O_WRONLY ? S_IRUSR : 0) |
		       (found.area.access != O_RDONLY ? S_IWUSR : 0);
	found_clear(&found);
	return mode;
}
