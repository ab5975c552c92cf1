#include "vm/process/event.h"
#include "util/refstring.h"
#include "vm/base/lock.h"
#include "vm/base/record.h"
#include "vm/base/user.h"
#include "vm/process/process.h"

#include <signal.h>

static const char *const outcome_names[] = {"hit", "minor", "major", "fatal", "evict"};

static const char *const kind_names[VM_FAULT_KINDS] = {
    [VM_FAULT_NONE] = "none",
    [VM_FAULT_ZERO_PAGE] = "zero-page",
    [VM_FAULT_DEMAND_ZERO] = "demand-zero",
    [VM_FAULT_FILE_READ] = "file-read",
    [VM_FAULT_PAGE_CACHE] = "page-cache",
    [VM_FAULT_COW_COPY] = "cow-copy",
    [VM_FAULT_COW_REUSE] = "cow-reuse",
    [VM_FAULT_WRITE_NOTIFY] = "write-notify",
    [VM_FAULT_SWAP_IN] = "swap-in",
    [VM_FAULT_SWAP_CACHE] = "swap-cache",
    [VM_FAULT_STACK_GROW] = "stack-grow",
    [VM_FAULT_TABLE_UNSHARE] = "table-unshare",
    [VM_FAULT_SEGV_MAPERR] = "segv-maperr",
    [VM_FAULT_SEGV_ACCERR] = "segv-accerr",
    [VM_FAULT_SIGBUS] = "sigbus",
    [VM_FAULT_OOM] = "oom",
    [VM_FAULT_SWAP_OUT] = "swap-out",
    [VM_FAULT_WRITE_BACK] = "write-back",
    [VM_FAULT_DROP] = "drop",
    [VM_FAULT_LAZY_FREE] = "lazy-free",
    [VM_FAULT_LOST] = "lost",
};

const char *vm_outcome_name(enum vm_outcome outcome)
{
	return outcome_names[outcome];
}

const char *vm_fault_kind_name(enum vm_fault_kind kind)
{
	return kind_names[kind];
}

/* Bytes that a ring of ROOM records takes. */
static uint64_t ring_size(unsigned room)
{
	return room * sizeof(struct vm_event);
}

/* Make room for ROOM records. False, with nothing changed: no memory, or its user has too much. */
static bool grow_ring_locked(struct vm_process *process, unsigned room)
{
	uint64_t more = ring_size(room - process->event_room);

	if (user_charge(process->machine, process->user, VM_NOTES, more) != 0)
		return false;
	struct vm_event *events = g_try_renew(struct vm_event, process->events, room);
	if (events == NULL) {
		user_uncharge(process->machine, process->user, VM_NOTES, more);
		return false;
	}
	process->events = events;
	process->event_room = room;
	return true;
}

/*
 * The slot of the ring for the next record. It is free to be overwritten: what an old record in it
 * held is released. Without memory for more the ring stays as short as it is. NULL: there is none,
 * and the record is lost.
 */
static struct vm_event *next_slot_locked(struct vm_process *process)
{
	if (process->event_count == process->event_room && process->event_room < EVENT_ROOM) {
		unsigned room = MAX(8, process->event_room * 2);
		if (grow_ring_locked(process, room))
			process->event_next = process->event_count;
	}
	if (process->event_room == 0)
		return NULL;
	struct vm_event *slot = &process->events[process->event_next];
	process->event_next = (process->event_next + 1) % process->event_room;
	if (process->event_count < process->event_room)
		process->event_count++;
	else
		record_drop_names(&slot->fault);
	return slot;
}

/* Note the signal that the fatal FAULT sends: number, code and address as siginfo has them. */
static void note_signal_locked(struct vm_process *process, const struct vm_fault *fault)
{
	bool bus = fault->kind == VM_FAULT_SIGBUS || fault->kind == VM_FAULT_OOM;

	process->last_address = fault->va;
	process->last_signal = bus ? SIGBUS : SIGSEGV;
	if (bus)
		process->last_code = BUS_ADRERR;
	else if (!vm_is_canonical(fault->va))
		process->last_code = SI_KERNEL;
	else
		process->last_code =
		    fault->kind == VM_FAULT_SEGV_MAPERR ? SEGV_MAPERR : SEGV_ACCERR;
}

