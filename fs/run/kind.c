#include "fs/run/kind.h"

#include <sys/sysmacros.h>
#include <time.h>

static void release(void *ctx)
{
	struct special *special = ctx;

	special->kind->release(special);
}

static char *name(void *ctx)
{
	const struct special *special = ctx;

	return special->kind->name(special);
}

static const struct vm_file_ops special_ops = {release, name};

const struct file_kind *kind_of(const struct vm_file *file)
{
	const struct special *special = vm_file_special(file, &special_ops);

	return special != NULL ? special->kind : &kind_regular;
}

struct special *kind_special(const struct vm_file *file, const struct file_kind *kind)
{
	struct special *special = vm_file_special(file, &special_ops);

	return special != NULL && special->kind == kind ? special : NULL;
}

struct vm_file *kind_new_file(const struct place *place, struct special *special, int access,
                              size_t bytes, int *error)
{
	bool handle = special->host >= 0;
	struct vm_charge charge = {.uid = place->caller.uid,
	                           .what = handle ? VM_HANDLES : VM_NOTES,
	                           .units = handle ? 1 : bytes};
	struct vm_file *file = vm_file_new_special(place->mount->machine, &special_ops, special,
	                                           access, &charge, error);

	if (file == NULL)
		special->kind->release(special);
	return file;
}

int kind_host(const struct vm_file *file)
{
	const struct special *special = vm_file_special(file, &special_ops);

	return special != NULL ? special->host : vm_file_host(file);
}

void kind_fill_stat(const struct place *place, uint64_t ino, mode_t mode, struct stat *status)
{
	/* A device number that no file system of the host has: its major is 0, and it is large. */
	*status = (struct stat){
	    .st_dev = makedev(0, 0xfffff),
	    .st_ino = ino,
	    .st_mode = mode,
	    .st_nlink = 1,
	    .st_uid = place->caller.uid,
	    .st_gid = place->caller.gid,
	    .st_blksize = VM_PAGE_SIZE,
	};
	clock_gettime(CLOCK_REALTIME, &status->st_mtim);
	status->st_atim = status->st_ctim = status->st_mtim;
}
