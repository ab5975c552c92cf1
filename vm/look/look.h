/*
 * look.h - describing an area, for the list of areas (look.c) and their usage (usage.c).
 */
#ifndef VM_LOOK_LOOK_H
#define VM_LOOK_LOOK_H

#include "vm/internal.h"

/*
 * The name of the file that was looked up last, because neighbouring areas often map one file.
 * Begin with both NULL. At the end free TEXT with g_free.
 */
struct look_name {
	const struct vm_file *file;
	char *text;
};

/*
 * Fill in INFO with what maps shows of AREA (show_map_vma). The process is locked, and the machine
 * lock is not held. info->name is valid until the next call with NAME, or until NAME's text is
 * freed.
 */
void look_area(const struct vm_area *area, struct look_name *name, struct vm_area_info *info);

#endif
