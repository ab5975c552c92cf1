/*
 * wordfile.h - binary files of 64-bit words (file_class), like /proc/PID/pagemap and
 * /proc/kpagecount. Word number N is at offset 8 x N. A read shows the words as they are at that
 * moment. Offset and length must be multiples of 8. The size is the true one.
 */
#ifndef FS_FILES_WORDFILE_H
#define FS_FILES_WORDFILE_H

#include "fs/files/file.h"

extern const struct file_class wordfile_class;

/* The words of each file (fs_words_fn). */
ssize_t words_pagemap(struct fs_mount *mount, struct vm_process *process,
                      const struct fs_caller *caller, uint64_t first, size_t count,
                      uint64_t *words);
ssize_t words_kpagecount(struct fs_mount *mount, struct vm_process *process,
                         const struct fs_caller *caller, uint64_t first, size_t count,
                         uint64_t *words);
ssize_t words_kpageflags(struct fs_mount *mount, struct vm_process *process,
                         const struct fs_caller *caller, uint64_t first, size_t count,
                         uint64_t *words);

#endif