/*
 * Count FAULT for the machine, and for PROCESS if it took it: in Linux a fault counts for the task
 * that is running (mm_account_fault). If the stack grew, look at what followed to see whether it
 * was a copy-on-write.
 */
static void count_locked(struct vm_process *process, const struct vm_fault *fault, enum event_by by)
{
	struct vm_counters *count = &process->machine->count;
	enum vm_fault_kind kind = fault->kind == VM_FAULT_STACK_GROW ? fault->then : fault->kind;

	count->faults++;
	count->cow_copies += kind == VM_FAULT_COW_COPY;
	count->cow_reuses += kind == VM_FAULT_COW_REUSE;
	count->major_faults += fault->outcome == VM_MAJOR;
	if (by != EVENT_BY_OTHER)
		*(fault->outcome == VM_MAJOR ? &process->major_faults : &process->minor_faults) +=
		    1;
	if (fault->outcome == VM_FATAL && by == EVENT_BY_PROCESS)
		note_signal_locked(process, fault);
}

/* Put a copy of RECORD, of FILE, in the ring of PROCESS, if there is room. */
static void remember_locked(struct vm_process *process, const struct vm_fault *record, char *file)
{
	struct vm_event *slot = next_slot_locked(process);

	if (slot == NULL)
		return;
	slot->fault = *record;
	slot->fault.file = file;
	record_keep_names(&slot->fault);
}

void event_record_locked(struct vm_process *process, struct vm_fault *fault, enum event_by by,
                         char *file)
{
	fault->pid = process->pid;
	fault->owner = process->cred;
	count_locked(process, fault, by);
	record_tell_locked(process->machine, fault, file);
	if (process->pid != 0 && record_is_wanted_locked(process->machine))
		remember_locked(process, fault, file);
}

void event_record_evict_locked(struct vm_machine *machine, pid_t pid, struct vm_fault *record,
                               char *file)
{
	/* It may have ended while the page was written. */
	struct vm_process *process = pid != 0 ? process_find_locked(machine, pid) : NULL;

	if (record != NULL)
		record_tell_locked(machine, record, file);
	else
		machine->count.seq++;
	if (process == NULL)
		return;
	process->evicted++;
	if (record != NULL)
		remember_locked(process, record, file);
}

uint64_t event_last_locked(const struct vm_process *process)
{
	if (process->event_count == 0)
		return 0;
	unsigned next = process->event_next > 0 ? process->event_next : process->event_room;
	return process->events[next - 1].fault.seq;
}

void event_free(struct vm_process *process)
{
	for (unsigned i = 0; i < process->event_count; i++)
		record_drop_names(&process->events[i].fault);
	g_free(process->events);
	if (process->event_room > 0)
		user_uncharge(process->machine, process->user, VM_NOTES,
		              ring_size(process->event_room));
}

void vm_machine_watch(struct vm_machine *machine, vm_fault_fn fn, void *ctx)
{
	machine_lock(machine);
	machine->watch = fn;
	machine->watch_ctx = ctx;
	machine_unlock(machine);
}

void vm_process_faults(struct vm_process *process, vm_fault_fn fn, void *ctx)
{
	struct vm_machine *machine = process->machine;

	/* FN must not run under the lock, so copy the ring. Without memory nothing is reported. */
	machine_lock(machine);
	unsigned count = process->event_count;
	unsigned first = count < process->event_room || count == 0 ? 0 : process->event_next;
	struct vm_fault *copy = g_try_new(struct vm_fault, MAX(count, 1));
	for (unsigned i = 0; copy != NULL && i < count; i++) {
		copy[i] = process->events[(first + i) % process->event_room].fault;
		record_keep_names(&copy[i]);
	}
	machine_unlock(machine);
	for (unsigned i = 0; copy != NULL && i < count; i++) {
		fn(ctx, &copy[i]);
		record_drop_names(&copy[i]);
	}
	g_free(copy);
}
