/*
 * vdso.h - [vvar] and [vdso], the pages that the kernel maps into every process. They are as large
 * as the host has them. exec_map_vdso of exec.h maps them.
 */
#ifndef VM_EXEC_VDSO_H
#define VM_EXEC_VDSO_H

struct vm_machine;

/*
 * Copy the host's vdso to machine->vdso, and note in machine->vdso_layout how it lies beside
 * [vvar]. Called once, when the machine starts; takes the machine lock. machine->vdso stays NULL if
 * the host has no vdso, or if /proc/self/maps does not show both side by side; that is not an
 * error. -ENOMEM: no memory, or not enough table pages (config.max_tables) for the copy.
 */
int vdso_init(struct vm_machine *machine);

/*
 * In machine->vdso, the functions that read [vvar] become plain system calls, because [vvar] has no
 * contents here. For machines whose programs run (vm_cpu.h). Takes the machine lock.
 */
void vdso_patch(struct vm_machine *machine);

#endif
