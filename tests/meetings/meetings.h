/*
 * meetings.h - two calls of the engine that meet: scenes, calls, and what is seen afterwards.
 *
 * A meeting is a scene, a call that is held up at one of its points, and a call that runs
 * meanwhile. Points are the places where the first call transfers a page or has just dropped a
 * lock.
 */
#ifndef TESTS_MEETINGS_MEETINGS_H
#define TESTS_MEETINGS_MEETINGS_H

#include "tests/fixture/pressure.h"

/* Where things are, the same in all scenes and all processes. */
#define MEMORY ARENA              /* what the scene is about: PAGES pages */
#define OTHER (ARENA + 0x400000)  /* free in every scene */
#define FILLER (ARENA + 0x800000) /* memory that fills the frames, where the scene wants that */

enum { MEETING_PAGES = 3 };

struct world {
	struct pressure p;
	struct vm_process *parent, *child; /* both map MEMORY; NULL once ended */
	struct vm_process *born[2];        /* by calls of fork, or NULL */
	char *path;                        /* the file behind MEMORY, or NULL */
	bool fails;                        /* the medium refuses writes */
};

struct scene {
	const char *name;
	void (*begin)(struct world *w);
};

enum { UNREAD = 0xff };

enum answers {
	/* A number that must be that of one of the orders. */
	ANSWER_EXACT,
	/*
	 * A byte for each page, UNREAD for one that was not read. Each page is an access of its
	 * own: some may come before the other call, and some after it.
	 */
	ANSWER_BYTES,
	/*
	 * A bit for each page whose file is out of date, or a negative errno. It may be more up to
	 * date than in any of the orders.
	 */
	ANSWER_STALE,
};

struct call {
	const char *name; /* as one would write it in a script */
	/* What the call answers, as far as the order of two calls decides it. */
	int64_t (*run)(struct world *w);
	/*
	 * A second step, or NULL. Only its answer counts. Such a pair of calls is never held up,
	 * and the other call may come between its steps.
	 */
	int64_t (*then)(struct world *w);
	enum answers answers; /* what the answer is */
};

extern const struct scene scenes[];
extern const struct call calls[];
extern const unsigned scene_count, call_count;

/* Set up the scene, and end it. */
void world_begin(struct world *w, const struct scene *scene);
void world_end(struct world *w);

/*
 * What can be seen when both calls have ended: the bytes and the areas of each process, then the
 * bytes of the file. It ends all processes. Free with g_free.
 */
char *world_outcome(struct world *w);

#endif
