/*
 * curves.h - the curves of LRU and OPT, of one trace.
 */
#ifndef REPLAY_CURVES_H
#define REPLAY_CURVES_H

#include "replay/job.h"
#include "replay/lru.h"
#include "replay/opt.h"
#include "replay/pages.h"

struct curves {
	struct job job; /* must be first */
	bool wants_lru, wants_opt;
	struct pages pages;
	/* their curves are complete after the job's finish */
	struct lru lru;
	struct opt opt;
	/* the numbers of frames at which opt is wanted; none: at all */
	const uint64_t *frames;
	size_t nr_frames;
};

/* FRAMES must stay until curves_clear. */
void curves_init(struct curves *curves, bool wants_lru, bool wants_opt, const uint64_t *frames,
                 size_t nr_frames);
void curves_clear(struct curves *curves);

#endif
