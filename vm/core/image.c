/*
 * image.c - what a process is to be: see vm_core.h.
 */
#include "vm/base/user.h"
#include "vm/internal.h"
#include "vm/vm_core.h"

void vm_image_init(struct vm_image *image, struct vm_file *source)
{
	*image = (struct vm_image){.source = vm_file_ref(source)};
}

void vm_image_clear(struct vm_image *image)
{
	for (size_t i = 0; i < image->areas.len; i++) {
		struct vm_image_area *area = &ARRAY_AT(&image->areas, struct vm_image_area, i);
		g_free(area->name);
		if (area->file != NULL)
			vm_file_unref(area->file);
	}
	array_clear(&image->areas);
	array_clear(&image->pieces);
	array_clear(&image->threads);
	if (image->exe != NULL)
		vm_file_unref(image->exe);
	if (image->reserved != 0)
		user_uncharge(image->source->machine, image->source->handle->user, VM_SNAPSHOTS,
		              image->reserved);
	if (image->source != NULL)
		vm_file_unref(image->source);
	*image = (struct vm_image){.source = NULL};
}

int vm_image_reserve(struct vm_image *image, uint64_t bytes)
{
	int error =
	    user_charge(image->source->machine, image->source->handle->user, VM_SNAPSHOTS, bytes);

	image->reserved += error == 0 ? bytes : 0;
	return error;
}

struct vm_image_piece *vm_image_add_piece(struct vm_image *image)
{
	return array_add(&image->pieces, sizeof(struct vm_image_piece));
}

struct vm_image_area *vm_image_add_area(struct vm_image *image)
{
	return array_add(&image->areas, sizeof(struct vm_image_area));
}

struct vm_thread *vm_image_add_thread(struct vm_image *image)
{
	return array_add(&image->threads, sizeof(struct vm_thread));
}
