/*
 * builder.h - build an address space where nobody can see it, and hand it over as a whole. Exec,
 * fork and spawn share this.
 *
 *     builder_begin                       an address space without areas
 *       builder_map, builder_store, ...   fill it, by the calls that any process makes
 *       builder->space->layout            where code, data, heap, stack and strings lie; registers
 *       builder_add_auxv, builder_set_exe
 *     builder_adopt                       a process continues in it, as after execve, or
 *     builder_publish                     it becomes a new process
 *     builder_end                         free what was not handed over
 *
 * Until then the address space belongs to a process with pid 0, which is in no table. Faults of
 * that process are counted for the machine, and a watcher (vm_machine_watch) sees them with pid 0.
 * No process records them.
 *
 * Rule: one thread uses a builder. Unless a function says otherwise, its caller holds no lock.
 */
#ifndef VM_CALLS_BUILDER_H
#define VM_CALLS_BUILDER_H

#include "vm/internal.h"

struct builder {
	struct vm_process *process; /* pid 0, in no table; NULL once it was published */
	struct vm_space *space;     /* its address space, as long as it was not handed over */
};

/*
 * Begin with an empty address space that CRED owns, with the resource limits that Linux's first
 * process has. -ENOMEM: no memory, or no table page; nothing has to be ended then.
 */
int builder_begin(struct builder *builder, struct vm_machine *machine, const struct vm_cred *cred);

/* Copy the resource limits of PROCESS, which is locked. They apply to the calls below. */
void builder_take_limits(struct builder *builder, const struct vm_process *process);

/* vm_mmap, vm_munmap, vm_mprotect and vm_brk, with their parameters and results (vm.h). */
int64_t builder_map(struct builder *builder, uint64_t addr, uint64_t len, int prot, int flags,
                    struct vm_file *file, uint64_t offset);
/*
 * Map writable anonymous memory at ADDR, over what is there, as the kernel's loader does: it merges
 * only with the area below it (vm_brk_flags). ADDR and LEN are multiples of the page size.
 */
int64_t builder_map_bss(struct builder *builder, uint64_t addr, uint64_t len, int prot);
int builder_unmap(struct builder *builder, uint64_t addr, uint64_t len);
int builder_protect(struct builder *builder, uint64_t addr, uint64_t len, int prot);
int64_t builder_brk(struct builder *builder, uint64_t addr);

/*
 * Store LEN bytes (any number) at VA, as writes by the process. 0, -EFAULT (no area), -EACCES (not
 * writable), -EIO (SIGBUS), -ENOMEM. After an error some of the bytes may have been stored.
 */
int builder_store(struct builder *builder, uint64_t va, const void *bytes, size_t len);

/* Append a pair to the auxiliary vector. There is room for 32; more are refused with a warning. */
void builder_add_auxv(struct builder *builder, uint64_t key, uint64_t value);

/*
 * FILE is the program that runs (/proc/PID/exe). A reference is taken. The caller keeps FILE from
 * being written (file_deny_write). Call it once.
 */
void builder_set_exe(struct builder *builder, struct vm_file *file);

/*
 * Let PROCESS continue in the new address space, under the name COMM (cut to 15 bytes). The builder
 * gets the old address space, which builder_end frees. Locks PROCESS for writing. -ESRCH: PROCESS
 * has ended, and nothing has changed.
 */
int builder_adopt(struct builder *builder, struct vm_process *process, const char *comm);

/*
 * Make the address space a process with a new pid, a child of PARENT (0: of nobody), named COMM
 * (cut to 15 bytes). Returns a reference, or NULL with *ERROR -EAGAIN (too many processes, or no
 * pid is left) or -ENOMEM. The caller may hold the lock of another process, as fork does. Takes the
 * machine lock.
 */
struct vm_process *builder_publish(struct builder *builder, pid_t parent, const char *comm,
                                   int *error);

/* End. Unless the address space was published, this takes locks, and may write to files. */
void builder_end(struct builder *builder);

#endif
