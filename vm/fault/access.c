/*
 * access.c - accesses by a process: what the MMU does, and the fault handler where the MMU refuses.
 *
 *     lock the process for reading
 *     for each page: walk the tables
 *         permitted      -> set the accessed (dirty) bit, pin the frame
 *         not permitted  -> fault handler, then walk again
 *     use the pinned frames, under the process lock
 *     unpin
 *
 * A write fills its frames under the process lock, so a fork sees all of a piece or nothing of it.
 * The fault handler may drop that lock. So a write fills what it has pinned before each fault.
 */
#include "vm/fault/access.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/base/record.h"
#include "vm/cache/object.h"
#include "vm/fault/fault.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/tlb.h"
#include "vm/process/process.h"
#include "vm/space/area.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* Pages that the longest transfer touches; it need not start at a page. */
enum { MAX_PINS = VM_MAX_TRANSFER / VM_PAGE_SIZE + 1 };

/* Pages that are pinned in one hold of the machine lock. Each takes some 30 ns. */
enum { PIN_BATCH = 16 };

/*
 * Pages that are touched in one hold of the process lock. A range may have any length. Between two
 * holds other threads get to change the process, or to end it.
 */
enum { HOLD_PAGES = 256 };

/* From this many pinned pages on, a write bypasses the caches of the host's processor. */
enum { STREAM_PAGES = 16 };

/* Frames pinned for a transfer, and where in them the bytes lie. */
struct pins {
	uint64_t pfn[MAX_PINS];
	struct iovec iov[MAX_PINS];
	int count;
	size_t bytes;
	uint64_t looked; /* address of the last page that look_for_growth looked at, or 1 */
	bool tlb;        /* the TLB had the translation of the last page */
};

/* --- Pinning ---------------------------------------------------------------------------------- */

/* Why pin_present stopped. */
enum stop {
	STOP_END,   /* all is pinned, or as much as PINS may hold */
	STOP_FAULT, /* a fault is due */
	STOP_GROWN, /* the file may have grown: look_for_growth is due */
};

/*
 * Whether a store up to byte END of the page in PFN ends behind the end of its file, as last
 * seen. Such bytes never get into the file, unless it has grown since.
 */
static bool stores_past_end_locked(const struct vm_machine *machine, uint64_t pfn, uint64_t end)
{
	if (!frame_is_ram(machine, pfn) || machine->frames[pfn].object == NULL)
		return false;
	const struct vm_object *object = machine->frames[pfn].object;
	return !object->shmem && machine->frames[pfn].index == object->size >> VM_PAGE_SHIFT &&
	       end > (object->size & (VM_PAGE_SIZE - 1));
}

static void pins_init(struct pins *pins)
{
	pins->count = 0;
	pins->bytes = 0;
	pins->looked = 1;
}

static void pin_locked(struct vm_machine *machine, struct pins *pins, uint64_t pfn, uint64_t va,
                       size_t len, bool store)
{
	size_t offset = va & (VM_PAGE_SIZE - 1);

	if (frame_is_ram(machine, pfn)) {
		frame_pin_locked(machine, (vm_pfn)pfn);
		machine->frames[pfn].storing = (uint16_t)(machine->frames[pfn].storing + store);
		if (store)
			frame_not_blank_locked(&machine->frames[pfn]);
	}
	pins->pfn[pins->count] = pfn;
	pins->iov[pins->count] =
	    (struct iovec){(uint8_t *)machine_page(machine, pfn) + offset, len};
	pins->count++;
	pins->bytes += len;
}

/*
 * Pin the pages of [VA, VA+LEN) from its start on that ACCESS reaches without a fault, and add them
 * to PINS, until PINS holds LIMIT pages. VA is the address of the first byte in PINS. Returns why
 * it stopped; what is due then is due at VA + pins->bytes.
 *
 * The process is locked for reading. The machine lock is taken and dropped.
 */
static enum stop pin_present(struct vm_process *process, struct pins *pins, uint64_t va, size_t len,
                             enum vm_access access, int limit)
{
	struct vm_machine *machine = process->machine;
	bool store = access == VM_ACCESS_WRITE;
	enum stop stop = STOP_END;

