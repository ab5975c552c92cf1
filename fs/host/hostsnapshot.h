/*
 * hostsnapshot.h - what a process of the host is at this moment: its areas, its memory, its
 * threads.
 */
#ifndef FS_HOST_HOSTSNAPSHOT_H
#define FS_HOST_HOSTSNAPSHOT_H

#include "fs/fs.h"
#include "vm/vm_core.h"

/*
 * Fill IMAGE with the process PID of the host, as CALLER may see it: /proc/PID/mem and the other
 * files are opened with the caller's identity, so the kernel itself decides. Pages that are only
 * those of a file are left there, and the file is mapped, if the caller may open it. All others are
 * copied to a file without a name, which is charged to the caller (VM_SNAPSHOTS).
 *
 * The process is not stopped, so what it stores meanwhile may be in the copy or not. Registers are
 * those that /proc/PID/task/TID/syscall tells of a thread in a system call: sp, pc, the number and
 * the arguments. Shared memory is copied, not shared.
 *
 * -ESRCH: no such process, or the pids of callers are not known. -EACCES, -EPERM: the caller may
 * not look into it. -EBUSY: it is this daemon. -ENOEXEC: it has no memory. -ENOMEM, -ENOSPC,
 * -EINTR, those of hostidentity_run, and of opening and writing the copy. Clear IMAGE with
 * vm_image_clear in any case.
 */
int hostsnapshot_take(struct fs_mount *mount, const struct fs_caller *caller, pid_t pid,
                      struct vm_image *image);

#endif
