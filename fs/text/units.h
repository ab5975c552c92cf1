/*
 * units.h - the units in which files of /proc count.
 */
#ifndef FS_TEXT_UNITS_H
#define FS_TEXT_UNITS_H

#include "util/nanoseconds.h"
#include "vm/vm.h"

enum {
	KIB_PER_PAGE = VM_PAGE_SIZE / 1024,
	TICKS_PER_SEC = 100, /* USER_HZ */
};

/* TIME, nanoseconds, in clock ticks. */
static inline uint64_t ticks(int64_t time)
{
	return (uint64_t)(time / (NS_PER_SEC / TICKS_PER_SEC));
}

#endif
