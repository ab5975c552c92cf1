/*
 * supervisor.h - what the processor needs beside user code: descriptor tables, and a few
 * instructions of the kernel's, at addresses that only the supervisor may use.
 *
 * They lie in pages of the table region, which a slot of their own in the top-level table of each
 * process maps that ran once:
 *
 *     0xfffffe0000000000   code: for each exception `hlt`, for syscall `hlt`, refresh
 *     0xfffffe0000001000   GDT, TSS
 *     0xfffffe0000002000   IDT
 *     0xfffffe0000003000   the stack that exceptions use
 *     0xfffffe0000004000   the list of entries for refresh
 *     0xfffffe0040000000   the table region itself, in pages of 2 MiB
 *
 * `hlt` gives control to whoever runs the processor.
 */
#ifndef VM_CPU_SUPERVISOR_H
#define VM_CPU_SUPERVISOR_H

#include "vm/internal.h"

#define SUPERVISOR_BASE UINT64_C(0xfffffe0000000000)
#define SUPERVISOR_TABLES (SUPERVISOR_BASE + (UINT64_C(1) << 30))

enum {
	SUPERVISOR_CODE,
	SUPERVISOR_GDT,
	SUPERVISOR_IDT,
	SUPERVISOR_STACK,
	SUPERVISOR_LIST,
	SUPERVISOR_PAGES,
	/* offsets in the page of code */
	CODE_STUB = 16, /* bytes of the stub of one exception */
	CODE_SYSCALL = 0x400,
	CODE_REFRESH = 0x480,
	/* offsets in the page of the GDT */
	GDT_TSS = 0x100,
	/* selectors, those of Linux */
	KERNEL_CS = 0x10,
	KERNEL_DS = 0x18,
	USER32_CS = 0x23,
	USER_DS = 0x2b,
	USER_CS = 0x33,
	TSS_SELECTOR = 0x40,
	EXCEPTIONS = 32,
};

struct supervisor {
	uint32_t pud;   /* number of the table to which the slot points */
	uint32_t first; /* number of the first of the SUPERVISOR_PAGES pages */
	uint32_t pds;   /* number of the first of the tables for SUPERVISOR_TABLES, one a GiB */
};

/* Make the pages. -ENOMEM: no table pages left. */
int supervisor_init_locked(struct vm_machine *machine, struct supervisor *supervisor);

/* Map the first TABLES pages of the table region at SUPERVISOR_TABLES. */
void supervisor_map_tables_locked(struct vm_machine *machine, const struct supervisor *supervisor,
                                  uint64_t tables);

/* Make them part of SPACE, unless they are. */
void supervisor_attach_locked(const struct supervisor *supervisor, const struct vm_space *space);

/* Where page WHICH (SUPERVISOR_) is in the daemon's memory, and for the processor. */
void *supervisor_page(const struct vm_machine *machine, const struct supervisor *supervisor,
                      unsigned which);
static inline uint64_t supervisor_va(unsigned which)
{
	return SUPERVISOR_BASE + (uint64_t)which * VM_PAGE_SIZE;
}

/* The address by which the supervisor reaches entry ID. */
uint64_t supervisor_entry_va(const struct vm_machine *machine, vm_entry_id id);

/* What an exception pushes on the stack, from the lowest address. */
struct exception_frame {
	uint64_t rip, cs, eflags, rsp, ss;
};

/*
 * The frame that exception VECTOR has left on the stack. *ERROR_CODE becomes the one that it has
 * pushed, or 0.
 */
const struct exception_frame *supervisor_frame(const struct vm_machine *machine,
                                               const struct supervisor *supervisor, unsigned vector,
                                               uint64_t *error_code);

#endif
