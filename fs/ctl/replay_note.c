#include "fs/ctl/replay_note.h"
#include "fs/ctl/ctl_store.h"

#include <string.h>

static struct ctl_file *record_of(struct fs_mount *mount, struct vm_process *process)
{
	if (mount->replays == NULL)
		return NULL;
	return ctl_store_get(mount->replays, mount->machine, vm_process_pid(process));
}

void replay_note_set(struct fs_mount *mount, struct vm_process *process, const char *text)
{
	const struct vm_cred who = vm_process_cred(process);
	struct ctl_file *record = record_of(mount, process);

	if (record == NULL)
		return;
	/* A reason that is over is an empty one. */
	const char *kept = text != NULL ? text : "";
	ctl_store_set(mount->replays, record, &who, g_bytes_new(kept, strlen(kept) + 1));
	ctl_store_put(mount->replays, record, !vm_process_listed(process));
}

char *replay_note_get(struct fs_mount *mount, struct vm_process *process)
{
	struct ctl_file *record = record_of(mount, process);
	struct vm_cred who;
	uint64_t generation;

	if (record == NULL)
		return NULL;
	g_autoptr(GBytes) last = ctl_store_last(mount->replays, record, &who, &generation);
	ctl_store_put(mount->replays, record, false);
	const char *text = last != NULL ? g_bytes_get_data(last, NULL) : "";
	return *text != '\0' ? g_strdup(text) : NULL;
}