	while (stop == STOP_END && pins->bytes < len && pins->count < limit) {
		machine_lock(machine);
		for (int i = 0; i < PIN_BATCH && pins->bytes < len && pins->count < limit; i++) {
			uint64_t at = va + pins->bytes;
			size_t piece =
			    MIN(len - pins->bytes, VM_PAGE_SIZE - (at & (VM_PAGE_SIZE - 1)));
			uint64_t pfn =
			    pagetable_access_locked(process->space, at, access, &pins->tlb);
			if (pfn == VM_NO_FRAME)
				stop = STOP_FAULT;
			else if (store && page_down(at) != pins->looked &&
			         stores_past_end_locked(machine, pfn, at % VM_PAGE_SIZE + piece))
				stop = STOP_GROWN;
			if (stop != STOP_END)
				break;
			pin_locked(machine, pins, pfn, at, piece, store);
		}
		machine_unlock(machine);
	}
	return stop;
}

/*
 * Unpin all, and empty PINS. WROTE: the pages were written to. Write-back may have cleaned them
 * before the bytes were stored, so they are marked as dirty again.
 */
static void unpin(struct vm_machine *machine, struct pins *pins, bool wrote)
{
	machine_lock(machine);
	for (int i = 0; i < pins->count; i++) {
		if (!frame_is_ram(machine, pins->pfn[i]))
			continue;
		struct vm_frame *frame = &machine->frames[pins->pfn[i]];
		if (wrote && frame->object != NULL)
			object_dirty_locked(frame);
		frame->storing = (uint16_t)(frame->storing - wrote);
		frame_unpin_locked(machine, (vm_pfn)pins->pfn[i]);
	}
	machine_unlock(machine);
	pins->count = 0;
	pins->bytes = 0;
}

/* The access at VA is tried again: the TLB has counted it. PROCESS is locked for reading. */
static void retry(struct vm_process *process, uint64_t va)
{
	machine_lock(process->machine);
	tlb_retry_locked(process->space, va);
	machine_unlock(process->machine);
}

/* How many frames one transfer may pin: a quarter of RAM, at least 1, at most MAX_PINS. */
static int pin_limit(const struct vm_machine *machine)
{
	return (int)CLAMP(machine_ram_pages(machine) / 4, 1, (uint64_t)MAX_PINS);
}

/*
 * Begin an access to *LEN bytes at VA: lock PROCESS for reading, and shorten *LEN so that the range
 * ends at VM_USER_END. -ESRCH: the process has ended, and nothing is locked.
 */
static int begin(struct vm_process *process, uint64_t va, size_t *len)
{
	int error = process_enter(process);

	if (va < VM_USER_END)
		*len = MIN(*len, VM_USER_END - va);
	return error;
}

