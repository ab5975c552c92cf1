/*
 * main.c - every call of the engine meets every other, at every point.
 *
 *     test_meetings                               all, a TAP case for each scene and first call
 *     test_meetings --part N M [--every K]        part N, from 0, of M; only each Kth meeting
 *     test_meetings SCENE FIRST SECOND [POINT]    one, by the numbers that a failure prints
 *
 * The first call runs on a thread of its own until it comes to point number POINT: it is about to
 * transfer a page, or has just dropped a lock. There it is held up. The second call runs on another
 * thread, until it ends or until it waits for the first. Then the first goes on, and both run to
 * their ends. So two runs of a meeting do the same.
 *
 * What is seen afterwards (world_outcome), and what the calls answered, must be what is seen when
 * the first runs before the second, or the second before the first. The machine's invariants hold,
 * and nobody waits.
 */
#include "tests/meetings/meetings.h"
#include "vm/base/lock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_SECONDS = 4 };

enum progress { RUNNING, HELD_UP, WAITING, ENDED };

struct side {
	struct meeting *meeting;
	const struct call *call;
	unsigned stop_at; /* point, counted from 1; 0: never */
	/* under the meeting's lock */
	enum progress progress;
	bool let_go;
	unsigned points;
	int64_t answer;
};

struct meeting {
	struct world *w;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct side first, second;
	char *script; /* what is printed if it fails */
};

/* The side whose call this thread runs; NULL on the engine's own threads. */
static __thread struct side *self;

/* --- Points ----------------------------------------------------------------------------------- */

static void set_progress_locked(struct side *side, enum progress progress)
{
	side->progress = progress;
	pthread_cond_broadcast(&side->meeting->changed);
}

static void come_to_point(void)
{
	struct side *side = self;

	if (side == NULL)
		return;
	pthread_mutex_lock(&side->meeting->lock);
	if (++side->points == side->stop_at) {
		set_progress_locked(side, HELD_UP);
		while (!side->let_go)
			pthread_cond_wait(&side->meeting->changed, &side->meeting->lock);
	}
	set_progress_locked(side, RUNNING);
	pthread_mutex_unlock(&side->meeting->lock);
}

static void at_lock(void *ctx, enum lock_point point)
{
	struct side *side = self;

	if (point == LOCK_DROPPED) {
		come_to_point();
	} else if (side != NULL) {
		pthread_mutex_lock(&side->meeting->lock);
		set_progress_locked(side, WAITING);
		pthread_mutex_unlock(&side->meeting->lock);
	}
}

static void at_transfer(void *ctx)
{
	come_to_point();
}

/* --- A meeting -------------------------------------------------------------------------------- */

static void *side_main(void *arg)
{
	struct side *side = arg;

	self = side;
	int64_t answer = side->call->run(side->meeting->w);
	if (side->call->then != NULL)
		answer = side->call->then(side->meeting->w);
	self = NULL;
	pthread_mutex_lock(&side->meeting->lock);
	side->answer = answer;
	set_progress_locked(side, ENDED);
	pthread_mutex_unlock(&side->meeting->lock);
	return NULL;
}

static void fail(const struct meeting *m, const char *what)
{
	g_printerr("%s\n%s\n", m->script, what);
	abort();
}

/* Wait until SIDE's progress is one of the bits of WANTED. */
static void await(struct meeting *m, struct side *side, unsigned wanted)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += PATIENCE_SECONDS;
	pthread_mutex_lock(&m->lock);
	while (!(1u << side->progress & wanted))
		if (pthread_cond_timedwait(&m->changed, &m->lock, &deadline) != 0)
			fail(m, "a call does not end");
	pthread_mutex_unlock(&m->lock);
}

static void start(struct side *side, pthread_t *thread)
{
	g_assert_cmpint(pthread_create(thread, NULL, side_main, side), ==, 0);
}

/* What was answered, and what is seen afterwards. */
struct outcome {
	int64_t answers[2];
	char *seen;
};

static struct outcome outcome_of(const struct meeting *m)
{
	return (struct outcome){{m->first.answer, m->second.answer}, world_outcome(m->w)};
}

