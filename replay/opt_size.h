/*
 * opt_size.h - the faults of OPT with one number of frames, which is much less work than with all.
 *
 * What OPT must know of a page in memory is only when it is touched next. So the memory is a set of
 * times: a touch is a hit if its own time is in it; the page to go is that of the latest time. The
 * set is a tree of bits, 64 to a node, in which a time is found, added, taken and the latest seen
 * in as many steps as the tree has levels: four for sixteen million touches.
 */
#ifndef REPLAY_OPT_SIZE_H
#define REPLAY_OPT_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The faults of COUNT touches with FRAMES frames, at least 1. NEXT[T] is the time of the next touch
 * of the page that is touched at T; UINT32_MAX: there is none. False: no memory.
 */
bool opt_size_faults(const uint32_t *next, size_t count, uint64_t frames, uint64_t *faults);

#endif
