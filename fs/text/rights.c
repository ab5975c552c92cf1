/*
 * rights.c - what callers may see of processes that are not theirs.
 */
#include "fs/text/rights.h"

bool rights_administer(const struct fs_mount *mount, const struct fs_caller *caller)
{
	return caller->uid == 0 || caller->uid == mount->daemon_uid;
}

bool rights_trace(const struct fs_mount *mount, const struct fs_caller *caller,
                  const struct vm_cred *owner)
{
	return (caller->uid == owner->uid && caller->gid == owner->gid) ||
	       rights_administer(mount, caller);
}
