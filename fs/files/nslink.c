/*
 * nslink.c - the links in PID/ns.
 */
#include "fs/files/nslink.h"

#include <string.h>

/* Numbers: PROC_..._INIT_INO of Linux; those of mnt and net are what a fresh boot gives. */
static const struct {
	const char *name, *kind;
	ino_t ino;
} spaces[] = {
    {"cgroup", "cgroup", 4026531835}, {"ipc", "ipc", 4026531839},
    {"mnt", "mnt", 4026531841},       {"net", "net", 4026531840},
    {"pid", "pid", 4026531836},       {"pid_for_children", "pid", 4026531836},
    {"time", "time", 4026531834},     {"time_for_children", "time", 4026531834},
    {"user", "user", 4026531837},     {"uts", "uts", 4026531838},
};

bool nslink_each(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller,
                 tree_add_fn add, void *ctx)
{
	for (size_t i = 0; i < G_N_ELEMENTS(spaces); i++)
		if (!add(ctx, (int)i, 0))
			return false;
	return true;
}

bool nslink_has(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller,
                int number)
{
	return number >= 0 && (size_t)number < G_N_ELEMENTS(spaces);
}

void nslink_name(struct vm_process *process, int number, uint64_t place,
                 char name[static TREE_NAME])
{
	g_strlcpy(name, spaces[number].name, TREE_NAME);
}

int nslink_number(struct fs_mount *mount, struct vm_process *process,
                  const struct fs_caller *caller, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(spaces); i++)
		if (strcmp(spaces[i].name, name) == 0)
			return (int)i;
	return -1;
}

static char *target_of(int number)
{
	return g_strdup_printf("%s:[%ju]", spaces[number].kind, (uintmax_t)spaces[number].ino);
}

int nslink_target_number(struct fs_mount *mount, struct vm_process *process,
                         const struct fs_caller *caller, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(spaces); i++) {
		g_autofree char *target = target_of((int)i);

		if (strcmp(target, name) == 0)
			return (int)i;
	}
	return -1;
}

ino_t nslink_ino(int number)
{
	return spaces[number].ino;
}

char *nslink_target(struct fs_mount *mount, struct vm_process *process, unsigned index,
                    const struct fs_caller *caller, int *error)
{
	return target_of((int)index);
}
