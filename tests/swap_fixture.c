/*
 * swap_fixture.c - see swap_fixture.h.
 */
#include "tests/swap_fixture.h"

void swap_out_eight(struct pressure *p)
{
	map(p->f.process, ARENA, 8, RW, PRIVATE_ANON);
	map(p->f.process, FAR, 8, RW, SHARED_ANON);
	fill(p->f.process, ARENA, 8, 'x');
	fill(p->f.process, FAR, 8, 'y');
	evict_all(p);
	g_assert_cmpuint(slots_used(p), ==, 16);
}
