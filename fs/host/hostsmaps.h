/*
 * hostsmaps.h - the text of /proc/PID/smaps, area by area.
 */
#ifndef FS_HOST_HOSTSMAPS_H
#define FS_HOST_HOSTSMAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct hostarea {
	uint64_t start, end;
	int prot;
	bool shared;
	uint64_t offset;
	dev_t dev;
	ino_t ino;
	const char *name; /* "" without one; not terminated: it ends at the end of its line */
	size_t name_len;
	uint64_t rss, swap, anonymous; /* bytes */
	bool io;                       /* no memory: VmFlags io or pf */
};

/*
 * Parse the area at *TEXT into *AREA, and move *TEXT behind it. False: there is none. A line that
 * is not understood is passed over.
 */
bool hostsmaps_next(const char **text, struct hostarea *area);

#endif
