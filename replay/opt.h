/*
 * opt.h - the curve of OPT, Belady's policy, which replaces the page whose next touch is the
 * farthest away (L. A. Belady, A study of replacement algorithms, 1966).
 *
 * It needs the future, so the touches are recorded first: 8 bytes for each touch of another page
 * than the one before. A pass backwards finds the next touch of each. For some numbers of frames
 * there is a pass forwards each (opt_size.h); for all, one that keeps the stack of OPT.
 *
 * How the stack changes with a touch of the page at depth D: that page comes to the top. The page
 * that was there goes down. At each depth on its way it meets a page; the one whose next touch is
 * nearer stays there, the other goes on down, until depth D is reached, which is free. So only
 * those depths change whose page has a later next touch than every page above it. They are found
 * with a tree of maxima, in the logarithm of the number of pages each. There are few of them in
 * practice; a trace that runs up and down the same pages has the most, one for each depth.
 */
#ifndef REPLAY_OPT_H
#define REPLAY_OPT_H

#include "replay/curve.h"

#include <stddef.h>

struct opt {
	struct curve curve; /* complete after opt_run */
	uint32_t *touches;  /* the page of each touch */
	size_t count, room;
	uint64_t again; /* touches of the page that was touched just before */
	uint32_t pages; /* pages that were touched */
};

/*
 * Page number PAGE (pages.h) is touched. OPT is all zeros at first. False: no memory, or 2^32
 * touches.
 */
bool opt_touch(struct opt *opt, uint32_t page);

/*
 * All touches are recorded: find the curve, at the COUNT numbers of frames FRAMES, each at least 1,
 * or with COUNT 0 at all. False: no memory.
 */
bool opt_run(struct opt *opt, const uint64_t *frames, size_t count);

void opt_clear(struct opt *opt);

#endif
