/*
 * test_turns_threads.c - files/turns.h: who works long takes turns with others.
 */
#include "fs/files/turns.h"

#include <glib.h>
#include <semaphore.h>

enum { WORKERS = 5, ROUNDS = 4 };

struct worker {
	struct turns *turns;
	sem_t *go_on;   /* wait for it after the first turn, or NULL */
	sem_t *had_one; /* post it after the first turn, or NULL */
	int rounds;
};

/* Work without end, until it was this worker's turn ROUNDS times. */
static void *work(void *ctx)
{
	struct worker *worker = ctx;
	struct turn turn;
	int64_t until;

	turn_begin(&turn);
	until = turn.until;
	while (worker->rounds < ROUNDS) {
		turn_wait(worker->turns, &turn);
		if (turn.until == until)
			continue;
		until = turn.until;
		if (worker->rounds++ > 0)
			continue;
		if (worker->had_one != NULL)
			sem_post(worker->had_one);
		if (worker->go_on != NULL)
			sem_wait(worker->go_on);
	}
	turn_end(worker->turns, &turn);
	return NULL;
}

static void run(struct worker *workers, int count)
{
	pthread_t threads[WORKERS];

	for (int i = 0; i < count; i++)
		g_assert_cmpint(pthread_create(&threads[i], NULL, work, &workers[i]), ==, 0);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

/* All come to their turns, whatever the number of processors. */
static void test_all(void)
{
	for (unsigned processors = 0; processors < 4; processors++) {
		struct worker workers[WORKERS];
		struct turns turns;

		turns_init(&turns, processors);
		for (int i = 0; i < WORKERS; i++)
			workers[i] = (struct worker){.turns = &turns};
		run(workers, WORKERS);
		g_assert_cmpuint(turns.free, ==, MAX(processors, 1));
		g_assert_true(list_empty(&turns.working));
		turns_clear(&turns);
	}
}

/* One has the only turn and waits for another, which can only work if it gets the turn. */
static void test_idle(void)
{
	struct worker workers[3];
	struct turns turns;
	sem_t other_had_one;

	turns_init(&turns, 1);
	sem_init(&other_had_one, 0, 0);
	workers[0] = (struct worker){.turns = &turns, .go_on = &other_had_one};
	workers[1] = (struct worker){.turns = &turns, .had_one = &other_had_one};
	workers[2] = (struct worker){.turns = &turns};
	run(workers, 3);
	g_assert_cmpuint(turns.free, ==, 1);
	sem_destroy(&other_had_one);
	turns_clear(&turns);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/turns/all", test_all);
	g_test_add_func("/turns/idle", test_idle);
	return g_test_run();
}
