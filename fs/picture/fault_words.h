/*
 * fault_words.h - faults and evictions as sentences, one item of a list each.
 */
#ifndef FS_PICTURE_FAULT_WORDS_H
#define FS_PICTURE_FAULT_WORDS_H

#include "fs/fs.h"

/* Whom a list of faults is for, and where its links lead. */
struct fault_reader {
	const struct fs_mount *mount;
	const struct fs_caller *caller;
	bool machine; /* the list is of the machine: each item names its process */
};

/*
 * Append FAULT as an item. What the reader may not know (addresses and names of another user's
 * process) is left out.
 */
void fault_item(GString *out, const struct fault_reader *reader, const struct vm_fault *fault);

#endif
