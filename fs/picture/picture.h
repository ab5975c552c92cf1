/*
 * picture.h - the pictures and pages of the mount (fs_view_fn), and what they are made of.
 *
 * Rules. A picture stands alone: nothing in it is fetched from elsewhere. It is XML. The same state
 * of the machine gives the same bytes. It has at most PICTURE_MAX bytes, whatever the machine has;
 * what is folded says so. Layout and drawing are apart: space, frames and tables look at the
 * engine, the draw_ files at what those found.
 */
#ifndef FS_PICTURE_PICTURE_H
#define FS_PICTURE_PICTURE_H

#include "fs/fs.h"

enum { PICTURE_MAX = 1 << 20 };

/* frames.svg: physical memory. Shows who owns a frame, and addresses only to those who may see. */
int view_frames_svg(GString *out, struct fs_mount *mount, struct vm_process *process,
                    const struct fs_caller *caller);
/* index.html of the root. */
int view_machine_page(GString *out, struct fs_mount *mount, struct vm_process *process,
                      const struct fs_caller *caller);
/* PID/map.svg, PID/pagetable.svg, PID/index.html: for those who may look into the process. */
int view_map_svg(GString *out, struct fs_mount *mount, struct vm_process *process,
                 const struct fs_caller *caller);
int view_pagetable_svg(GString *out, struct fs_mount *mount, struct vm_process *process,
                       const struct fs_caller *caller);
int view_process_page(GString *out, struct fs_mount *mount, struct vm_process *process,
                      const struct fs_caller *caller);

#endif
