/*
 * rights.h - what callers may see of processes that are not theirs.
 *
 * /proc keeps addresses and file names of a process from others by ptrace's check, and frame
 * numbers by a capability. The same rules hold here, in every file and every answer that has such
 * things. docs/security.md lists them.
 */
#ifndef FS_TEXT_RIGHTS_H
#define FS_TEXT_RIGHTS_H

#include "fs/fs.h"

/*
 * Whether CALLER has the rights of root in this machine: root, and the user who runs the daemon,
 * who could look into its memory anyway.
 */
bool rights_administer(const struct fs_mount *mount, const struct fs_caller *caller);

/*
 * Whether CALLER may look into a process of OWNER: with the same uid and gid, or as root. Linux:
 * ptrace_may_access with PTRACE_MODE_READ_FSCREDS.
 */
bool rights_trace(const struct fs_mount *mount, const struct fs_caller *caller,
                  const struct vm_cred *owner);

#endif
