#include "vm/base/record.h"
#include "vm/base/host.h"

void record_tell_locked(struct vm_machine *machine, struct vm_fault *record, const char *file)
{
	record->seq = ++machine->count.seq;
	if (!record_is_wanted_locked(machine))
		return;
	record->time = machine_uptime(machine);
	if (machine->watch == NULL)
		return;
	record->file = file;
	machine->watch(machine->watch_ctx, record);
}
