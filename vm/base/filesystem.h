/*
 * filesystem.h - what the mount and the file system of a host file mean to those who map or run it
 * (struct filesystem, vm/internal.h).
 */
#ifndef VM_BASE_FILESYSTEM_H
#define VM_BASE_FILESYSTEM_H

#include "vm/internal.h"

/*
 * What is known of the file system of the host file FD. All is false if it does not say what it is
 * (fstatfs fails). It may be asked over a network, so no lock is held.
 */
struct filesystem filesystem_of(int fd);

/*
 * The device number of the superblock of FD, as /proc/PID/maps shows it: that of FD's mount in
 * mountinfo. PROC is the host's /proc (util/proc.h). ST_DEV if the mount is not found there: it is
 * in another mount namespace. No lock is held.
 */
dev_t filesystem_device(int proc, int fd, dev_t st_dev);

#endif
