/*
 * usage_fixture.c - see usage_fixture.h.
 */
#include "tests/usage_fixture.h"

struct search {
	uint64_t va;
	struct vm_area_usage usage;
};

static void keep_usage(void *ctx, const struct vm_area_usage *usage)
{
	struct search *search = ctx;

	if (search->va >= usage->area.start && search->va < usage->area.end)
		search->usage = *usage;
}

struct vm_area_usage usage_at(struct vm_process *process, uint64_t va)
{
	struct search search = {.va = va};

	g_assert_cmpint(vm_process_usage(process, keep_usage, &search), ==, 0);
	g_assert_cmpuint(search.usage.area.end, >, va);
	return search.usage;
}

uint64_t file_at(struct pressure *p, struct vm_process *process, const char *path, uint64_t pages, int flags)
{
	struct vm_file *file = open_file(&p->f, path, O_RDWR);
	uint64_t at = map_file(process, 0, pages, RW, flags, file, 0);

	vm_file_unref(file);
	return at;
}
