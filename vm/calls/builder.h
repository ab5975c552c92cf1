/*
 * builder.h - an address space that grows where nobody can see it, and is then taken over whole:
 * what exec, fork and spawn have in common.
 *
 *     builder_begin                       an address space without areas
 *       builder_map, builder_store, ...   fill it by the calls of any process
 *       builder->space->layout            where code, data, heap, stack and strings lie; registers
 *       builder_add_auxv, builder_set_exe
 *     builder_adopt                       a process continues in it, as after execve, or
 *     builder_publish                     it becomes a process of its own
 *     builder_end                         whatever was not taken over goes
 *
 * Until it is taken over it belongs to a process with pid 0, which is in no table. Its faults count
 * for the machine and are recorded nowhere.
 *
 * Rule: one thread uses a builder. No lock is needed for it, and none is held, except where a
 * function says so.
 */
#ifndef VM_CALLS_BUILDER_H
#define VM_CALLS_BUILDER_H

#include "vm/internal.h"

struct builder {
	struct vm_process *process; /* that nobody can find */
	struct vm_space *space;     /* its address space */
};

/* Begin with an empty address space, with Linux's first limits. -ENOMEM. */
int builder_begin(struct builder *builder, struct vm_machine *machine, const struct vm_cred *cred);

/* The limits of PROCESS, which is locked, bind from now on. */
void builder_take_limits(struct builder *builder, const struct vm_process *process);

/* mmap, munmap, mprotect and brk, with their results (vm.h). */
int64_t builder_map(struct builder *builder, uint64_t addr, uint64_t len, int prot, int flags,
                    struct vm_file *file, uint64_t offset);
int builder_unmap(struct builder *builder, uint64_t addr, uint64_t len);
int builder_protect(struct builder *builder, uint64_t addr, uint64_t len, int prot);
int64_t builder_brk(struct builder *builder, uint64_t addr);

/*
 * Store LEN bytes at VA. 0, -EFAULT (no area), -EACCES (not writable), -EIO, -ENOMEM. After an error
 * some of the bytes may have been stored.
 */
int builder_store(struct builder *builder, uint64_t va, const void *bytes, size_t len);

/* One more pair of the auxiliary vector. */
void builder_add_auxv(struct builder *builder, uint64_t key, uint64_t value);

/* FILE (a reference is taken) is the program that runs. */
void builder_set_exe(struct builder *builder, struct vm_file *file);

/*
 * PROCESS continues in the address space, under the name COMM; its old one goes at builder_end.
 * -ESRCH: PROCESS has ended.
 */
int builder_adopt(struct builder *builder, struct vm_process *process, const char *comm);

/*
 * The address space becomes a process of its own, a child of PARENT (0: of nobody). A reference to
 * it, or NULL with *ERROR -EAGAIN: too many processes.
 */
struct vm_process *builder_publish(struct builder *builder, pid_t parent, const char *comm,
                                   int *error);

/* End. Takes locks itself, unless the address space was published. */
void builder_end(struct builder *builder);

#endif
