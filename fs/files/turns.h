/*
 * turns.h - long work takes turns.
 *
 * A call that has gone on for a while is long. From then on it works only when it is its turn, and
 * there are no more turns at a time than processors. So the processors always have time for short
 * requests, however many long calls there are.
 *
 *     turn_begin(turns, &turn)
 *       turn_wait(turns, &turn)     between two pieces of work, with no lock held
 *     turn_end(turns, &turn)
 *
 * A turn that its owner does not use, because it waits for something, goes to the next.
 */
#ifndef FS_FILES_TURNS_H
#define FS_FILES_TURNS_H

#include "util/list.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct turns {
	pthread_mutex_t lock;
	/* Under lock. */
	pthread_cond_t over;      /* a turn is over, or another is the first to wait */
	struct list_link working; /* of struct turn, by the time at which they began */
	struct list_link waiting; /* of struct turn, the first comes next */
	unsigned free;            /* turns that can be had */
};

struct turn {
	int64_t until; /* monotonic, ns: until then the call may go on without asking */
	struct list_link link;
	bool taken; /* under the lock: it is in `working` */
};

/* PROCESSORS: so many may work at a time, at least 1. */
void turns_init(struct turns *turns, unsigned processors);
void turns_clear(struct turns *turns);

void turn_begin(struct turn *turn);
/* Returns when the call may go on. */
void turn_wait(struct turns *turns, struct turn *turn);
void turn_end(struct turns *turns, struct turn *turn);

#endif