/* In how many orders the steps of SECOND and the whole of another call can follow each other. */
enum { MOST_ORDERS = 3 };

static unsigned order_count(const struct call *second)
{
	return second->then != NULL ? 3 : 2;
}

/* The outcome if FIRST runs when as many steps of SECOND as ORDER says have run. */
static struct outcome outcome_in_order(const struct scene *scene, const struct call *first,
                                       const struct call *second, unsigned order)
{
	int64_t (*const steps[])(struct world *) = {second->run, second->then};
	struct world w;
	struct meeting m = {.w = &w};

	world_begin(&w, scene);
	for (unsigned step = 0; step < order_count(second); step++) {
		if (step == order)
			m.first.answer = first->run(&w);
		if (step + 1 < order_count(second))
			m.second.answer = steps[step](&w);
	}
	m.first.call = first;
	m.second.call = second;
	struct outcome outcome = outcome_of(&m);
	world_end(&w);
	return outcome;
}

/* Whether CALL may have answered IS, when in order I of OUTCOMES it answers what stands there. */
static bool answer_allowed(const struct call *call, int64_t is, const struct outcome *outcomes,
                           unsigned count, unsigned i, unsigned side)
{
	int64_t stale = 0;

	if (call->answers == ANSWER_EXACT)
		return is == outcomes[i].answers[side];
	for (unsigned k = 0; k < count; k++) {
		if (is == outcomes[k].answers[side])
			return true;
		stale |= MAX(outcomes[k].answers[side], 0);
	}
	if (call->answers == ANSWER_STALE)
		return is >= 0 && (is & ~stale) == 0;
	for (unsigned shift = 0; shift < 64; shift += 8) {
		uint8_t byte = (uint8_t)(is >> shift);
		bool allowed = byte == UNREAD;
		for (unsigned k = 0; k < count; k++)
			allowed |= byte == (uint8_t)(outcomes[k].answers[side] >> shift);
		if (!allowed)
			return false;
	}
	return true;
}

/* Whether the calls of M may have had outcome IS where OUTCOMES are those of all orders. */
static bool is_allowed(const struct meeting *m, const struct outcome *is,
                       const struct outcome *outcomes)
{
	unsigned count = order_count(m->second.call);

	for (unsigned i = 0; i < count; i++)
		if (strcmp(is->seen, outcomes[i].seen) == 0 &&
		    answer_allowed(m->first.call, is->answers[0], outcomes, count, i, 0) &&
		    answer_allowed(m->second.call, is->answers[1], outcomes, count, i, 1))
			return true;
	return false;
}

static void add_outcome(GString *text, const char *title, const struct outcome *outcome)
{
	g_string_append_printf(
	    text, "%s:\nanswers %#" G_GINT64_MODIFIER "x and %#" G_GINT64_MODIFIER "x\n%s\n", title,
	    outcome->answers[0], outcome->answers[1], outcome->seen);
}

static void check_outcome(const struct meeting *m, const struct outcome *outcomes)
{
	struct outcome is = outcome_of(m);

	if (!is_allowed(m, &is, outcomes)) {
		g_autoptr(GString) text = g_string_new(NULL);
		add_outcome(text, "seen", &is);
		for (unsigned i = 0; i < order_count(m->second.call); i++)
			add_outcome(text, "allowed", &outcomes[i]);
		fail(m, text->str);
	}
	g_free(is.seen);
}

/*
 * Let FIRST be held up at POINT while SECOND runs. False: FIRST has no such point. What is then
 * seen must be among ALLOWED.
 */
