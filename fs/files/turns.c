/*
 * turns.c - see turns.h.
 */
#include "fs/files/turns.h"

#include "util/nanoseconds.h"

#include <glib.h>

enum {
	TURN_MS = 10,
	/* Whoever does not ask for so long after the end of a turn waits for something. */
	IDLE_MS = 10,
};

void turns_init(struct turns *turns, unsigned processors)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&turns->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&turns->over, &attr);
	pthread_condattr_destroy(&attr);
	list_init(&turns->working);
	list_init(&turns->waiting);
	turns->free = MAX(processors, 1);
}

void turns_clear(struct turns *turns)
{
	pthread_cond_destroy(&turns->over);
	pthread_mutex_destroy(&turns->lock);
}

static void give_back_locked(struct turns *turns, struct turn *turn)
{
	if (!turn->taken)
		return;
	turn->taken = false;
	list_remove(&turn->link);
	turns->free++;
	pthread_cond_broadcast(&turns->over);
}

/* Take the turn of who began first, if it was over some time ago. Else it is over at *WHEN. */
static void take_idle_locked(struct turns *turns, int64_t now, int64_t *when)
{
	struct turn *first = LIST_ENTRY(turns->working.next, struct turn, link);

	*when = first->until + IDLE_MS * NS_PER_MS;
	if (*when <= now)
		give_back_locked(turns, first);
}

void turn_begin(struct turn *turn)
{
	*turn = (struct turn){.until = ns_now(CLOCK_MONOTONIC) + TURN_MS * NS_PER_MS};
}

static void await_turn_locked(struct turns *turns, struct turn *turn)
{
	int64_t now = ns_now(CLOCK_MONOTONIC), when;

	list_append(&turns->waiting, &turn->link);
	while (turns->waiting.next != &turn->link || turns->free == 0) {
		if (turns->free > 0) {
			/* Somebody else comes first, and is told. */
			pthread_cond_wait(&turns->over, &turns->lock);
		} else {
			take_idle_locked(turns, now, &when);
			if (turns->free == 0) {
				struct timespec time = ns_to_timespec(when);
				pthread_cond_timedwait(&turns->over, &turns->lock, &time);
			}
		}
		now = ns_now(CLOCK_MONOTONIC);
	}
	list_remove(&turn->link);
	list_append(&turns->working, &turn->link);
	turns->free--;
	turn->taken = true;
	turn->until = now + TURN_MS * NS_PER_MS;
	/* Now another comes first. */
	if (!list_empty(&turns->waiting))
		pthread_cond_broadcast(&turns->over);
}

void turn_wait(struct turns *turns, struct turn *turn)
{
	if (ns_now(CLOCK_MONOTONIC) < turn->until)
		return;
	pthread_mutex_lock(&turns->lock);
	give_back_locked(turns, turn);
	await_turn_locked(turns, turn);
	pthread_mutex_unlock(&turns->lock);
}

void turn_end(struct turns *turns, struct turn *turn)
{
	pthread_mutex_lock(&turns->lock);
	give_back_locked(turns, turn);
	pthread_mutex_unlock(&turns->lock);
}
