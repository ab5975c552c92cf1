/*
 * storage_fixture.c - see storage_fixture.h.
 */
#include "tests/storage_fixture.h"

void scene_begin(struct scene *scene, unsigned frames, uint64_t writeback_centisecs)
{
	pressure_begin(&scene->p, &(struct pressure_size){.frames = frames,
	                                                  .slots = 64,
	                                                  .policy = "fifo",
	                                                  .overcommit = VM_OVERCOMMIT_ALWAYS,
	                                                  .writeback_centisecs = writeback_centisecs});
	scene->path = make_file(&scene->p.f, "scene", 4 * PAGE, 'a');
	struct vm_file *file = open_file(&scene->p.f, scene->path, O_RDWR);
	map_file(scene->p.f.process, SHARED_AT, 4, RW, MAP_SHARED, file, 0);
	vm_file_unref(file);
}

void scene_end(struct scene *scene)
{
	pressure_end(&scene->p);
	g_free(scene->path);
}

int msync_all(struct scene *scene)
{
	return vm_msync(scene->p.f.process, SHARED_AT, 4 * PAGE, MS_SYNC);
}