static bool meet(const struct scene *scene, const struct call *first, const struct call *second,
                 unsigned point, const struct outcome *allowed)
{
	struct world w;
	struct meeting m = {
	    .w = &w, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	pthread_t threads[2];

	m.first = (struct side){.meeting = &m, .call = first, .stop_at = point};
	m.second = (struct side){.meeting = &m, .call = second};
	m.script = g_strdup_printf("test_meetings %td %td %td %u\n"
	                           "  scene: %s\n  %s\n    held up at point %u, meanwhile\n  %s",
	                           scene - scenes, first - calls, second - calls, point,
	                           scene->name, first->name, point, second->name);
	world_begin(&w, scene);
	w.p.medium.point_ctx = &m;
	__atomic_store_n(&w.p.medium.point, at_transfer, __ATOMIC_RELEASE);
	lock_watch(w.p.f.machine, at_lock, &m);
	start(&m.first, &threads[0]);
	await(&m, &m.first, 1u << HELD_UP | 1u << ENDED);
	bool met = m.first.progress == HELD_UP;
	if (met) {
		start(&m.second, &threads[1]);
		await(&m, &m.second, 1u << WAITING | 1u << ENDED);
		pthread_mutex_lock(&m.lock);
		m.first.let_go = true;
		pthread_cond_broadcast(&m.changed);
		pthread_mutex_unlock(&m.lock);
		await(&m, &m.second, 1u << ENDED);
		await(&m, &m.first, 1u << ENDED);
		pthread_join(threads[1], NULL);
	}
	pthread_join(threads[0], NULL);
	lock_watch(w.p.f.machine, NULL, NULL);
	__atomic_store_n(&w.p.medium.point, NULL, __ATOMIC_RELEASE);
	if (met)
		check_outcome(&m, allowed);
	world_end(&w);
	g_free(m.script);
	return met;
}

static void meet_everywhere(const struct scene *scene, const struct call *first,
                            const struct call *second, unsigned only)
{
	struct outcome allowed[MOST_ORDERS] = {{.seen = NULL}};

	for (unsigned i = 0; i < order_count(second); i++)
		allowed[i] = outcome_in_order(scene, first, second, i);
	if (only != 0)
		g_assert_true(meet(scene, first, second, only, allowed));
	for (unsigned point = 1; only == 0 && meet(scene, first, second, point, allowed); point++)
		;
	for (unsigned i = 0; i < order_count(second); i++)
		g_free(allowed[i].seen);
}

/* --- All meetings ----------------------------------------------------------------------------- */

struct pair {
	const struct scene *scene;
	const struct call *first;
	unsigned number, every;
};

static void test_pair(gconstpointer data)
{
	const struct pair *pair = data;

	for (unsigned i = 0; i < call_count; i++)
		if ((pair->number + i) % pair->every == 0)
			meet_everywhere(pair->scene, pair->first, &calls[i], 0);
}

static const struct scene *scene_number(const char *text)
{
	return &scenes[MIN((unsigned)atoi(text), scene_count - 1)];
}

static const struct call *call_number(const char *text)
{
	return &calls[MIN((unsigned)atoi(text), call_count - 1)];
}

/* The WHICHth number after NAME among the arguments, or OTHERWISE. */
static unsigned option(int argc, char **argv, const char *name, int which, unsigned otherwise)
{
	for (int i = 1; i + which < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return (unsigned)atoi(argv[i + which]);
	return otherwise;
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (argc >= 4 && argv[1][0] != '-') {
		meet_everywhere(scene_number(argv[1]), call_number(argv[2]), call_number(argv[3]),
		                argc > 4 ? (unsigned)atoi(argv[4]) : 0);
		return 0;
	}
	g_autoptr(GPtrArray) pairs = g_ptr_array_new_with_free_func(g_free);
	unsigned part = option(argc, argv, "--part", 1, 0),
	         parts = option(argc, argv, "--part", 2, 1);
	unsigned every = option(argc, argv, "--every", 1, 1), number = 0;
	for (unsigned s = 0; s < scene_count; s++)
		for (unsigned c = 0; c < call_count && calls[c].then == NULL; c++, number++) {
			struct pair pair = {&scenes[s], &calls[c], number, every};
			struct pair *kept = g_memdup2(&pair, sizeof pair);
			g_autofree char *path =
			    g_strdup_printf("/meetings/%u/%u/%s", s, c, pair.first->name);
			g_ptr_array_add(pairs, kept);
			if (number % parts == part)
				g_test_add_data_func(path, kept, test_pair);
		}
	return g_test_run();
}
