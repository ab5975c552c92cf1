/*
 * label.h - what maps shows of an area that is not what the area maps: the process was loaded from
 * a core file, and its areas map that file.
 *
 * The parts and copies of an area share its label. Areas with two labels never merge.
 *
 * Rule: the machine lock is not held.
 */
#ifndef VM_SPACE_LABEL_H
#define VM_SPACE_LABEL_H

#include "vm/internal.h"

struct vm_label {
	struct vm_machine *machine;
	struct vm_user *user; /* charged for it, a reference */
	int refs;             /* atomic */
	size_t size;          /* of this structure, bytes */
	uint64_t pgoff;       /* the page of the area's object at which ... */
	uint64_t offset;      /* ... this byte of the file called NAME is mapped */
	dev_t dev;            /* of that file; both 0: not known */
	ino_t ino;
	bool shared; /* it was a shared mapping */
	char name[]; /* a path, "[vdso]", or "": it was anonymous memory */
};

/*
 * A label with one reference, charged to USER (VM_NOTES). All but machine, user, refs, size and
 * name is 0. NULL: no memory.
 */
struct vm_label *label_new(struct vm_machine *machine, struct vm_user *user, const char *name);
struct vm_label *label_ref(struct vm_label *label);
/* Drop a reference. LABEL may be NULL. */
void label_unref(struct vm_label *label);

/* Whether LABEL (may be NULL) names a file. */
static inline bool label_is_file(const struct vm_label *label)
{
	return label != NULL && label->name[0] != '\0' && label->name[0] != '[';
}

/* The byte of that file at which page PGOFF of the object is mapped. */
static inline uint64_t label_offset(const struct vm_label *label, uint64_t pgoff)
{
	return label->offset + ((pgoff - label->pgoff) << VM_PAGE_SHIFT);
}

#endif
