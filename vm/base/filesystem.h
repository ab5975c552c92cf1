/*
 * filesystem.h - what the mount and the file system of a host file forbid to those who map it.
 */
#ifndef VM_BASE_FILESYSTEM_H
#define VM_BASE_FILESYSTEM_H

#include <stdbool.h>

/*
 * What the mount and the file system of the host file FD forbid. *NOEXEC: nothing there may be
 * executed (Linux: path_noexec). *UNMAPPABLE: its files cannot be mapped (can_mmap_file). A file
 * system that does not say what it is (fstatfs fails) forbids nothing. It may be asked over a
 * network, so no lock is held.
 */
void filesystem_limits(int fd, bool *noexec, bool *unmappable);

#endif