/* A kept process runs: the signal itself does what it does. */
void access_kill_if_fatal(struct vm_process *process, int error)
{
	if (machine_knob(process->machine, segv_kill) &&
	    !__atomic_load_n(&process->kept, __ATOMIC_RELAXED) &&
	    (error == -EFAULT || error == -EACCES || error == -EIO))
		process_end_by_signal(process, error == -EIO ? SIGBUS : SIGSEGV);
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* The bytes read so far, in one buffer. */
struct copy {
	uint8_t *bytes; /* large enough for the whole read */
	size_t len;
};

/* Append what PINS holds to COPY, and unpin it. */
static void gather(struct vm_machine *machine, struct copy *copy, struct pins *pins)
{
	for (int i = 0; i < pins->count; i++) {
		memcpy(copy->bytes + copy->len, pins->iov[i].iov_base, pins->iov[i].iov_len);
		copy->len += pins->iov[i].iov_len;
	}
	unpin(machine, pins, false);
}

/*
 * The read where frames are few. It pins a few pages at a time, copies them into one buffer, and
 * unpins them. So no frame is pinned while a fault waits for a free one. PINS holds the pages
 * pinned so far, from VA on.
 *
 * On entry the process is locked for reading.
 *
 * => In every case nothing is locked and nothing is pinned on return.
 * => Bytes read, which SINK got; or the error, if there are none.
 */
static ssize_t read_by_copy(struct vm_process *process, struct pins *pins, uint64_t va, size_t len,
                            vm_sink_fn sink, void *ctx)
{
	struct vm_machine *machine = process->machine;
	struct copy copy = {g_try_malloc(len), 0};
	int error = copy.bytes == NULL ? -ENOMEM : 0;

	if (error == 0)
		gather(machine, &copy, pins);
	while (error == 0 && copy.len < len) {
		enum stop stop = pin_present(process, pins, va + copy.len, len - copy.len,
		                             VM_ACCESS_READ, pin_limit(machine));
		gather(machine, &copy, pins);
		/* Drops the process lock where it must wait. The next round walks again. */
		if (stop == STOP_FAULT)
			error = fault_handle(process, va + copy.len, VM_ACCESS_READ, 0, NULL);
	}
	unpin(machine, pins, false);
	process_unlock(process);
	struct iovec iov = {copy.bytes, copy.len};
	if (copy.len > 0)
		sink(ctx, &iov, 1);
	g_free(copy.bytes);
	return copy.len > 0 ? (ssize_t)copy.len : error;
}

/*
 * The read where there are frames enough: pin all pages, and give SINK the frames themselves. That
 * happens under the process lock. Otherwise another thread could unmap the pages, and a process
 * that shared them could come to own them and store to them while they are read. A fault may drop
 * the lock, so if there is one, what was pinned by then is copied.
 *
 * On entry the process is locked for reading.
 *
 * => In every case nothing is locked and nothing is pinned on return.
 * => Bytes read, which SINK got; or the error, if there are none.
 */
static ssize_t read_pinned(struct vm_process *process, struct pins *pins, uint64_t va, size_t len,
                           vm_sink_fn sink, void *ctx)
{
	if (pin_present(process, pins, va, len, VM_ACCESS_READ, MAX_PINS) != STOP_END) {
		retry(process, va + pins->bytes);
		return read_by_copy(process, pins, va, len, sink, ctx);
	}
	sink(ctx, pins->iov, pins->count);
	unpin(process->machine, pins, false);
	process_unlock(process);
	return (ssize_t)len;
}

/* How many pages LEN bytes at VA touch. */
static uint64_t pages_touched(uint64_t va, size_t len)
{
	return ((va & (VM_PAGE_SIZE - 1)) + len + VM_PAGE_SIZE - 1) >> VM_PAGE_SHIFT;
}

ssize_t vm_read(struct vm_process *process, uint64_t va, size_t len, vm_sink_fn sink, void *ctx)
{
	ssize_t result = begin(process, va, &len);
	struct pins pins;

	if (result != 0)
		return result;
	pins_init(&pins);
	/*
	 * On a clock of the machine's own two runs must be equal. What is lent to SINK is still
	 * pinned when the reader has its bytes, so that his next fault might find it in the way.
	 */
	if (pages_touched(va, len) > (uint64_t)pin_limit(process->machine) ||
	    process->machine->config.clock >= 0)
		result = read_by_copy(process, &pins, va, len, sink, ctx);
	else
		result = read_pinned(process, &pins, va, len, sink, ctx);
	access_kill_if_fatal(process, (int)MIN(result, 0));
	return result;
}

/* --- Writing ---------------------------------------------------------------------------------- */

/*
 * Look how long the file of the page at VA is now, and remember in PINS that this page was looked
 * at.
 *
 * The process is locked for reading on entry and on return, but the lock is dropped meanwhile.
 * -ESRCH: the process has ended.
 */
static int look_for_growth(struct vm_process *process, struct pins *pins, uint64_t va)
{
	const struct vm_area *area = area_at(process->space, va);
	struct vm_file *file = vm_file_ref(area->file);
	uint64_t index = area_index(area, va);
	enum object_source source;
	vm_pfn pfn;

	pins->looked = page_down(va);
	process_unlock(process);
	if (object_page_in(file, index, &pfn, &source) == 0) {
		machine_lock(file->machine);
		frame_unpin_locked(file->machine, pfn);
		machine_unlock(file->machine);
	}
	vm_file_unref(file);
	process_read_lock(process);
	if (process->space == NULL)
		return -ESRCH;
	retry(process, va);
	return 0;
}

/* Fill the frames of PINS with the bytes from FROM on, and unpin them. */
static void copy_in(struct vm_machine *machine, struct pins *pins, const uint8_t *from)
{
	for (int i = 0; i < pins->count; i++) {
		if (pins->iov[i].iov_len == VM_PAGE_SIZE && pins->count >= STREAM_PAGES)
			memory_copy_page(pins->iov[i].iov_base, from);
		else
			memory_copy(pins->iov[i].iov_base, from, pins->iov[i].iov_len);
		from += pins->iov[i].iov_len;
	}
	unpin(machine, pins, true);
}

/*
 * A fault of ACCESS at VA. TELL, unless NULL, gets its record in place of the one before it, with a
 * references to its names.
 */
static int take_fault(struct vm_process *process, uint64_t va, enum vm_access access,
                      struct vm_fault *tell)
{
	if (tell != NULL)
		record_drop_names(tell);
	return fault_handle(process, va, access, 0, tell);
}

/* PINS holds what an access reached. Unless it took a fault, that is what TELL (or NULL) tells. */
static void note_hit(struct vm_fault *tell, const struct pins *pins)
{
	if (tell == NULL || tell->outcome != VM_HIT || pins->count == 0)
		return;
	tell->frame = pins->pfn[0];
	tell->tlb = pins->tlb;
}

/* vm_write. TELL, unless NULL, is the record of a hit, for LEN bytes in one page. */
static ssize_t write_bytes(struct vm_process *process, uint64_t va, const uint8_t *buf, size_t len,
                           struct vm_fault *tell)
{
	int limit = pin_limit(process->machine);
	struct pins pins;
	size_t done = 0;
	int error = begin(process, va, &len);

	if (error != 0)
		return error;
	pins_init(&pins);
	while (error == 0 && done < len) {
		enum stop stop =
		    pin_present(process, &pins, va + done, len - done, VM_ACCESS_WRITE, limit);
		size_t bytes = pins.bytes;
		note_hit(tell, &pins);
		/* Before the fault: it may drop the process lock, and a fork may come in. */
		copy_in(process->machine, &pins, buf + done);
		done += bytes;
		if (stop == STOP_FAULT)
			error = take_fault(process, va + done, VM_ACCESS_WRITE, tell);
		else if (stop == STOP_GROWN)
			error = look_for_growth(process, &pins, va + done);
	}
	process_unlock(process);
	if (done == 0)
		access_kill_if_fatal(process, error);
	return done > 0 ? (ssize_t)done : error;
}

/* vm_load. TELL is the record of a hit. */
static ssize_t load_bytes(struct vm_process *process, uint64_t va, void *buf, size_t len,
                          struct vm_fault *tell)
{
	struct pins pins;
	size_t done = 0;
	int error = begin(process, va, &len);

	if (error != 0)
		return error;
	pins_init(&pins);
	while (error == 0 && done == 0) {
		enum stop stop = pin_present(process, &pins, va, len, VM_ACCESS_READ, 1);
		note_hit(tell, &pins);
		done = pins.bytes;
		if (done > 0)
			memcpy(buf, pins.iov[0].iov_base, done);
		unpin(process->machine, &pins, false);
		if (stop == STOP_FAULT)
			error = take_fault(process, va, VM_ACCESS_READ, tell);
	}
	process_unlock(process);
	access_kill_if_fatal(process, error);
	return done > 0 ? (ssize_t)done : error;
}

ssize_t vm_write(struct vm_process *process, uint64_t va, const void *buf, size_t len)
{
	return write_bytes(process, va, buf, len, NULL);
}

/* RESULT of an access is known: give FN its record, and release what that holds. */
static ssize_t tell_outcome(struct vm_fault *record, ssize_t result, vm_fault_fn fn, void *ctx)
{
	if (result != -ESRCH)
		fn(ctx, record);
	record_drop_names(record);
	return result;
}

ssize_t vm_load(struct vm_process *process, uint64_t va, void *buf, size_t len, vm_fault_fn fn,
                void *ctx)
{
	struct vm_fault record = record_unknown(va, VM_ACCESS_READ);

	record.pid = process->pid;
	ssize_t result = load_bytes(process, va, buf, len, &record);
	return tell_outcome(&record, result, fn, ctx);
}

ssize_t vm_store(struct vm_process *process, uint64_t va, const void *buf, size_t len,
                 vm_fault_fn fn, void *ctx)
{
	struct vm_fault record = record_unknown(va, VM_ACCESS_WRITE);

	record.pid = process->pid;
	ssize_t result = write_bytes(process, va, buf, len, &record);
	return tell_outcome(&record, result, fn, ctx);
}

/* --- Accesses without data -------------------------------------------------------------------- */

/* The access at VA, if it needs no fault: its frame, or VM_NO_FRAME. *TLB: the TLB had it. */
static uint64_t try_access(struct vm_process *process, uint64_t va, enum vm_access access,
                           bool *tlb)
{
	machine_lock(process->machine);
	uint64_t pfn = pagetable_access_locked(process->space, va, access, tlb);
	machine_unlock(process->machine);
	return pfn;
}

/*
 * Take faults at VA until the access hits: between a fault and the access the page may have been
 * evicted. RECORD gets the last fault, with references to its names.
 *
 * The process is locked for reading on entry and on return, but the lock may have been dropped.
 * Errors as fault_handle's; with -ESRCH only the names are set, to NULL.
 */
static int access_by_faults(struct vm_process *process, uint64_t va, enum vm_access access,
                            unsigned flags, struct vm_fault *record)
{
	int error;
	bool tlb;

	record->file = record->other.file = NULL;
	do {
		record_drop_names(record);
		error = fault_handle(process, va, access, flags, record);
	} while (error == 0 && try_access(process, va, access, &tlb) == VM_NO_FRAME);
	return error;
}

/* The access at VA hit frame PFN, by the TLB or not: report that to FN. */
static void report_hit(const struct vm_process *process, uint64_t va, enum vm_access access,
                       uint64_t pfn, bool tlb, vm_fault_fn fn, void *ctx)
{
	struct vm_fault record = record_unknown(va, access);

	record.pid = process->pid;
	record.frame = pfn;
	record.tlb = tlb;
	fn(ctx, &record);
}

/* The access at VA faults: until it hits or fails. FN, unless NULL, gets the last fault. */
static int access_and_report(struct vm_process *process, uint64_t va, enum vm_access access,
                             unsigned flags, vm_fault_fn fn, void *ctx)
{
	struct vm_fault record;
	int error = access_by_faults(process, va, access, flags, &record);

	if (error == -ESRCH)
		return error;
	if (fn != NULL)
		fn(ctx, &record);
	record_drop_names(&record);
	return error;
}

/*
 * One access at VA. FN, unless NULL, gets its outcome, also if it is fatal. Locks and errors as
 * fault_handle.
 */
static int access_one(struct vm_process *process, uint64_t va, enum vm_access access,
                      unsigned flags, vm_fault_fn fn, void *ctx)
{
	bool tlb;
	uint64_t pfn = try_access(process, va, access, &tlb);

	if (pfn == VM_NO_FRAME)
		return access_and_report(process, va, access, flags, fn, ctx);
	if (fn != NULL)
		report_hit(process, va, access, pfn, tlb, fn, ctx);
	return 0;
}

/*
 * One access to each page of [VA, VA+LEN), up to the first that fails. FLAGS are fault_handle's.
 * No lock is held on entry or on return. FN is called with the process locked for reading.
 */
static int access_pages(struct vm_process *process, uint64_t va, uint64_t len,
                        enum vm_access access, unsigned flags, vm_fault_fn fn, void *ctx)
{
	uint64_t last = va + MIN(len - 1, UINT64_MAX - va);
	int error = process_enter(process);

	for (unsigned pages = 1; error == 0; pages++) {
		error = access_one(process, va, access, flags, fn, ctx);
		if (error != 0 || page_down(last) == page_down(va)) {
			process_unlock(process);
			break;
		}
		va = page_down(va) + VM_PAGE_SIZE;
		/* Let others in. The areas may change, and the process may end. */
		if (pages % HOLD_PAGES == 0) {
			process_unlock(process);
			error = vm_interrupted() ? -EINTR : process_enter(process);
		}
	}
	return error;
}

int access_range(struct vm_process *process, uint64_t va, uint64_t len, enum vm_access access)
{
	return access_pages(process, va, len, access, FAULT_FOR_KERNEL, NULL, NULL);
}

int access_populate(struct vm_process *process, uint64_t va, uint64_t len, unsigned flags)
{
	bool write = (flags & (AREA_WRITE | AREA_SHARED)) == AREA_WRITE;

	if (!(flags & AREA_ACCESS))
		return -EFAULT;
	return access_range(process, va, len, write ? VM_ACCESS_WRITE : VM_ACCESS_READ);
}

int vm_access(struct vm_process *process, uint64_t va, uint64_t len, enum vm_access access,
              vm_fault_fn fn, void *ctx)
{
	int error = access_pages(process, va, len, access, 0, fn, ctx);

	access_kill_if_fatal(process, error);
	return error;
}
