/*
 * vdso.h - the pages that the kernel maps into every process: [vvar] and [vdso], in the host's
 * sizes.
 */
#ifndef VM_EXEC_VDSO_H
#define VM_EXEC_VDSO_H

struct vm_machine;

/*
 * Copy the host's vdso to machine->vdso, which stays NULL where it has none. Once, as the machine
 * starts. -ENOMEM.
 */
int vdso_init(struct vm_machine *machine);

#endif
