/*
 * swap_fixture.c - see swap_fixture.h.
 */
#include "tests/swap_fixture.h"

const struct pressure_size roomy = {.frames = 64, .slots = 64};

uint64_t slots_used(struct pressure *p)
{
	return machine_info(p).swap_used;
}

uint64_t frames_used(struct pressure *p)
{
	struct vm_machine_info info = machine_info(p);

	return info.frames_total - info.frames_free;
}

void swap_out_eight(struct pressure *p)
{
	map(p->f.process, ARENA, 8, RW, PRIVATE_ANON);
	map(p->f.process, FAR, 8, RW, SHARED_ANON);
	fill(p->f.process, ARENA, 8, 'x');
	fill(p->f.process, FAR, 8, 'y');
	evict_all(p);
	g_assert_cmpuint(slots_used(p), ==, 16);
}
