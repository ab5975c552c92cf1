/*
 * replay_note.h - why the last trace that was written to PID/replay could not be replayed to its
 * end: a sentence for who reads the file.
 *
 * Any thread may call these functions. As many bytes of all processes together are kept as of the
 * results of ctl.
 */
#ifndef FS_CTL_REPLAY_NOTE_H
#define FS_CTL_REPLAY_NOTE_H

#include "fs/fs.h"

/* From now on the reason is TEXT; NULL: there is none. Without memory it is not kept. */
void replay_note_set(struct fs_mount *mount, struct vm_process *process, const char *text);

/* The reason, or NULL. Free it with g_free. */
char *replay_note_get(struct fs_mount *mount, struct vm_process *process);

#endif
