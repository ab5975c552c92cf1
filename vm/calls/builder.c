#include "vm/calls/builder.h"
#include "vm/calls/mmap.h"
#include "vm/process/process.h"
#include "vm/space/space.h"

#include <errno.h>
#include <string.h>

enum { STORE_PIECE = 256 << 10 /* bytes of one vm_write, at most VM_MAX_TRANSFER */ };

int builder_begin(struct builder *builder, struct vm_machine *machine, const struct vm_cred *cred)
{
	builder->process = process_new_nascent(machine, cred);
	builder->space = builder->process != NULL ? builder->process->space : NULL;
	return builder->process != NULL ? 0 : -ENOMEM;
}

void builder_take_limits(struct builder *builder, const struct vm_process *process)
{
	memcpy(builder->process->limits, process->limits, sizeof process->limits);
}

int64_t builder_map(struct builder *builder, uint64_t addr, uint64_t len, int prot, int flags,
                    struct vm_file *file, uint64_t offset)
{
	return vm_mmap(builder->process, addr, len, prot, flags, file, offset);
}

int64_t builder_map_bss(struct builder *builder, uint64_t addr, uint64_t len, int prot)
{
	return mmap_bss(builder->process, addr, len, prot);
}

int builder_unmap(struct builder *builder, uint64_t addr, uint64_t len)
{
	return vm_munmap(builder->process, addr, len);
}

int builder_protect(struct builder *builder, uint64_t addr, uint64_t len, int prot)
{
	return vm_mprotect(builder->process, addr, len, prot);
}

int64_t builder_brk(struct builder *builder, uint64_t addr)
{
	return vm_brk(builder->process, addr);
}

int builder_store(struct builder *builder, uint64_t va, const void *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t written = vm_write(builder->process, va + done, (const char *)bytes + done,
		                           MIN(len - done, STORE_PIECE));
		if (written < 0)
			return (int)written;
		done += (size_t)written;
	}
	return 0;
}

void builder_add_auxv(struct builder *builder, uint64_t key, uint64_t value)
{
	struct vm_space *space = builder->space;

	g_return_if_fail(space->auxv_len + 2 <= G_N_ELEMENTS(space->auxv));
	space->auxv[space->auxv_len++] = key;
	space->auxv[space->auxv_len++] = value;
}

void builder_set_exe(struct builder *builder, struct vm_file *file)
{
	space_set_exe(builder->space, file);
}

int builder_adopt(struct builder *builder, struct vm_process *process, const char *comm)
{
	return process_adopt_space(process, builder->process, comm);
}

struct vm_process *builder_publish(struct builder *builder, pid_t parent, const char *comm,
                                   int *error)
{
	*error = process_publish(builder->process, parent, comm);
	return *error == 0 ? g_steal_pointer(&builder->process) : NULL;
}

void builder_end(struct builder *builder)
{
	if (builder->process != NULL)
		vm_process_unref(builder->process);
	builder->process = NULL;
	builder->space = NULL;
}
