/*
 * look.h - shared by who describes areas.
 */
#ifndef VM_LOOK_LOOK_H
#define VM_LOOK_LOOK_H

#include "vm/internal.h"

/*
 * The name of the file looked up last: consecutive areas are often of one file. Free TEXT at the
 * end.
 */
struct look_name {
	const struct vm_file *file;
	char *text;
};

/* Describe AREA; the process is locked. */
void look_area(const struct vm_area *area, struct look_name *name, struct vm_area_info *info);

#endif
