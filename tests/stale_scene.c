/*
 * stale_scene.c - see stale_scene.h.
 */
#include "tests/stale_scene.h"

static bool is_on(struct vm_process *process)
{
	return counts(process).sets > 0;
}

void assert_served(struct vm_process *process, uint64_t va, enum vm_access access)
{
	g_assert_cmpint(served(process, va, access), ==, is_on(process));
}

void prime(struct vm_process *process, uint64_t va, uint8_t byte)
{
	put(process, va, byte);
	assert_served(process, va, VM_ACCESS_WRITE);
}

void prime_load(struct vm_process *process, uint64_t va, int byte)
{
	g_assert_cmpint(get(process, va), ==, byte);
	assert_served(process, va, VM_ACCESS_READ);
}

uint64_t primed_page(struct pressure *p, int prot, uint8_t byte)
{
	uint64_t at = map(p->f.process, ARENA, 1, prot, PRIVATE_ANON);

	prime(p->f.process, at, byte);
	return at;
}

void assert_gone(struct vm_process *process, uint64_t va)
{
	assert_touch(process, va, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SEGV_MAPERR);
	assert_touch(process, va, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SEGV_MAPERR);
}

void play_scenes(const struct stale_scene *scenes, size_t count, const struct geometry *geometry)
{
	for (size_t i = 0; i < count; i++) {
		struct pressure p;

		g_test_message("%s", scenes[i].name);
		begin(&p, geometry);
		scenes[i].play(&p);
		pressure_end(&p);
	}
}
