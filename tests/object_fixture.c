/*
 * object_fixture.c - see object_fixture.h.
 */
#include "tests/object_fixture.h"

struct mapped map_new(struct vm_fixture *f, uint64_t size, int prot, int flags)
{
	struct mapped m = {.path = make_file(f, "file", size, 'a')};

	m.file = open_file(f, m.path, O_RDWR);
	map_file(f->process, A(0), (size + PAGE - 1) / PAGE, prot, flags, m.file, 0);
	return m;
}

void forget(struct mapped *m)
{
	vm_file_unref(m->file);
	g_free(m->path);
}
