/*
 * tlb_fixture.c - see tlb_fixture.h.
 */
#include "tests/tlb_fixture.h"

const struct geometry geometries[GEOMETRIES] = {{1, 1}, {1, 8}, {8, 1}, {7, 3}, {16, 4}, {0, 0}};

void begin(struct pressure *p, const struct geometry *geometry)
{
	pressure_begin(p, &(struct pressure_size){.frames = 64,
	                                          .slots = 128,
	                                          .overcommit = VM_OVERCOMMIT_ALWAYS,
	                                          .tlb_sets = geometry->sets,
	                                          .tlb_ways = geometry->ways,
	                                          .no_tlb = geometry->sets == 0});
}

struct vm_tlb_info counts(struct vm_process *process)
{
	struct vm_tlb_info info;

	vm_process_tlb(process, &info, NULL, NULL);
	return info;
}

bool served(struct vm_process *process, uint64_t va, enum vm_access access)
{
	struct vm_fault record;

	g_assert_cmpint(touch(process, va, access, &record), ==, 0);
	g_assert_cmpstr(vm_outcome_name(record.outcome), ==, "hit");
	return record.tlb;
}

void add(const char *name, const struct geometry *geometry, GTestDataFunc test)
{
	g_autofree char *path = g_strdup_printf("/tlb/%s/%ux%u", name, geometry->sets, geometry->ways);

	g_test_add_data_func(path, geometry, test);
}
