/*
 * common.c - what several files of exec/ need: random numbers, reading images, storing bytes. See
 * exec.h.
 */
#include "vm/base/lock.h"
#include "vm/cache/file.h"
#include "vm/exec/exec.h"

#include <errno.h>
#include <sys/stat.h>

void exec_blame(struct exec *exec, const char *path)
{
	g_free(exec->blamed);
	exec->blamed = g_strdup(path);
}

uint64_t exec_random(const struct exec *exec, uint64_t bound)
{
	if (!exec->machine->config.aslr)
		return 0;
	machine_lock(exec->machine);
	uint64_t number =
	    (uint64_t)g_rand_int(exec->machine->rand) << 32 | g_rand_int(exec->machine->rand);
	machine_unlock(exec->machine);
	return number % bound;
}

int exec_store(struct exec *exec, uint64_t va, const void *bytes, size_t len)
{
	int error = builder_store(&exec->builder, va, bytes, len);

	/*
	 * The places are chosen by us or by the file. If one cannot be stored to, the file asks for
	 * mappings that exclude each other, or the stack cannot grow.
	 */
	return error == -EFAULT || error == -EACCES ? -ENOEXEC : error;
}

static ssize_t read_file(void *file, void *buf, size_t len, uint64_t offset)
{
	return vm_file_pread(file, buf, len, offset);
}

struct elf_source exec_source(struct vm_file *file)
{
	struct stat status;
	bool known = fstat(file->handle->medium.fd, &status) == 0;

	return (struct elf_source){
	    .read = read_file, .ctx = file, .size = known ? (uint64_t)status.st_size : 0};
}

int exec_image_open(struct exec_image *image, struct vm_file *file)
{
	struct elf_source source = exec_source(file);

	image->file = vm_file_ref(file);
	return elf_open(&image->elf, &source);
}

void exec_image_clear(struct exec_image *image)
{
	elf_clear(&image->elf);
	if (image->file != NULL)
		vm_file_unref(image->file);
	image->file = NULL;
}
